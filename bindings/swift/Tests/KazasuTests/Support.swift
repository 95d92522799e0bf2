import Crypto
import Foundation
import Kazasu

/// A P-256 key in memory: never in an app.
final class MemoryKey: DeviceKey, @unchecked Sendable {
    private let key = P256.Signing.PrivateKey()

    func publicKey() throws -> Data { key.publicKey.x963Representation }

    func signSha256(message: Data) throws -> Data { try key.signature(for: message).derRepresentation }
}

/// Something the library does not know.
struct Surprise: Error {}

/// A link that throws what it did not declare.
final class SurprisingLink: CardTransport {
    func transceive(command: Data) throws -> Data { throw Surprise() }

    func limits() throws -> TransportLimits { TransportLimits(maxCommand: 261, maxResponse: 258) }
}

/// A link whose card never answers, until it is closed.
final class SilentLink: CancellableTransport, @unchecked Sendable {
    let reached = DispatchSemaphore(value: 0)
    private let closed = DispatchSemaphore(value: 0)

    func transceive(command: Data) throws -> Data {
        dispatchPrecondition(condition: .onQueue(CardQueue.shared))
        reached.signal()
        closed.wait()
        throw TransportError.Cancelled
    }

    func limits() throws -> TransportLimits { TransportLimits(maxCommand: 261, maxResponse: 258) }

    func cancel() { closed.signal() }

    /// Returns once the library waits for the card.
    func waitUntilReached() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                self.reached.wait()
                continuation.resume()
            }
        }
    }
}

/// The steps of a tap, as they come.
final class Recorder: @unchecked Sendable {
    private let lock = NSLock()
    private var seen: [TapStep] = []

    var steps: [TapStep] {
        lock.lock()
        defer { lock.unlock() }
        return seen
    }

    func add(_ step: TapStep) {
        lock.lock()
        defer { lock.unlock() }
        seen.append(step)
    }
}

/// What `kazasu-sandbox --config-out` wrote to the file named by KAZASU_CONFIG.
func sandboxConfig() throws -> BackendConfig {
    struct File: Decodable {
        struct Notice: Decodable { let id, text: String }
        let issuer, fhir_base, client_id, pins_not_after: String
        let tls_roots, card_roots, pins: [String]
        let notice: Notice
        let scope: String?
        let consents: [String]?
    }
    guard let path = ProcessInfo.processInfo.environment["KAZASU_CONFIG"] else { throw Surprise() }
    let url = URL(fileURLWithPath: path)
    let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
    let root = { (name: String) throws -> Data in
        let pem = try String(contentsOf: url.deletingLastPathComponent().appendingPathComponent(name), encoding: .utf8)
        let base64 = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        guard let der = Data(base64Encoded: base64) else { throw Surprise() }
        return der
    }
    return BackendConfig(
        issuer: file.issuer, fhirBase: file.fhir_base, clientId: file.client_id,
        tlsRoots: try file.tls_roots.map(root), cardRoots: try file.card_roots.map(root),
        pins: file.pins, pinsNotAfter: file.pins_not_after,
        noticeId: file.notice.id, noticeText: file.notice.text,
        scope: file.scope, consents: file.consents ?? []
    )
}

func pin(_ digits: String) -> PinEntry {
    var bytes = Array(digits.utf8)
    return PinEntry(wiping: &bytes)
}
