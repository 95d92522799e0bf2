package org.kazasu

import kotlin.coroutines.EmptyCoroutineContext
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Runnable
import org.kazasu.ffi.CardTransport
import org.kazasu.ffi.LinkEnd
import org.kazasu.ffi.TransportException
import org.kazasu.ffi.TransportLimits

/**
 * A link to one contactless card that can be closed from outside. `IsoDepTransport` is the one over Android's NFC.
 *
 * [transceive] blocks; it is called on a thread of `Dispatchers.IO`, never on two threads at once. [close] may be called
 * from any thread while a [transceive] waits: that call then ends with [TransportException.Cancelled], and every later one
 * with [TransportException.NotSent]. Only that tells that a PIN in the command is unused.
 *
 * What an implementation throws beside [TransportException] reaches the app as
 * `KazasuException.Transport(TransportException.Failed)` with the name of its class, without its text.
 */
public interface CardLink : CardTransport, AutoCloseable {
    /** The longest APDUs this link carries: short ones (261 and 258 bytes), unless overridden. */
    override fun limits(): TransportLimits = TransportLimits(maxCommand = SHORT_COMMAND, maxResponse = SHORT_RESPONSE)

    public companion object {
        /** Longest short command APDU in bytes: header, Lc, 255 bytes of data, Le (ISO/IEC 7816-4). */
        public const val SHORT_COMMAND: UInt = 261u

        /** Longest short response APDU in bytes: 256 bytes of data and the status word (ISO/IEC 7816-4). */
        public const val SHORT_RESPONSE: UInt = 258u

        /**
         * A link over a [transport] that cannot be closed from outside, such as the simulated card: closing it lets a
         * pending call end by itself and refuses every later one.
         */
        public fun over(transport: CardTransport): CardLink = OverTransport(transport)
    }
}

/**
 * The same link, kept to short APDUs whatever it says of itself: for phones and readers that break at longer ones. The SDK
 * finds most of them out by itself and remembers them in `CardCapabilities`.
 */
public fun CardLink.shortOnly(): CardLink = ShortLink(this)

private class ShortLink(private val link: CardLink) : CardLink by link {
    override fun limits(): TransportLimits {
        val own = link.limits()
        return TransportLimits(
            maxCommand = minOf(own.maxCommand, CardLink.SHORT_COMMAND),
            maxResponse = minOf(own.maxResponse, CardLink.SHORT_RESPONSE),
        )
    }
}

private class OverTransport(private val transport: CardTransport) : CardLink {
    @Volatile
    private var closed = false

    override fun transceive(command: ByteArray): ByteArray {
        if (closed) throw TransportException.NotSent(LinkEnd.CANCELLED)
        return transport.transceive(command)
    }

    override fun limits(): TransportLimits = transport.limits()

    override fun close() {
        closed = true
    }
}

/**
 * What the native library is handed instead of the app's link: lets only [TransportException] through, ends after
 * [cancel], and wipes every command, because one of them carries the PIN.
 */
internal class GuardedLink(private val card: CardLink) : CardTransport {
    @Volatile
    var cancelled: Boolean = false
        private set

    /** Returns at once; the link is closed on another thread, for closing may block. */
    fun cancel() {
        cancelled = true
        Dispatchers.IO.dispatch(EmptyCoroutineContext, Runnable { runCatching { card.close() } })
    }

    override fun transceive(command: ByteArray): ByteArray = try {
        guarded { card.transceive(command) }
    } finally {
        command.fill(0)
    }

    override fun limits(): TransportLimits = guarded { card.limits() }

    // `Throwable`: the generated code catches no `Error`, which would come back as a fault of the native library.
    private inline fun <T> guarded(call: () -> T): T = try {
        if (cancelled) throw TransportException.NotSent(LinkEnd.CANCELLED)
        call()
    } catch (e: Throwable) {
        throw when {
            e is TransportException.NotSent -> e
            cancelled -> TransportException.Cancelled()
            e is TransportException -> e
            else -> TransportException.Failed(detail = e.javaClass.simpleName)
        }
    }
}
