/// What CoreNFC's error codes mean for a tap. Plain numbers, so that it is tested where there is no CoreNFC.
enum NfcFault {
    /// The code of Apple's `NFCErrorDomain` as the core wants it.
    static func transportError(code: Int) -> TransportError {
        switch code {
        case 1, 6: return .Unavailable // unsupported, radio off
        case 2: return .Failed(detail: "CoreNFC 2: entitlement TAG or the list of AIDs is missing")
        case 100, 101, 102, 104: return .TagLost // connection lost, retries used up, no answer, not connected
        case 103, 200: return .Cancelled // session invalidated, closed by the user
        case 201: return .Timeout // nobody held a card
        case 202: return .TagLost // the system ended the session, as it does when the app goes to the background
        default: return .Failed(detail: "CoreNFC \(code)")
        }
    }

    /// The same for a command that was not sent, because the session had ended.
    static func notSent(_ end: TransportError) -> TransportError {
        switch end {
        case .TagLost: return .NotSent(end: .tagLost)
        case .Timeout: return .NotSent(end: .timeout)
        case .Unavailable: return .NotSent(end: .unavailable)
        case .Cancelled: return .NotSent(end: .cancelled)
        case .NotSent, .Failed: return end
        }
    }

    /// Whether the user or the app closed the link, during a command or before it.
    static func isClosing(_ error: any Error) -> Bool {
        switch error {
        case KazasuError.Transport(error: .Cancelled), KazasuError.Transport(error: .NotSent(end: .cancelled)): return true
        default: return false
        }
    }
}
