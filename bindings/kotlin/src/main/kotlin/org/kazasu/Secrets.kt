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

/** Bytes outside the Java heap, for the native library. */
internal class DirectBytes private constructor(val bytes: ByteBuffer) {
    /** Overwrites them with zeros. May be called again. */
    fun wipe() {
        for (at in 0 until bytes.capacity()) bytes.put(at, 0)
    }

    companion object {
        /** Takes a secret over: copies it, then wipes [secret], whatever happens. */
        fun take(secret: ByteArray): DirectBytes = try {
            copy(secret)
        } finally {
            secret.fill(0)
        }

        /** Copies [value] and leaves it as it is. */
        fun copy(value: ByteArray): DirectBytes {
            val bytes = ByteBuffer.allocateDirect(value.size)
            for (at in value.indices) bytes.put(at, value[at])
            return DirectBytes(bytes)
        }
    }
}
