package org.kazasu.sample

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.view.View
import android.view.View.MeasureSpec
import android.widget.ScrollView
import android.widget.TextView
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.kazasu.ffi.EligibilityResult
import org.kazasu.ffi.Freshness
import org.kazasu.ffi.InsuranceInfo
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Language
import org.kazasu.ffi.PinKind
import org.kazasu.ffi.Qualification
import org.kazasu.ffi.SessionWarning
import org.kazasu.ffi.userText
import org.kazasu.sample.model.Action
import org.kazasu.sample.model.Answer
import org.kazasu.sample.model.CheckState
import org.kazasu.sample.model.Help
import org.kazasu.sample.model.Person
import org.kazasu.sample.model.Phase
import org.kazasu.sample.model.Server
import org.kazasu.sample.model.SettingsState
import org.kazasu.sample.ui.AntennaView
import org.kazasu.sample.ui.Kit
import org.kazasu.sample.ui.PinScreen
import org.kazasu.sample.ui.addMember
import org.kazasu.sample.ui.hold
import org.kazasu.sample.ui.lastTry
import org.kazasu.sample.ui.members
import org.kazasu.sample.ui.problem
import org.kazasu.sample.ui.result
import org.kazasu.sample.ui.settings
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowLooper

/** Draws every screen in both languages, light and dark, with usual and large text, and looks for what cannot be read. */
@RunWith(SampleRunner::class)
@Config(sdk = [34])
class ScreensTest {
    private val faults = mutableListOf<String>()

    @Test
    fun `Japanese, light`() = draw("ja", night = false, scale = 1.0f)

    @Test
    fun `Japanese, light, large`() = draw("ja", night = false, scale = 1.5f)

    @Test
    fun `Japanese, dark`() = draw("ja", night = true, scale = 1.0f)

    @Test
    fun `Japanese, dark, large`() = draw("ja", night = true, scale = 1.5f)

    @Test
    fun `English, light`() = draw("en", night = false, scale = 1.0f)

    @Test
    fun `English, light, large`() = draw("en", night = false, scale = 1.5f)

    @Test
    fun `English, dark`() = draw("en", night = true, scale = 1.0f)

    @Test
    fun `English, dark, large`() = draw("en", night = true, scale = 1.5f)

    @Test
    @Config(qualifiers = "notnight")
    fun `colours by day are far enough apart`() = contrast()

    @Test
    @Config(qualifiers = "night")
    fun `colours by night are far enough apart`() = contrast()

    private fun contrast() {
        val context = RuntimeEnvironment.getApplication()
        val texts = listOf(R.color.text, R.color.text_quiet, R.color.accent, R.color.good, R.color.attention)
        val pairs = texts.flatMap { listOf(it to R.color.page, it to R.color.panel) } + (R.color.on_accent to R.color.accent)
        for ((text, ground) in pairs) {
            val (dark, light) = listOf(text, ground).map { Color.luminance(context.getColor(it)) }.sorted()
            val ratio = (light + 0.05f) / (dark + 0.05f)
            assertTrue("${context.resources.getResourceEntryName(text)}: $ratio", ratio >= READABLE)
        }
    }

    private fun draw(language: String, night: Boolean, scale: Float) {
        RuntimeEnvironment.setQualifiers("$language-w${WIDTH}dp-h${HEIGHT}dp-${if (night) "night" else "notnight"}-xhdpi")
        RuntimeEnvironment.setFontScale(scale)
        val activity = Robolectric.buildActivity(MembersActivity::class.java).setup().get()
        val variant = "$language-${if (night) "dark" else "light"}-$scale"
        screens(Kit(activity), if (language == "ja") Language.JAPANESE else Language.ENGLISH).forEach { (name, view) ->
            val picture = picture(activity, view)
            inspect("$name $variant", view)
            save(picture, "$name-$variant")
        }
        val kit = Kit(activity)
        val under = picture(activity, kit.hold(CheckState.Hold(Phase.WAITING), AntennaView.USUAL, null) {})
        val dialog = kit.lastTry(CheckState.LastTry(text("KZ-C09", activity))) {}.apply { show() }
        ShadowLooper.idleMainLooper()
        val box = checkNotNull(dialog.window).decorView
        save(overlaid(under, box), "last-try-$variant")
        inspect("last-try $variant", box)
        assertEquals("", faults.joinToString("\n"))
    }

