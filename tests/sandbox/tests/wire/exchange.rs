//! Mode EXCHANGE: the card assertion as a subject token, with a client assertion of the device.

use kazasu_sandbox::{Mode, Options, Sandbox, Switch, SwitchName};
use serde_json::{Value, json};

use crate::card::{Card, now, random_id};
use crate::client::Reply;
use crate::device::{CLIENT, Device, JWT_BEARER, Proof, started, started_with};

fn exchanging() -> (Sandbox, Device) {
    started_with(Options { modes: vec![Mode::Exchange], ..Options::default() })
}

/// What a client assertion of `device` says, to be changed by tests.
fn client_assertion(device: &Device) -> Proof {
    Proof {
        header: json!({ "typ": "JWT", "alg": "ES256", "jwk": device.client_jwk() }),
        claims: json!({
            "iss": CLIENT, "sub": CLIENT, "aud": device.issuer, "jti": random_id(), "iat": now(), "exp": now() + 300,
        }),
    }
}

fn form(subject: &str, client_assertion: &str) -> String {
    format!(
        "grant_type={TOKEN_EXCHANGE}&subject_token={subject}&subject_token_type={JWT}\
         &client_assertion_type={ASSERTION_TYPE}&client_assertion={client_assertion}"
    )
}

fn exchange(device: &Device, subject: &str) -> Reply {
    device.token_form(&form(subject, &device.sign_as_client(&client_assertion(device))), None).unwrap()
}

