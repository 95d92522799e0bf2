//! How text becomes bytes: UTF-8 with or without a byte-order mark, and cp932 strictly as Windows means it.

use std::collections::BTreeSet;

use encoding_rs::SHIFT_JIS;

/// Character encoding of a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Encoding {
    /// UTF-8 with a byte-order mark: what Excel needs to see UTF-8 at all.
    #[default]
    Utf8Bom,
    /// UTF-8.
    Utf8,
    /// Windows code page 932, the Shift_JIS of Windows.
    Cp932,
}

impl Encoding {
    /// Stable name, as in rule X-1.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8Bom => "utf-8-bom",
            Self::Utf8 => "utf-8",
            Self::Cp932 => "cp932",
        }
    }
}

/// What becomes of characters that the encoding lacks (rule X-2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unencodable {
    /// Nothing of the row is written; the error lists the characters.
    #[default]
    Refuse,
    /// Each becomes `〓` (U+3013), the Japanese printers' mark for a missing type.
    Replace,
}

/// `〓`.
const MISSING: char = '\u{3013}';

/// Encodes text piece by piece.
pub(super) struct Encoder {
    encoding: Encoding,
    unencodable: Unencodable,
    /// One code for each character of the basic plane, 0 for none; empty unless the encoding is cp932.
    table: Vec<u16>,
}

impl Encoder {
    pub(super) fn new(encoding: Encoding, unencodable: Unencodable) -> Self {
        let table = if encoding == Encoding::Cp932 { cp932_table() } else { Vec::new() };
        Self { encoding, unencodable, table }
    }

