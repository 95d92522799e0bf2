//! Text from outside, made fit to be shown: one line, and nothing that is not seen.
//!
//! Names and messages of a card, a server or a file hold whatever their author put there: line breaks that begin a row
//! which looks like one of ours, characters that turn the writing direction, that hide words or move a cursor. Whatever
//! shows such a text to people passes it through [`shown`] first. It stays as it is where machines read it: in the store,
//! in JSON, in a FHIR Bundle.
//!
//! | Characters | Become |
//! |---|---|
//! | line breaks and TAB (UAX #14: BK, CR, LF, NL), U+2028, U+2029 | a space |
//! | other controls: C0, DEL, C1 (general category Cc) | nothing |
//! | format characters (general category Cf): direction, zero width, soft hyphen, tags, annotations | nothing |
//! | others that are not seen: Default_Ignorable_Code_Point (UAX #44), noncharacters | nothing |
//! | a variation selector behind a kanji: `葛󠄀` (IVD, UTS #37) | stays; elsewhere nothing |
//! | marks on one letter (general category M) | the first eight |
//! | letters, digits and signs of every script, characters not yet assigned | stay |

mod hidden;
mod likeness;

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;

pub use likeness::looks_alike;

/// Marks that stay on one letter; no orthography needs more, and more of them cover the lines around.
const MOST_MARKS: usize = 8;
/// What a text that was cut ends with.
const ELLIPSIS: char = '…';

/// The text as a value to be shown: on one line, without what is not seen, with one space where there were several, and
/// none at its ends. Borrowed where there is nothing to change.
///
/// ```
/// assert_eq!(kazasu::text::shown("健保\n  Name: \u{202e}X\u{200b}"), "健保 Name: X");
/// ```
pub fn shown(text: &str) -> Cow<'_, str> {
    match one_line(text) {
        Cow::Borrowed(line) if is_tidy(line) => Cow::Borrowed(line),
        line => Cow::Owned(tidied(&line)),
    }
}

/// [`shown`], cut to at most `most` characters, at least 1; a text that was cut ends with `…`.
pub fn shown_within(text: &str, most: usize) -> Cow<'_, str> {
    let shown = shown(text);
    if shown.chars().nth(most).is_none() {
        return shown;
    }
    let kept: String = shown.chars().take(most.saturating_sub(1)).collect();
    Cow::Owned(format!("{}{ELLIPSIS}", kept.trim_end()))
}

/// The text on one line and without what is not seen, its spaces as they are: for a line put together already.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    let (mut before, mut marks) = (None, 0_usize);
    for c in text.chars() {
        let is_mark = is_combining_mark(c);
        if is_break(c) {
            // The two of a CR LF are one.
            if !(c == '\n' && before == Some('\r')) {
                line.push(' ');
            }
        } else if hidden::is_variation_selector(c) {
            if line.chars().next_back().is_some_and(|last| hidden::takes_selector(last, c)) {
                line.push(c);
            }
        } else if !c.is_control() && !hidden::is_hidden(c) {
            marks = if is_mark { marks.saturating_add(1) } else { 0 };
            if marks <= MOST_MARKS {
                line.push(c);
            }
        }
        before = Some(c);
    }
    Cow::Owned(line)
}

/// The lines of a text of several paragraphs, each as [`shown`], without the empty ones. Whoever shows them marks each of
/// them as the author's, else the second looks like a line of the program.
pub fn paragraphs(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.split(is_line_break).map(shown).filter(|line| !line.is_empty())
}

/// Whether there is anything to be seen: a letter, digit or sign, not only spaces, marks and fillers.
pub fn has_visible(text: &str) -> bool {
    text.chars().any(|c| !is_blank(c) && !c.is_control() && !hidden::is_hidden(c) && !is_combining_mark(c))
}

/// Whether [`one_line`] would change the text: for texts that people type and that are refused rather than changed.
pub fn has_hidden(text: &str) -> bool {
    one_line(text) != text
}

/// Whether a character acts on the layout and shows nothing of its own: [`shown`] leaves it out, or a space in its place. A
/// variation selector is not among them.
pub fn is_layout(c: char) -> bool {
    is_break(c) || c.is_control() || is_format(c)
}

/// Whether a character shows nothing and separates nothing: it hides no number from whoever looks for one.
pub(crate) fn is_format(c: char) -> bool {
    hidden::is_hidden(c) && !hidden::is_variation_selector(c)
}

/// What needs no second look.
fn is_plain(c: char) -> bool {
    // Nearly everything there is: letters of ASCII, kana without their combining marks and U+3164, and kanji.
    matches!(c, ' '..='~' | '\u{3000}'..='\u{3029}' | '\u{3030}'..='\u{3098}' | '\u{309b}'..='\u{3163}')
        || matches!(c, '\u{3400}'..='\u{9fff}' | '\u{ff01}'..='\u{ff9f}')
        || !(is_break(c) || c.is_control() || hidden::is_hidden(c) || is_combining_mark(c))
}

