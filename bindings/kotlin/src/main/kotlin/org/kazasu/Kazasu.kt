package org.kazasu

import java.util.concurrent.atomic.AtomicBoolean
import org.kazasu.ffi.BackendConfig
import org.kazasu.ffi.CardCapabilities
import org.kazasu.ffi.CardInfo
import org.kazasu.ffi.DeviceKey
import org.kazasu.ffi.EligibilityResult
import org.kazasu.ffi.FetchedRecords
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Language
import org.kazasu.ffi.LastAttempt
import org.kazasu.ffi.Member
import org.kazasu.ffi.PinAttempts
import org.kazasu.ffi.QualifyClient
import org.kazasu.ffi.RecordKind
import org.kazasu.ffi.ServerPatient
import org.kazasu.ffi.Session
import org.kazasu.ffi.TapResult
import org.kazasu.ffi.TapStep
import org.kazasu.ffi.isGuessablePin as ffiIsGuessablePin
import org.kazasu.ffi.readAttemptsLeft as ffiReadAttemptsLeft
import org.kazasu.ffi.readCardInfo as ffiReadCardInfo

/**
 * One configured backend: where the main job of an app starts.
 *
 * ```
 * Kazasu(config).use { kazasu ->
 *     kazasu.begin(member, deviceKey).use { session ->
 *         cardLink.use { session.tap(it, pin) }
 *         show(session.finish())
 *     }
 * }
 * ```
 *
 * Every `suspend fun` of this package moves to `Dispatchers.IO` by itself and may be called from the main thread. It
 * fails with [KazasuException]: act on its type and fields, show `userText(language)`, tell support its `code()`. A cancelled call
 * returns at once with `CancellationException`; a call that waits for the server sends nothing more and lets go of its
 * connection, within a tenth of a second.
 *
 * @constructor Checks [config]; no I/O. The first use in a process loads the native library, which takes some
 * milliseconds. `clientKey` is the key by which this installation signs in, for servers that exchange a card's assertion for
 * a token; it is none of the members' device keys.
 * @throws KazasuException.Usage when a setting is missing or malformed.
 */
public class Kazasu(
    config: BackendConfig,
    language: Language = Language.JAPANESE,
    clientKey: DeviceKey? = null,
) : AutoCloseable {
    private val client = translated {
        val client = QualifyClient(config, language)
        if (clientKey == null) client else client.use { it.withClientKey(GuardedKey(clientKey)) }
    }

    /**
     * Fetches metadata and nonce. Call it before asking for the card: the nonce lives for minutes, a tag for seconds.
     *
     * @param member whose card will be read; with the certificate of an earlier tap, another card is refused before any
     * PIN is sent.
     * @param deviceKey this member's key on this device. Called on a thread of `Dispatchers.IO`; may block.
     * @throws KazasuException.Connection `KZ-T…` when the server is not reached or not proven.
     * @throws KazasuException.Authorization when it refuses, `KZ-A…`.
     * @throws KazasuException.DeviceKey `KZ-L01` when the key cannot be used, or threw.
     */
    public suspend fun begin(member: Member, deviceKey: DeviceKey): KazasuSession {
        val session = KazasuSession(translated { client.session(member, GuardedKey(deviceKey)) })
        try {
            session.begin()
        } catch (e: Throwable) {
            session.close()
            throw e
        }
        return session
    }

    /** Lets go of the backend; sessions that have begun are not touched. */
    override fun close(): Unit = client.close()
}

/**
 * One qualification of one member: [tap], then [finish].
 *
 * One call at a time: a second one fails with [KazasuException.Busy], also during the moment in which a cancelled call
 * ends in the background. Close the session when done; a call after that fails with [KazasuException.Usage].
 */
public class KazasuSession internal constructor(private val session: Session) : AutoCloseable {
    private val running = AtomicBoolean()

    internal suspend fun begin(): Unit = atTheServer { session.begin() }

    /**
     * Fetches a new nonce if the present one is nearly over; otherwise does nothing. Call it when the PIN was typed slowly.
     *
     * @throws KazasuException as [Kazasu.begin].
     */
    public suspend fun renew(): Unit = atTheServer { session.renew() }

    /**
     * Reads and checks the certificate, sends the PIN once, has the card sign. Uses no network. After a failure the
     * session waits for another tap.
     *
     * Cancelling the coroutine closes [card]; otherwise it stays open and is the caller's to close.
     *
     * @param card the card in the field.
     * @param pin four digits. Wiped before this function suspends, however it ends; a new tap needs a new entry. Never a
     * `String`, which nobody can wipe.
     * @param lastAttempt [LastAttempt.ALLOW] only after the user was told that a wrong entry blocks the card.
     * @param onStep told how far the tap has come, on a thread of `Dispatchers.IO`; what it throws is ignored. After
     * [TapStep.SIGNED] the card may be taken away.
     * @return what to keep with the member.
     * @throws KazasuException.WrongPin `KZ-C04` with the tries left.
     * @throws KazasuException.LastAttempt `KZ-C09`: one try left and not permitted; nothing was sent.
     * @throws KazasuException.PinBlocked `KZ-C05`.
     * @throws KazasuException.PinFormat `KZ-C11`: not four digits; nothing was sent.
     * @throws KazasuException.OtherCard `KZ-C12`: not the card of the member's certificate; no PIN was sent.
     * @throws KazasuException.Transport `KZ-C01`, `KZ-C02`: hold the card again; no try is used.
     * @throws KazasuException.VerifyUnanswered the link broke at the PIN: one try may be used, ask [readAttemptsLeft].
     * @throws KazasuException.Certificate when the certificate cannot be used.
     */
    public suspend fun tap(
        card: CardLink,
        pin: CharArray,
        lastAttempt: LastAttempt = LastAttempt.REFUSE,
        onStep: (TapStep) -> Unit = {},
    ): TapResult {
        val secret = DirectPin.take(pin)
        val link = GuardedLink(card)
        return oneAtATime(onCancel = link::cancel, cleanup = secret::wipe) {
            session.tap(link, secret.bytes, lastAttempt, GuardedListener(link, onStep))
        }
    }