#[test]
fn card_assertion_is_exchanged_for_the_usual_token() {
    let (sandbox, device) = exchanging();
    let metadata = device.client.get("/r4/.well-known/smart-configuration").json();
    let grants = json!(["urn:ietf:params:oauth:grant-type:token-exchange", "refresh_token"]);
    assert_eq!(metadata["grant_types_supported"], grants);
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["none", "private_key_jwt"]));
    assert_eq!(metadata["nonce_endpoint"], format!("{}/nonce", sandbox.issuer()));
    let reply = exchange(&device, &device.assertion(&Card::of(1)));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let token = reply.json();
    assert_eq!(token["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!((&token["token_type"], &token["patient"]), (&json!("DPoP"), &json!("p-7f3a91")));
    assert_eq!(token["card_status"]["state"], "valid");
    assert_eq!(device.search(&token, "Coverage", "").status, 200);
    assert_eq!(device.refresh(&token["refresh_token"]).status, 200, "the key is enough for a refresh");
    assert_eq!(sandbox.counters().assertions_accepted, 1);
}

#[test]
fn each_wrong_client_assertion_is_an_invalid_client_and_leaves_the_nonce_unused() {
    let (sandbox, device) = exchanging();
    let subject = device.assertion(&Card::of(1));
    type Change = (&'static str, fn(&mut Proof));
    let cases: &[Change] = &[
        ("no signature algorithm", |jwt| jwt.header["alg"] = "none".into()),
        ("other algorithm", |jwt| jwt.header["alg"] = "RS256".into()),
        ("other type", |jwt| jwt.header["typ"] = "dpop+jwt".into()),
        ("critical header", |jwt| jwt.header["crit"] = json!(["b64"])),
        ("key by address", |jwt| jwt.header["jku"] = "https://other.example".into()),
        ("other key in the header", |jwt| jwt.header["jwk"]["x"] = jwt.header["jwk"]["y"].clone()),
        ("no key in the header", |jwt| jwt.header["jwk"] = Value::Null),
        ("private key in the header", |jwt| jwt.header["jwk"]["d"] = "AA".into()),
        ("issuer is another client", |jwt| jwt.claims["iss"] = "other".into()),
        ("client is not registered", |jwt| {
            (jwt.claims["iss"], jwt.claims["sub"]) = (json!("other"), json!("other"));
        }),
        ("audience is another issuer", |jwt| jwt.claims["aud"] = "https://other.example".into()),
        ("audience is a list", |jwt| jwt.claims["aud"] = json!([jwt.claims["aud"]])),
        ("audience is the token endpoint", |jwt| {
            jwt.claims["aud"] = format!("{}/token", jwt.claims["aud"].as_str().unwrap()).into();
        }),
        ("expired", |jwt| (jwt.claims["iat"], jwt.claims["exp"]) = (json!(now() - 300), json!(now() - 70))),
        ("not yet", |jwt| (jwt.claims["iat"], jwt.claims["exp"]) = (json!(now() + 70), json!(now() + 200))),
        ("not before", |jwt| jwt.claims["nbf"] = json!(now() + 70)),
        ("lives too long", |jwt| jwt.claims["exp"] = json!(now() + 400)),
        ("lives too long without iat", |jwt| {
            (jwt.claims["iat"], jwt.claims["exp"]) = (Value::Null, json!(now() + 400));
        }),
        ("no id", |jwt| jwt.claims["jti"] = Value::Null),
        ("short id", |jwt| jwt.claims["jti"] = "short".into()),
        ("no expiry", |jwt| jwt.claims["exp"] = Value::Null),
    ];
    for (name, change) in cases {
        let mut jwt = client_assertion(&device);
        change(&mut jwt);
        let reply = device.token_form(&form(&subject, &device.sign_as_client(&jwt)), None).unwrap();
        assert_eq!(reply.oauth_error(), (401, "invalid_client".into(), None), "{name}");
    }
    let other = Device::new(&sandbox);
    let forged = other.sign_as_client(&client_assertion(&device));
    let mut of_proof = client_assertion(&device);
    of_proof.header["jwk"] = device.proof("POST", "/token", None).header["jwk"].clone();
    let of_proof = device.sign(&of_proof);
    let named = format!("{}&client_id=other", form(&subject, &device.sign_as_client(&client_assertion(&device))));
    let without = format!("grant_type={TOKEN_EXCHANGE}&subject_token={subject}&subject_token_type={JWT}");
    let cases = [
        ("the key of the proof", form(&subject, &of_proof)),
        ("another device's signature", form(&subject, &forged)),
        ("client_id of another client", named),
        ("no client assertion", without),
        ("no JWS", form(&subject, "abc")),
    ];
    for (name, form) in cases {
        assert_eq!(device.token_form(&form, None).unwrap().oauth_error().1, "invalid_client", "{name}");
    }
    assert_eq!(exchange(&device, &subject).status, 200, "nothing was consumed");
}

#[test]
fn client_assertion_may_leave_out_what_is_optional() {
    let (_sandbox, device) = exchanging();
    let mut jwt = client_assertion(&device);
    jwt.header = json!({ "alg": "ES256", "jwk": device.client_jwk() });
    jwt.claims["iat"] = Value::Null;
    let form = form(&device.assertion(&Card::of(1)), &device.sign_as_client(&jwt));
    assert_eq!(device.token_form(&format!("{form}&client_id={CLIENT}"), None).unwrap().status, 200);
}

#[test]
fn identical_request_gets_a_fresh_token_and_any_other_use_is_reuse() {
    let (sandbox, device) = exchanging();
    let card = Card::of(1);
    let nonce = device.nonce();
    let subject = card.sign(&card.header(), &card.claims(&device.issuer, &nonce, &device.jkt()));
    let client = device.sign_as_client(&client_assertion(&device));
    let first = device.token_form(&form(&subject, &client), None).unwrap().json();
    let second = device.token_form(&form(&subject, &client), None).unwrap();
    assert_eq!(second.status, 200, "the client assertion may be sent again with the same subject token");
    assert_eq!(device.search(&first, "Coverage", "").outcome().2, "KZ-A10", "the earlier token was revoked");
    let third = exchange(&device, &subject);
    assert_eq!(third.status, 200, "or be a new one");
    assert_eq!(device.search(&second.json(), "Coverage", "").outcome().2, "KZ-A10");
    let another = card.sign(&card.header(), &card.claims(&device.issuer, &nonce, &device.jkt()));
    assert_eq!(exchange(&device, &another).oauth_error().2.as_deref(), Some("nonce_reused"));
    let elsewhere = Device::new(&sandbox);
    assert_eq!(exchange(&elsewhere, &subject).oauth_error().2.as_deref(), Some("nonce_reused"));
    let fresh = device.assertion(&card);
    let reply = device.token_form(&form(&fresh, &client), None).unwrap();
    assert_eq!(reply.oauth_error().1, "invalid_client", "a client assertion is for one subject token");
    assert_eq!(exchange(&device, &fresh).status, 200);
}

#[test]
fn subject_token_is_checked_like_an_assertion() {
    let (sandbox, device) = exchanging();
    let card = Card::of(1);
    let mut claims = card.claims(&device.issuer, &device.nonce(), &device.jkt());
    claims["cnf"]["jkt"] = "other".into();
    let refused = exchange(&device, &card.sign(&card.header(), &claims));
    assert_eq!(refused.oauth_error(), (400, "invalid_grant".into(), None));
    assert_eq!(exchange(&device, "abc").oauth_error().2.as_deref(), Some("bad_signature"));
    sandbox.suspend(1);
    let refused = exchange(&device, &device.assertion(&card));
    assert_eq!(refused.oauth_error(), (403, "access_denied".into(), Some("suspended".into())));
    assert_eq!(sandbox.counters().assertions_refused, 3);
}

#[test]
fn malformed_exchanges() {
    let (_sandbox, device) = exchanging();
    let subject = device.assertion(&Card::of(1));
    let good = || form(&subject, &device.sign_as_client(&client_assertion(&device)));
    let cases = [
        ("no subject token", good().replace("&subject_token=", "&x="), "invalid_request"),
        ("no subject token type", good().replace("&subject_token_type=", "&x="), "invalid_request"),
        ("other subject token type", good().replace("%3Ajwt&client", "%3Asaml2&client"), "invalid_request"),
        ("refresh token requested", good() + "&requested_token_type=refresh_token", "invalid_request"),
        ("actor", good() + "&actor_token=x&actor_token_type=x", "invalid_request"),
        ("other audience", good() + "&audience=https%3A%2F%2Fother.example", "invalid_target"),
        ("other resource", good() + "&resource=https%3A%2F%2Fother.example", "invalid_target"),
        ("scope without a known one", good() + "&scope=patient%2FX.rs", "invalid_scope"),
    ];
    for (name, form, error) in cases {
        assert_eq!(device.token_form(&form, None).unwrap().oauth_error().1, error, "{name}");
    }
    let access = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token";
    assert_eq!(device.token_form(&(good() + "&requested_token_type=" + access), None).unwrap().status, 200);
}

#[test]
fn a_mode_that_is_off_is_refused() {
    let (_sandbox, device) = started();
    let reply = exchange(&device, &device.assertion(&Card::of(1)));
    assert_eq!(reply.oauth_error().1, "unsupported_grant_type");
    let (_sandbox, device) = exchanging();
    let form = format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion={}", device.assertion(&Card::of(1)));
    assert_eq!(device.token_form(&form, None).unwrap().oauth_error().1, "unsupported_grant_type");
}

#[test]
fn exchange_without_issued_token_type() {
    let (sandbox, device) = exchanging();
    sandbox.arm(Switch::times(SwitchName::ExchangeNoIssuedType, 1));
    let subject = device.assertion(&Card::of(1));
    assert!(exchange(&device, &subject).json()["issued_token_type"].is_null());
    assert!(exchange(&device, &subject).json()["issued_token_type"].is_string());
}

const TOKEN_EXCHANGE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
const JWT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";
const ASSERTION_TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
