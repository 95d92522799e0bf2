package org.kazasu

import java.io.BufferedReader
import java.io.File
import java.io.IOException
import java.io.RandomAccessFile
import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS
import org.junit.jupiter.api.io.TempDir
import org.kazasu.ffi.AppEvent
import org.kazasu.ffi.Profile
import org.kazasu.ffi.Registered
import org.kazasu.ffi.Role
import org.kazasu.ffi.SecretKind

/**
 * No VERIFY command with the PIN stays in the memory of a process that tapped, outside the Java heap, and nothing of a store.
 *
 * They run in a child process whose link and key store are Kotlin, as in an app; its memory is searched from here. Four
 * digits alone occur by chance, the whole command does not.
 */
class MemoryTest : SandboxTest() {
    @Test
    @EnabledOnOs(OS.LINUX)
    fun `no VERIFY command stays in native memory`() {
        val command = byteArrayOf(0, VERIFY, 0, verifyReference(), 4) + "1234".toByteArray()
        val (during, after) = search(Tapping::class.java, sandbox.configFile.path, command)
        println("VERIFY with the PIN during the call, after it: native ${during.first}, ${after.first}; Java heap ${during.second}, ${after.second}")
        assertTrue(during.first > 0 && during.second > 0, "the control found nothing: the search would not notice a leak")
        assertEquals(0, after.first)
        assertEquals(0, after.second, "the facade wipes the command it handed out")
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    fun `no nickname and no token stay in native memory`(@TempDir folder: Path) {
        for ((number, secret) in listOf(Keeping.nickname, Keeping.token).withIndex()) {
            val (during, after) = search(Keeping::class.java, folder.resolve("$number").toString(), secret)
            println("secret $number of a store during the call, after it: native ${during.first}, ${after.first}")
            assertTrue(during.first > 0, "the control found nothing: the search would not notice a leak")
            assertEquals(0, after.first)
        }
    }

    /**
     * How often [needle] stands in the memory of a process that runs [main], outside the Java heap and inside: while it
     * waits after its first line, and after its second one.
     */
    private fun search(main: Class<*>, argument: String, needle: ByteArray): Pair<Pair<Int, Int>, Pair<Int, Int>> {
        val java = ProcessHandle.current().info().command().get()
        val classes = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
        val child = ProcessBuilder(
            java, "-Xmx64m", "-XX:+UseSerialGC", "-Xlog:gc+heap+coops=debug",
            "-Djna.library.path=" + System.getProperty("kazasu.library.path"),
            "-cp", classes, main.name, argument,
        ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        try {
            val lines = child.inputStream.bufferedReader()
            val heap = heapOf(lines)
            assertEquals("waiting", lines.line())
            val during = occurrences(child.pid(), heap, needle)
            child.outputStream.run {
                write('\n'.code)
                flush()
            }
            assertEquals("done", lines.line())
            return during to occurrences(child.pid(), heap, needle)
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
                println("waiting")
                System.`in`.read()
            }
        }
        Kazasu(readConfig(File(arguments[0]))).use { kazasu ->
            kazasu.begin(own(), TestDeviceKey()).use { it.tap(link, pin(1)) }
        }
        println("done")
        System.`in`.read()
        Unit
    }
}

/**
 * Keeps a nickname and a token in a store. Waits for a line of input while the nickname is on its way: at the 65th entry of
 * the log, which the log key signs in the transaction of what is told. The token lies in a buffer of this process then.
 */
object Keeping {
    // Put together at run time: the JVM keeps literals outside its heap.
    val nickname get() = ByteArray(LENGTH) { ('a'.code + it * STEP % RANGE).toByte() }
    val token get() = ByteArray(LENGTH) { ('A'.code + it * STEP % RANGE).toByte() }

    @JvmStatic
    fun main(arguments: Array<String>) = runBlocking {
        var waits = false
        val logKey = object : TestDeviceKey() {
            override fun signSha256(message: ByteArray): ByteArray {
                if (waits) {
                    println("waiting")
                    System.`in`.read()
                }
                return super.signSha256(message)
            }
        }
        FamilyStore.open(arguments[0], MemoryKeys(), logKey).use { store ->
            repeat(SIGNED_EVERY - 1) { store.tell(AppEvent.LOG_READ) }
            val kept = DirectBytes.take(token)
            waits = true
            val added = store.confirmAndAdd(tapped("somebody"), Profile(nickname.decodeToString(), Role.OWN))
            waits = false
            kept.wipe()
            val member = (added as Registered.New).id
            store.saveSecret(member, SecretKind.ACCESS, token)
            check(store.secret(member, SecretKind.ACCESS).contentEquals(token))
            check(store.members().single().profile.nickname == nickname.decodeToString())
        }
        println("done")
        System.`in`.read()
        Unit
    }

    private const val LENGTH = 19
    private const val STEP = 7
    private const val RANGE = 26
    private const val SIGNED_EVERY = 64
}
