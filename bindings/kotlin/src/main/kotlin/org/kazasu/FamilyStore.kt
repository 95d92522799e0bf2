package org.kazasu

import java.io.File
import kotlinx.coroutines.CancellationException
import org.kazasu.ffi.AppEvent
import org.kazasu.ffi.CardCapabilities
import org.kazasu.ffi.CheckedBy
import org.kazasu.ffi.Checkpoint
import org.kazasu.ffi.Contact
import org.kazasu.ffi.DeviceKey
import org.kazasu.ffi.Erasure
import org.kazasu.ffi.Expiring
import org.kazasu.ffi.HistoryEntry
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.KeyWrapper
import org.kazasu.ffi.LogEntry
import org.kazasu.ffi.LogVerdict
import org.kazasu.ffi.Payment
import org.kazasu.ffi.PaymentSource
import org.kazasu.ffi.Profile
import org.kazasu.ffi.RecordPage
import org.kazasu.ffi.RecordQuery
import org.kazasu.ffi.Registered
import org.kazasu.ffi.Retention
import org.kazasu.ffi.RetentionPolicy
import org.kazasu.ffi.Saved
import org.kazasu.ffi.SecretKind
import org.kazasu.ffi.ServerPatient
import org.kazasu.ffi.Store
import org.kazasu.ffi.StoreSettings
import org.kazasu.ffi.StoredMember
import org.kazasu.ffi.StoredPayment
import org.kazasu.ffi.TapResult

/**
 * The family's encrypted store: at most five members, their cards, checks, records and payments, and a log of who looked at
 * what. On Android:
 *
 * ```
 * val file = File(context.noBackupFilesDir, "family.kazasu")
 * FamilyStore.open(file.path, AndroidKeystoreKeyWrapper(), AndroidKeystoreDeviceKey("kazasu-log")).use { store ->
 *     show(store.members())
 * }
 * ```
 *
 * One file is open once: a second [open] fails with [KazasuException.Busy], and so does a second call while one runs. A
 * cancelled call returns at once; what it was about to keep may be kept all the same, wholly or not at all. After [close]
 * every call fails with [KazasuException.Usage].
 *
 * What the store returns is personal. The classes print their contents: they belong in no log.
 */
public class FamilyStore private constructor(private val store: Store) : AutoCloseable {
    /**
     * Whether there is a place for another member. Ask before the card and before the server.
     *
     * @throws KazasuException.TooManyMembers `KZ-D06`
     */
    public suspend fun checkRoom(): Unit = blocking { store.checkRoom() }

    /** The members in their order. */
    public suspend fun members(): List<StoredMember> = blocking { store.members() }

    /** One member. */
    public suspend fun member(id: String): StoredMember = blocking { store.member(id) }

    /**
     * Registers the card of a tap. By calling it you say that a person has looked at name and date of birth of the card's
     * holder and confirmed who it is.
     *
     * @return [Registered.Known] when this card is a member's already: nothing that they had was changed then.
     * @throws KazasuException.TooManyMembers `KZ-D06`
     * @throws KazasuException.MyNumberSuspected `KZ-D05`: the nickname looks like a My Number.
     * @throws KazasuException.Usage for a nickname that is taken or looks like one that is, shows nothing, or is longer than
     * 20 characters.
     */
    public suspend fun confirmAndAdd(candidate: TapResult, profile: Profile): Registered =
        blocking { store.confirmAndAdd(candidate, profile) }

    /**
     * [confirmAndAdd] with everything that belongs to it, wholly or not at all. A known card brings what its member lacks.
     *
     * Make the device key before, under a random alias. One whose alias [deviceKeyNames] does not tell is left from a
     * registration that was cut off: delete it.
     *
     * @param deviceKey alias of the member's key; empty for none. A copy is made, and [access] is wiped, before this function
     * suspends.
     * @param access what is kept of the access; empty for nothing.
     * @throws KazasuException.Resource `KZ-D08`: the card is known, and its patient id another one.
     */
    public suspend fun register(
        candidate: TapResult,
        profile: Profile,
        patient: ServerPatient?,
        contact: Contact,
        deviceKey: String,
        access: ByteArray = ByteArray(0),
    ): Registered {
        val key = DirectBytes.copy(deviceKey.toByteArray())
        val direct = DirectBytes.take(access)
        return blocking(cleanup = direct::wipe) {
            store.register(candidate, profile, patient, contact, key.bytes, direct.bytes)
        }
    }

