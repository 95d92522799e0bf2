//! DPoP proofs at both halves of the server, and the optional DPoP nonce.

use kazasu_sandbox::{Switch, SwitchName};
use serde_json::{Value, json};

use crate::card::{Card, now, random_id};
use crate::device::{CLIENT, Device, JWT_BEARER, Proof, SUBMIT, inquiry, started};

type Change = (&'static str, fn(&mut Proof));

const WRONG_PROOFS: &[Change] = &[
    ("wrong typ", |proof| proof.header["typ"] = "JWT".into()),
    ("wrong alg", |proof| proof.header["alg"] = "RS256".into()),
    ("crit", |proof| proof.header["crit"] = json!(["x"])),
    ("private key", |proof| proof.header["jwk"]["d"] = "AA".into()),
    ("key off the curve", |proof| proof.header["jwk"]["x"] = proof.header["jwk"]["y"].clone()),
    ("no key", |proof| proof.header["jwk"] = Value::Null),
    ("wrong method", |proof| proof.claims["htm"] = "GET".into()),
    ("wrong url", |proof| proof.claims["htu"] = "https://other.example/token".into()),
    ("too old", |proof| proof.claims["iat"] = json!(now() - 70)),
    ("in the future", |proof| proof.claims["iat"] = json!(now() + 70)),
    ("short id", |proof| proof.claims["jti"] = "short".into()),
    ("no id", |proof| proof.claims["jti"] = Value::Null),
    ("wrong token hash", |proof| proof.claims["ath"] = "x".into()),
];

fn form(device: &Device) -> String {
    let assertion = device.assertion(&Card::of(1));
    format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion={assertion}")
}

#[test]
fn wrong_proofs_are_refused_at_the_token_endpoint() {
    let (_sandbox, device) = started();
    let form = form(&device);
    for (name, change) in WRONG_PROOFS {
        let mut proof = device.proof("POST", "/token", None);
        change(&mut proof);
        let reply = device.token_with_proof(&form, &device.sign(&proof)).unwrap();
        assert_eq!(reply.oauth_error(), (400, "invalid_dpop_proof".into(), None), "{name}");
    }
    let mut signature = device.sign(&device.proof("POST", "/token", None));
    signature.replace_range(signature.len() - 40..signature.len() - 30, "AAAAAAAAAA");
    assert_eq!(device.token_with_proof(&form, &signature).unwrap().oauth_error().1, "invalid_dpop_proof");
    let good = device.sign(&device.proof("POST", "/token", None));
    let headers =
        [("Content-Type", "application/x-www-form-urlencoded"), ("DPoP", good.as_str()), ("DPoP", good.as_str())];
    let reply = device.client.send("POST", "/token", &headers, form.as_bytes()).unwrap();
    assert_eq!(reply.oauth_error().1, "invalid_dpop_proof", "two proofs");
    assert_eq!(device.token_with_proof(&form, &good).unwrap().status, 200, "nothing was consumed");
}

#[test]
fn wrong_proofs_are_refused_at_the_resource_server() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let token = token["access_token"].as_str().unwrap();
    let authorization = format!("DPoP {token}");
    let call = |proof: &str| {
        let headers = [("Authorization", authorization.as_str()), ("DPoP", proof)];
        device.client.send("POST", "/r4/Coverage/_search", &headers, b"").unwrap()
    };
    for (name, change) in WRONG_PROOFS {
        let mut proof = device.proof("POST", "/r4/Coverage/_search", Some(token));
        change(&mut proof);
        let reply = call(&device.sign(&proof));
        assert_eq!(reply.outcome(), (401, "login".into(), "KZ-A09".into()), "{name}");
        assert!(reply.header("www-authenticate").unwrap().contains("error=\"invalid_dpop_proof\""), "{name}");
    }
    let proof = device.sign(&device.proof("POST", "/r4/Coverage/_search", Some(token)));
    assert_eq!((call(&proof).status, call(&proof).outcome().2.as_str()), (200, "KZ-A09"), "a replay");
}

#[test]
fn token_is_bound_to_its_key_and_scheme() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    let thief = Device::new(&sandbox);
    assert_eq!(thief.search(&token, "Coverage", "").outcome().2, "KZ-A09");
    let access = token["access_token"].as_str().unwrap();
    let proof = device.sign(&device.proof("POST", "/r4/Coverage/_search", Some(access)));
    for authorization in [format!("Bearer {access}"), access.to_owned(), "DPoP".to_owned()] {
        let headers = [("Authorization", authorization.as_str()), ("DPoP", proof.as_str())];
        let reply = device.client.send("POST", "/r4/Coverage/_search", &headers, b"").unwrap();
        assert_eq!(reply.outcome().2, "KZ-A10");
        assert!(reply.header("www-authenticate").unwrap().starts_with("DPoP "));
    }
    let unknown = json!({ "access_token": "unknown" });
    assert_eq!(device.search(&unknown, "Coverage", "").outcome().2, "KZ-A10");
}

#[test]
fn nonce_mode_asks_once_and_then_wants_the_nonce() {
    let (sandbox, device) = started();
    sandbox.arm(Switch::always(SwitchName::UseDpopNonce));
    let form = form(&device);
    let refused = device.token_form(&form, None).unwrap();
    assert_eq!(refused.oauth_error(), (400, "use_dpop_nonce".into(), None));
    assert_eq!(device.token_form(&form, Some("made-up")).unwrap().oauth_error().1, "use_dpop_nonce");
    let nonce = refused.header("dpop-nonce").unwrap().to_owned();
    let accepted = device.token_form(&form, Some(&nonce)).unwrap();
    assert_eq!(accepted.status, 200);
    let token = accepted.json();
    let refused = device.submit(&token, &random_id(), &inquiry(&token, &[]));
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().contains("use_dpop_nonce"));
    let access = token["access_token"].as_str().unwrap();
    let mut proof = device.proof("POST", SUBMIT, Some(access));
    proof.claims["nonce"] = refused.header("dpop-nonce").unwrap().into();
    // With a nonce of the server the clock of the phone does not matter.
    proof.claims["iat"] = json!(now() - 86_400);
    let authorization = format!("DPoP {access}");
    let proof = device.sign(&proof);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("DPoP", proof.as_str()),
        ("Content-Type", "application/fhir+json"),
    ];
    let body = inquiry(&token, &[]).to_string();
    assert_eq!(device.client.send("POST", SUBMIT, &headers, body.as_bytes()).unwrap().status, 200);
}

#[test]
fn nonce_mode_can_be_asked_for_once() {
    let (sandbox, device) = started();
    sandbox.arm(Switch::times(SwitchName::UseDpopNonce, 1));
    let form = form(&device);
    let refused = device.token_form(&form, None).unwrap();
    assert_eq!(refused.oauth_error().1, "use_dpop_nonce");
    assert_eq!(device.token_form(&form, refused.header("dpop-nonce")).unwrap().status, 200);
    assert_eq!(device.token_form(&form, None).unwrap().status, 200);
}
