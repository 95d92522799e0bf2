package org.kazasu.sample

import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.AfterClass
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.BeforeClass
import org.junit.Test
import org.kazasu.CardLink
import org.kazasu.Kazasu
import org.kazasu.KazasuSession
import org.kazasu.ffi.BackendConfig
import org.kazasu.ffi.CardTransport
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Language
import org.kazasu.ffi.Member
import org.kazasu.ffi.Purpose
import org.kazasu.ffi.Qualification
import org.kazasu.ffi.SimulatedCard
import org.kazasu.ffi.TransportException
import org.kazasu.ffi.simulatePanic
import org.kazasu.ffi.userText
import org.kazasu.sample.model.Action
import org.kazasu.sample.model.Added
import org.kazasu.sample.model.Answer
import org.kazasu.sample.model.Check
import org.kazasu.sample.model.CheckState
import org.kazasu.sample.model.CardReader
import org.kazasu.sample.model.ClientFile
import org.kazasu.sample.model.Help
import org.kazasu.sample.model.Household
import org.kazasu.sample.model.Limit
import org.kazasu.sample.model.Person
import org.kazasu.sample.model.Phase
import org.kazasu.sample.model.Server
import org.kazasu.sample.model.Settings
import org.kazasu.sample.model.add
import org.kazasu.sample.model.place
import org.kazasu.sample.model.withLimitConsent

/** The view models with the real library, simulated cards and a sandbox process. */
class CheckTest {
    private val household = Household("わたし")
    private val card = SimulatedCard("today", 1u)
    private val key = MemoryKey()

    /** What is laid on the phone, in this order; then nothing more. */
    private val cards = Channel<() -> CardLink>(Channel.UNLIMITED)
    private var clock = 0L
    private var readersOpen = 0

    private fun laid(fault: String? = null): () -> CardLink = { CardLink.over(card.tap(fault)) }

    private fun noNfc(): () -> CardLink = { throw KazasuException.Transport(TransportException.Unavailable()) }

    private inner class Reader : CardReader {
        init {
            readersOpen++
        }

        override suspend fun awaitCard(): CardLink = cards.receive()()

        override fun close() {
            readersOpen--
        }
    }

    private fun check(
        config: BackendConfig = sandbox.config(),
        number: Int = 1,
        begin: (suspend (Person) -> KazasuSession)? = null,
        test: suspend Check.() -> Unit,
    ) = runBlocking {
        val scope = CoroutineScope(coroutineContext + SupervisorJob())
        val consent = checkNotNull(household.person(number)).limitConsent
        val asked = config.withLimitConsent(consent, WORDS)
        val check = Check(
            number, household, asked.noticeText, Language.JAPANESE, scope,
            begin = begin ?: { Kazasu(asked).use { kazasu -> kazasu.begin(it.member(), key) } },
            reader = ::Reader,
            now = { clock },
        )
        withTimeout(20_000) { check.test() }
        check.leave()
        scope.cancel()
        assertEquals("every reader is closed", 0, readersOpen)
    }

    private fun Check.enter(pin: String = "1234") = pin.forEach(::type)

    /** Does the one thing there is to do. */
    private suspend fun Check.go() {
        act()
        yield()
    }

    private suspend inline fun <reified T : CheckState> Check.reach(crossinline fits: (T) -> Boolean = { true }): T =
        state.first { it is T && fits(it) } as T

    private suspend fun Check.problem(code: String): CheckState.Problem = reach<CheckState.Problem>().also { assertEquals(code, it.code) }

    @Test
    fun `the right PIN leads to the answer and leaves nothing behind`() = check {
        cards.trySend(laid())
        val pad = reach<CheckState.Pin>()
        assertEquals("わたし", pad.name)
        assertNotNull(pad.notice)
        assertNull(pad.attemptsLeft)
        enter()
        val answer = reach<CheckState.Result>().answer
        assertTrue(answer.good)
        assertEquals(Qualification.VALID, answer.qualification)
        assertNull(answer.whatToDo)
        assertEquals(30, answer.insurances.single().copayPercent)
        assertTrue(answer.asOf!!, Regex("""20\d\d年\d+月\d+日 \d+:\d\d""").matches(answer.asOf!!))
        assertTrue(answer.testCard)
        assertNotNull(household.person(1)?.card)
    }

    @Test
    fun `progress has three steps and ends before the server is asked`() = check {
        cards.trySend(laid())
        val seen = mutableListOf<CheckState.Hold>()
        val scope = CoroutineScope(Dispatchers.Unconfined)
        val watch = scope.async(start = CoroutineStart.UNDISPATCHED) { state.collect { if (it is CheckState.Hold) seen += it } }
        enter()
        reach<CheckState.Result>()
        watch.cancel()
        assertEquals(listOf(0, 1, 2, 3), seen.map { it.steps }.distinct())
        assertEquals(Phase.entries, seen.map { it.phase }.distinct())
        assertTrue("the card may leave as soon as it has signed", seen.any { it.phase == Phase.READING && it.steps == Check.STEPS })
    }

