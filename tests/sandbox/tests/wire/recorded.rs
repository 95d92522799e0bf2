//! Everything the sandbox serves, to each of the ten people, as files: `KAZASU_RECORD` names a folder to keep them in.
//!
//! What is sent here is right, so that all of the recording can be judged; errors come of switches and wrong addresses.

use std::path::{Path, PathBuf};

use kazasu_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::card::{now, random_id};
use crate::device::{Device, date, inquiry, started_with};
use crate::records::follow;

const SYSTEM: &str = "https://kazasu.example/fhir/IdSystem";
const HASH: &str = "ZrAgvl6m69odGi5kOC7GnVKRodjR3s4Wbc8nu9J6WXE";
const READ: &[&str] =
    &["Coverage", "ExplanationOfBenefit", "MedicationDispense", "Immunization", "Observation", "AuditEvent"];
const CONSENT_TYPES: &[&str] = &["limit-certificate", "checkup", "medication"];
/// Every code that the switches `…-outcome` know.
const CODES: &[&str] = &[
    "KZ-A09", "KZ-A10", "KZ-A11", "KZ-S01", "KZ-Q06", "KZ-Q01", "KZ-T05", "KZ-T06", "KZ-T07", "KZ-Q02", "KZ-Q03",
    "KZ-Q04", "KZ-Q05", "KZ-Q07", "KZ-D01", "KZ-D02", "KZ-D03", "KZ-D04", "KZ-S02",
];

/// This person takes every way there is, so that a recording holds every state of a Task.
const FIRST: u8 = 1;
/// Clients give up on this person before they read records, so that these are read here page by page.
const UPSTREAM_ERROR: u8 = 8;

#[test]
fn everything_served_is_recorded() {
    let kept = std::env::var_os("KAZASU_RECORD").map(PathBuf::from);
    let folder = kept.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("kazasu-record-{}", random_id())));
    std::fs::create_dir_all(&folder).unwrap();
    let (sandbox, device) = started_with(Options { record: Some(folder.clone()), ..Options::default() });
    assert_eq!(device.client.get("/r4/metadata").status, 200);
    for person in 1..=10 {
        let token = device.sign_in(person);
        ask(&device, &token);
        let consents = ["limit-certificate", "medication"];
        consents.iter().for_each(|kind| give_and_withdraw(&device, &token, kind));
        register(&device, &token);
        let pages = if person == UPSTREAM_ERROR { usize::MAX } else { 2 };
        READ.iter().chain(&["Consent", "Task"]).for_each(|kind| read(&device, &token, kind, pages));
        if person == FIRST {
            CONSENT_TYPES.iter().for_each(|kind| give_and_withdraw(&device, &token, kind));
            share_with_family(&device, &token);
            end_registrations(&sandbox, &device, &token);
            meet_errors(&sandbox, &device, &token);
        }
        suspend(&device, &token);
    }
    sandbox.stop();
    complete(&folder);
    if kept.is_none() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

/// Eligibility, with and without consents, and the polls that a queued answer needs.
fn ask(device: &Device, token: &Value) {
    for consents in [&[][..], &[("limit-certificate", "1"), ("medication", "0")]] {
        let answer = device.submit(token, &random_id(), &inquiry(token, consents));
        assert!([200, 202].contains(&answer.status), "{}", answer.json());
        let request = answer.json()["request"]["reference"].as_str().unwrap().to_owned();
        for _ in 0..3 {
            let form = format!("request={request}");
            assert_eq!(device.search(token, "CoverageEligibilityResponse", &form).status, 200);
        }
    }
}

/// Pages of resources of a type by search, the first resource also by itself.
fn read(device: &Device, token: &Value, kind: &str, pages: usize) {
    let bundle = device.search(token, kind, "_count=10").json();
    let first = bundle["entry"][0]["resource"]["id"].as_str().map(str::to_owned);
    std::iter::successors(Some(bundle), |page| follow(device, token, page)).take(pages).for_each(drop);
    assert_eq!(device.search(token, kind, "_count=0").status, 200);
    if let Some(id) = first {
        assert_eq!(device.get(token, &format!("/r4/{kind}/{id}"), &[]).status, 200);
    }
}

/// A resource as the contract prints it, made this patient's.
fn printed(text: &str, token: &Value) -> Value {
    let mut body: Value = serde_json::from_str(text).unwrap();
    body["identifier"] = json!([{ "system": format!("{SYSTEM}/client-request"), "value": random_id() }]);
    for name in ["patient", "for", "requester"] {
        if body[name].is_object() {
            body[name] = json!({ "reference": format!("Patient/{}", token["patient"].as_str().unwrap()) });
        }
    }
    body
}

fn consent(token: &Value, kind: &str) -> Value {
    let mut body = printed(include_str!("../../../vectors/wire/consent.json"), token);
    let notice = json!({ "system": format!("{SYSTEM}/notice-sha256"), "value": HASH });
    body["identifier"].as_array_mut().unwrap().push(notice);
    let coding = json!({ "system": "https://kazasu.example/fhir/CodeSystem/consent-type", "code": kind });
    body["category"][0]["coding"] = json!([coding]);
    body["provision"]["period"] = json!({ "start": date(now()), "end": date(now() + 364 * 86_400) });
    body
}

