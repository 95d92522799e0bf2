package org.kazasu.sample

import android.app.AlertDialog
import android.content.ActivityNotFoundException
import android.content.Intent
import android.os.Bundle
import android.provider.Settings
import org.kazasu.sample.model.Action
import org.kazasu.sample.model.Check
import org.kazasu.sample.model.CheckState
import org.kazasu.sample.ui.PinScreen
import org.kazasu.sample.ui.hold
import org.kazasu.sample.ui.lastTry
import org.kazasu.sample.ui.problem
import org.kazasu.sample.ui.result

/** One check: PIN, card, answer. */
class CheckActivity : SampleActivity() {
    private var pinScreen: PinScreen? = null
    private var dialog: AlertDialog? = null
    private var stepsSeen = 0
    private var atSettings = false

    private val check: Check? get() = model.check

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        // The process was ended meanwhile, and the check with it.
        if (check == null) finish()
    }

    override fun onStart() {
        super.onStart()
        val check = check ?: return
        model.nfc = { NfcCards(this) }
        if (atSettings) {
            atSettings = false
            check.act()
        }
        watch(check.state, ::draw)
    }

    override fun onStop() {
        super.onStop()
        if (!isChangingConfigurations) check?.cancel()
        closeDialog()
    }

    @Deprecated("Deprecated in Java")
    @Suppress("DEPRECATION")
    override fun onBackPressed() {
        check?.leave()
        super.onBackPressed()
    }

    private fun draw(state: CheckState) {
        val check = check ?: return
        closeDialog()
        if (state !is CheckState.Pin) pinScreen = null
        when (state) {
            is CheckState.Pin -> drawPin(state, check)
            is CheckState.Hold -> drawHold(state, check)
            is CheckState.LastTry -> ask(state, check)
            is CheckState.Problem -> show(kit.problem(state, onAction = { act(state, check) }, onClose = check::leave))
            is CheckState.Result -> show(kit.result(check.name, state.answer, onClose = check::leave))
            CheckState.Left -> finish()
        }
    }

    private fun drawPin(state: CheckState.Pin, check: Check) {
        val screen = pinScreen?.takeIf { it.fits(state) }
            ?: PinScreen(kit, state, check::type, check::erase).also { pinScreen = it; show(it.view) }
        screen.show(state)
    }

    private fun drawHold(state: CheckState.Hold, check: Check) {
        if (state.steps == Check.STEPS && stepsSeen < Check.STEPS) vibrateOnce(this)
        stepsSeen = state.steps
        show(kit.hold(state, antennaY(this), model.simulatedReader?.let { it::hold }, onCancel = check::cancel))
    }

    private fun ask(state: CheckState.LastTry, check: Check) {
        dialog = kit.lastTry(state, check::lastTry).apply { show() }
    }

    private fun act(problem: CheckState.Problem, check: Check) {
        if (problem.action != Action.NFC_SETTINGS) return check.act()
        atSettings = true
        try {
            startActivity(Intent(Settings.ACTION_NFC_SETTINGS))
        } catch (_: ActivityNotFoundException) {
            startActivity(Intent(Settings.ACTION_SETTINGS))
        }
    }

    private fun closeDialog() {
        dialog?.setOnCancelListener(null)
        dialog?.dismiss()
        dialog = null
    }
}
