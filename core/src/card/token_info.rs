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
    /// Token label, padding removed.
    pub label: String,
    /// What the label means.
    pub generation: Generation,
    /// Model, padding removed; empty when the file ends before it.
    pub model: String,
    /// Shortest and longest secret the token takes, in characters; `None` when the file ends before it.
    pub pin_lengths: Option<(u32, u32)>,
}

impl TokenInfo {
    /// Reads EF 0006; only the label must be there.
    pub(super) fn parse(file: &[u8]) -> Result<Self, Error> {
        let label = text(file.get(..32).unwrap_or(file))?;
        let number = |at: usize| {
            let bytes = file.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_be_bytes(*bytes))
        };
        Ok(Self {
            generation: Generation::of_label(&label),
            label,
            model: text(file.get(64..80).unwrap_or_default())?,
            pin_lengths: number(120).zip(number(116)),
        })
    }
}

fn text(bytes: &[u8]) -> Result<String, Error> {
    let text = std::str::from_utf8(bytes).ok().map(|text| text.trim_end_matches([' ', '\0']));
    text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '))
        .map(str::to_owned)
        .ok_or_else(|| CardFault::Malformed { what: "token label" }.into())
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
        let info = TokenInfo::parse(&file()).expect("token info");
        assert_eq!((info.label.as_str(), info.generation), ("JPKIAPICCTOKEN2", Generation::MyNumberCard));
        assert_eq!((info.model.as_str(), info.pin_lengths), ("E16R01NJ", Some((6, 16))));
    }

    #[test]
    fn a_label_alone_is_enough_and_anything_but_text_is_refused() {
        let info = TokenInfo::parse(b"JPKIAPGPSETOKEN\0").expect("label");
        assert_eq!((info.generation, info.model.as_str(), info.pin_lengths), (Generation::AndroidPhone, "", None));
        assert!(TokenInfo::parse(&[0xFF; 32]).is_err());
        assert!(TokenInfo::parse(b"\x1b]0;title").is_err());
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
