package org.kazasu.sample.model

/** What the screen of a check shows. */
sealed interface CheckState {
    /** The PIN pad. */
    data class Pin(
        val name: String,
        /** What the data are asked for, word for word as the card signs it; null while there is no server. */
        val notice: String?,
        /** Digits entered. */
        val digits: Int = 0,
        /** As last read from the card. */
        val attemptsLeft: Int? = null,
        /** What went wrong before, in the SDK's words. */
        val message: String? = null,
    ) : CheckState

    /** Hold your card. */
    data class Hold(
        val phase: Phase,
        /** Steps done: card found, PIN right, card may leave. */
        val steps: Int = 0,
        /** After failures. */
        val help: Help? = null,
        /** The PIN is easy to guess. */
        val guessable: Boolean = false,
    ) : CheckState

    /** One try is left; nothing was sent. */
    data class LastTry(val text: String) : CheckState

    /** Something went wrong: one text, one thing to do. */
    data class Problem(val code: String, val text: String, val action: Action, val help: Help? = null) : CheckState

    /** The answer. */
    data class Result(val answer: Answer) : CheckState

    /** Back to the members. */
    data object Left : CheckState
}

/** How far holding the card has come. */
enum class Phase {
    /** Reaching the server. */
    CONNECTING,

    /** For the card. */
    WAITING,

    /** The card is read. */
    READING,

    /** The card has signed; the server is asked. */
    SENDING,
}

/** Advice after the first, second and third failure to read a card. */
enum class Help { CASE, POSITION, RESTART }

/** The one thing to do about a problem. */
enum class Action { HOLD_AGAIN, ENTER_PIN, CHECK_TRIES, TRY_AGAIN, START_AGAIN, NFC_SETTINGS, CLOSE }
