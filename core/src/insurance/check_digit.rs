//! Check digit of insurer numbers (保険者番号の検証番号, 厚生労働省 保険者番号等設定要領).

/// What a check found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckDigit {
    /// The digit fits.
    Ok,
    /// Neither 6 nor 8 characters.
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
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return CheckDigit::NonDigit;
    }
    if !matches!(number.len(), 6 | 8) {
        return CheckDigit::BadLength;
    }
    let mut digits = number.bytes().rev().map(|byte| byte & 0x0f);
    let last = digits.next().unwrap_or_default();
    // From the right of the body: 2, 1, 2, 1, …; the digits of a product are added.
    let sum: u32 = digits
        .zip([2_u8, 1].into_iter().cycle())
        .map(|(digit, weight)| digit.saturating_mul(weight))
        .map(|product| u32::from(product / 10).saturating_add(u32::from(product % 10)))
        .sum();
    let expected = u8::try_from(10_u32.saturating_sub(sum % 10) % 10).unwrap_or_default();
    if last == expected { CheckDigit::Ok } else { CheckDigit::BadCheck { expected } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_and_synthetic_numbers() {
        for number in ["01130012", "33120015", "138016", "39131016", "06139992"] {
            assert_eq!(check_insurer_number(number), CheckDigit::Ok, "{number}");
        }
        assert_eq!(check_insurer_number("06139991"), CheckDigit::BadCheck { expected: 2 });
        assert_eq!(check_insurer_number("0613999"), CheckDigit::BadLength);
        assert_eq!(check_insurer_number("０６１３９９９２"), CheckDigit::NonDigit);
    }
}
