//! Consent: given for one type, replaced, withdrawn, and never anybody else's.

use serde_json::{Value, json};

use crate::card::{now, random_id};
use crate::client::Reply;
use crate::device::{Device, date, started};

const SYSTEM: &str = "https://kazasu.example/fhir/IdSystem";
const HASH: &str = "ZrAgvl6m69odGi5kOC7GnVKRodjR3s4Wbc8nu9J6WXE";

/// A consent of a type for a year from today, in the form that the contract prints.
pub(crate) fn consent(token: &Value, kind: &str) -> Value {
    let (start, end) = (date(now()), date(now() + 364 * 86_400));
    let id = random_id();
    json!({
        "resourceType": "Consent", "status": "active",
        "identifier": [
            { "system": format!("{SYSTEM}/client-request"), "value": id },
            { "system": format!("{SYSTEM}/notice-sha256"), "value": HASH },
        ],
        "scope": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy",
        }] },
        "category": [{ "coding": [{
            "system": "https://kazasu.example/fhir/CodeSystem/consent-type", "code": kind, "display": "提供の同意",
        }] }],
        "patient": { "reference": format!("Patient/{}", token["patient"].as_str().unwrap()) },
        "dateTime": "2026-11-20T10:20:00+09:00",
        "policy": [{ "uri": "https://hoken.example/policy/2026-11-01" }],
        "provision": { "type": "permit", "period": { "start": start, "end": end }, "purpose": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT",
        }] },
    })
}

fn give(device: &Device, token: &Value, body: &Value) -> Reply {
    device.create(token, "Consent", &[("Idempotency-Key", &random_id())], body)
}

fn withdraw(device: &Device, token: &Value, stored: &Value, version: &str) -> Reply {
    let mut body = stored.clone();
    body["status"] = "inactive".into();
    let path = format!("/r4/Consent/{}", stored["id"].as_str().unwrap());
    device.write(token, ("PUT", &path), &[("If-Match", version)], &body).unwrap()
}

#[test]
fn consent_is_given_read_and_withdrawn() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    let body = consent(&token, "medication");
    let given = give(&device, &token, &body);
    assert_eq!(given.status, 201, "{}", given.json());
    let stored = given.json();
    let id = stored["id"].as_str().unwrap();
    assert_eq!(given.header("location").unwrap(), format!("{}/Consent/{id}/_history/1", sandbox.fhir_base()));
    assert_eq!(given.header("etag"), Some("W/\"1\""));
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&stored[name], value, "kept as it was sent");
    }
    let path = format!("/r4/Consent/{id}");
    assert_eq!(device.get(&token, &path, &[]).json(), stored);
    assert_eq!(device.get(&token, &path, &[("If-None-Match", "W/\"1\"")]).status, 304);

    assert_eq!(withdraw(&device, &token, &stored, "W/\"2\"").outcome(), (412, "conflict".into(), "KZ-D03".into()));
    let withdrawn = withdraw(&device, &token, &stored, "W/\"1\"");
    assert_eq!((withdrawn.status, withdrawn.header("etag")), (200, Some("W/\"2\"")));
    assert_eq!(withdrawn.json()["status"], "inactive");
    assert_eq!(withdraw(&device, &token, &stored, "W/\"1\"").status, 412, "somebody else was first");
    let again = withdraw(&device, &token, &stored, "W/\"2\"");
    assert_eq!((again.status, again.header("etag")), (200, Some("W/\"2\"")), "nothing left to change");
    assert_eq!(device.search(&token, "Consent", "status=active").json()["total"], 0);
    assert_eq!(device.search(&token, "Consent", "category=medication").json()["total"], 1);
}

#[test]
fn consent_of_somebody_else_does_not_exist() {
    let (_sandbox, device) = started();
    let (one, two) = (device.sign_in(1), device.sign_in(2));
    let stored = give(&device, &one, &consent(&one, "medication")).json();
    let path = format!("/r4/Consent/{}", stored["id"].as_str().unwrap());
    assert_eq!(device.get(&two, &path, &[]).status, 404);
    assert_eq!(withdraw(&device, &two, &stored, "W/\"1\"").status, 404);
    assert_eq!(device.search(&two, "Consent", "").json()["total"], 0);
    assert_eq!(give(&device, &two, &consent(&one, "checkup")).outcome().2, "KZ-A11");
    assert_eq!(device.get(&one, &path, &[]).json()["status"], "active");
}

