import Foundation
@_exported import KazasuFFI

/// A backend, ready for qualifications. Holds no connection and no secret; keep one for the life of the app.
public struct Kazasu: Sendable {
    private let client: QualifyClient

    /// Checks the configuration; no I/O.
    ///
    /// - Parameter clientKey: The key by which this installation signs in, for servers that exchange a card's assertion for a
    ///   token. It is none of the members' device keys.
    /// - Throws: `KazasuError.Usage` for a setting that cannot be used.
    public init(config: BackendConfig, language: Language = .preferred, clientKey: (any DeviceKey)? = nil) throws {
        let client = try typed { try QualifyClient(config: config, language: language) }
        self.client = clientKey.map { client.withClientKey(clientKey: $0) } ?? client
    }

    /// Connects and fetches a nonce: call it while the PIN is typed, before asking for the card.
    ///
    /// - Parameters:
    ///   - member: The person whose card is read; give the certificate of an earlier tap, and another card is refused
    ///     before any PIN is sent.
    ///   - deviceKey: This person's key on this device for this backend, see ``SecureEnclaveDeviceKey``.
    /// - Throws: `KazasuError`; `Cancelled` if the task was cancelled: nothing more is sent then, and the connection is closed.
    public func begin(member: Member, deviceKey: any DeviceKey) async throws -> KazasuSession {
        let session = KazasuSession(client.session(member: member, deviceKey: deviceKey))
        try await session.begin()
        return session
    }

    /// Asks a card for the tries left of the user-authentication PIN. Costs no try.
    public static func attemptsLeft(on transport: any CardTransport) async throws -> PinAttempts {
        try await cancelling(transport) { try readAttemptsLeft(transport: transport) }
    }

    /// Reads what a card says of itself. Needs no PIN.
    public static func cardInfo(on transport: any CardTransport) async throws -> CardInfo {
        try await cancelling(transport) { try readCardInfo(transport: transport) }
    }
}

/// A link that can be closed from another thread; a call waiting on it then ends with `Cancelled`, every later one with
/// `NotSent`.
public protocol CancellableTransport: CardTransport {
    /// Closes the link for good. Does not block; closing twice is fine.
    func cancel()
}

/// Runs `body` on ``CardQueue`` and closes the link when the task is cancelled.
func cancelling<T: Sendable>(
    _ transport: any CardTransport,
    _ body: @escaping @Sendable () throws -> T
) async throws -> T {
    if Task.isCancelled { throw KazasuError.Transport(error: .Cancelled) }
    return try await withTaskCancellationHandler {
        try await CardQueue.run(body)
    } onCancel: {
        (transport as? any CancellableTransport)?.cancel()
    }
}

extension Language {
    /// Japanese where it is the user's first language, otherwise English.
    public static var preferred: Language {
        Locale.preferredLanguages.first?.hasPrefix("ja") == true ? .japanese : .english
    }
}
