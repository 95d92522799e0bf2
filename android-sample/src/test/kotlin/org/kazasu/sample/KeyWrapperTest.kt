package org.kazasu.sample

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.UserNotAuthenticatedException
import java.io.InputStream
import java.io.OutputStream
import java.security.AlgorithmParameters
import java.security.InvalidKeyException
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.ProviderException
import java.security.SecureRandom
import java.security.Security
import java.security.UnrecoverableKeyException
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.Cipher
import javax.crypto.CipherSpi
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.kazasu.AndroidKeystoreKeyWrapper
import org.kazasu.FamilyStore
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.KeyDeletion
import org.kazasu.ffi.KeyStoreException
import org.kazasu.ffi.KeyWrapper
import org.kazasu.ffi.StoreReason
import org.robolectric.annotation.Config

/** The key wrapper of Android Keystore over a stand-in of that key store: what it asks for, and what refusals become. */
@RunWith(SampleRunner::class)
@Config(sdk = [34])
class KeyWrapperTest {
    private val keystore = StandIn()
    private val wrapper = AndroidKeystoreKeyWrapper()
    private val master = ByteArray(32) { it.toByte() }

    @Before
    fun install() {
        Security.insertProviderAt(keystore, 1)
    }

    @After
    fun remove() = Security.removeProvider(keystore.name)

    @Test
    fun `a key comes back under its own alias only`() {
        val wrapped = wrapper.wrap("one", master)
        assertEquals(12 + 32 + 16, wrapped.size)
        assertArrayEquals(master, wrapper.unwrap("one", wrapped))
        assertFalse(wrapped.contentEquals(wrapper.wrap("two", master)))
        assertMissing { wrapper.unwrap("two", wrapped) }
        keystore.held["two"] = keystore.held.getValue("one")
        assertMissing("the alias is bound") { wrapper.unwrap("two", wrapped) }
        assertMissing { wrapper.unwrap("one", wrapped.copyOf(wrapped.size - 1)) }
        assertMissing { wrapper.unwrap("one", ByteArray(3)) }
        wrapper.wrap("one", master)
        assertMissing("a new key took its place") { wrapper.unwrap("one", wrapped) }
    }

    @Test
    fun `a deleted key is gone, twice`() {
        val wrapped = wrapper.wrap("one", master)
        repeat(2) { assertEquals(KeyDeletion.COMPLETE, wrapper.delete("one")) }
        assertEquals(emptySet<String>(), keystore.held.keys)
        assertMissing { wrapper.unwrap("one", wrapped) }
    }

    @Test
    fun `it asks for a key of 256 bits in the secure element of an unlocked phone`() {
        wrapper.wrap("one", master)
        val spec = keystore.specs.single()
        assertEquals(256, spec.keySize)
        assertEquals(listOf(KeyProperties.BLOCK_MODE_GCM), spec.blockModes.toList())
        assertEquals(KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT, spec.purposes)
        assertTrue(spec.isStrongBoxBacked && spec.isUnlockedDeviceRequired && !spec.isUserAuthenticationRequired)

        AndroidKeystoreKeyWrapper(authenticationSeconds = 30).wrap("two", master)
        assertTrue(keystore.specs.last().isUserAuthenticationRequired)
        assertEquals(30, keystore.specs.last().userAuthenticationValidityDurationSeconds)

        keystore.hasStrongBox = false
        wrapper.wrap("three", master)
        assertFalse(keystore.specs.last().isStrongBoxBacked)
        assertTrue(keystore.specs.last().isUnlockedDeviceRequired)
    }

    @Test
    fun `a key that waits is locked, a key that is lost is missing`() {
        val wrapped = wrapper.wrap("one", master)
        val locked = AndroidKeystoreKeyWrapper(isUnlocked = { false })
        for ((refusal, expected, ofALockedPhone) in listOf(
            Triple(UserNotAuthenticatedException(), "Locked", "Locked"),
            Triple(KeyPermanentlyInvalidatedException(), "Missing", "Missing"),
            Triple(InvalidKeyException("a text"), "Failed", "Locked"),
            Triple(ProviderException("a text"), "Failed", "Locked"),
        )) {
            keystore.refusal = refusal
            for ((of, name) in listOf(wrapper to expected, locked to ofALockedPhone)) {
                val error = assertThrows(KeyStoreException::class.java) { of.unwrap("one", wrapped) }
                assertEquals("$refusal", name, error.javaClass.simpleName)
                assertFalse("a text" in error.toString())
            }
        }
        keystore.refusal = null
        keystore.lost = true
        assertMissing { wrapper.unwrap("one", wrapped) }
        assertThrows(KeyStoreException.Locked::class.java) { locked.unwrap("one", wrapped) }
    }

    @Test
    fun `a store opens with it, and says why it does not`() = runBlocking {
        val path = kotlin.io.path.createTempDirectory("store").resolve("family.kazasu").toString()
        val logKey = MemoryKey()
        suspend fun open(keys: KeyWrapper = wrapper) = FamilyStore.open(path, keys, logKey)
        open().use { it.rotate() }
        open().close()
        assertEquals(1, keystore.held.size)
        keystore.refusal = UserNotAuthenticatedException()
        assertEquals(StoreReason.LOCKED, reason { open().close() })
        keystore.refusal = null
        keystore.held.clear()
        assertEquals(StoreReason.KEY_MISSING, reason { open().close() })
    }

