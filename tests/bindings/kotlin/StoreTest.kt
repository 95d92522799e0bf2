package org.kazasu

import java.nio.file.Path
import java.security.SecureRandom
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.kazasu.ffi.Aging
import org.kazasu.ffi.CardCapabilities
import org.kazasu.ffi.Check
import org.kazasu.ffi.CheckedBy
import org.kazasu.ffi.Contact
import org.kazasu.ffi.DeviceKey
import org.kazasu.ffi.DeviceKeyException
import org.kazasu.ffi.Erasure
import org.kazasu.ffi.ExpenseKind
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.KeyDeletion
import org.kazasu.ffi.KeyStoreException
import org.kazasu.ffi.KeyWrapper
import org.kazasu.ffi.LogEvent
import org.kazasu.ffi.LogVerdict
import org.kazasu.ffi.Payment
import org.kazasu.ffi.PaymentSource
import org.kazasu.ffi.Profile
import org.kazasu.ffi.Qualification
import org.kazasu.ffi.RecordKind
import org.kazasu.ffi.RecordQuery
import org.kazasu.ffi.Registered
import org.kazasu.ffi.Role
import org.kazasu.ffi.SecretKind
import org.kazasu.ffi.ServerPatient
import org.kazasu.ffi.StoreReason
import org.kazasu.ffi.TapResult

/** A key store in memory. [before] runs ahead of every call and may throw. */
class MemoryKeys(var before: (call: String) -> Unit = {}) : KeyWrapper {
    val keys = mutableMapOf<String, SecretKey>()

    /** The arrays that passed, to see what becomes of them. */
    val passed = mutableListOf<ByteArray>()

    override fun wrap(alias: String, key: ByteArray): ByteArray {
        before("wrap")
        passed += key
        keys[alias] = KeyGenerator.getInstance("AES").apply { init(256) }.generateKey()
        val nonce = ByteArray(12).also(SecureRandom()::nextBytes)
        return nonce + cipher(Cipher.ENCRYPT_MODE, alias, nonce).doFinal(key)
    }

    override fun unwrap(alias: String, wrapped: ByteArray): ByteArray {
        before("unwrap")
        if (alias !in keys) throw KeyStoreException.Missing()
        return try {
            cipher(Cipher.DECRYPT_MODE, alias, wrapped.copyOf(12)).doFinal(wrapped, 12, wrapped.size - 12)
        } catch (_: AEADBadTagException) {
            throw KeyStoreException.Missing()
        }.also { passed += it }
    }

    override fun delete(alias: String): KeyDeletion {
        before("delete")
        keys -= alias
        return KeyDeletion.COMPLETE
    }

    private fun cipher(mode: Int, alias: String, nonce: ByteArray) = Cipher.getInstance("AES/GCM/NoPadding").apply {
        init(mode, keys[alias], GCMParameterSpec(128, nonce))
        updateAAD(alias.toByteArray())
    }
}

/** The family's store through the facade. */
class StoreTest : SandboxTest() {
    @TempDir
    lateinit var folder: Path
    private var keys = MemoryKeys()
    private val logKey = TestDeviceKey()
    private val file get() = folder.resolve("family.kazasu").toFile()

    @BeforeEach
    fun forget() {
        keys = MemoryKeys()
    }

    private suspend fun open(keys: KeyWrapper = this.keys, anchor: ByteArray? = null, key: DeviceKey = logKey) =
        FamilyStore.open(file.path, keys, key, anchor)

    private suspend fun FamilyStore.add(nickname: String): String =
        (confirmAndAdd(tapped(nickname), Profile(nickname, Role.OWN)) as Registered.New).id

    @Test
    fun `a log key is made with the store and at no other time`() = runBlocking {
        class Lazy(private val makes: Boolean = true) : MadeAtFirstUse {
            private fun key(): DeviceKey = if (makes) logKey else throw DeviceKeyException.Missing()
            override fun publicKey() = key().publicKey()
            override fun signSha256(message: ByteArray) = key().signSha256(message)
            override fun onlyIfThere() = Lazy(makes = false)
        }
        val anchor = FamilyStore.open(file.path, keys, Lazy(), isAnchorKept = true).use { store ->
            store.add("花子")
            store.signAndClose()
        }
        val gone = failsWith<KazasuException.Store> { FamilyStore.open(file.path, keys, Lazy(), anchor.bytes) }
        assertEquals(StoreReason.KEY_MISSING, gone.reason)
        val lost = failsWith<KazasuException.Store> { FamilyStore.open(file.path, keys, logKey, isAnchorKept = true) }
        assertEquals(StoreReason.KEY_MISSING, lost.reason)
        val replaced = failsWith<KazasuException.Store> { open(anchor = anchor.bytes, key = TestDeviceKey()) }
        assertEquals(StoreReason.REPLACED to "KZ-L02", replaced.reason to replaced.code())
        open(anchor = anchor.bytes).close()
    }

