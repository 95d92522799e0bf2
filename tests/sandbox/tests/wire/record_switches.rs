//! The switches of searches, writes, refreshes and tasks do what they say.

use kazasu_sandbox::{Switch, SwitchName};
use serde_json::Value;

use crate::card::random_id;
use crate::consent::consent;
use crate::device::started;
use crate::records::follow;
use crate::suspension::suspend;
use crate::switches::{MAX_BODY, armed, depth, is_json};

/// Switches that answer a search or read with an OperationOutcome.
pub(crate) const RECORD_ERRORS: &[(&str, u16, &str, &str)] = &[
    ("records-429", 429, "throttled", "KZ-T06"),
    ("records-503", 503, "transient", "KZ-T07"),
    ("records-token-expired", 401, "login", "KZ-A10"),
    ("records-outcome", 413, "too-costly", "KZ-D04"),
    ("records-outcome=KZ-D02", 403, "suppressed", "KZ-D02"),
    ("records-outcome=KZ-D01", 200, "invalid", "KZ-D01"),
    ("records-outcome=nonsense", 500, "exception", "KZ-Q01"),
];

#[test]
fn record_errors() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    for (switch, status, issue, code) in RECORD_ERRORS {
        for kind in ["ExplanationOfBenefit", "Coverage"] {
            armed(&sandbox, switch);
            let refused = device.search(&token, kind, "");
            assert_eq!(refused.outcome(), (*status, (*issue).to_owned(), (*code).to_owned()), "{switch}");
            let waits = matches!(status, 429 | 503);
            assert_eq!(refused.header("retry-after"), waits.then_some("1"), "{switch}");
            assert_eq!(device.search(&token, kind, "").status, 200, "after {switch}");
        }
    }
}

#[test]
fn record_switches() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    let search = || device.search(&token, "ExplanationOfBenefit", "_count=2");
    let sums_up = |bundle: &Value| {
        let totals = bundle["entry"][0]["resource"]["total"].as_array().unwrap();
        let yen: Vec<i64> = totals.iter().map(|total| total["amount"]["value"].as_i64().unwrap()).collect();
        yen[0] == yen[1..4].iter().sum::<i64>()
    };
    armed(&sandbox, "records-redirect");
    assert_eq!(search().header("location"), Some("https://other.example/r4/ExplanationOfBenefit/_search"));
    armed(&sandbox, "records-html");
    assert!(!is_json(&search()));
    armed(&sandbox, "records-malformed");
    assert!(!is_json(&search()));
    armed(&sandbox, "records-oversized");
    assert!(search().body.len() > MAX_BODY);
    armed(&sandbox, "records-deep=65");
    assert_eq!(depth(&search().body), 65);
    armed(&sandbox, "records-drop");
    let access = token["access_token"].as_str().unwrap();
    assert!(device.call("POST", "/r4/ExplanationOfBenefit/_search", access, &[], "").is_err());
    armed(&sandbox, "records-my-number");
    let bundle = search().json();
    assert_eq!(bundle["entry"][0]["resource"]["identifier"][1]["value"], "123456789018");
    assert!(sums_up(&bundle));
    armed(&sandbox, "records-amount-mismatch");
    assert_eq!(device.search(&token, "Observation", "").status, 200, "it waits for an expense");
    assert_eq!(device.search(&token, "ExplanationOfBenefit", "created=gt2999").json()["total"], 0);
    assert!(!sums_up(&search().json()));
    armed(&sandbox, "records-unknown");
    let bundle = search().json();
    assert_eq!(bundle["entry"][0]["resource"]["subType"]["coding"][0]["code"], "zz-new");
    assert_eq!(bundle["entry"][2]["resource"]["resourceType"], "UnknownRecord");
    assert_eq!(bundle["entry"][3]["search"]["mode"], "outcome");
    armed(&sandbox, "forged-text");
    let resource = search().json()["entry"][0]["resource"].clone();
    let display = resource["provider"]["display"].as_str().unwrap_or_default();
    assert!(display.contains("\n  Name: Forged (checked)\r\n") && display.contains('\u{202e}'), "{resource:#}");
    assert_eq!(resource["resourceType"], "ExplanationOfBenefit");
    armed(&sandbox, "foreign=ExplanationOfBenefit");
    let mixed = search().json()["entry"].as_array().unwrap().clone();
    let (last, others) = mixed.split_last().unwrap();
    let person = |entry: &Value| entry["resource"]["patient"]["reference"].clone();
    assert_eq!(person(last), "Patient/p-somebody-else");
    assert!(others.iter().all(|entry| person(entry) != person(last)), "the last one alone");
    armed(&sandbox, "page-size=1");
    let bundle = search().json();
    assert_eq!((bundle["entry"].as_array().unwrap().len(), bundle["link"].as_array().unwrap().len()), (1, 2));
    armed(&sandbox, "next-elsewhere");
    let next = search().json()["link"][1]["url"].as_str().unwrap().to_owned();
    assert!(next.starts_with("https://other.example/r4/ExplanationOfBenefit?"), "{next}");
    let first = search().json();
    armed(&sandbox, "next-endless");
    let again = follow(&device, &token, &first).unwrap();
    let once_more = follow(&device, &token, &again).unwrap();
    assert_ne!(first["entry"], again["entry"]);
    assert_eq!(again["entry"], once_more["entry"]);
}

