//! Registration: a receipt number at once, progress when somebody looks, withdrawal.

use serde_json::{Value, json};

use crate::card::random_id;
use crate::client::Reply;
use crate::device::{Device, started, started_with};

const SYSTEM: &str = "https://kazasu.example/fhir/IdSystem";

pub(crate) fn registration(token: &Value) -> Value {
    let patient = format!("Patient/{}", token["patient"].as_str().unwrap());
    json!({
        "resourceType": "Task", "status": "requested", "intent": "order",
        "identifier": [{ "system": format!("{SYSTEM}/client-request"), "value": random_id() }],
        "code": { "coding": [{
            "system": "https://kazasu.example/fhir/CodeSystem/task-kind", "code": "insurance-registration",
        }] },
        "for": { "reference": patient }, "requester": { "reference": patient },
        "authoredOn": "2026-11-20T10:30:00+09:00",
        "input": [{ "type": { "text": "channel" }, "valueString": "app" }],
    })
}

fn register(device: &Device, token: &Value) -> Value {
    let reply = device.create(token, "Task", &[], &registration(token));
    assert_eq!(reply.status, 201, "{}", reply.json());
    reply.json()
}

fn state(task: &Value) -> (String, String) {
    let code = task["businessStatus"]["coding"][0]["code"].as_str().unwrap();
    (task["status"].as_str().unwrap().to_owned(), code.to_owned())
}

fn receipt(task: &Value) -> &str {
    let identifiers = task["identifier"].as_array().unwrap();
    let wanted = format!("{SYSTEM}/receipt");
    identifiers.iter().find(|one| one["system"] == wanted.as_str()).unwrap()["value"].as_str().unwrap()
}

fn look(device: &Device, token: &Value, task: &Value) -> Reply {
    device.get(token, &format!("/r4/Task/{}", task["id"].as_str().unwrap()), &[])
}

#[test]
fn registration_moves_on_until_it_is_completed() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let task = register(&device, &token);
    assert_eq!(state(&task), ("requested".into(), "accepted".into()));
    assert!(receipt(&task).len() <= 32 && receipt(&task).bytes().all(|byte| byte.is_ascii_graphic()));
    let states: Vec<(String, String)> = (0..5).map(|_| state(&look(&device, &token, &task).json())).collect();
    let codes: Vec<&str> = states.iter().map(|(_, code)| code.as_str()).collect();
    assert_eq!(codes, ["matching", "waiting-insurer", "matching", "completed", "completed"]);
    let statuses: Vec<&str> = states.iter().map(|(status, _)| status.as_str()).collect();
    assert_eq!(statuses, ["in-progress", "on-hold", "in-progress", "completed", "completed"]);
    let last = look(&device, &token, &task);
    assert_eq!(last.header("etag"), Some("W/\"5\""));
    assert_eq!(receipt(&last.json()), receipt(&task));
}

#[test]
fn receipt_finds_the_task_of_the_same_person_only() {
    let (_sandbox, device) = started();
    let (one, two) = (device.sign_in(1), device.sign_in(2));
    let task = register(&device, &one);
    let form = format!("identifier={SYSTEM}/receipt%7C{}", receipt(&task));
    let found = device.search(&one, "Task", &form).json();
    assert_eq!(found["entry"][0]["resource"]["id"], task["id"]);
    assert_eq!(state(&found["entry"][0]["resource"]).1, "matching", "a search is a look");
    assert_eq!(device.search(&two, "Task", &form).json()["total"], 0);
    assert_eq!(look(&device, &two, &task).status, 404);
    assert_eq!(state(&look(&device, &one, &task).json()).1, "waiting-insurer", "nobody else moved it on");
}

#[test]
fn look_at_one_task_leaves_the_others() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let (one, other) = (register(&device, &token), register(&device, &token));
    look(&device, &token, &one);
    device.search(&token, "Task", &format!("identifier={SYSTEM}/receipt%7C{}", receipt(&one)));
    assert_eq!(state(&look(&device, &token, &other).json()).1, "matching");
}

#[test]
fn kiosk_receipt_of_person_six_is_known() {
    let (_sandbox, device) = started();
    let form = format!("identifier={SYSTEM}/receipt%7C9000-0000-0006");
    let token = device.sign_in(6);
    let found = device.search(&token, "Task", &form).json();
    assert_eq!(found["entry"][0]["resource"]["input"][0]["valueString"], "kiosk");
    assert_eq!(device.search(&device.sign_in(1), "Task", &form).json()["total"], 0);
}

