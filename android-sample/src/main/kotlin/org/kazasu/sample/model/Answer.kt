package org.kazasu.sample.model

import java.time.Instant
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.util.Locale
import org.kazasu.ffi.EligibilityResult
import org.kazasu.ffi.Freshness
import org.kazasu.ffi.InsuranceInfo
import org.kazasu.ffi.Language
import org.kazasu.ffi.Qualification
import org.kazasu.ffi.SessionWarning
import org.kazasu.ffi.userText
import org.kazasu.shown

/** An answer, ready to show. */
data class Answer(
    val qualification: Qualification,
    /** What to do when it is not simply valid, in the SDK's words. */
    val whatToDo: String?,
    /** The insurance to show; several only where the SDK says that several apply. */
    val insurances: List<Insurance>,
    /** Time of the look-up in Japan. */
    val asOf: String?,
    val freshness: Freshness,
    /** More to do, in the SDK's words. */
    val notes: List<String>,
    val testCard: Boolean,
) {
    /** In force. */
    val good: Boolean get() = qualification == Qualification.VALID || qualification == Qualification.UNREGISTERED

    companion object {
        /** What [result] means for [person]. */
        fun of(result: EligibilityResult, person: Person, language: Language): Answer = Answer(
            qualification = result.qualification,
            whatToDo = result.code?.let { userText(it, language) },
            insurances = shown(result).map { Insurance.of(it, person.limitConsent) },
            asOf = result.asOfUnixMs?.let { japanTime(it, language) },
            freshness = result.freshness,
            notes = result.warnings.mapNotNull(::codeOf).mapNotNull { userText(it, language) },
            testCard = result.testCard,
        )

        private fun shown(result: EligibilityResult): List<InsuranceInfo> =
            if (result.qualification == Qualification.MULTIPLE) {
                result.insurances
            } else {
                listOfNotNull(result.primary?.let { result.insurances[it.toInt()] })
            }

        private fun codeOf(warning: SessionWarning): String? = when (warning) {
            SessionWarning.CERTIFICATE_EXPIRED -> "KZ-C06"
            SessionWarning.DEVICE_CLOCK -> "KZ-A04"
            SessionWarning.SCOPE_NARROWED -> "KZ-A11"
            SessionWarning.INSURER_NUMBER -> null
        }

        private fun japanTime(unixMs: Long, language: Language): String {
            val format = when (language) {
                Language.JAPANESE, Language.EASY_JAPANESE -> DateTimeFormatter.ofPattern("uuuu年M月d日 H:mm", Locale.JAPAN)
                Language.ENGLISH -> DateTimeFormatter.ofPattern("d MMM uuuu, H:mm 'JST'", Locale.ENGLISH)
            }
            return Instant.ofEpochMilli(unixMs).atZone(ZoneId.of("Asia/Tokyo")).format(format)
        }
    }
}

/** One insurance, ready to show. Copay and limit are told for one in force only. */
data class Insurance(val insurer: String?, val inForce: Boolean, val copayPercent: Int?, val limit: Limit, val lossDate: String?) {
    companion object {
        /** What [info] says to someone who gave or withheld [limitConsent]. */
        fun of(info: InsuranceInfo, limitConsent: Boolean): Insurance = Insurance(
            insurer = info.insurerName?.shown(MOST),
            inForce = info.inForce,
            copayPercent = info.copayPercent?.toInt(),
            limit = when (val words = info.limitCategoryText ?: info.limitCategory) {
                null -> if (limitConsent) Limit.Unknown else Limit.NoConsent
                else -> Limit.Known(words.shown(MOST))
            },
            lossDate = info.lossDate?.shown(MOST),
        )

        /** Characters of one text of the server. */
        private const val MOST = 120
    }
}

/** The limit category. */
sealed interface Limit {
    /** In the server's words. */
    data class Known(val words: String) : Limit

    /** Not asked for. */
    data object NoConsent : Limit

    /** Asked for, and not told. */
    data object Unknown : Limit
}