    @Test
    fun `registering is one act, and what goes by age is announced`() = session { session ->
        val tap = session.sign(card(1))
        session.finish()
        val (patient, time) = session.serverPatient() to session.confirmedTimeUnixMs()
        open().use { store ->
            val check = Check(System.currentTimeMillis(), CheckedBy.CARD, "OK", session.answerJson)
            val token = "token".toByteArray()
            val profile = Profile("花子", Role.OWN)
            val new = store.register(tap, profile, patient, Contact(check, time), "alias-1", token) as Registered.New
            assertArrayEquals(ByteArray(5), token, "wiped")
            assertEquals(setOf("alias-1"), store.deviceKeyNames())
            assertEquals(1, store.history(new.id).size)
            val other = ServerPatient(patient.issuer, "somebody else")
            assertEquals("KZ-D08", failsWith<KazasuException.Resource> { store.pinPatient(new.id, other) }.code())
            store.putRecords(new.id, listOf(expense("1", "2001-10")))
            assertEquals(1uL, store.applyRetention().marked)
            assertEquals(Aging.EXPENSE, store.expiring().single().kind)
            store.beginStop(new.id, "stop".toByteArray())
            store.endStop(new.id)
            assertEquals(emptySet<String>(), store.deviceKeyNames())
        }
    }

    @Test
    fun `a tap is registered, its answer kept, and all is there after reopening`() = session { session ->
        assertEquals(null, session.answerJson)
        val tap = session.sign(card(1))
        val result = session.finish()
        val checkpoint = open().use { store ->
            store.checkRoom()
            val hanako = (store.confirmAndAdd(tap, Profile("花子", Role.OWN)) as Registered.New).id
            store.addHistory(hanako, System.currentTimeMillis(), CheckedBy.CARD, "OK", session.answerJson)
            assertEquals(2u, store.putRecords(hanako, listOf(expense("1", "2026-10"), expense("2", "2026-09"))).added)
            val token = "token".toByteArray()
            store.saveSecret(hanako, SecretKind.ACCESS, token)
            assertArrayEquals(ByteArray(5), token, "wiped")
            store.remember(null, "log_seen", "today".toByteArray())
            assertEquals(1, store.putPayments(hanako, listOf(payment("薬局")), PaymentSource.ENTERED))
            store.signAndClose()
        }
        open(anchor = checkpoint.bytes).use { store ->
            val member = store.members().single()
            assertEquals("花子", member.profile.nickname)
            assertArrayEquals(tap.certificate, member.certificate)
            val check = store.history(member.id).single()
            assertEquals(Qualification.VALID, check.eligibility!!.qualification)
            assertEquals(result.insurances, check.eligibility!!.insurances)
            val first = store.records(member.id, limit = 1)
            assertEquals("2026-10-01", first.records.single().day)
            val second = store.records(member.id, RecordQuery(after = first.next), 1)
            assertEquals("2026-09-01", second.records.single().day)
            assertEquals(null, second.next)
            assertEquals(2, store.unread(member.id))
            store.markRead(member.id, listOf(first.records.single().key))
            assertEquals(1, store.unread(member.id))
            assertArrayEquals("token".toByteArray(), store.secret(member.id, SecretKind.ACCESS))
            assertArrayEquals("today".toByteArray(), store.remembered(null, "log_seen"))
            assertEquals("薬局", store.payments(member.id).single().payment.institution)
            assertTrue(store.verify() is LogVerdict.Whole)
            assertEquals(Erasure.COMPLETE, store.removeMember(member.id))
            assertEquals(LogEvent.ERASED, store.logEntries(limit = 1).single().event)
            assertEquals(emptyList<Any>(), store.members())
        }
        // The sandbox's own configuration does not ask for records.
        assertEquals("KZ-A11", codeOf { session.fetchRecords(RecordKind.EXPENSE) })
    }

