package org.kazasu

import java.io.BufferedReader
import java.io.File
import java.io.IOException
import java.io.RandomAccessFile
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS

/**
 * No VERIFY command with the PIN stays in the memory of a process that tapped, outside the Java heap.
 *
 * The tap runs in a child process whose link is Kotlin, as in an app; its memory is searched from here. Four digits alone
 * occur by chance, the whole command does not.
 */
class MemoryTest : SandboxTest() {
    @Test
    @EnabledOnOs(OS.LINUX)
    fun `no VERIFY command stays in native memory`() {
        val command = byteArrayOf(0, VERIFY, 0, verifyReference(), 4) + "1234".toByteArray()
        val java = ProcessHandle.current().info().command().get()
        val classes = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
        val child = ProcessBuilder(
            java, "-Xmx64m", "-XX:+UseSerialGC", "-Xlog:gc+heap+coops=debug",
            "-Djna.library.path=" + System.getProperty("kazasu.library.path"),
            "-cp", classes, Tapping::class.java.name, sandbox.configFile.path,
        ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        try {
            val lines = child.inputStream.bufferedReader()
            val heap = heapOf(lines)
            assertEquals("verifying", lines.line())
            val (during, duringHeap) = occurrences(child.pid(), heap, command)
            assertTrue(during > 0 && duringHeap > 0, "the control found nothing: the search would not notice a leak")
            child.outputStream.run {
                write('\n'.code)
                flush()
            }
            assertEquals("signed", lines.line())
            val (after, afterHeap) = occurrences(child.pid(), heap, command)
            println("VERIFY with the PIN during the call, after it: native $during, $after; Java heap $duringHeap, $afterHeap")
            assertEquals(0, after)
            assertEquals(0, afterHeap, "the facade wipes the command it handed out")
        } finally {
            child.destroyForcibly().waitFor()
        }
    }

    /** P2 of VERIFY, as a tap sends it. */
    private fun verifyReference(): Byte {
        var reference: Byte? = null
        val link = TestLink(card(1).tap(null)) { _, command -> if (isVerify(command)) reference = command[3] }
        session { it.tap(link, pin(1)) }
        return reference!!
    }

    private fun BufferedReader.line(): String? = generateSequence(::readLine).firstOrNull { !it.startsWith("[") }

    /** Where the child's Java heap is, from its first log line. */
    private fun heapOf(lines: BufferedReader): LongRange {
        val line = generateSequence(lines::readLine).first { "Heap address" in it }
        val (start, size) = Regex("0x([0-9a-f]+), size: (\\d+) MB").find(line)!!.destructured
        return start.toLong(16) until start.toLong(16) + (size.toLong() shl 20)
    }

    /** How often [needle] stands in the readable memory of a process: outside [heap], and inside. */
    private fun occurrences(pid: Long, heap: LongRange, needle: ByteArray): Pair<Int, Int> {
        var outside = 0
        var inside = 0
        RandomAccessFile("/proc/$pid/mem", "r").use { memory ->
            File("/proc/$pid/maps").readLines().forEach { line ->
                val (span, access) = line.split(' ')
                val (start, end) = span.split('-').map { it.toULong(16).toLong() }
                if (start < 0 || 'r' !in access) return@forEach
                val found = try {
                    count(memory, start, end, needle)
                } catch (_: IOException) {
                    0 // guard pages, device memory
                }
                if (start in heap) inside += found else outside += found
            }
        }
        return outside to inside
    }

    private fun count(memory: RandomAccessFile, start: Long, end: Long, needle: ByteArray): Int {
        var found = 0
        var at = start
        val block = ByteArray(1 shl 20)
        while (at < end) {
            memory.seek(at)
            val length = memory.read(block, 0, minOf(block.size.toLong(), end - at).toInt())
            if (length < needle.size) break
            for (from in 0..length - needle.size) {
                if (needle.indices.all { block[from + it] == needle[it] }) found += 1
            }
            // The blocks overlap, so that nothing is missed at their seams.
            at += if (at + length == end) length else length - needle.size + 1
        }
        return found
    }
}

fun isVerify(command: ByteArray): Boolean = command[1] == VERIFY && command.size > 5

/** Taps once, and waits for a line of input while the card has the PIN. */
object Tapping {
    @JvmStatic
    fun main(arguments: Array<String>) = runBlocking {
        val link = TestLink(card(1).tap(null)) { _, command ->
            if (isVerify(command)) {
                println("verifying")
                System.`in`.read()
            }
        }
        Kazasu(readConfig(File(arguments[0]))).use { kazasu ->
            kazasu.begin(own(), TestDeviceKey()).use { it.tap(link, pin(1)) }
        }
        println("signed")
        System.`in`.read()
        Unit
    }
}
