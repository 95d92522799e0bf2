package org.kazasu

import java.io.File
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.kazasu.example.FamilyMember
import org.kazasu.example.Screen
import org.kazasu.example.showEligibility
import org.kazasu.ffi.SimulatedCard

/** The page "from an empty app to eligibility" does what it says. */
class ExampleTest : SandboxTest() {
    private class Played(private val card: SimulatedCard, private val pin: CharArray) : Screen {
        val shown = mutableListOf<String>()
        var away = false
        override suspend fun enterPin(notice: String) = pin
        override suspend fun awaitCard() = card.link()
        override fun mayTakeCardAway() { away = true }
        override fun show(text: String) { shown += text }
    }

    @Test
    fun `the example shows the eligibility`() = runBlocking {
        val pin = pin(1)
        val screen = Played(card(1), pin)
        val member = FamilyMember(TestDeviceKey())
        showEligibility(sandbox.config, member, screen)
        val shown = screen.shown.single()
        assertTrue(shown.startsWith("VALID ") && shown.endsWith(" 30%"), shown)
        assertTrue(screen.away && member.certificate != null)
        assertArrayEquals(CharArray(4), pin)

        val stranger = Played(card(2), pin(2))
        showEligibility(sandbox.config, member, stranger)
        assertTrue(stranger.shown.single().endsWith("(KZ-C12)"), stranger.shown.single())
    }

    @Test
    fun `the README shows the example that is tested, in at most 40 lines`() {
        val root = File(System.getProperty("kazasu.root"))
        val source = root.resolve("tests/bindings/kotlin/Example.kt").readText()
        val readme = root.resolve("bindings/kotlin/README.md").readText()
        assertTrue("```kotlin\n$source```" in readme)
        val lines = source.lines().count { it.isNotBlank() && !it.startsWith("import ") && !it.startsWith("package ") }
        assertTrue(lines <= 40, "$lines lines")
    }
}
