import Dispatch
import Foundation

/// A key that the key store makes when it is first used.
public protocol MadeAtFirstUse: DeviceKey {
    /// The same key, which throws `DeviceKeyError.Missing` where there is none.
    func onlyIfThere() -> any DeviceKey
}

/// The family's encrypted store: at most five members, their cards, checks, records and payments, and a log of who looked at
/// what.
///
/// ```swift
/// let support = FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)[0]
/// let store = try await FamilyStore.open(
///     in: support.appendingPathComponent("Kazasu"), keyWrapper: SecureEnclaveKeyWrapper(),
///     logKey: SecureEnclaveLogKey()
/// )
/// ```
///
/// One file is open once: a second `open` fails with `Busy`, and so does a second call while one runs. A call that has begun is
/// not ended by cancelling its task. Everything thrown is a `KazasuError`. What the store returns is personal and belongs in no
/// log.
public final class FamilyStore: Sendable {
    /// Concurrent, so that a second call of one store meets `Busy` and not a queue.
    private static let queue = DispatchQueue(label: "org.kazasu.store", qos: .userInitiated, attributes: .concurrent)

    private let store: Store

    private init(_ store: Store) {
        self.store = store
    }

    /// Opens the store, or makes it where there is no file and no `anchor` says that there was one.
    ///
    /// Makes `folder` if it is missing, leaves it out of backups, and has iOS lock its files with the device
    /// (`NSFileProtectionComplete`). Open the store in the foreground, and let go of it in the background.
    ///
    /// - Parameters:
    ///   - folder: A folder for nothing else.
    ///   - logKey: Signs the log, and serves nothing else. One that is ``MadeAtFirstUse`` is made with the store alone.
    ///   - anchor: `Checkpoint.bytes` of a checkpoint kept elsewhere: an older store is refused.
    ///   - isAnchorKept: Whether one is kept from the first opening on: then a store without it is refused.
    /// - Throws: `KazasuError.Store` (`KZ-L01`): locked, key missing, damaged, rolled back, newer, or the file system; `KZ-L02`:
    ///   the device was replaced, and everybody is to be registered anew; `DeviceKey` when a key store fails otherwise; `Busy` while the file is open.
    public static func open(
        in folder: URL,
        keyWrapper: any KeyWrapper,
        logKey: any DeviceKey,
        anchor: Data? = nil,
        isAnchorKept: Bool = false
    ) async throws -> FamilyStore {
        try await run {
            let file = try prepare(folder)
            let isThere = anchor != nil || FileManager.default.fileExists(atPath: file.path)
            let key = isThere ? (logKey as? any MadeAtFirstUse)?.onlyIfThere() ?? logKey : logKey
            let settings = StoreSettings(path: file.path, anchor: anchor, isAnchorKept: isAnchorKept)
            return FamilyStore(try Store.openOrCreate(settings: settings, keyWrapper: keyWrapper, logKey: key))
        }
    }

    // MARK: Members

    /// Fails with `TooManyMembers` when there is no place for another one. Ask before the card and before the server.
    public func checkRoom() async throws {
        try await call { try $0.checkRoom() }
    }

    /// The members in their order.
    public func members() async throws -> [StoredMember] {
        try await call { try $0.members() }
    }

    /// One member.
    public func member(_ id: String) async throws -> StoredMember {
        try await call { try $0.member(id: id) }
    }

    /// Registers the card of a tap. By calling it you say that a person has looked at name and date of birth of the card's
    /// holder and confirmed who it is.
    ///
    /// - Returns: `.known` when this card is a member's already: nothing that they had was changed then.
    /// - Throws: `TooManyMembers`; `MyNumberSuspected` for a nickname that looks like one; `Usage` for one that is taken or
    ///   looks like one that is, shows nothing, or is longer than 20 characters.
    public func confirmAndAdd(_ candidate: TapResult, profile: Profile) async throws -> Registered {
        try await call { try $0.confirmAndAdd(candidate: candidate, profile: profile) }
    }

    /// ``confirmAndAdd(_:profile:)`` with everything that belongs to it, wholly or not at all. A known card brings what its member
    /// lacks.
    ///
    /// - Parameters:
    ///   - deviceKey: Name of the member's key, random and made before. A key that ``deviceKeyNames()`` does not tell is left from
    ///     a registration that was cut off: remove it.
    ///   - access: What is kept of the access; empty for nothing.
    /// - Throws: `Resource` (`KZ-D08`) when the card is known, and its patient id another one.
    public func register(
        _ candidate: TapResult,
        profile: Profile,
        patient: ServerPatient?,
        contact: Contact,
        deviceKey: String,
        access: Data = Data()
    ) async throws -> Registered {
        try await call {
            try $0.register(
                candidate: candidate, profile: profile, patient: patient, contact: contact, deviceKey: Data(deviceKey.utf8),
                access: access
            )
        }
    }

