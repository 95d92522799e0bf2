import Foundation
import SwiftUI

@main
struct KazasuSampleApp: App {
    @StateObject private var household = Household()
    @StateObject private var settings = Settings()

    var body: some Scene {
        WindowGroup {
            MembersScreen()
                .environmentObject(household)
                .environmentObject(settings)
                .privacyCover()
        }
    }
}

/// A text of Localizable.xcstrings.
func text(_ key: String, _ arguments: any CVarArg...) -> String {
    String(format: NSLocalizedString(key, comment: ""), arguments: arguments)
}
