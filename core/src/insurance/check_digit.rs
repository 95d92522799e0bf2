//! Check digits of the numbers of health insurance, and the one by which a My Number is recognised to be refused.

use unicode_normalization::UnicodeNormalization;

use crate::json::has_my_number_check_digit;
use crate::text::is_format;

/// What a check found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckDigit {
    /// The digit fits.
    Ok,
    /// Another number of characters than such numbers have.
    BadLength,
    /// A character that is no ASCII digit.
    NonDigit,
    /// Another digit was expected.
    BadCheck {
        /// The digit that would fit.
        expected: u8,
    },
}

/// Checks a 保険者番号 of 8 digits, or of 6 for 国民健康保険. From a server a mismatch is a warning only.
pub fn check_insurer_number(number: &str) -> CheckDigit {
    check(number, &[6, 8])
}

/// Checks a 公費負担者番号 of 8 digits. From a server a mismatch is a warning only.
pub fn check_public_payer_number(number: &str) -> CheckDigit {
    check(number, &[8])
}

/// Checks a 公費受給者番号 of 7 digits, as national programmes have; local ones may be longer and have no check digit.
pub fn check_beneficiary_number(number: &str) -> CheckDigit {
    check(number, &[7])
}

/// Checks a 医療機関コード of 7 digits, or of 10 with prefecture (2) and 点数表番号 (1) before them, which its check
/// digit does not cover.
pub fn check_institution_code(code: &str) -> CheckDigit {
    match code.get(3..).filter(|_| code.len() == 10) {
        Some(_) if !code.bytes().all(|byte| byte.is_ascii_digit()) => CheckDigit::NonDigit,
        Some(own) => check(own, &[7]),
        None => check(code, &[7]),
    }
}

/// 検証番号 (厚生労働省 保険者番号等設定要領): from the right of the body the weights are 2, 1, 2, 1, …, the digits of a
/// product are added, and the check digit fills the sum up to a multiple of ten.
fn check(number: &str, lengths: &[usize]) -> CheckDigit {
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return CheckDigit::NonDigit;
    }
    if !lengths.contains(&number.len()) {
        return CheckDigit::BadLength;
    }
    let mut digits = number.bytes().rev().map(|byte| byte & 0x0f);
    let last = digits.next().unwrap_or_default();
    let sum: u32 = digits
        .zip([2_u8, 1].into_iter().cycle())
        .map(|(digit, weight)| digit.saturating_mul(weight))
        .map(|product| u32::from(product / 10).saturating_add(u32::from(product % 10)))
        .sum();
    let expected = u8::try_from(10_u32.saturating_sub(sum % 10) % 10).unwrap_or_default();
    if last == expected { CheckDigit::Ok } else { CheckDigit::BadCheck { expected } }
}

/// Whether a free text holds what looks like a My Number: twelve digits in a run, of full or half width, with spaces or
/// hyphens between them, whose last is the check digit of 総務省令第85号 5条. A run of more than twelve digits is none.
///
/// Only for refusing a text; the number itself is neither returned nor kept. Fields with a form of their own (receipt
/// numbers, identifiers, amounts) are not to be scanned: one number in eleven passes by chance.
pub fn suspects_my_number(text: &str) -> bool {
    runs(text).iter().any(|groups| is_suspicious(groups))
}

/// Groups of digits, by run: between two groups of a run stand only spaces and hyphens.
fn runs(text: &str) -> Vec<Vec<String>> {
    let mut runs = vec![vec![String::new()]];
    for c in text.chars().filter(|c| !is_format(*c)).nfkc() {
        let Some(run) = runs.last_mut() else { continue };
        if c.is_ascii_digit() {
            if let Some(group) = run.last_mut() {
                group.push(c);
            }
        } else if is_separator(c) {
            if run.last().is_some_and(|group| !group.is_empty()) {
                run.push(String::new());
            }
        } else {
            runs.push(vec![String::new()]);
        }
    }
    runs
}

