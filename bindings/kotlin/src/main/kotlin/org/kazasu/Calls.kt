package org.kazasu

import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.resume
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
import org.kazasu.ffi.TapStep

/**
 * Runs the blocking [call] on `Dispatchers.IO`. Unlike `withContext`, a cancelled caller does not wait for it.
 *
 * @param discard gets a result that nobody waits for any more.
 * @param onCancel is called on the cancelling thread and must not block.
 * @param cleanup is called exactly once, after [call], or when there was none.
 */
internal suspend fun <T> blocking(
    discard: (T) -> Unit = {},
    onCancel: () -> Unit = {},
    cleanup: () -> Unit = {},
    call: () -> T,
): T {
    // A result waits here and not in the continuation: a `resume` that hands back what comes too late has another
    // signature in each line of kotlinx-coroutines, and an app chooses its own. Whoever takes the result out owns it.
    val outcome = AtomicReference<Result<T>?>()
    val abandoned = AtomicBoolean()
    fun abandon() = outcome.getAndSet(null)?.onSuccess(discard)
    try {
        suspendCancellableCoroutine<Unit> { caller ->
            caller.invokeOnCancellation {
                abandoned.set(true)
                onCancel()
            }
            val work = Runnable {
                outcome.set(
                    runCatching {
                        try {
                            if (!caller.isActive) throw CancellationException()
                            translated(call)
                        } finally {
                            cleanup()
                        }
                    },
                )
                if (abandoned.get()) abandon()
                caller.resume(Unit)
            }
            Dispatchers.IO.dispatch(EmptyCoroutineContext, work)
        }
    } catch (e: CancellationException) {
        // Also when the cancelling overtook a result on its way to the caller.
        abandon()
        throw e
    }
    return checkNotNull(outcome.get()).getOrThrow()
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
