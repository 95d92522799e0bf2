package org.kazasu

import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.UserNotAuthenticatedException
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.ProviderException
import java.security.UnrecoverableKeyException
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import org.kazasu.ffi.KeyDeletion
import org.kazasu.ffi.KeyStoreException
import org.kazasu.ffi.KeyWrapper

/**
 * Locks a [FamilyStore] with AES-256 keys in Android Keystore: in the secure element (StrongBox) where the phone has one,
 * else in the trusted execution environment; not exportable, not part of a backup, and from Android 9 on usable only while
 * the phone is unlocked. What it wraps is bound to the alias (AES-GCM, the alias as additional data).
 *
 * Blocks, for some hundred milliseconds with StrongBox; the facade calls it off the main thread.
 *
 * @param authenticationSeconds lets the keys be used only within so many seconds after the user has unlocked the phone or
 * authenticated; null, the default, asks for nothing beyond the unlocked phone. It holds for keys made from now on. The
 * keys are gone for good, and the store with them, when the user removes the screen lock.
 * @param isUnlocked whether the phone is unlocked now, such as `{ !keyguardManager.isDeviceLocked }`. Some phones do not
 * say why they refuse a key; with this a refusal on a locked phone is told as `Locked`.
 */
public class AndroidKeystoreKeyWrapper(
    private val authenticationSeconds: Int? = null,
    private val isUnlocked: () -> Boolean = { true },
) : KeyWrapper {
    /** `12-byte IV ‖ ciphertext ‖ 16-byte tag`, under a new key. */
    override fun wrap(alias: String, key: ByteArray): ByteArray = kept {
        val cipher = Cipher.getInstance(TRANSFORMATION)
        // Android Keystore draws the IV itself.
        cipher.init(Cipher.ENCRYPT_MODE, made(alias))
        cipher.updateAAD(alias.toByteArray())
        cipher.iv + cipher.doFinal(key)
    }

    override fun unwrap(alias: String, wrapped: ByteArray): ByteArray = kept {
        val key = store().getKey(alias, null) as? SecretKey ?: throw KeyStoreException.Missing()
        if (wrapped.size < IV_LENGTH) throw KeyStoreException.Missing()
        val cipher = Cipher.getInstance(TRANSFORMATION)
        cipher.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, wrapped, 0, IV_LENGTH))
        cipher.updateAAD(alias.toByteArray())
        cipher.doFinal(wrapped, IV_LENGTH, wrapped.size - IV_LENGTH)
    }

    override fun delete(alias: String): KeyDeletion = kept {
        store().deleteEntry(alias)
        KeyDeletion.COMPLETE
    }

    private fun made(alias: String): SecretKey = try {
        generate(alias, strongBox = Build.VERSION.SDK_INT >= Build.VERSION_CODES.P)
    } catch (_: ProviderException) {
        // No secure element (StrongBoxUnavailableException, which Android 8 does not know), or one that fails.
        generate(alias, strongBox = false)
    }

    private fun generate(alias: String, strongBox: Boolean): SecretKey {
        val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val spec = KeyGenParameterSpec.Builder(alias, purposes)
            .setKeySize(KEY_BITS)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            spec.setUnlockedDeviceRequired(true).setIsStrongBoxBacked(strongBox)
        }
        if (authenticationSeconds != null) spec.askFor(authenticationSeconds)
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, PROVIDER).run {
            init(spec.build())
            generateKey()
        }
    }

    private fun KeyGenParameterSpec.Builder.askFor(seconds: Int) {
        setUserAuthenticationRequired(true)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            setUserAuthenticationParameters(
                seconds,
                KeyProperties.AUTH_DEVICE_CREDENTIAL or KeyProperties.AUTH_BIOMETRIC_STRONG,
            )
        } else {
            @Suppress("DEPRECATION")
            setUserAuthenticationValidityDurationSeconds(seconds)
        }
    }

    private fun store(): KeyStore = KeyStore.getInstance(PROVIDER).apply { load(null) }

    /** A key that is gone is told apart from one that waits: the one loses the store, the other needs an unlocked phone. */
    private inline fun <T> kept(use: () -> T): T = try {
        use()
    } catch (e: UserNotAuthenticatedException) {
        throw KeyStoreException.Locked()
    } catch (e: KeyPermanentlyInvalidatedException) {
        throw KeyStoreException.Missing()
    } catch (e: UnrecoverableKeyException) {
        throw if (isUnlocked()) KeyStoreException.Missing() else KeyStoreException.Locked()
    } catch (e: AEADBadTagException) {
        throw KeyStoreException.Missing() // wrapped by another key
    } catch (e: GeneralSecurityException) {
        throw refused(e)
    } catch (e: ProviderException) {
        throw refused(e)
    }

    private fun refused(e: Exception): KeyStoreException = when {
        waitsForUser(e) || !isUnlocked() -> KeyStoreException.Locked()
        else -> KeyStoreException.Failed(detail = e.javaClass.simpleName)
    }

    /** Android 13 and later say it in a cause. */
    private fun waitsForUser(e: Exception): Boolean = Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU &&
        generateSequence<Throwable>(e) { it.cause }.take(MOST_CAUSES)
            .any { it is android.security.KeyStoreException && it.requiresUserAuthentication() }

    private companion object {
        const val PROVIDER = "AndroidKeyStore"
        const val TRANSFORMATION = "AES/GCM/NoPadding"
        const val KEY_BITS = 256
        const val IV_LENGTH = 12
        const val TAG_BITS = 128
        const val MOST_CAUSES = 8
    }
}
