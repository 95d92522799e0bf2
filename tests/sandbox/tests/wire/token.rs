//! The checks of the token endpoint in their order, and the consumption rule of the nonce.

use base64ct::{Base64, Encoding};
use kazasu_sandbox::Options;
use serde_json::{Value, json};

use crate::card::{Card, DAY_S, Profile, now};
use crate::client::Reply;
use crate::device::{CLIENT, Device, JWT_BEARER, started, started_with};

fn refusal(reply: &Reply) -> (u16, String, String) {
    let (status, error, card_error) = reply.oauth_error();
    (status, error, card_error.unwrap_or_default())
}

fn grant_refused(card_error: &str) -> (u16, String, String) {
    (400, "invalid_grant".into(), card_error.into())
}

#[test]
fn each_check_fails_with_its_error_and_leaves_the_nonce_unused() {
    let (sandbox, device) = started();
    let card = Card::of(1);
    let with = |profile: Profile| Card::with(1, "rsa2048", &profile);
    let base = Profile::default();
    let stranger = with(Profile { authority: "signature-rsa2048", ..base.clone() });
    let wrong_usage = with(Profile { key_usage: 0x08, ..base.clone() });
    let wrong_policy = with(Profile { policy: "1.2.392.200149.8.5.1.0.20", ..base.clone() });
    let long_expired =
        with(Profile { not_after: now() - 130 * DAY_S, not_before: now() - 900 * DAY_S, ..base.clone() });
    let not_yet = with(Profile { not_before: now() + 2 * DAY_S, ..base.clone() });
    let other = Card::of(2);

    type Change<'a> = Box<dyn Fn(&mut Value, &mut Value) + 'a>;
    let header =
        |name: &'static str, value: Value| -> Change<'_> { Box::new(move |header, _| header[name] = value.clone()) };
    let claim =
        |name: &'static str, value: Value| -> Change<'_> { Box::new(move |_, claims| claims[name] = value.clone()) };
    let none: fn() -> Change<'static> = || Box::new(|_, _| {});
    let root = Base64::encode_string(&sandbox.card_roots_der()[0]);
    let leaf = Base64::encode_string(&card.certificate);
    let cases: Vec<(&str, &Card, Change<'_>, &str)> = vec![
        ("jwk in the header", &card, header("jwk", json!({})), "bad_signature"),
        ("jku in the header", &card, header("jku", json!("https://other.example")), "bad_signature"),
        ("x5u in the header", &card, header("x5u", json!("https://other.example")), "bad_signature"),
        ("crit in the header", &card, header("crit", json!(["b64"])), "bad_signature"),
        ("no algorithm", &card, header("alg", json!("none")), "bad_signature"),
        ("symmetric algorithm", &card, header("alg", json!("HS256")), "bad_signature"),
        ("other type", &card, header("typ", json!("JWT")), "bad_signature"),
        ("no chain", &card, header("x5c", json!([])), "bad_chain"),
        ("chain is text", &card, header("x5c", json!("MIIB")), "bad_chain"),
        ("chain in base64url", &card, header("x5c", json!(["_-__"])), "bad_chain"),
        ("leaf twice", &card, header("x5c", json!([leaf, leaf])), "bad_chain"),
        ("root only", &card, header("x5c", json!([root])), "wrong_certificate"),
        ("three certificates", &card, header("x5c", json!([leaf, root, root])), "bad_chain"),
        ("signature authority", &stranger, none(), "wrong_certificate"),
        ("wrong key usage", &wrong_usage, none(), "wrong_certificate"),
        ("wrong policy", &wrong_policy, none(), "wrong_certificate"),
        ("long expired", &long_expired, none(), "certificate_expired"),
        ("not yet valid", &not_yet, none(), "bad_chain"),
        ("algorithm of another key", &card, header("alg", json!("ES256")), "bad_signature"),
        ("certificate of another card", &card, header("x5c", other.header()["x5c"].clone()), "bad_signature"),
        ("issuer is another key", &card, claim("iss", json!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:x")), ""),
        ("subject is another key", &card, claim("sub", json!("x")), ""),
        ("audience is the token endpoint", &card, claim("aud", json!(format!("{}/token", device.issuer))), ""),
        ("audience is a list", &card, claim("aud", json!([device.issuer])), ""),
        ("lives too long", &card, claim("exp", json!(now() + 400)), ""),
        ("expires before it is issued", &card, claim("exp", json!(now() - 10)), ""),
        ("no confirmation", &card, claim("cnf", Value::Null), ""),
        ("other confirmation", &card, claim("cnf", json!({ "jkt": "x" })), ""),
        ("no purpose", &card, claim("purpose", Value::Null), ""),
        ("other purpose", &card, claim("purpose", json!({ "code": "TREAT", "notice": "n", "sha256": "x" })), ""),
        ("other channel", &card, claim("chan", json!({ "kind": "Telepathy" })), ""),
        ("empty id", &card, claim("jti", json!("")), ""),
        (
            "issued in the future",
            &card,
            Box::new(|_, claims| (claims["iat"], claims["exp"]) = (json!(now() + 70), json!(now() + 250))),
            "clock_skew",
        ),
        (
            "issued in the past",
            &card,
            Box::new(|_, claims| (claims["iat"], claims["exp"]) = (json!(now() - 300), json!(now() - 70))),
            "clock_skew",
        ),
    ];
    let elliptic = Profile { authority: "authentication-p384", ..Profile::default() };
    let good = Card::with(1, "p256", &elliptic);
    for (name, card, change, card_error) in cases {
        let nonce = device.nonce();
        let (mut header, mut claims) = (card.header(), card.claims(&device.issuer, &nonce, &device.jkt()));
        change(&mut header, &mut claims);
        assert_eq!(refusal(&device.token(&card.sign(&header, &claims))), grant_refused(card_error), "{name}");
        let retry = good.sign(&good.header(), &good.claims(&device.issuer, &nonce, &device.jkt()));
        assert_eq!(device.token(&retry).status, 200, "the nonce is still unused after: {name}");
    }
}

#[test]
fn earlier_checks_win() {
    let (_sandbox, device) = started();
    let profile = Profile { policy: "1.2.392.200149.8.5.1.0.20", not_after: now() - 200 * DAY_S, ..Profile::default() };
    let card = Card::with(1, "rsa2048", &Profile { not_before: now() - 900 * DAY_S, ..profile });
    let claims = json!({ "aud": "wrong" });
    let mut header = card.header();
    assert_eq!(refusal(&device.token(&card.sign(&header, &claims))), grant_refused("wrong_certificate"));
    header["alg"] = "none".into();
    assert_eq!(refusal(&device.token(&card.sign(&header, &claims))), grant_refused("bad_signature"));
    let expired = Profile { not_after: now() - 200 * DAY_S, not_before: now() - 900 * DAY_S, ..Profile::default() };
    let card = Card::with(1, "rsa2048", &expired);
    assert_eq!(refusal(&device.token(&card.sign(&card.header(), &claims))), grant_refused("certificate_expired"));
}

#[test]
fn repeated_members_are_refused() {
    let (_sandbox, device) = started();
    let card = Card::of(1);
    let claims = card.claims(&device.issuer, &device.nonce(), &device.jkt()).to_string();
    let header = card.header().to_string();
    let twice = header.replacen('{', r#"{"alg":"none","#, 1);
    assert_eq!(refusal(&device.token(&card.sign_text(&twice, &claims))), grant_refused("bad_signature"));
    let twice = claims.replacen('{', r#"{"aud":"x","#, 1);
    assert_eq!(refusal(&device.token(&card.sign_text(&header, &twice))), grant_refused(""));
}

#[test]
fn authority_may_follow_the_leaf() {
    let (sandbox, device) = started();
    let card = Card::of(1);
    let mut header = card.header();
    let authorities: Vec<String> = sandbox.card_roots_der().iter().map(|der| Base64::encode_string(der)).collect();
    header["x5c"].as_array_mut().unwrap().push(authorities[0].clone().into());
    let claims = card.claims(&device.issuer, &device.nonce(), &device.jkt());
    assert_eq!(device.token(&card.sign(&header, &claims)).status, 200);
    header["x5c"][1] = authorities[1].clone().into();
    let claims = card.claims(&device.issuer, &device.nonce(), &device.jkt());
    assert_eq!(refusal(&device.token(&card.sign(&header, &claims))), grant_refused("bad_chain"));
}

#[test]
fn expired_within_three_months_is_grace() {
    let (_sandbox, device) = started();
    let profile = Profile { not_before: now() - 900 * DAY_S, not_after: now() - 20 * DAY_S, ..Profile::default() };
    let token = device.token(&device.assertion(&Card::with(1, "rsa2048", &profile))).json();
    assert_eq!(token["card_status"]["state"], "grace");
    let scopes: Vec<&str> = token["scope"].as_str().unwrap().split(' ').collect();
    assert!(scopes.iter().all(|scope| scope.starts_with("patient/Coverage")), "{scopes:?}");
    assert!(token["refresh_token"].is_null());
}

#[test]
fn identical_assertion_from_the_same_key_gets_a_fresh_token() {
    let (_sandbox, device) = started();
    let assertion = device.assertion(&Card::of(1));
    let first = device.token(&assertion).json();
    let second = device.token(&assertion);
    assert_eq!(second.status, 200);
    let second = second.json();
    assert_ne!(first["access_token"], second["access_token"]);
    assert_eq!(device.search(&second, "Coverage", "").status, 200);
    let earlier = device.search(&first, "Coverage", "");
    assert_eq!(earlier.outcome().2, "KZ-A10");
    assert!(earlier.header("www-authenticate").unwrap().contains("invalid_token"));
    let refresh = first["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={refresh}");
    assert_eq!(refusal(&device.token_form(&form, None).unwrap()), grant_refused(""));
}

#[test]
fn any_other_use_of_a_nonce_is_reuse() {
    let (sandbox, device) = started();
    let card = Card::of(1);
    let nonce = device.nonce();
    let claims = card.claims(&device.issuer, &nonce, &device.jkt());
    let assertion = card.sign(&card.header(), &claims);
    assert_eq!(device.token(&assertion).status, 200);
    let other = Device::new(&sandbox);
    assert_eq!(refusal(&other.token(&assertion)), grant_refused("nonce_reused"), "same assertion, other key");
    let another = card.sign(&card.header(), &card.claims(&device.issuer, &nonce, &device.jkt()));
    assert_eq!(refusal(&device.token(&another)), grant_refused("nonce_reused"), "other assertion, same key");
    let mut same_id = card.claims(&device.issuer, &device.nonce(), &device.jkt());
    same_id["jti"] = claims["jti"].clone();
    assert_eq!(refusal(&device.token(&card.sign(&card.header(), &same_id))), grant_refused("nonce_reused"), "same jti");
    let counters = sandbox.counters();
    assert_eq!((counters.assertions_accepted, counters.assertions_refused), (1, 3));
}

#[test]
fn five_failures_kill_a_nonce() {
    let (_sandbox, device) = started();
    let card = Card::of(1);
    let nonce = device.nonce();
    for failures in 1..=5 {
        let mut claims = card.claims(&device.issuer, &nonce, &device.jkt());
        claims["aud"] = "https://other.example".into();
        assert_eq!(refusal(&device.token(&card.sign(&card.header(), &claims))), grant_refused(""), "{failures}");
    }
    let claims = card.claims(&device.issuer, &nonce, &device.jkt());
    assert_eq!(refusal(&device.token(&card.sign(&card.header(), &claims))), grant_refused("nonce_expired"));
}

#[test]
fn unknown_nonce_is_expired() {
    let (_sandbox, device) = started();
    let card = Card::of(1);
    let unknown = "grsUKmVPhUi-bUjaMS5InxrVs51hSBtjkJx0yDxMWxg";
    let claims = card.claims(&device.issuer, unknown, &device.jkt());
    assert_eq!(refusal(&device.token(&card.sign(&card.header(), &claims))), grant_refused("nonce_expired"));
}

#[test]
fn revoked_unknown_and_suspended_people_are_refused_in_this_order() {
    let (sandbox, device) = started();
    let denied = |card_error: &str| (403, "access_denied".to_owned(), card_error.to_owned());
    sandbox.suspend(1);
    assert_eq!(refusal(&device.token(&device.assertion(&Card::of(1)))), denied("suspended"));
    sandbox.revoke(1);
    assert_eq!(refusal(&device.token(&device.assertion(&Card::of(1)))), grant_refused("certificate_revoked"));
    // The certificate of the right authority for a key that belongs to nobody: a signature key of person 1.
    let mut card = Card::of(2);
    card.replace_with_signature_key_of(1);
    assert_eq!(refusal(&device.token(&device.assertion(&card))), denied("not_registered"));
}

#[test]
fn suspension_ends_the_use_of_issued_tokens() {
    let (sandbox, device) = started();
    let token = device.sign_in(1);
    sandbox.suspend(1);
    assert_eq!(device.search(&token, "Coverage", "").outcome(), (403, "forbidden".into(), "KZ-S01".into()));
}

#[test]
fn malformed_forms_are_invalid_requests() {
    let (_sandbox, device) = started();
    let assertion = device.assertion(&Card::of(1));
    let base = format!("client_id={CLIENT}&assertion={assertion}");
    let cases = [
        (format!("grant_type={JWT_BEARER}&client_id={CLIENT}"), (400, "invalid_request")),
        (base.clone(), (400, "invalid_request")),
        (format!("grant_type={JWT_BEARER}&{base}&client_id=x"), (400, "invalid_request")),
        (format!("grant_type=password&{base}"), (400, "unsupported_grant_type")),
        (format!("grant_type={JWT_BEARER}&client_id=other&assertion={assertion}"), (401, "invalid_client")),
        (format!("grant_type={JWT_BEARER}&assertion={assertion}"), (401, "invalid_client")),
        (format!("grant_type={JWT_BEARER}&{base}&resource=https%3A%2F%2Fother.example"), (400, "invalid_target")),
        (format!("grant_type={JWT_BEARER}&{base}&scope=patient%2FX.rs"), (400, "invalid_scope")),
        (format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion=abc"), (400, "invalid_grant")),
    ];
    for (form, (status, error)) in cases {
        let reply = device.token_form(&form, None).unwrap();
        assert_eq!((reply.status, reply.oauth_error().1.as_str()), (status, error), "{form}");
    }
    let proof = device.sign(&device.proof("POST", "/token", None));
    let headers = [("Content-Type", "application/json"), ("DPoP", proof.as_str())];
    let reply = device.client.send("POST", "/token", &headers, b"{}").unwrap();
    assert_eq!(reply.oauth_error().1, "invalid_request");
    let huge = vec![b'a'; 70_000];
    assert_eq!(device.client.send("POST", "/token", &headers, &huge).unwrap().status, 413);
}

#[test]
fn requested_scope_narrows_the_claimed_one() {
    let (_sandbox, device) = started();
    let assertion = device.assertion(&Card::of(1));
    let form = format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion={assertion}&scope=patient%2FCoverage.rs");
    let token = device.token_form(&form, None).unwrap().json();
    assert_eq!(token["scope"], "patient/Coverage.rs");
}

#[test]
fn clock_offset_moves_the_date_and_the_window() {
    let (_sandbox, device) = started_with(Options { clock_offset_s: 3600, ..Options::default() });
    let card = Card::of(1);
    let reply = device.token(&device.assertion(&card));
    assert_eq!(reply.oauth_error().1, "invalid_dpop_proof", "the proof is an hour old");
    let date = httpdate::parse_http_date(reply.header("date").unwrap()).unwrap();
    let ahead = date.duration_since(std::time::SystemTime::now()).unwrap().as_secs();
    assert!((3590..=3600).contains(&ahead), "{ahead}");
}
