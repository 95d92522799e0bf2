import Foundation
import Kazasu

/// An answer, ready to show.
struct Answer {
    /// A heading and a value.
    struct Row: Identifiable {
        let id: Int
        let heading: String
        let value: String
    }

    let validity: String
    let valid: Bool
    /// What to do when it is not simply valid.
    let whatToDo: String?
    let rows: [Row]
    let asOf: String?
    /// Age and warnings.
    let notes: [String]
    let testCard: Bool

    init(_ result: EligibilityResult, person: Person) {
        validity = text(Self.key(result.qualification))
        valid = result.qualification == .valid || result.qualification == .unregistered
        switch result.qualification {
        case .pending: whatToDo = text("result.pending.todo")
        case .unregistered: whatToDo = text("result.unregistered.todo")
        default: whatToDo = result.code.flatMap { userText(code: $0, language: .preferred) }
        }
        let shown = result.qualification == .multiple
            ? result.insurances
            : result.primary.map { [result.insurances[Int($0)]] } ?? []
        rows = shown.flatMap { Self.lines($0, person) }.enumerated().map { index, line in
            Row(id: index, heading: line.0, value: line.1)
        }
        asOf = result.asOfUnixMs.map { text("result.asof", Self.japanTime($0)) }
        notes = [Self.age(result.freshness)].compactMap { $0 } + result.warnings.compactMap(Self.words)
        testCard = result.testCard
    }

    private static func key(_ qualification: Qualification) -> String {
        switch qualification {
        case .valid: return "result.valid"
        case .invalidLost: return "result.invalid.lost"
        case .invalidReplaced: return "result.invalid.replaced"
        case .notFound: return "result.not.found"
        case .multiple: return "result.multiple"
        case .pending: return "result.pending"
        case .unregistered: return "result.unregistered"
        }
    }

    private static func lines(_ insurance: InsuranceInfo, _ person: Person) -> [(String, String)] {
        var lines: [(String, String)] = []
        if let insurer = insurance.insurerName { lines.append((text("result.insurer"), insurer.shown(most: most))) }
        if let loss = insurance.lossDate { lines.append((text("result.loss"), loss.shown(most: most))) }
        // What an ended insurance paid would mislead.
        guard insurance.inForce else { return lines }
        if let copay = insurance.copayPercent {
            lines.append((text("result.copay"), text("result.copay.percent", Int32(copay))))
        }
        // No category is never guessed.
        let absent = text(person.limitConsent ? "result.limit.unknown" : "result.limit.absent")
        let limit = insurance.limitCategoryText ?? insurance.limitCategory
        lines.append((text("result.limit"), limit?.shown(most: most) ?? absent))
        if let words = insurance.limitText { lines.append(("", words.shown(most: most))) }
        return lines
    }

    /// Characters of one text of the server.
    private static let most = 120

    private static func age(_ freshness: Freshness) -> String? {
        switch freshness {
        case .current: return nil
        case .dated: return text("result.dated")
        case .outdated: return text("result.outdated")
        }
    }

    private static func words(_ warning: SessionWarning) -> String? {
        switch warning {
        case .certificateExpired: return userText(code: "KZ-C06", language: .preferred)
        case .deviceClock: return userText(code: "KZ-A04", language: .preferred)
        case .scopeNarrowed: return userText(code: "KZ-A11", language: .preferred)
        case .insurerNumber: return nil
        }
    }

    private static func japanTime(_ unixMs: Int64) -> String {
        let format = DateFormatter()
        format.timeZone = TimeZone(identifier: "Asia/Tokyo")
        format.locale = Locale(identifier: Language.preferred == .japanese ? "ja_JP" : "en_GB")
        format.dateFormat = Language.preferred == .japanese ? "y年M月d日 H:mm" : "d MMM y, H:mm 'JST'"
        return format.string(from: Date(timeIntervalSince1970: Double(unixMs) / 1000))
    }
}
