package org.kazasu

import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.math.BigInteger
import java.security.GeneralSecurityException
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.PrivateKey
import java.security.ProviderException
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import org.kazasu.ffi.DeviceKeyException

/**
 * A member's P-256 key in Android Keystore: made at its first use, in the secure element (StrongBox) where the phone has
 * one, else in the trusted execution environment; not exportable, not part of a backup, and from Android 9 on usable
 * only while the phone is unlocked.
 *
 * Blocks, for some hundred milliseconds with StrongBox; the facade calls it off the main thread.
 *
 * Its alias names the key in the app's key store: one per member and issuer. Choose it at random; it must not tell who the
 * member is.
 */
public class AndroidKeystoreDeviceKey private constructor(private val alias: String, private val makes: Boolean) :
    MadeAtFirstUse {
    public constructor(alias: String) : this(alias, makes = true)

    /** The key of a member who is registered, or of a store that is there: it is not made anew when it is gone. */
    override fun onlyIfThere(): AndroidKeystoreDeviceKey = AndroidKeystoreDeviceKey(alias, makes = false)

    /** The public point, `04 ‖ x ‖ y`: 65 bytes (SEC 1, 2.3.3). */
    override fun publicKey(): ByteArray = kept {
        val point = (entry().certificate.publicKey as ECPublicKey).w
        byteArrayOf(UNCOMPRESSED) + coordinate(point.affineX) + coordinate(point.affineY)
    }

    /** ECDSA with SHA-256 over [message], in DER. */
    override fun signSha256(message: ByteArray): ByteArray = kept {
        Signature.getInstance("SHA256withECDSA").run {
            initSign(entry().privateKey)
            update(message)
            sign()
        }
    }

    /** Removes the key: for a member who is removed. The server no longer knows this device afterwards. */
    public fun delete(): Unit = kept { store().deleteEntry(alias) }

    private fun entry(): KeyStore.PrivateKeyEntry = synchronized(LOCK) {
        stored() ?: if (makes) made() else throw DeviceKeyException.Missing()
    }

    private fun stored(): KeyStore.PrivateKeyEntry? {
        val store = store()
        val key = store.getKey(alias, null) as? PrivateKey ?: return null
        return KeyStore.PrivateKeyEntry(key, arrayOf(store.getCertificate(alias)))
    }

    private fun made(): KeyStore.PrivateKeyEntry {
        try {
            generate(strongBox = Build.VERSION.SDK_INT >= Build.VERSION_CODES.P)
        } catch (_: ProviderException) {
            // No secure element (StrongBoxUnavailableException, which Android 8 does not know), or one that fails.
            generate(strongBox = false)
        }
        return stored() ?: throw DeviceKeyException.Failed(detail = "the key store kept no key")
    }

    private fun generate(strongBox: Boolean) {
        val spec = KeyGenParameterSpec.Builder(alias, KeyProperties.PURPOSE_SIGN)
            .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1"))
            .setDigests(KeyProperties.DIGEST_SHA256)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            spec.setUnlockedDeviceRequired(true).setIsStrongBoxBacked(strongBox)
        }
        KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, PROVIDER).run {
            initialize(spec.build())
            generateKeyPair()
        }
    }

    private fun store(): KeyStore = KeyStore.getInstance(PROVIDER).apply { load(null) }

    private inline fun <T> kept(use: () -> T): T = try {
        use()
    } catch (e: GeneralSecurityException) {
        throw DeviceKeyException.Failed(detail = e.javaClass.simpleName)
    } catch (e: ProviderException) {
        throw DeviceKeyException.Failed(detail = e.javaClass.simpleName)
    }

    private companion object {
        const val PROVIDER = "AndroidKeyStore"
        const val UNCOMPRESSED: Byte = 4
        const val COORDINATE_LENGTH = 32

        /** One key is made once, also when two threads ask. */
        val LOCK = Any()

        /** Big-endian and as long as the field; `BigInteger` has a sign byte more, or zeros less. */
        fun coordinate(value: BigInteger): ByteArray {
            val bytes = value.toByteArray()
            val out = ByteArray(COORDINATE_LENGTH)
            val length = minOf(bytes.size, COORDINATE_LENGTH)
            bytes.copyInto(out, COORDINATE_LENGTH - length, bytes.size - length)
            return out
        }
    }
}
