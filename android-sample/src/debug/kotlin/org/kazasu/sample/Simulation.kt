package org.kazasu.sample

import org.kazasu.CardLink
import org.kazasu.ffi.SimulatedCard
import org.kazasu.sample.model.Person

/** The simulated cards of debug builds: the first member has that of the first synthetic person, and so on. */
object Simulation {
    private val cards = mutableMapOf<Int, SimulatedCard>()

    /** Lays a person's card on the phone. */
    val card: ((Person) -> CardLink)? = { person -> CardLink.over(of(person.number).tap(null)) }

    private const val PEOPLE = 10

    private fun of(number: Int) = cards.getOrPut(number) { SimulatedCard("today", ((number - 1) % PEOPLE + 1).toUByte()) }
}
