//! The eligibility request: structure, scope, idempotency, state file.

use kazasu_sandbox::{Options, Sandbox, Switch, SwitchName};
use serde_json::{Value, json};

use crate::card::{Card, random_id};
use crate::device::{CLIENT, Device, JWT_BEARER, SUBMIT, inquiry, started, started_with};

fn signed_in() -> (Sandbox, Device, Value) {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    (sandbox, device, token)
}

#[test]
fn bare_and_wrapped_bodies_are_read() {
    let (_sandbox, device, token) = signed_in();
    let bare = inquiry(&token, &[]);
    let wrapped = json!({ "resourceType": "Parameters", "parameter": [{ "name": "resource", "resource": bare }] });
    for body in [bare, wrapped] {
        assert_eq!(device.submit(&token, &random_id(), &body).status, 200);
    }
}

#[test]
fn wrong_bodies_are_refused() {
    let (_sandbox, device, token) = signed_in();
    let changed = |name: &str, value: Value| {
        let mut body = inquiry(&token, &[]);
        body[name] = value;
        body
    };
    let cases = [
        (json!([]), (400, "structure")),
        (json!({ "resourceType": "Patient" }), (400, "structure")),
        (json!({ "resourceType": "Parameters", "parameter": [] }), (400, "structure")),
        (changed("status", json!("draft")), (400, "invalid")),
        (changed("purpose", json!(["benefits"])), (400, "invalid")),
        (changed("servicedDate", json!("2026-02-30")), (400, "invalid")),
        (changed("created", Value::Null), (400, "required")),
        (changed("patient", json!({ "reference": "Patient/p-c20b5e" })), (403, "forbidden")),
        (changed("patient", json!({ "display": "somebody" })), (403, "forbidden")),
    ];
    for (body, (status, issue)) in cases {
        let outcome = device.submit(&token, &random_id(), &body).outcome();
        assert_eq!((outcome.0, outcome.1.as_str()), (status, issue), "{body}");
    }
    let access = token["access_token"].as_str().unwrap();
    let fhir = ("Content-Type", "application/fhir+json");
    let call = |headers: &[(&str, &str)], body: &str| device.call("POST", SUBMIT, access, headers, body).unwrap();
    assert_eq!(call(&[fhir], "{").outcome().1, "structure");
    assert_eq!(call(&[fhir], &"[".repeat(5000)).outcome().1, "structure");
    assert_eq!(call(&[fhir], &" ".repeat(70_000)).status, 413);
    let good = inquiry(&token, &[]).to_string();
    assert_eq!(call(&[("Content-Type", "text/plain")], &good).status, 415);
    assert_eq!(call(&[fhir, ("Idempotency-Key", "not a uuid")], &good).outcome().1, "invalid");
    assert_eq!(call(&[fhir], &good).status, 200, "without a key");
}

#[test]
fn scope_is_needed() {
    let (_sandbox, device) = started();
    let assertion = device.assertion(&Card::of(1));
    let form = format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion={assertion}&scope=patient%2FCoverage.rs");
    let token = device.token_form(&form, None).unwrap().json();
    let expected = (403, "forbidden".to_owned(), "KZ-A11".to_owned());
    assert_eq!(device.submit(&token, &random_id(), &inquiry(&token, &[])).outcome(), expected);
    assert_eq!(device.search(&token, "CoverageEligibilityResponse", "request=x").outcome(), expected);
    assert_eq!(device.search(&token, "Coverage", "").status, 200);
}

#[test]
fn one_key_has_one_outcome() {
    let (sandbox, device, token) = signed_in();
    let key = random_id();
    let body = inquiry(&token, &[]);
    let first = device.submit(&token, &key, &body);
    let again = device.submit(&token, &key, &body);
    let quoted = device.submit(&token, &format!("\"{key}\""), &body);
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(first.body, quoted.body, "the form of the draft");
    assert_eq!(again.header("cache-control"), Some("no-store"));
    let other = device.submit(&token, &key, &inquiry(&token, &[("limit-certificate", "1")]));
    assert_eq!(other.status, 422);
    let another = device.submit(&token, &random_id(), &body);
    assert_ne!(first.json()["id"], another.json()["id"]);
    let counters = sandbox.counters();
    assert_eq!((counters.submits, counters.submits_repeated), (2, 2));

    let neighbour = Device::new(&sandbox);
    let token = neighbour.sign_in(2);
    assert_eq!(neighbour.submit(&token, &key, &inquiry(&token, &[])).status, 200, "keys are those of one DPoP key");
}

#[test]
fn refused_bodies_do_not_use_up_their_key() {
    let (_sandbox, device, token) = signed_in();
    let key = random_id();
    assert_eq!(device.submit(&token, &key, &json!({})).status, 400);
    assert_eq!(device.submit(&token, &key, &inquiry(&token, &[])).status, 200);
}

#[test]
fn running_request_is_a_conflict() {
    let (sandbox, device, token) = signed_in();
    sandbox.arm(Switch::times(SwitchName::SubmitSlow, 1).with_value("1500"));
    let (key, body) = (random_id(), inquiry(&token, &[]));
    let mut replies = std::thread::scope(|scope| {
        let calls = [(); 2].map(|()| scope.spawn(|| device.submit(&token, &key, &body)));
        calls.map(|call| call.join().unwrap())
    });
    // Whichever came second met the other running.
    replies.sort_by_key(|reply| reply.status);
    assert_eq!(replies.each_ref().map(|reply| reply.status), [200, 409]);
    assert_eq!(replies[1].header("retry-after"), Some("1"));
    assert_eq!(sandbox.counters().submits, 1);
    assert_eq!(device.submit(&token, &key, &body).status, 200);
}

#[test]
fn dropped_answer_is_had_again_with_the_same_key() {
    let (sandbox, device, token) = signed_in();
    sandbox.arm(Switch::times(SwitchName::SubmitDrop, 1));
    let (key, body) = (random_id(), inquiry(&token, &[]));
    assert!(device.try_submit(&token, &key, &body).is_err());
    assert_eq!(device.submit(&token, &key, &body).status, 200);
    assert_eq!(sandbox.counters().submits, 1);
}

#[test]
fn state_file_keeps_nonces_and_outcomes() {
    let folder = std::env::temp_dir().join(format!("kazasu-sandbox-{}", random_id()));
    std::fs::create_dir(&folder).unwrap();
    let state = folder.join("state.json");
    let options = || Options { state: Some(state.clone()), ..Options::default() };
    let (sandbox, device) = started_with(options());
    let card = Card::of(1);
    let nonce = device.nonce();
    let claims = card.claims(&device.issuer, &nonce, &device.jkt());
    let token = device.token(&card.sign(&card.header(), &claims)).json();
    let (key, body) = (random_id(), inquiry(&token, &[]));
    let answer = device.submit(&token, &key, &body).json();
    // The next run listens where this one did, because the assertion names it.
    let listen = sandbox.address();
    sandbox.stop();

    let again = kazasu_sandbox::start(Options { listen, ..options() }).unwrap();
    let device = device.moved_to(&again);
    let reused = card.sign(&card.header(), &card.claims(&device.issuer, &nonce, &device.jkt()));
    assert_eq!(device.token(&reused).oauth_error().2.as_deref(), Some("nonce_reused"));
    let token = device.sign_in(1);
    assert_eq!(device.submit(&token, &key, &body).json(), answer);
    again.stop();

    std::fs::write(&state, "{").unwrap();
    assert!(kazasu_sandbox::start(options()).is_err(), "a broken file is not overwritten");
    std::fs::remove_dir_all(&folder).unwrap();
}
