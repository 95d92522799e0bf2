import SwiftUI

/// The operator's notice, the dots, and a pad whose digits go straight into the SDK's buffer.
struct PinScreen: View {
    @ObservedObject var check: Check

    var body: some View {
        Text(text("pin.title", check.person?.name ?? "")).font(.title2.bold()).accessibilityAddTraits(.isHeader)
        if let notice = check.config?.noticeText {
            Text(notice).font(.footnote).foregroundColor(.secondary)
        }
        if let message = check.pinMessage {
            Label(message, systemImage: "exclamationmark.circle").foregroundColor(.red)
        }
        Text(text("pin.prompt")).multilineTextAlignment(.center)
        HStack(spacing: 20) {
            ForEach(0..<4, id: \.self) { position in
                Image(systemName: position < check.digits ? "circle.fill" : "circle")
            }
        }
        .accessibilityElement(children: .ignore)
        .accessibilityLabel(text("pin.entered", Int32(check.digits)))
        if let left = check.person?.attemptsLeft {
            Text(text("pin.attempts", Int32(left))).font(.footnote).foregroundColor(.secondary)
        }
        LazyVGrid(columns: Array(repeating: GridItem(.flexible()), count: 3), spacing: 12) {
            ForEach(1..<10, id: \.self) { key($0) }
            Color.clear.accessibilityHidden(true)
            key(0)
            Button { check.erase() } label: {
                Image(systemName: "delete.left").frame(maxWidth: .infinity, minHeight: 56)
            }
            .accessibilityLabel(text("pin.delete"))
        }
        .font(.title)
        .frame(maxWidth: 360)
    }

    private func key(_ digit: Int) -> some View {
        Button { check.type(digit) } label: {
            Text(verbatim: "\(digit)").frame(maxWidth: .infinity, minHeight: 56)
        }
        .buttonStyle(.bordered)
    }
}
