//! The ten synthetic people of `tests/people/people.json`.
//!
//! What is printed on their cards beside these data is in `tests/people/printed.json`.

use serde::Deserialize;
use std::sync::OnceLock;

/// One synthetic person and the card that was issued to them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// 1–10, the number used everywhere else.
    pub number: u8,
    /// Family and given name, separated by U+3000.
    pub name: String,
    /// Birth date, `YYYYMMDD`, Gregorian.
    pub birth_date: String,
    /// `1` male, `2` female (JIS X 0303).
    pub sex: String,
    /// Address from the prefecture on.
    pub address: String,
    /// Prefecture in Latin letters, as in the certificates.
    pub prefecture_romaji: String,
    /// City or ward in Latin letters, as in the certificates.
    pub city_romaji: String,
    /// Five-digit municipality code.
    pub municipality: String,
    /// Last day of the card, `YYYYMMDD`.
    pub card_expiry: String,
    /// The four digits printed on the face of the card.
    pub security_code: String,
    /// The secrets the card was issued with.
    pub pins: Pins,
    /// Which answer of the eligibility service belongs to this person.
    pub qualification: String,
}

/// The PINs a card was issued with.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// User authentication PIN: 4 digits.
    pub authentication: String,
    /// Signature password: 6–16 of `A–Z 0–9`; none on a card without signature certificate.
    pub signature: Option<String>,
    /// Text-input support PIN: 4 digits.
    pub text_input: String,
    /// PIN of the resident register and of the common application, which holders set to the same: 4 digits.
    pub resident: String,
}

#[derive(Deserialize)]
struct PeopleFile {
    people: Vec<Person>,
}

/// All ten people, by ascending number.
pub fn all() -> &'static [Person] {
    static PEOPLE: OnceLock<Vec<Person>> = OnceLock::new();
    PEOPLE.get_or_init(|| {
        let file: PeopleFile =
            serde_json::from_str(include_str!("../../people/people.json")).expect("people.json is part of the binary");
        file.people
    })
}

/// The person with this number, 1–10.
pub fn person(number: u8) -> Option<&'static Person> {
    all().iter().find(|person| person.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_ten_people_and_only_the_last_has_no_signature_password() {
        assert_eq!(all().iter().map(|person| person.number).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        assert!(all().iter().all(|person| person.pins.signature.is_some() == (person.number != 10)));
        assert_eq!(person(1).expect("person 1").name, "見本\u{3000}花子");
        assert!(person(0).is_none() && person(11).is_none());
    }
}
