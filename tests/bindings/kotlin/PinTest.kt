package org.kazasu

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.kazasu.ffi.KazasuException
import org.kazasu.ffi.LinkEnd
import org.kazasu.ffi.LastAttempt
import org.kazasu.ffi.PinKind
import org.kazasu.ffi.Qualification
import org.kazasu.ffi.TransportException

/** PINs: tries, forms, wiping. */
class PinTest : SandboxTest() {
    private val wiped = CharArray(4)

    @Test
    fun `a wrong PIN tells the tries left and the session goes on`() = session { session ->
        val hanako = card(1)
        val wrong = failsWith<KazasuException.WrongPin> { session.sign(hanako, wrongPin()) }
        assertEquals(2, wrong.attemptsLeft.toInt())
        assertEquals(2, wrong.attemptsLeft()?.toInt())
        assertEquals(PinKind.USER_AUTHENTICATION, wrong.kind)
        assertEquals("KZ-C04", wrong.code())
        assertEquals(1u, hanako.verifyCount())
        session.sign(hanako)
        assertEquals(Qualification.VALID, session.finish().qualification)
        assertEquals(3, hanako.attemptsLeft().toInt())
    }

    @Test
    fun `the last try is refused, then allowed`() = session { session ->
        val hanako = card(1).apply { setAttempts(1u) }
        val refused = failsWith<KazasuException.LastAttempt> { session.sign(hanako) }
        assertEquals("KZ-C09", refused.code())
        assertEquals(0u, hanako.verifyCount())
        session.sign(hanako, pin(1), LastAttempt.ALLOW)
        assertEquals(3, hanako.attemptsLeft().toInt())
    }

    @Test
    fun `a wrong last try blocks, and a blocked PIN stays blocked`() = session { session ->
        val hanako = card(1).apply { setAttempts(1u) }
        failsWith<KazasuException.PinBlocked> { session.sign(hanako, wrongPin(), LastAttempt.ALLOW) }
        val blocked = failsWith<KazasuException.PinBlocked> { session.sign(hanako, pin(1), LastAttempt.ALLOW) }
        assertEquals("KZ-C05", blocked.code())
        assertEquals(1u, hanako.verifyCount())
    }

    @Test
    fun `only four ASCII digits reach the card`() = session { session ->
        val hanako = card(1)
        for (entry in listOf("", "123", "12345", "12a4", "１２３４", "\u0131234", "١٢٣٤", "12 4")) {
            val typed = entry.toCharArray()
            assertEquals("KZ-C11", codeOf { session.sign(hanako, typed) }, entry)
            assertArrayEquals(CharArray(entry.length), typed)
        }
        assertEquals(0u, hanako.verifyCount())
    }

    @Test
    fun `the entry is wiped however the tap ends`() = session { session ->
        val right = pin(1)
        val wrong = wrongPin()
        val lost = pin(1)
        failsWith<KazasuException.Transport> { card(1).link("exchange=1:drop").use { session.tap(it, lost) } }
        assertArrayEquals(wiped, lost)
        failsWith<KazasuException.WrongPin> { session.sign(card(1), wrong) }
        assertArrayEquals(wiped, wrong)
        // The bytes handed to the native library, and the command handed to the link.
        val bytes = DirectPin.take(right)
        assertArrayEquals(wiped, right)
        assertTrue(bytes.bytes.isDirect)
        assertEquals('1'.code.toByte(), bytes.bytes[0])
        bytes.wipe()
        assertEquals(listOf<Byte>(0, 0, 0, 0), List(4) { bytes.bytes[it] })
        val link = TestLink(card(1).tap(null)) { _, command ->
            if (command[1] == VERIFY && command.size == 9) assertEquals('1'.code.toByte(), command[5])
        }
        session.tap(link, pin(1))
        assertTrue(link.commands.size >= 5)
        assertTrue(link.commands.all { command -> command.all { it.toInt() == 0 } })
    }

    @Test
    fun `a session tells whether the PIN was sent`() = session { session ->
        val hanako = card(1)
        assertFalse(session.pinWasSent, "no tap yet")
        failsWith<KazasuException.Transport> { hanako.link("exchange=1:drop").use { session.tap(it, pin(1)) } }
        assertFalse(session.pinWasSent, "lost before VERIFY")
        hanako.setAttempts(1u)
        failsWith<KazasuException.LastAttempt> { session.sign(hanako, pin(1)) }
        assertFalse(session.pinWasSent, "the last try was not permitted")
        hanako.setAttempts(3u)
        failsWith<KazasuException.WrongPin> { session.sign(hanako, wrongPin()) }
        assertTrue(session.pinWasSent, "wrong")
        val lost = TestLink(hanako.tap(null)) { _, command ->
            if (command[1] == VERIFY && command.size == 9) throw TransportException.TagLost()
        }
        failsWith<KazasuException.VerifyUnanswered> { session.tap(lost, pin(1)) }
        assertTrue(session.pinWasSent, "sent, and no answer came")
        val closed = TestLink(hanako.tap(null)) { _, command ->
            if (command[1] == VERIFY && command.size == 9) throw TransportException.NotSent(LinkEnd.CANCELLED)
        }
        val notSent = failsWith<KazasuException.Transport> { session.tap(closed, pin(1)) }
        assertEquals("KZ-U03", notSent.code())
        assertFalse(session.pinWasSent, "closed before VERIFY left")
        failsWith<KazasuException.Transport> { hanako.link("exchange=1:drop").use { session.tap(it, pin(1)) } }
        assertFalse(session.pinWasSent, "it is the last tap that counts")
        session.sign(hanako, pin(1))
        assertTrue(session.pinWasSent, "right")
        session.close()
        assertTrue(session.pinWasSent, "closed")
    }

    @Test
    fun `guessable PINs are told and left to the caller`() {
        val easy = "1111".toCharArray()
        assertTrue(isGuessablePin(easy))
        assertArrayEquals("1111".toCharArray(), easy)
        assertTrue(isGuessablePin("0405".toCharArray(), "1990-04-05"))
        assertFalse(isGuessablePin("5937".toCharArray(), "1990-04-05"))
        assertTrue(isGuessablePin("5937".toCharArray(), phone = "090-1234-5937"))
    }
}
