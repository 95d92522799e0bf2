package org.kazasu.sample.ui

import android.text.InputType
import android.view.View
import android.widget.EditText
import org.kazasu.sample.R
import org.kazasu.sample.model.Person

/** Who is there; [refusal] says why nobody can be added. */
fun Kit.members(
    people: List<Person>,
    refusal: String?,
    onMember: (Int) -> Unit,
    onAdd: () -> Unit,
    onSettings: () -> Unit,
    onLostCard: () -> Unit,
): View = page(
    string(R.string.members_title),
    people.map { person ->
        choice(person.name) { onMember(person.number) }.apply {
            contentDescription = string(R.string.member_check, person.name)
        }
    },
    listOfNotNull(
        refusal?.let(::advice),
        secondary(string(R.string.member_add), onAdd),
        secondary(string(R.string.settings), onSettings),
        secondary(string(R.string.lost_card), onLostCard).apply {
            contentDescription = string(R.string.lost_card_description)
        },
    ).onEach { it.layoutParams = tight() },
)

/** Someone new. [onSave] gets name, date of birth and consent. */
fun Kit.addMember(refusal: String?, onSave: (String, String, Boolean) -> Unit): View {
    val name = field(InputType.TYPE_CLASS_TEXT or InputType.TYPE_TEXT_VARIATION_PERSON_NAME)
    val birth = field(InputType.TYPE_CLASS_DATETIME or InputType.TYPE_DATETIME_VARIATION_DATE)
    birth.hint = string(R.string.add_birth_hint)
    val consent = toggle(string(R.string.consent_limit), on = false) {}
    fun save() {
        if (name.text.isBlank()) name.requestFocus() else onSave(name.text.toString(), birth.text.toString(), consent.isChecked)
    }
    return page(
        string(R.string.add_title),
        listOf(label(R.string.add_name, name), name, label(R.string.add_birth, birth), birth) +
            listOf(quiet(string(R.string.add_birth_why)), consent),
        listOfNotNull(refusal?.let(::advice), primary(string(R.string.add_save)) { save() }),
    )
}

private fun Kit.field(type: Int) = EditText(context).apply {
    this.id = View.generateViewId()
    inputType = type
    textSize = 22f
    minHeight = dp(56)
    setTextColor(color(R.color.text))
    setHintTextColor(color(R.color.text_quiet))
}

private fun Kit.label(text: Int, of: View): View = body(string(text)).apply { labelFor = of.id }