    /** Keeps what a contact with the server brought, wholly or not at all. [access] is wiped before this function suspends. */
    public suspend fun keepContact(member: String, contact: Contact, access: ByteArray = ByteArray(0)) {
        val direct = DirectBytes.take(access)
        blocking(cleanup = direct::wipe) { store.keepContact(member, contact, direct.bytes) }
    }

    /**
     * Keeps the id by which a server knows a member, at the first contact.
     *
     * @throws KazasuException.Resource `KZ-D08`: another one is kept. Keep nothing of that answer until a person has confirmed
     * whose it is.
     */
    public suspend fun pinPatient(member: String, patient: ServerPatient): Unit =
        blocking { store.pinPatient(member, patient) }

    /** Keeps another id: by calling it you say that a person has looked at name and date of birth and confirmed them. */
    public suspend fun confirmPatient(member: String, patient: ServerPatient): Unit =
        blocking { store.confirmPatient(member, patient) }

    /** Prepares a stop of the card. [suspension] is wiped before this function suspends. */
    public suspend fun beginStop(member: String, suspension: ByteArray) {
        val direct = DirectBytes.take(suspension)
        blocking(cleanup = direct::wipe) { store.beginStop(member, direct.bytes) }
    }

    /** Ends a stop that a server has confirmed; delete the member's device key after it. */
    public suspend fun endStop(member: String): Unit = blocking { store.endStop(member) }

    /** Forgets an access whose tokens were revoked. */
    public suspend fun endAccess(member: String): Unit = blocking { store.endAccess(member) }

    /** The aliases of the members' device keys: keys of the app with another alias belong to nobody. */
    public suspend fun deviceKeyNames(): Set<String> = blocking { store.deviceKeyNames().map { it.decodeToString() }.toSet() }

    /** Changes what the user says of a member. Fails as [confirmAndAdd]. */
    public suspend fun setProfile(id: String, profile: Profile): Unit = blocking { store.setProfile(id, profile) }

    /** Keeps what a later [tap] of this member has shown. */
    public suspend fun setCard(id: String, tap: TapResult): Unit = blocking { store.setCard(id, tap) }

    /** Keeps what [KazasuSession.capabilities] says after a tap that failed; nothing else of the member changes. */
    public suspend fun setCapabilities(id: String, capabilities: CardCapabilities): Unit =
        blocking { store.setCapabilities(id, capabilities) }

    /** Puts the members into this order, which names each of them once. */
    public suspend fun setOrder(ids: List<String>): Unit = blocking { store.setOrder(ids) }

    /**
     * Removes a member with everything of theirs. Revoke the tokens at the server first, and delete the member's
     * `AndroidKeystoreDeviceKey` after it. After a failure the rest is done at the next [open].
     */
    public suspend fun removeMember(id: String): Erasure = blocking { store.removeMember(id) }

    /** Keeps a secret, in place of the one before. [secret] is wiped before this function suspends. */
    public suspend fun saveSecret(member: String, kind: SecretKind, secret: ByteArray) {
        val direct = DirectBytes.take(secret)
        blocking(cleanup = direct::wipe) { store.saveSecret(member, kind, direct.bytes) }
    }

    /** A secret that was kept. Wipe it after use. */
    public suspend fun secret(member: String, kind: SecretKind): ByteArray? = blocking { store.secret(member, kind) }

    /** Deletes a secret; tells whether there was one. */
    public suspend fun deleteSecret(member: String, kind: SecretKind): Boolean =
        blocking { store.deleteSecret(member, kind) }

