package org.kazasu

import java.net.InetAddress
import java.net.ServerSocket
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Semaphore
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Language
import org.kazasu.ffi.Qualification
import org.kazasu.ffi.TransportException
import org.kazasu.ffi.simulatePanic

/** How calls end: cancelled, two at once, without a server, with a fault of the library. */
class CallsTest : SandboxTest() {
    /** An exchange that waits until the link is closed, as a card that does not answer does. */
    private class Waiting(private val card: CardLink, private val at: Int) : CardLink by card {
        val reached = CountDownLatch(1)
        val closed = CountDownLatch(1)
        private var exchange = 0

        override fun transceive(command: ByteArray): ByteArray {
            if (exchange++ >= at) {
                reached.countDown()
                closed.await()
                throw java.io.IOException("closed")
            }
            return card.transceive(command)
        }

        override fun close() = closed.countDown()
    }

    @Test
    fun `cancelling a tap closes the link, and the session takes another tap`() = session { session ->
        val hanako = card(1)
        val link = Waiting(hanako.link(), at = 2)
        val pin = pin(1)
        coroutineScope {
            var outcome: Throwable? = null
            val tap = launch(Dispatchers.Default) {
                outcome = runCatching { session.tap(link, pin) }.exceptionOrNull()
            }
            assertTrue(link.reached.await(10, TimeUnit.SECONDS))
            val waited = measureTime { tap.cancelAndJoin() }
            assertTrue(waited < 1.seconds, "$waited")
            assertTrue(outcome is CancellationException, "$outcome")
        }
        assertArrayEquals(CharArray(4), pin)
        assertTrue(link.closed.await(1, TimeUnit.SECONDS))
        assertEquals(0u, hanako.verifyCount())
        afterBusy { session.sign(hanako) }
        assertEquals(Qualification.VALID, session.finish().qualification)
    }

    @Test
    fun `a link closed by the app ends the tap as cancelled`() = session { session ->
        val link = TestLink(card(1).tap(null)) { _, _ -> throw TransportException.Cancelled() }
        val error = failsWith<KazasuException.Transport> { session.tap(link, pin(1)) }
        assertEquals("KZ-U03", error.code())
        val closed = card(1).link().apply { close() }
        assertEquals("KZ-U03", codeOf { readAttemptsLeft(closed) })
    }

    @Test
    fun `cancelling a card reading closes the link`() = runBlocking {
        for (read in listOf<suspend (CardLink) -> Any>(::readCardInfo, ::readAttemptsLeft)) {
            val link = Waiting(card(1).link(), at = 0)
            val reading = launch(Dispatchers.Default) { read(link) }
            assertTrue(link.reached.await(10, TimeUnit.SECONDS))
            reading.cancelAndJoin()
            assertTrue(link.closed.await(1, TimeUnit.SECONDS))
        }
    }

    @Test
    fun `a coroutine that is cancelled already reaches neither card nor server and still wipes`() = session { session ->
        val hanako = card(1)
        val pin = pin(1)
        coroutineScope {
            launch {
                coroutineContext[kotlinx.coroutines.Job]!!.cancel()
                runCatching { session.tap(hanako.link(), pin) }
            }
        }
        assertArrayEquals(CharArray(4), pin)
        assertEquals(0u, hanako.verifyCount())
        afterBusy { session.sign(hanako) }
    }

    @Test
    fun `cancelling a network call returns at once, and the same can be asked again`() {
        Sandbox("slow=1500").use { slow ->
            Kazasu(slow.config).use { kazasu ->
                runBlocking {
                    val unheard = measureTime {
                        assertEquals(null, withTimeoutOrNull(100.milliseconds) { kazasu.begin(own(), TestDeviceKey()) })
                    }
                    assertTrue(unheard < 1.seconds, "$unheard")
                    kazasu.begin(own(), TestDeviceKey()).use { session ->
                        session.sign(card(1))
                        val waited = measureTime {
                            assertEquals(null, withTimeoutOrNull(100.milliseconds) { session.finish() })
                        }
                        assertTrue(waited < 1.seconds, "$waited")
                        afterBusy { assertEquals(Qualification.VALID, session.finish().qualification) }
                    }
                }
            }
        }
    }

    /** Accepts connections and says nothing; tells when the client has closed one. */
    private class Silent : AutoCloseable {
        private val listener = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
        val port: Int get() = listener.localPort
        val accepted = Semaphore(0)
        val closed = Semaphore(0)

        init {
            thread(isDaemon = true) {
                runCatching {
                    while (true) {
                        val connection = listener.accept()
                        accepted.release()
                        thread(isDaemon = true) {
                            runCatching { connection.getInputStream().readAllBytes() }
                            closed.release()
                        }
                    }
                }
            }
        }

