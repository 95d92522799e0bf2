//! Suspension of a lost card: no card, one Task, and nothing works afterwards.

use serde_json::{Value, json};

use crate::card::{Card, random_id};
use crate::client::Reply;
use crate::device::{Device, inquiry, started};

fn stop(token: &Value) -> Value {
    json!({
        "resourceType": "Task", "status": "requested", "intent": "order", "priority": "stat",
        "identifier": [{ "system": "https://kazasu.example/fhir/IdSystem/client-request", "value": random_id() }],
        "code": { "coding": [{
            "system": "https://kazasu.example/fhir/CodeSystem/task-kind", "code": "card-suspension",
        }] },
        "reasonCode": { "coding": [{
            "system": "https://kazasu.example/fhir/CodeSystem/suspension-reason", "code": "lost",
        }] },
        "for": { "reference": format!("Patient/{}", token["patient"].as_str().unwrap()) },
        "authoredOn": "2026-11-20T21:05:00+09:00",
        "input": [{ "type": { "text": "last-seen" }, "valueDateTime": "2026-11-20T18:00:00+09:00" }],
    })
}

/// The token that can only suspend, had without the card.
fn suspending(device: &Device, token: &Value) -> Value {
    device.refresh(&token["suspension_refresh_token"]).json()
}

/// Suspends the person of a token as an app does it.
pub(crate) fn suspend(device: &Device, token: &Value) -> Reply {
    let suspending = suspending(device, token);
    device.create(&suspending, "Task", &[("Idempotency-Key", &random_id())], &stop(token))
}

#[test]
fn lost_card_is_suspended_without_the_card() {
    let (sandbox, device) = started();
    let (token, neighbour) = (device.sign_in(1), device.sign_in(2));
    let reply = suspend(&device, &token);
    assert_eq!(reply.status, 201, "{}", reply.json());
    let task = reply.json();
    assert_eq!(task["status"], "completed");
    let discovered = device.client.get("/r4/.well-known/smart-configuration").json();
    assert_eq!(task["output"][0]["valueCoding"]["code"], discovered["kz_suspension_effect"]);
    assert_eq!(discovered["kz_suspension_effect"], "provider-account");

    let refused = device.submit(&token, &random_id(), &inquiry(&token, &[]));
    assert_eq!(refused.outcome(), (403, "forbidden".into(), "KZ-S01".into()));
    for kind in ["Coverage", "ExplanationOfBenefit", "Consent", "Task"] {
        assert_eq!(device.search(&token, kind, "").outcome().2, "KZ-S01", "{kind}");
    }
    assert_eq!(device.refresh(&token["refresh_token"]).oauth_error().2.as_deref(), Some("suspended"));
    let tapped = device.token(&device.assertion(&Card::of(1)));
    assert_eq!(tapped.oauth_error().2.as_deref(), Some("suspended"));
    let other = device.submit(&neighbour, &random_id(), &inquiry(&neighbour, &[]));
    assert_eq!(other.status, 200, "other members are untouched");

    sandbox.resume(1);
    let token = device.sign_in(1);
    assert_eq!(device.submit(&token, &random_id(), &inquiry(&token, &[])).status, 200);
    assert_eq!(suspend(&device, &token).status, 201, "it can be lost again");
}

#[test]
fn repeated_suspension_is_the_same_task() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    let access = suspending(&device, &token);
    let (key, body) = (random_id(), stop(&token));
    let first = device.create(&access, "Task", &[("Idempotency-Key", &key)], &body);
    let replayed = device.create(&access, "Task", &[("Idempotency-Key", &key)], &body);
    assert_eq!((replayed.status, &replayed.body), (201, &first.body));
    let again = device.create(&access, "Task", &[], &stop(&token));
    assert_eq!((again.status, &again.json()["id"]), (200, &first.json()["id"]), "another request, the same Task");
    let names = again.json()["identifier"].as_array().expect("names").len();
    assert_eq!(names, first.json()["identifier"].as_array().expect("names").len() + 1, "by both their names");
    // The answer was lost and the access token has expired: what became of it can still be asked.
    device.wait(&sandbox, 3600);
    assert_eq!(suspend(&device, &token).json()["id"], first.json()["id"]);
    device.wait(&sandbox, 24 * 3600);
    assert_eq!(device.refresh(&token["suspension_refresh_token"]).oauth_error().1, "invalid_grant");
}

#[test]
fn only_the_suspension_token_suspends_and_it_does_nothing_else() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    assert_eq!(device.create(&token, "Task", &[], &stop(&token)).outcome().2, "KZ-A11");
    let access = suspending(&device, &token);
    let mut registration = stop(&token);
    registration["code"]["coding"][0]["code"] = "insurance-registration".into();
    assert_eq!(device.create(&access, "Task", &[], &registration).outcome().2, "KZ-A11");
    assert_eq!(device.create(&token, "Task", &[], &registration).status, 201);
    assert_eq!(device.search(&access, "Task", "").json()["total"], 0, "registrations are not for it to see");
    assert_eq!(device.search(&access, "Consent", "").outcome().2, "KZ-A11");
    let mut foreign = stop(&token);
    foreign["for"]["reference"] = "Patient/p-c20b5e".into();
    assert_eq!(device.create(&access, "Task", &[], &foreign).outcome().2, "KZ-A11");
    assert_eq!(device.search(&token, "Coverage", "").status, 200, "nobody was suspended");
}

#[test]
fn unknown_reason_does_not_keep_a_card_from_being_stopped() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let mut body = stop(&token);
    body["reasonCode"]["coding"][0]["code"] = "new-reason".into();
    let reply = device.create(&suspending(&device, &token), "Task", &[], &body);
    assert_eq!((reply.status, &reply.json()["reasonCode"]), (201, &body["reasonCode"]));
}

#[test]
fn unconfirmed_suspension_is_confirmed_by_a_look() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    sandbox.arm("suspension-unconfirmed:1".parse().unwrap());
    let access = suspending(&device, &token);
    let body = stop(&token);
    let reply = device.create(&access, "Task", &[], &body);
    assert_eq!(reply.outcome(), (202, "incomplete".into(), "KZ-S02".into()));
    assert_eq!(device.search(&token, "Coverage", "").status, 200, "not suspended yet");
    assert_eq!(device.create(&access, "Task", &[], &body).outcome().0, 202, "and asking again does not help");
    let location = reply.header("location").unwrap();
    let path = location.strip_prefix(&device.issuer).unwrap().split("/_history").next().unwrap();
    assert_eq!(device.get(&access, path, &[]).json()["status"], "completed");
    assert_eq!(device.search(&token, "Coverage", "").outcome().2, "KZ-S01");
    assert_eq!(device.create(&access, "Task", &[], &body).status, 200);
}