/// What ends a line, and TAB.
fn is_break(c: char) -> bool {
    c == '\t' || is_line_break(c)
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Space, in whatever form; U+2800 and U+1D159 are signs by their category and show nothing.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2800}' | '\u{1d159}')
}

/// A single space that may stay: the plain one, and that between the two parts of a Japanese name.
const fn may_stay(c: char) -> bool {
    matches!(c, ' ' | '\u{3000}' | '\u{2800}')
}

fn is_tidy(line: &str) -> bool {
    let mut before_is_blank = true;
    let is_tidy = line.chars().all(|c| {
        let was_blank = std::mem::replace(&mut before_is_blank, is_blank(c));
        !before_is_blank || (may_stay(c) && !was_blank)
    });
    is_tidy && (line.is_empty() || !before_is_blank)
}

fn tidied(line: &str) -> String {
    let mut tidied = String::with_capacity(line.len());
    // The space that comes before the next character, if one does.
    let mut space: Option<char> = None;
    for c in line.chars() {
        if is_blank(c) {
            space = Some(if space.is_none() && may_stay(c) { c } else { ' ' });
            continue;
        }
        tidied.extend(space.take().filter(|_| !tidied.is_empty()));
        tidied.push(c);
    }
    tidied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_begin_a_row_of_its_own() {
        for line_break in ["\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "\n\n \t"] {
            let text = format!("見本健保{line_break}  Name: Forged (checked)");
            assert_eq!(shown(&text), "見本健保 Name: Forged (checked)", "{line_break:?}");
        }
        assert_eq!(one_line("a\r\nb\n\nc\td"), "a b  c d");
        // Nor with spaces up to the edge of a terminal.
        assert_eq!(shown(&format!("見本健保{}Name: X", " \u{3000}\u{2003}\u{2800}".repeat(40))), "見本健保 Name: X");
    }

    #[test]
    fn what_is_not_seen_is_gone() {
        for hidden in [
            "\u{0}",
            "\u{1b}",
            "\u{7f}",
            "\u{9b}",
            "\u{ad}",
            "\u{34f}",
            "\u{61c}",
            "\u{115f}",
            "\u{180e}",
            "\u{200b}",
            "\u{200d}",
            "\u{200e}",
            "\u{202e}",
            "\u{2060}",
            "\u{2066}",
            "\u{3164}",
            "\u{fe0f}",
            "\u{feff}",
            "\u{ffa0}",
            "\u{fff9}",
            "\u{fffe}",
            "\u{fdd0}",
            "\u{1d173}",
            "\u{e0001}",
            "\u{e0041}",
            "\u{e0fff}",
            "\u{e0100}",
        ] {
            assert_eq!(shown(&format!("a{hidden}b")), "ab", "{hidden:?}");
            assert!(!has_visible(hidden) && has_hidden(hidden), "{hidden:?}");
        }
        assert_eq!(shown("\u{1b}[2K見本"), "[2K見本");
    }

    #[test]
    fn letters_of_every_script_stay() {
        for text in [
            "",
            "見本　花子",
            "髙𠮷 﨑 ㈱ ①",
            // Ideographic variation sequences, and a standardized one.
            "葛\u{e0100}飾 辻\u{e0101} 神\u{fe00}",
            "か\u{3099}",
            "Ĝis revido, Δ, Жук, שָׁלוֹם, مُحَمَّد, นํ้า, हिन्दी, 한국",
            "\u{e000}\u{378}",
            "🙂👍🏽",
            "⠓⠑⠇⠏⠀⠍⠑",
        ] {
            assert!(matches!(shown(text), Cow::Borrowed(_)) || !text.is_ascii(), "{text}");
            assert_eq!(shown(text), text);
        }
        // Only one selector, and only behind a kanji: more of them carry hidden words.
        assert_eq!(shown("葛\u{e0100}\u{e0101}a\u{e0100}\u{fe00}神\u{fe0f}"), "葛\u{e0100}a神");
        assert_eq!(shown(&format!("e{}x", "\u{301}".repeat(500))), format!("e{}x", "\u{301}".repeat(MOST_MARKS)));
    }

    #[test]
    fn spaces_are_single() {
        assert_eq!(shown("  a \u{a0} b\u{3000}\u{3000}c\u{2003}d　e \n"), "a b c d　e");
        assert_eq!(shown(" \u{200b} \n"), "");
        assert!(matches!(shown("a b　c"), Cow::Borrowed("a b　c")));
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shown_within("見本花子", 4), "見本花子");
        assert_eq!(shown_within("見本 花子です", 4), "見本…");
        assert_eq!(shown_within(&"長".repeat(1 << 20), 240).chars().count(), 240);
    }

    #[test]
    fn paragraphs_are_lines_of_their_own() {
        let lines: Vec<_> = paragraphs("一\r\n\r\n  二 \u{2028}三\u{202e}\n\u{200b}\n").collect();
        assert_eq!(lines, ["一", "二", "三"]);
    }
}