    /**
     * Remembers a value of the app's own.
     *
     * @param member null for the installation.
     * @param name 1 to 48 bytes.
     */
    public suspend fun remember(member: String?, name: String, value: ByteArray) {
        val direct = DirectBytes.copy(value)
        blocking(cleanup = direct::wipe) { store.remember(member, name, direct.bytes) }
    }

    /** What was remembered. */
    public suspend fun remembered(member: String?, name: String): ByteArray? =
        blocking { store.remembered(member, name) }

    /**
     * Keeps a check of the eligibility.
     *
     * @param result `OK`, or the code of what came instead, such as `KZ-Q02`.
     * @param answerJson [KazasuSession.answerJson], where there was an answer.
     */
    public suspend fun addHistory(
        member: String,
        atUnixMs: Long,
        checkedBy: CheckedBy,
        result: String,
        answerJson: String?,
    ): Unit = blocking { store.addHistory(member, atUnixMs, checkedBy, result, answerJson) }

    /** At most [limit] checks older than [beforeUnixMs], the newest first. The log tells that they were read. */
    public suspend fun history(member: String, beforeUnixMs: Long? = null, limit: Int = 50): List<HistoryEntry> =
        blocking { store.history(member, beforeUnixMs, natural(limit)) }

    /**
     * Keeps FHIR resources, all of them or none. One with the server's id of a kept record replaces it.
     *
     * @throws KazasuException.Resource for JSON that is no record, too large, or carries a My Number.
     */
    public suspend fun putRecords(member: String, records: List<String>): Saved =
        blocking { store.putRecords(member, records) }

    /** At most [limit] records, the newest first. The next page begins behind [RecordPage.next]. */
    public suspend fun records(member: String, query: RecordQuery = RecordQuery(), limit: Int = 50): RecordPage =
        blocking { store.records(member, query, natural(limit)) }

    /** Marks records as looked at, by their keys; all of the member's for null. */
    public suspend fun markRead(member: String, keys: List<ByteArray>? = null): Unit =
        blocking { store.markRead(member, keys) }

    /** How many of a member's records were not looked at yet. */
    public suspend fun unread(member: String): Long = blocking { store.unread(member).toLong() }

    /**
     * Keeps payments, all of them or none; tells how many were not there before.
     *
     * @throws KazasuException.MyNumberSuspected `KZ-D05`: an institution looks like a My Number.
     */
    public suspend fun putPayments(member: String, payments: List<Payment>, source: PaymentSource): Int =
        blocking { store.putPayments(member, payments, source).toInt() }

    /** A member's payments, in no order of theirs. */
    public suspend fun payments(member: String): List<StoredPayment> = blocking { store.payments(member) }

    /** Deletes a payment; tells whether there was one. */
    public suspend fun deletePayment(member: String, id: ByteArray): Boolean =
        blocking { store.deletePayment(member, id) }

    /**
     * Tells the store what a server said the time is ([KazasuSession.confirmedTimeUnixMs]): old data are deleted by such time
     * alone. Tells whether the clock of this phone is right, to a day.
     */
    public suspend fun confirmClock(serverTimeUnixMs: Long): Boolean = blocking { store.confirmClock(serverTimeUnixMs) }

    /** What is past its time, of every member and kind, and when it will be deleted: to be shown. */
    public suspend fun expiring(policy: RetentionPolicy = RetentionPolicy()): List<Expiring> =
        blocking { store.expiring(policy) }

    /**
     * Deletes what [expiring] tells, at once. By calling it you say that a person has seen that, has seen that this phone says
     * today is [today] (`YYYY-MM-DD`, in Japan), and agreed.
     */
    public suspend fun deleteExpiring(today: String, policy: RetentionPolicy = RetentionPolicy()): Retention =
        blocking { store.deleteExpiring(policy, today) }

    /** Marks what is past its time, and deletes what was marked a week of confirmed time ago. Call it once a day. */
    public suspend fun applyRetention(policy: RetentionPolicy = RetentionPolicy()): Retention =
        blocking { store.applyRetention(policy) }

