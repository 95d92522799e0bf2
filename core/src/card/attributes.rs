//! The four attributes (基本4情報): name, address, birth date, sex.

use super::field::{Field, OtherField};
use super::proof::Proof;
use super::record::{Fields, Objects};
use crate::error::Error;
use crate::secret::opaque_debug;
use crate::time::CalendarDate;

const WHAT: &str = "attributes";
const NAME: u16 = 0xDF22;
const ADDRESS: u16 = 0xDF23;
const BIRTH_DATE: u16 = 0xDF24;
const SEX: u16 = 0xDF25;
const KNOWN: &[u16] = &[NAME, ADDRESS, BIRTH_DATE, SEX];

/// Name, address, birth date and sex, as the text-input application holds them. Each may be missing or not understood.
///
/// Text is as the municipality wrote it, characters beyond JIS level 2 and full-width digits included: do not normalise it.
#[derive(Clone, Eq, PartialEq)]
pub struct Attributes {
    /// Family and given name, separated by U+3000.
    pub name: Field<String>,
    /// Address from the prefecture on, without postcode.
    pub address: Field<String>,
    /// Birth date.
    pub birth_date: Field<CardDate>,
    /// Sex.
    pub sex: Field<Sex>,
    /// Fields that are not known here, in the order of the card; at most 24. Signed as the others are.
    pub others: Vec<OtherField>,
    /// Whether it is genuine.
    pub proof: Proof,
}

opaque_debug!(Attributes);

/// A date as the card holds it: eight digits `YYYYMMDD` of a day that exists. Month or day can be unknown, and then are `00`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct CardDate([u8; 8]);

opaque_debug!(CardDate);

impl CardDate {
    /// Takes eight ASCII digits. `None` for a day that does not exist, and for the years 0000 and 9999, which stand for
    /// none.
    pub fn parse(digits: &[u8; 8]) -> Option<Self> {
        let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        let (year, rest) = text.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        // An unknown part is asked for as one that always exists.
        let asked = match (month, day) {
            ("00", "00") => format!("{year}-01-01"),
            (_, "00") => format!("{year}-{month}-01"),
            _ => format!("{year}-{month}-{day}"),
        };
        let exists = CalendarDate::parse(&asked).is_some() && !matches!(year, "0000" | "9999");
        exists.then_some(Self(*digits))
    }