    /**
     * What the card has shown by the end of the last [tap], of one that failed too: keep it with the member
     * ([FamilyStore.setCapabilities]), so that the next session does without what broke this one. Absent before a tap and of a
     * closed session. Does not block.
     */
    public val capabilities: CardCapabilities? get() = try {
        session.capabilities()
    } catch (_: IllegalStateException) {
        null
    }

    /**
     * Whether the PIN given to the last [tap] has gone to the card, or may have: a PIN is sent once for each entry, so the
     * user has to enter it again. If not, the same entry serves another tap, for a minute at most; `true` while a tap
     * runs, and of a closed session. Does not block.
     */
    public val pinWasSent: Boolean get() = try {
        session.pinWasSent()
    } catch (_: IllegalStateException) {
        true
    }

    /**
     * Sends the assertion and asks for the eligibility; needs no card. After a connection failure, or cancelled, it may
     * be called again within a minute of the tap. An answer such as 無効 is a result, not an exception.
     *
     * @throws KazasuException.Connection `KZ-T…`; [KazasuException.Authorization] `KZ-A…`; [KazasuException.Resource].
     */
    public suspend fun finish(): EligibilityResult = atTheServer { session.finish() }

    /**
     * Reads records of one kind, after [finish], which cannot be called again then. [FamilyStore.putRecords] keeps them.
     *
     * @param since `YYYY-MM-DD`: leaves out what is older, as far as the server can search for that.
     * @throws KazasuException.Connection `KZ-T…`; [KazasuException.Authorization] `KZ-A10` when a new tap is needed, `KZ-A11`
     * without the scope of the kind; [KazasuException.Usage] when the server has no records.
     */
    public suspend fun fetchRecords(kind: RecordKind, since: String? = null): FetchedRecords =
        atTheServer { session.fetchRecords(kind, since) }

    /** Whom the server calls the card's holder, for [FamilyStore.register]. After [finish], which cannot be called again. */
    public suspend fun serverPatient(): ServerPatient = atTheServer { session.serverPatient() }

    /** What the server said the time is, for [FamilyStore.confirmClock]. After [finish], which cannot be called again. */
    public suspend fun confirmedTimeUnixMs(): Long? = atTheServer { session.confirmedTimeUnixMs() }

    /**
     * What [finish] was answered, as FHIR R4 JSON, for [FamilyStore.addHistory]; null before that, and of a closed session.
     * Personal: it belongs in no log. Does not block.
     */
    public val answerJson: String? get() = try {
        session.answerJson()
    } catch (_: IllegalStateException) {
        null
    }

    /** Lets go of the session, once a call under way has ended. Returns at once. */
    override fun close(): Unit = session.close()

    private suspend fun <T> atTheServer(call: () -> T): T {
        val ended = ServerCall(session)
        return oneAtATime(onCancel = ended::cancel) { ended.run(call) }
    }

    private suspend fun <T> oneAtATime(onCancel: () -> Unit = {}, cleanup: () -> Unit = {}, call: () -> T): T {
        if (!running.compareAndSet(false, true)) {
            cleanup()
            throw KazasuException.Busy()
        }
        val done = {
            cleanup()
            running.set(false)
        }
        return blocking(onCancel = onCancel, cleanup = done, call = call)
    }
}

/**
 * Reads what a card says of itself; needs no PIN. Cancelling the coroutine closes [card].
 *
 * @throws KazasuException.NotMyNumberCard `KZ-C03`; [KazasuException.Transport]; [KazasuException.CardUnreadable].
 */
public suspend fun readCardInfo(card: CardLink): CardInfo {
    val link = GuardedLink(card)
    return blocking(onCancel = link::cancel) { ffiReadCardInfo(link) }
}

/**
 * Asks for the tries left of the user-authentication PIN: two exchanges, costs no try. Cancelling the coroutine closes
 * [card].
 *
 * @throws KazasuException.NotMyNumberCard `KZ-C03`; [KazasuException.Transport]; [KazasuException.CardUnreadable].
 */
public suspend fun readAttemptsLeft(card: CardLink): PinAttempts {
    val link = GuardedLink(card)
    return blocking(onCancel = link::cancel) { ffiReadAttemptsLeft(link) }
}

/**
 * Whether these four digits are easy to guess: a hint for the PIN screen. No I/O; returns at once. Leaves [pin] as it is.
 *
 * @param birthDate `YYYY-MM-DD`, where the app knows it.
 * @param phone the holder's phone number as typed, where the app knows it.
 */
public fun isGuessablePin(pin: CharArray, birthDate: String? = null, phone: String? = null): Boolean {
    val secret = DirectPin.copy(pin)
    return try {
        translated { ffiIsGuessablePin(secret.bytes, birthDate, phone) }
    } finally {
        secret.wipe()
    }
}