    @Test
    fun `the limit category comes with consent only, and the notice says so`() {
        check {
            assertFalse(reach<CheckState.Pin>().notice!!.contains(WORDS))
            cards.trySend(laid())
            enter()
            assertEquals(Limit.NoConsent, reach<CheckState.Result>().answer.insurances.single().limit)
        }
        household.update(1) { it.copy(limitConsent = true) }
        check {
            assertTrue(reach<CheckState.Pin>().notice!!.contains(WORDS))
            cards.trySend(laid())
            enter()
            assertTrue(reach<CheckState.Result>().answer.insurances.single().limit is Limit.Known)
        }
    }

    @Test
    fun `a wrong PIN asks again with the tries left`() = check {
        cards.trySend(laid())
        cards.trySend(laid())
        enter("9999")
        val pad = reach<CheckState.Pin> { it.message != null }
        assertEquals(2, pad.attemptsLeft)
        assertTrue(pad.message!!, pad.message!!.contains("残り2回"))
        assertEquals(0, pad.digits)
        enter()
        reach<CheckState.Result>()
        assertNull(household.person(1)?.attemptsLeft)
        assertEquals(2u, card.verifyCount())
    }

    @Test
    fun `the last try needs a yes, and the PIN is not typed again`() = check {
        card.setAttempts(1u)
        cards.trySend(laid())
        enter()
        assertEquals(userText("KZ-C09", Language.JAPANESE), reach<CheckState.LastTry>().text)
        assertEquals(0u, card.verifyCount())
        assertEquals(1, household.person(1)?.attemptsLeft)
        cards.trySend(laid())
        lastTry(goOn = true)
        yield()
        reach<CheckState.Result>()
        assertEquals(1u, card.verifyCount())
    }

    @Test
    fun `a no to the last try sends nothing`() = check {
        card.setAttempts(1u)
        cards.trySend(laid())
        enter()
        reach<CheckState.LastTry>()
        lastTry(goOn = false)
        reach<CheckState.Left>()
        assertEquals(0u, card.verifyCount())
    }

    @Test
    fun `the yes counts for one entry only`() = check {
        card.setAttempts(1u)
        cards.trySend(laid())
        enter()
        reach<CheckState.LastTry>()
        cards.trySend(laid("exchange=1:drop"))
        lastTry(goOn = true)
        yield()
        assertEquals(Action.HOLD_AGAIN, problem("KZ-C01").action)
        clock += 61_000
        go()
        reach<CheckState.Pin>()
        cards.trySend(laid())
        enter()
        reach<CheckState.LastTry>()
        assertEquals(0u, card.verifyCount())
    }

    @Test
    fun `a blocked PIN leaves one thing to do`() = check {
        card.setAttempts(0u)
        cards.trySend(laid())
        enter()
        assertEquals(Action.CLOSE, problem("KZ-C05").action)
        go()
        reach<CheckState.Left>()
    }

    @Test
    fun `failures bring graded help, and the PIN is kept while it was not sent`() = check {
        cards.trySend(laid("exchange=1:drop"))
        enter()
        for (help in listOf(Help.CASE, Help.POSITION, Help.RESTART, Help.RESTART)) {
            val lost = problem("KZ-C01")
            assertEquals(help, lost.help)
            assertEquals(Action.HOLD_AGAIN, lost.action)
            go()
            assertEquals(help, reach<CheckState.Hold> { it.phase == Phase.WAITING }.help)
            cards.trySend(laid("exchange=1:drop"))
        }
        problem("KZ-C01")
        assertEquals(0u, card.verifyCount())
    }

    @Test
    fun `a card lost at any exchange costs at most one try for each entry`() {
        var unanswered = 0
        var kept = 0
        for (fault in listOf("drop", "drop-after")) {
            for (exchange in 0..5) {
                val before = card.verifyCount()
                check {
                    cards.trySend(laid("exchange=$exchange:$fault"))
                    enter()
                    val shown = state.first { it is CheckState.Problem || it is CheckState.Result }
                    if (shown !is CheckState.Problem) return@check
                    assertEquals("KZ-C01", shown.code)
                    val sent = (card.verifyCount() - before).toInt()
                    if (shown.action != Action.ENTER_PIN) cards.trySend(laid())
                    go()
                    when (shown.action) {
                        Action.HOLD_AGAIN -> {
                            assertEquals(0, sent)
                            kept++
                            reach<CheckState.Result>()
                        }
                        Action.ENTER_PIN -> {
                            assertEquals(1, sent)
                            reach<CheckState.Pin>()
                        }
                        else -> {
                            assertEquals(Action.CHECK_TRIES, shown.action)
                            unanswered++
                            assertEquals(card.attemptsLeft().toInt(), reach<CheckState.Pin>().attemptsLeft)
                        }
                    }
                    assertTrue((card.verifyCount() - before).toInt() <= 1)
                }
            }
        }
        assertTrue("$kept kept, $unanswered unanswered", kept > 2 && unanswered > 0)
    }

