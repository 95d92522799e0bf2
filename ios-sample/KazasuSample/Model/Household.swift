import Foundation
import Kazasu

/// Someone whose insurance is checked. The name never leaves this app.
struct Person: Identifiable {
    let id = UUID()
    var name: String
    /// `YYYY-MM-DD`; only used to warn of a guessable PIN.
    var birthDate: String?
    var purpose: Purpose
    /// Agreed to sharing the limit category.
    var limitConsent = false
    /// What the card showed at an earlier tap.
    var card: TapResult?
    /// Whom the server calls this person: an answer about anybody else is refused. Neither shown nor logged.
    var patient: String?
    /// As last read from the card.
    var attemptsLeft: UInt8?
}

/// Up to five people, in memory.
@MainActor
final class Household: ObservableObject {
    @Published private(set) var people = [Person(name: text("members.me"), purpose: .own)]

    func add(name: String, birthDate: String?, limitConsent: Bool) throws {
        try checkNewMember(registered: UInt32(people.count))
        people.append(Person(name: name, birthDate: birthDate, purpose: .family, limitConsent: limitConsent))
    }

    /// Removes a person and their keys.
    func remove(_ person: Person, issuers: [String]) {
        for issuer in issuers {
            try? SecureEnclaveDeviceKey.remove(member: person.id.uuidString, issuer: issuer)
        }
        people.removeAll { $0.id == person.id }
    }

    func update(_ id: UUID, _ change: (inout Person) -> Void) {
        guard let index = people.firstIndex(where: { $0.id == id }) else { return }
        change(&people[index])
    }

    func person(_ id: UUID) -> Person? {
        people.first { $0.id == id }
    }
}
