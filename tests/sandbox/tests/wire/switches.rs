//! Every switch does what it says, as often as it is told to.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use kazasu_sandbox::{Options, Sandbox, Switch, SwitchName};
use serde_json::Value;

use crate::card::{Card, random_id};
use crate::client::Reply;
use crate::device::{Device, inquiry, started, started_with};
use crate::record_switches::{RECORD_ERRORS, WRITE_ERRORS};

/// Switches that answer the token request with an OAuth error, which must leave the assertion unused.
const TOKEN_ERRORS: &[(&str, u16, &str, &str)] = &[
    ("token-invalid-request", 400, "invalid_request", ""),
    ("token-nonce-expired", 400, "invalid_grant", "nonce_expired"),
    ("token-nonce-reused", 400, "invalid_grant", "nonce_reused"),
    ("token-clock-skew", 400, "invalid_grant", "clock_skew"),
    ("token-bad-signature", 400, "invalid_grant", "bad_signature"),
    ("token-bad-chain", 400, "invalid_grant", "bad_chain"),
    ("token-wrong-certificate", 400, "invalid_grant", "wrong_certificate"),
    ("token-certificate-expired", 400, "invalid_grant", "certificate_expired"),
    ("token-certificate-revoked", 400, "invalid_grant", "certificate_revoked"),
    ("suspended", 403, "access_denied", "suspended"),
    ("not-registered", 403, "access_denied", "not_registered"),
    ("not-linked", 403, "access_denied", "not_linked"),
    ("invalid-scope", 400, "invalid_scope", ""),
    ("invalid-target", 400, "invalid_target", ""),
    ("invalid-client", 401, "invalid_client", ""),
    ("invalid-dpop-proof", 400, "invalid_dpop_proof", ""),
    ("use-dpop-nonce", 400, "use_dpop_nonce", ""),
    ("token-429", 429, "slow_down", ""),
    ("token-503", 503, "temporarily_unavailable", ""),
];

/// Switches that answer the eligibility request with an OperationOutcome.
const SUBMIT_ERRORS: &[(&str, u16, &str, &str)] = &[
    ("submit-429", 429, "throttled", "KZ-T06"),
    ("submit-500", 500, "exception", "KZ-Q01"),
    ("submit-502", 502, "exception", "KZ-Q01"),
    ("submit-503", 503, "transient", "KZ-T07"),
    ("submit-504", 504, "timeout", "KZ-T05"),
    ("submit-token-expired", 401, "login", "KZ-A10"),
    ("outcome-html", 403, "business-rule", "KZ-Q06"),
    ("require-wrapped", 400, "structure", "KZ-D01"),
    ("submit-outcome=KZ-A09", 401, "login", "KZ-A09"),
    ("submit-outcome=KZ-A10", 401, "login", "KZ-A10"),
    ("submit-outcome=KZ-A11", 403, "forbidden", "KZ-A11"),
    ("submit-outcome=KZ-D01", 200, "invalid", "KZ-D01"),
    ("submit-outcome=KZ-D02", 403, "suppressed", "KZ-D02"),
    ("submit-outcome=KZ-D03", 412, "conflict", "KZ-D03"),
    ("submit-outcome=KZ-D04", 413, "too-costly", "KZ-D04"),
    ("submit-outcome=KZ-Q01", 502, "exception", "KZ-Q01"),
    ("submit-outcome=KZ-Q02", 200, "not-found", "KZ-Q02"),
    ("submit-outcome=KZ-Q03", 200, "multiple-matches", "KZ-Q03"),
    ("submit-outcome=KZ-Q04", 200, "business-rule", "KZ-Q04"),
    ("submit-outcome=KZ-Q05", 200, "business-rule", "KZ-Q05"),
    ("submit-outcome=KZ-Q06", 403, "business-rule", "KZ-Q06"),
    ("submit-outcome=KZ-Q07", 403, "incomplete", "KZ-Q07"),
    ("submit-outcome=KZ-S01", 403, "forbidden", "KZ-S01"),
    ("submit-outcome=KZ-S02", 202, "incomplete", "KZ-S02"),
    ("submit-outcome=KZ-T05", 504, "timeout", "KZ-T05"),
    ("submit-outcome=KZ-T06", 429, "throttled", "KZ-T06"),
    ("submit-outcome=KZ-T07", 503, "transient", "KZ-T07"),
];