#[test]
fn repeats_make_no_second_consent() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    let body = consent(&token, "medication");
    let uuid = body["identifier"][0]["value"].as_str().unwrap();
    let condition = format!("identifier={SYSTEM}/client-request|{uuid}");
    let headers = [("Idempotency-Key", uuid), ("If-None-Exist", condition.as_str())];
    let first = device.create(&token, "Consent", &headers, &body);
    let again = device.create(&token, "Consent", &headers, &body);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    assert_eq!((again.header("etag"), again.header("location")), (first.header("etag"), first.header("location")));
    let plain = device.create(&token, "Consent", &[("If-None-Exist", condition.as_str())], &body);
    assert_eq!((plain.status, plain.json()), (200, first.json()), "known by its identifier alone");
    let other = consent(&token, "checkup");
    assert_eq!(device.create(&token, "Consent", &headers, &other).status, 422);
    assert_eq!(device.create(&token, "Task", &headers, &body).status, 422, "a key belongs to one call");
    assert_eq!(device.create(&token, "Consent", &[("If-None-Exist", "status=active")], &other).status, 400);
    assert_eq!(device.search(&token, "Consent", "").json()["total"], 1);
    let counters = sandbox.counters();
    assert_eq!((counters.writes, counters.writes_repeated), (2, 1));
}

#[test]
fn new_consent_takes_the_place_of_the_one_of_its_type() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let old = give(&device, &token, &consent(&token, "medication")).json();
    let other = give(&device, &token, &consent(&token, "checkup")).json();
    let new = give(&device, &token, &consent(&token, "medication")).json();
    let active = device.search(&token, "Consent", "status=active").json();
    let mut ids: Vec<&Value> =
        active["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]["id"]).collect();
    ids.sort_by_key(|id| id.to_string());
    assert_eq!(ids, [&other["id"], &new["id"]]);
    assert_eq!(withdraw(&device, &token, &old, "W/\"1\"").status, 412, "it has changed meanwhile");
}

#[test]
fn consents_against_the_rules_are_refused() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let good = consent(&token, "medication");
    let changed = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let two = json!([good["category"][0], good["category"][0]]);
    let unknown = json!([{ "coding": [{
        "system": "https://kazasu.example/fhir/CodeSystem/consent-type", "code": "everything",
    }] }]);
    let start = good["provision"]["period"]["start"].clone();
    let cases = [
        (json!([]), (400, "structure")),
        (changed("/resourceType", json!("Task")), (400, "structure")),
        (changed("/status", json!("draft")), (400, "invalid")),
        (changed("/category", two), (400, "invalid")),
        (changed("/category", unknown), (400, "invalid")),
        (changed("/identifier/1/value", json!("short")), (400, "required")),
        (changed("/policy", Value::Null), (400, "required")),
        (changed("/provision/type", json!("deny")), (400, "invalid")),
        (changed("/provision/period", json!({ "start": start })), (400, "required")),
        (changed("/provision/period", json!({ "start": start, "end": "2999-01-01" })), (400, "invalid")),
        (changed("/provision/period", json!({ "start": "2020-01-01", "end": "2020-12-31" })), (400, "invalid")),
        (changed("/patient/reference", json!("Patient/p-c20b5e")), (403, "forbidden")),
        (consent(&token, "family-share"), (400, "invalid")),
    ];
    for (body, (status, issue)) in cases {
        let outcome = give(&device, &token, &body).outcome();
        assert_eq!((outcome.0, outcome.1.as_str()), (status, issue), "{body}");
    }
    let mut family = consent(&token, "family-share");
    family["provision"]["purpose"][0]["code"] = "FAMRQT".into();
    family["provision"]["class"] = json!([{ "code": "MedicationDispense" }]);
    family["provision"]["actor"] = json!([{ "reference": { "type": "RelatedPerson", "display": "家族" } }]);
    assert_eq!(give(&device, &token, &family).status, 201);

    let stored = give(&device, &token, &good).json();
    let path = format!("/r4/Consent/{}", stored["id"].as_str().unwrap());
    let put = |headers: &[(&str, &str)], body: &Value| device.write(&token, ("PUT", &path), headers, body).unwrap();
    let mut inactive = stored.clone();
    inactive["status"] = "inactive".into();
    assert_eq!(put(&[], &inactive).outcome().1, "required", "If-Match is needed");
    assert_eq!(put(&[("If-Match", "W/\"1\"")], &stored).outcome().1, "invalid", "only withdrawal changes a consent");
    inactive["id"] = "other".into();
    assert_eq!(put(&[("If-Match", "W/\"1\"")], &inactive).outcome().1, "invalid");
    assert_eq!(
        device.call("POST", "/r4/Consent", token["access_token"].as_str().unwrap(), &[], "{}").unwrap().status,
        415
    );
}

#[test]
fn changes_of_consent_are_in_the_access_log() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let changes = || device.search(&token, "AuditEvent", "subtype=consent-changed").json();
    assert_eq!(changes()["total"], 0);
    let stored = give(&device, &token, &consent(&token, "medication")).json();
    withdraw(&device, &token, &stored, "W/\"1\"");
    let found = changes();
    assert_eq!(found["total"], 2);
    assert_eq!(found["entry"][0]["resource"]["purposeOfEvent"][0]["coding"][0]["code"], "PATRQT");
    assert_eq!(found["entry"][0]["resource"]["agent"][0]["who"]["display"], "見本 花子");
}
