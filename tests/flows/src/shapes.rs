//! JSON that costs its reader as much as it can, and honest JSON beside it.

use std::fmt::Write;

/// The person of every resource here, and of the token.
pub const PATIENT: &str = "p-7f3a91";
/// What is dearest to build for its length, one name each.
pub const SHAPES: [&str; 14] = [
    "small objects",
    "empty objects",
    "empty arrays",
    "arrays of one",
    "numbers",
    "decimals",
    "short strings",
    "wide object",
    "deep objects",
    "deep arrays",
    "escaped strings",
    "one long string",
    "members twice",
    "long names",
];

/// A JSON value of this shape, about `size` bytes long.
pub fn shape(name: &str, size: usize) -> String {
    let many = |item: &str| format!("[{}]", vec![item; size / (item.len() + 1) + 1].join(","));
    match name {
        "small objects" => many(r#"{"":0}"#),
        "empty objects" => many("{}"),
        "empty arrays" => many("[]"),
        "arrays of one" => many("[0]"),
        "numbers" => many("0"),
        "decimals" => many("1e9"),
        "short strings" => many(r#""a""#),
        "wide object" => {
            let members: Vec<String> = (0..size / 11 + 1).map(|n| format!(r#""{n:x}":{}"#, n % 10)).collect();
            format!("{{{}}}", members.join(","))
        }
        "deep objects" => many(&format!("{}0{}", r#"{"":"#.repeat(50), "}".repeat(50))),
        "deep arrays" => many(&format!("{}{}", "[".repeat(50), "]".repeat(50))),
        "escaped strings" => many(&format!(r#""{}""#, r"\u3042".repeat((size / 8).min(300_000)))),
        // Small objects use the room up, then one string is unescaped beside them.
        "one long string" => format!(r#"[{},"{}"]"#, shape("small objects", size / 8), r"\n".repeat(size * 3 / 8)),
        "members twice" => format!("{{{}}}", vec![r#""a":0"#; size / 6 + 1].join(",")),
        "long names" => many(&format!(r#"{{"{}":0}}"#, "n".repeat((size / 4).min(1 << 20)))),
        other => panic!("no shape {other}"),
    }
}

/// The notice of the wire contract, §10.1, as HAPI would send it in a page: with `meta`, narrative, `fullUrl` and mode.
fn notice(base: &str, number: usize) -> String {
    let plain = include_str!("../../fuzz/corpus/views/explanation_of_benefit");
    let rest = plain.trim().strip_prefix('{').and_then(|rest| rest.split_once(r#""id":"eob-202610-01""#));
    let (before, after) = rest.expect("the notice with its id");
    let rows = "<tr><td>Type</td><td>みほん内科クリニック</td></tr>".repeat(5);
    format!(
        r##"{{"fullUrl":"{base}/ExplanationOfBenefit/eob-{number}","resource":{{{before}"id":"eob-{number}","meta":{{"versionId":"1","lastUpdated":"2026-11-15T10:00:00.000+09:00","source":"#Ab3dE5gH7jK9mN1p"}},"text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><table>{rows}</table></div>"}}{after},"search":{{"mode":"match"}}}}"##
    )
}

/// One page of a search below `base`, about `size` bytes long. `place` says where the shape stands in it.
pub fn page(base: &str, place: &str, name: &str, size: usize, number: usize, next: Option<&str>) -> String {
    let resource = |inside: &str, n: usize| {
        format!(
            r#"{{"resource":{{"resourceType":"ExplanationOfBenefit","id":"{n}","patient":{{"reference":"Patient/{PATIENT}"}},"x":{inside}}}}}"#
        )
    };
    let mut text = String::from(r#"{"resourceType":"Bundle","type":"searchset""#);
    if let Some(next) = next {
        write!(text, r#","link":[{{"relation":"next","url":"{next}"}}]"#).expect("memory");
    }
    let entries = match place {
        "one" => resource(&shape(name, size), number),
        "many" => {
            let one = resource(&shape(name, 2000), 0);
            vec![one.as_str(); size / one.len() + 1].join(",")
        }
        "tiny" => {
            let one = resource("0", 0);
            vec![one.as_str(); size / one.len() + 1].join(",")
        }
        "entries" => shape(name, size).trim_start_matches('[').trim_end_matches(']').to_owned(),
        "notices" => (0..50).map(|n| notice(base, number * 50 + n)).collect::<Vec<_>>().join(","),
        "beside" => {
            write!(text, r#","x":{}"#, shape(name, size)).expect("memory");
            String::new()
        }
        other => panic!("no place {other}"),
    };
    write!(text, r#","entry":[{entries}]}}"#).expect("memory");
    text
}