    @Test
    fun `the PIN is forgotten after a minute`() = check {
        cards.trySend(laid("exchange=1:drop"))
        enter()
        problem("KZ-C01")
        clock += 61_000
        go()
        assertEquals(0, reach<CheckState.Pin>().digits)
    }

    @Test
    fun `another card than last time is refused before the PIN`() {
        check {
            cards.trySend(laid())
            enter()
            reach<CheckState.Result>()
        }
        val other = SimulatedCard("today", 2u)
        check {
            cards.trySend { CardLink.over(other.tap(null)) }
            enter()
            assertEquals(Action.HOLD_AGAIN, problem("KZ-C12").action)
            assertEquals(0u, other.verifyCount())
        }
    }

    @Test
    fun `not a My Number card`() = check {
        cards.trySend { CardLink.over(SimulatedCard("not-jpki", 1u).tap(null)) }
        enter()
        val problem = problem("KZ-C03")
        assertEquals(Action.HOLD_AGAIN, problem.action)
        assertNull(problem.help)
    }

    @Test
    fun `without NFC the settings are one tap away, and then it goes on`() = check {
        cards.trySend(noNfc())
        enter()
        assertEquals(Action.NFC_SETTINGS, problem("KZ-C08").action)
        cards.trySend(laid())
        go()
        reach<CheckState.Result>()
    }

    @Test
    fun `without a server no card is asked for`() {
        val closed = Sandbox().use { it.config() }
        check(closed) {
            cards.trySend(laid())
            enter()
            assertEquals(Action.TRY_AGAIN, problem("KZ-T01").action)
            assertFalse("the card is still there", cards.isEmpty)
            go()
            problem("KZ-T01")
        }
    }

    @Test
    fun `an answer that is late is asked for again without the card`() = Sandbox("token-503:1=60").use { busy ->
        check(busy.config()) {
            cards.trySend(laid())
            enter()
            assertEquals(Action.TRY_AGAIN, problem("KZ-T07").action)
            go()
            reach<CheckState.Result>()
            assertEquals(1u, card.verifyCount())
        }
    }

    @Test
    fun `a used nonce means to start again`() = Sandbox("token-nonce-expired").use { late ->
        check(late.config()) {
            cards.trySend(laid())
            enter()
            assertEquals(Action.START_AGAIN, problem("KZ-A03").action)
            go()
            reach<CheckState.Pin>()
        }
    }

    @Test
    fun `leaving the app while the card is read closes the link`() = check {
        val link = Stuck(card.tap(null))
        cards.trySend { link }
        enter()
        reach<CheckState.Hold> { it.steps == 1 }
        cancel()
        assertEquals(Action.START_AGAIN, problem("KZ-U03").action)
        withContext(Dispatchers.IO) { assertTrue(link.closed.await(5, TimeUnit.SECONDS)) }
        cards.trySend(laid())
        go()
        reach<CheckState.Pin>()
        enter()
        reach<CheckState.Result>()
    }

    @Test
    fun `leaving the app while the PIN is typed forgets the digits`() = check {
        enter("12")
        assertEquals(2, reach<CheckState.Pin>().digits)
        erase()
        assertEquals(1, reach<CheckState.Pin>().digits)
        cancel()
        assertEquals(0, reach<CheckState.Pin>().digits)
        cards.trySend(laid())
        enter()
        reach<CheckState.Result>()
    }

    @Test
    fun `a second call on a session that is busy`() = runBlocking {
        val session = Kazasu(sandbox.config()).use { it.begin(household.person(1)!!.member(), key) }
        val link = Stuck(card.tap(null))
        val first = async(Dispatchers.IO) { runCatching { session.tap(link, "1234".toCharArray()) } }
        withContext(Dispatchers.IO) { assertTrue(link.reached.await(10, TimeUnit.SECONDS)) }
        check(begin = { session }) {
            enter()
            assertEquals(Action.START_AGAIN, problem("KZ-U02").action)
        }
        link.close()
        first.await()
        Unit
    }

    @Test
    fun `a fault in the library or the app has a text and a way on`() {
        check(begin = { simulatePanic(); error("not reached") }) {
            enter()
            assertEquals(Action.START_AGAIN, problem("KZ-U04").action)
        }
        check {
            cards.trySend { throw IllegalStateException("a bug") }
            enter()
            assertEquals(userText("KZ-U04", Language.JAPANESE), problem("KZ-U04").text)
        }
    }

