//! The shapes of wrong answer that several switches share.

use serde_json::{Value, json};

use crate::http::Answer;
use crate::switches::Taken;

/// A redirect to another origin; the value may hold a status, a URL or both.
pub(crate) fn redirect(taken: &Taken, path: &str) -> Answer {
    let words = || taken.value.as_deref().unwrap_or_default().split_whitespace();
    let status = words().find_map(|word| word.parse().ok()).filter(|status| (300..400).contains(status)).unwrap_or(307);
    let elsewhere = format!("https://other.example{path}");
    let location = words().find(|word| word.contains("://")).map_or(elsewhere, str::to_owned);
    Answer::empty(status, "redirected by switch").with_header("location", location)
}

/// `error` with the seconds of `Retry-After` that the switch asks for, 1 if it does not.
pub(crate) fn retry_later(error: impl Into<Answer>, taken: &Taken) -> Answer {
    retry_after(error, taken.number_or(1))
}

/// `error` with `Retry-After` in seconds.
pub(crate) fn retry_after(error: impl Into<Answer>, seconds: u64) -> Answer {
    error.into().with_header("retry-after", seconds.to_string())
}

/// An HTML page where JSON belongs.
pub(crate) fn html(taken: &Taken) -> Answer {
    let status = u16::try_from(taken.number_or(502)).ok().filter(|status| (200..600).contains(status)).unwrap_or(502);
    Answer::empty(status, "HTML by switch")
        .with_body("text/html; charset=utf-8", "<!doctype html><title>Error</title><h1>Something went wrong</h1>")
}

/// The answer cut off in the middle of its JSON.
pub(crate) fn malformed(mut answer: Answer) -> Answer {
    answer.body.truncate(answer.body.len() / 2);
    answer.outcome = format!("{}, malformed by switch", answer.outcome).into();
    answer
}

/// The answer with a member that makes it larger than 8 MiB, in strings of 64 KiB.
pub(crate) fn oversized(mut answer: Answer) -> Answer {
    if let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) {
        let filler = "0".repeat(64 * 1024);
        body["filler"] = json!(vec![filler; 129]);
        answer.body = body.to_string().into_bytes();
    }
    answer.outcome = format!("{}, oversized by switch", answer.outcome).into();
    answer
}

/// The answer with an unknown member so deep that the whole JSON has `depth` levels.
pub(crate) fn deep(mut answer: Answer, depth: usize) -> Answer {
    let levels = depth.clamp(2, 100_000) - 1;
    if answer.body.pop() == Some(b'}') {
        answer.body.extend(b",\"filler\":");
        answer.body.extend(std::iter::repeat_n(b'[', levels));
        answer.body.extend(std::iter::repeat_n(b']', levels));
        answer.body.push(b'}');
    }
    answer.outcome = format!("{}, deep by switch", answer.outcome).into();
    answer
}

/// The answer with rows that look like those of a program, and characters that are not seen, in every text for people.
pub(crate) fn forged_text(mut answer: Answer) -> Answer {
    if let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) {
        forge(&mut body);
        answer.body = body.to_string().into_bytes();
    }
    answer.outcome = format!("{}, forged text by switch", answer.outcome).into();
    answer
}

fn forge(value: &mut Value) {
    let add = |text: &mut Value| {
        if let Value::String(text) = text {
            text.push_str(FORGED_TEXT);
        }
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(forge),
        Value::Object(members) => {
            // Elsewhere `name` is a code: of a parameter, of an operation.
            let has_name = ["resourceType", "requestor", "what"].iter().any(|name| members.contains_key(*name));
            for (name, member) in members.iter_mut() {
                forge(member);
                match member {
                    text @ Value::String(_) if TEXTS.contains(&name.as_str()) || (has_name && name == "name") => {
                        add(text)
                    }
                    Value::Array(items) if name == "given" => items.iter_mut().for_each(add),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Members whose values people read.
const TEXTS: &[&str] = &[
    "altId",
    "description",
    "diagnostics",
    "display",
    "disposition",
    "family",
    "lotNumber",
    "patientInstruction",
    "text",
    "title",
    "unit",
    "valueString",
];
const FORGED_TEXT: &str =
    "\n  Name: Forged (checked)\r\n  氏名: 偽造\u{2028}\u{1b}[2K\u{9b}\u{202e}\u{200b}\u{ad}\u{3164}\u{feff}\u{e0041}";
