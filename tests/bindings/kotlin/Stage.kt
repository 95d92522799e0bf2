package org.kazasu

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.io.File
import java.math.BigInteger
import java.nio.file.Files
import java.nio.file.Path
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.cert.CertificateFactory
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.runBlocking
import org.kazasu.ffi.BackendConfig
import org.kazasu.ffi.CardTransport
import org.kazasu.ffi.DeviceKey
import org.kazasu.ffi.EligibilityResult
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.LastAttempt
import org.kazasu.ffi.LinkEnd
import org.kazasu.ffi.Member
import org.kazasu.ffi.Purpose
import org.kazasu.ffi.SimulatedCard
import org.kazasu.ffi.TapResult
import org.kazasu.ffi.TransportException
import org.kazasu.ffi.TransportLimits

/** A `kazasu-sandbox` of its own on a free port, over real TLS, and the configuration that fits it. */
class Sandbox(vararg switches: String, options: List<String> = emptyList()) : AutoCloseable {
    private val folder: Path = Files.createTempDirectory("kazasu")
    private val process: Process
    val configFile: File = folder.resolve("client.json").toFile()
    val config: BackendConfig

    init {
        val command = listOf(System.getProperty("kazasu.sandbox"), "--config-out", configFile.path)
        process = ProcessBuilder(command + options + switches.flatMap { listOf("--switch", it) })
            .redirectErrorStream(true)
            .start()
        val lines = process.inputStream.bufferedReader()
        lines.readLine() ?: error("the sandbox did not start")
        Thread { lines.forEachLine { } }.apply { isDaemon = true }.start()
        config = readConfig(configFile)
    }

    fun stop() {
        process.destroy()
        process.waitFor(5, TimeUnit.SECONDS)
    }

    override fun close() {
        stop()
        folder.toFile().deleteRecursively()
    }
}

/** The configuration of the FFI from the file of the command line. */
fun readConfig(file: File): BackendConfig {
    val json = JsonParser.parseString(file.readText()).asJsonObject
    fun JsonObject.texts(name: String) = getAsJsonArray(name).map { it.asString }
    fun ders(name: String) = json.texts(name).map { root ->
        file.resolveSibling(root).inputStream().use {
            CertificateFactory.getInstance("X.509").generateCertificate(it).encoded
        }
    }
    return BackendConfig(
        issuer = json["issuer"].asString,
        fhirBase = json["fhir_base"].asString,
        clientId = json["client_id"].asString,
        tlsRoots = ders("tls_roots"),
        cardRoots = ders("card_roots"),
        pins = json.texts("pins"),
        pinsNotAfter = json["pins_not_after"].asString,
        noticeId = json["notice"].asJsonObject["id"].asString,
        noticeText = json["notice"].asJsonObject["text"].asString,
        scope = json["scope"].asString,
        consents = json.texts("consents"),
    )
}

/** A key that the test keeps: a real implementation on this side of the FFI. */
open class TestDeviceKey : DeviceKey {
    private val pair = KeyPairGenerator.getInstance("EC").run {
        initialize(ECGenParameterSpec("secp256r1"))
        generateKeyPair()
    }

    override fun publicKey(): ByteArray {
        val point = (pair.public as ECPublicKey).w
        return byteArrayOf(4) + coordinate(point.affineX) + coordinate(point.affineY)
    }

    override fun signSha256(message: ByteArray): ByteArray = Signature.getInstance("SHA256withECDSA").run {
        initSign(pair.private)
        update(message)
        sign()
    }

    private fun coordinate(value: BigInteger): ByteArray {
        val hex = value.toString(16).padStart(64, '0')
        return ByteArray(32) { hex.substring(2 * it, 2 * it + 2).toInt(16).toByte() }
    }
}

/** A link of the test's own, over a simulated card: what it is told to do before an exchange, and what became of it. */
class TestLink(
    private val card: CardTransport,
    private val before: (exchange: Int, command: ByteArray) -> Unit = { _, _ -> },
) : CardLink {
    @Volatile
    var closed = false
    var exchanges = 0
    val commands = mutableListOf<ByteArray>()

    override fun transceive(command: ByteArray): ByteArray {
        if (closed) throw TransportException.NotSent(LinkEnd.CANCELLED)
        commands += command
        before(exchanges++, command)
        return card.transceive(command)
    }

    override fun limits(): TransportLimits = card.limits()

    override fun close() {
        closed = true
    }
}

const val VERIFY: Byte = 0x20

fun own(certificate: ByteArray? = null) = Member(certificate = certificate, purpose = Purpose.OWN)

fun card(person: Int = 1, profile: String = "today") = SimulatedCard(profile, person.toUByte())

fun SimulatedCard.link(fault: String? = null): CardLink = CardLink.over(tap(fault))

/** The PINs of people 1 to 3 and a wrong one, each time a new array. */
fun pin(person: Int): CharArray = listOf("1234", "2345", "3456")[person - 1].toCharArray()

fun wrongPin(): CharArray = "9999".toCharArray()

suspend fun KazasuSession.sign(
    card: SimulatedCard,
    pin: CharArray = pin(1),
    lastAttempt: LastAttempt = LastAttempt.REFUSE,
): TapResult = card.link().use { tap(it, pin, lastAttempt) }

suspend fun Kazasu.qualify(card: SimulatedCard, pin: CharArray, key: DeviceKey = TestDeviceKey()): EligibilityResult =
    begin(own(), key).use { session ->
        session.sign(card, pin)
        session.finish()
    }

/** The exception of this type that [block] throws. */
inline fun <reified E : Throwable> failsWith(crossinline block: suspend () -> Unit): E {
    val thrown = runCatching { runBlocking { block() } }.exceptionOrNull()
    return thrown as? E ?: throw AssertionError("${E::class.simpleName} expected, not $thrown", thrown)
}

/** The code of the [KazasuException] that [block] throws. */
fun codeOf(block: suspend () -> Unit): String = failsWith<KazasuException> { block() }.code()
