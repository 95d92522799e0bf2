package org.kazasu.example

import org.kazasu.CardLink
import org.kazasu.Kazasu
import org.kazasu.ffi.BackendConfig
import org.kazasu.ffi.DeviceKey
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.Language
import org.kazasu.ffi.Member
import org.kazasu.ffi.Purpose
import org.kazasu.ffi.TapStep
import org.kazasu.shown

/** One member of the family; store it, with the certificate of the first tap. */
class FamilyMember(val deviceKey: DeviceKey, var certificate: ByteArray? = null)

/** The screen: on Android a PIN pad, `NfcReader(activity).awaitCard()` and a text. */
interface Screen {
    suspend fun enterPin(notice: String): CharArray
    suspend fun awaitCard(): CardLink
    fun mayTakeCardAway()
    fun show(text: String)
}

/** From a chosen member to eligibility. */
suspend fun showEligibility(config: BackendConfig, member: FamilyMember, screen: Screen) {
    try {
        val kazasu = Kazasu(config, Language.JAPANESE)
        val pin = screen.enterPin(config.noticeText)
        kazasu.begin(Member(member.certificate, Purpose.OWN), member.deviceKey).use { session ->
            screen.awaitCard().use { card ->
                val tap = session.tap(card, pin) { if (it == TapStep.SIGNED) screen.mayTakeCardAway() }
                member.certificate = tap.certificate
            }
            val result = session.finish()
            val insurance = result.primary?.let { result.insurances[it.toInt()] }
            screen.show("${result.qualification} ${insurance?.insurerName?.shown()} ${insurance?.copayPercent}%")
        }
    } catch (e: KazasuException) {
        screen.show("${e.userText(Language.JAPANESE)} (${e.code()})")
    }
}
