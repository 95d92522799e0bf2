import Foundation
import Kazasu
import UIKit

/// One check of one person, from the PIN to the answer.
@MainActor
final class Check: ObservableObject {
    enum Phase { case connecting, waiting, sending }

    /// The one thing to do about a problem.
    enum Action { case holdAgain, enterPin, checkTries, sendAgain, startAgain, close }

    struct Problem {
        let code: String
        let words: String
        let action: Action
    }

    enum Stage {
        case pin
        case hold(Phase)
        /// One try is left and nothing was sent; the words ask whether to go on.
        case lastTry(String)
        case problem(Problem)
        case result(Answer)
    }

    @Published private(set) var stage = Stage.pin
    @Published private(set) var digits = 0
    /// Steps done: card found, PIN right, card may leave.
    @Published private(set) var steps = 0
    @Published private(set) var guessable = false
    /// What went wrong with the PIN before, in the SDK's words.
    @Published private(set) var pinMessage: String?
    /// Failures to hold the card well, for the graded help.
    @Published private(set) var failures = 0

    let config: BackendConfig?
    private let id: UUID
    private let household: Household
    private let cards: Cards
    private var pin = PinEntry()
    private var opening: Task<KazasuSession, any Error>?
    private var work: Task<Void, Never>?
    private var lastAttempt = LastAttempt.refuse

    init(person: Person, household: Household, config: BackendConfig?, cards: Cards) {
        id = person.id
        self.household = household
        self.config = config
        self.cards = cards
        connect()
    }

    var person: Person? { household.person(id) }

    /// A key of the pad. The fourth digit asks for the card.
    func type(_ digit: Int) {
        guard case .pin = stage, digits < 4 else { return }
        if digits == 0 { pin = PinEntry() }
        pin.append(UInt8(ascii: "0") + UInt8(digit))
        digits += 1
        guard digits == 4 else { return }
        guessable = pin.isGuessable(birthDate: person?.birthDate)
        hold()
    }

    func erase() {
        guard digits > 0 else { return }
        pin.removeLast()
        digits -= 1
    }

    /// The button of a problem.
    func act(_ action: Action) {
        switch action {
        case .holdAgain: if pin.count == 4 { hold() } else { askPin() }
        case .enterPin: askPin()
        case .checkTries: checkTries()
        case .sendAgain: run { try await self.send(self.session()) }
        case .startAgain:
            opening = nil
            connect()
            askPin()
        case .close: leave()
        }
    }

    /// The user was told that one try is left, and agreed. Nothing was sent so far.
    func allowLastTry() {
        lastAttempt = .allow
        act(.holdAgain)
    }

    /// Stops what runs; a session with a card closes.
    func leave() {
        work?.cancel()
        pin.wipe()
        digits = 0
    }

    /// The app left the screen: a card is not waited for.
    func interrupt() {
        switch stage {
        case .hold(.connecting), .hold(.waiting): work?.cancel()
        case .pin:
            pin.wipe()
            digits = 0
        default: break
        }
    }

    // Connects while the PIN is typed; a failure is told when the card would be next.
    private func connect() {
        guard let config, let person else { return }
        opening = Task {
            let key = try SecureEnclaveDeviceKey(member: person.id.uuidString, issuer: config.issuer)
            let member = Member(
                certificate: person.card?.certificate, purpose: person.purpose, capabilities: person.card?.capabilities,
                patient: person.patient
            )
            return try await Kazasu(config: config).begin(member: member, deviceKey: key)
        }
    }

    private func session() async throws -> KazasuSession {
        guard let opening else { throw KazasuError.Usage(detail: "no server is set up") }
        do {
            return try await opening.value
        } catch {
            connect() // for the next try
            throw error
        }
    }

    private func askPin(_ message: String? = nil) {
        pin.wipe()
        digits = 0
        pinMessage = message
        lastAttempt = .refuse
        stage = .pin
    }

    private func hold() {
        run {
            self.steps = 0
            self.stage = .hold(.connecting)
            let session = try await self.session()
            try await session.renew()
            self.stage = .hold(.waiting)
            let tapped: TapResult
            do {
                tapped = try await self.cards.tap(session, pin: self.pin, lastAttempt: self.lastAttempt) { step in
                    Task { @MainActor [weak self] in self?.done(step) }
                }
            } catch {
                // What broke the link is not tried again with the card of somebody known.
                if let shown = session.capabilities { self.household.update(self.id) { $0.card?.capabilities = shown } }
                throw error
            }
            self.failures = 0
            self.household.update(self.id) {
                $0.card = tapped
                $0.attemptsLeft = nil
            }
            try await self.send(session)
        }
    }

    private func send(_ session: KazasuSession) async throws {
        stage = .hold(.sending)
        steps = 3
        let result = try await session.finish()
        let patient = try await session.serverPatient().patient
        household.update(id) { $0.patient = patient }
        guard let person else { return }
        stage = .result(Answer(result, person: person))
    }

    private func checkTries() {
        run {
            self.stage = .hold(.waiting)
            let left = try await self.cards.attemptsLeft()
            self.household.update(self.id) { $0.attemptsLeft = left }
            if left == 0 { throw KazasuError.PinBlocked(kind: .userAuthentication) }
            self.askPin()
        }
    }

    private func done(_ step: TapStep) {
        guard case .hold = stage else { return }
        switch step {
        case .cardFound, .certificateChecked: steps = max(steps, 1)
        case .pinVerified: steps = max(steps, 2)
        case .signed:
            steps = 3
            UINotificationFeedbackGenerator().notificationOccurred(.success)
            UIAccessibility.post(notification: .announcement, argument: text("hold.step.signed"))
        }
    }

    private func run(_ body: @escaping @MainActor () async throws -> Void) {
        work?.cancel()
        work = Task {
            do {
                try await body()
            } catch let error as KazasuError {
                fail(error)
            } catch {
                fail(.Internal(detail: "the app"))
            }
        }
    }

    private func fail(_ error: KazasuError) {
        if let left = error.attemptsLeft() {
            household.update(id) { $0.attemptsLeft = left }
        }
        let words = error.userText(language: .preferred)
        let action: Action
        switch error {
        case .WrongPin, .PinFormat:
            askPin(words)
            return
        case .LastAttempt:
            stage = .lastTry(words)
            return
        case .Cancelled, .Transport(error: .Cancelled), .Transport(error: .NotSent(end: .cancelled)): action = .startAgain
        case .Transport(error: .Unavailable), .NotMyNumberCard, .OtherCard: action = .holdAgain
        case .Transport, .CardUnreadable:
            failures += 1
            action = .holdAgain
        case .VerifyUnanswered, .ChangeInDoubt: action = .checkTries
        case .Connection: action = steps == 3 ? .sendAgain : .holdAgain
        case .PinBlocked, .Certificate, .Usage, .TooManyMembers, .Store, .MyNumberSuspected: action = .close
        case .Authorization, .Resource, .DeviceKey, .Internal, .Busy, .NewPinRefused: action = .startAgain
        }
        stage = .problem(Problem(code: error.code(), words: words, action: action))
    }
}
