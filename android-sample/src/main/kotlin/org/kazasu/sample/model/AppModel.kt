package org.kazasu.sample.model

import kotlinx.coroutines.CoroutineScope
import org.kazasu.CardLink
import org.kazasu.Kazasu
import org.kazasu.ffi.DeviceKey
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Language
import org.kazasu.ffi.TransportException

/**
 * Everything behind the screens, without Android.
 *
 * @param scope on the main thread.
 * @param deviceKey the key of a person on this device.
 * @param simulatedCard lays the simulated card of a person on the phone; null in release builds.
 */
class AppModel(
    private val scope: CoroutineScope,
    val household: Household,
    val settings: Settings,
    private val deviceKey: (Person) -> DeviceKey,
    private val simulatedCard: ((Person) -> CardLink)?,
) {
    /** The check under way. */
    var check: Check? = null
        private set

    /** The simulated reader of the check under way, if cards are simulated. */
    var simulatedReader: PushedCards? = null
        private set

    /** The phone's reader, while a screen that can ask for a card is in front. */
    var nfc: (() -> CardReader)? = null

    /**
     * Begins a check.
     *
     * @param words what the notice adds for someone who agreed to the limit category.
     */
    fun startCheck(number: Int, language: Language, words: String): Check {
        check?.leave()
        val person = checkNotNull(household.person(number))
        val config = settings.config()?.withLimitConsent(person.limitConsent, words)
        val simulate = simulatedCard?.takeIf { settings.state.value.simulated == true }
        val cards = simulate?.let { card -> PushedCards { card(person) } }
        simulatedReader = cards
        return Check(
            number = number,
            household = household,
            notice = config?.noticeText,
            language = language,
            scope = scope,
            begin = {
                if (config == null) throw KazasuException.Usage(detail = "no server is set up")
                Kazasu(config, language).use { kazasu -> kazasu.begin(it.member(), deviceKey(it)) }
            },
            reader = { cards ?: nfc?.invoke() ?: throw KazasuException.Transport(TransportException.Unavailable()) },
        ).also { check = it }
    }
}
