package org.kazasu.sample.ui

import android.view.View
import android.widget.RadioButton
import android.widget.RadioGroup
import org.kazasu.sample.R
import org.kazasu.sample.model.Person
import org.kazasu.sample.model.Server
import org.kazasu.sample.model.SettingsState

/** The settings. */
fun Kit.settings(
    state: SettingsState,
    people: List<Person>,
    onServer: (Server) -> Unit,
    onConsent: (Int, Boolean) -> Unit,
    onRemove: (Int) -> Unit,
    onSimulate: (Boolean) -> Unit,
    onClose: () -> Unit,
): View = page(
    string(R.string.settings_title),
    listOf(heading(string(R.string.settings_server)), servers(state, onServer)) +
        listOf(heading(string(R.string.settings_limit)), quiet(string(R.string.settings_limit_why))) +
        people.map { person -> toggle(person.name, person.limitConsent) { onConsent(person.number, it) } } +
        people.filter { it.number != Person.FIRST }.map { person ->
            secondary(string(R.string.member_remove, person.name)) { onRemove(person.number) }
        } +
        (state.simulated?.let { on ->
            listOf(heading(string(R.string.settings_debug)), toggle(string(R.string.settings_simulated), on, onSimulate))
        } ?: emptyList()),
    listOf(primary(string(R.string.action_close), onClose)),
)

private fun Kit.servers(state: SettingsState, onServer: (Server) -> Unit): View {
    val group = RadioGroup(context)
    Server.entries.forEach { server ->
        val host = state.hosts[server]
        val name = string(if (server == Server.SERVICE) R.string.settings_real else R.string.settings_sandbox)
        group.addView(
            RadioButton(context).apply {
                id = server.ordinal + 1
                text = "$name\n${host ?: string(R.string.settings_absent)}"
                textSize = 18f
                setTextColor(color(if (host == null) R.color.text_quiet else R.color.text))
                minHeight = dp(56)
                isEnabled = host != null
                isChecked = server == state.server
            },
        )
    }
    group.setOnCheckedChangeListener { _, id -> onServer(Server.entries[id - 1]) }
    return group
}
