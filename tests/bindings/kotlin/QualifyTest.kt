package org.kazasu

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.kazasu.ffi.BackendConfig
import org.kazasu.ffi.CardGeneration
import org.kazasu.ffi.ConnectionReason
import org.kazasu.ffi.Freshness
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Language
import org.kazasu.ffi.LogLevel
import org.kazasu.ffi.LogListener
import org.kazasu.ffi.Qualification
import org.kazasu.ffi.TapStep
import org.kazasu.ffi.TimeLimits
import org.kazasu.ffi.checkNewMember
import org.kazasu.ffi.setLogListener
import org.kazasu.ffi.userText

/** The main job, and what belongs to it. */
class QualifyTest : SandboxTest() {
    @Test
    fun `two members qualify, each with a key of their own`() = runBlocking {
        val hanako = kazasu.qualify(card(1), pin(1))
        assertEquals(Qualification.VALID, hanako.qualification)
        assertEquals(null, hanako.code)
        assertEquals(Freshness.CURRENT, hanako.freshness)
        assertTrue(hanako.testCard)
        assertNotNull(hanako.asOfUnixMs)
        val insurance = hanako.insurances[hanako.primary!!.toInt()]
        assertTrue(insurance.inForce)
        assertEquals(30, insurance.copayPercent?.toInt())
        assertNotNull(insurance.insurerName)
        assertNotNull(insurance.limitCategory)

        val taro = kazasu.qualify(card(2), pin(2))
        assertEquals(Qualification.INVALID_LOST, taro.qualification)
        assertTrue(taro.code!!.startsWith("KZ-Q"), taro.code)
        assertFalse(taro.insurances[taro.primary!!.toInt()].inForce)
    }

    @Test
    fun `steps come in order and the second tap uses what the first one kept`() {
        val hanako = card(1)
        val steps = mutableListOf<TapStep>()
        session { session ->
            val first = hanako.link().use { session.tap(it, pin(1), onStep = steps::add) }
            assertEquals(TapStep.entries, steps)
            session(first.certificate) { again ->
                assertArrayEquals(first.certificate, again.sign(hanako).certificate)
                assertEquals(Qualification.VALID, again.finish().qualification)
            }
        }
    }

    @Test
    fun `another card than the registered one is refused before the PIN`() {
        var registered: ByteArray? = null
        session { registered = it.sign(card(1)).certificate }
        val taro = card(2)
        session(registered) { session ->
            failsWith<KazasuException.OtherCard> { session.sign(taro, pin(2)) }
            assertEquals(0u, taro.verifyCount())
            session.sign(card(1))
            assertEquals(Qualification.VALID, session.finish().qualification)
        }
    }

    @Test
    fun `where assertions are exchanged a client key is needed that is no device key`() = runBlocking {
        Sandbox(options = listOf("--modes", "exchange")).use { sandbox ->
            Kazasu(sandbox.config, clientKey = TestDeviceKey()).use {
                assertEquals(Qualification.VALID, it.qualify(card(1), pin(1)).qualification)
            }
            val hers = TestDeviceKey()
            for (key in listOf(null, hers)) {
                Kazasu(sandbox.config, clientKey = key).use { failsWith<KazasuException.Usage> { it.begin(own(), hers) } }
            }
        }
    }

    @Test
    fun `a card tells what it is and how many tries are left`() = runBlocking {
        val hanako = card(1)
        val info = hanako.link().use { readCardInfo(it) }
        assertEquals(CardGeneration.MY_NUMBER_CARD, info.generation)
        assertTrue("jpki" in info.applications)
        hanako.setAttempts(2u)
        assertEquals(2, hanako.link().use { readAttemptsLeft(it) }.attemptsLeft?.toInt())
        assertEquals(0u, hanako.verifyCount())
        assertEquals("KZ-C03", codeOf { readCardInfo(card(1, "not-jpki").link()) })
    }

    @Test
    fun `the order of calls is kept`() = session { session ->
        failsWith<KazasuException.Usage> { session.finish() }
        session.renew()
        session.sign(card(1))
        failsWith<KazasuException.Usage> { session.renew() }
        failsWith<KazasuException.Usage> { session.sign(card(1)) }
        assertEquals(Qualification.VALID, session.finish().qualification)
        session.close()
        assertEquals("KZ-U01", codeOf { session.finish() })
    }

    @Test
    fun `a backend that was closed begins nothing`() = runBlocking {
        val closed = Kazasu(sandbox.config).apply { close() }
        assertEquals("KZ-U01", codeOf { closed.begin(own(), TestDeviceKey()) })
    }

    @Test
    fun `a wrong setting is named`() {
        val config: BackendConfig = sandbox.config.copy(pins = emptyList())
        assertEquals("KZ-U01", assertThrows(KazasuException.Usage::class.java) { Kazasu(config) }.code())
    }

    @Test
    fun `a proxy that is not there is told as the proxy`() = runBlocking {
        val limits = TimeLimits(connectMs = 1000u)
        assertEquals(15_000u, limits.totalMs)
        Kazasu(sandbox.config.copy(proxy = "127.0.0.1:1", timeLimits = limits)).use {
            val refused = failsWith<KazasuException.Connection> { it.begin(own(), TestDeviceKey()) }
            assertEquals(ConnectionReason.PROXY to "KZ-T01", refused.reason to refused.code())
            assertTrue("proxy" in refused.userText(Language.ENGLISH))
        }
        for (wrong in listOf(sandbox.config.copy(proxy = "u:p@127.0.0.1:1"), sandbox.config.copy(timeLimits = TimeLimits(tlsMs = 0u)))) {
            assertThrows(KazasuException.Usage::class.java) { Kazasu(wrong) }
        }
    }

    @Test
    fun `every error has a text for users in both languages`() {
        session { session ->
            val wrong = failsWith<KazasuException.WrongPin> { session.sign(card(1), wrongPin()) }
            assertTrue(Regex("[ぁ-ん]").containsMatchIn(wrong.userText(Language.JAPANESE)))
            assertTrue(Regex("^[\\x20-\\x7E]+$").matches(wrong.userText(Language.ENGLISH)))
            for (language in Language.entries) {
                assertTrue("2" in wrong.userText(language) && "{n}" !in wrong.userText(language))
                assertFalse(userText("KZ-Q04", language).isNullOrBlank())
                assertEquals(null, userText("KZ-X99", language))
            }
        }
    }

    @Test
    fun `text of a server is made fit to be shown`() {
        assertEquals("見本健保 Name: X", "見本健保\n  Name: \u202eX\u200b".shown())
        assertEquals("長長長…", "長".repeat(9).shown(4))
        assertEquals("見本　花子", "見本　花子".shown(99))
    }

    @Test
    fun `a sixth member is refused`() {
        checkNewMember(4u)
        assertEquals("KZ-D06", assertThrows(KazasuException.TooManyMembers::class.java) { checkNewMember(5u) }.code())
    }

    @Test
    fun `log lines reach the app without the PIN`() {
        val lines = java.util.concurrent.CopyOnWriteArrayList<String>()
        setLogListener(object : LogListener {
            override fun onLine(level: LogLevel, line: String) {
                lines += line
                error("a listener that throws")
            }
        })
        try {
            session { it.sign(card(1)) }
        } finally {
            setLogListener(null)
        }
        assertFalse(lines.isEmpty())
        assertFalse(lines.any { "1234" in it || "31323334" in it }, lines.toString())
    }
}