/// The whole run, or, where something else stands before or after it, a group of twelve or three groups of four that
/// are not part of more such groups.
fn is_suspicious(groups: &[String]) -> bool {
    let passes = |groups: &[String]| has_my_number_check_digit(&groups.concat());
    let is_four = |at: Option<usize>| at.and_then(|at| groups.get(at)).is_some_and(|group| group.len() == 4);
    let threes = groups.windows(3).enumerate().filter(|(at, three)| {
        let alone = !is_four(at.checked_sub(1)) && !is_four(at.checked_add(3));
        alone && three.iter().all(|group| group.len() == 4)
    });
    passes(groups) || groups.chunks(1).any(passes) || threes.into_iter().any(|(_, three)| passes(three))
}

/// Spaces of any width on one line, and whatever is typed as a hyphen. NFKC has folded the full-width forms.
fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_and_synthetic_numbers() {
        for number in ["01130012", "33120015", "138016", "39131016", "06139992"] {
            assert_eq!(check_insurer_number(number), CheckDigit::Ok, "{number}");
        }
        assert_eq!(check_insurer_number("06139991"), CheckDigit::BadCheck { expected: 2 });
        assert_eq!(check_insurer_number("0613999"), CheckDigit::BadLength);
        assert_eq!(check_insurer_number("０６１３９９９２"), CheckDigit::NonDigit);
        assert_eq!(check_insurer_number(""), CheckDigit::BadLength);
    }

    #[test]
    fn each_kind_of_number_has_its_lengths() {
        assert_eq!(check_public_payer_number("54016027"), CheckDigit::Ok);
        assert_eq!(check_public_payer_number("138016"), CheckDigit::BadLength);
        assert_eq!(check_beneficiary_number("1234566"), CheckDigit::Ok);
        assert_eq!(check_beneficiary_number("12345678"), CheckDigit::BadLength);
        assert_eq!(check_institution_code("9999996"), CheckDigit::Ok);
        assert_eq!(check_institution_code("1319999996"), CheckDigit::Ok);
        assert_eq!(check_institution_code("1319999995"), CheckDigit::BadCheck { expected: 6 });
        assert_eq!(check_institution_code("13x9999996"), CheckDigit::NonDigit);
        assert_eq!(check_institution_code("131999999"), CheckDigit::BadLength);
    }

    #[test]
    fn a_my_number_is_suspected_however_it_is_typed() {
        for text in [
            "123456789018",
            "1234 5678 9018",
            "1234-5678-9018",
            "１２３４５６７８９０１８",
            "１２３４－５６７８－９０１８",
            "1234　5678　9018",
            "番号は1234ー5678ー9018です",
            "12345 678901 8",
            "2026-11-20 123456789018",
            "2026-11-20 1234 5678 9018",
            "1234\u{200b}5678\u{2060}9018",
            "123456\u{ad}789018",
        ] {
            assert!(suspects_my_number(text), "{text}");
        }
    }

    #[test]
    fn other_digits_are_not() {
        for text in [
            "",
            "123456789012",
            "1234567890180",
            "0123456789018",
            "12345678901",
            "1234 5678 9018 3456",
            "12345678901,8",
            "123456\n789018",
            "03-1234-5678",
            "領収書 20261031",
        ] {
            assert!(!suspects_my_number(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_digit_is_noticed(body in 0_u32..10_000_000, at in 0_usize..8, by in 1_u8..=9) {
            let mut numbers = (0..10).map(|last| format!("{body:07}{last}"));
            let valid = numbers.find(|number| check_insurer_number(number) == CheckDigit::Ok);
            let mut digits = valid.expect("one of ten fits").into_bytes();
            digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
            let changed = String::from_utf8(digits).expect("ASCII");
            let noticed = matches!(check_insurer_number(&changed), CheckDigit::BadCheck { .. });
            prop_assert!(noticed);
        }

        #[test]
        fn any_text_is_scanned(text in ".*") {
            _ = suspects_my_number(&text);
        }
    }
}