    private fun screens(kit: Kit, language: Language): List<Pair<String, View>> {
        val ja = language == Language.JAPANESE
        val me = kit.string(R.string.member_me)
        val names = if (ja) listOf("花子", "太郎", "祖母", "祖父") else listOf("Hanako", "Taro", "Grandmother", "Grandfather")
        val people = listOf(Person(1, me)) + names.mapIndexed { at, name -> Person(at + 2, name, limitConsent = at == 0) }
        fun problem(code: String, action: Action, help: Help? = null) =
            kit.problem(CheckState.Problem(code, checkNotNull(userText(code, language)), action, help), {}, {})
        fun hold(phase: Phase, steps: Int = 0, help: Help? = null, guessable: Boolean = false) =
            kit.hold(CheckState.Hold(phase, steps, help, guessable), AntennaView.USUAL, onSimulated = null, onCancel = {})
        fun pin(digits: Int, left: Int? = null, message: String? = null) =
            PinScreen(kit, CheckState.Pin(me, NOTICE, digits, left, message), {}, {}).view
        val wrong = KazasuException.WrongPin(PinKind.USER_AUTHENTICATION, 2u)
        fun result(person: Person, answer: EligibilityResult) = kit.result(person.name, Answer.of(answer, person, language), {})
        return listOf(
            "members" to kit.members(people.take(2), null, {}, {}, {}, {}),
            "members-full" to kit.members(people, userText("KZ-D06", language), {}, {}, {}, {}),
            "add" to kit.addMember(null) { _, _, _ -> },
            "pin" to pin(2),
            "pin-tries" to pin(0, left = 1),
            "pin-wrong" to pin(0, left = 2, message = wrong.userText(language)),
            "hold-connecting" to hold(Phase.CONNECTING),
            "hold" to hold(Phase.WAITING),
            "hold-guessable" to hold(Phase.WAITING, guessable = true),
            "hold-simulated" to kit.hold(CheckState.Hold(Phase.WAITING), AntennaView.USUAL, onSimulated = {}, onCancel = {}),
            "hold-help" to hold(Phase.WAITING, help = Help.POSITION),
            "hold-reading" to hold(Phase.READING, steps = 1),
            "hold-sending" to hold(Phase.SENDING, steps = 3),
            "problem-lost-1" to problem("KZ-C01", Action.HOLD_AGAIN, Help.CASE),
            "problem-lost-2" to problem("KZ-C01", Action.HOLD_AGAIN, Help.POSITION),
            "problem-lost-3" to problem("KZ-C01", Action.ENTER_PIN, Help.RESTART),
            "problem-unanswered" to kit.problem(
                CheckState.Problem(
                    "KZ-C01",
                    KazasuException.VerifyUnanswered(PinKind.USER_AUTHENTICATION, linkLost = true).userText(language),
                    Action.CHECK_TRIES,
                ), {}, {},
            ),
            "problem-blocked" to problem("KZ-C05", Action.CLOSE),
            "problem-no-nfc" to problem("KZ-C08", Action.NFC_SETTINGS),
            "problem-server" to problem("KZ-T01", Action.TRY_AGAIN),
            "problem-busy" to problem("KZ-U02", Action.START_AGAIN),
            "problem-cancelled" to problem("KZ-U03", Action.START_AGAIN),
            "result-valid" to result(people[1], answer(Qualification.VALID, null, insurance(limit = "適用区分ウ"))),
            "result-no-consent" to result(people[0], answer(Qualification.VALID, null, insurance())),
            "result-lost" to result(people[2], answer(Qualification.INVALID_LOST, "KZ-Q04", insurance(loss = "2026-11-01"))),
            "result-several" to result(people[3], answer(Qualification.MULTIPLE, "KZ-Q03", insurance(), insurance())),
            "result-none" to result(people[4], answer(Qualification.NOT_FOUND, "KZ-Q02")),
            "result-old" to result(
                people[0],
                answer(Qualification.VALID, null, insurance()).copy(
                    freshness = Freshness.OUTDATED,
                    warnings = listOf(SessionWarning.CERTIFICATE_EXPIRED, SessionWarning.DEVICE_CLOCK),
                ),
            ),
            "settings" to kit.settings(
                SettingsState(Server.SANDBOX, mapOf(Server.SERVICE to null, Server.SANDBOX to "127.0.0.1:40123"), simulated = true),
                people.take(3), {}, { _, _ -> }, {}, {}, {},
            ),
        )
    }