#[test]
fn repeats_make_no_second_registration() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let body = registration(&token);
    let uuid = body["identifier"][0]["value"].as_str().unwrap();
    let condition = format!("identifier={SYSTEM}/client-request|{uuid}");
    let headers = [("Idempotency-Key", uuid), ("If-None-Exist", condition.as_str())];
    let first = device.create(&token, "Task", &headers, &body);
    assert_eq!(device.create(&token, "Task", &headers, &body).body, first.body);
    let known = device.create(&token, "Task", &headers[1..], &body);
    assert_eq!((known.status, receipt(&known.json())), (200, receipt(&first.json())));
    assert_eq!(device.search(&token, "Task", "").json()["total"], 1);
}

#[test]
fn running_registration_can_be_withdrawn_and_an_ended_one_not() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let task = register(&device, &token);
    let path = format!("/r4/Task/{}", task["id"].as_str().unwrap());
    let mut body = task.clone();
    body["status"] = "cancelled".into();
    let put = |version: &str| device.write(&token, ("PUT", &path), &[("If-Match", version)], &body).unwrap();
    assert_eq!(put("W/\"7\"").outcome().2, "KZ-D03");
    let withdrawn = put("W/\"1\"").json();
    assert_eq!(state(&withdrawn), ("cancelled".into(), "withdrawn".into()));
    assert_eq!(state(&look(&device, &token, &task).json()).1, "withdrawn", "it does not move on");

    let task = register(&device, &token);
    (0..4).for_each(|_| drop(look(&device, &token, &task)));
    let path = format!("/r4/Task/{}", task["id"].as_str().unwrap());
    body["id"] = task["id"].clone();
    let reply = device.write(&token, ("PUT", &path), &[("If-Match", "W/\"5\"")], &body).unwrap();
    assert_eq!(reply.outcome().1, "invalid");
}

#[test]
fn wrong_tasks_are_refused() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let changed = |name: &str, value: Value| {
        let mut body = registration(&token);
        body[name] = value;
        body
    };
    let foreign = json!({ "reference": "Patient/p-c20b5e" });
    let cases = [
        (json!(1), (400, "structure")),
        (changed("authoredOn", Value::Null), (400, "required")),
        (changed("status", json!("completed")), (400, "invalid")),
        (changed("code", json!({ "text": "anything" })), (400, "invalid")),
        (changed("for", foreign.clone()), (403, "forbidden")),
        (changed("requester", foreign), (403, "forbidden")),
    ];
    for (body, (status, issue)) in cases {
        let outcome = device.create(&token, "Task", &[], &body).outcome();
        assert_eq!((outcome.0, outcome.1.as_str()), (status, issue), "{body}");
    }
    let mut odd = registration(&token);
    odd["meta"] = "odd".into();
    odd["identifier"] = json!([{ "system": format!("{SYSTEM}/receipt"), "value": "of my own" }]);
    let stored = device.create(&token, "Task", &[], &odd).json();
    assert_ne!(receipt(&stored), "of my own", "receipts are the server's");
}

#[test]
fn state_file_keeps_consents_tasks_and_suspensions() {
    let folder = std::env::temp_dir().join(format!("kazasu-sandbox-{}", random_id()));
    std::fs::create_dir(&folder).unwrap();
    let state_file = folder.join("state.json");
    let options = || kazasu_sandbox::Options { state: Some(state_file.clone()), ..Default::default() };
    let (sandbox, device) = started_with(options());
    let (one, two) = (device.sign_in(1), device.sign_in(2));
    let task = register(&device, &one);
    look(&device, &one, &task);
    let consent = device.create(&one, "Consent", &[], &crate::consent::consent(&one, "medication"));
    crate::suspension::suspend(&device, &two);
    sandbox.stop();

    let (again, device) = started_with(options());
    let one = device.sign_in(1);
    let found = device.search(&one, "Consent", "").json();
    assert_eq!(found["entry"][0]["resource"], consent.json());
    assert_eq!(state(&look(&device, &one, &task).json()).1, "waiting-insurer", "it goes on where it was");
    let refused = device.token(&device.assertion(&crate::card::Card::of(2)));
    assert_eq!(refused.oauth_error().2.as_deref(), Some("suspended"));
    let six = device.sign_in(6);
    assert_eq!(device.search(&six, "Task", "").json()["total"], 1, "the kiosk is not visited twice");
    again.stop();
    std::fs::remove_dir_all(&folder).unwrap();
}