    /// The digits.
    pub fn digits(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The date, if the card knows all of it.
    pub fn to_calendar(&self) -> Option<CalendarDate> {
        let digits = self.digits();
        let (year, rest) = digits.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        CalendarDate::parse(&format!("{year}-{month}-{day}"))
    }

    /// The field of a record with this tag. Zeros alone are no date.
    pub(super) fn field(objects: Objects<'_>, tag: u16) -> Field<Self> {
        match objects.field(tag, |value| Self::parse(value.try_into().ok()?)) {
            Field::Unreadable(bytes) if bytes.iter().all(|byte| *byte == b'0') => Field::NotOnCard,
            field => field,
        }
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
    /// Reads the card's digit. A `3`, as the signature certificate has it for one not known, is none of this record.
    fn parse(digit: &[u8]) -> Option<Self> {
        match digit {
            b"0" => Some(Self::Unknown),
            b"1" => Some(Self::Male),
            b"2" => Some(Self::Female),
            b"9" => Some(Self::NotApplicable),
            _ => None,
        }
    }

    /// The field of a record with this tag.
    pub(super) fn field(objects: Objects<'_>, tag: u16) -> Field<Self> {
        objects.field(tag, Self::parse)
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

/// The parsed file.
pub(super) struct AttributesFile<'a>(Objects<'a>);

impl<'a> AttributesFile<'a> {
    /// Reads EF 0002. The offsets are not signed, so they must fit. A field may be missing, and one not known here may stand
    /// among the four.
    ///
    /// ```text
    /// FF20 L { DF21 08 offsets · DF22 n name · DF23 n address · DF24 08 birth date · DF25 01 sex }  filler
    /// ```
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Error> {
        let mut fields = Fields::open(file, 0xFF20, WHAT)?;
        let offsets = fields.take(0xDF21)?;
        let objects = fields.objects()?;
        objects.check_offsets(offsets.value, KNOWN, WHAT)?;
        Ok(Self(objects))
    }

    /// All that follows the offsets, as it is: what DF32 of the signed digests is the SHA-256 of.
    pub(super) fn signed(&self) -> &'a [u8] {
        self.0.bytes()
    }

    pub(super) fn with_proof(&self, proof: Proof) -> Attributes {
        let text = |tag| self.0.field(tag, |value| std::str::from_utf8(value).ok().map(str::to_owned));
        Attributes {
            name: text(NAME),
            address: text(ADDRESS),
            birth_date: CardDate::field(self.0, BIRTH_DATE),
            sex: Sex::field(self.0, SEX),
            others: self.0.others(KNOWN),
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

    /// Fields as they are given, and the table of offsets that fits them.
    fn record(fields: &[(u8, &[u8])]) -> Vec<u8> {
        let objects: Vec<Vec<u8>> = fields
            .iter()
            .map(|(tag, value)| [&[0xDF, *tag, u8::try_from(value.len()).expect("short")], *value].concat())
            .collect();
        let offsets_len = 3 + 2 * objects.len();
        let starts = objects.iter().scan(3 + offsets_len, |at, object| {
            let start = *at;
            *at += object.len();
            Some(u16::try_from(start).expect("short").to_be_bytes())
        });
        let offsets = starts.collect::<Vec<_>>().concat();
        let table = [&[0xDF, 0x21, u8::try_from(offsets.len()).expect("short")][..], &offsets].concat();
        let value = [table, objects.concat()].concat();
        [&[0xFF, 0x20, u8::try_from(value.len()).expect("short")][..], &value].concat()
    }

    /// What became of name, address, birth date and sex.
    fn outcome(fields: &[(u8, &[u8])]) -> [String; 4] {
        let read = Attributes::parse(&record(fields)).expect("reads");
        fn told<T>(field: &Field<T>, known: impl Fn(&T) -> String) -> String {
            match field {
                Field::Read(value) => known(value),
                Field::NotOnCard => "-".to_owned(),
                Field::Unreadable(bytes) => format!("?{}", String::from_utf8_lossy(bytes)),
            }
        }
        [
            told(&read.name, String::clone),
            told(&read.address, String::clone),
            told(&read.birth_date, |date| date.digits().to_owned()),
            told(&read.sex, |sex| sex.name().to_owned()),
        ]
    }

    const NAME: (u8, &[u8]) = (0x22, b"A B");
    const ADDRESS: (u8, &[u8]) = (0x23, b"C");
    const BIRTH_DATE: (u8, &[u8]) = (0x24, b"19900405");
    const SEX: (u8, &[u8]) = (0x25, b"2");

    #[test]
    fn four_attributes_are_read_as_they_stand() {
        let read = Attributes::parse(&file(55)).expect("reads");
        assert_eq!(read.name.known().map(String::as_str), Some("見本\u{3000}花子"));
        assert_eq!(read.address.known().map(String::as_str), Some("東京都"));
        let birth_date = read.birth_date.known().and_then(CardDate::to_calendar).map(|date| date.to_string());
        assert_eq!((birth_date.as_deref(), read.sex.known()), (Some("1990-04-05"), Some(&Sex::Female)));
        assert_eq!((read.proof, read.others), (Proof::NOT_ASKED, Vec::new()));
    }

    #[test]
    fn what_is_signed_begins_after_the_offsets() {
        let file = file(55);
        assert_eq!(AttributesFile::parse(&file).expect("reads").signed(), &file[14..file.len() - 9]);
    }

    #[test]
    fn offsets_that_lie_are_refused() {
        for wrong in [54, 56, 0, 255] {
            assert!(Attributes::parse(&file(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_missing_or_empty_field_takes_no_other_with_it() {
        let all = [NAME, ADDRESS, BIRTH_DATE, SEX];
        let whole = outcome(&all);
        assert_eq!(whole, ["A B", "C", "19900405", "female"]);
        for at in 0..4 {
            let mut expected = whole.clone();
            "-".clone_into(&mut expected[at]);
            let missing: Vec<_> = all.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, field)| *field).collect();
            assert_eq!(outcome(&missing), expected, "without field {at}");
            for blank in [&b""[..], b"        ", &[0; 8], &[0xFF; 8], "\u{3000}".as_bytes()] {
                let mut blanked = all;
                blanked[at].1 = blank;
                assert_eq!(outcome(&blanked), expected, "field {at} of {blank:02x?}");
            }
        }
        assert_eq!(outcome(&[]), ["-"; 4]);
    }

    #[test]
    fn what_is_not_understood_is_kept_to_be_shown() {
        for (sex, told) in
            [("3", "?3"), ("5", "?5"), ("M", "?M"), ("12", "?12"), ("9", "not_applicable"), ("0", "unknown")]
        {
            let read = outcome(&[NAME, ADDRESS, BIRTH_DATE, (0x25, sex.as_bytes())]);
            assert_eq!(read, ["A B", "C", "19900405", told]);
        }
        let dates = [
            ("00000000", "-"),
            ("19900400", "19900400"),
            ("19900000", "19900000"),
            ("99999999", "?99999999"),
            ("99991231", "?99991231"),
            ("00000405", "?00000405"),
            ("19901305", "?19901305"),
            ("19900230", "?19900230"),
            ("19900005", "?19900005"),
            ("H0204050", "?H0204050"),
            ("020405", "?020405"),
            ("199004 5", "?199004 5"),
        ];
        for (date, told) in dates {
            let read = outcome(&[NAME, ADDRESS, (0x24, date.as_bytes()), SEX]);
            assert_eq!(read, ["A B", "C", told, "female"]);
        }
        let read = outcome(&[(0x22, b"A\xFFB"), ADDRESS, BIRTH_DATE, SEX]);
        assert_eq!(read, ["?A\u{fffd}B", "C", "19900405", "female"]);
    }

    #[test]
    fn a_field_said_twice_is_read_if_both_say_the_same() {
        assert_eq!(outcome(&[NAME, ADDRESS, BIRTH_DATE, SEX, SEX]), ["A B", "C", "19900405", "female"]);
        let read = outcome(&[NAME, ADDRESS, BIRTH_DATE, SEX, (0x25, b"1"), (0x24, b"")]);
        assert_eq!(read, ["A B", "C", "?19900405 / ", "?2 / 1"]);
    }

    #[test]
    fn fields_of_any_order_and_unknown_ones_are_told() {
        let read =
            Attributes::parse(&record(&[(0x2F, b"?"), SEX, BIRTH_DATE, (0x26, b""), NAME, ADDRESS])).expect("reads");
        let others: Vec<_> = read.others.iter().map(|other| (other.tag, other.value.as_slice())).collect();
        assert_eq!(others, [(0xDF2F, &b"?"[..]), (0xDF26, b"")]);
        assert_eq!((read.name.known().map(String::as_str), read.sex.known()), (Some("A B"), Some(&Sex::Female)));
    }

    #[test]
    fn offsets_of_a_partial_record_may_say_that_there_is_none() {
        let parsed = |address: [u8; 2]| {
            let table = [[0, 14], address, [0, 20], [0, 31]].concat();
            let fields = [&b"\xDF\x22\x03A B"[..], b"\xDF\x24\x0819900405", b"\xDF\x25\x012"].concat();
            Attributes::parse(&[b"\xFF\x20\x20\xDF\x21\x08", &table[..], &fields].concat())
        };
        for none in [[0, 0], [0xFF, 0xFF], [0, 20], [0, 35]] {
            assert!(
                parsed(none).is_ok_and(|read| read.address.is_not_on_card() && read.sex.known().is_some()),
                "{none:?}"
            );
        }
        for wrong in [[0, 21], [0, 1], [1, 0]] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn structural_damage_is_an_error() {
        let whole = record(&[NAME, ADDRESS, BIRTH_DATE, SEX]);
        assert!((1..whole.len()).all(|len| Attributes::parse(&whole[..len]).is_err()), "cut off");
        let other: (u8, &[u8]) = (0x2F, b"");
        let many = record(&[other; 25]);
        assert!(Attributes::parse(&many).is_err(), "more objects than any record has");
        let mut no_table = whole.clone();
        no_table[4] = 0x2E;
        assert!(Attributes::parse(&no_table).is_err());
        let mut longer = whole;
        let at = longer.len() - 2;
        longer[at] = 2;
        assert!(Attributes::parse(&longer).is_err(), "a field that reaches beyond the record");
    }
}
