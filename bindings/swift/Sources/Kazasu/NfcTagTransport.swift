#if canImport(CoreNFC) && os(iOS)
@preconcurrency import CoreNFC
import Foundation

/// The link to a card that iOS has connected, as ``NfcCardReader/open()`` returns it.
///
/// Calls block on ``CardQueue``; CoreNFC answers on the session's own queue, which must be another one.
public final class NfcTagTransport: CancellableTransport, @unchecked Sendable {
    private let tag: any NFCISO7816Tag
    private let reader: NfcCardReader
    private let timeout: DispatchTimeInterval
    private let longest: TransportLimits
    private let lock = NSLock()
    private var pending: Reply?

    init(
        tag: any NFCISO7816Tag,
        reader: NfcCardReader,
        limits: TransportLimits = NfcTagTransport.longest,
        timeout: DispatchTimeInterval = .seconds(5)
    ) {
        self.tag = tag
        self.reader = reader
        self.longest = limits
        self.timeout = timeout
    }

    public func transceive(command: Data) throws -> Data {
        dispatchPrecondition(condition: .onQueue(CardQueue.shared))
        guard let apdu = NFCISO7816APDU(data: command) else { throw TransportError.Failed(detail: "malformed APDU") }
        let reply = Reply()
        lock.lock()
        pending = reply
        lock.unlock()
        // After `pending` is set: an end of the session is seen either here or by `end(_:)`.
        if let end = reader.end { throw NfcFault.notSent(end) }
        tag.sendCommand(apdu: apdu) { [reader] body, sw1, sw2, error in
            if let error {
                reply.set(.failure(reader.end ?? NfcFault.transportError(code: (error as NSError).code)))
            } else {
                reply.set(.success(body + [sw1, sw2]))
            }
        }
        return try reply.wait(timeout: timeout)
    }

    /// Extended lengths, below the 1694 bytes at which replies were seen to fail on old systems.
    public static let longest = TransportLimits(maxCommand: 1693, maxResponse: 1693)

    /// Those that ``NfcCardReader`` was made with.
    public func limits() throws -> TransportLimits { longest }

    public func cancel() {
        reader.cancel()
    }

    /// The session is over: whoever waits is told why.
    func end(_ error: TransportError) {
        lock.lock()
        let waiting = pending
        lock.unlock()
        waiting?.set(.failure(error))
    }
}

/// A box for one answer and the semaphore that says it is there. The first answer counts.
private final class Reply: @unchecked Sendable {
    private let arrived = DispatchSemaphore(value: 0)
    private let lock = NSLock()
    private var answer: Result<Data, TransportError>?

    func set(_ new: Result<Data, TransportError>) {
        lock.lock()
        defer { lock.unlock() }
        guard answer == nil else { return }
        answer = new
        arrived.signal()
    }

    func wait(timeout: DispatchTimeInterval) throws -> Data {
        guard arrived.wait(timeout: .now() + timeout) == .success else { throw TransportError.Timeout }
        lock.lock()
        defer { lock.unlock() }
        guard let answer else { throw TransportError.Failed(detail: "no answer") }
        return try answer.get()
    }
}
#endif
