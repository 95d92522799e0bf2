//! Refresh, its rotation, and the revocation endpoint.

use kazasu_sandbox::Sandbox;
use serde_json::Value;

use crate::client::Reply;
use crate::device::{CLIENT, Device, JWT_BEARER, started};

fn revoke(device: &Device, token: &Value, client: &str) -> Reply {
    let form = format!("client_id={client}&token={}", token.as_str().unwrap());
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    device.client.send("POST", "/revoke", &headers, form.as_bytes()).unwrap()
}

#[test]
fn refresh_rotates_for_the_same_key_only() {
    let (sandbox, device): (Sandbox, Device) = started();
    let first = device.sign_in(1);
    let second = device.refresh(&first["refresh_token"]).json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!((&second["scope"], &second["patient"]), (&first["scope"], &first["patient"]));
    assert_eq!(device.search(&second, "Coverage", "").status, 200);
    let thief = Device::new(&sandbox);
    assert_eq!(thief.refresh(&second["refresh_token"]).oauth_error().1, "invalid_grant");
    assert_eq!(device.refresh(&second["refresh_token"]).status, 200);
}

#[test]
fn second_replay_revokes_the_family() {
    let (_sandbox, device) = started();
    let first = device.sign_in(1);
    assert_eq!(device.refresh(&first["refresh_token"]).status, 200);
    let replayed = device.refresh(&first["refresh_token"]);
    assert_eq!(replayed.status, 200, "one replay within 30 s");
    assert_eq!(device.refresh(&first["refresh_token"]).oauth_error().1, "invalid_grant");
    assert_eq!(device.search(&replayed.json(), "Coverage", "").outcome().2, "KZ-A10");
}

#[test]
fn suspension_token_survives_log_out_and_does_not_rotate() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    assert_eq!(revoke(&device, &token["refresh_token"], CLIENT).status, 200);
    assert_eq!(device.search(&token, "Coverage", "").outcome().2, "KZ-A10");
    for _ in 0..2 {
        let stop = device.refresh(&token["suspension_refresh_token"]).json();
        assert_eq!(stop["scope"], "card.suspend");
        assert!(stop["refresh_token"].is_null());
        assert_eq!(device.search(&stop, "Coverage", "").outcome().2, "KZ-A11", "good for nothing else");
    }
    sandbox.suspend(1);
    assert_eq!(device.refresh(&token["suspension_refresh_token"]).oauth_error().1, "invalid_grant");
}

#[test]
fn suspended_and_revoked_people_do_not_refresh() {
    let (sandbox, device) = started();
    let (one, two) = (device.sign_in(1), device.sign_in(2));
    sandbox.suspend(1);
    sandbox.revoke(2);
    let (status, error, card_error) = device.refresh(&one["refresh_token"]).oauth_error();
    assert_eq!((status, error.as_str(), card_error.as_deref()), (403, "access_denied", Some("suspended")));
    assert_eq!(device.refresh(&two["refresh_token"]).oauth_error().1, "invalid_grant");
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

#[test]
fn late_replay_of_a_rotated_token_revokes_the_family() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    device.wait(&sandbox, 301);
    assert_eq!(device.search(&token, "Coverage", "").outcome().2, "KZ-A10");
    let next = device.refresh(&token["refresh_token"]).json();
    assert_eq!(device.search(&next, "Coverage", "").status, 200);
    device.wait(&sandbox, 31);
    assert_eq!(device.refresh(&token["refresh_token"]).oauth_error().1, "invalid_grant", "past the grace of 30 s");
    assert_eq!(device.refresh(&next["refresh_token"]).oauth_error().1, "invalid_grant", "the family is revoked");
}

#[test]
fn a_day_old_refresh_token_has_expired_and_the_suspension_token_has_not() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    device.wait(&sandbox, 86_401);
    assert_eq!(device.refresh(&token["refresh_token"]).oauth_error().1, "invalid_grant");
    assert_eq!(device.refresh(&token["suspension_refresh_token"]).json()["scope"], "card.suspend");
    device.wait(&sandbox, 365 * 86_400);
    assert_eq!(device.refresh(&token["suspension_refresh_token"]).oauth_error().1, "invalid_grant");
}

#[test]
fn refresh_may_ask_for_less_and_never_for_more() {
    let (_sandbox, device) = started();
    let assertion = device.assertion(&crate::card::Card::of(1));
    let scope = "patient%2FCoverage.rs+patient%2FImmunization.rs+offline_access";
    let form = format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion={assertion}&scope={scope}");
    let token = device.token_form(&form, None).unwrap().json();
    assert_eq!(token["scope"], "patient/Coverage.rs patient/Immunization.rs offline_access");
    let refresh = |token: &Value, scope: &str| {
        let old = token["refresh_token"].as_str().unwrap();
        let form = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={old}&scope={scope}");
        device.token_form(&form, None).unwrap()
    };
    assert_eq!(refresh(&token, "patient%2FTask.crus").oauth_error().1, "invalid_scope");
    let narrow = refresh(&token, "patient%2FImmunization.rs").json();
    assert_eq!(narrow["scope"], "patient/Immunization.rs");
    assert_eq!(device.search(&narrow, "Immunization", "").status, 200);
    assert_eq!(device.search(&narrow, "Coverage", "").outcome().2, "KZ-A11");
    let whole = device.refresh(&narrow["refresh_token"]).json();
    assert_eq!(whole["scope"], token["scope"], "the next refresh may ask for everything again");
}

#[test]
fn no_assertion_obtains_the_scope_that_suspends() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    assert!(!token["scope"].as_str().unwrap().contains("card.suspend"));
    let assertion = device.assertion(&crate::card::Card::of(1));
    let form = format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion={assertion}&scope=card.suspend");
    assert_eq!(device.token_form(&form, None).unwrap().oauth_error().1, "invalid_scope");
}