        override fun close() = listener.close()
    }

    @Test
    fun `cancelling begin lets go of the connection while another begin still waits`() = Silent().use { silent ->
        val here = "https://127.0.0.1:${silent.port}"
        Kazasu(sandbox.config.copy(issuer = here, fhirBase = "$here/r4")).use { kazasu ->
            runBlocking(Dispatchers.Default) {
                val witness = launch { runCatching { kazasu.begin(own(), TestDeviceKey()) } }
                assertTrue(silent.accepted.tryAcquire(10, TimeUnit.SECONDS))
                val call = launch { kazasu.begin(own(), TestDeviceKey()) }
                assertTrue(silent.accepted.tryAcquire(10, TimeUnit.SECONDS))
                call.cancelAndJoin()
                assertTrue(silent.closed.tryAcquire(10, TimeUnit.SECONDS))
                assertTrue(witness.isActive, "a timeout was faster")
                witness.cancelAndJoin()
            }
        }
    }

    @Test
    fun `a cancelled finish ends while another one still waits`() = Sandbox("submit-slow=8000").use { slow ->
        Kazasu(slow.config).use { kazasu ->
            runBlocking(Dispatchers.Default) {
                val sessions = List(2) { kazasu.begin(own(), TestDeviceKey()).apply { sign(card(1)) } }
                val (witness, call) = sessions.map { launch { it.finish() } }
                delay(500.milliseconds)
                assertTrue(call.isActive)
                call.cancelAndJoin()
                // No longer busy: the order of calls is what is wrong.
                val outcome = runCatching { afterBusy { sessions[1].renew() } }.exceptionOrNull()
                assertTrue(outcome is KazasuException.Usage, "$outcome")
                assertTrue(witness.isActive, "the answer was faster")
                assertEquals("KZ-U02", codeOf { sessions[0].renew() })
                witness.cancelAndJoin()
                sessions.forEach { it.close() }
            }
        }
    }

    @Test
    fun `a second call while one runs is busy, and its PIN is wiped`() = session { session ->
        val link = Waiting(card(1).link(), at = 1)
        coroutineScope {
            val first = async(Dispatchers.Default) { runCatching { session.tap(link, pin(1)) } }
            assertTrue(link.reached.await(10, TimeUnit.SECONDS))
            val pin = pin(1)
            val other = card(1)
            val busy = failsWith<KazasuException.Busy> { session.sign(other, pin) }
            assertEquals("KZ-U02", busy.code())
            assertArrayEquals(CharArray(4), pin)
            assertEquals(0u, other.verifyCount())
            failsWith<KazasuException.Busy> { session.renew() }
            failsWith<KazasuException.Busy> { session.finish() }
            link.close()
            assertTrue(first.await().exceptionOrNull() is KazasuException.Transport)
        }
        session.sign(card(1))
    }

    @Test
    fun `without a server the call is unreachable, before the tap and after it`() {
        val gone = Sandbox()
        Kazasu(gone.config).use { kazasu ->
            runBlocking {
                kazasu.begin(own(), TestDeviceKey()).use { session ->
                    session.sign(card(1))
                    gone.close()
                    val down = failsWith<KazasuException.Connection> { session.finish() }
                    assertEquals("KZ-T01", down.code())
                    assertFalse(down.userText(Language.JAPANESE).isBlank())
                }
                assertEquals("KZ-T01", codeOf { kazasu.begin(own(), TestDeviceKey()) })
            }
        }
    }

    @Test
    fun `a server that is not the pinned one is refused`() {
        val config = sandbox.config.copy(tlsRoots = Sandbox().use { it.config.tlsRoots })
        Kazasu(config).use { assertEquals("KZ-T03", codeOf { it.begin(own(), TestDeviceKey()) }) }
    }

    @Test
    fun `a fault inside the library is a typed error, and the library goes on`() {
        val fault = assertThrows<KazasuException.Internal> { translated { simulatePanic() } }
        assertEquals("KZ-U04", fault.code())
        assertFalse("simulated" in fault.toString())
        runBlocking {
            assertEquals("KZ-U04", codeOf { blocking<Unit> { simulatePanic() } })
            assertEquals(Qualification.VALID, kazasu.qualify(card(1), pin(1)).qualification)
        }
    }

    /** The call as soon as the cancelled one before it has ended in the background. */
    private suspend fun afterBusy(call: suspend () -> Unit) {
        repeat(100) {
            try {
                return call()
            } catch (_: KazasuException.Busy) {
                delay(20)
            }
        }
        throw AssertionError("busy for two seconds")
    }
}
