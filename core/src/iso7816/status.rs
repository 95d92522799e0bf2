//! Status words (ISO/IEC 7816-4:2020, 5.6, and what JICSAP cards add).

use std::fmt;

/// The two bytes that end every response.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct StatusWord(pub(crate) u16);

impl StatusWord {
    /// Done.
    pub(crate) const OK: Self = Self(0x9000);
    /// A PIN or a right is missing.
    pub(crate) const SECURITY_STATUS: Self = Self(0x6982);
    /// Wrong length.
    pub(crate) const WRONG_LENGTH: Self = Self(0x6700);
    /// File or application not found.
    pub(crate) const NOT_FOUND: Self = Self(0x6A82);
    /// No file is current.
    pub(crate) const NO_CURRENT_EF: Self = Self(0x6986);
    /// Offset outside the file.
    pub(crate) const OFFSET_OUTSIDE: Self = Self(0x6B00);
    /// The file ended before the bytes that were asked for.
    pub(crate) const END_OF_FILE: Self = Self(0x6282);
    /// Part of the data may be damaged.
    pub(crate) const DAMAGED_DATA: Self = Self(0x6281);

    /// Done.
    pub(crate) fn is_ok(self) -> bool {
        self == Self::OK
    }

    /// `63Cx`: the tries left of a PIN; `6983` and `6984` are blocked, hence 0.
    pub(crate) fn attempts_left(self) -> Option<u8> {
        match self.0 {
            0x63C0..=0x63CF => Some(self.low() & 0x0f),
            0x6983 | 0x6984 => Some(0),
            _ => None,
        }
    }

    /// `63Cx`, which nothing but the tries left of a PIN gives.
    pub(crate) fn tells_attempts(self) -> bool {
        matches!(self.0, 0x63C0..=0x63CF)
    }

    /// `61xx`: this many bytes wait for GET RESPONSE, 256 for `6100`.
    pub(crate) fn bytes_waiting(self) -> Option<usize> {
        (self.high() == 0x61).then(|| le_of(self.low()))
    }

    /// `6Cxx`: the length to ask for instead, 256 for `6C00`.
    pub(crate) fn exact_length(self) -> Option<usize> {
        (self.high() == 0x6C).then(|| le_of(self.low()))
    }

    /// `62xx` and `63xx`: done, with something to tell. Whether data that came along counts is for the command to say.
    pub(crate) fn is_warning(self) -> bool {
        matches!(self.high(), 0x62 | 0x63)
    }

    /// What a card says that has no more bytes to give: offset outside the file, end of file, or "done" without any.
    pub(crate) fn is_end_of_file(self) -> bool {
        matches!(self, Self::OK | Self::OFFSET_OUTSIDE | Self::END_OF_FILE)
    }

    /// A refusal of the file or of how it was named, which no other length changes.
    pub(crate) fn is_about_file(self) -> bool {
        matches!(self.0, 0x6981 | 0x6982 | 0x6986 | 0x6A82 | 0x6A86 | 0x6A88)
    }

    /// A refusal that a shorter length may change, on a card that reads nothing beyond the end of a file.
    pub(crate) fn is_about_length(self) -> bool {
        self == Self::WRONG_LENGTH || self.exact_length().is_some() || self.is_end_of_file()
    }

    /// A refusal of the command as such: an application that is not there gives none of them for certain.
    pub(crate) fn is_about_command(self) -> bool {
        matches!(self.0, 0x6A81 | 0x6A86 | 0x6D00 | 0x6E00 | 0x6F00 | 0x6999)
    }

    /// An answer to VERIFY that tells what became of the PIN.
    pub(crate) fn is_about_pin(self) -> bool {
        self.is_ok() || self.attempts_left().is_some() || self.0 == 0x6300
    }

    const fn high(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    const fn low(self) -> u8 {
        self.0.to_be_bytes()[1]
    }
}

fn le_of(byte: u8) -> usize {
    if byte == 0 { 256 } else { usize::from(byte) }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}
