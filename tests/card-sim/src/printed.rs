//! What is printed on the cards (`tests/people/printed.json`, `tests/people/photo.jp2`), as text and as pictures.

use crate::{SimError, people::Person};
use base64ct::{Base64, Encoding};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::OnceLock};

/// The pictures on one card, beside the photo.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Printed {
    /// The name, the address, the security code and the My Number as 1-bit PNG.
    pub(crate) name_image: Vec<u8>,
    pub(crate) address_image: Vec<u8>,
    pub(crate) security_code_image: Vec<u8>,
    pub(crate) my_number_image: Vec<u8>,
}

impl Printed {
    pub(crate) fn of(person: &Person) -> Result<Self, SimError> {
        let entry = print_file().people.get(&person.number.to_string());
        let entry = entry.ok_or(SimError::UnknownPerson(person.number))?;
        let image = |text: &str| {
            Base64::decode_vec(text).map_err(|_| SimError::TestData("a printed image is not Base64".to_owned()))
        };
        Ok(Self {
            name_image: image(&entry.name_image)?,
            address_image: image(&entry.address_image)?,
            security_code_image: image(&entry.security_code_image)?,
            my_number_image: image(&entry.my_number_image)?,
        })
    }
}

impl Person {
    /// 照合番号B: birth date `YYMMDD` with the era year, year of expiry, security code; 14 digits.
    pub fn verification_number_b(&self) -> String {
        format!("{}{}{}", self.era_birth_date(), &self.card_expiry[..4], self.security_code)
    }

    /// 生年月日 as it opens the birth date record: `YYMMDD` with the year of the Japanese era; 6 digits.
    pub fn era_birth_date(&self) -> String {
        era_birth_date(&self.birth_date)
    }

    /// 個人番号, which is also 照合番号A: 12 digits of a pattern, with a valid check digit.
    pub fn my_number(&self) -> &'static str {
        print_file().people.get(&self.number.to_string()).map_or("", |entry| &entry.my_number)
    }
}

/// The photo on every card: a drawn face as JPEG 2000 in its box file (JP2), grey, 378 × 472.
pub fn photo() -> &'static [u8] {
    include_bytes!("../../people/photo.jp2")
}

/// The year an era begins is its year 1.
fn era_birth_date(birth_date: &str) -> String {
    let eras = [("20190501", 2019), ("19890108", 1989), ("19261225", 1926), ("19120730", 1912)];
    let first_year = eras.into_iter().find(|(first_day, _)| birth_date >= *first_day).map_or(1868, |(_, year)| year);
    let year: u16 = birth_date[..4].parse().expect("people.json has birth dates of eight digits");
    format!("{:02}{}", year - first_year + 1, &birth_date[4..])
}

#[derive(Deserialize)]
struct PrintFile {
    people: BTreeMap<String, PrintEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrintEntry {
    my_number: String,
    name_image: String,
    address_image: String,
    security_code_image: String,
    my_number_image: String,
}

fn print_file() -> &'static PrintFile {
    static PRINT: OnceLock<PrintFile> = OnceLock::new();
    PRINT.get_or_init(|| {
        serde_json::from_str(include_str!("../../people/printed.json")).expect("printed.json is part of the binary")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people;

    #[test]
    fn the_first_person_has_the_published_numbers() {
        let person = people::person(1).expect("person 1");
        assert_eq!(person.my_number(), "123456789018");
        assert_eq!(person.verification_number_b(), "02040520350123");
        assert_eq!(person.era_birth_date(), "020405");
    }

    #[test]
    fn eras_begin_with_year_one() {
        let dates = ["19890107", "19890108", "20190430", "20190501", "19261224", "19261225", "19120730", "18680125"];
        let expected = ["640107", "010108", "310430", "010501", "151224", "011225", "010730", "010125"];
        assert_eq!(dates.map(era_birth_date), expected);
    }

    #[test]
    fn every_my_number_has_a_valid_check_digit_and_every_picture_its_format() {
        for person in people::all() {
            let printed = Printed::of(person).expect("printed");
            let digits: Vec<u32> =
                person.my_number().chars().map(|digit| digit.to_digit(10).expect("a digit")).collect();
            let (check, eleven) = digits.split_last().expect("twelve digits");
            let weights = (2..=7).chain(2..=6);
            let rest = eleven.iter().rev().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11;
            assert_eq!((eleven.len(), *check), (11, if rest <= 1 { 0 } else { 11 - rest }), "person {}", person.number);
            let images =
                [printed.name_image, printed.address_image, printed.security_code_image, printed.my_number_image];
            assert!(images.iter().all(|image| image.starts_with(b"\x89PNG\r\n\x1a\n")));
            assert_eq!(photo()[4..12], *b"jP  \r\n\x87\n");
        }
    }
}
