package org.kazasu

import java.nio.ByteBuffer

/**
 * A PIN in memory outside the Java heap: the one form that reaches the native library without a copy and that the
 * garbage collector never moves, so that [wipe] removes all of it.
 */
internal class DirectPin private constructor(val bytes: ByteBuffer) {
    /** Overwrites the PIN with zeros. May be called again. */
    fun wipe() {
        for (at in 0 until bytes.capacity()) bytes.put(at, 0)
    }

    companion object {
        /** Takes the PIN over: converts it, then wipes [pin], whatever happens. */
        fun take(pin: CharArray): DirectPin = try {
            copy(pin)
        } finally {
            pin.fill('\u0000')
        }

        /** Converts [pin] and leaves it as it is. */
        fun copy(pin: CharArray): DirectPin {
            val bytes = ByteBuffer.allocateDirect(pin.size)
            // The index instead of an iterator: an iterator would box every digit.
            for (at in pin.indices) bytes.put(at, byteOf(pin[at]))
            return DirectPin(bytes)
        }

        /** No charset has a say: what is not an ASCII digit becomes a byte that the native library refuses. */
        private fun byteOf(digit: Char): Byte = if (digit in '0'..'9') digit.code.toByte() else NOT_A_DIGIT

        private const val NOT_A_DIGIT: Byte = -1
    }
}
