package org.kazasu.sample.ui

import android.app.AlertDialog
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.LinearLayout
import android.widget.ScrollView
import org.kazasu.ffi.Freshness
import org.kazasu.ffi.Qualification
import org.kazasu.sample.R
import org.kazasu.sample.model.Action
import org.kazasu.sample.model.Answer
import org.kazasu.sample.model.Check
import org.kazasu.sample.model.CheckState
import org.kazasu.sample.model.Help
import org.kazasu.sample.model.Insurance
import org.kazasu.sample.model.Limit
import org.kazasu.sample.model.Phase

/** Hold your card. [antennaY] says where; [onSimulated] lays the simulated card on the phone, where cards are simulated. */
fun Kit.hold(state: CheckState.Hold, antennaY: Float, onSimulated: (() -> Unit)?, onCancel: () -> Unit): View {
    val title = when (state.phase) {
        Phase.CONNECTING -> R.string.hold_connecting
        Phase.WAITING -> R.string.hold_title
        Phase.READING -> R.string.hold_reading
        Phase.SENDING -> R.string.hold_sending
    }
    val waiting = state.phase == Phase.WAITING
    return page(
        string(title),
        listOfNotNull(
            AntennaView(context, antennaY),
            body(string(R.string.hold_where)).takeIf { waiting && state.help == null },
            state.help?.takeIf { waiting }?.let { advice(string(helpText(it))) },
            steps(state.steps).takeIf { state.phase == Phase.READING || state.phase == Phase.SENDING },
            quiet(string(R.string.pin_guessable)).takeIf { waiting && state.guessable },
        ),
        listOfNotNull(
            onSimulated?.takeIf { waiting }?.let { primary(string(R.string.simulated_card), it) },
            secondary(string(R.string.cancel), onCancel).takeIf { state.phase != Phase.SENDING },
        ),
    ).apply { keepScreenOn = true }
}

private fun Kit.steps(done: Int): View {
    val names = listOf(R.string.step_card, R.string.step_pin, R.string.step_leave)
    check(names.size == Check.STEPS)
    return panel(
        names.mapIndexed { at, name ->
            val over = at < done
            body((if (over) "✓  " else "○  ") + string(name), if (over) R.color.good else R.color.text_quiet).apply {
                contentDescription = string(if (over) R.string.step_done else R.string.step_open, string(name))
            }
        },
    ).apply { accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE }
}

/** Whether the last try may be used, in the SDK's words. */
fun Kit.lastTry(state: CheckState.LastTry, onAnswer: (Boolean) -> Unit): AlertDialog {
    val words = listOf(title(string(R.string.last_title)), text(state.text, 20f))
    val answers = listOf(
        primary(string(R.string.last_stop)) { onAnswer(false) },
        secondary(string(R.string.last_go_on)) { onAnswer(true) },
    )
    val box = column(words + answers).apply { setPadding(dp(24), dp(24), dp(24), dp(12)) }
    return AlertDialog.Builder(context)
        .setView(ScrollView(context).apply { addView(box) })
        .setOnCancelListener { onAnswer(false) }
        .create()
}

/** What went wrong, and the one thing to do. */
fun Kit.problem(state: CheckState.Problem, onAction: () -> Unit, onClose: () -> Unit): View = page(
    string(R.string.problem_title),
    listOfNotNull(
        text(state.text, 22f, bold = true, color = R.color.attention).apply {
            accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_ASSERTIVE
        },
        state.help?.let { body(string(helpText(it))) },
        quiet(string(R.string.problem_code, state.code)),
    ),
    listOfNotNull(
        primary(string(actionText(state.action)), onAction),
        secondary(string(R.string.action_close), onClose).takeIf { state.action != Action.CLOSE },
    ),
)

private fun helpText(help: Help): Int = when (help) {
    Help.CASE -> R.string.help_case
    Help.POSITION -> R.string.help_position
    Help.RESTART -> R.string.help_restart
}

private fun actionText(action: Action): Int = when (action) {
    Action.HOLD_AGAIN -> R.string.action_hold_again
    Action.ENTER_PIN -> R.string.action_enter_pin
    Action.CHECK_TRIES -> R.string.action_check_tries
    Action.TRY_AGAIN -> R.string.action_ask_again
    Action.START_AGAIN -> R.string.action_start_again
    Action.NFC_SETTINGS -> R.string.action_nfc_settings
    Action.CLOSE -> R.string.action_close
}

/** The answer. */
fun Kit.result(name: String, answer: Answer, onClose: () -> Unit): View = page(
    name,
    listOfNotNull(
        text(string(headline(answer.qualification)), 34f, bold = true, color = if (answer.good) R.color.good else R.color.attention),
        (answer.whatToDo ?: todo(answer.qualification)?.let { string(it) })?.let { text(it, 20f, bold = true) },
    ) + answer.insurances.map(::insurance) + listOfNotNull(
        answer.asOf?.let { body(string(R.string.result_as_of, it)) },
        ageText(answer.freshness)?.let { advice(string(it)) },
    ) + answer.notes.map { advice(it) } + listOfNotNull(
        quiet(string(R.string.result_test_card)).takeIf { answer.testCard },
    ),
    listOf(primary(string(R.string.result_close), onClose)),
)

private fun Kit.insurance(insurance: Insurance): View = panel(
    listOfNotNull(
        row(string(R.string.result_insurer), insurance.insurer ?: string(R.string.result_unknown)),
        // What an ended insurance paid would mislead.
        row(string(R.string.result_copay), copay(insurance)).takeIf { insurance.inForce },
        row(string(R.string.result_limit), limit(insurance.limit)).takeIf { insurance.inForce },
        insurance.lossDate?.let { row(string(R.string.result_lost_on), it) },
    ),
)

private fun Kit.copay(insurance: Insurance): String =
    insurance.copayPercent?.let { string(R.string.result_copay_value, it) } ?: string(R.string.result_unknown)

private fun Kit.limit(limit: Limit): String = when (limit) {
    is Limit.Known -> limit.words
    Limit.NoConsent -> string(R.string.result_limit_no_consent)
    Limit.Unknown -> string(R.string.result_unknown)
}

private fun headline(qualification: Qualification): Int = when (qualification) {
    Qualification.VALID -> R.string.result_valid
    Qualification.INVALID_LOST -> R.string.result_not_valid
    Qualification.INVALID_REPLACED -> R.string.result_replaced
    Qualification.NOT_FOUND -> R.string.result_not_found
    Qualification.MULTIPLE -> R.string.result_multiple
    Qualification.PENDING -> R.string.result_pending
    Qualification.UNREGISTERED -> R.string.result_unregistered
}

// The SDK has codes for the other answers.
private fun todo(qualification: Qualification): Int? = when (qualification) {
    Qualification.PENDING -> R.string.result_pending_todo
    Qualification.UNREGISTERED -> R.string.result_unregistered_todo
    else -> null
}

private fun ageText(freshness: Freshness): Int? = when (freshness) {
    Freshness.CURRENT -> null
    Freshness.DATED -> R.string.result_old
    Freshness.OUTDATED -> R.string.result_outdated
}

/** Between buttons that belong together. */
internal fun Kit.tight() = LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT).apply { bottomMargin = dp(2) }
