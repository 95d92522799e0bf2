//! JSON at the border. The first byte of the input says how: as one resource, as a page of a search, or as a small page of
//! which each byte is one part, so that deep, wide and doubled objects are soon found.
#![no_main]

use kazasu::fhir::{Record, read_page};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// What bytes of the third kind stand for.
const PARTS: [&str; 16] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"a\"",
    "\"b\"",
    "\"\\u0061\"",
    "\"resource\"",
    "\"resourceType\":\"Observation\"",
    "\"search\":{\"mode\":\"match\"}",
    "0",
    "null",
    "\"value\":\"123456789018\"",
    "\"system\":\"my-number\"",
];

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    match kind % 3 {
        0 => resource(rest),
        1 => page(rest, false),
        _ => {
            let entries: String = rest.iter().map(|byte| PARTS[usize::from(byte % 16)]).collect();
            page(format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{entries}]}}"#).as_bytes(), true);
        }
    }
});

/// What passes is what serde_json makes of it, nobody's My Number, and has no member twice.
fn resource(text: &[u8]) {
    let Ok(record) = Record::parse(text) else { return };
    let whole: Value = serde_json::from_slice(text).expect("passed the border");
    assert_eq!(record.as_json(), &whole);
    assert_eq!(Record::parse(whole.to_string().as_bytes()).ok().as_ref(), Some(&record));
}

/// What is found one by one is what a reader of the whole finds, in its order and of the wanted type, and each is JSON on
/// its own.
fn page(text: &[u8], is_page: bool) {
    let mut found: Vec<Value> = Vec::new();
    let outcome = read_page(text, "Observation", usize::MAX, &mut |resource, text, cost| {
        assert_eq!(&serde_json::from_str::<Value>(text).expect("JSON"), resource);
        assert!(resource["resourceType"] == "Observation" && cost >= 600, "an object takes a node");
        found.push(resource.clone());
        Ok(())
    });
    if outcome.is_err() {
        return;
    }
    let whole: Value = serde_json::from_slice(text).expect("a page that passed");
    let whole = kazasu::fhir::Page::new(whole).expect("a searchset");
    assert!(is_page || outcome.ok().flatten().as_deref() == whole.next());
    assert_eq!(found, whole.into_matches("Observation"));
}
