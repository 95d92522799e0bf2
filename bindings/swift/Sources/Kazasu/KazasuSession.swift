import Foundation

/// One qualification of one member: ``Kazasu/begin(member:deviceKey:)`` → tap → ``finish()``.
///
/// At most one call runs at a time; a second one fails with `Busy`. Everything thrown is a `KazasuError`: `Cancelled` where the
/// task was cancelled while it waited for the server, within a tenth of a second.
public final class KazasuSession: Sendable {
    private let session: Session

    init(_ session: Session) {
        self.session = session
    }

    func begin() async throws {
        let session = session
        try await ServerCall(session).run { try session.begin() }
    }

    /// Fetches a new nonce if the present one is nearly over. Call it when the PIN was typed slowly; it mostly costs nothing.
    public func renew() async throws {
        let session = session
        try await ServerCall(session).run { try session.renew() }
    }

    /// Reads and checks the certificate, sends the PIN once and has the card sign. Uses no network.
    ///
    /// After a failure the session waits for another tap. `pin` is wiped if it was sent, or may have been; otherwise it serves
    /// another tap within its minute. Cancelling the task closes a ``CancellableTransport``.
    ///
    /// - Parameters:
    ///   - lastAttempt: `.allow` only after the user was told that one try is left and agreed.
    ///   - onStep: Told each step, on ``CardQueue``.
    public func tap(
        _ transport: any CardTransport,
        pin: PinEntry,
        lastAttempt: LastAttempt = .refuse,
        onStep: (@Sendable (TapStep) -> Void)? = nil
    ) async throws -> TapResult {
        let session = session
        defer { if session.pinWasSent() { pin.wipe() } }
        return try await cancelling(transport) {
            try pin.withData {
                try session.tap(transport: transport, pin: $0, lastAttempt: lastAttempt, progress: onStep.map(Steps.init))
            }
        }
    }

    /// What the card has shown by the end of the last tap, of one that failed too: keep it with the member
    /// (``FamilyStore/setCapabilities(_:of:)``), so that the next session does without what broke this one. `nil` before a tap.
    public var capabilities: CardCapabilities? { session.capabilities() }

    /// Sends the assertion and asks for the eligibility. May be called again after a failure, or cancelled, within a minute of
    /// the tap.
    public func finish() async throws -> EligibilityResult {
        let session = session
        return try await ServerCall(session).run { try session.finish() }
    }

    /// Reads records of one kind, after ``finish()``, which cannot be called again then. `since` (`YYYY-MM-DD`) leaves out what is
    /// older, as far as the server can search for that.
    public func fetchRecords(_ kind: RecordKind, since: String? = nil) async throws -> FetchedRecords {
        let session = session
        return try await ServerCall(session).run { try session.fetchRecords(kind: kind, since: since) }
    }

    /// Whom the server calls the card's holder, for ``FamilyStore``. After ``finish()``, which cannot be called again then.
    public func serverPatient() async throws -> ServerPatient {
        let session = session
        return try await ServerCall(session).run { try session.serverPatient() }
    }

    /// What the server said the time is, for ``FamilyStore``. After ``finish()``, which cannot be called again then.
    public func confirmedTimeUnixMs() async throws -> Int64? {
        let session = session
        return try await ServerCall(session).run { try session.confirmedTimeUnixMs() }
    }

    /// What ``finish()`` was answered, as FHIR R4 JSON, for ``FamilyStore``; `nil` before that. Personal: it belongs in no log.
    public var answerJson: String? { session.answerJson() }
}

/// Hands the steps on.
private final class Steps: ProgressListener {
    private let handler: @Sendable (TapStep) -> Void

    init(_ handler: @escaping @Sendable (TapStep) -> Void) {
        self.handler = handler
    }

    func onStep(step: TapStep) throws {
        handler(step)
    }
}
