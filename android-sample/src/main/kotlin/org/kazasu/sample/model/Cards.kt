package org.kazasu.sample.model

import kotlinx.coroutines.CompletableDeferred
import org.kazasu.CardLink
import org.kazasu.ffi.KazasuException

/** Where cards come from while one is asked for. */
interface CardReader : AutoCloseable {
    /**
     * Waits for a card; the caller closes it.
     *
     * @throws KazasuException.Transport `KZ-C08` without NFC
     */
    suspend fun awaitCard(): CardLink

    /** Stops looking for cards. */
    override fun close() {}
}

/** A reader to which [hold] lays a card: the simulated one of debug builds. */
class PushedCards(private val card: () -> CardLink) : CardReader {
    private var waiting: CompletableDeferred<CardLink>? = null

    override suspend fun awaitCard(): CardLink = CompletableDeferred<CardLink>().also { waiting = it }.await()

    /** Lays the card on the phone; nothing happens when nobody waits. */
    fun hold() {
        waiting?.let { waiting = null; it.complete(card()) }
    }
}
