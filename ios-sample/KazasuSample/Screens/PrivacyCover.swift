import SwiftUI

extension View {
    /// Shows a blank page instead of names and results in the app switcher. A presented screen needs its own.
    ///
    /// - Parameter reading: The system's NFC sheet is up, which makes the app inactive: then only the background counts.
    func privacyCover(whileReading reading: Bool = false) -> some View {
        modifier(PrivacyCover(reading: reading))
    }
}

private struct PrivacyCover: ViewModifier {
    @Environment(\.scenePhase) private var phase
    let reading: Bool

    func body(content: Content) -> some View {
        content.overlay {
            if phase == .background || (phase == .inactive && !reading) {
                ZStack {
                    Color(.systemBackground)
                    Text(verbatim: "Kazasu").font(.largeTitle).foregroundColor(.secondary)
                }
                .ignoresSafeArea()
                .accessibilityHidden(true)
            }
        }
    }
}