    @Test
    fun `a PIN that is easy to guess is pointed out once`() {
        check {
            enter()
            assertTrue(reach<CheckState.Hold>().guessable)
        }
        check {
            enter()
            assertFalse(reach<CheckState.Hold>().guessable)
        }
    }

    @Test
    fun `a date of birth makes its PIN guessable`() {
        household.add("花子", "1990-04-05", limitConsent = false, Language.JAPANESE)
        check {
            enter("8305")
            assertFalse(reach<CheckState.Hold>().guessable)
        }
        check(number = 2) {
            enter("0405")
            assertTrue(reach<CheckState.Hold>().guessable)
        }
    }

    @Test
    fun `every other answer says what to do`() {
        answer(2, "2345").let {
            assertEquals(Qualification.INVALID_LOST, it.qualification)
            assertEquals(userText("KZ-Q04", Language.JAPANESE), it.whatToDo)
            assertNotNull(it.insurances.single().lossDate)
        }
        assertEquals(userText("KZ-Q05", Language.JAPANESE), answer(3, "3456").whatToDo)
        answer(4, "4567").let {
            assertEquals(userText("KZ-Q02", Language.JAPANESE), it.whatToDo)
            assertTrue(it.insurances.isEmpty())
        }
        assertEquals(2, answer(5, "5678").insurances.size)
        assertTrue(answer(6, "6789").good)
    }

    private fun answer(person: Int, pin: String): Answer {
        val card = SimulatedCard("today", person.toUByte())
        lateinit var answer: Answer
        val anyone = Member(purpose = Purpose.OWN)
        check(begin = { Kazasu(sandbox.config()).use { it.begin(anyone, key) } }) {
            cards.trySend { CardLink.over(card.tap(null)) }
            enter(pin)
            answer = reach<CheckState.Result>().answer
        }
        return answer
    }

    @Test
    fun `five people, and the sixth is refused in the SDK's words`() {
        for (name in listOf("二", "三", "四", "五")) assertEquals(Added.Yes, household.add(name, "", false, Language.JAPANESE))
        assertEquals(listOf(Purpose.OWN) + List(4) { Purpose.FAMILY }, household.people.value.map { it.member().purpose })
        val refused = Added.No(checkNotNull(userText("KZ-D06", Language.JAPANESE)))
        assertEquals(refused, household.place(Language.JAPANESE))
        assertEquals(refused, household.add("六", "", false, Language.JAPANESE))
        assertEquals(5, household.people.value.size)
        household.remove(5)
        household.remove(1)
        assertEquals(listOf(1, 2, 3, 4), household.people.value.map { it.number })
        assertEquals(Added.Yes, household.add("六", "", false, Language.JAPANESE))
        assertEquals("numbers are not given twice", 6, household.people.value.last().number)
    }

    @Test
    fun `settings offer only what is there`() {
        val config = sandbox.config()
        val settings = Settings({ if (it == Server.SANDBOX) config else null }, canSimulate = false)
        assertEquals(Server.SANDBOX, settings.state.value.server)
        assertNull(settings.state.value.hosts[Server.SERVICE])
        assertTrue(settings.state.value.hosts[Server.SANDBOX]!!.startsWith("127.0.0.1:"))
        settings.simulate(true)
        assertNull(settings.state.value.simulated)
        settings.choose(Server.SERVICE)
        assertNull(settings.config())
    }

    @Test
    fun `a configuration that is missing or damaged is none`() {
        assertNull(ClientFile.read { throw java.io.FileNotFoundException(it) })
        assertNull(ClientFile.read { "{".byteInputStream() })
        val text = sandbox.folder.resolve(ClientFile.NAME).readText()
        assertNull(ClientFile.read { (if (it == ClientFile.NAME) text else "no certificate").byteInputStream() })
    }

    /** A card that does not answer after the second exchange until it is closed. */
    private class Stuck(private val card: CardTransport) : CardLink {
        val reached = CountDownLatch(1)
        val closed = CountDownLatch(1)
        private var exchange = 0

        override fun transceive(command: ByteArray): ByteArray {
            if (exchange++ < 2) return card.transceive(command)
            reached.countDown()
            closed.await()
            throw TransportException.Cancelled()
        }

        override fun close() = closed.countDown()
    }

    companion object {
        private const val WORDS = "限度額適用認定の区分も受け取ります"
        private lateinit var sandbox: Sandbox

        @BeforeClass
        @JvmStatic
        fun start() {
            sandbox = Sandbox()
        }

        @AfterClass
        @JvmStatic
        fun stop() = sandbox.close()
    }
}
