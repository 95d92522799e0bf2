package org.kazasu

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.kazasu.ffi.DeviceKey
import org.kazasu.ffi.DeviceKeyException
import org.kazasu.ffi.ExtendedDoubt
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.LinkEnd
import org.kazasu.ffi.Qualification
import org.kazasu.ffi.TapStep
import org.kazasu.ffi.TransportException
import org.kazasu.ffi.TransportLimits

/** The app's side fails: the card is pulled away, callbacks throw. */
class LinkTest : SandboxTest() {
    /** What an app's code throws by mistake; the library must neither crash nor carry the text. */
    private val mistakes = listOf(
        IllegalStateException("a secret text"),
        java.io.IOException("a secret text"),
        RuntimeException(),
        NotImplementedError("a secret text"),
        StackOverflowError(),
    )

    @Test
    fun `a card lost at any exchange is a typed error and never a second VERIFY`() = session { outlives ->
        val whole = TestLink(card(1).tap(null))
        session(null) { it.tap(whole, pin(1)) }
        val exchanges = whole.exchanges
        assertTrue(exchanges >= 5, "$exchanges exchanges")
        var doubtful = 0
        for (exchange in 0 until exchanges) {
            for (fault in listOf("drop", "drop-after")) {
                for (right in listOf(true, false)) {
                    val at = "exchange $exchange, $fault, right PIN: $right"
                    val hanako = card(1)
                    // In a session of its own: where a read was lost, the next tap of a session reads in smaller pieces.
                    val error = kazasu.begin(own(), TestDeviceKey()).use { fresh ->
                        failsWith<KazasuException> {
                            hanako.link("exchange=$exchange:$fault").use { fresh.tap(it, if (right) pin(1) else wrongPin()) }
                        }
                    }
                    val sent = hanako.verifyCount()
                    assertTrue(sent <= 1u, at)
                    assertEquals(if (right || sent == 0u) 3 else 2, hanako.attemptsLeft().toInt(), at)
                    when (error) {
                        is KazasuException.Transport -> assertTrue(error.error is TransportException.TagLost, at)
                        is KazasuException.VerifyUnanswered -> doubtful += 1
                        is KazasuException.WrongPin -> assertTrue(!right && sent == 1u, at)
                        else -> throw AssertionError(at, error)
                    }
                }
            }
        }
        assertEquals(4, doubtful)
        // A session outlives them all.
        repeat(exchanges) { exchange ->
            failsWith<KazasuException> { card(1).link("exchange=$exchange:drop").use { outlives.tap(it, pin(1)) } }
        }
        outlives.sign(card(1))
        assertEquals(Qualification.VALID, outlives.finish().qualification)
    }

    @Test
    fun `a link that breaks at extended lengths costs one tap and is remembered`() = runBlocking<Unit> {
        val hanako = card(1)
        val broken = "every-extended:drop"
        val shown = kazasu.begin(own(), TestDeviceKey()).use { session ->
            assertNull(session.capabilities)
            failsWith<KazasuException.Transport> { hanako.link(broken).use { session.tap(it, pin(1)) } }
            assertFalse(session.pinWasSent)
            session.capabilities
        }
        assertEquals(ExtendedDoubt.SUSPENDED, shown?.extendedDoubt)
        kazasu.begin(own().copy(capabilities = shown), TestDeviceKey()).use { session ->
            val tap = hanako.link(broken).use { session.tap(it, pin(1)) }
            assertEquals(ExtendedDoubt.ON_TRIAL, tap.capabilities.extendedDoubt)
            assertEquals(tap.capabilities, session.capabilities)
        }
    }

    @Test
    fun `a link can be kept to short APDUs`() = session { session ->
        val link = TestLink(card(1).tap("every-extended:drop"))
        session.tap(link.shortOnly(), pin(1))
        assertTrue(link.commands.none { it.size == 7 && it[1] == 0xB0.toByte() })
        assertEquals(TransportLimits(CardLink.SHORT_COMMAND, CardLink.SHORT_RESPONSE), link.shortOnly().limits())
    }

    @Test
    fun `what a link throws arrives as a typed transport error without its text`() = session { session ->
        for (mistake in mistakes) {
            val link = TestLink(card(1).tap(null)) { exchange, _ -> if (exchange >= 1) throw mistake }
            val error = failsWith<KazasuException.Transport> { session.tap(link, pin(1)) }
            val failed = error.error as TransportException.Failed
            assertEquals(mistake.javaClass.simpleName, failed.detail)
            assertEquals("KZ-C01", error.code())
            assertFalse("secret" in error.toString() || "secret" in error.message.orEmpty())
        }
    }

    @Test
    fun `what a link throws by contract keeps its type`() = session { session ->
        val codes = listOf(
            TransportException.TagLost() to "KZ-C01",
            TransportException.Timeout() to "KZ-C02",
            TransportException.Unavailable() to "KZ-C08",
            TransportException.Cancelled() to "KZ-U03",
            TransportException.NotSent(LinkEnd.CANCELLED) to "KZ-U03",
            TransportException.NotSent(LinkEnd.TAG_LOST) to "KZ-C01",
            TransportException.Failed(detail = "reader") to "KZ-C01",
        )
        for ((thrown, code) in codes) {
            val link = TestLink(card(1).tap(null)) { _, _ -> throw thrown }
            val error = failsWith<KazasuException.Transport> { session.tap(link, pin(1)) }
            assertEquals(thrown.javaClass, error.error.javaClass)
            assertEquals(code, error.code())
        }
    }

    @Test
    fun `limits that throw count as those of short APDUs`() = session { session ->
        val hanako = card(1)
        val link = object : CardLink by hanako.link() {
            override fun limits() = throw IllegalStateException()
        }
        session.tap(link, pin(1))
        assertEquals(Qualification.VALID, session.finish().qualification)
    }

    @Test
    fun `what a device key throws arrives as a typed error`() = runBlocking {
        for (mistake in mistakes + DeviceKeyException.Failed(detail = "locked")) {
            val key = object : DeviceKey {
                override fun publicKey(): ByteArray = throw mistake
                override fun signSha256(message: ByteArray): ByteArray = throw mistake
            }
            val error = failsWith<KazasuException.DeviceKey> { kazasu.begin(own(), key) }
            assertEquals("KZ-L01", error.code())
            assertEquals((mistake as? DeviceKeyException.Failed)?.detail ?: mistake.javaClass.simpleName, error.detail)
        }
        val signsBadly = object : TestDeviceKey() {
            override fun signSha256(message: ByteArray): ByteArray = throw IllegalStateException("a secret text")
        }
        assertEquals("KZ-L01", codeOf { kazasu.qualify(card(1), pin(1), signsBadly) })
        val malformed = object : TestDeviceKey() {
            override fun publicKey() = ByteArray(3)
        }
        assertEquals("KZ-L01", codeOf { kazasu.begin(own(), malformed) })
    }

    @Test
    fun `what a progress listener throws is ignored`() = session { session ->
        for (mistake in mistakes) {
            val steps = mutableListOf<TapStep>()
            session(null) { other ->
                card(1).link().use { link ->
                    other.tap(link, pin(1)) { step ->
                        steps += step
                        throw mistake
                    }
                }
            }
            assertEquals(TapStep.entries, steps)
        }
        session.sign(card(1))
        assertEquals(Qualification.VALID, session.finish().qualification)
    }
}
