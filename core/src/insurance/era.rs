//! 和暦: dates by era, as they stand on cards, forms and in claims. Inside, dates are Gregorian.

use unicode_normalization::UnicodeNormalization;

use super::table::{Node, RulesError, RulesHeader};
use crate::time::CalendarDate;

/// Why a text is no date.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EraError {
    /// None of the forms that are read.
    #[error("no form of a date")]
    Form,
    /// No such era.
    #[error("no such era")]
    UnknownEra,
    /// The day is before or after the era named, as 昭和64年1月8日.
    #[error("the day is not in that era")]
    OutOfEra,
    /// Before 1873 (明治6) Japan counted by another calendar.
    #[error("before the Gregorian calendar in Japan")]
    BeforeGregorian,
    /// No such day, as 令和8年2月29日.
    #[error("no such day")]
    NoSuchDay,
}

/// The table of eras.
#[derive(Clone, Debug)]
pub struct Eras {
    pub(super) header: RulesHeader,
    gregorian_from: CalendarDate,
    /// Oldest first.
    rows: Vec<Era>,
}

#[derive(Clone, Debug)]
struct Era {
    name: String,
    letter: char,
    digit: char,
    first_day: CalendarDate,
}

impl Eras {
    /// Reads a date: 「令和8年11月20日」 with 元年 for the first, `R8.11.20` (also with `/` and `-`), `R081120`, `5081120`
    /// (code of the era, then two digits each), and Gregorian `2026-11-20`, `2026/11/20`, `2026年11月20日`, `20261120`.
    /// Full-width digits and spaces are taken, too.
    ///
    /// # Errors
    /// [`EraError`], by cause.
    pub fn parse(&self, text: &str) -> Result<CalendarDate, EraError> {
        // No form is longer; whoever sends more means something else.
        let text: String = text.chars().take(32).collect::<String>().nfkc().filter(|c| !c.is_whitespace()).collect();
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.of_digits(&text);
        }
        let named = self.rows.iter().find_map(|era| Some((era, text.strip_prefix(era.name.as_str())?)));
        let lettered = || {
            let first = text.chars().next().filter(char::is_ascii_alphabetic)?.to_ascii_uppercase();
            Some((self.rows.iter().find(|era| era.letter == first), text.get(1..)?))
        };
        let (era, rest) = match (named, lettered()) {
            (Some((era, rest)), _) => (Some(era), rest),
            (None, Some((Some(era), rest))) => (Some(era), rest),
            (None, Some((None, _))) => return Err(EraError::UnknownEra),
            (None, None) if text.chars().next().is_some_and(|c| !c.is_ascii_digit()) => {
                return Err(EraError::UnknownEra);
            }
            (None, None) => (None, text.as_str()),
        };
        let (year, month, day) = parts(rest).ok_or(EraError::Form)?;
        match era {
            Some(era) => self.day_in(era, year, month, day),
            None => self.gregorian(year, month, day),
        }
    }

    /// The date by era, such as 「令和8年11月20日」 and 「平成元年1月8日」.
    ///
    /// # Errors
    /// [`EraError::BeforeGregorian`] before 1873.
    pub fn to_japanese(&self, date: CalendarDate) -> Result<String, EraError> {
        let (era, year) = self.era_of(date)?;
        let year = if year == 1 { "元".to_owned() } else { year.to_string() };
        Ok(format!("{}{year}年{}月{}日", era.name, date.month, date.day))
    }

    /// The seven digits of claims: code of the era, year, month, day.
    ///
    /// # Errors
    /// [`EraError::BeforeGregorian`] before 1873, [`EraError::Form`] from the hundredth year of an era.
    pub fn to_code(&self, date: CalendarDate) -> Result<String, EraError> {
        let (era, year) = self.era_of(date)?;
        let year = Some(year).filter(|year| *year < 100).ok_or(EraError::Form)?;
        Ok(format!("{}{year:02}{:02}{:02}", era.digit, date.month, date.day))
    }

    fn era_of(&self, date: CalendarDate) -> Result<(&Era, u16), EraError> {
        if date < self.gregorian_from {
            return Err(EraError::BeforeGregorian);
        }
        let era = self.rows.iter().rev().find(|era| era.first_day <= date).ok_or(EraError::BeforeGregorian)?;
        Ok((era, date.year.saturating_sub(era.first_day.year).saturating_add(1)))
    }

    fn of_digits(&self, text: &str) -> Result<CalendarDate, EraError> {
        let number = |from, to| text.get(from..to).and_then(|part| part.parse().ok()).ok_or(EraError::Form);
        match text.len() {
            8 => self.gregorian(number(0, 4)?, number(4, 6)?, number(6, 8)?),
            7 => {
                let era = self.rows.iter().find(|era| text.starts_with(era.digit)).ok_or(EraError::UnknownEra)?;
                self.day_in(era, number(1, 3)?, number(3, 5)?, number(5, 7)?)
            }
            _ => Err(EraError::Form),
        }
    }

    fn day_in(&self, era: &Era, year: u16, month: u16, day: u16) -> Result<CalendarDate, EraError> {
        let year = year.checked_sub(1).ok_or(EraError::OutOfEra)?.saturating_add(era.first_day.year);
        let date = self.gregorian(year, month, day)?;
        let after = self.rows.iter().find(|other| other.first_day > era.first_day);
        let is_inside = date >= era.first_day && after.is_none_or(|after| date < after.first_day);
        if is_inside { Ok(date) } else { Err(EraError::OutOfEra) }
    }

    fn gregorian(&self, year: u16, month: u16, day: u16) -> Result<CalendarDate, EraError> {
        let date = CalendarDate::parse(&format!("{year:04}-{month:02}-{day:02}")).ok_or(EraError::NoSuchDay)?;
        if date < self.gregorian_from { Err(EraError::BeforeGregorian) } else { Ok(date) }
    }

    pub(super) fn read(header: RulesHeader, node: Node<'_>) -> Result<Self, RulesError> {
        let mut rows = node.field("eras")?.list()?.iter().map(Era::read).collect::<Result<Vec<_>, _>>()?;
        rows.sort_by_key(|era| era.first_day);
        Ok(Self { header, gregorian_from: node.field("gregorian_from")?.date()?, rows })
    }
}

