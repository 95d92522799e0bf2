package org.kazasu.sample.ui

import android.util.TypedValue
import android.view.Gravity
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.Button
import android.widget.LinearLayout
import android.widget.Space
import android.widget.TextView
import org.kazasu.sample.R
import org.kazasu.sample.model.Check
import org.kazasu.sample.model.CheckState

/** The PIN pad. Stays while digits come, so that TalkBack keeps its place. */
class PinScreen(private val kit: Kit, private val shown: CheckState.Pin, onDigit: (Char) -> Unit, onErase: () -> Unit) {
    private val dots: TextView = kit.text("", 0f, bold = true).apply {
        // Marks, not text: they stay as they are when text is large, and leave room for it.
        setTextSize(TypedValue.COMPLEX_UNIT_DIP, 28f)
        gravity = Gravity.CENTER
        letterSpacing = 0.3f
        accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE
    }

    /** What to put on the screen. */
    val view: View = kit.page(
        kit.string(R.string.pin_title, shown.name),
        listOfNotNull(
            shown.message?.let(kit::advice),
            kit.body(kit.string(R.string.pin_what)).takeIf { shown.message == null },
            // The SDK's text of a refused PIN has the number already.
            shown.attemptsLeft?.takeIf { shown.message == null }?.let { kit.body(tries(it), R.color.attention) },
            shown.notice?.let(kit::quiet),
        ),
        listOf(dots, pad(onDigit, onErase)),
    )

    init {
        show(shown)
    }

    /** Whether only digits came or went. */
    fun fits(state: CheckState.Pin): Boolean = state.copy(digits = shown.digits) == shown

    /** Digits came or went. */
    fun show(state: CheckState.Pin) {
        dots.text = "●".repeat(state.digits) + "○".repeat(Check.PIN_LENGTH - state.digits)
        dots.contentDescription = kit.string(R.string.pin_entered, state.digits)
    }

    private fun tries(left: Int) = kit.string(R.string.pin_tries, left)

    private fun pad(onDigit: (Char) -> Unit, onErase: () -> Unit): View = kit.column(
        listOf("123", "456", "789", " 0<").map { keys ->
            LinearLayout(kit.context).apply {
                layoutParams = LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT)
                keys.forEach { key -> addView(key(key, onDigit, onErase), cell()) }
            }
        },
    )

    private fun key(key: Char, onDigit: (Char) -> Unit, onErase: () -> Unit): View = when (key) {
        ' ' -> Space(kit.context)
        '<' -> digit("⌫") { onErase() }.apply { contentDescription = kit.string(R.string.pin_erase) }
        else -> digit(key.toString()) { onDigit(key) }
    }

    private fun digit(text: String, onClick: () -> Unit): Button = kit.choice(text, onClick).apply {
        gravity = Gravity.CENTER
        textSize = 26f
        minHeight = kit.dp(54)
        setPadding(0, 0, 0, 0)
    }

    private fun cell() = LinearLayout.LayoutParams(0, WRAP_CONTENT, 1f).apply {
        setMargins(kit.dp(4), kit.dp(4), kit.dp(4), kit.dp(4))
    }
}
