//! The border where JSON from a server comes in: bounded, well formed, and without a My Number.

use serde_json::Value;

use crate::error::{Error, ResourceFault};

/// Deepest nesting accepted.
const MAX_DEPTH: usize = 64;
/// Longest string accepted, in bytes.
const MAX_STRING: usize = 1 << 20;

/// Parses JSON that a server sent. `what` names it for developers.
///
/// # Errors
/// [`ResourceFault::Malformed`] for what is no JSON object, [`ResourceFault::TooLarge`] for one deeper than 64 levels or
/// with a string over 1 MiB, [`ResourceFault::MyNumber`] for one with an identifier that is a My Number.
pub(crate) fn parse_object(bytes: &[u8], what: &'static str) -> Result<Value, Error> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        // serde_json stops at 128 levels by itself; that is depth, not form.
        let too_deep = error.to_string().starts_with("recursion limit");
        if too_deep { ResourceFault::TooLarge } else { ResourceFault::Malformed { what } }
    })?;
    if !value.is_object() {
        return Err(ResourceFault::Malformed { what }.into());
    }
    check(&value, 1)?;
    Ok(value)
}

fn check(value: &Value, depth: usize) -> Result<(), ResourceFault> {
    if depth > MAX_DEPTH {
        return Err(ResourceFault::TooLarge);
    }
    match value {
        Value::String(text) if text.len() > MAX_STRING => Err(ResourceFault::TooLarge),
        Value::Array(items) => items.iter().try_for_each(|item| check(item, depth.saturating_add(1))),
        Value::Object(members) => {
            if is_my_number(value) {
                return Err(ResourceFault::MyNumber);
            }
            members.values().try_for_each(|member| check(member, depth.saturating_add(1)))
        }
        _ => Ok(()),
    }
}

/// An Identifier whose system or type names the My Number and whose value is one. Other 12-digit values are not looked
/// at: one in eleven passes the check digit by chance.
fn is_my_number(identifier: &Value) -> bool {
    let Some(value) = identifier.get("value").and_then(Value::as_str) else { return false };
    let names = [identifier.get("system"), identifier.get("type")];
    let named = names.into_iter().flatten().any(|name| {
        let name = name.to_string().to_lowercase();
        ["mynumber", "my-number", "individual-number", "個人番号"].iter().any(|word| name.contains(word))
    });
    named && has_my_number_check_digit(value)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn code(json: &str) -> Option<&'static str> {
        parse_object(json.as_bytes(), "test").err().map(|error| error.code())
    }

    #[test]
    fn only_json_objects_pass() {
        assert_eq!(code(r#"{"a":[1,"b",null]}"#), None);
        for bad in ["", "[]", "null", "{", r#"{"a":1}x"#, "<html>"] {
            assert_eq!(code(bad), Some("KZ-D01"), "{bad}");
        }
    }

    #[test]
    fn depth_and_string_length_are_bounded() {
        let nested = |n: usize| format!("{}{{}}{}", r#"{"a":"#.repeat(n), "}".repeat(n));
        assert_eq!(code(&nested(63)), None);
        assert_eq!(code(&nested(64)), Some("KZ-D04"));
        assert_eq!(code(&nested(10_000)), Some("KZ-D04"));
        assert_eq!(code(&format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_STRING + 1))), Some("KZ-D04"));
    }

    #[test]
    fn a_named_my_number_is_refused_and_nothing_else() {
        let with = |system: &str, value: &str| {
            code(&format!(r#"{{"contained":[{{"identifier":[{{"system":"{system}","value":"{value}"}}]}}]}}"#))
        };
        assert_eq!(with("https://x.example/MyNumber", "123456789018"), Some("KZ-D05"));
        assert_eq!(with("urn:個人番号", "123456789018"), Some("KZ-D05"));
        assert_eq!(with("https://x.example/MyNumber", "123456789012"), None, "wrong check digit");
        assert_eq!(with("https://x.example/receipt", "123456789018"), None, "a receipt");
        let typed = r#"{"type":{"text":"Individual-Number"},"value":"123456789018"}"#;
        assert_eq!(code(&format!(r#"{{"identifier":[{typed}]}}"#)), Some("KZ-D05"));
    }
}