    private fun answer(qualification: Qualification, code: String?, vararg insurances: InsuranceInfo) = EligibilityResult(
        qualification = qualification,
        code = code,
        insurances = insurances.toList(),
        primary = if (insurances.isEmpty()) null else 0u,
        asOfUnixMs = 1_795_310_103_000,
        freshness = Freshness.CURRENT,
        warnings = emptyList(),
        testCard = true,
    )

    private fun insurance(limit: String? = null, loss: String? = null) = InsuranceInfo(
        inForce = loss == null,
        insurerName = "見本健康保険組合",
        copayPercent = 30u,
        limitCategory = limit,
        limitCategoryText = limit,
        limitText = null,
        lossDate = loss,
    )

    private fun text(code: String, activity: Activity) =
        checkNotNull(userText(code, if (Kit(activity).japanese()) Language.JAPANESE else Language.ENGLISH))

    private fun picture(activity: Activity, view: View): Bitmap {
        activity.setContentView(view)
        val density = activity.resources.displayMetrics.density
        val width = (WIDTH * density).toInt()
        val height = ((HEIGHT - BARS) * density).toInt()
        view.measure(MeasureSpec.makeMeasureSpec(width, MeasureSpec.EXACTLY), MeasureSpec.makeMeasureSpec(height, MeasureSpec.EXACTLY))
        view.layout(0, 0, width, height)
        return Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888).also { view.draw(Canvas(it)) }
    }

    private fun overlaid(under: Bitmap, box: View): Bitmap {
        val margin = under.width / 10
        val width = MeasureSpec.makeMeasureSpec(under.width - margin, MeasureSpec.EXACTLY)
        box.measure(width, MeasureSpec.makeMeasureSpec(under.height, MeasureSpec.AT_MOST))
        box.layout(0, 0, box.measuredWidth, box.measuredHeight)
        return under.also {
            val canvas = Canvas(it)
            canvas.drawColor(Color.argb(150, 0, 0, 0))
            canvas.translate((it.width - box.width) / 2f, (it.height - box.height) / 2f)
            box.draw(canvas)
        }
    }

    /** What is cut off, has no glyph, no words for TalkBack, or is too small for a finger. */
    private fun inspect(where: String, root: View) {
        val density = root.resources.displayMetrics.density
        val paint = Paint()
        for (view in root.all().filter { it.visibility == View.VISIBLE && it.width > 0 }) {
            if (view is TextView) {
                val layout = view.layout ?: continue
                val text = view.text.toString()
                if (layout.height > view.height - view.compoundPaddingTop - view.compoundPaddingBottom) faults += "$where: cut off: $text"
                if ((0 until layout.lineCount).any { layout.getEllipsisCount(it) > 0 }) faults += "$where: shortened: $text"
                if ((0 until layout.lineCount).any { layout.getLineMax(it) > layout.width + 1 }) faults += "$where: too wide: $text"
                text.filterNot { it.isWhitespace() || paint.hasGlyph(it.toString()) }.forEach { faults += "$where: no glyph: $it in $text" }
            }
            if (view.hasOnClickListeners()) {
                val words = view.contentDescription ?: (view as? TextView)?.text
                if (words.isNullOrBlank()) faults += "$where: nothing for TalkBack: $view"
                if (view.height < TOUCH * density) faults += "$where: small: $words"
            }
        }
        // Buttons at the bottom must leave room for what they are about.
        root.all().filterIsInstance<ScrollView>().forEach {
            val hidden = it.getChildAt(0).height - it.height
            if (hidden > 0) println("$where: $hidden px to scroll of ${it.height}")
        }
    }

    private fun save(picture: Bitmap, name: String) {
        val folder = File(System.getProperty("kazasu.screens")).apply { mkdirs() }
        File(folder, "$name.png").outputStream().use { assertTrue(picture.compress(Bitmap.CompressFormat.PNG, 100, it)) }
    }

    private companion object {
        const val WIDTH = 360
        const val HEIGHT = 720
        const val BARS = 72
        const val TOUCH = 48

        /** WCAG 2.2, 1.4.3, level AA. */
        const val READABLE = 4.5f
        const val NOTICE = "資格情報、薬剤情報及び医療費通知情報を、本人の確認、家計管理及び医療費控除の準備のために表示します。"
    }
}
