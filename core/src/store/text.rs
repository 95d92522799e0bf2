//! What people type, before it is kept.

use crate::error::Error;
use crate::insurance::suspects_my_number;
use crate::text::{has_hidden, has_visible, one_line};

/// Takes a text of at most `longest` characters, without spaces at its ends.
///
/// # Errors
/// [`Error::MyNumberSuspected`] for twelve digits that look like a My Number; [`Error::Usage`] for a text that is too long,
/// shows nothing, or holds control or format characters.
pub(super) fn checked(text: &str, longest: usize) -> Result<String, Error> {
    // Keyboards add it to emoji unasked.
    let text = text.replace('\u{fe0f}', "");
    if has_hidden(text.trim()) {
        return Err(refused(longest));
    }
    visible(&text, longest)
}

/// Takes a nickname as [`checked`] does, but leaves out format characters, such as those that join emoji.
pub(super) fn nickname(text: &str, longest: usize) -> Result<String, Error> {
    if text.trim().chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(refused(longest));
    }
    visible(&one_line(text), longest)
}

fn visible(text: &str, longest: usize) -> Result<String, Error> {
    let text = text.trim();
    if suspects_my_number(text) {
        return Err(Error::MyNumberSuspected);
    }
    if !has_visible(text) || text.chars().count() > longest {
        return Err(refused(longest));
    }
    Ok(text.to_owned())
}

fn refused(longest: usize) -> Error {
    Error::usage(format!("a text of 1 to {longest} characters on one line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_shows_something_on_one_line() {
        assert_eq!(checked(" 見本クリニック ❤\u{fe0f}\n", 20).as_deref(), Ok("見本クリニック ❤"));
        for text in [
            "",
            " ",
            "\u{3164}",
            "\u{2800}",
            "\u{301}",
            "a\nb",
            "a\u{1b}b",
            "a\u{202e}b",
            "a\u{200b}b",
            "123456789012345678901",
        ] {
            assert!(checked(text, 20).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_nickname_is_kept_without_what_is_not_seen() {
        assert_eq!(nickname(" 花\u{200b}子\u{202e} ", 20).as_deref(), Ok("花子"));
        assert_eq!(nickname("👨\u{200d}👩\u{200d}👧", 3).as_deref(), Ok("👨👩👧"));
        assert_eq!(nickname("葛\u{e0100}", 20).as_deref(), Ok("葛\u{e0100}"));
        for text in [
            "",
            "\u{3000}",
            "\u{200b}",
            "\u{115f}\u{1160}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{2800}\u{301}",
            "a\nb",
            "a\u{2028}b",
        ] {
            assert!(nickname(text, 20).is_err(), "{text:?}");
        }
        // A zero width between its digits hides no My Number.
        assert_eq!(nickname("1234\u{200b}5678\u{200b}9018", 20), Err(Error::MyNumberSuspected));
    }
}