/// Switches with a test of their own, here or in another file.
const SHOWN_ELSEWHERE: &[SwitchName] = &[
    SwitchName::TlsOtherKey,
    SwitchName::TlsBackupKey,
    SwitchName::TlsWrongName,
    SwitchName::TlsExpired,
    SwitchName::TlsUntrusted,
    SwitchName::SubmitDrop,
    SwitchName::SubmitSlow,
    SwitchName::SuspensionEffect,
    SwitchName::ExchangeNoIssuedType,
    SwitchName::PatientsRenamed,
    SwitchName::OidcParRequired,
];

pub(crate) fn armed(sandbox: &Sandbox, switch: &str) {
    let mut switch: Switch = switch.parse().unwrap();
    switch.times = Some(1);
    sandbox.arm(switch);
}

#[test]
fn every_switch_has_a_test() {
    let sources = [include_str!("switches.rs"), include_str!("record_switches.rs"), include_str!("oidc.rs")];
    let tables = TOKEN_ERRORS
        .iter()
        .chain(SUBMIT_ERRORS)
        .chain(RECORD_ERRORS)
        .chain(WRITE_ERRORS)
        .map(|row| row.0.split('=').next().unwrap());
    let in_tables: HashSet<&str> = tables.collect();
    for name in SwitchName::ALL {
        let is_of_seals = include_str!("seal.rs").contains(&format!("SwitchName::{name:?}"));
        let shown = in_tables.contains(name.as_str()) || SHOWN_ELSEWHERE.contains(name) || is_of_seals;
        assert!(shown || sources.iter().any(|source| source.contains(&format!("armed(&sandbox, \"{name}"))), "{name}");
    }
}

#[test]
fn a_server_may_rename_everybody() {
    let (_sandbox, device) = started();
    let before = device.sign_in(1)["patient"].as_str().unwrap().to_owned();
    let (_renamed, device) =
        started_with(Options { switches: vec![Switch::always(SwitchName::PatientsRenamed)], ..Options::default() });
    assert_eq!(device.sign_in(1)["patient"], format!("{before}-renamed"));
}

#[test]
fn token_errors() {
    let (sandbox, device) = started();
    let assertion = device.assertion(&Card::of(1));
    for (switch, status, error, card_error) in TOKEN_ERRORS {
        armed(&sandbox, switch);
        let refused = device.token(&assertion);
        let (seen_status, seen, seen_card) = refused.oauth_error();
        let seen = (seen_status, seen.as_str(), seen_card.unwrap_or_default());
        assert_eq!(seen, (*status, *error, (*card_error).to_owned()), "{switch}");
        let waits = matches!(status, 429 | 503);
        assert_eq!(refused.header("retry-after"), waits.then_some("1"), "{switch}");
    }
    assert_eq!(device.token(&assertion).status, 200, "nothing was consumed");
    armed(&sandbox, "token-429=7");
    assert_eq!(device.token(&assertion).header("retry-after"), Some("7"));
}

#[test]
fn submit_errors() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    let submit = || device.submit(&token, &random_id(), &inquiry(&token, &[]));
    for (switch, status, issue, code) in SUBMIT_ERRORS {
        armed(&sandbox, switch);
        let refused = submit();
        assert_eq!(refused.outcome(), (*status, (*issue).to_owned(), (*code).to_owned()), "{switch}");
        if ["submit-429", "submit-503"].contains(switch) {
            assert_eq!(refused.header("retry-after"), Some("1"), "{switch}");
        }
        if *switch == "outcome-html" {
            assert!(refused.json()["issue"][0]["details"]["text"].as_str().unwrap().contains("<script>"));
        }
        assert_eq!(submit().status, 200, "after {switch}");
    }
    armed(&sandbox, "submit-503=7");
    assert_eq!(submit().header("retry-after"), Some("7"));
}

#[test]
fn wrapped_body_satisfies_require_wrapped() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    sandbox.arm(Switch::always(SwitchName::RequireWrapped));
    let bare = inquiry(&token, &[]);
    let wrapped =
        serde_json::json!({ "resourceType": "Parameters", "parameter": [{ "name": "resource", "resource": bare }] });
    assert_eq!(device.submit(&token, &random_id(), &bare).status, 400);
    assert_eq!(device.submit(&token, &random_id(), &wrapped).status, 200);
    assert_eq!(device.submit(&token, &random_id(), &bare).status, 400);
    sandbox.disarm_all();
    assert_eq!(device.submit(&token, &random_id(), &bare).status, 200);
}