fn give_and_withdraw(device: &Device, token: &Value, kind: &str) {
    let given = device.create(token, "Consent", &[], &consent(token, kind));
    assert_eq!(given.status, 201, "{}", given.json());
    let mut stored = given.json();
    stored["status"] = "inactive".into();
    let path = format!("/r4/Consent/{}", stored["id"].as_str().unwrap());
    for (version, status) in [("W/\"9\"", 412), ("W/\"1\"", 200)] {
        assert_eq!(device.write(token, ("PUT", &path), &[("If-Match", version)], &stored).unwrap().status, status);
    }
}

fn share_with_family(device: &Device, token: &Value) {
    let mut body = consent(token, "family-share");
    body["provision"]["purpose"][0]["code"] = "FAMRQT".into();
    body["provision"]["actor"][0]["reference"] = json!({ "type": "RelatedPerson", "display": "家族" });
    let given = device.create(token, "Consent", &[], &body);
    assert_eq!(given.status, 201, "{}", given.json());
}

fn registration(device: &Device, token: &Value) -> Value {
    let mut body = printed(include_str!("../../../vectors/wire/task_registration.json"), token);
    body["status"] = "requested".into();
    body.as_object_mut().unwrap().remove("businessStatus");
    let created = device.create(token, "Task", &[], &body);
    assert_eq!(created.status, 201, "{}", created.json());
    created.json()
}

/// A registration, looked at until it ends.
fn register(device: &Device, token: &Value) -> Value {
    let task = registration(device, token);
    look(device, token, &task);
    task
}

fn look(device: &Device, token: &Value, task: &Value) {
    let path = format!("/r4/Task/{}", task["id"].as_str().unwrap());
    (0..5).for_each(|_| assert_eq!(device.get(token, &path, &[]).status, 200));
}

/// The other ends of a registration: withdrawn, returned, failed.
fn end_registrations(sandbox: &Sandbox, device: &Device, token: &Value) {
    let mut task = registration(device, token);
    task["status"] = "cancelled".into();
    let path = format!("/r4/Task/{}", task["id"].as_str().unwrap());
    assert_eq!(device.write(token, ("PUT", &path), &[("If-Match", "W/\"1\"")], &task).unwrap().status, 200);
    for switch in ["registration-returned:1", "registration-error:1"] {
        sandbox.arm(switch.parse().unwrap());
        register(device, token);
    }
}

fn meet_errors(sandbox: &Sandbox, device: &Device, token: &Value) {
    for code in CODES {
        sandbox.arm(format!("records-outcome:1={code}").parse().unwrap());
        assert_eq!(device.search(token, "Coverage", "").outcome().2, *code);
    }
    for switch in ["submit-500:1", "submit-502:1", "submit-504:1", "submit-429:1", "submit-503:1", "outcome-html:1"] {
        sandbox.arm(switch.parse().unwrap());
        device.submit(token, &random_id(), &inquiry(token, &[])).outcome();
    }
    let refused =
        [("GET", "/r4/Patient/1"), ("PUT", "/r4/Coverage/1"), ("GET", "/r4/Coverage/none"), ("GET", "/r4/Task")];
    for (method, path) in refused {
        device.call(method, path, token["access_token"].as_str().unwrap(), &[], "").unwrap().outcome();
    }
    for form in ["_count=-1", "_include=x", "patient=Patient/p-c20b5e"] {
        device.search(token, "Coverage", form).outcome();
    }
    assert_eq!(device.client.post("/r4/Coverage/_search").outcome().0, 401);
}

/// Suspends the person, twice; what is asked afterwards is refused.
fn suspend(device: &Device, token: &Value) {
    let access = device.refresh(&token["suspension_refresh_token"]).json();
    let body = printed(include_str!("../../../vectors/wire/task_suspension.json"), token);
    for status in [201, 200] {
        assert_eq!(device.create(&access, "Task", &[], &body).status, status);
    }
    assert_eq!(device.search(&access, "Task", "").status, 200);
    assert_eq!(device.search(token, "Coverage", "").outcome().2, "KZ-S01");
}

/// Nothing is missing: whatever says it is FHIR is there, under its number.
fn complete(folder: &Path) {
    let names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    for (direction, kinds) in [
        ("received", &["CoverageEligibilityRequest", "Consent", "Task"][..]),
        (
            "answered",
            &["Bundle", "CapabilityStatement", "CoverageEligibilityResponse", "Consent", "Task", "OperationOutcome"],
        ),
        ("answered", READ),
    ] {
        for kind in kinds {
            assert!(
                names.iter().any(|name| name.ends_with(&format!("-{direction}-{kind}.json"))),
                "{direction} {kind}"
            );
        }
    }
    assert!(!names.iter().any(|name| name.contains("-unknown")), "no body without a type");
    let numbers: std::collections::BTreeSet<&str> = names.iter().map(|name| &name[..5]).collect();
    assert_eq!(numbers.last().map(|last| last.parse().ok()), Some(Some(names.len() - 1)), "no number is left out");
}
