//! The named kinds of card.

use std::{fmt, str::FromStr};

/// A generation or kind of card.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Profile {
    /// The plastic card of today: RSA-2048, five applications, `today`.
    Today,
    /// A guess at the next card with P-256 keys; signatures are DER, `next-p256`.
    NextP256,
    /// A guess at the next card with P-384 keys; signatures are r‖s, `next-p384`.
    NextP384,
    /// The certificates in an Android phone: JPKI alone, and the authentication certificate needs the PIN, `phone`.
    Phone,
    /// The same in an iPhone, which differs in the label, `phone-ios`.
    PhoneIos,
    /// Today's card without short EF identifiers, `no-sfi`.
    NoSfi,
    /// Today's card without extended lengths, `no-extended`.
    NoExtended,
    /// Today's card that forgives nothing, `strict`: selecting an application again closes its PINs, DF names must be
    /// whole, `00 20 00 xx 00` is no query but 6700, and a blocked PIN answers 6983.
    Strict,
    /// The resident card that came before (住基カード): only its token information can be read, `old`.
    Old,
    /// A card without any of the applications: SELECT answers 6A82, `not-jpki`.
    NotJpki,
}

impl Profile {
    /// Every profile, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Today,
        Self::NextP256,
        Self::NextP384,
        Self::Phone,
        Self::PhoneIos,
        Self::NoSfi,
        Self::NoExtended,
        Self::Strict,
        Self::Old,
        Self::NotJpki,
    ];

    /// The name on the command line and in state files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::NextP256 => "next-p256",
            Self::NextP384 => "next-p384",
            Self::Phone => "phone",
            Self::PhoneIos => "phone-ios",
            Self::NoSfi => "no-sfi",
            Self::NoExtended => "no-extended",
            Self::Strict => "strict",
            Self::Old => "old",
            Self::NotJpki => "not-jpki",
        }
    }

    /// Whether the "card" is a phone.
    pub(crate) fn is_phone(self) -> bool {
        matches!(self, Self::Phone | Self::PhoneIos)
    }

    /// Whether the card has the applications beside JPKI.
    pub(crate) fn is_plastic(self) -> bool {
        !self.is_phone() && !matches!(self, Self::Old | Self::NotJpki)
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
