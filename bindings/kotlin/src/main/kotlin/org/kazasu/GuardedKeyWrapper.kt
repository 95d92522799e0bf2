package org.kazasu

import org.kazasu.ffi.KeyDeletion
import org.kazasu.ffi.KeyStoreException
import org.kazasu.ffi.KeyWrapper

/**
 * What the native library is handed instead of the app's key store: lets only [KeyStoreException] through (the generated
 * code catches no `Error`), and wipes the keys that pass.
 */
internal class GuardedKeyWrapper(private val keys: KeyWrapper) : KeyWrapper {
    private var unwrapped: ByteArray? = null

    override fun wrap(alias: String, key: ByteArray): ByteArray = try {
        guarded { keys.wrap(alias, key) }
    } finally {
        key.fill(0)
    }

    override fun unwrap(alias: String, wrapped: ByteArray): ByteArray =
        guarded { keys.unwrap(alias, wrapped) }.also { unwrapped = it }

    override fun delete(alias: String): KeyDeletion = guarded { keys.delete(alias) }

    /** Overwrites what [unwrap] gave, once the library has taken it: a store unwraps its key when it is opened. */
    fun wipe() {
        unwrapped?.fill(0)
        unwrapped = null
    }

    private inline fun <T> guarded(call: () -> T): T = try {
        call()
    } catch (e: Throwable) {
        throw e as? KeyStoreException ?: KeyStoreException.Failed(detail = e.javaClass.simpleName)
    }
}
