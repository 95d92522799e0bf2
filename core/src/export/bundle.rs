//! The records of one member as a FHIR R4 Bundle of type `collection`, for any reader of FHIR.

use std::borrow::Borrow;
use std::io::{BufWriter, Write};

use serde_json::Value;

use super::ExportError;
use super::redaction::{BundleOptions, redacted};
use crate::fhir::{NAMESPACE, is_id};
use crate::time::UnixMillis;

/// Writes the Bundle and returns the number of its entries. One resource at a time is kept, and a copy of it without what
/// `options` leave out; unknown elements stay.
///
/// Entries have `{NAMESPACE}/{type}/{id}` as `fullUrl`, so that references such as `Patient/p-1` are found (FHIR R4,
/// 2.36.4.1). Two resources of one type and id would share it: the caller passes each but once. What is no resource is
/// left out.
///
/// # Errors
/// [`ExportError::Write`].
pub fn write_bundle(
    resources: impl IntoIterator<Item = impl Borrow<Value>>,
    made_at: UnixMillis,
    options: &BundleOptions,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    write!(out, r#"{{"resourceType":"Bundle","type":"collection","timestamp":"{}""#, made_at.to_rfc3339())?;
    let mut count = 0_u64;
    for resource in resources {
        let resource = redacted(resource.borrow(), options);
        let text = |name| resource.get(name).and_then(Value::as_str);
        let Some(kind) = text("resourceType") else { continue };
        // An empty array is no FHIR: `entry` begins with its first one.
        out.write_all(if count == 0 { b",\"entry\":[{" } else { b",\n{" })?;
        let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
        if let Some(id) = text("id").filter(|id| is_kind && is_id(id)) {
            write!(out, r#""fullUrl":"{NAMESPACE}/{kind}/{id}","#)?;
        }
        out.write_all(b"\"resource\":")?;
        serde_json::to_writer(&mut out, &resource)
            .map_err(|error| ExportError::Write { kind: error.io_error_kind().unwrap_or(std::io::ErrorKind::Other) })?;
        out.write_all(b"}")?;
        count = count.saturating_add(1);
    }
    out.write_all(if count == 0 { b"}\n" } else { b"]}\n" })?;
    out.flush()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bundle(resources: &[Value], include_identifiers: bool, include_names: bool) -> Value {
        let names = ["見本　花子"];
        let options = BundleOptions { include_identifiers, include_names, nickname: "はな", names: &names };
        let mut out = Vec::new();
        write_bundle(resources, UnixMillis::from_seconds(1_795_137_303), &options, &mut out).expect("written");
        serde_json::from_slice(&out).expect("JSON")
    }

    /// The answer for a valid person, and the resources of other kinds, as a server sends them.
    fn resources() -> Vec<Value> {
        let wire = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/wire");
        let mut files: Vec<_> =
            std::fs::read_dir(wire).expect("vectors").map(|file| file.expect("file").path()).collect();
        files.sort();
        let read = |file| serde_json::from_slice::<Value>(&std::fs::read(file).expect("file")).ok();
        files.into_iter().filter_map(read).filter(|value| value.get("resourceType").is_some()).collect()
    }

    #[test]
    fn neither_numbers_nor_names_leave_unasked() {
        let resources = resources();
        assert!(resources.len() > 5);
        let all = bundle(&resources, true, true).to_string();
        let without = bundle(&resources, false, false).to_string();
        for secret in ["００１２３４", "７７０１", "subscriberId", "memberID", "見本 花子", "\"dependent\""]
        {
            assert!(all.contains(secret), "the vectors have {secret}");
            assert!(!without.contains(secret), "{secret}");
        }
        for kept in ["見本健康保険組合", "みほん内科クリニック", "06139992", "InsuredPersonCategory", "K7Q2-9M4D-13XA"]
        {
            assert!(without.contains(kept), "{kept}");
        }
        let numbers = bundle(&resources, true, false).to_string();
        assert!(numbers.contains("００１２３４") && !numbers.contains("見本 花子"));
    }

    #[test]
    fn names_go_from_texts_and_my_numbers_from_everywhere() {
        let patient = json!({"resourceType": "Patient", "id": "p-1", "text": {"status": "generated", "div": "x"},
            "identifier": [{"system": "urn:x:mynumber", "value": "123456789018"}],
            "name": [{"text": "見本 花子"}], "telecom": [{"value": "1"}], "birthDate": "1990-01-01"});
        let note = json!({"resourceType": "Observation", "id": "o-1", "subject": {"identifier":
            {"system": "urn:oid:JP_Insurance_memberID", "value": "1:2:3:4"}},
            "note": [{"text": "見本花子さんの番号は１２３４ ５６７８ ９０１８"}, {"text": "見本　花子さん"}]});
        let claim = json!({"resourceType": "ExplanationOfBenefit", "identifier": [{"value": "n-1"},
            {"type": {"coding": [{"code": "MB"}]}, "value": "7701"}], "insurance": [{"focal": true, "coverage":
            {"identifier": {"value": "7701:1234"}, "display": "7701"}}]});
        let bare = bundle(&[claim], false, false)["entry"][0]["resource"].to_string();
        assert!(!bare.contains("7701") && bare.contains("n-1") && bare.contains("masked"), "{bare}");
        let all = bundle(&[patient.clone(), note.clone()], true, true).to_string();
        assert!(!all.contains("123456789018") && !all.contains("１２３４"), "{all}");
        let without = bundle(&[patient, note], false, false);
        let resource = |at: usize| &without["entry"][at]["resource"];
        assert_eq!(
            *resource(0),
            json!({"resourceType": "Patient", "id": "p-1", "name": [{"text": "はな"}],
            "birthDate": "1990-01-01"})
        );
        assert_eq!(resource(1)["subject"]["extension"][0]["valueCode"], "masked");
        assert_eq!(resource(1)["note"][1]["text"], "はなさん");
        assert_eq!(without["entry"][0]["fullUrl"], "https://kazasu.example/fhir/Patient/p-1");
    }

    #[test]
    fn nothing_gives_a_bundle_without_entries() {
        let nothing: [Value; 1] = [json!({"no": "resource"})];
        let bundle = bundle(&nothing, false, false);
        assert_eq!(bundle.get("entry"), None);
        assert_eq!(bundle["timestamp"], "2026-11-20T10:15:03+09:00");
    }
}
