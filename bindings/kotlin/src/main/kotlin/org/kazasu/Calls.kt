package org.kazasu

import kotlin.coroutines.EmptyCoroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Runnable
import kotlinx.coroutines.suspendCancellableCoroutine
import org.kazasu.ffi.DeviceKey
import org.kazasu.ffi.DeviceKeyException
import org.kazasu.ffi.InternalException
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.ListenerException
import org.kazasu.ffi.ProgressListener
import org.kazasu.ffi.Session
import org.kazasu.ffi.TapStep

/**
 * Runs the blocking [call] on `Dispatchers.IO`. Unlike `withContext`, a cancelled caller does not wait for it.
 *
 * @param onCancel is called on the cancelling thread and must not block.
 * @param cleanup is called exactly once, after [call], or when there was none.
 */
internal suspend fun <T> blocking(
    onCancel: () -> Unit = {},
    cleanup: () -> Unit = {},
    call: () -> T,
): T = suspendCancellableCoroutine { caller ->
    caller.invokeOnCancellation { onCancel() }
    val work = Runnable {
        val outcome = runCatching {
            try {
                if (!caller.isActive) throw CancellationException()
                translated(call)
            } finally {
                cleanup()
            }
        }
        // What comes too late is dropped.
        caller.resumeWith(outcome)
    }
    Dispatchers.IO.dispatch(EmptyCoroutineContext, work)
}

/** One call that waits for the server and can be ended; whatever comes late ends none after it. */
internal class ServerCall(private val session: Session) {
    private var isRunning = false
    private var isCancelled = false

    fun <T> run(call: () -> T): T {
        if (!begin()) throw CancellationException()
        try {
            return call()
        } finally {
            end()
        }
    }

    /** Does not block. */
    @Synchronized
    fun cancel() {
        isCancelled = true
        if (isRunning) unlessClosed(session::cancel)
    }

    @Synchronized
    private fun begin(): Boolean {
        isRunning = !isCancelled
        return isRunning
    }

    @Synchronized
    private fun end() {
        isRunning = false
        if (isCancelled) unlessClosed(session::rearm)
    }

    private inline fun unlessClosed(call: () -> Unit) = try {
        call()
    } catch (_: IllegalStateException) {
        // By the app, on another thread.
    }
}

/** What the generated code throws beside [KazasuException], as [KazasuException]. */
internal inline fun <T> translated(call: () -> T): T = try {
    call()
} catch (_: InternalException) {
    // A Rust panic. Its text may hold anything; a debug build prints it to stderr.
    throw KazasuException.Internal(detail = "panic in the native library")
} catch (e: CancellationException) {
    throw e
} catch (_: IllegalStateException) {
    throw KazasuException.Usage(detail = "the object is closed")
}

/** The app's key, of which only [DeviceKeyException] comes through: the generated code catches no `Error`. */
internal class GuardedKey(private val key: DeviceKey) : DeviceKey {
    override fun publicKey(): ByteArray = guarded { key.publicKey() }

    override fun signSha256(message: ByteArray): ByteArray = guarded { key.signSha256(message) }

    private inline fun <T> guarded(call: () -> T): T = try {
        call()
    } catch (e: Throwable) {
        throw e as? DeviceKeyException ?: DeviceKeyException.Failed(detail = e.javaClass.simpleName)
    }
}

/** The app's listener, which hears nothing more once the tap was cancelled. */
internal class GuardedListener(private val link: GuardedLink, private val listener: (TapStep) -> Unit) : ProgressListener {
    override fun onStep(step: TapStep) = try {
        if (link.cancelled) Unit else listener(step)
    } catch (_: Throwable) {
        throw ListenerException.Failed()
    }
}
