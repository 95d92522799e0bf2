import Kazasu
import SwiftUI

/// A check, stage by stage.
struct CheckScreen: View {
    @StateObject private var check: Check
    @Environment(\.dismiss) private var dismiss
    @Environment(\.scenePhase) private var phase

    init(check: @autoclosure @escaping () -> Check) {
        _check = StateObject(wrappedValue: check())
    }

    var body: some View {
        NavigationView {
            ScrollView {
                VStack(spacing: 24) {
                    switch check.stage {
                    case .pin: PinScreen(check: check)
                    case .hold(let phase): HoldScreen(check: check, phase: phase)
                    case .lastTry: HoldScreen(check: check, phase: .waiting)
                    case .problem(let problem): ProblemScreen(check: check, problem: problem, close: close)
                    case .result(let answer): ResultScreen(answer: answer, close: close)
                    }
                }
                .padding()
                .frame(maxWidth: .infinity)
            }
            .toolbar {
                ToolbarItem(placement: .cancellationAction) { Button(text("hold.cancel"), action: close) }
            }
            .navigationBarTitleDisplayMode(.inline)
        }
        .navigationViewStyle(.stack)
        .alert(text("lasttry.title"), isPresented: .constant(lastTryWords != nil)) {
            Button(text("lasttry.stop"), role: .cancel, action: close)
            Button(text("lasttry.go"), role: .destructive) { check.allowLastTry() }
        } message: {
            Text(lastTryWords ?? "")
        }
        .onChange(of: phase) { new in
            if new == .background { check.interrupt() }
        }
        .privacyCover(whileReading: isHolding)
    }

    private var isHolding: Bool {
        if case .hold = check.stage { return true }
        return false
    }

    private var lastTryWords: String? {
        if case .lastTry(let words) = check.stage { return words }
        return nil
    }

    private func close() {
        check.leave()
        dismiss()
    }
}

/// What went wrong and the one thing to do.
private struct ProblemScreen: View {
    let check: Check
    let problem: Check.Problem
    let close: () -> Void

    var body: some View {
        Text(text("error.title")).font(.title2.bold()).accessibilityAddTraits(.isHeader)
        Text(problem.words).font(.title3).multilineTextAlignment(.center)
        if let help { Text(help).foregroundColor(.secondary).multilineTextAlignment(.center) }
        Button(text(label)) {
            if problem.action == .close { close() } else { check.act(problem.action) }
        }
        .buttonStyle(.borderedProminent)
        .controlSize(.large)
        Text(text("error.code", problem.code)).font(.footnote).foregroundColor(.secondary)
    }

    /// Graded: one more hint after each failure.
    private var help: String? {
        guard problem.action == .holdAgain, check.failures > 0 else { return nil }
        return text("hold.help.\(min(check.failures, 3))")
    }

    private var label: String {
        switch problem.action {
        case .holdAgain: return "hold.again"
        case .enterPin: return "hold.enter.pin"
        case .checkTries: return "error.tries"
        case .sendAgain: return "error.retry"
        case .startAgain: return "hold.restart"
        case .close: return "settings.close"
        }
    }
}