/// The same for writes.
pub(crate) const WRITE_ERRORS: &[(&str, u16, &str, &str)] = &[
    ("write-429", 429, "throttled", "KZ-T06"),
    ("write-503", 503, "transient", "KZ-T07"),
    ("write-token-expired", 401, "login", "KZ-A10"),
    ("write-outcome", 403, "suppressed", "KZ-D02"),
    ("write-outcome=KZ-D03", 412, "conflict", "KZ-D03"),
];

#[test]
fn write_errors() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    for (switch, status, issue, code) in WRITE_ERRORS {
        armed(&sandbox, switch);
        let body = consent(&token, "medication");
        let give = || device.create(&token, "Consent", &[], &body);
        let refused = give();
        assert_eq!(refused.outcome(), (*status, (*issue).to_owned(), (*code).to_owned()), "{switch}");
        let waits = matches!(status, 429 | 503);
        assert_eq!(refused.header("retry-after"), waits.then_some("1"), "{switch}");
        assert_eq!(give().status, 201, "after {switch}");
    }
    assert_eq!(sandbox.counters().writes, WRITE_ERRORS.len() as u64);
}

#[test]
fn write_switches() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    let (key, body) = (random_id(), consent(&token, "medication"));
    let headers = [("Content-Type", "application/fhir+json"), ("Idempotency-Key", key.as_str())];
    let give =
        || device.call("POST", "/r4/Consent", token["access_token"].as_str().unwrap(), &headers, &body.to_string());
    armed(&sandbox, "write-drop");
    assert!(give().is_err());
    armed(&sandbox, "write-malformed");
    assert!(!is_json(&give().unwrap()));
    let stored = give().unwrap().json();
    assert_eq!(sandbox.counters().writes, 1, "processed although dropped");
    let mut inactive = stored.clone();
    inactive["status"] = "inactive".into();
    let path = format!("/r4/Consent/{}", stored["id"].as_str().unwrap());
    let withdraw = || device.write(&token, ("PUT", &path), &[("If-Match", "W/\"1\"")], &inactive).unwrap();
    armed(&sandbox, "write-conflict");
    assert_eq!(withdraw().outcome().2, "KZ-D03");
    assert_eq!(withdraw().status, 200);
}

#[test]
fn slow_write_makes_its_repeat_a_conflict() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    armed(&sandbox, "write-slow=1500");
    let (key, body) = (random_id(), consent(&token, "medication"));
    let mut replies = std::thread::scope(|scope| {
        let give = || device.create(&token, "Consent", &[("Idempotency-Key", &key)], &body).status;
        [(); 2].map(|()| scope.spawn(give)).map(|call| call.join().unwrap())
    });
    replies.sort_unstable();
    assert_eq!(replies, [201, 409]);
}

#[test]
fn task_switches() {
    let (sandbox, device) = started();
    let token = device.sign_in(6);
    let look = || {
        let found = device.search(&token, "Task", "").json();
        let task = &found["entry"][0]["resource"];
        (task["businessStatus"]["coding"][0]["code"].as_str().unwrap().to_owned(), task["statusReason"].clone())
    };
    armed(&sandbox, "task-pending");
    assert_eq!(look().0, "accepted");
    assert_eq!(look().0, "matching");
    armed(&sandbox, "registration-returned");
    let (state, reason) = look();
    assert_eq!((state.as_str(), reason["text"].is_string()), ("returned", true));

    let (sandbox, device) = started();
    let token = device.sign_in(6);
    let look = || device.search(&token, "Task", "").json()["entry"][0]["resource"]["status"].clone();
    assert_eq!(look(), "in-progress");
    armed(&sandbox, "registration-error");
    assert_eq!(look(), "failed");
}

#[test]
fn suspension_switches() {
    for (effect, outputs) in [("app-only", 1), ("jpki-official", 2)] {
        let (sandbox, device) = started();
        let token = device.sign_in(1);
        sandbox.arm(Switch::always(SwitchName::SuspensionEffect).with_value(effect));
        let discovered = device.client.get("/r4/.well-known/smart-configuration").json();
        assert_eq!(discovered["kz_suspension_effect"], effect);
        armed(&sandbox, "suspension-unconfirmed");
        assert_eq!(suspend(&device, &token).outcome().2, "KZ-S02");
        let access = device.refresh(&token["suspension_refresh_token"]).json();
        let task = &device.search(&access, "Task", "").json()["entry"][0]["resource"];
        assert_eq!(task["output"][0]["valueCoding"]["code"], effect);
        assert_eq!(task["output"].as_array().unwrap().len(), outputs);
    }
}

#[test]
fn refresh_switches() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    armed(&sandbox, "refresh-reused");
    assert_eq!(device.refresh(&token["refresh_token"]).oauth_error().1, "invalid_grant");
    armed(&sandbox, "refresh-no-records");
    let narrow = device.refresh(&token["refresh_token"]).json();
    assert!(!narrow["scope"].as_str().unwrap().contains("ExplanationOfBenefit"));
    assert_eq!(device.search(&narrow, "ExplanationOfBenefit", "").outcome().2, "KZ-A11");
    assert_eq!(device.search(&narrow, "Coverage", "").status, 200);
    let whole = device.refresh(&narrow["refresh_token"]).json();
    assert_eq!(device.search(&whole, "ExplanationOfBenefit", "").status, 200);
    armed(&sandbox, "refresh-other-patient");
    let whole = device.refresh(&whole["refresh_token"]).json();
    assert_ne!(whole["patient"], token["patient"]);
    armed(&sandbox, "revoke-503=3");
    let reply = device.client.post("/revoke");
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("3")));
    assert_eq!(device.search(&whole, "Coverage", "").status, 200, "nothing was revoked");
}
