package org.kazasu

import android.app.Activity
import android.nfc.NfcAdapter
import android.nfc.Tag
import android.nfc.tech.IsoDep
import android.os.Bundle
import kotlinx.coroutines.channels.Channel
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.TransportException

/**
 * Reader mode of the phone while [activity] is in front: cards reach the app, and nothing else reacts to them.
 *
 * Close it when the screen that asks for the card goes; closing ends the link to a card still in the field.
 *
 * ```
 * NfcReader(activity).use { reader ->
 *     reader.awaitCard().use { card -> session.tap(card, pin) }
 * }
 * ```
 *
 * @param shortOnly links of short APDUs only, on a phone that fails at longer ones although it says that it carries them.
 * @param acceptPhones also NFC-A, for the certificate in another phone; a plastic My Number card speaks NFC-B.
 * @throws KazasuException.Transport `KZ-C08` when the phone has no NFC or it is switched off; see [state].
 */
public class NfcReader(
    private val activity: Activity,
    acceptPhones: Boolean = true,
    private val shortOnly: Boolean = false,
) : AutoCloseable {
    /** Whether cards can be read. */
    public enum class State {
        /** Ready. */
        READY,

        /** Switched off: send the user to `Settings.ACTION_NFC_SETTINGS`. */
        OFF,

        /** This phone has no NFC. */
        ABSENT,
    }

    private val adapter: NfcAdapter

    // Conflated: only the latest card counts; the link of an earlier one is closed.
    private val cards = Channel<CardLink>(Channel.CONFLATED, onUndeliveredElement = CardLink::close)

    init {
        if (state(activity) != State.READY) throw KazasuException.Transport(TransportException.Unavailable())
        adapter = NfcAdapter.getDefaultAdapter(activity)
        var flags = NfcAdapter.FLAG_READER_NFC_B or NfcAdapter.FLAG_READER_SKIP_NDEF_CHECK
        if (acceptPhones) flags = flags or NfcAdapter.FLAG_READER_NFC_A
        // Presence checks between exchanges disturb some cards: rarer than the longest pause of a tap.
        val extras = Bundle().apply { putInt(NfcAdapter.EXTRA_READER_PRESENCE_CHECK_DELAY, PRESENCE_CHECK_DELAY_MS) }
        adapter.enableReaderMode(activity, ::onTag, flags, extras)
    }

    /**
     * Waits for a card that speaks APDUs, as long as it takes. Cancelling ends the waiting only; reader mode stays on.
     *
     * The caller closes the link.
     */
    public suspend fun awaitCard(): CardLink = cards.receive()

    /** Leaves reader mode. A waiting [awaitCard] ends with `CancellationException`. */
    override fun close() {
        cards.cancel()
        // Before API 34 this throws once the activity is destroyed; reader mode has then ended by itself.
        runCatching { adapter.disableReaderMode(activity) }
    }

    // Called on a thread of the NFC service's client.
    private fun onTag(tag: Tag) {
        val card = IsoDep.get(tag) ?: return
        val link = IsoDepTransport(card)
        cards.trySend(if (shortOnly) link.shortOnly() else link)
    }

    public companion object {
        /** Milliseconds between two checks whether the card is still there. */
        public const val PRESENCE_CHECK_DELAY_MS: Int = 1_000

        /** Whether cards can be read now. Cheap; ask again when the screen comes back to the front. */
        public fun state(activity: Activity): State {
            val adapter = NfcAdapter.getDefaultAdapter(activity)
            return when {
                adapter == null -> State.ABSENT
                adapter.isEnabled -> State.READY
                else -> State.OFF
            }
        }
    }
}
