package org.kazasu

import android.nfc.TagLostException
import android.nfc.tech.IsoDep
import java.io.IOException
import org.kazasu.ffi.LinkEnd
import org.kazasu.ffi.TransportException
import org.kazasu.ffi.TransportLimits

/**
 * A card in the field of the phone. [NfcReader] hands one out for each card held to it.
 *
 * [CardLink.shortOnly][shortOnly] keeps it to short APDUs.
 *
 * Connects at the first exchange. An exchange takes at most [TIMEOUT_MS]; the slowest, the card's own signature, takes
 * about a second. [close] may be called from any thread and ends a pending exchange with [TransportException.Cancelled].
 */
public class IsoDepTransport(private val tag: IsoDep) : CardLink {
    @Volatile
    private var closed = false
    private var connected = false

    /** @throws TransportException.TagLost once the card has left the field, the link is then over. */
    override fun transceive(command: ByteArray): ByteArray = reading {
        if (!connected) connect()
        tag.transceive(command)
    }

    /** What the phone's NFC chip carries in one piece; short APDUs unless it takes extended lengths. */
    override fun limits(): TransportLimits {
        if (!tag.isExtendedLengthApduSupported) return super.limits()
        val longest = tag.maxTransceiveLength.coerceIn(SHORT, EXTENDED).toUInt()
        return TransportLimits(maxCommand = longest, maxResponse = longest)
    }

    override fun close() {
        closed = true
        try {
            tag.close()
        } catch (_: IOException) {
            // Gone already.
        } catch (_: SecurityException) {
            // Android 13 and later: the tag handle is out of date, because another tag came.
        }
    }

    // Once only: a card that came back has forgotten what it was told, and the next exchange must not reach it.
    private fun connect() {
        tag.connect()
        tag.timeout = TIMEOUT_MS
        connected = true
    }

    private inline fun <T> reading(exchange: () -> T): T = try {
        if (closed) throw TransportException.NotSent(LinkEnd.CANCELLED)
        exchange()
    } catch (_: TagLostException) {
        throw if (closed) TransportException.Cancelled() else TransportException.TagLost()
    } catch (e: IOException) {
        throw if (closed) TransportException.Cancelled() else TransportException.Failed(detail = e.javaClass.simpleName)
    } catch (_: SecurityException) {
        throw if (closed) TransportException.Cancelled() else TransportException.TagLost()
    }

    public companion object {
        /** Milliseconds that one exchange may take. */
        public const val TIMEOUT_MS: Int = 5_000

        private const val SHORT = 261
        private const val EXTENDED = 65_544
    }
}
