import Dispatch
import Foundation

/// The queue on which cards are spoken to: one at a time, never a thread of Swift's cooperative pool.
public enum CardQueue {
    /// Where `CardTransport.transceive` is called.
    public static let shared = DispatchQueue(label: "org.kazasu.card", qos: .userInitiated)

    private static let occupied = Flag()

    /// Runs `body` on the queue. While another one runs it fails with `Busy` instead of waiting.
    static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        guard occupied.raise() else { throw KazasuError.Busy }
        return try await withCheckedThrowingContinuation { continuation in
            shared.async {
                let outcome = Result { try typed(body) }
                occupied.lower()
                continuation.resume(with: outcome)
            }
        }
    }
}

/// Turns whatever `body` throws into a `KazasuError`. A panic's text may hold anything and is dropped.
func typed<T>(_ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let error as KazasuError {
        throw error
    } catch let error as TransportError {
        throw KazasuError.Transport(error: error)
    } catch DeviceKeyError.Failed(let detail) {
        throw KazasuError.DeviceKey(detail: detail)
    } catch DeviceKeyError.Missing {
        throw KazasuError.DeviceKey(detail: "there is no such key")
    } catch is CancellationError {
        throw KazasuError.Transport(error: .Cancelled)
    } catch {
        throw KazasuError.Internal(detail: "a fault inside the library")
    }
}

/// One bit that only one caller can raise.
private final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var raised = false

    func raise() -> Bool {
        lock.lock()
        defer { lock.unlock() }
        guard !raised else { return false }
        raised = true
        return true
    }

    func lower() {
        lock.lock()
        defer { lock.unlock() }
        raised = false
    }
}