pub(crate) fn is_json(reply: &Reply) -> bool {
    serde_json::from_slice::<Value>(&reply.body).is_ok()
}

#[test]
fn discovery_switches() {
    let (sandbox, device) = started();
    let path = "/r4/.well-known/smart-configuration";
    armed(&sandbox, "discovery-malformed");
    assert!(!is_json(&device.client.get(path)));
    armed(&sandbox, "discovery-wrong-issuer");
    assert_ne!(device.client.get(path).json()["issuer"], sandbox.issuer());
    armed(&sandbox, "discovery-missing");
    assert_eq!(device.client.get(path).status, 404);
    armed(&sandbox, "discovery-oversized");
    assert!(device.client.get(path).body.len() > MAX_BODY);
    assert_eq!(device.client.get(path).json()["issuer"], sandbox.issuer());
    sandbox.arm("levels=L0+L2".parse().expect("a switch"));
    assert_eq!(device.client.get(path).json()["kz_conformance"], serde_json::json!(["L0", "L2"]));
    sandbox.disarm_all();
    armed(&sandbox, "levels");
    assert_eq!(device.client.get(path).json()["kz_conformance"].as_array().map(Vec::len), Some(1));
    sandbox.disarm_all();
    let seconds_old = |reply: &Reply| {
        let date = httpdate::parse_http_date(reply.header("date").unwrap()).unwrap();
        SystemTime::now().duration_since(date).unwrap().as_secs()
    };
    let is_cached = |cached: &Reply, age| (1800..1805).contains(&seconds_old(cached)) && cached.header("age") == age;
    armed(&sandbox, "discovery-cached");
    assert!(is_cached(&device.client.get(path), None));
    armed(&sandbox, "discovery-aged");
    assert!(is_cached(&device.client.get(path), Some("1800")));
    assert!(seconds_old(&device.client.get(path)) < 5);
    sandbox.arm("discovery-cached".parse().expect("a switch"));
    assert!(seconds_old(&device.client.post("/nonce")) < 5, "not what no cache keeps");
    sandbox.disarm_all();
    armed(&sandbox, "wrong-date");
    assert_eq!(device.client.get(path).header("date"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    armed(&sandbox, "wrong-date=soon");
    assert_eq!(device.client.get(path).header("date"), Some("soon"));
    armed(&sandbox, "metadata-old-version");
    assert_eq!(device.client.get("/r4/metadata").json()["fhirVersion"], "3.0.2");
    armed(&sandbox, "metadata-no-submit");
    assert!(!device.client.get("/r4/metadata").json().to_string().contains("submit"));
}

#[test]
fn nonce_switches() {
    let (sandbox, device) = started();
    armed(&sandbox, "nonce-short");
    assert_eq!(device.nonce().len(), 42);
    armed(&sandbox, "nonce-padded");
    assert!(device.nonce().ends_with('='));
    armed(&sandbox, "nonce-malformed");
    assert!(!is_json(&device.client.post("/nonce")));
    armed(&sandbox, "nonce-oversized-body");
    assert!(device.client.post("/nonce").body.len() > MAX_BODY);
    armed(&sandbox, "nonce-429=3");
    let reply = device.client.post("/nonce");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("3")));
    armed(&sandbox, "nonce-503");
    let reply = device.client.post("/nonce");
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    armed(&sandbox, "nonce-redirect");
    let reply = device.client.post("/nonce");
    assert_eq!((reply.status, reply.header("location")), (307, Some("https://other.example/nonce")));
    armed(&sandbox, "nonce-redirect=302 https://127.0.0.1:9/x");
    let reply = device.client.post("/nonce");
    assert_eq!((reply.status, reply.header("location")), (302, Some("https://127.0.0.1:9/x")));
    assert_eq!(device.nonce().len(), 43);
}

