import SwiftUI

/// Where to hold the card, and how far the tap has come. The system's NFC sheet covers the lower half.
struct HoldScreen: View {
    @ObservedObject var check: Check
    let phase: Check.Phase

    var body: some View {
        Text(text("hold.title")).font(.title2.bold()).accessibilityAddTraits(.isHeader)
        Text(text("hold.antenna.top")).multilineTextAlignment(.center)
        AntennaPicture()
        VStack(alignment: .leading, spacing: 12) {
            step(1, "hold.step.found")
            step(2, "hold.step.verified")
            step(3, "hold.step.signed")
        }
        switch phase {
        case .connecting: ProgressView(text("hold.connecting"))
        case .waiting: EmptyView()
        case .sending: ProgressView(text("hold.asking"))
        }
        if check.guessable {
            Label(text("pin.guessable"), systemImage: "info.circle").font(.footnote)
        }
        if check.failures > 0 {
            Text(text("hold.help.\(min(check.failures, 3))")).foregroundColor(.secondary)
        }
    }

    private func step(_ number: Int, _ key: String) -> some View {
        let done = check.steps >= number
        return Label(text(key), systemImage: done ? "checkmark.circle.fill" : "\(number).circle")
            .foregroundColor(done ? .green : .secondary)
            .accessibilityElement(children: .ignore)
            .accessibilityLabel(text(done ? "hold.step.done" : "hold.step.open", text(key)))
    }
}

/// A phone whose top edge lies on the middle of a card.
private struct AntennaPicture: View {
    var body: some View {
        ZStack(alignment: .top) {
            RoundedRectangle(cornerRadius: 10)
                .fill(Color.accentColor.opacity(0.3))
                .frame(width: 150, height: 94)
            RoundedRectangle(cornerRadius: 14)
                .stroke(Color.primary, lineWidth: 3)
                .frame(width: 76, height: 110)
                .padding(.top, 47)
        }
        .accessibilityElement(children: .ignore)
        .accessibilityLabel(text("hold.picture"))
    }
}
