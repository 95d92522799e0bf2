//! What the JPKI application says of itself: EF 0006 and EF 0008.

use super::profile::Generation;
use crate::error::{CardFault, Error};

/// Length of EF 0006: a PKCS#11 `CK_TOKEN_INFO` with four-byte big-endian numbers.
pub(super) const TOKEN_INFO_LEN: usize = 160;

/// EF 0006. The serial number of the token is in it too, and is left there: it would identify the card.
///
/// ```text
/// 0 label 32 · 32 manufacturer 32 · 64 model 16 · 80 serial 16 · 96 flags … · 116 max PIN 4 · 120 min PIN 4 · …
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenInfo {
    /// Token label, padding removed. What is no printable ASCII is U+FFFD.
    pub label: String,
    /// What the label means.
    pub generation: Generation,
    /// Model, likewise; empty when the file ends before it.
    pub model: String,
    /// Shortest and longest secret the token takes, in characters; `None` when the file ends before it or the two
    /// contradict each other.
    pub pin_lengths: Option<(u32, u32)>,
}

impl TokenInfo {
    /// Reads EF 0006. A label that is not understood names no generation, and takes nothing else with it.
    pub(super) fn parse(file: &[u8]) -> Self {
        let label = text(file.get(..32).unwrap_or(file));
        let number = |at: usize| {
            let bytes = file.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_be_bytes(*bytes))
        };
        Self {
            generation: Generation::of_label(&label),
            label,
            model: text(file.get(64..80).unwrap_or_default()),
            pin_lengths: number(120).zip(number(116)).filter(|(shortest, longest)| shortest <= longest),
        }
    }
}

/// What is no printable ASCII becomes U+FFFD, which no label that is known here has.
fn text(bytes: &[u8]) -> String {
    let is_padding = |byte: &u8| matches!(byte, b' ' | 0x00 | 0xFF);
    let end = bytes.iter().rposition(|byte| !is_padding(byte)).map_or(0, |last| last.saturating_add(1));
    let printable = |byte: u8| (byte.is_ascii_graphic() || byte == b' ').then_some(char::from(byte));
    bytes.iter().take(end).map(|byte| printable(*byte).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// EF 0008: which certificates are on the card. Children below 15 usually have no signature certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CertificateAvailability {
    /// 署名用電子証明書.
    pub signature: bool,
    /// 利用者証明用電子証明書.
    pub user_authentication: bool,
}

impl CertificateAvailability {
    /// The byte that says a certificate is there.
    const PRESENT: u8 = 0x8F;

    pub(super) fn parse(file: &[u8]) -> Result<Self, Error> {
        match file {
            [signature, user_authentication, ..] => Ok(Self {
                signature: *signature == Self::PRESENT,
                user_authentication: *user_authentication == Self::PRESENT,
            }),
            _ => Err(CardFault::Malformed { what: "certificate availability" }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let mut file = b"JPKIAPICCTOKEN2".to_vec();
        file.resize(64, b' ');
        file.extend(b"E16R01NJ        9000000000000001");
        file.extend([0, 0, 4, 0x0D, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 6]);
        file.resize(TOKEN_INFO_LEN, 0xFF);
        file
    }

    #[test]
    fn the_token_says_what_it_is() {
        let info = TokenInfo::parse(&file());
        assert_eq!((info.label.as_str(), info.generation), ("JPKIAPICCTOKEN2", Generation::MyNumberCard));
        assert_eq!((info.model.as_str(), info.pin_lengths), ("E16R01NJ", Some((6, 16))));
    }

    #[test]
    fn a_label_alone_is_enough() {
        let info = TokenInfo::parse(b"JPKIAPGPSETOKEN\0");
        assert_eq!((info.generation, info.model.as_str(), info.pin_lengths), (Generation::AndroidPhone, "", None));
    }

    #[test]
    fn what_is_no_text_is_marked_names_nothing_and_takes_nothing_else_with_it() {
        for (label, shown) in [
            (&[0xFF; 32][..], ""),
            (b"\x1b]0;title", "\u{fffd}]0;title"),
            (b"JPKIAPICCTOKEN2\x01", "JPKIAPICCTOKEN2\u{fffd}"),
        ] {
            let mut odd = file();
            odd[..32].fill(b' ');
            odd[..label.len()].copy_from_slice(label);
            let info = TokenInfo::parse(&odd);
            assert_eq!((info.label.as_str(), info.generation), (shown, Generation::Unknown));
            assert_eq!((info.model.as_str(), info.pin_lengths), ("E16R01NJ", Some((6, 16))));
        }
        let mut odd = file();
        odd[64..80].copy_from_slice(&[b'E', 0x80, 0x0A, b' ', b'1', 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        odd[120..124].fill(0xFF);
        let info = TokenInfo::parse(&odd);
        assert_eq!((info.generation, info.model.as_str()), (Generation::MyNumberCard, "E\u{fffd}\u{fffd} 1"));
        assert_eq!(info.pin_lengths, None);
    }

    #[test]
    fn availability_is_told_for_each_certificate() {
        let parsed =
            |bytes: &[u8]| CertificateAvailability::parse(bytes).ok().map(|a| (a.signature, a.user_authentication));
        assert_eq!(parsed(&[0x8F, 0x8F, 0x00]), Some((true, true)));
        assert_eq!(parsed(&[0x00, 0x8F, 0x00]), Some((false, true)));
        assert_eq!(parsed(&[0x8F]), None);
    }
}
