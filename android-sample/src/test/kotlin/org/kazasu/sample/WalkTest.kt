package org.kazasu.sample

import android.app.Activity
import android.view.View
import android.view.WindowManager
import android.widget.Button
import android.widget.EditText
import android.widget.Switch
import android.widget.TextView
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kazasu.CardLink
import org.kazasu.ffi.Language
import org.kazasu.ffi.SimulatedCard
import org.kazasu.ffi.userText
import org.kazasu.sample.model.AppModel
import org.kazasu.sample.model.Household
import org.kazasu.sample.model.Server
import org.kazasu.sample.model.Settings
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowDialog
import org.robolectric.shadows.ShadowLooper

/** The app as a person uses it, with a simulated card and a sandbox process. */
@RunWith(SampleRunner::class)
@Config(sdk = [34], qualifiers = "ja-rJP-w360dp-h720dp-xhdpi")
class WalkTest {
    private lateinit var sandbox: Sandbox
    private lateinit var model: AppModel
    private val open = mutableListOf<ActivityController<out Activity>>()
    private val card = SimulatedCard("today", 1u)
    private var taps = 0

    @Before
    fun setUp() {
        sandbox = Sandbox()
        val config = sandbox.config()
        model = AppModel(
            scope = CoroutineScope(SupervisorJob() + Dispatchers.Main.immediate),
            household = Household("わたし"),
            settings = Settings({ if (it == Server.SANDBOX) config else null }, canSimulate = true),
            deviceKey = MemoryKey().let { key -> { key } },
            simulatedCard = { CardLink.over(card.tap(null)) },
        )
        model.settings.simulate(true)
        (RuntimeEnvironment.getApplication() as SampleApplication).model = model
    }

    @After
    fun tearDown() {
        model.check?.leave()
        sandbox.close()
    }

    @Test
    fun `three taps from launch to result`() {
        val members = launch(MembersActivity::class.java)
        tap(members, "わたし")
        val check = launchNext(members)
        enterPin(check)
        taps++
        holdCard(check)
        await { find<TextView>(check, "有効") != null }
        assertEquals(3, taps)
        assertNotNull(find<TextView>(check, "試験用カードの結果です"))
        assertTrue(shadowOf(RuntimeEnvironment.getApplication().getSystemService(android.os.Vibrator::class.java)).isVibrating)
    }

    @Test
    fun `the last try is asked for in a dialog`() {
        card.setAttempts(1u)
        val check = checkScreen()
        enterPin(check)
        holdCard(check)
        await { ShadowDialog.getLatestDialog()?.isShowing == true }
        val words = ShadowDialog.getLatestDialog().window!!.decorView
        assertNotNull(find<TextView>(words, userText("KZ-C09", Language.JAPANESE)!!))
        assertEquals(0u, card.verifyCount())
        find<TextView>(words, "続ける")!!.performClick()
        holdCard(check)
        await { find<TextView>(check, "有効") != null }
    }

    @Test
    fun `without NFC a button leads to the settings`() {
        model.settings.simulate(false)
        val check = checkScreen()
        enterPin(check)
        await { find<TextView>(check, userText("KZ-C08", Language.JAPANESE)!!) != null }
        tap(check, "設定を開く")
        assertEquals(android.provider.Settings.ACTION_NFC_SETTINGS, shadowOf(check).nextStartedActivity.action)
    }

    @Test
    fun `in the background the wait for the card ends`() {
        val check = checkScreen()
        enterPin(check)
        await { find<TextView>(check, HOLD) != null }
        open.last().pause().stop()
        ShadowLooper.idleMainLooper()
        open.last().start().resume()
        await { find<TextView>(check, userText("KZ-U03", Language.JAPANESE)!!) != null }
    }

    @Test
    fun `a sixth person is refused`() {
        for (name in listOf("二", "三", "四", "五")) model.household.add(name, null, limitConsent = false)
        val members = launch(MembersActivity::class.java)
        tap(members, "家族を追加")
        assertNotNull(find<TextView>(members, userText("KZ-D06", Language.JAPANESE)!!))
        assertNull(shadowOf(members).nextStartedActivity)
    }

    @Test
    fun `someone is added, without the consent`() {
        val add = launch(AddMemberActivity::class.java)
        val name = add.window.decorView.all().filterIsInstance<EditText>().first()
        tap(add, "追加する")
        assertEquals("a name is needed", 1, model.household.people.value.size)
        name.setText("花子")
        tap(add, "追加する")
        assertTrue(add.isFinishing)
        assertEquals(listOf("わたし", "花子"), model.household.people.value.map { it.name })
        assertTrue(model.household.people.value.none { it.limitConsent })
    }

    @Test
    fun `the consent is a switch for each person`() {
        val settings = launch(SettingsActivity::class.java)
        val switch = settings.window.decorView.all().filterIsInstance<Switch>().single { it.text == "わたし" }
        assertFalse(switch.isChecked)
        switch.performClick()
        assertTrue(model.household.person(1)!!.limitConsent)
    }

    @Test
    fun `someone is removed in the settings`() {
        model.household.add("花子", null, limitConsent = false)
        val settings = launch(SettingsActivity::class.java)
        tap(settings, "花子の登録を解除")
        assertEquals(listOf("わたし"), model.household.people.value.map { it.name })
        assertNull(find<TextView>(settings, "花子の登録を解除"))
    }

    @Test
    fun `no screen can be photographed by another app`() {
        checkScreen()
        launch(AddMemberActivity::class.java)
        launch(SettingsActivity::class.java)
        assertEquals(4, open.size)
        open.forEach { assertTrue("$it", it.get().window.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE != 0) }
    }

    private fun checkScreen(): Activity {
        val members = launch(MembersActivity::class.java)
        tap(members, "わたし")
        return launchNext(members)
    }

    private fun enterPin(check: Activity) {
        await { find<Button>(check, "1") != null }
        "1234".forEach { digit -> find<Button>(check, digit.toString())!!.performClick() }
    }

    private fun holdCard(check: Activity) {
        await { find<TextView>(check, HOLD) != null }
        tap(check, HOLD)
    }

    private fun <T : Activity> launch(type: Class<T>): T = Robolectric.buildActivity(type).also(open::add).setup().get()

    private fun launchNext(from: Activity): Activity {
        val intent = shadowOf(from).nextStartedActivity
        @Suppress("UNCHECKED_CAST")
        return launch(Class.forName(intent.component!!.className) as Class<out Activity>)
    }

    private fun tap(activity: Activity, text: String) {
        assertTrue(text, find<TextView>(activity, text)!!.performClick())
        taps++
    }

    private fun await(condition: () -> Boolean) {
        val end = System.currentTimeMillis() + 20_000
        while (!condition()) {
            check(System.currentTimeMillis() < end) { "waited in vain" }
            ShadowLooper.idleMainLooper()
            Thread.sleep(5)
        }
    }

    private inline fun <reified T : TextView> find(activity: Activity, text: String): T? = find(activity.window.decorView, text)

    private inline fun <reified T : TextView> find(root: View, text: String): T? =
        root.all().filterIsInstance<T>().firstOrNull { it.text.toString() == text && it.isShown }

    private companion object {
        const val HOLD = "模擬カードをかざす"
    }
}