#[test]
fn token_switches() {
    let (sandbox, device) = started();
    let assertion = device.assertion(&Card::of(1));
    armed(&sandbox, "token-redirect=302");
    assert_eq!(device.token(&assertion).status, 302);
    armed(&sandbox, "token-html=500");
    let reply = device.token(&assertion);
    assert_eq!((reply.status, is_json(&reply)), (500, false));
    assert_eq!(sandbox.counters().assertions_accepted, 0);
    armed(&sandbox, "token-drop");
    assert!(device.try_token(&assertion).is_err());
    assert_eq!(sandbox.counters().assertions_accepted, 1, "processed although dropped");
    armed(&sandbox, "token-malformed");
    assert!(!is_json(&device.token(&assertion)));
    armed(&sandbox, "token-oversized");
    assert!(device.token(&assertion).body.len() > MAX_BODY);
    armed(&sandbox, "token-bearer");
    assert_eq!(device.token(&assertion).json()["token_type"], "Bearer");
    armed(&sandbox, "token-narrow-scope");
    let narrow = device.token(&assertion).json();
    assert_eq!(narrow["scope"], "patient/CoverageEligibilityResponse.rs patient/Coverage.rs");
    armed(&sandbox, "token-narrow-scope=patient/Coverage.rs");
    assert_eq!(device.token(&assertion).json()["scope"], "patient/Coverage.rs");
    armed(&sandbox, "grace");
    let grace = device.token(&assertion).json();
    assert_eq!((&grace["card_status"]["state"], &grace["refresh_token"]), (&"grace".into(), &Value::Null));
    assert_eq!(device.token(&assertion).json()["card_status"]["state"], "valid");
}

#[test]
fn submit_switches() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    let submit = || device.submit(&token, &random_id(), &inquiry(&token, &[]));
    armed(&sandbox, "submit-redirect");
    assert_eq!(submit().status, 307);
    armed(&sandbox, "submit-html");
    let reply = submit();
    assert_eq!((reply.status, is_json(&reply)), (502, false));
    assert_eq!(sandbox.counters().submits, 0);
    armed(&sandbox, "submit-malformed");
    assert!(!is_json(&submit()));
    armed(&sandbox, "submit-oversized");
    assert!(submit().body.len() > MAX_BODY);
    armed(&sandbox, "submit-deep");
    assert_eq!(depth(&submit().body), 200);
    armed(&sandbox, "submit-deep=65");
    assert_eq!(depth(&submit().body), 65);
    armed(&sandbox, "submit-my-number");
    let identifier = &submit().json()["contained"][0]["identifier"][1];
    assert!(identifier["system"].as_str().unwrap().ends_with("/mynumber"));
    assert_eq!(identifier["value"], "123456789018");
    assert_eq!(submit().json()["outcome"], "complete");
}

#[test]
fn poll_pending() {
    let (sandbox, device) = started();
    let token = device.sign_in(7);
    let queued = device.submit(&token, &random_id(), &inquiry(&token, &[])).json();
    let form = format!("request={}", queued["request"]["reference"].as_str().unwrap());
    armed(&sandbox, "poll-pending");
    let outcomes: Vec<Value> = (0..3)
        .map(|_| device.search(&token, "CoverageEligibilityResponse", &form).json())
        .map(|bundle| bundle["entry"][0]["resource"]["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["queued", "queued", "complete"]);
}

#[test]
fn slow_waits_before_the_answer() {
    let (sandbox, device) = started();
    armed(&sandbox, "slow=300");
    let began = Instant::now();
    device.nonce();
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn rate_limit_refuses_past_its_number() {
    let (sandbox, device) = started();
    // A minute may end between two calls, so more are made than two minutes would allow.
    sandbox.arm("rate-limit=3".parse().unwrap());
    let replies: Vec<Reply> = (0..8).map(|_| device.client.post("/nonce")).collect();
    let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    sandbox.disarm_all();
    armed(&sandbox, "rate-limit=1000");
    assert_eq!(device.client.post("/nonce").status, 200);
}

pub(crate) fn depth(json: &[u8]) -> usize {
    let mut depth = (0_usize, 0);
    let mut in_text = false;
    for (at, byte) in json.iter().enumerate() {
        match byte {
            b'"' if json[at - 1] != b'\\' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth = (depth.0 + 1, depth.1.max(depth.0 + 1)),
            b'}' | b']' if !in_text => depth.0 -= 1,
            _ => {}
        }
    }
    depth.1
}

#[test]
fn switches_are_used_up_in_the_order_they_were_armed() {
    let (sandbox, device): (Sandbox, Device) = started();
    sandbox.arm("nonce-429:2=1".parse().unwrap());
    sandbox.arm("nonce-429:1=9".parse().unwrap());
    let seconds: Vec<Option<String>> =
        (0..4).map(|_| device.client.post("/nonce").header("retry-after").map(str::to_owned)).collect();
    assert_eq!(seconds, [Some("1".to_owned()), Some("1".to_owned()), Some("9".to_owned()), None]);
}

pub(crate) const MAX_BODY: usize = 8 * 1024 * 1024;
