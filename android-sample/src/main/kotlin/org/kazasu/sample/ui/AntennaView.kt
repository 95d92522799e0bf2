package org.kazasu.sample.ui

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.view.View
import org.kazasu.sample.R

/**
 * The back of a phone with a card on its antenna.
 *
 * @param antennaY where the antenna is, from the top (0) to the bottom (1) of the phone.
 */
class AntennaView(context: Context, private val antennaY: Float) : View(context) {
    private val density = resources.displayMetrics.density
    private val phone = stroke(R.color.text_quiet, 3f)
    private val card = fill(R.color.accent)
    private val chip = fill(R.color.on_accent)
    private val wave = stroke(R.color.accent, 3f)

    init {
        contentDescription = context.getString(R.string.hold_picture)
        importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_YES
    }

    override fun onMeasure(widthMeasureSpec: Int, heightMeasureSpec: Int) =
        setMeasuredDimension(MeasureSpec.getSize(widthMeasureSpec), (HEIGHT * density).toInt())

    override fun onDraw(canvas: Canvas) {
        val middle = width / 2f
        val body = RectF(middle - 52 * density, 4 * density, middle + 52 * density, height - 4 * density)
        canvas.drawRoundRect(body, 14 * density, 14 * density, phone)
        canvas.drawCircle(body.left + 18 * density, body.top + 18 * density, 7 * density, phone)
        val at = body.top + body.height() * antennaY
        for (radius in listOf(64f, 78f, 92f)) {
            val arc = RectF(middle - radius * density, at - radius * density, middle + radius * density, at + radius * density)
            canvas.drawArc(arc, -28f, 56f, false, wave)
            canvas.drawArc(arc, 152f, 56f, false, wave)
        }
        val plastic = RectF(middle - 43 * density, at - 27 * density, middle + 43 * density, at + 27 * density)
        canvas.drawRoundRect(plastic, 6 * density, 6 * density, card)
        canvas.drawRect(plastic.left + 12 * density, at - 8 * density, plastic.left + 30 * density, at + 8 * density, chip)
    }

    private fun stroke(color: Int, dp: Float) = fill(color).apply {
        style = Paint.Style.STROKE
        strokeWidth = dp * density
    }

    private fun fill(color: Int) = Paint(Paint.ANTI_ALIAS_FLAG).apply { this.color = context.getColor(color) }

    companion object {
        /** Where most phones have it. */
        const val USUAL: Float = 0.36f

        /** What the picture can show. */
        val RANGE: ClosedFloatingPointRange<Float> = 0.2f..0.8f

        private const val HEIGHT = 190
    }
}
