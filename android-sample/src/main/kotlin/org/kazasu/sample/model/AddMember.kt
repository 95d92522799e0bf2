package org.kazasu.sample.model

import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Language

/** What became of a wish to add someone: done, or told why not in the SDK's words. */
sealed interface Added {
    /** Done, or there is a place. */
    data object Yes : Added

    /** No place. */
    data class No(val text: String) : Added
}

/** Whether there is a place for another one. */
fun Household.place(language: Language): Added = told(language) { checkPlace() }

/** Adds someone. A name is needed, a date of birth is not. */
fun Household.add(name: String, birthDate: String, limitConsent: Boolean, language: Language): Added =
    told(language) { add(name.trim(), birthDate.trim().ifEmpty { null }, limitConsent) }

private fun told(language: Language, work: () -> Unit): Added = try {
    work()
    Added.Yes
} catch (e: KazasuException) {
    Added.No(e.userText(language))
}
