import Foundation
import Kazasu

/// Where a card comes from: NFC, or in debug builds the simulator.
@MainActor
struct Cards {
    private let simulated: UInt8?

    /// `person` is the number of the synthetic person to simulate; nothing for NFC.
    init(simulating person: UInt8? = nil) {
        simulated = person
    }

    func tap(
        _ session: KazasuSession,
        pin: PinEntry,
        lastAttempt: LastAttempt,
        onStep: @escaping @Sendable (TapStep) -> Void
    ) async throws -> TapResult {
        if let link = try simulatedLink() {
            return try await session.tap(link, pin: pin, lastAttempt: lastAttempt, onStep: onStep)
        }
        return try await session.tap(pin: pin, lastAttempt: lastAttempt, prompts: prompts, onStep: onStep)
    }

    func attemptsLeft() async throws -> UInt8? {
        if let link = try simulatedLink() { return try await Kazasu.attemptsLeft(on: link).attemptsLeft }
        let reader = NfcCardReader(prompts: prompts)
        defer { reader.cancel() }
        return try await Kazasu.attemptsLeft(on: reader.open()).attemptsLeft
    }

    private func simulatedLink() throws -> (any CardTransport)? {
        #if DEBUG && KAZASU_SIMULATOR
        guard let simulated else { return nil }
        return try SimulatedCards.card(simulated).tap(fault: nil)
        #else
        return nil
        #endif
    }

    private var prompts: NfcPrompts {
        let steps: [TapStep: String] = [
            .cardFound: text("hold.step.found"),
            .pinVerified: text("hold.step.verified"),
            .signed: text("hold.step.signed"),
        ]
        return NfcPrompts(hold: text("hold.antenna.top"), oneCard: text("hold.one.card")) { steps[$0] }
    }
}

#if DEBUG && KAZASU_SIMULATOR
/// The simulated cards keep their tries while the app runs.
@MainActor
enum SimulatedCards {
    private static var cards: [UInt8: SimulatedCard] = [:]

    static func card(_ person: UInt8) throws -> SimulatedCard {
        if let card = cards[person] { return card }
        let card = try SimulatedCard(profile: "today", person: person)
        cards[person] = card
        return card
    }
}
#endif