    @Test
    fun `the sixth member and text like a My Number are refused`() = runBlocking {
        open().use { store ->
            assertEquals("KZ-D05", codeOf { store.add("1234 5678 9018") })
            val ids = listOf("一", "二", "三", "四", "五").map { store.add(it) }
            assertEquals("KZ-D06", codeOf { store.checkRoom() })
            assertEquals("KZ-D06", codeOf { store.add("六") })
            assertEquals("KZ-D05", codeOf { store.putPayments(ids[0], listOf(payment("123456789018")), PaymentSource.IMPORTED) })
            failsWith<KazasuException.Usage> { store.member("nobody") }
            store.setOrder(ids.reversed())
            assertEquals(ids.reversed(), store.members().map { it.id })
        }
    }

    @Test
    fun `a key store that refuses, fails or gives garbage is told apart`() = runBlocking {
        open().close()
        assertEquals(StoreReason.LOCKED, reason(MemoryKeys { throw KeyStoreException.Locked() }))
        assertEquals(StoreReason.KEY_MISSING, reason(MemoryKeys { throw KeyStoreException.Missing() }))
        assertEquals(StoreReason.KEY_MISSING, reason(MemoryKeys()))
        val garbage = object : KeyWrapper by keys {
            override fun unwrap(alias: String, wrapped: ByteArray) = ByteArray(32)
        }
        assertEquals(StoreReason.DAMAGED, reason(garbage))
        for (mistake in listOf(IllegalStateException("a secret text"), StackOverflowError("a secret text"))) {
            val error = failsWith<KazasuException.DeviceKey> { open(MemoryKeys { throw mistake }).close() }
            assertEquals("KZ-L01", error.code())
            assertFalse("secret" in error.toString(), error.toString())
            assertTrue(mistake.javaClass.simpleName in error.detail, error.detail)
        }
        open().close()
    }

    private fun reason(keys: KeyWrapper): StoreReason = failsWith<KazasuException.Store> { open(keys).close() }.reason

    @Test
    fun `keys that pass through are wiped`() = runBlocking {
        open().use { it.rotate() }
        open().close()
        assertEquals(3, keys.passed.size)
        for (key in keys.passed) assertArrayEquals(ByteArray(32), key)
    }

    @Test
    fun `a second call while one runs is busy, and a closed store refuses`() = runBlocking {
        val store = open()
        val reached = CountDownLatch(1)
        val goOn = CountDownLatch(1)
        keys.before = {
            reached.countDown()
            goOn.await(10, TimeUnit.SECONDS)
        }
        val rotation = async(Dispatchers.Default) { store.rotate() }
        assertTrue(reached.await(10, TimeUnit.SECONDS))
        assertEquals("KZ-U02", codeOf { store.members() })
        assertEquals("KZ-U02", codeOf { open().close() })
        goOn.countDown()
        rotation.await()
        assertEquals(0, store.members().size)
        store.close()
        failsWith<KazasuException.Usage> { store.members() }
        val again = open()
        again.signAndClose()
        failsWith<KazasuException.Usage> { again.checkRoom() }
        again.close()
    }

    @Test
    fun `a cancelled opening leaves the file free`() = runBlocking {
        open().close()
        val reached = CountDownLatch(1)
        val goOn = CountDownLatch(1)
        keys.before = {
            reached.countDown()
            goOn.await(10, TimeUnit.SECONDS)
        }
        val opening = launch(Dispatchers.Default) { open() }
        assertTrue(reached.await(10, TimeUnit.SECONDS))
        opening.cancelAndJoin()
        goOn.countDown()
        var free: FamilyStore? = null
        for (attempt in 1..100) {
            free = runCatching { open() }.onFailure { assertTrue(it is KazasuException.Busy, "$it") }.getOrNull()
            if (free != null) break
            delay(20.milliseconds)
        }
        free!!.close()
    }
}

fun tapped(whose: String) = TapResult("certificate of $whose".toByteArray(), CardCapabilities(null, null))

fun expense(id: String, month: String) =
    """{"resourceType": "ExplanationOfBenefit", "id": "$id", "billablePeriod": {"start": "$month"}}"""

private fun payment(institution: String) =
    Payment(sourceId = "receipt-1", kind = ExpenseKind.PHARMACY, institution = institution, receiptYen = 500)
