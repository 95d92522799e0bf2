package org.kazasu.sample

import org.kazasu.sample.ui.settings

/** The settings. */
class SettingsActivity : SampleActivity() {
    override fun onStart() {
        super.onStart()
        model.settings.refresh()
        draw()
    }

    private fun draw() {
        show(
            kit.settings(
                model.settings.state.value,
                model.household.people.value,
                onServer = model.settings::choose,
                onConsent = { number, on -> model.household.update(number) { it.copy(limitConsent = on) } },
                onRemove = { model.household.remove(it); draw() },
                onSimulate = model.settings::simulate,
                onClose = ::finish,
            ),
        )
    }
}
