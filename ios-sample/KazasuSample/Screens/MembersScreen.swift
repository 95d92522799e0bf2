import Kazasu
import SwiftUI

/// Whose insurance is checked.
struct MembersScreen: View {
    @EnvironmentObject private var household: Household
    @EnvironmentObject private var settings: Settings
    @State private var chosen: Person?
    @State private var adding = false
    @State private var showsSettings = false
    @State private var refusal: String?

    var body: some View {
        NavigationView {
            List {
                Section {
                    ForEach(Array(household.people.enumerated()), id: \.element.id) { index, person in
                        Button { chosen = person } label: {
                            Label(person.name, systemImage: "person.crop.circle")
                                .font(.title3)
                                .frame(maxWidth: .infinity, minHeight: 52, alignment: .leading)
                        }
                        .accessibilityLabel(text("members.check", person.name))
                        .swipeActions {
                            if index > 0 {
                                Button(text("members.remove"), role: .destructive) {
                                    household.remove(person, issuers: settings.configs.values.map(\.issuer))
                                }
                            }
                        }
                    }
                    Button { add() } label: { Label(text("members.add"), systemImage: "plus") }
                } header: {
                    Text(text("members.title")).textCase(nil)
                }
                Section { LostCardLine() }
            }
            .navigationTitle(Text(verbatim: "Kazasu"))
            .toolbar {
                Button { showsSettings = true } label: { Image(systemName: "gearshape") }
                    .accessibilityLabel(text("settings.title"))
            }
        }
        .navigationViewStyle(.stack)
        .fullScreenCover(item: $chosen) { person in
            CheckScreen(check: Check(
                person: person, household: household, config: settings.config(for: person), cards: cards(for: person)
            ))
        }
        .sheet(isPresented: $adding) { AddMemberScreen() }
        .sheet(isPresented: $showsSettings) { SettingsScreen() }
        .alert(text("error.title"), isPresented: Binding(get: { refusal != nil }, set: { if !$0 { refusal = nil } })) {
            Button(text("settings.close")) {}
        } message: {
            Text(refusal ?? "")
        }
    }

    private func add() {
        do {
            try checkNewMember(registered: UInt32(household.people.count))
            adding = true
        } catch {
            refusal = (error as? KazasuError)?.userText(language: .preferred)
        }
    }

    /// The first member is synthetic person 1, and so on.
    private func cards(for person: Person) -> Cards {
        guard settings.simulated, let index = household.people.firstIndex(where: { $0.id == person.id }) else {
            return Cards()
        }
        return Cards(simulating: UInt8(index + 1))
    }
}

/// The official line, always one tap away.
struct LostCardLine: View {
    var body: some View {
        if let call = URL(string: "tel:0120950178") {
            Link(destination: call) { Label(text("members.lost"), systemImage: "phone") }
        }
    }
}

private struct AddMemberScreen: View {
    @EnvironmentObject private var household: Household
    @Environment(\.dismiss) private var dismiss
    @State private var name = ""
    @State private var hasBirthDate = false
    @State private var birthDate = Date()
    @State private var limitConsent = false

    var body: some View {
        NavigationView {
            Form {
                TextField(text("members.add.name"), text: $name)
                Section {
                    Toggle(text("members.add.birth"), isOn: $hasBirthDate)
                    if hasBirthDate {
                        DatePicker(text("members.add.birth"), selection: $birthDate, in: ...Date(), displayedComponents: .date)
                    }
                } footer: {
                    Text(text("members.add.why"))
                }
                Section {
                    Toggle(text("settings.consent"), isOn: $limitConsent)
                } footer: {
                    Text(text("settings.consent.note"))
                }
            }
            .navigationTitle(text("members.add.title"))
            .toolbar {
                ToolbarItem(placement: .cancellationAction) { Button(text("hold.cancel")) { dismiss() } }
                ToolbarItem(placement: .confirmationAction) {
                    Button(text("members.add.save")) {
                        try? household.add(name: name, birthDate: isoDate, limitConsent: limitConsent)
                        dismiss()
                    }
                    .disabled(name.trimmingCharacters(in: .whitespaces).isEmpty)
                }
            }
        }
        .navigationViewStyle(.stack)
        .privacyCover()
    }

    private var isoDate: String? {
        guard hasBirthDate else { return nil }
        let day = Calendar(identifier: .gregorian).dateComponents([.year, .month, .day], from: birthDate)
        return String(format: "%04d-%02d-%02d", Int32(day.year ?? 0), Int32(day.month ?? 0), Int32(day.day ?? 0))
    }
}