    private suspend fun reason(call: suspend () -> Unit): StoreReason? =
        (runCatching { call() }.exceptionOrNull() as? KazasuException.Store)?.reason

    private fun assertMissing(why: String? = null, call: () -> Unit) {
        assertThrows(why, KeyStoreException.Missing::class.java) { call() }
    }
}

/** Answers to the name of Android Keystore, with keys in memory. */
private class StandIn : Provider("AndroidKeyStore", "1", "for tests") {
    val held = mutableMapOf<String, StandInKey>()
    val specs = mutableListOf<KeyGenParameterSpec>()
    var hasStrongBox = true

    /** Thrown where a key is used. */
    var refusal: Exception? = null

    /** Keys cannot be loaded. */
    var lost = false

    init {
        offer("KeyStore", "AndroidKeyStore") { Entries() }
        offer("KeyGenerator", "AES") { Generator() }
        offer("Cipher", "AES/GCM/NoPadding") { Gcm() }
    }

    private fun offer(type: String, algorithm: String, make: () -> Any) {
        putService(object : Service(this, type, algorithm, make.javaClass.name, null, null) {
            override fun newInstance(parameter: Any?) = make()
            override fun supportsParameter(parameter: Any?) = parameter is StandInKey
        })
    }

    private inner class Generator : KeyGeneratorSpi() {
        private lateinit var spec: KeyGenParameterSpec

        override fun engineInit(random: SecureRandom?) = error("unused")
        override fun engineInit(size: Int, random: SecureRandom?) = error("unused")
        override fun engineInit(spec: AlgorithmParameterSpec, random: SecureRandom?) {
            this.spec = spec as KeyGenParameterSpec
        }

        override fun engineGenerateKey(): SecretKey {
            if (spec.isStrongBoxBacked && !hasStrongBox) throw ProviderException("no secure element")
            specs += spec
            return StandInKey(ByteArray(32).also(SecureRandom()::nextBytes)).also { held[spec.keystoreAlias] = it }
        }
    }

    private inner class Gcm : CipherSpi() {
        private val cipher = Cipher.getInstance("AES/GCM/NoPadding", "SunJCE")

        private fun use(key: Key, init: (SecretKeySpec) -> Unit) {
            refusal?.let { throw it }
            init(SecretKeySpec((key as StandInKey).bytes, "AES"))
        }

        override fun engineInit(mode: Int, key: Key, random: SecureRandom?) = use(key) { cipher.init(mode, it) }
        override fun engineInit(mode: Int, key: Key, spec: AlgorithmParameterSpec, random: SecureRandom?) =
            use(key) { cipher.init(mode, it, spec) }
        override fun engineInit(mode: Int, key: Key, parameters: AlgorithmParameters, random: SecureRandom?) = error("unused")
        override fun engineUpdateAAD(bytes: ByteArray, at: Int, length: Int) = cipher.updateAAD(bytes, at, length)
        override fun engineDoFinal(bytes: ByteArray?, at: Int, length: Int): ByteArray = cipher.doFinal(bytes, at, length)
        override fun engineGetIV(): ByteArray = cipher.iv
        override fun engineDoFinal(i: ByteArray, at: Int, length: Int, o: ByteArray, to: Int): Int = error("unused")
        override fun engineUpdate(i: ByteArray, at: Int, length: Int): ByteArray = error("unused")
        override fun engineUpdate(i: ByteArray, at: Int, length: Int, o: ByteArray, to: Int): Int = error("unused")
        override fun engineGetBlockSize() = 16
        override fun engineGetOutputSize(length: Int) = length + 16
        override fun engineGetParameters(): AlgorithmParameters? = null
        override fun engineSetMode(mode: String) = Unit
        override fun engineSetPadding(padding: String) = Unit
    }

    private inner class Entries : KeyStoreSpi() {
        override fun engineLoad(stream: InputStream?, password: CharArray?) = Unit
        override fun engineGetKey(alias: String, password: CharArray?): Key? {
            if (lost) throw UnrecoverableKeyException("lost")
            return held[alias]
        }

        override fun engineDeleteEntry(alias: String) {
            held -= alias
        }

        override fun engineContainsAlias(alias: String) = alias in held
        override fun engineAliases(): Enumeration<String> = Collections.enumeration(held.keys)
        override fun engineSize() = held.size
        override fun engineIsKeyEntry(alias: String) = alias in held
        override fun engineIsCertificateEntry(alias: String) = false
        override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null
        override fun engineGetCertificate(alias: String): Certificate? = null
        override fun engineGetCertificateAlias(certificate: Certificate): String? = null
        override fun engineGetCreationDate(alias: String): Date? = null
        override fun engineSetKeyEntry(a: String, k: Key, p: CharArray?, c: Array<Certificate>?) = error("unused")
        override fun engineSetKeyEntry(a: String, k: ByteArray, c: Array<Certificate>?) = error("unused")
        override fun engineSetCertificateEntry(a: String, c: Certificate) = error("unused")
        override fun engineStore(stream: OutputStream?, password: CharArray?) = error("unused")
    }
}

/** A key that cannot be exported. */
private class StandInKey(val bytes: ByteArray) : SecretKey {
    override fun getAlgorithm() = "AES"
    override fun getFormat(): String? = null
    override fun getEncoded(): ByteArray? = null
}
