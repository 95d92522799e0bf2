//! One field of a record: read, not on the card, or there and not understood.
//!
//! Cards differ from what is known of them: no photo before the first birthday, dates that nobody knew, codes of a later
//! edition. One such field takes no other with it.

use std::borrow::Cow;
use std::fmt;

use crate::secret::opaque_debug;

/// What a card has of one field. Only [`Field::Read`] may decide anything.
#[derive(Clone, Eq, PartialEq)]
pub enum Field<T> {
    /// As the specification has it.
    Read(T),
    /// The card does not have it: no object, an empty one, or nothing but filler.
    NotOnCard,
    /// It is there and not understood. The bytes as the card holds them, to be shown: nothing may follow from them.
    Unreadable(Vec<u8>),
}

impl<T> Field<T> {
    /// The value, if it was read.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::NotOnCard | Self::Unreadable(_) => None,
        }
    }

    /// What is not understood, as text: see [`shown`]. `None` for everything else.
    pub fn unreadable(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Unreadable(bytes) => Some(shown(bytes)),
            Self::Read(_) | Self::NotOnCard => None,
        }
    }

    /// Whether the card does not have it.
    pub const fn is_not_on_card(&self) -> bool {
        matches!(self, Self::NotOnCard)
    }
}

/// Says how it was read and never what.
impl<T> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read(_) => "Read",
            Self::NotOnCard => "NotOnCard",
            Self::Unreadable(_) => "Unreadable",
        })
    }
}

/// A field that no specification known here names.
#[derive(Clone, Eq, PartialEq)]
pub struct OtherField {
    /// Its tag, such as `DF26`.
    pub tag: u16,
    /// Its bytes, to be shown: nothing may follow from them.
    pub value: Vec<u8>,
}

opaque_debug!(OtherField);

impl OtherField {
    /// Its bytes as text: see [`shown`].
    pub fn shown(&self) -> Cow<'_, str> {
        shown(&self.value)
    }
}

/// Bytes that are not understood, as text: what is no UTF-8 and what would act on a terminal is U+FFFD.
pub fn shown(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if text.chars().any(char::is_control) {
        return text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    }
    text
}

/// Whether nothing is in a value: no byte, filler, or spaces of any width.
pub(super) fn is_blank(value: &[u8]) -> bool {
    let is_space = |c: char| c.is_whitespace() || c == '\0';
    value.iter().all(|byte| *byte == 0xFF) || std::str::from_utf8(value).is_ok_and(|text| text.chars().all(is_space))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_is_what_holds_nothing() {
        for blank in ["", " ", "        ", "\u{3000}\u{3000}", "\0\0\0\0"] {
            assert!(is_blank(blank.as_bytes()), "{blank:?}");
        }
        assert!(is_blank(&[0xFF; 8]) && !is_blank(&[0xFF, 0x31]) && !is_blank(&[0x80]));
        assert!(!is_blank(b"00000000") && !is_blank("見".as_bytes()));
    }

    #[test]
    fn what_is_shown_acts_on_nothing() {
        assert_eq!(shown("見本".as_bytes()), "見本");
        assert_eq!(shown(&[0xE8, 0xA6, 0x8B, 0xFF, b'\x1b', b'[']), "見\u{fffd}\u{fffd}[");
    }

    #[test]
    fn only_what_was_read_has_a_value_and_debug_tells_none() {
        let fields = [Field::Read("secret"), Field::NotOnCard, Field::Unreadable(b"secret".to_vec())];
        assert_eq!(fields.each_ref().map(|field| field.known().is_some()), [true, false, false]);
        assert_eq!(format!("{fields:?}"), "[Read, NotOnCard, Unreadable]");
        assert_eq!(fields[2].unreadable().as_deref(), Some("secret"));
    }
}
