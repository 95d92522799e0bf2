import Dispatch
import Foundation

/// One call that waits for the server and ends when its task is cancelled; whatever comes late ends none after it.
final class ServerCall: @unchecked Sendable {
    /// Concurrent, so that a second call of one session meets `Busy` and not a queue.
    private static let queue = DispatchQueue(label: "org.kazasu.network", qos: .userInitiated, attributes: .concurrent)

    private let session: Session
    private let lock = NSLock()
    private var isRunning = false
    private var isCancelled = false

    init(_ session: Session) {
        self.session = session
    }

    func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                Self.queue.async {
                    continuation.resume(with: Result { try self.runHere(body) })
                }
            }
        } onCancel: {
            cancel()
        }
    }

    private func runHere<T>(_ body: () throws -> T) throws -> T {
        guard begin() else { throw KazasuError.Cancelled }
        defer { end() }
        return try typed(body)
    }

    /// Does not block.
    private func cancel() {
        locked {
            isCancelled = true
            if isRunning { session.cancel() }
        }
    }

    private func begin() -> Bool {
        locked {
            isRunning = !isCancelled
            return isRunning
        }
    }

    private func end() {
        locked {
            isRunning = false
            if isCancelled { session.rearm() }
        }
    }

    private func locked<T>(_ body: () -> T) -> T {
        lock.lock()
        defer { lock.unlock() }
        return body()
    }
}
