import Foundation
import XCTest

@testable import Kazasu

final class PinEntryTests: XCTestCase {
    func testTakingOverWipesTheCallersArray() {
        var digits = Array("1234".utf8)
        let entry = PinEntry(wiping: &digits)
        XCTAssertTrue(digits.isEmpty)
        XCTAssertEqual(entry.count, 4)
        entry.withData { XCTAssertEqual(Array($0), Array("1234".utf8)) }
    }

    func testWipeEmpties() {
        let entry = PinEntry()
        entry.append(0x31)
        entry.append(0x32)
        entry.removeLast()
        XCTAssertEqual(entry.count, 1)
        entry.wipe()
        XCTAssertEqual(entry.count, 0)
    }

    func testWipeWaitsForATapThatUsesTheEntry() {
        var digits = Array("1234".utf8)
        let entry = PinEntry(wiping: &digits)
        entry.withData { data in
            entry.wipe()
            entry.append(0x35)
            XCTAssertEqual(Array(data), Array("1234".utf8))
        }
        XCTAssertEqual(entry.count, 0)
    }

    func testTooLongIsNoEntry() {
        var digits = [UInt8](repeating: 0x31, count: PinEntry.capacity + 1)
        XCTAssertEqual(PinEntry(wiping: &digits).count, 0)
        XCTAssertTrue(digits.isEmpty)
    }

    func testCoreNfcCodes() {
        XCTAssertEqual(NfcFault.transportError(code: 200), .Cancelled)
        XCTAssertEqual(NfcFault.notSent(.Cancelled), .NotSent(end: .cancelled))
        XCTAssertEqual(NfcFault.notSent(.Timeout), .NotSent(end: .timeout))
        XCTAssertEqual(NfcFault.transportError(code: 201), .Timeout)
        XCTAssertEqual(NfcFault.transportError(code: 100), .TagLost)
        XCTAssertEqual(NfcFault.transportError(code: 6), .Unavailable)
        XCTAssertEqual(NfcFault.transportError(code: 999), .Failed(detail: "CoreNFC 999"))
    }
}
