package org.kazasu.sample.model

import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import org.kazasu.ffi.CardCapabilities
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Member
import org.kazasu.ffi.Purpose
import org.kazasu.ffi.TapResult
import org.kazasu.ffi.checkNewMember

/** Someone whose card is read. Holds no PIN and nothing of an answer. */
data class Person(
    val number: Int,
    val name: String,
    /** `YYYY-MM-DD`, for the hint on guessable PINs only. */
    val birthDate: String? = null,
    /** Consent to the limit category. */
    val limitConsent: Boolean = false,
    /** Tries left, as a card last said; null when the last PIN was right. */
    val attemptsLeft: Int? = null,
    /** The hint on guessable PINs was shown; it comes once. */
    val hintShown: Boolean = false,
    /** What to hand to the SDK for the next tap. */
    val card: KnownCard? = null,
    /** Whom the server calls this person: an answer about anybody else is refused. Neither shown nor logged. */
    val patient: String? = null,
) {
    /** This person as the SDK wants it. */
    fun member(): Member = Member(
        certificate = card?.certificate,
        purpose = if (number == FIRST) Purpose.OWN else Purpose.FAMILY,
        capabilities = card?.capabilities,
        patient = patient,
    )

    companion object {
        /** Number of the owner of the phone. */
        const val FIRST: Int = 1
    }
}

/** What an earlier tap has shown. */
class KnownCard(val certificate: ByteArray, val capabilities: CardCapabilities) {
    constructor(tap: TapResult) : this(tap.certificate, tap.capabilities)

    /** The same card, which has shown more of itself. */
    fun shown(capabilities: CardCapabilities) = KnownCard(certificate, capabilities)
}

/** The people of this phone. In memory only: gone when the app ends. */
class Household(owner: String) {
    private val mutablePeople = MutableStateFlow(listOf(Person(Person.FIRST, owner)))

    // A number is never given twice: keys are kept by it.
    private var lastNumber = Person.FIRST

    /** In the order they were added. */
    val people: StateFlow<List<Person>> = mutablePeople.asStateFlow()

    /** The one with this number. */
    fun person(number: Int): Person? = people.value.find { it.number == number }

    /** Whether the SDK takes another one. */
    fun checkPlace(): Unit = checkNewMember(people.value.size.toUInt())

    /**
     * Adds someone.
     *
     * @throws KazasuException.TooManyMembers `KZ-D06`
     */
    fun add(name: String, birthDate: String?, limitConsent: Boolean): Person {
        checkPlace()
        return Person(++lastNumber, name, birthDate, limitConsent).also { mutablePeople.value += it }
    }

    /** Removes someone; the owner of the phone stays. */
    fun remove(number: Int) {
        mutablePeople.value = people.value.filter { it.number != number || number == Person.FIRST }
    }

    /** Changes the one with this number. */
    fun update(number: Int, change: (Person) -> Person) {
        mutablePeople.value = people.value.map { if (it.number == number) change(it) else it }
    }
}
