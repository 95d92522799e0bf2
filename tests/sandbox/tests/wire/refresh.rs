//! Refresh, its rotation, and the revocation endpoint.

use kazasu_sandbox::Sandbox;
use serde_json::Value;

use crate::client::Reply;
use crate::device::{CLIENT, Device, started};

fn refresh(device: &Device, token: &Value) -> Reply {
    let form = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={}", token.as_str().unwrap());
    device.token_form(&form, None).unwrap()
}

fn revoke(device: &Device, token: &Value, client: &str) -> Reply {
    let form = format!("client_id={client}&token={}", token.as_str().unwrap());
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    device.client.send("POST", "/revoke", &headers, form.as_bytes()).unwrap()
}

#[test]
fn refresh_rotates_for_the_same_key_only() {
    let (sandbox, device): (Sandbox, Device) = started();
    let first = device.sign_in(1);
    let second = refresh(&device, &first["refresh_token"]).json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!((&second["scope"], &second["patient"]), (&first["scope"], &first["patient"]));
    assert_eq!(device.search(&second, "Coverage", "").status, 200);
    let thief = Device::new(&sandbox);
    assert_eq!(refresh(&thief, &second["refresh_token"]).oauth_error().1, "invalid_grant");
    assert_eq!(refresh(&device, &second["refresh_token"]).status, 200);
}

#[test]
fn second_replay_revokes_the_family() {
    let (_sandbox, device) = started();
    let first = device.sign_in(1);
    assert_eq!(refresh(&device, &first["refresh_token"]).status, 200);
    let replayed = refresh(&device, &first["refresh_token"]);
    assert_eq!(replayed.status, 200, "one replay within 30 s");
    assert_eq!(refresh(&device, &first["refresh_token"]).oauth_error().1, "invalid_grant");
    assert_eq!(device.search(&replayed.json(), "Coverage", "").outcome().2, "KZ-A10");
}

#[test]
fn suspension_token_survives_log_out_and_does_not_rotate() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    assert_eq!(revoke(&device, &token["refresh_token"], CLIENT).status, 200);
    assert_eq!(device.search(&token, "Coverage", "").outcome().2, "KZ-A10");
    for _ in 0..2 {
        let stop = refresh(&device, &token["suspension_refresh_token"]).json();
        assert_eq!(stop["scope"], "card.suspend");
        assert!(stop["refresh_token"].is_null());
        assert_eq!(device.search(&stop, "Coverage", "").outcome().2, "KZ-A11", "good for nothing else");
    }
    sandbox.suspend(1);
    assert_eq!(refresh(&device, &token["suspension_refresh_token"]).oauth_error().1, "invalid_grant");
}

#[test]
fn suspended_and_revoked_people_do_not_refresh() {
    let (sandbox, device) = started();
    let (one, two) = (device.sign_in(1), device.sign_in(2));
    sandbox.suspend(1);
    sandbox.revoke(2);
    let (status, error, card_error) = refresh(&device, &one["refresh_token"]).oauth_error();
    assert_eq!((status, error.as_str(), card_error.as_deref()), (403, "access_denied", Some("suspended")));
    assert_eq!(refresh(&device, &two["refresh_token"]).oauth_error().1, "invalid_grant");
}

#[test]
fn revocation_of_unknown_tokens_succeeds_and_of_foreign_ones_does_nothing() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    assert_eq!(revoke(&device, &"unknown".into(), CLIENT).status, 200);
    assert_eq!(revoke(&device, &token["access_token"], "other").oauth_error().1, "invalid_client");
    assert_eq!(device.search(&token, "Coverage", "").status, 200);
    assert_eq!(revoke(&device, &token["access_token"], CLIENT).status, 200);
    assert_eq!(device.search(&token, "Coverage", "").outcome().2, "KZ-A10");
    assert_eq!(sandbox.counters().revocations, 1);
}
