//! An identifier that is a My Number, which nobody may keep here (番号法 19, 20条).

use serde_json::{Map, Value};

const NAMES: [&str; 4] = ["mynumber", "my-number", "individual-number", "個人番号"];

/// An Identifier whose system or type names the My Number and whose value is one. Other 12-digit values are not looked
/// at: one in eleven passes the check digit by chance.
pub(super) fn is_my_number(identifier: &Map<String, Value>) -> bool {
    let value = identifier.get("value").and_then(Value::as_str);
    value.is_some_and(has_my_number_check_digit)
        && ["system", "type"].iter().any(|name| identifier.get(*name).is_some_and(is_named))
}

/// Whether a string anywhere in `value` names the My Number.
fn is_named(value: &Value) -> bool {
    let named = |text: &str| {
        let text = text.to_lowercase();
        NAMES.iter().any(|name| text.contains(name))
    };
    match value {
        Value::String(text) => named(text),
        Value::Array(items) => items.iter().any(is_named),
        Value::Object(members) => members.iter().any(|(name, member)| named(name) || is_named(member)),
        _ => false,
    }
}

/// Twelve digits whose last is the check digit of ordinance 85 of 2014, article 5.
pub(crate) fn has_my_number_check_digit(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    if value.len() != 12 || digits.len() != 12 {
        return false;
    }
    // From the right of the first eleven: weights 2 to 7, then 2 to 6.
    let weights = (2..=7).chain(2..=6);
    let sum: u32 =
        digits.iter().rev().skip(1).zip(weights).map(|(digit, weight): (&u32, u32)| digit.saturating_mul(weight)).sum();
    let remainder = sum % 11;
    let check = if remainder <= 1 { 0 } else { 11_u32.saturating_sub(remainder) };
    digits.last() == Some(&check)
}