impl Era {
    fn read(node: &Node<'_>) -> Result<Self, RulesError> {
        let (letter, digit) = (node.field("letter")?, node.field("digit")?);
        let number: u32 = digit.whole()?;
        Ok(Self {
            name: node.field("name")?.text()?.to_owned(),
            letter: letter.text()?.chars().next().ok_or_else(|| letter.wrong())?,
            digit: char::from_digit(number, 10).ok_or_else(|| digit.wrong())?,
            first_day: node.field("first_day")?.date()?,
        })
    }
}

/// Year, month and day of `8年11月20日`, `8.11.20`, `8/11/20`, `8-11-20` or `081120`.
fn parts(text: &str) -> Option<(u16, u16, u16)> {
    let number = |part: &str, most: usize| {
        let is_number = (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse().ok())?
    };
    if text.len() == 6 && text.is_ascii() {
        let two = |from, to| text.get(from..to).and_then(|part| number(part, 2));
        if let (Some(year), Some(month), Some(day)) = (two(0, 2), two(2, 4), two(4, 6)) {
            return Some((year, month, day));
        }
    }
    let (year, rest, separator) = match text.split_once('年') {
        Some((year, rest)) => (year, rest.strip_suffix('日')?, '月'),
        None => {
            let separator = text.chars().find(|c| matches!(c, '.' | '/' | '-'))?;
            let (year, rest) = text.split_once(separator)?;
            (year, rest, separator)
        }
    };
    let (month, day) = rest.split_once(separator)?;
    let year = if year == "元" { 1 } else { number(year, 4)? };
    Some((year, number(month, 2)?, number(day, 2)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Rules;
    use super::*;

    fn eras() -> Eras {
        Rules::embedded().expect("tables").eras
    }

    #[test]
    fn texts_that_are_no_dates_are_told_apart() {
        let eras = eras();
        for (text, error) in [
            ("", EraError::Form),
            ("R8.11", EraError::Form),
            ("R8.11-20", EraError::Form),
            ("令和8年11月20", EraError::Form),
            ("R8..20", EraError::Form),
            ("081120", EraError::Form),
            ("R+8.11.20", EraError::Form),
            ("X8.11.20", EraError::UnknownEra),
            ("慶応3年1月1日", EraError::UnknownEra),
            ("6081120", EraError::UnknownEra),
            ("令和8年2月29日", EraError::NoSuchDay),
            ("2026-02-29", EraError::NoSuchDay),
            ("R0.1.1", EraError::OutOfEra),
            ("平成32年1月1日", EraError::OutOfEra),
            ("令和元年4月30日", EraError::OutOfEra),
            ("明治5年12月2日", EraError::BeforeGregorian),
            ("1872-12-31", EraError::BeforeGregorian),
        ] {
            assert_eq!(eras.parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn each_era_ends_the_day_before_the_next_begins() {
        let eras = eras();
        for pair in eras.rows.windows(2) {
            let first = eras.to_japanese(pair[1].first_day).expect("a date");
            assert!(first.starts_with(&format!("{}元年", pair[1].name)), "{first}");
            let last = eras.to_japanese(pair[1].first_day.day_before()).expect("a date");
            assert!(last.starts_with(&pair[0].name), "{last}");
        }
        assert_eq!(eras.to_japanese(CalendarDate { year: 1872, month: 12, day: 31 }), Err(EraError::BeforeGregorian));
        assert_eq!(eras.to_code(CalendarDate { year: 2118, month: 1, day: 1 }), Err(EraError::Form));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(year in 1873_u16..2117, month in 1_u8..=12, day in 1_u8..=28) {
            let eras = eras();
            let date = CalendarDate { year, month, day };
            prop_assert_eq!(eras.parse(&eras.to_japanese(date).expect("an era")), Ok(date));
            prop_assert_eq!(eras.parse(&eras.to_code(date).expect("a code")), Ok(date));
            prop_assert_eq!(eras.parse(&date.to_string()), Ok(date));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            _ = eras().parse(&text);
        }
    }
}
