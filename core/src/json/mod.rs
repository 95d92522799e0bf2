//! The border where JSON from a server comes in: bounded in memory, well formed, nothing said twice, and without a My Number.
//!
//! ```text
//! text ─ Build ── counts each part ─▶ Room ── what the text may take ── 5 × its length, 5 to 40 MiB
//!          └───── too deep, too long, said twice, a My Number: refused
//! ```

mod build;
mod my_number;
mod parts;
mod room;

use serde_core::de::DeserializeSeed;
use serde_json::de::Read;
use serde_json::{Deserializer, Value};

use self::build::{Build, MAX_STRING};
pub(crate) use self::my_number::has_my_number_check_digit;
pub(crate) use self::parts::{each_item, each_member};
pub(crate) use self::room::Room;
use crate::error::{Error, ResourceFault};

/// Deepest nesting accepted.
const MAX_DEPTH: usize = 64;
/// Longest error that is read for more than its status, in bytes.
const MAX_ERROR: usize = 256 << 10;

/// Parses JSON that a server sent. `what` names it for developers.
///
/// # Errors
/// [`ResourceFault::Malformed`] for what is no JSON object and for one with a member twice, [`ResourceFault::TooLarge`] for
/// one deeper than 64 levels, with a string over 1 MiB, or that would take more memory than [`Room::for_text`],
/// [`ResourceFault::MyNumber`] for one with an identifier that is a My Number.
pub(crate) fn parse_object(bytes: &[u8], what: &'static str) -> Result<Value, Error> {
    parse_object_without(&[], bytes, what)
}

/// [`parse_object`], with members of these names left out wherever they stand: what nobody looks at takes no room.
///
/// # Errors
/// As [`parse_object`].
pub(crate) fn parse_object_without(without: &[&str], bytes: &[u8], what: &'static str) -> Result<Value, Error> {
    check_strings(bytes)?;
    let room = Room::for_text(bytes.len());
    let value = parse(Deserializer::from_slice(bytes), what, Build { room: &room, without, levels: MAX_DEPTH })?;
    if value.is_object() { Ok(value) } else { Err(ResourceFault::Malformed { what }.into()) }
}

/// Parses a part of a text, `depth` levels into it, within `room`.
///
/// # Errors
/// As [`parse_object`], but any JSON will do.
pub(crate) fn parse_part(text: &str, what: &'static str, room: &Room, depth: usize) -> Result<Value, Error> {
    Ok(parse(
        Deserializer::from_str(text),
        what,
        Build { room, without: &[], levels: MAX_DEPTH.saturating_sub(depth) },
    )?)
}

/// What an unsuccessful answer says, if it says so in JSON and in few words.
pub(crate) fn parse_error(body: &[u8]) -> Option<Value> {
    let body = Some(body).filter(|body| body.len() <= MAX_ERROR)?;
    parse_object(body, "error").ok()
}

/// Parses what passed the border before, such as a row of the store: it may take what it takes, and stand a level deeper.
pub(crate) fn parse_own(bytes: &[u8]) -> Option<Value> {
    let room = Room::boundless();
    parse(Deserializer::from_slice(bytes), "own JSON", Build { room: &room, without: &[], levels: usize::MAX }).ok()
}

/// Refuses a text with a string over 1 MiB before the parser unescapes it, which takes its whole length at once.
///
/// # Errors
/// [`ResourceFault::TooLarge`].
pub(crate) fn check_strings(text: &[u8]) -> Result<(), ResourceFault> {
    let mut rest = if text.len() > MAX_STRING { text } else { &[] };
    let mut len: Option<usize> = None;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        len = match (len, byte) {
            (None, b'"') => Some(0),
            (None, _) => None,
            (Some(_), b'"') => None,
            (Some(len), byte) => {
                if *byte == b'\\' {
                    // What is escaped is a character, whether it is written with one letter or with five.
                    let escaped = if behind.first() == Some(&b'u') { 5 } else { 1 };
                    rest = behind.get(escaped..).unwrap_or_default();
                }
                if len == MAX_STRING {
                    return Err(ResourceFault::TooLarge);
                }
                Some(len.saturating_add(1))
            }
        };
    }
    Ok(())
}

fn parse<'a>(
    mut text: Deserializer<impl Read<'a>>,
    what: &'static str,
    build: Build<'_>,
) -> Result<Value, ResourceFault> {
    let value = build.deserialize(&mut text).and_then(|value| text.end().map(|()| value));
    value.map_err(|error| build.room.fault_of(&error, what))
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
    fn a_member_that_is_said_twice_is_refused_wherever_it_stands() {
        for twice in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"y":{"patient":1,"b":2,"patient":3}}]}"#,
            r#"{"a":{},"b":{},"a":null}"#,
        ] {
            assert_eq!(code(twice), Some("KZ-D01"), "{twice}");
        }
        assert_eq!(code(r#"{"a":{"a":{"a":1}},"A":2,"b":[{"a":1},{"a":2}]}"#), None);
    }

    #[test]
    fn what_costs_more_than_its_bytes_is_refused() {
        let many = |item: &str, count: usize| format!(r#"{{"a":[{}]}}"#, vec![item; count].join(","));
        for item in [r#"{"":0}"#, "{}", "[]", "0", r#""""#, "[[]]", r#"{"a":{"b":0}}"#] {
            assert_eq!(code(&many(item, 10)), None, "{item}");
            assert_eq!(code(&many(item, (8 << 20) / (item.len() + 1))), Some("KZ-D04"), "{item}");
        }
        // As long, and no more than its bytes.
        assert_eq!(code(&many(&format!(r#""{}""#, "x".repeat(10_000)), 800)), None);
    }

    #[test]
    fn what_nobody_looks_at_is_not_built() {
        let text = br#"{"a":1,"text":{"div":["x"]},"b":[{"text":2,"c":3}]}"#;
        let built = parse_object_without(&["text"], text, "test").expect("JSON");
        assert_eq!(built, serde_json::json!({"a": 1, "b": [{"c": 3}]}));
    }

    #[test]
    fn what_is_built_is_what_serde_json_builds() {
        let text = r#"{"n":[0,-1,18446744073709551615,1.5,1e3,null,true],"s":"\u3042\n\"","o":{"":{}},"e":[[]]}"#;
        let own: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(parse_object(text.as_bytes(), "test").expect("JSON"), own);
        assert_eq!(parse_own(text.as_bytes()), Some(own));
    }

    #[test]
    fn long_strings_are_told_before_they_are_unescaped() {
        let of = |inside: &str| check_strings(format!(r#"["x","{inside}"]"#).as_bytes());
        assert_eq!(of(&"x".repeat(MAX_STRING)), Ok(()));
        assert_eq!(of(&"x".repeat(MAX_STRING + 1)), Err(ResourceFault::TooLarge));
        // 1 MiB of text, written in six.
        assert_eq!(of(&"\\u3042".repeat(MAX_STRING / 3)), Ok(()));
        assert_eq!(of(&"\\u0041".repeat(MAX_STRING + 1)), Err(ResourceFault::TooLarge));
        assert_eq!(of(&"\\\"".repeat(MAX_STRING + 1)), Err(ResourceFault::TooLarge));
        assert_eq!(of(&r#"","#.repeat(MAX_STRING)), Ok(()), "many short ones");
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
