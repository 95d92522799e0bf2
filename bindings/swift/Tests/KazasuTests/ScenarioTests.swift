import Foundation
import XCTest

@testable import Kazasu

/// The scenario every language runs: simulated cards, a sandbox over TLS.
final class ScenarioTests: XCTestCase {
    private func begin(certificate: Data? = nil) async throws -> KazasuSession {
        let kazasu = try Kazasu(config: sandboxConfig(), language: .english)
        return try await kazasu.begin(member: Member(certificate: certificate, purpose: .own), deviceKey: MemoryKey())
    }

    private func failure<T>(_ body: () async throws -> T) async -> KazasuError? {
        do {
            _ = try await body()
            XCTFail("expected an error")
            return nil
        } catch {
            XCTAssertTrue(error is KazasuError, "\(error)")
            return error as? KazasuError
        }
    }

    func testTwoMembersGetTheirOwnAnswers() async throws {
        let people: [(UInt8, String, Qualification, String?)] = [(1, "1234", .valid, nil), (2, "2345", .invalidLost, "KZ-Q04")]
        for (person, digits, qualification, code) in people {
            let session = try await begin()
            let card = try SimulatedCard(profile: "today", person: person)
            let steps = Recorder()
            let entry = pin(digits)
            let tapped = try await session.tap(card.tap(fault: nil), pin: entry) { steps.add($0) }
            XCTAssertEqual(steps.steps, [.cardFound, .certificateChecked, .pinVerified, .signed])
            XCTAssertFalse(tapped.certificate.isEmpty)
            XCTAssertEqual(entry.count, 0, "the PIN is wiped")
            let result = try await session.finish()
            XCTAssertEqual(result.qualification, qualification)
            XCTAssertEqual(result.code, code)
            XCTAssertTrue(result.testCard)
        }
    }

    func testWrongPinReportsAttemptsLeft() async throws {
        let session = try await begin()
        let card = try SimulatedCard(profile: "today", person: 1)
        let entry = pin("9999")
        let error = await failure { try await session.tap(card.tap(fault: nil), pin: entry) }
        XCTAssertEqual(error, .WrongPin(kind: .userAuthentication, attemptsLeft: 2))
        XCTAssertEqual(error?.code(), "KZ-C04")
        XCTAssertEqual(error?.attemptsLeft(), 2)
        XCTAssertEqual(entry.count, 0, "one entry, one VERIFY")
        XCTAssertEqual(card.verifyCount(), 1)
    }

    func testLastTryNeedsPermission() async throws {
        let session = try await begin()
        let card = try SimulatedCard(profile: "today", person: 1)
        card.setAttempts(attempts: 1)
        let entry = pin("1234")
        let refused = await failure { try await session.tap(card.tap(fault: nil), pin: entry) }
        XCTAssertEqual(refused?.code(), "KZ-C09")
        XCTAssertEqual(card.verifyCount(), 0)
        XCTAssertEqual(entry.count, 4, "not sent, so it serves the permitted tap")
        _ = try await session.tap(card.tap(fault: nil), pin: entry, lastAttempt: .allow)
        XCTAssertEqual(card.verifyCount(), 1)
    }

    func testLostTagLeavesTheSessionUsable() async throws {
        let session = try await begin()
        let card = try SimulatedCard(profile: "today", person: 1)
        let entry = pin("1234")
        let early = await failure { try await session.tap(card.tap(fault: "exchange=1:drop"), pin: entry) }
        XCTAssertEqual(early, .Transport(error: .TagLost))
        XCTAssertEqual(entry.count, 4, "lost before VERIFY")
        let late = await failure { try await session.tap(card.tap(fault: "ins=2a:drop"), pin: entry) }
        XCTAssertEqual(late?.code(), "KZ-C01")
        XCTAssertEqual(entry.count, 0, "lost after VERIFY: sent once is all")
        _ = try await session.tap(card.tap(fault: nil), pin: pin("1234"))
        _ = try await session.finish()
    }

    func testAnotherCardCostsNoTry() async throws {
        let first = try await begin()
        let mine = try SimulatedCard(profile: "today", person: 1)
        let tapped = try await first.tap(mine.tap(fault: nil), pin: pin("1234"))
        let session = try await begin(certificate: tapped.certificate)
        let other = try SimulatedCard(profile: "today", person: 2)
        let error = await failure { try await session.tap(other.tap(fault: nil), pin: pin("1234")) }
        XCTAssertEqual(error, .OtherCard)
        XCTAssertEqual(other.verifyCount(), 0)
    }

    func testSecondCallIsBusyAndCancellationEndsTheFirst() async throws {
        let session = try await begin()
        let link = SilentLink()
        let first = Task { try await session.tap(link, pin: pin("1234")) }
        await link.waitUntilReached()
        let card = try SimulatedCard(profile: "today", person: 1)
        let second = await failure { try await session.tap(card.tap(fault: nil), pin: pin("1234")) }
        XCTAssertEqual(second, .Busy)
        let third = await failure { try await session.renew() }
        XCTAssertEqual(third, .Busy, "the library's own")
        first.cancel()
        let cancelled = await failure { try await first.value }
        XCTAssertEqual(cancelled, .Transport(error: .Cancelled))
        XCTAssertEqual(cancelled?.code(), "KZ-U03")
    }

    func testCancelledCallsToTheServerSendNothingAndCanBeMadeAgain() async throws {
        let session = try await begin()
        let card = try SimulatedCard(profile: "today", person: 1)
        _ = try await session.tap(card.tap(fault: nil), pin: pin("1234"))
        let stopped = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await session.finish()
        }
        let cancelled = await failure { try await stopped.value }
        XCTAssertEqual(cancelled, .Cancelled)
        XCTAssertEqual(cancelled?.code(), "KZ-U03")
        let result = try await session.finish()
        XCTAssertEqual(result.qualification, .valid)
    }

    func testForeignErrorBecomesATransportError() async throws {
        let session = try await begin()
        let error = await failure { try await session.tap(SurprisingLink(), pin: pin("1234")) }
        guard case .Transport(error: .Failed(let detail))? = error else {
            return XCTFail("\(String(describing: error))")
        }
        XCTAssertFalse(detail.contains("Surprise"), "its text may hold anything")
    }

    func testUnknownErrorBecomesInternal() {
        XCTAssertThrowsError(try typed { () throws -> Int in throw Surprise() }) { error in
            XCTAssertEqual((error as? KazasuError)?.code(), "KZ-U04")
        }
    }

    func testPanicBecomesInternal() {
        XCTAssertThrowsError(try typed { try simulatePanic() }) { error in
            XCTAssertEqual((error as? KazasuError)?.code(), "KZ-U04")
        }
    }

    func testSixthMember() throws {
        XCTAssertNoThrow(try checkNewMember(registered: 4))
        XCTAssertThrowsError(try checkNewMember(registered: 5)) { error in
            XCTAssertEqual((error as? KazasuError)?.code(), "KZ-D06")
        }
    }
}
