package org.kazasu.sample

import org.kazasu.CardLink
import org.kazasu.sample.model.Person

/** Release builds have no simulated card. */
object Simulation {
    /** None. */
    val card: ((Person) -> CardLink)? = null
}
