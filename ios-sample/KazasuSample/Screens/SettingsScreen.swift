import SwiftUI

/// Server, consent, and in debug builds the simulated card.
struct SettingsScreen: View {
    @EnvironmentObject private var household: Household
    @EnvironmentObject private var settings: Settings
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        NavigationView {
            Form {
                Picker(text("settings.server"), selection: $settings.server) {
                    ForEach(Server.allCases) { server in
                        Text(verbatim: "\(text("settings.\(server.rawValue)"))  \(host(server))").tag(server)
                    }
                }
                .pickerStyle(.inline)
                Section {
                    ForEach(household.people) { person in
                        Toggle(person.name, isOn: consent(of: person))
                    }
                } header: {
                    Text(text("settings.consent")).textCase(nil)
                } footer: {
                    Text(text("settings.consent.note"))
                }
                if Settings.canSimulate {
                    Section(text("settings.debug")) {
                        Toggle(text("settings.simulated"), isOn: $settings.simulated)
                    }
                }
                Section { LostCardLine() }
            }
            .navigationTitle(text("settings.title"))
            .toolbar { Button(text("settings.close")) { dismiss() } }
        }
        .navigationViewStyle(.stack)
        .privacyCover()
    }

    private func host(_ server: Server) -> String {
        settings.configs[server].flatMap { URL(string: $0.issuer)?.host } ?? text("settings.server.none")
    }

    private func consent(of person: Person) -> Binding<Bool> {
        Binding(
            get: { household.person(person.id)?.limitConsent ?? false },
            set: { agreed in household.update(person.id) { $0.limitConsent = agreed } }
        )
    }
}
