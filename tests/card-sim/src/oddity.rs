//! Records that differ from what is known of them, as cards do: fields that are missing, blank, of other codes or new.

use crate::{application_kind::ApplicationKind, config::Config, tlv_writer::field};
use std::{fmt, str::FromStr};

/// One way in which the records of a card are odd. They are signed as they are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Oddity {
    /// `no-photo`: the face has no photo, as on the cards of children below one since December 2024.
    NoPhoto,
    /// `empty-photo`: the field is there and empty.
    EmptyPhoto,
    /// `bad-photo`: the photo is no JPEG 2000.
    BadPhoto,
    /// `blank-sex`: a space in attributes and face.
    BlankSex,
    /// `sex-3`: the code of certificates for a sex not known.
    Sex3,
    /// `blank-birth-date`: spaces in the attributes, zeros in face and birth-date record.
    BlankBirthDate,
    /// `era-birth-date`: seven digits and the letter of an era in all three.
    EraBirthDate,
    /// `no-address`: the attributes have no address.
    NoAddress,
    /// `name-not-utf-8`: the name in another encoding (Shift_JIS).
    NameNotUtf8,
    /// `blank-expiry`: the face says 99999999.
    BlankExpiry,
    /// `extra-fields`: attributes and face have a field more, a kana name.
    ExtraFields,
}

impl Oddity {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NoPhoto,
        Self::EmptyPhoto,
        Self::BadPhoto,
        Self::BlankSex,
        Self::Sex3,
        Self::BlankBirthDate,
        Self::EraBirthDate,
        Self::NoAddress,
        Self::NameNotUtf8,
        Self::BlankExpiry,
        Self::ExtraFields,
    ];

    /// Name as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoPhoto => "no-photo",
            Self::EmptyPhoto => "empty-photo",
            Self::BadPhoto => "bad-photo",
            Self::BlankSex => "blank-sex",
            Self::Sex3 => "sex-3",
            Self::BlankBirthDate => "blank-birth-date",
            Self::EraBirthDate => "era-birth-date",
            Self::NoAddress => "no-address",
            Self::NameNotUtf8 => "name-not-utf-8",
            Self::BlankExpiry => "blank-expiry",
            Self::ExtraFields => "extra-fields",
        }
    }

    /// Fields of the records, by application and tag, and what stands in them; `None` for no field.
    fn fields(self) -> &'static [(ApplicationKind, u16, Option<&'static [u8]>)] {
        use ApplicationKind::{Surface, TextInput};
        match self {
            Self::NoPhoto => &[(Surface, 0xDF27, None)],
            Self::EmptyPhoto => &[(Surface, 0xDF27, Some(b""))],
            Self::BadPhoto => &[(Surface, 0xDF27, Some(b"no JPEG 2000"))],
            Self::BlankSex => &[(TextInput, 0xDF25, Some(b" ")), (Surface, 0xDF23, Some(b" "))],
            Self::Sex3 => &[(TextInput, 0xDF25, Some(b"3")), (Surface, 0xDF23, Some(b"3"))],
            Self::BlankBirthDate => &[
                (TextInput, 0xDF24, Some(b"        ")),
                (Surface, 0xDF22, Some(b"00000000")),
                (Surface, 0xDF11, Some(b"00000000")),
            ],
            Self::EraBirthDate => &[
                (TextInput, 0xDF24, Some(b"H0204050")),
                (Surface, 0xDF22, Some(b"H0204050")),
                (Surface, 0xDF11, Some(b"H0204050")),
            ],
            Self::NoAddress => &[(TextInput, 0xDF23, None)],
            Self::NameNotUtf8 => &[(TextInput, 0xDF22, Some(b"\x8C\xA9\x96\x7B"))],
            Self::BlankExpiry => &[(Surface, 0xDF29, Some(b"99999999"))],
            Self::ExtraFields => &[(TextInput, 0xDF26, Some(KANA)), (Surface, 0xDF2B, Some(KANA))],
        }
    }
}

/// What the extra fields hold.
const KANA: &[u8] = "ミホン\u{3000}ハナコ".as_bytes();

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Oddity {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|oddity| oddity.name() == name)
            .ok_or_else(|| format!("no such oddity, but {}", Self::ALL.map(Self::name).join(", ")))
    }
}

impl Config {
    /// The field of a record with this value, unless the card has another or none.
    pub(crate) fn field(&self, application: ApplicationKind, tag: u16, value: &[u8]) -> Vec<u8> {
        match self.odd_field(application, tag) {
            Some(odd) => odd.map_or_else(Vec::new, |odd| field(tag, odd)),
            None => field(tag, value),
        }
    }

    /// A field that cards as they are known do not have, if this one has it.
    pub(crate) fn extra_field(&self, application: ApplicationKind, tag: u16) -> Vec<u8> {
        self.odd_field(application, tag).flatten().map_or_else(Vec::new, |odd| field(tag, odd))
    }

    fn odd_field(&self, application: ApplicationKind, tag: u16) -> Option<Option<&'static [u8]>> {
        let fields = self.oddities.iter().flat_map(|oddity| oddity.fields());
        fields.rev().find(|(kind, odd, _)| (*kind, *odd) == (application, tag)).map(|(_, _, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_oddity_has_a_name_of_its_own() {
        for oddity in Oddity::ALL {
            assert_eq!(oddity.to_string().parse(), Ok(oddity));
        }
        assert!("no-head".parse::<Oddity>().is_err_and(|error| error.contains("no-photo, ")));
    }
}
