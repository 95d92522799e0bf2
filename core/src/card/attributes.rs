//! The four attributes (基本4情報): name, address, birth date, sex.

use super::proof::Proof;
use super::record::Fields;
use crate::error::{CardFault, Error};
use crate::secret::opaque_debug;
use crate::time::CalendarDate;

const WHAT: &str = "attributes";

/// Name, address, birth date and sex, as the text-input application holds them.
///
/// Text is as the municipality wrote it, characters beyond JIS level 2 and full-width digits included: do not normalise it.
#[derive(Clone, Eq, PartialEq)]
pub struct Attributes {
    /// Family and given name, separated by U+3000.
    pub name: String,
    /// Address from the prefecture on, without postcode.
    pub address: String,
    /// Birth date.
    pub birth_date: CardDate,
    /// Sex.
    pub sex: Sex,
    /// Whether it is genuine.
    pub proof: Proof,
}

opaque_debug!(Attributes);

/// Eight digits `YYYYMMDD` as the card holds them. Month or day can be unknown, and then are `00`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct CardDate([u8; 8]);

opaque_debug!(CardDate);

impl CardDate {
    /// Takes eight ASCII digits.
    pub fn parse(digits: &[u8; 8]) -> Option<Self> {
        digits.iter().all(u8::is_ascii_digit).then_some(Self(*digits))
    }

    /// The digits.
    pub fn digits(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The date, if the card knows all of it and it exists.
    pub fn to_calendar(&self) -> Option<CalendarDate> {
        let digits = self.digits();
        let (year, rest) = digits.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        CalendarDate::parse(&format!("{year}-{month}-{day}"))
    }
}

/// Sex (JIS X 0303).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sex {
    /// `0`.
    Unknown,
    /// `1`.
    Male,
    /// `2`.
    Female,
    /// `9`.
    NotApplicable,
}

impl Sex {
    /// Reads the card's digit.
    pub(super) fn parse(digit: u8) -> Option<Self> {
        match digit {
            b'0' => Some(Self::Unknown),
            b'1' => Some(Self::Male),
            b'2' => Some(Self::Female),
            b'9' => Some(Self::NotApplicable),
            _ => None,
        }
    }

    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Male => "male",
            Self::Female => "female",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// The parsed file with the bytes its digest is made of.
pub(super) struct AttributesFile<'a> {
    /// `DF22` to the end of the record: what DF32 of the signed digests is the SHA-256 of.
    pub(super) signed: &'a [u8],
    name: &'a str,
    address: &'a str,
    birth_date: CardDate,
    sex: Sex,
}

impl<'a> AttributesFile<'a> {
    /// Reads EF 0002. The offsets are not signed, so they must fit exactly; a field not known here may follow the four.
    ///
    /// ```text
    /// FF20 L { DF21 08 offsets · DF22 n name · DF23 n address · DF24 08 birth date · DF25 01 sex }  filler
    /// ```
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Error> {
        let mut fields = Fields::open(file, 0xFF20, WHAT)?;
        let (offsets, _) = fields.take_exact::<8>(0xDF21)?;
        fields.check_offsets(offsets)?;
        let signed = fields.remaining();
        let malformed = CardFault::Malformed { what: WHAT };
        let name = std::str::from_utf8(fields.take(0xDF22)?.value).map_err(|_| malformed)?;
        let address = std::str::from_utf8(fields.take(0xDF23)?.value).map_err(|_| malformed)?;
        let (birth_date, _) = fields.take_exact::<8>(0xDF24)?;
        let ([sex], _) = fields.take_exact::<1>(0xDF25)?;
        Ok(Self {
            signed,
            name,
            address,
            birth_date: CardDate::parse(birth_date).ok_or(malformed)?,
            sex: Sex::parse(*sex).ok_or(malformed)?,
        })
    }

    pub(super) fn with_proof(&self, proof: Proof) -> Attributes {
        Attributes {
            name: self.name.to_owned(),
            address: self.address.to_owned(),
            birth_date: self.birth_date,
            sex: self.sex,
            proof,
        }
    }
}

impl Attributes {
    /// Reads the content of EF 0002 of the text-input application, as a dump holds it; proves nothing.
    ///
    /// # Errors
    /// [`Error::Card`] for anything else.
    pub fn parse(file: &[u8]) -> Result<Self, Error> {
        Ok(AttributesFile::parse(file)?.with_proof(Proof::NOT_ASKED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three offsets are right, one is a parameter.
    fn file(fourth_offset: u8) -> Vec<u8> {
        let fields = [
            &[0xDF, 0x22, 15][..],
            "見本　花子".as_bytes(),
            &[0xDF, 0x23, 9],
            "東京都".as_bytes(),
            &[0xDF, 0x24, 8],
            b"19900405",
            &[0xDF, 0x25, 1, b'2'],
        ];
        let value = [&[0xDF, 0x21, 8, 0, 14, 0, 32, 0, 44, 0, fourth_offset][..], &fields.concat()].concat();
        let len = u8::try_from(value.len()).expect("short");
        [&[0xFF, 0x20, len][..], &value, &[0xFF; 9]].concat()
    }

    #[test]
    fn four_attributes_are_read_as_they_stand() {
        let read = Attributes::parse(&file(55)).expect("reads");
        assert_eq!((read.name.as_str(), read.address.as_str()), ("見本\u{3000}花子", "東京都"));
        let birth_date = read.birth_date.to_calendar().map(|date| date.to_string());
        assert_eq!((birth_date.as_deref(), read.sex), (Some("1990-04-05"), Sex::Female));
        assert_eq!(read.proof, Proof::NOT_ASKED);
    }

    #[test]
    fn what_is_signed_begins_after_the_offsets() {
        let file = file(55);
        assert_eq!(AttributesFile::parse(&file).expect("reads").signed, &file[14..file.len() - 9]);
    }

    #[test]
    fn offsets_that_lie_are_refused() {
        for wrong in [54, 56, 0, 255] {
            assert!(Attributes::parse(&file(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_days_and_sexes_are_told_apart_from_nonsense() {
        let mut unknown_day = file(55);
        let at = unknown_day.len() - 9 - 6;
        unknown_day[at..at + 2].copy_from_slice(b"00");
        let read = Attributes::parse(&unknown_day).expect("reads");
        assert_eq!((read.birth_date.digits(), read.birth_date.to_calendar()), ("19900400", None));
        let mut no_sex = file(55);
        let at = no_sex.len() - 10;
        no_sex[at] = b'5';
        assert!(Attributes::parse(&no_sex).is_err());
        let mut no_text = file(55);
        no_text[18] = 0xFF;
        assert!(Attributes::parse(&no_text).is_err(), "not UTF-8");
    }
}