    /** At most [limit] entries of the log, the newest first, from number [before] on downwards. */
    public suspend fun logEntries(before: Long? = null, limit: Int = 50): List<LogEntry> =
        blocking { store.logEntries(before?.coerceAtLeast(0)?.toULong(), natural(limit)) }

    /** Tells the log what the app did with the data, or what happened to it. */
    public suspend fun tell(event: AppEvent, member: String? = null): Unit = blocking { store.tell(event, member) }

    /** Looks through the whole log. Damage to it is a verdict, no exception. */
    public suspend fun verifyLog(): LogVerdict = blocking { store.verifyLog() }

    /** Reads and compares the whole file: seconds for a large store. */
    public suspend fun verify(): LogVerdict = blocking { store.verify() }

    /** The newest checkpoint. Kept elsewhere, it shows at [open] that the whole store was not put back. */
    public suspend fun checkpoint(): Checkpoint = blocking { store.checkpoint() }

    /** Renews the keys. It happens by itself every 90 days; call it when the old ones may have leaked. */
    public suspend fun rotate(): Unit = blocking { store.rotate() }

    /** Signs the log and closes the file. */
    public suspend fun signAndClose(): Checkpoint = blocking { store.signAndClose() }.also { close() }

    /** Closes the file, once a call under way has ended. Returns at once. */
    override fun close(): Unit = store.close()

    public companion object {
        /**
         * Opens the store, or makes it where there is no file and no [anchor] says that there was one.
         *
         * @param path a file that no backup takes, in a folder that exists: `Context.getNoBackupFilesDir()`.
         * @param keyWrapper the device's key store. The array that its `unwrap` returns is wiped after use.
         * @param logKey signs the log, and serves nothing else. One that is [MadeAtFirstUse] is made with the store alone.
         * @param anchor bytes of a [checkpoint] kept elsewhere: an older store is refused.
         * @param isAnchorKept whether one is kept from the first opening on: then a store without it is refused.
         * @throws KazasuException.Store `KZ-L01`: locked, key missing, damaged, rolled back, newer, or the file system; `KZ-L02`:
         * the phone was replaced, and everybody is to be registered anew.
         * @throws KazasuException.DeviceKey `KZ-L01` when a key store fails otherwise.
         * @throws KazasuException.Busy while the file is open.
         */
        public suspend fun open(
            path: String,
            keyWrapper: KeyWrapper,
            logKey: DeviceKey,
            anchor: ByteArray? = null,
            isAnchorKept: Boolean = false,
        ): FamilyStore {
            val keys = GuardedKeyWrapper(keyWrapper)
            val opening = Opening()
            try {
                blocking(cleanup = keys::wipe) {
                    val isThere = anchor != null || File(path).exists()
                    val key = if (isThere && logKey is MadeAtFirstUse) logKey.onlyIfThere() else logKey
                    val settings = StoreSettings(path, anchor, isAnchorKept)
                    opening.give(Store.openOrCreate(settings, keys, GuardedKey(key)))
                }
            } catch (e: CancellationException) {
                opening.abandon()
                throw e
            }
            return FamilyStore(opening.take())
        }

        private fun natural(limit: Int): UInt = limit.coerceAtLeast(0).toUInt()
    }
}

/** A key that the key store makes when it is first used. */
public interface MadeAtFirstUse : DeviceKey {
    /** The same key, which fails with [org.kazasu.ffi.DeviceKeyException.Missing] where there is none. */
    public fun onlyIfThere(): DeviceKey
}

/** A store on its way to a caller who may have gone: then it is closed, so that the file can be opened again. */
private class Opening {
    private var store: Store? = null
    private var isAbandoned = false

    @Synchronized
    fun give(opened: Store) {
        if (isAbandoned) opened.close() else store = opened
    }

    @Synchronized
    fun abandon() {
        isAbandoned = true
        store?.close()
    }

    @Synchronized
    fun take(): Store = checkNotNull(store)
}
