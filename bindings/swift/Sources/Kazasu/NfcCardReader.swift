#if canImport(CoreNFC) && os(iOS)
@preconcurrency import CoreNFC
import Foundation

/// The texts of the system's NFC sheet, in the user's language.
public struct NfcPrompts: Sendable {
    /// Asks for the card.
    public var hold: String
    /// Two cards are in the field.
    public var oneCard: String
    /// What the sheet shows after a step; `nil` leaves it as it is.
    public var step: @Sendable (TapStep) -> String?

    public init(hold: String, oneCard: String, step: @escaping @Sendable (TapStep) -> String? = { _ in nil }) {
        self.hold = hold
        self.oneCard = oneCard
        self.step = step
    }
}

/// One NFC session: shows the system's sheet and waits for one My Number card. Serves once.
public final class NfcCardReader: NSObject, NFCTagReaderSessionDelegate, @unchecked Sendable {
    /// The five application identifiers an app lists in its Info.plist, in hex.
    public static let applicationIdentifiers = [
        "D392F000260100000001", // JPKI
        "D3921000310001010408", // text-input support
        "D3921000310001010402", // surface
        "D3921000310001010100", // common
        "D3921000310001010401", // resident register
    ]

    private let prompts: NfcPrompts
    private let limits: TransportLimits
    private let queue = DispatchQueue(label: "org.kazasu.nfc")
    private let lock = NSLock()
    private var session: NFCTagReaderSession?
    private var waiting: CheckedContinuation<NfcTagTransport, any Error>?
    private var transport: NfcTagTransport?
    private var ended: TransportError?

    /// - Parameter limits: The longest APDUs to send and expect; ``TransportLimits/short`` where longer ones fail, which the SDK
    ///   mostly finds out by itself.
    public init(prompts: NfcPrompts, limits: TransportLimits = NfcTagTransport.longest) {
        self.prompts = prompts
        self.limits = limits
    }

    /// Whether this device reads cards at all.
    public static var isAvailable: Bool { NFCTagReaderSession.readingAvailable }

    /// Shows the sheet and returns once a card is connected. Cancelling the task closes the sheet.
    ///
    /// - Throws: `KazasuError.Transport`: `Unavailable` without NFC, `Timeout` after the system's minute, `Cancelled`.
    public func open() async throws -> NfcTagTransport {
        guard Self.isAvailable else { throw KazasuError.Transport(error: .Unavailable) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { start($0) }
        } onCancel: {
            cancel()
        }
    }

    /// Closes the sheet without a mark. A call that waits ends with `Cancelled`.
    public func cancel() {
        finish(.Cancelled)?.invalidate()
    }

    /// Closes the sheet with the check mark and `message`; the card may leave.
    public func close(message: String? = nil) {
        guard let session = finish(.Cancelled) else { return }
        if let message { session.alertMessage = message }
        session.invalidate()
    }

    /// Closes the sheet with the exclamation mark and `message`.
    public func close(failure message: String) {
        finish(.Cancelled)?.invalidate(errorMessage: message)
    }

    /// Changes what the sheet says.
    public func show(_ step: TapStep) {
        guard let text = prompts.step(step) else { return }
        locked { session }?.alertMessage = text
    }

    /// Why the session is over, if it is.
    var end: TransportError? { locked { ended } }

    private func start(_ continuation: CheckedContinuation<NfcTagTransport, any Error>) {
        let refused: TransportError? = locked {
            if let ended { return ended }
            guard session == nil, waiting == nil else { return .Failed(detail: "a reader serves once") }
            guard let new = NFCTagReaderSession(pollingOption: .iso14443, delegate: self, queue: queue) else {
                return .Unavailable
            }
            new.alertMessage = prompts.hold
            session = new
            waiting = continuation
            return nil
        }
        if let reason = refused {
            continuation.resume(throwing: KazasuError.Transport(error: reason))
        } else {
            locked { session }?.begin()
        }
    }

    /// Marks the session as over, tells whoever waits, and hands it out for closing. Only the first call does anything.
    private func finish(_ error: TransportError) -> NFCTagReaderSession? {
        lock.lock()
        let (open, caller, link) = (session, waiting, transport)
        if ended == nil { ended = error }
        session = nil
        waiting = nil
        transport = nil
        lock.unlock()
        caller?.resume(throwing: KazasuError.Transport(error: error))
        link?.end(error)
        return open
    }

    private func locked<T>(_ body: () -> T) -> T {
        lock.lock()
        defer { lock.unlock() }
        return body()
    }

    // MARK: NFCTagReaderSessionDelegate

    public func tagReaderSessionDidBecomeActive(_ session: NFCTagReaderSession) {}

    public func tagReaderSession(_ session: NFCTagReaderSession, didInvalidateWithError error: any Error) {
        _ = finish(NfcFault.transportError(code: (error as NSError).code))
    }

    public func tagReaderSession(_ session: NFCTagReaderSession, didDetect tags: [NFCTag]) {
        guard tags.count == 1, let found = tags.first else {
            session.alertMessage = prompts.oneCard
            session.restartPolling()
            return
        }
        guard case .iso7816(let tag) = found else {
            session.restartPolling()
            return
        }
        session.connect(to: found) { [self] error in
            guard error == nil else {
                session.restartPolling()
                return
            }
            deliver(NfcTagTransport(tag: tag, reader: self, limits: limits))
        }
    }

    private func deliver(_ link: NfcTagTransport) {
        let caller = locked {
            let caller = waiting
            waiting = nil
            if caller != nil { transport = link }
            return caller
        }
        caller?.resume(returning: link)
    }
}

extension KazasuSession {
    /// Shows the NFC sheet, waits for the card, and taps; see ``tap(_:pin:lastAttempt:onStep:)``.
    ///
    /// The sheet closes as soon as the card has signed. Cancelling the task closes it too.
    public func tap(
        pin: PinEntry,
        lastAttempt: LastAttempt = .refuse,
        prompts: NfcPrompts,
        limits: TransportLimits = NfcTagTransport.longest,
        language: Language = .preferred,
        onStep: (@Sendable (TapStep) -> Void)? = nil
    ) async throws -> TapResult {
        let reader = NfcCardReader(prompts: prompts, limits: limits)
        do {
            let transport = try await reader.open()
            let result = try await tap(transport, pin: pin, lastAttempt: lastAttempt) { step in
                reader.show(step)
                onStep?(step)
            }
            reader.close()
            return result
        } catch {
            if NfcFault.isClosing(error) {
                pin.wipe()
            } else if let error = error as? KazasuError {
                reader.close(failure: error.userText(language: language))
            }
            reader.cancel()
            throw error
        }
    }
}
#endif
