package org.junit.jupiter.api

/** The Kotlin half of JUnit's assertions, as far as the tests use it: Debian builds only the Java half. */
inline fun <reified T : Throwable> assertThrows(crossinline call: () -> Unit): T =
    Assertions.assertThrows(T::class.java) { call() }
