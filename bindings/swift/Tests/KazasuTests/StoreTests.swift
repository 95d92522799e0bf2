import Crypto
import Foundation
import XCTest

@testable import Kazasu

/// The family's store through the facade, with a key store in memory.
final class StoreTests: XCTestCase {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    private let keys = MemoryKeys()
    private let logKey = MemoryKey()

    override func tearDown() {
        try? FileManager.default.removeItem(at: folder)
    }

    private func open(_ keys: (any KeyWrapper)? = nil) async throws -> FamilyStore {
        try await FamilyStore.open(in: folder, keyWrapper: keys ?? self.keys, logKey: logKey)
    }

    private func failure<T>(_ body: () async throws -> T) async -> KazasuError? {
        do {
            _ = try await body()
            XCTFail("expected an error")
            return nil
        } catch {
            return error as? KazasuError
        }
    }

    func testWhatIsKeptIsThereAfterReopening() async throws {
        let store = try await open()
        let tap = TapResult(certificate: Data([1, 2]), capabilities: CardCapabilities(shortEf: nil, extendedLength: nil))
        let added = try await store.confirmAndAdd(tap, profile: Profile(nickname: "花子", role: .own))
        guard case .new(let hanako) = added else { return XCTFail("known") }
        try await store.saveSecret(Data("token".utf8), kind: .access, of: hanako)
        let json = #"{"resourceType": "Observation", "id": "o", "effectiveDateTime": "2026-09-03"}"#
        let saved = try await store.putRecords([json], of: hanako)
        XCTAssertEqual(saved.added, 1)
        _ = try await store.signAndClose()

        let again = try await open()
        let members = try await again.members()
        XCTAssertEqual(members.map(\.profile.nickname), ["花子"])
        let secret = try await again.secret(.access, of: hanako)
        XCTAssertEqual(secret, Data("token".utf8))
        let page = try await again.records(of: hanako)
        XCTAssertEqual(page.records.map(\.day), ["2026-09-03"])
        let erasure = try await again.remove(hanako)
        XCTAssertEqual(erasure, .complete)
    }

    func testAKeyStoreThatRefusesIsToldApart() async throws {
        _ = try await open().signAndClose()
        for (raised, reason) in [(KeyStoreError.Locked, StoreReason.locked), (.Missing, .keyMissing)] {
            let refused = await failure { try await open(RefusingKeys(raised)) }
            XCTAssertEqual(refused, .Store(reason: reason))
        }
        let surprised = await failure { try await open(RefusingKeys(Surprise())) }
        XCTAssertEqual(surprised, .DeviceKey(detail: "the key store failed: unexpected exception in KeyWrapper"))
    }
}

/// A key store in memory: never in an app.
private final class MemoryKeys: KeyWrapper, @unchecked Sendable {
    private let lock = NSLock()
    private var keys: [String: SymmetricKey] = [:]

    func wrap(alias: String, key: Data) throws -> Data {
        let made = SymmetricKey(size: .bits256)
        set(made, for: alias)
        guard let box = try AES.GCM.seal(key, using: made, authenticating: Data(alias.utf8)).combined else {
            throw KeyStoreError.Failed(detail: "no box")
        }
        return box
    }

    func unwrap(alias: String, wrapped: Data) throws -> Data {
        guard let key = key(alias) else { throw KeyStoreError.Missing }
        return try AES.GCM.open(AES.GCM.SealedBox(combined: wrapped), using: key, authenticating: Data(alias.utf8))
    }

    func delete(alias: String) throws -> KeyDeletion {
        set(nil, for: alias)
        return .complete
    }

    private func key(_ alias: String) -> SymmetricKey? {
        lock.lock()
        defer { lock.unlock() }
        return keys[alias]
    }

    private func set(_ key: SymmetricKey?, for alias: String) {
        lock.lock()
        defer { lock.unlock() }
        keys[alias] = key
    }
}

/// A key store that always throws the same.
private final class RefusingKeys: KeyWrapper {
    private let error: any Error

    init(_ error: any Error) { self.error = error }

    func wrap(alias: String, key: Data) throws -> Data { throw error }

    func unwrap(alias: String, wrapped: Data) throws -> Data { throw error }

    func delete(alias: String) throws -> KeyDeletion { throw error }
}