    /// Keeps what a contact with the server brought, wholly or not at all.
    public func keepContact(_ contact: Contact, access: Data = Data(), of member: String) async throws {
        try await call { try $0.keepContact(member: member, contact: contact, access: access) }
    }

    /// Keeps the id by which a server knows a member, at the first contact. Throws `Resource` (`KZ-D08`) when another one is
    /// kept: keep nothing of that answer until a person has confirmed whose it is.
    public func pinPatient(_ patient: ServerPatient, of member: String) async throws {
        try await call { try $0.pinPatient(member: member, patient: patient) }
    }

    /// Keeps another id: by calling it you say that a person has looked at name and date of birth and confirmed them.
    public func confirmPatient(_ patient: ServerPatient, of member: String) async throws {
        try await call { try $0.confirmPatient(member: member, patient: patient) }
    }

    /// Prepares a stop of the card.
    public func beginStop(_ suspension: Data, of member: String) async throws {
        try await call { try $0.beginStop(member: member, suspension: suspension) }
    }

    /// Ends a stop that a server has confirmed; remove the member's device key after it.
    public func endStop(of member: String) async throws {
        try await call { try $0.endStop(member: member) }
    }

    /// Forgets an access whose tokens were revoked.
    public func endAccess(of member: String) async throws {
        try await call { try $0.endAccess(member: member) }
    }

    /// The names of the members' device keys: keys of the app with another name belong to nobody.
    public func deviceKeyNames() async throws -> Set<String> {
        try await call { Set(try $0.deviceKeyNames().map { String(decoding: $0, as: UTF8.self) }) }
    }

    /// Changes what the user says of a member.
    public func setProfile(_ profile: Profile, of id: String) async throws {
        try await call { try $0.setProfile(id: id, profile: profile) }
    }

    /// Keeps what a later tap of this member has shown.
    public func setCard(_ tap: TapResult, of id: String) async throws {
        try await call { try $0.setCard(id: id, tap: tap) }
    }

    /// Keeps what ``KazasuSession/capabilities`` says after a tap that failed; nothing else of the member changes.
    public func setCapabilities(_ capabilities: CardCapabilities, of id: String) async throws {
        try await call { try $0.setCapabilities(id: id, capabilities: capabilities) }
    }

    /// Puts the members into this order, which names each of them once.
    public func setOrder(_ ids: [String]) async throws {
        try await call { try $0.setOrder(ids: ids) }
    }

    /// Removes a member with everything of theirs. Revoke the tokens at the server first, and remove the member's
    /// ``SecureEnclaveDeviceKey`` after it. After a failure the rest is done when the store is opened again.
    public func remove(_ id: String) async throws -> Erasure {
        try await call { try $0.removeMember(id: id) }
    }

    // MARK: Secrets and settings

    /// Keeps a secret, in place of the one before. Overwrite your own copy.
    public func saveSecret(_ secret: Data, kind: SecretKind, of member: String) async throws {
        try await call { try $0.saveSecret(member: member, kind: kind, secret: secret) }
    }

    /// A secret that was kept.
    public func secret(_ kind: SecretKind, of member: String) async throws -> Data? {
        try await call { try $0.secret(member: member, kind: kind) }
    }

    /// Deletes a secret; tells whether there was one.
    public func deleteSecret(_ kind: SecretKind, of member: String) async throws -> Bool {
        try await call { try $0.deleteSecret(member: member, kind: kind) }
    }

    /// Remembers a value of the app's own for a member, or for the installation. `name` has 1 to 48 bytes.
    public func remember(_ value: Data, as name: String, of member: String? = nil) async throws {
        try await call { try $0.remember(member: member, name: name, value: value) }
    }

    /// What was remembered.
    public func remembered(_ name: String, of member: String? = nil) async throws -> Data? {
        try await call { try $0.remembered(member: member, name: name) }
    }

    // MARK: Checks and records

    /// Keeps a check. `result` is `OK`, or the code of what came instead; `answerJson` is ``KazasuSession/answerJson``.
    public func addHistory(
        of member: String,
        at date: Date = Date(),
        checkedBy: CheckedBy,
        result: String,
        answerJson: String?
    ) async throws {
        let at = Int64(date.timeIntervalSince1970 * 1000)
        try await call {
            try $0.addHistory(member: member, atUnixMs: at, checkedBy: checkedBy, result: result, answerJson: answerJson)
        }
    }

    /// At most `limit` checks, the newest first. The log tells that they were read.
    public func history(of member: String, beforeUnixMs: Int64? = nil, limit: UInt32 = 50) async throws -> [HistoryEntry] {
        try await call { try $0.history(member: member, beforeUnixMs: beforeUnixMs, limit: limit) }
    }

    /// Keeps FHIR resources, all of them or none. One with the server's id of a kept record replaces it.
    public func putRecords(_ records: [String], of member: String) async throws -> Saved {
        try await call { try $0.putRecords(member: member, records: records) }
    }

