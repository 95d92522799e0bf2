package org.kazasu

import org.kazasu.ffi.shownText

/**
 * A text of a server, card or file as it may be shown: on one line, without characters that are not seen, with single
 * spaces. Show no such value without it: a name with line breaks forges rows of a screen, and one with a change of direction
 * other words. Letters of all scripts stay.
 *
 * @param most characters, at least 1; a text that was cut ends with `…`. null for all of them.
 */
public fun String.shown(most: Int? = null): String = shownText(this, most?.coerceAtLeast(1)?.toUInt())
