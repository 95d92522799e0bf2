//! The checked-in tables in `data/records/` from which the records are made.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::time::Day;

/// Institutions and payers.
#[derive(Deserialize)]
pub(super) struct Directory {
    insurers: Vec<Insurer>,
    institutions: Vec<Institution>,
}

/// Who pays.
#[derive(Deserialize)]
pub(super) struct Insurer {
    key: String,
    system: String,
    number: String,
    name: String,
}

/// Who treats or dispenses; bonesetters have no code.
#[derive(Deserialize)]
pub(super) struct Institution {
    key: String,
    pub(super) code: Option<String>,
    pub(super) name: String,
}

impl Directory {
    pub(super) fn read() -> Self {
        read(include_str!("../../data/records/institutions.json"))
    }

    pub(super) fn insurer(&self, key: &str) -> &Insurer {
        self.insurers.iter().find(|insurer| insurer.key == key).expect("the tables name known insurers")
    }

    pub(super) fn institution(&self, key: &str) -> &Institution {
        self.institutions.iter().find(|one| one.key == key).expect("the tables name known institutions")
    }
}

impl Insurer {
    /// A logical reference to the insurer.
    pub(super) fn reference(&self) -> Value {
        let system = format!("http://jpfhir.jp/fhir/core/mhlw/IdSystem/{}", self.system);
        json!({ "identifier": { "system": system, "value": self.number }, "display": self.name })
    }
}

impl Institution {
    /// A logical reference to the institution.
    pub(super) fn reference(&self) -> Value {
        match &self.code {
            Some(code) => json!({ "identifier": { "system": INSTITUTION, "value": code }, "display": self.name }),
            None => json!({ "display": self.name }),
        }
    }
}

/// A month of the tables: counted from the current one, or a calendar month.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Month {
    Offset(i64),
    Calendar(String),
}

impl Month {
    /// The number of the month.
    pub(super) fn index(&self, today: Day) -> i64 {
        match self {
            Self::Offset(months) => today.month_index() + months,
            Self::Calendar(text) => Day::parse(&format!("{text}-01")).expect("a calendar month").month_index(),
        }
    }
}

/// The months in which something recurs.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Recurrence {
    every: i64,
    phase: i64,
}

impl Recurrence {
    pub(super) fn has(self, month: i64) -> bool {
        month.rem_euclid(self.every) == self.phase
    }
}

/// Reads a checked-in table.
///
/// # Panics
/// If it is not of the expected form; tests read all of them.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("a checked-in table is of the expected form")
}

/// A number between both ends, always the same for the same seed (FNV-1a, 64 bits).
pub(super) fn vary(seed: &str, (least, most): (i64, i64)) -> i64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // The upper bits are the better mixed ones.
    let range = (most - least + 1).unsigned_abs().max(1);
    least + i64::try_from((hash >> 32) % range).unwrap_or(0)
}

/// The latest day with this month and day, and those of the years before it, newest first.
pub(super) fn yearly(today: Day, month: i64, day: i64, years: u32) -> Vec<Day> {
    let this_year = Day::of_month(today.month_index().div_euclid(12) * 12 + month - 1).plus_days(day - 1);
    let latest = if this_year <= today { 0 } else { 12 };
    (0..i64::from(years)).map(|year| this_year.month_start(-latest - 12 * year).plus_days(day - 1)).collect()
}

/// `YYYY-MM` and `YYYYMM` of a month.
pub(super) fn month_text(month: i64) -> (String, String) {
    let text = Day::of_month(month).to_string();
    (text[..7].to_owned(), text[..7].replace('-', ""))
}

pub(super) const INSTITUTION: &str = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no";

#[cfg(test)]
mod tests {
    use super::*;

    fn check_digit_is_right(number: &str) -> bool {
        let digits: Vec<u32> = number.chars().map(|digit| digit.to_digit(10).unwrap()).collect();
        let (check, body) = digits.split_last().unwrap();
        let products = body.iter().rev().zip([2, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight);
        let sum: u32 = products.map(|product| product / 10 + product % 10).sum();
        (10 - sum % 10) % 10 == *check
    }

    #[test]
    fn every_number_has_its_check_digit() {
        let directory = Directory::read();
        for insurer in &directory.insurers {
            assert!(check_digit_is_right(&insurer.number), "{}", insurer.number);
        }
        for code in directory.institutions.iter().filter_map(|institution| institution.code.as_deref()) {
            assert!(code.len() == 10 && check_digit_is_right(&code[3..]), "{code}");
        }
    }

    #[test]
    fn numbers_vary_within_their_ends_and_stay() {
        let numbers: Vec<i64> = (0..50).map(|seed| vary(&seed.to_string(), (3, 7))).collect();
        assert!(numbers.contains(&3) && numbers.contains(&7) && numbers.iter().all(|number| (3..=7).contains(number)));
        assert_eq!(vary("a", (0, 1000)), vary("a", (0, 1000)));
    }

    #[test]
    fn yearly_days_lie_in_the_past() {
        let days = |today: &str| -> Vec<String> {
            yearly(Day::parse(today).unwrap(), 6, 12, 2).iter().map(Day::to_string).collect()
        };
        assert_eq!(days("2026-11-20"), ["2026-06-12", "2025-06-12"]);
        assert_eq!(days("2026-06-12"), ["2026-06-12", "2025-06-12"]);
        assert_eq!(days("2026-06-11"), ["2025-06-12", "2024-06-12"]);
    }
}
