import SwiftUI

/// The answer.
struct ResultScreen: View {
    let answer: Answer
    let close: () -> Void

    var body: some View {
        if answer.testCard {
            Text(text("result.test.card")).font(.footnote.bold()).foregroundColor(.orange)
        }
        Label(answer.validity, systemImage: answer.valid ? "checkmark.seal.fill" : "exclamationmark.triangle.fill")
            .font(.largeTitle.bold())
            .foregroundColor(answer.valid ? .green : .orange)
            .accessibilityAddTraits(.isHeader)
        if let asOf = answer.asOf { Text(asOf).foregroundColor(.secondary) }
        if let whatToDo = answer.whatToDo {
            VStack(alignment: .leading, spacing: 4) {
                Text(text("result.todo")).font(.headline)
                Text(whatToDo)
            }
            .frame(maxWidth: .infinity, alignment: .leading)
        }
        VStack(alignment: .leading, spacing: 16) {
            ForEach(answer.rows) { row in
                VStack(alignment: .leading, spacing: 2) {
                    if !row.heading.isEmpty { Text(row.heading).font(.subheadline).foregroundColor(.secondary) }
                    Text(row.value).font(.title3)
                }
                .accessibilityElement(children: .combine)
            }
        }
        .frame(maxWidth: .infinity, alignment: .leading)
        ForEach(answer.notes, id: \.self) { note in
            Label(note, systemImage: "info.circle").font(.footnote)
        }
        Button(text("result.done"), action: close).buttonStyle(.borderedProminent).controlSize(.large)
    }
}
