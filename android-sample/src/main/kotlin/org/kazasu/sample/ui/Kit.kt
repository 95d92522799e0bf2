package org.kazasu.sample.ui

import android.content.Context
import android.content.res.ColorStateList
import android.graphics.Typeface
import android.graphics.drawable.GradientDrawable
import android.graphics.drawable.RippleDrawable
import android.graphics.text.LineBreakConfig
import android.os.Build
import android.text.Layout
import android.view.Gravity
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.Button
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.Switch
import android.widget.TextView
import org.kazasu.sample.R

/** The few widgets this app has: large, plain, readable with TalkBack. */
class Kit(val context: Context) {
    fun dp(size: Int): Int = (size * context.resources.displayMetrics.density).toInt()

    fun color(id: Int): Int = context.getColor(id)

    fun string(id: Int, vararg arguments: Any): String = context.getString(id, *arguments)

    /** Whether the texts are Japanese. */
    fun japanese(): Boolean = context.resources.configuration.locales[0].language == "ja"

    /** A screen: [content] scrolls, [actions] stay at the bottom. */
    fun page(title: String, content: List<View>, actions: List<View>): View {
        val column = column(listOf(title(title)) + content)
        column.setPadding(dp(SIDE), dp(SIDE), dp(SIDE), dp(SIDE / 2))
        val scroll = ScrollView(context).apply {
            isFillViewport = true
            addView(column, MATCH_PARENT, WRAP_CONTENT)
        }
        val bottom = column(actions).apply { setPadding(dp(SIDE), dp(SIDE / 4), dp(SIDE), dp(SIDE / 2)) }
        return LinearLayout(context).apply {
            orientation = LinearLayout.VERTICAL
            setBackgroundColor(color(R.color.page))
            addView(scroll, LinearLayout.LayoutParams(MATCH_PARENT, 0, 1f))
            addView(bottom, MATCH_PARENT, WRAP_CONTENT)
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) accessibilityPaneTitle = title
        }
    }

    fun column(views: List<View>): LinearLayout = LinearLayout(context).apply {
        orientation = LinearLayout.VERTICAL
        views.forEach { view ->
            val given = view.layoutParams
            addView(view, given ?: LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT).apply { bottomMargin = dp(GAP) })
        }
    }

    fun title(text: String): TextView = text(text, 24f, bold = true).apply {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) isAccessibilityHeading = true
    }

    fun heading(text: String): TextView = text(text, 18f, bold = true).apply {
        setPadding(0, dp(GAP), 0, 0)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) isAccessibilityHeading = true
    }

    fun body(text: String, color: Int = R.color.text): TextView = text(text, 18f, color = color)

    fun quiet(text: String): TextView = text(text, 15f, color = R.color.text_quiet)

    /** Something to do; TalkBack reads it at once. */
    fun advice(text: String): TextView = text(text, 18f, bold = true, color = R.color.attention).apply {
        accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_POLITE
    }

    fun text(text: String, sp: Float, bold: Boolean = false, color: Int = R.color.text): TextView = TextView(context).apply {
        this.text = text
        textSize = sp
        setTextColor(color(color))
        if (bold) typeface = Typeface.DEFAULT_BOLD
        setLineSpacing(0f, LINE_SPACING)
        breakStrategy = Layout.BREAK_STRATEGY_BALANCED
        // Japanese is broken between phrases, not inside words.
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) lineBreakWordStyle = LineBreakConfig.LINE_BREAK_WORD_STYLE_PHRASE
    }

    /** The one thing to do on a screen. */
    fun primary(text: String, onClick: () -> Unit): Button =
        button(text, R.color.on_accent, filled(R.color.accent), 20f, onClick)

    /** A thing to choose. */
    fun choice(text: String, onClick: () -> Unit): Button =
        button(text, R.color.text, filled(R.color.panel), 22f, onClick).apply {
            gravity = Gravity.START or Gravity.CENTER_VERTICAL
            minHeight = dp(72)
        }

    /** Anything else. */
    fun secondary(text: String, onClick: () -> Unit): Button =
        button(text, R.color.accent, filled(R.color.page), 18f, onClick).apply { minHeight = dp(48) }

    fun toggle(text: String, on: Boolean, onChange: (Boolean) -> Unit): Switch = Switch(context).apply {
        this.text = text
        textSize = 18f
        setTextColor(color(R.color.text))
        minHeight = dp(56)
        isChecked = on
        setOnCheckedChangeListener { _, checked -> onChange(checked) }
    }

    fun panel(views: List<View>): View = column(views).apply {
        background = shape(R.color.panel)
        setPadding(dp(16), dp(14), dp(16), dp(4))
    }

    /** A name and its value, read by TalkBack as one. */
    fun row(name: String, value: String): View = column(
        listOf(
            quiet(name).apply { layoutParams = LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT) },
            text(value, 22f, bold = true).apply { layoutParams = LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT) },
        ),
    ).apply {
        isFocusable = true
        contentDescription = "$name: $value"
        layoutParams = LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT).apply { bottomMargin = dp(GAP) }
    }

    private fun button(text: String, textColor: Int, background: RippleDrawable, sp: Float, onClick: () -> Unit) =
        Button(context).apply {
            this.text = text
            isAllCaps = false
            breakStrategy = Layout.BREAK_STRATEGY_BALANCED
            textSize = sp
            setTextColor(color(textColor))
            this.background = background
            stateListAnimator = null
            minHeight = dp(64)
            setPadding(dp(16), dp(10), dp(16), dp(10))
            setOnClickListener { onClick() }
        }

    fun filled(color: Int): RippleDrawable = RippleDrawable(ColorStateList.valueOf(color(R.color.line)), shape(color), null)

    private fun shape(color: Int) = GradientDrawable().apply {
        setColor(color(color))
        cornerRadius = dp(12).toFloat()
    }

    companion object {
        private const val SIDE = 20
        private const val GAP = 12
        private const val LINE_SPACING = 1.15f
    }
}
