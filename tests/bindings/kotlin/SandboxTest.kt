package org.kazasu

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.TestInstance

/** Tests that share one sandbox without faults. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SandboxTest {
    lateinit var sandbox: Sandbox
    lateinit var kazasu: Kazasu

    @BeforeAll
    fun start() {
        sandbox = Sandbox()
        kazasu = Kazasu(sandbox.config)
    }

    @AfterAll
    fun stop() {
        kazasu.close()
        sandbox.close()
    }

    /** Runs [block] in a session of a member with a new device key. */
    fun session(certificate: ByteArray? = null, block: suspend (KazasuSession) -> Unit) = runBlocking {
        kazasu.begin(own(certificate), TestDeviceKey()).use { block(it) }
    }
}
