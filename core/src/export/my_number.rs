//! Finds what looks like a My Number in text, so that it can be left out.

use crate::json::has_my_number_check_digit;
use crate::text::is_format;

/// Digits of a My Number.
const LENGTH: usize = 12;

/// Whether `text` holds twelve digits, half or full width, perhaps with single spaces or hyphens between them, whose last
/// one is the check digit of ordinance 85 of 2014, article 5.
///
/// One in eleven numbers of twelve digits passes by chance, so that only free text is looked at.
pub(super) fn is_suspected(text: &str) -> bool {
    if text.chars().filter(|c| digit(*c).is_some()).count() < LENGTH {
        return false;
    }
    // Groups of digits; a run of groups has one separator between two of them.
    let mut run: Vec<String> = Vec::new();
    let mut was_separator = false;
    for c in text.chars().filter(|c| !is_format(*c)).chain(['.']) {
        match digit(c) {
            Some(digit) => {
                match run.last_mut().filter(|_| !was_separator) {
                    Some(group) => group.push(digit),
                    None => run.push(digit.to_string()),
                }
                was_separator = false;
            }
            None if is_separator(c) && !was_separator && !run.is_empty() => was_separator = true,
            None => {
                if holds(&run) {
                    return true;
                }
                run.clear();
                was_separator = false;
            }
        }
    }
    false
}

/// Whether some neighbouring groups together are one.
fn holds(groups: &[String]) -> bool {
    (0..groups.len()).any(|start| {
        let mut number = String::new();
        groups.iter().skip(start).take_while(|group| group.len() <= LENGTH).any(|group| {
            number.push_str(group);
            has_my_number_check_digit(&number)
        })
    })
}

fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => {
            let value = u32::from(c).checked_sub(u32::from('０'))?;
            char::from_digit(value, 10)
        }
        _ => None,
    }
}

fn is_separator(c: char) -> bool {
    c == ' ' || c == '\u{3000}' || matches!(c, '-' | '‐' | '‑' | '–' | '—' | '−' | 'ー' | '－' | '･' | '・')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_every_writing() {
        for text in [
            "123456789018",
            "番号は1234-5678-9018です",
            "１２３４　５６７８　９０１８",
            "2026-11-20 123456789018",
            "1 1234 5678 9018",
            "1234\u{200b}5678\u{ad}9018",
        ] {
            assert!(is_suspected(text), "{text}");
        }
        for text in
            ["123456789017", "1234567890185", "0123456789018", "1234--5678-9018", "", "06139992", "12345678901.8"]
        {
            assert!(!is_suspected(text), "{text}");
        }
    }
}