    /// At most `limit` records, the newest first. The next page begins behind `RecordPage.next`.
    public func records(
        of member: String,
        query: RecordQuery = RecordQuery(),
        limit: UInt32 = 50
    ) async throws -> RecordPage {
        try await call { try $0.records(member: member, query: query, limit: limit) }
    }

    /// Marks records as looked at, by their keys; all of the member's for `nil`.
    public func markRead(_ keys: [Data]? = nil, of member: String) async throws {
        try await call { try $0.markRead(member: member, keys: keys) }
    }

    /// How many of a member's records were not looked at yet.
    public func unread(of member: String) async throws -> UInt64 {
        try await call { try $0.unread(member: member) }
    }

    // MARK: Payments

    /// Keeps payments, all of them or none; tells how many were not there before.
    public func putPayments(_ payments: [Payment], of member: String, source: PaymentSource) async throws -> UInt32 {
        try await call { try $0.putPayments(member: member, payments: payments, source: source) }
    }

    /// A member's payments, in no order of theirs.
    public func payments(of member: String) async throws -> [StoredPayment] {
        try await call { try $0.payments(member: member) }
    }

    /// Deletes a payment; tells whether there was one.
    public func deletePayment(_ id: Data, of member: String) async throws -> Bool {
        try await call { try $0.deletePayment(member: member, id: id) }
    }

    // MARK: Log and care

    /// At most `limit` entries of the log, the newest first, from number `before` on downwards.
    public func logEntries(before: UInt64? = nil, limit: UInt32 = 50) async throws -> [LogEntry] {
        try await call { try $0.logEntries(before: before, limit: limit) }
    }

    /// Tells the log what the app did with the data, or what happened to it.
    public func tell(_ event: AppEvent, of member: String? = nil) async throws {
        try await call { try $0.tell(event: event, member: member) }
    }

    /// Looks through the whole log. Damage to it is a verdict, no error.
    public func verifyLog() async throws -> LogVerdict {
        try await call { try $0.verifyLog() }
    }

    /// Reads and compares the whole file: seconds for a large store.
    public func verify() async throws -> LogVerdict {
        try await call { try $0.verify() }
    }

    /// The newest checkpoint. Kept elsewhere, it shows at `open` that the whole store was not put back.
    public func checkpoint() async throws -> Checkpoint {
        try await call { try $0.checkpoint() }
    }

    /// Tells the store what a server said the time is (``KazasuSession/confirmedTimeUnixMs()``): old data are deleted by such time
    /// alone. Tells whether the clock of this device is right, to a day.
    public func confirmClock(serverTimeUnixMs: Int64) async throws -> Bool {
        try await call { try $0.confirmClock(serverTimeUnixMs: serverTimeUnixMs) }
    }

    /// What is past its time, of every member and kind, and when it will be deleted: to be shown.
    public func expiring(_ policy: RetentionPolicy = RetentionPolicy()) async throws -> [Expiring] {
        try await call { try $0.expiring(policy: policy) }
    }

    /// Deletes what ``expiring(_:)`` tells, at once. By calling it you say that a person has seen that, has seen that this device
    /// says today is `today` (`YYYY-MM-DD`, in Japan), and agreed.
    public func deleteExpiring(_ policy: RetentionPolicy = RetentionPolicy(), today: String) async throws -> Retention {
        try await call { try $0.deleteExpiring(policy: policy, today: today) }
    }

    /// Marks what is past its time, and deletes what was marked a week of confirmed time ago. Call it once a day.
    public func applyRetention(_ policy: RetentionPolicy = RetentionPolicy()) async throws -> Retention {
        try await call { try $0.applyRetention(policy: policy) }
    }

    /// Renews the keys. It happens by itself every 90 days; call it when the old ones may have leaked.
    public func rotate() async throws {
        try await call { try $0.rotate() }
    }

    /// Signs the log and closes the file; every later call fails with `Usage`. A store that is let go of is closed too, without
    /// the signature.
    public func signAndClose() async throws -> Checkpoint {
        try await call { try $0.signAndClose() }
    }

    // MARK: -

    private func call<T: Sendable>(_ body: @escaping @Sendable (Store) throws -> T) async throws -> T {
        let store = store
        return try await Self.run { try body(store) }
    }

    private static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async {
                continuation.resume(with: Result { try typed(body) })
            }
        }
    }

    /// The folder as it has to be before a file is made in it, and the file.
    private static func prepare(_ folder: URL) throws -> URL {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            #if os(iOS)
            try FileManager.default.setAttributes(
                [.protectionKey: FileProtectionType.complete], ofItemAtPath: folder.path
            )
            var excluded = folder
            var values = URLResourceValues()
            values.isExcludedFromBackup = true
            try excluded.setResourceValues(values)
            #endif
        } catch {
            throw KazasuError.Store(reason: .io)
        }
        return folder.appendingPathComponent("family.kazasu")
    }
}
