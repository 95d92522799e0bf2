//! The main job: discovery, nonce, card, token, eligibility.

use serde_json::json;

use crate::card::{Card, Profile, random_id};
use crate::device::{inquiry, started};

#[test]
fn person_one_is_valid_with_a_limit_category() {
    let (sandbox, device) = started();
    let discovered = device.client.get("/r4/.well-known/smart-configuration").json();
    assert_eq!(discovered["issuer"], sandbox.issuer());
    let token = device.token(&device.assertion(&Card::of(1)));
    assert_eq!(token.header("cache-control"), Some("no-store"));
    let token = token.json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("DPoP"), &json!(300)));
    assert_eq!(token["patient"], "p-7f3a91");
    assert_eq!(token["card_status"]["state"], "valid");
    assert!(token["refresh_token"].is_string() && token["suspension_refresh_token"].is_string());
    assert!(!token["scope"].as_str().unwrap().contains("Unknown"), "scope is narrowed to what is offered");

    let reply =
        device.submit(&token, &random_id(), &inquiry(&token, &[("limit-certificate", "1"), ("medication", "0")]));
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
    let answer = reply.json();
    assert_eq!((&answer["outcome"], &answer["insurance"][0]["inforce"]), (&json!("complete"), &json!(true)));
    assert_eq!(answer["patient"]["reference"], "Patient/p-7f3a91");
    assert_eq!(answer["servicedDate"], "2026-11-20");
    let items = answer["insurance"][0]["item"].as_array().unwrap();
    assert_eq!(items[0]["benefit"][0]["allowedUnsignedInt"], 30);
    assert_eq!(items[1]["benefit"][0]["extension"][0]["valueCoding"]["code"], "A03");
    let consents = answer["extension"].as_array().unwrap();
    assert_eq!(consents.len(), 1, "only the consent that was given");
    assert_eq!(consents[0]["extension"][0]["valueCode"], "limit-certificate");
    assert!(!answer.to_string().contains("{{"));

    let counters = sandbox.counters();
    let seen = (counters.nonces, counters.assertions_accepted, counters.tokens_issued, counters.submits);
    assert_eq!(seen, (1, 1, 1, 1));
    assert_eq!(counters.by_route["POST /token"], 1);
}

#[test]
fn without_consent_there_is_no_limit_category() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    for consents in [&[][..], &[("limit-certificate", "0")]] {
        let answer = device.submit(&token, &random_id(), &inquiry(&token, consents)).json();
        assert_eq!(answer["insurance"][0]["item"].as_array().unwrap().len(), 1);
        assert!(answer["extension"].is_null());
    }
}

#[test]
fn every_kind_of_card_key_signs_in() {
    let (_sandbox, device) = started();
    for (kind, authority) in
        [("p256", "authentication-p384"), ("p384", "authentication-p384"), ("rsa2048", "authentication-p384")]
    {
        let profile = Profile { authority, ..Profile::default() };
        let reply = device.token(&device.assertion(&Card::with(3, kind, &profile)));
        assert_eq!(reply.status, 200, "{kind}: {}", reply.json());
    }
}
