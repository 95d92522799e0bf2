//! PINs that others guess first. Looked at while typing; nothing is kept.

use unicode_normalization::UnicodeNormalization;

use crate::time::CalendarDate;

/// What others may know about the holder of a card; the more is known here, the more is found. Nothing of it is kept.
#[derive(Clone, Copy, Default)]
pub struct Holder<'a> {
    /// Date of birth.
    pub birth_date: Option<CalendarDate>,
    /// Phone number as typed: half or full width, with hyphens or without.
    pub phone: Option<&'a str>,
}

crate::secret::opaque_debug!(Holder<'_>);

/// Whether four digits are easy to guess: one digit four times, a run up or down, a year 19xx or 20xx, a date of birth as
/// MMDD, DDMM, YYYY or YYMM, or the last four digits of the phone number. Anything but four digits is not.
pub fn is_guessable_pin(pin: &[u8], holder: Holder<'_>) -> bool {
    let Ok(&[a, b, c, d]) = <&[u8; 4]>::try_from(pin) else { return false };
    if !pin.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let follows = |step: i8| [(a, b), (b, c), (c, d)].iter().all(|(x, y)| x.checked_add_signed(step) == Some(*y));
    let year = matches!((a, b), (b'1', b'9') | (b'2', b'0'));
    let is_known = || {
        holder.birth_date.is_some_and(|date| is_date(pin, date))
            || holder.phone.is_some_and(|phone| is_end_of_phone(pin, phone))
    };
    follows(0) || follows(1) || follows(-1) || year || is_known()
}

fn is_end_of_phone(pin: &[u8], phone: &str) -> bool {
    let digits: Vec<u8> = phone.nfkc().filter(char::is_ascii_digit).filter_map(|c| u8::try_from(c).ok()).collect();
    digits.ends_with(pin)
}

fn is_date(pin: &[u8], date: CalendarDate) -> bool {
    let CalendarDate { year, month, day } = date;
    let short_year = year % 100;
    [
        format!("{month:02}{day:02}"),
        format!("{day:02}{month:02}"),
        format!("{year:04}"),
        format!("{short_year:02}{month:02}"),
    ]
    .iter()
    .any(|guess| guess.as_bytes() == pin)
}

/// Whether a new PIN or password is easy to guess: four digits as [`is_guessable_pin`] says, and anything longer when it
/// has fewer than three different characters or is a run up or down, in the form the card gets it.
pub fn is_guessable_secret(secret: &[u8], holder: Holder<'_>) -> bool {
    if secret.len() == 4 {
        return is_guessable_pin(secret, holder);
    }
    let folded = |byte: &u8| byte.to_ascii_uppercase();
    let runs = |step: i8| {
        let mut pairs = secret.iter().zip(secret.iter().skip(1));
        pairs.all(|(a, b)| folded(a).checked_add_signed(step) == Some(folded(b)))
    };
    let different = |byte: u8| secret.iter().any(|other| folded(other) == byte);
    (0..=u8::MAX).filter(|byte| different(*byte)).count() < 3 || runs(1) || runs(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easy_digits_are_told_from_others() {
        let birth = Holder { birth_date: CalendarDate::parse("1990-04-05"), phone: None };
        for easy in ["0000", "1234", "6789", "4321", "1985", "2011", "0405", "0504", "1990", "9004"] {
            assert!(is_guessable_pin(easy.as_bytes(), birth), "{easy}");
        }
        for fine in ["1357", "8013", "9012", "7390"] {
            assert!(!is_guessable_pin(fine.as_bytes(), birth), "{fine}");
        }
        assert!(!is_guessable_pin(b"0405", Holder::default()));
        for easy in [&b"AAAAAA"[..], b"ababab", b"ABCDEF", b"654321", b"abcDEFgh", b"1234"] {
            assert!(is_guessable_secret(easy, birth), "{easy:02x?}");
        }
        assert!(!is_guessable_secret(b"ABC123", birth) && !is_guessable_secret(b"7390", birth));
        assert!(!is_guessable_pin("１１１１".as_bytes(), Holder::default()));
    }

    #[test]
    fn the_end_of_the_phone_number_is_easy() {
        for phone in ["090-1234-8013", "０９０ー１２３４ー８０１３", "+81 90 1234 8013", "8013"] {
            let holder = Holder { phone: Some(phone), ..Holder::default() };
            assert!(is_guessable_pin(b"8013", holder), "{phone}");
            assert!(!is_guessable_pin(b"1380", holder) && !is_guessable_pin(b"2348", holder), "{phone}");
        }
        for phone in ["", "013", "80130", "八〇一三"] {
            assert!(!is_guessable_pin(b"8013", Holder { phone: Some(phone), ..Holder::default() }), "{phone}");
        }
        let holder = Holder { phone: Some("090-1234-8013"), ..Holder::default() };
        assert!(!format!("{holder:?}").contains("8013"));
    }
}
