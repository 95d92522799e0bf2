package org.kazasu.sample.model

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import org.kazasu.CardLink
import org.kazasu.KazasuSession
import org.kazasu.ffi.ConnectionReason
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Language
import org.kazasu.ffi.LastAttempt
import org.kazasu.ffi.LinkEnd
import org.kazasu.ffi.TapStep
import org.kazasu.ffi.TransportException
import org.kazasu.isGuessablePin
import org.kazasu.readAttemptsLeft

/**
 * One check of one person, from the PIN to the answer. Used on one thread only: that of [scope].
 *
 * @param notice what is shown before the PIN.
 * @param begin opens a session with the server.
 * @param reader looks for cards; asked for anew each time a card is needed.
 * @param now milliseconds of a clock that never goes back.
 */
class Check(
    private val number: Int,
    private val household: Household,
    private val notice: String?,
    private val language: Language,
    private val scope: CoroutineScope,
    private val begin: suspend (Person) -> KazasuSession,
    private val reader: () -> CardReader,
    private val now: () -> Long = { System.nanoTime() / 1_000_000 },
) {
    private val person: Person get() = checkNotNull(household.person(number))
    private val mutableState = MutableStateFlow<CheckState>(pinPad())
    private var session: KazasuSession? = null
    private var job: Job? = null
    private var forgetting: Job? = null

    // While the PIN is typed; a failure is told when the card would be next.
    private val opening = scope.launch {
        try {
            session = begin(person)
        } catch (e: CancellationException) {
            throw e
        } catch (_: Exception) {
            // Tried once more in [hold], which tells.
        }
    }

    private val pin = CharArray(PIN_LENGTH)
    private var digits = 0
    private var enteredAt = 0L
    private var failures = 0
    private var lastAttempt = LastAttempt.REFUSE
    private var signed = false

    /** Whose check it is. */
    val name: String get() = person.name

    /** What to show. */
    val state: StateFlow<CheckState> = mutableState.asStateFlow()

    /** A key of the PIN pad. The fourth digit asks for the card. */
    fun type(digit: Char) {
        val pad = state.value as? CheckState.Pin ?: return
        if (digits == PIN_LENGTH) return
        pin[digits++] = digit
        mutableState.value = pad.copy(digits = digits)
        if (digits < PIN_LENGTH) return
        enteredAt = now()
        forgetting = scope.launch {
            delay(KEPT_MS)
            if (state.value !is CheckState.Hold) forgetPin()
        }
        hold(guessable = guessable())
    }

    /** Takes the last digit back. */
    fun erase() {
        val pad = state.value as? CheckState.Pin ?: return
        if (digits == 0) return
        pin[--digits] = BLANK
        mutableState.value = pad.copy(digits = digits)
    }

    /** The one thing to do about a problem was chosen. */
    fun act() {
        val problem = state.value as? CheckState.Problem ?: return
        when (problem.action) {
            Action.HOLD_AGAIN, Action.NFC_SETTINGS -> if (pinKept()) hold() else askPin()
            Action.ENTER_PIN -> askPin()
            Action.CHECK_TRIES -> checkTries()
            Action.TRY_AGAIN -> if (signed) run { ask() } else if (pinKept()) hold() else askPin()
            Action.START_AGAIN -> {
                endSession()
                askPin()
            }
            Action.CLOSE -> leave()
        }
    }

    /** The answer to [CheckState.LastTry]. Nothing was sent so far, so the PIN is still good. */
    fun lastTry(goOn: Boolean) {
        if (state.value !is CheckState.LastTry) return
        if (!goOn) return leave()
        lastAttempt = LastAttempt.ALLOW
        if (pinKept()) hold() else askPin()
    }

    /** The user or the system stops it: while the card is needed it ends, and the link to the card closes. */
    fun cancel() {
        when (val shown = state.value) {
            is CheckState.Pin -> {
                forgetPin()
                mutableState.value = shown.copy(digits = 0)
            }
            is CheckState.Hold -> if (shown.phase != Phase.SENDING) {
                job?.cancel()
                forgetPin()
                fail(KazasuException.Transport(TransportException.Cancelled()))
            }
            else -> Unit
        }
    }

    /** Over: nothing is kept. */
    fun leave() {
        job?.cancel()
        forgetPin()
        endSession()
        mutableState.value = CheckState.Left
    }

    private fun hold(guessable: Boolean = false) = run {
        show(CheckState.Hold(Phase.CONNECTING, guessable = guessable, help = help()))
        opening.join()
        val session = session ?: begin(person).also { session = it }
        session.renew()
        showPhase(Phase.WAITING)
        withCard { card ->
            try {
                val tap = session.tap(card, pin.copyOf(), lastAttempt, ::showStep)
                household.update(number) { it.copy(card = KnownCard(tap), attemptsLeft = null) }
                failures = 0
                signed = true
                forgetPin()
            } catch (e: KazasuException) {
                // A PIN is sent once for each entry. Who cancels has forgotten it, and may be entering it anew by now.
                if (session.pinWasSent) forgetPin()
                // What broke the link is not tried again with the card of somebody known.
                session.capabilities?.let { shown -> household.update(number) { it.copy(card = it.card?.shown(shown)) } }
                throw e
            }
        }
        ask()
    }

    private suspend fun ask() {
        show(CheckState.Hold(Phase.SENDING, steps = STEPS))
        val session = checkNotNull(session)
        val result = session.finish()
        val patient = session.serverPatient().patient
        household.update(number) { it.copy(patient = patient) }
        mutableState.value = CheckState.Result(Answer.of(result, person, language))
        endSession()
    }

    private fun checkTries() = run {
        show(CheckState.Hold(Phase.WAITING))
        val attempts = withCard { readAttemptsLeft(it) }
        household.update(number) { it.copy(attemptsLeft = attempts.attemptsLeft?.toInt()) }
        if (attempts.attemptsLeft?.toInt() == 0) throw KazasuException.PinBlocked(attempts.kind)
        askPin()
    }

    private suspend fun <T> withCard(use: suspend (CardLink) -> T): T = reader().use { cards ->
        val card = withTimeoutOrNull(WAITING_MS) { cards.awaitCard() }
            ?: throw KazasuException.Transport(TransportException.Timeout())
        card.use {
            showPhase(Phase.READING)
            use(it)
        }
    }

    private fun run(work: suspend () -> Unit) {
        job = scope.launch {
            try {
                work()
            } catch (e: CancellationException) {
                throw e
            } catch (e: KazasuException) {
                fail(e)
            } catch (_: Exception) {
                fail(KazasuException.Internal(detail = "the app"))
            }
        }
    }

    private fun fail(error: KazasuException) {
        error.attemptsLeft()?.let { left -> household.update(number) { it.copy(attemptsLeft = left.toInt()) } }
        if (!pinKept()) forgetPin()
        val text = error.userText(language)
        if (readAgain(error)) failures++
        mutableState.value = when (error) {
            is KazasuException.WrongPin, is KazasuException.PinFormat -> {
                forgetPin()
                pinPad(text)
            }
            is KazasuException.LastAttempt -> CheckState.LastTry(text)
            else -> CheckState.Problem(error.code(), text, actionFor(error), helpFor(error))
        }
    }

    private fun actionFor(error: KazasuException): Action = when (error) {
        is KazasuException.Transport -> when {
            error.error is TransportException.Unavailable -> Action.NFC_SETTINGS
            wasClosed(error.error) -> Action.START_AGAIN
            else -> holdOrPin()
        }
        is KazasuException.VerifyUnanswered -> Action.CHECK_TRIES
        is KazasuException.NotMyNumberCard, is KazasuException.OtherCard, is KazasuException.CardUnreadable -> holdOrPin()
        is KazasuException.Connection -> when (error.reason) {
            ConnectionReason.TLS_VERSION, ConnectionReason.PINS_EXPIRED -> Action.CLOSE
            else -> Action.TRY_AGAIN
        }
        is KazasuException.Busy, is KazasuException.Internal, is KazasuException.DeviceKey -> Action.START_AGAIN
        is KazasuException.Authorization, is KazasuException.Cancelled -> Action.START_AGAIN
        else -> Action.CLOSE
    }

    /** The link was closed, during a command or before it. */
    private fun wasClosed(error: TransportException): Boolean =
        error is TransportException.Cancelled || (error is TransportException.NotSent && error.end == LinkEnd.CANCELLED)

    private fun holdOrPin(): Action = if (pinKept()) Action.HOLD_AGAIN else Action.ENTER_PIN

    /** Failures that better holding may mend. */
    private fun readAgain(error: KazasuException): Boolean = when (error) {
        is KazasuException.Transport ->
            error.error !is TransportException.Unavailable && !wasClosed(error.error)
        is KazasuException.VerifyUnanswered, is KazasuException.CardUnreadable -> true
        else -> false
    }

    private fun help(): Help? = if (failures == 0) null else Help.entries[minOf(failures, Help.entries.size) - 1]

    private fun helpFor(error: KazasuException): Help? = when {
        !readAgain(error) -> null
        // The SDK's text says the same.
        error is KazasuException.Transport && error.error is TransportException.Timeout && help() == Help.CASE -> null
        else -> help()
    }

    private fun guessable(): Boolean {
        if (person.hintShown || !isGuessablePin(pin, person.birthDate)) return false
        household.update(number) { it.copy(hintShown = true) }
        return true
    }

    private fun pinKept(): Boolean = digits == PIN_LENGTH && now() - enteredAt <= KEPT_MS

    private fun forgetPin() {
        pin.fill(BLANK)
        digits = 0
        lastAttempt = LastAttempt.REFUSE
        forgetting?.cancel()
    }

    private fun endSession() {
        opening.cancel()
        session?.close()
        session = null
        signed = false
    }

    private fun askPin() {
        forgetPin()
        mutableState.value = pinPad()
    }

    private fun pinPad(message: String? = null) =
        CheckState.Pin(person.name, notice, attemptsLeft = person.attemptsLeft, message = message)

    private fun show(hold: CheckState.Hold) {
        mutableState.value = hold
    }

    private fun showPhase(phase: Phase) = mutableState.update { if (it is CheckState.Hold) it.copy(phase = phase) else it }

    // Called on the thread of the tap.
    private fun showStep(step: TapStep) = mutableState.update {
        if (it !is CheckState.Hold) return@update it
        when (step) {
            TapStep.CARD_FOUND, TapStep.CERTIFICATE_CHECKED -> it.copy(steps = 1)
            TapStep.PIN_VERIFIED -> it.copy(steps = 2)
            TapStep.SIGNED -> it.copy(steps = STEPS)
        }
    }

    companion object {
        /** Steps of [CheckState.Hold]. */
        const val STEPS: Int = 3

        /** Digits of the PIN. */
        const val PIN_LENGTH: Int = 4

        private const val KEPT_MS = 60_000L
        private const val WAITING_MS = 45_000L
        private const val BLANK = '\u0000'
    }
}
