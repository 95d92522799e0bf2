package org.kazasu.sample

import java.io.File
import java.math.BigInteger
import java.nio.file.Files
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import org.kazasu.ffi.BackendConfig
import org.kazasu.ffi.DeviceKey
import org.kazasu.sample.model.ClientFile

/** A sandbox process with a port of its own. */
class Sandbox(vararg switches: String) : AutoCloseable {
    /** Folder of `client.json`. */
    val folder: File = Files.createTempDirectory("sandbox").toFile()

    private val process = ProcessBuilder(
        listOf(System.getProperty("kazasu.sandbox"), "--config-out", File(folder, ClientFile.NAME).path) +
            switches.flatMap { listOf("--switch", it) },
    ).redirectError(ProcessBuilder.Redirect.DISCARD).start()

    init {
        val output = process.inputStream.bufferedReader()
        check(output.readLine().contains("issuer"))
        // Read on, so that it never waits; ends when the process does.
        Thread { runCatching { output.forEachLine { } } }.apply { isDaemon = true }.start()
    }

    /** How the app reaches it. */
    fun config(): BackendConfig = checkNotNull(ClientFile.read { File(folder, it).inputStream() })

    override fun close() {
        process.destroy()
        process.waitFor()
        folder.deleteRecursively()
    }
}

/** A device key in memory: desktops have no Android Keystore. */
class MemoryKey : DeviceKey {
    private val pair = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }.generateKeyPair()

    override fun publicKey(): ByteArray {
        val point = (pair.public as ECPublicKey).w
        return byteArrayOf(UNCOMPRESSED) + coordinate(point.affineX) + coordinate(point.affineY)
    }

    override fun signSha256(message: ByteArray): ByteArray = Signature.getInstance("SHA256withECDSA").run {
        initSign(pair.private)
        update(message)
        sign()
    }

    private fun coordinate(number: BigInteger): ByteArray {
        val bytes = number.toByteArray().takeLast(SIZE).toByteArray()
        return ByteArray(SIZE - bytes.size) + bytes
    }

    private companion object {
        const val UNCOMPRESSED: Byte = 4
        const val SIZE = 32
    }
}
