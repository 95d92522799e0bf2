package org.kazasu

import java.io.File
import java.util.Locale
import kotlin.system.measureNanoTime
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledIfSystemProperty
import org.kazasu.ffi.readCardInfo as ffiReadCardInfo

/** What the border between the languages costs: figures, no judgement. `bench/native.rs` makes the same calls without it. */
@EnabledIfSystemProperty(named = "kazasu.native", matches = ".+")
class BenchTest : SandboxTest() {
    /** The answers of one reading, again and again: the card's own work is not measured. */
    private class Replay(private val answers: List<ByteArray>) : CardLink {
        var next = 0
        override fun transceive(command: ByteArray): ByteArray = answers[next++]
        override fun close() = Unit
    }

    @Test
    fun `costs beside pure Rust`() {
        val answers = mutableListOf<ByteArray>()
        val simulated = card(1).link()
        ffiReadCardInfo(object : CardLink {
            override fun transceive(command: ByteArray) = simulated.transceive(command).also { answers += it }
            override fun close() = Unit
        })
        val link = Replay(answers)
        fun rounds(count: Int) = repeat(count) {
            link.next = 0
            ffiReadCardInfo(link)
        }
        rounds(ROUNDS) // warm
        val transceive = measureNanoTime { rounds(ROUNDS) } / (ROUNDS * answers.size)

        fun qualifications(count: Int) = runBlocking {
            repeat(count) { kazasu.qualify(card(1), pin(1)) }
        }
        qualifications(QUALIFICATIONS) // warm
        val qualification = measureNanoTime { qualifications(QUALIFICATIONS) } / 1e6 / QUALIFICATIONS

        val native = ProcessBuilder(
            System.getProperty("kazasu.native"), sandbox.configFile.path, "$ROUNDS", "$QUALIFICATIONS",
        ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        val (nativeTransceive, nativeQualification) = native.inputStream.bufferedReader().readLines()
        assertEquals(0, native.waitFor())
        val table = listOf(
            "| debug build | JVM | Rust |",
            "|---|---:|---:|",
            "| one transceive of readCardInfo, ns | $transceive | $nativeTransceive |",
            "| one qualification, ms | ${"%.1f".format(Locale.ROOT, qualification)} | $nativeQualification |",
        )
        File(System.getProperty("kazasu.table")).writeText(table.joinToString("\n", postfix = "\n"))
    }

    private companion object {
        const val ROUNDS = 2_000
        const val QUALIFICATIONS = 20
    }
}