    /// The bytes a file begins with.
    pub(super) const fn beginning(&self) -> &'static [u8] {
        match self.encoding {
            Encoding::Utf8Bom => b"\xef\xbb\xbf",
            Encoding::Utf8 | Encoding::Cp932 => b"",
        }
    }

    /// Appends the bytes of `text`; the characters that have none, unless they are replaced, are the error.
    pub(super) fn encode(&self, text: &str, into: &mut Vec<u8>) -> Result<(), BTreeSet<char>> {
        if self.encoding != Encoding::Cp932 {
            into.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        let mut missing = BTreeSet::new();
        for c in text.chars() {
            match (self.code(c), self.unencodable) {
                (Some(code), _) => push(code, into),
                (None, Unencodable::Replace) => push(self.code(MISSING).unwrap_or(0x3f), into),
                (None, Unencodable::Refuse) => {
                    missing.insert(c);
                }
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Adds the characters of `text` that the encoding lacks.
    pub(super) fn find_missing(&self, text: &str, missing: &mut BTreeSet<char>) {
        if self.encoding == Encoding::Cp932 {
            missing.extend(text.chars().filter(|c| self.code(*c).is_none()));
        }
    }

    fn code(&self, c: char) -> Option<u16> {
        if c.is_ascii() {
            return u16::try_from(u32::from(c)).ok();
        }
        let code = self.table.get(usize::try_from(u32::from(c)).ok()?)?;
        (*code != 0).then_some(*code)
    }
}

fn push(code: u16, into: &mut Vec<u8>) {
    let [lead, trail] = code.to_be_bytes();
    if lead != 0 {
        into.push(lead);
    }
    into.push(trail);
}

/// Every character that cp932 has, made from the decoder, so that each is read back as itself.
///
/// The encoder of WHATWG (Encoding Standard, 12.3.2), which `encoding_rs` has, is not used: it writes U+00A5 `¥` as a
/// backslash, U+203E `‾` as a tilde and U+2212 `−` as U+FF0D. Windows' own best fit and Python also write U+301C `〜` as `～`
/// and U+00A2, U+00A3, U+00AC and U+2016 as their neighbours; here they count as missing, and the user decides (rule X-2).
///
/// Where two codes mean one character, Windows writes that of JIS X 0208, then that of NEC row 13, then that of the IBM
/// extensions at 0xFA40, and never that of the NEC selection at 0xED40, which Python writes. Readers take either.
fn cp932_table() -> Vec<u16> {
    let mut table = vec![0_u16; 0x1_0000];
    let mut add = |bytes: &[u8], code: u16| {
        let Some(text) = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes) else { return };
        let mut characters = text.chars();
        let (Some(c), None) = (characters.next(), characters.next()) else { return };
        let cell = usize::try_from(u32::from(c)).ok().and_then(|at| table.get_mut(at));
        if let Some(cell) = cell.filter(|cell| **cell == 0) {
            *cell = code;
        }
    };
    // Not 0x80, which the decoder lets through as a control character.
    for single in 0xa1..=0xdf {
        add(&[single], u16::from(single));
    }
    for lead in (0x81..=0x9f).chain(0xe0..=0xec).chain(0xef..=0xfc) {
        for trail in (0x40..=0x7e).chain(0x80..=0xfc) {
            add(&[lead, trail], u16::from_be_bytes([lead, trail]));
        }
    }
    table
}

/// Every character of the basic plane with its bytes in cp932, in order: for tests with other implementations.
pub fn cp932_characters() -> impl Iterator<Item = (char, Vec<u8>)> {
    let encoder = Encoder::new(Encoding::Cp932, Unencodable::Refuse);
    ('\0'..='\u{ffff}').filter_map(move |c| {
        let mut bytes = Vec::new();
        push(encoder.code(c)?, &mut bytes);
        Some((c, bytes))
    })
}

/// The text of bytes whose encoding is found out: a byte-order mark, then UTF-8 if it is well formed, then cp932 (rule E6).
/// `None` for anything else.
pub(super) fn decode(bytes: &[u8]) -> Option<(String, Encoding)> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return std::str::from_utf8(rest).ok().map(|text| (text.to_owned(), Encoding::Utf8Bom));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some((text.to_owned(), Encoding::Utf8));
    }
    let text = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes)?;
    Some((text.into_owned(), Encoding::Cp932))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, unencodable: Unencodable) -> Result<Vec<u8>, BTreeSet<char>> {
        let mut bytes = Vec::new();
        Encoder::new(Encoding::Cp932, unencodable).encode(text, &mut bytes).map(|()| bytes)
    }

    #[test]
    fn cp932_is_that_of_windows() {
        for (text, bytes) in [
            ("A\\~ｱ", &b"A\\~\xb1"[..]),
            ("～－", b"\x81\x60\x81\x7c"),
            ("①㈱髙", b"\x87\x40\x87\x8a\xfb\xfc"),
            ("≒Ⅰⅰ¬", b"\x81\xe0\x87\x54\xfa\x40\x81\xca"),
        ] {
            let text = text.replace('¬', "\u{ffe2}");
            assert_eq!(encoded(&text, Unencodable::Refuse).expect("encodable"), bytes, "{text}");
        }
    }

    #[test]
    fn what_windows_does_not_have_is_refused_or_replaced() {
        for c in ['\u{a5}', '\u{203e}', '\u{2212}', '\u{301c}', '\u{a0}', '𠮷', '\u{80}'] {
            assert_eq!(encoded(&format!("見{c}本"), Unencodable::Refuse), Err(BTreeSet::from([c])));
            assert_eq!(encoded(&c.to_string(), Unencodable::Replace).expect("replaced"), b"\x81\xac");
        }
    }

    #[test]
    fn the_encoding_of_bytes_is_found() {
        assert_eq!(decode(b"\xef\xbb\xbfA"), Some(("A".to_owned(), Encoding::Utf8Bom)));
        assert_eq!(decode("診療".as_bytes()), Some(("診療".to_owned(), Encoding::Utf8)));
        assert_eq!(decode(b"\x90\x66\x97\xc3"), Some(("診療".to_owned(), Encoding::Cp932)));
        assert_eq!(decode(b"\xff\xff\x81"), None);
    }
}
