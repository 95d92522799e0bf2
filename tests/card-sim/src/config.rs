//! Which card to simulate, and the switches that bend its behaviour.

use std::{fmt, str::FromStr};

/// A generation or kind of card.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Profile {
    /// The plastic card of today: RSA-2048, `today`.
    Today,
    /// A guess at the next card with P-256 keys; signatures are DER, `next-p256`.
    NextP256,
    /// A guess at the next card with P-384 keys; signatures are r‖s, `next-p384`.
    NextP384,
    /// The certificates in a phone: the authentication certificate needs the PIN, `phone`.
    Phone,
    /// The resident card that came before (住基カード): only its token information can be read, `old`.
    Old,
    /// A card without JPKI: SELECT answers 6A82, `not-jpki`.
    NotJpki,
}

impl Profile {
    /// Every profile, in the order of the documentation.
    pub const ALL: [Self; 6] = [Self::Today, Self::NextP256, Self::NextP384, Self::Phone, Self::Old, Self::NotJpki];

    /// The name on the command line and in state files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::NextP256 => "next-p256",
            Self::NextP384 => "next-p384",
            Self::Phone => "phone",
            Self::Old => "old",
            Self::NotJpki => "not-jpki",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|profile| profile.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown profile {text:?}; the profiles are {names}")
        })
    }
}

/// First and last valid second of a certificate, in unix seconds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Validity {
    /// First valid second.
    pub not_before: u64,
    /// Last valid second.
    pub not_after: u64,
}

/// A card and its switches. [`Config::new`] gives the usual card; change fields from there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// Which kind of card.
    pub profile: Profile,
    /// Whose card, 1–10.
    pub person: u8,
    /// Short EF identifiers work. When off, commands with one answer 6A86.
    pub sfi: bool,
    /// Extended-length commands work. When off, they answer 6700.
    pub extended: bool,
    /// The first command after power-on answers 6F00 and does nothing, as seen on one real card.
    pub first_command_6f00: bool,
    /// Behave like a T=0 card: 61xx with GET RESPONSE, and 6Cxx for an Le beyond the data.
    pub procedure_bytes: bool,
    /// VERIFY with a blocked PIN answers 6983 (ISO) instead of 6984 (JICSAP).
    pub blocked_as_6983: bool,
    /// Asking for the tries left of a verified PIN answers 9000 instead of 63Cx.
    pub query_after_verify_9000: bool,
    /// Selecting the current application again clears its PIN states. Real cards keep them.
    pub strict_reselect: bool,
    /// A warm reset keeps the PIN states, as one real card does.
    pub warm_reset_keeps_pins: bool,
    /// The byte that fills the four certificate EFs up to 1,900 bytes; `None` ends them after the certificate.
    pub certificate_filler: Option<u8>,
    /// Validity of the two certificates; by default from yesterday for about five years.
    pub certificate_validity: Option<Validity>,
    /// The authentication certificate names the policy of signature certificates.
    pub wrong_policy: bool,
    /// Signatures are over something else than what was sent.
    pub wrong_signature: bool,
    /// The answer to reset a reader sees.
    pub atr: Vec<u8>,
}

impl Config {
    /// The card as the published profile describes it. The person is checked when the card is made.
    pub fn new(profile: Profile, person: u8) -> Self {
        Self {
            profile,
            person,
            sfi: true,
            extended: true,
            first_command_6f00: false,
            procedure_bytes: false,
            blocked_as_6983: false,
            query_after_verify_9000: false,
            strict_reselect: false,
            warm_reset_keeps_pins: false,
            certificate_filler: Some(0x00),
            certificate_validity: None,
            wrong_policy: false,
            wrong_signature: false,
            atr: ATR_CONTACT.to_vec(),
        }
    }
}

/// ATR of a contact card that offers T=1 only.
pub const ATR_CONTACT: &[u8] = &[0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14];

/// ATR that a contactless reader makes up for a type B card (PC/SC part 3); it offers T=0 and T=1.
pub const ATR_CONTACTLESS: &[u8] = &[0x3B, 0x88, 0x80, 0x01, 0x00, 0x4B, 0x51, 0xFF, 0xB3, 0x81, 0xD1, 0x00, 0x0F];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_read_back_their_own_names() {
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        assert!("Today".parse::<Profile>().expect_err("names are lower case").contains("not-jpki"));
    }
}
