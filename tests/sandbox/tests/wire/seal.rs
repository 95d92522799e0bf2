//! Sealed answers (L4), opened by a client of these tests.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use base64ct::{Base64UrlUnpadded, Encoding};
use kazasu_sandbox::{Options, Sandbox, SealMode, Switch, SwitchName};
use p256::SecretKey;
use p256::ecdsa::signature::Verifier;
use p256::elliptic_curve::sec1::ToSec1Point;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::card::{Card, now, random_id};
use crate::client::Reply;
use crate::device::{CLIENT, Device, JWT_BEARER, Proof, SUBMIT, inquiry, started, started_with};

/// One request that asks for a seal, and its answer.
struct Asked {
    key: SecretKey,
    /// What the seal is bound to.
    nonce: String,
    reply: Reply,
}

/// A server with a token for person 1, after which the switches are armed.
fn started_sealing(seal: SealMode, switches: &[SwitchName]) -> (Sandbox, Device, Value) {
    let (sandbox, device) = started_with(Options { seal, ..Options::default() });
    let token = ask_for_token(&device, |_| ()).signed(&device).1;
    switches.iter().for_each(|name| sandbox.arm(Switch::always(*name)));
    (sandbox, device, token)
}

/// Adds a new key to a proof, changed by `change`.
fn with_key(proof: &mut Proof, change: impl FnOnce(&mut Value)) -> SecretKey {
    let key = SecretKey::from_slice(&Sha256::digest(random_id())).unwrap();
    let point = key.public_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    let mut jwk = json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) });
    change(&mut jwk);
    proof.claims["enc_jwk"] = jwk;
    key
}

/// Sends a form to the token endpoint and asks for a sealed answer; `nonce` is the card's, if there was one.
fn ask_by_form(device: &Device, form: &str, nonce: Option<String>, change: impl FnOnce(&mut Value)) -> Asked {
    let mut proof = device.proof("POST", "/token", None);
    let key = with_key(&mut proof, change);
    let nonce = nonce.unwrap_or_else(|| proof.claims["jti"].as_str().unwrap().to_owned());
    let proof = device.sign(&proof);
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("DPoP", proof.as_str()),
        ("Accept", "application/jose"),
    ];
    let reply = device.client.send("POST", "/token", &headers, form.as_bytes()).unwrap();
    Asked { key, nonce, reply }
}

/// Signs in with the card of person 1.
fn ask_for_token(device: &Device, change: impl FnOnce(&mut Value)) -> Asked {
    let (card, nonce) = (Card::of(1), device.nonce());
    let assertion = card.sign(&card.header(), &card.claims(&device.issuer, &nonce, &device.jkt()));
    let form = format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion={assertion}");
    ask_by_form(device, &form, Some(nonce), change)
}

/// Asks for eligibility with `enc_jwk` as changed by `change`.
fn ask(device: &Device, token: &Value, idempotency_key: &str, change: impl FnOnce(&mut Value)) -> Asked {
    let access_token = token["access_token"].as_str().unwrap();
    let mut proof = device.proof("POST", SUBMIT, Some(access_token));
    let key = with_key(&mut proof, change);
    let nonce = proof.claims["jti"].as_str().unwrap().to_owned();
    let (authorization, proof) = (format!("DPoP {access_token}"), device.sign(&proof));
    let headers = [
        ("Authorization", authorization.as_str()),
        ("DPoP", proof.as_str()),
        ("Accept", "application/jose"),
        ("Content-Type", "application/fhir+json"),
        ("Idempotency-Key", idempotency_key),
    ];
    let body = json!({ "resourceType": "Parameters",
        "parameter": [{ "name": "resource", "resource": inquiry(token, &[]) }] });
    let reply = device.client.send("POST", SUBMIT, &headers, body.to_string().as_bytes()).unwrap();
    Asked { key, nonce, reply }
}

impl Asked {
    /// The five parts, decoded.
    fn parts(&self) -> [Vec<u8>; 5] {
        let text = std::str::from_utf8(&self.reply.body).unwrap();
        let parts: Vec<Vec<u8>> = text.split('.').map(|part| Base64UrlUnpadded::decode_vec(part).unwrap()).collect();
        parts.try_into().expect("five parts")
    }

    fn header(&self) -> Value {
        serde_json::from_slice(&self.parts()[0]).unwrap()
    }

    fn party_v(&self, device: &Device) -> String {
        encode(&Sha256::digest(device.jkt() + &self.nonce))
    }

    /// The plaintext, opened with nothing but the two RFCs (7518, 4.6; 7516, 5.2).
    fn open(&self) -> Option<Vec<u8>> {
        let [_, encrypted_key, iv, mut ciphertext, tag] = self.parts();
        assert!(encrypted_key.is_empty());
        let header = self.header();
        let text = |value: &Value| Base64UrlUnpadded::decode_vec(value.as_str().unwrap()).unwrap();
        let point = [vec![4], text(&header["epk"]["x"]), text(&header["epk"]["y"])].concat();
        let agreed = self.key.diffie_hellman(&p256::PublicKey::from_sec1_bytes(&point).ok()?);
        let mut input = vec![0, 0, 0, 1];
        input.extend(agreed.raw_secret_bytes());
        for field in [b"A256GCM".to_vec(), text(&header["apu"]), text(&header["apv"])] {
            input.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
            input.extend(field);
        }
        input.extend([0, 0, 1, 0]);
        let cipher = Aes256Gcm::new_from_slice(&Sha256::digest(input)).unwrap();
        let protected = self.reply.body.split(|byte| *byte == b'.').next().unwrap();
        let (iv, tag): ([u8; 12], [u8; 16]) = (iv.try_into().unwrap(), tag.try_into().unwrap());
        let opened =
            cipher.decrypt_inout_detached(&iv.into(), protected, ciphertext.as_mut_slice().into(), &tag.into());
        opened.ok().map(|()| ciphertext)
    }

    /// Header and payload of the JWS inside, and whether the key set has the key that signed it.
    fn signed(&self, device: &Device) -> (Value, Value, bool) {
        let jws = String::from_utf8(self.open().expect("opens")).unwrap();
        let (input, signature) = jws.rsplit_once('.').unwrap();
        let (header, payload) = input.split_once('.').unwrap();
        let json =
            |part: &str| -> Value { serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap() };
        let (header, payload) = (json(header), json(payload));
        let keys = device.client.get("/jwks.json").json();
        let jwk = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).expect("its key");
        let text = |name: &str| Base64UrlUnpadded::decode_vec(jwk[name].as_str().unwrap()).unwrap();
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&[vec![4], text("x"), text("y")].concat()).unwrap();
        let signature = p256::ecdsa::Signature::from_slice(&Base64UrlUnpadded::decode_vec(signature).unwrap()).unwrap();
        (header, payload, key.verify(input.as_bytes(), &signature).is_ok())
    }
}

#[test]
fn discovery_says_what_is_offered() {
    let (_sandbox, device) = started();
    let metadata = device.client.get("/r4/.well-known/smart-configuration").json();
    assert!(metadata["kz_payload_encryption"].is_null());
    assert_eq!(device.client.get("/jwks.json").json(), json!({ "keys": [] }));
    for (seal, required) in [(SealMode::Optional, false), (SealMode::Required, true)] {
        let (sandbox, device) = started_with(Options { seal, ..Options::default() });
        let metadata = device.client.get("/r4/.well-known/smart-configuration").json();
        let expected = json!({ "alg_values_supported": ["ECDH-ES"], "enc_values_supported": ["A256GCM"],
            "signed": true, "required": required });
        assert_eq!(metadata["kz_payload_encryption"], expected);
        assert_eq!(metadata["kz_conformance"][4], "L4");
        let keys = device.client.get("/jwks.json").json();
        let signer = &sandbox.signer_kids()[0];
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == signer.as_str()).unwrap();
        let thumbprint = json!({ "crv": "P-256", "kty": "EC", "x": key["x"], "y": key["y"] }).to_string();
        assert_eq!(crate::device::hash(thumbprint.as_bytes()), *signer, "its RFC 7638 thumbprint");
        assert!(key.get("d").is_none());
        sandbox.arm(Switch::times(SwitchName::KeysMissing, 1));
        assert!(!device.client.get("/jwks.json").json().to_string().contains(signer.as_str()));
    }
}

#[test]
fn an_answer_is_sealed_to_the_key_of_the_proof() {
    let (_sandbox, device, token) = started_sealing(SealMode::Optional, &[]);
    let asked = ask(&device, &token, &random_id(), |_| ());
    assert_eq!((asked.reply.status, asked.reply.header("content-type")), (200, Some("application/jose")));
    let header = asked.header();
    let mut members: Vec<&str> = header.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "apu", "apv", "cty", "enc", "epk", "iat"]);
    assert_eq!((&header["alg"], &header["enc"], &header["cty"]), (&"ECDH-ES".into(), &"A256GCM".into(), &"JWT".into()));
    assert_eq!(header["apu"], encode(b"127.0.0.1"));
    assert_eq!(header["apv"], asked.party_v(&device));
    assert!(header["iat"].as_i64().unwrap().abs_diff(now()) <= 5);
    let (jws, resource, is_genuine) = asked.signed(&device);
    let kid = &jws["kid"];
    let expected =
        json!({ "alg": "ES256", "cty": "fhir+json", "kid": kid, "apv": header["apv"], "iat": header["iat"] });
    assert_eq!(jws, expected, "for whom and when is signed too");
    assert!(is_genuine && resource["resourceType"] == "CoverageEligibilityResponse");
}

#[test]
fn a_token_is_sealed_to_the_nonce_of_the_card_and_a_renewed_one_to_its_proof() {
    let (_sandbox, device) = started_with(Options { seal: SealMode::Required, ..Options::default() });
    let asked = ask_for_token(&device, |_| ());
    assert_eq!((asked.reply.status, asked.reply.header("content-type")), (200, Some("application/jose")));
    assert_eq!(asked.header()["apv"], asked.party_v(&device));
    let (jws, token, is_genuine) = asked.signed(&device);
    assert!(is_genuine && jws["cty"] == "json" && jws["apv"] == asked.header()["apv"]);
    assert_eq!((&token["token_type"], &token["patient"]), (&"DPoP".into(), &"p-7f3a91".into()));
    let refresh = token["suspension_refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={refresh}");
    let renewed = ask_by_form(&device, &form, None, |_| ());
    assert_eq!(renewed.header()["apv"], renewed.party_v(&device));
    assert_eq!(renewed.signed(&device).1["scope"], "card.suspend");
}

#[test]
fn a_token_request_that_asks_for_no_seal_or_the_wrong_one_consumes_nothing() {
    let (sandbox, device) = started_with(Options { seal: SealMode::Required, ..Options::default() });
    let assertion = device.assertion(&Card::of(1));
    assert_eq!(device.token(&assertion).oauth_error(), (400, "invalid_request".into(), None));
    for (name, value) in [("y", encode(&[0; 32])), ("x", "AA".to_owned()), ("crv", "P-384".to_owned())] {
        let refused = ask_for_token(&device, |jwk| jwk[name] = value.as_str().into());
        assert_eq!(refused.reply.oauth_error(), (400, "invalid_request".into(), None), "{name}");
    }
    assert_eq!((sandbox.counters().tokens_issued, sandbox.counters().assertions_refused), (0, 0));
    assert_eq!(ask_for_token(&device, |_| ()).signed(&device).1["patient"], "p-7f3a91");
    let (_sandbox, device) = started_with(Options { seal: SealMode::Optional, ..Options::default() });
    assert_eq!(device.sign_in(1)["patient"], "p-7f3a91", "plain for who does not ask");
}

#[test]
fn who_does_not_ask_gets_it_plain_unless_it_is_required() {
    let (_sandbox, device, token) = started_sealing(SealMode::Optional, &[]);
    let reply = device.submit(&token, &random_id(), &inquiry(&token, &[]));
    assert_eq!(reply.json()["resourceType"], "CoverageEligibilityResponse");
    let (sandbox, device, token) = started_sealing(SealMode::Required, &[]);
    let reply = device.submit(&token, &random_id(), &inquiry(&token, &[]));
    assert_eq!(reply.outcome().0, 406);
    assert_eq!(sandbox.counters().submits, 0, "nothing was processed");
    assert_eq!(device.client.get("/r4/metadata").status, 200, "no token, no seal");
}

#[test]
fn a_repeat_is_sealed_to_its_own_key() {
    let (_sandbox, device, token) = started_sealing(SealMode::Required, &[]);
    let key = random_id();
    let (first, second) = (ask(&device, &token, &key, |_| ()), ask(&device, &token, &key, |_| ()));
    let (first, second) = (first.signed(&device).1, second.signed(&device).1);
    assert_eq!(first["id"], second["id"], "the same answer");
}

#[test]
fn keys_that_cannot_be_used_are_refused_and_errors_are_plain() {
    let (_sandbox, device, token) = started_sealing(SealMode::Required, &[]);
    for (name, value) in [("y", encode(&[0; 32])), ("x", "AA".to_owned()), ("crv", "P-384".to_owned())] {
        let asked = ask(&device, &token, &random_id(), |jwk| jwk[name] = value.as_str().into());
        assert_eq!(asked.reply.outcome().0, 400, "{name}");
    }
    let with_private_half = ask(&device, &token, &random_id(), |jwk| jwk["d"] = encode(&[1; 32]).into());
    assert_eq!(with_private_half.reply.outcome().0, 400);
    let (_sandbox, device, token) = started_sealing(SealMode::Required, &[SwitchName::Submit502]);
    assert_eq!(ask(&device, &token, &random_id(), |_| ()).reply.outcome().2, "KZ-Q01");
}

#[test]
fn each_switch_changes_what_it_says_and_nothing_else() {
    let asked = |name| {
        let (sandbox, device, token) = started_sealing(SealMode::Required, &[name]);
        let asked = ask(&device, &token, &random_id(), |_| ());
        (sandbox, device, asked)
    };
    for (name, member, value) in [
        (SwitchName::SealAlg, "alg", "ECDH-ES+A256KW"),
        (SwitchName::SealEnc, "enc", "A128GCM"),
        (SwitchName::SealZip, "zip", "DEF"),
    ] {
        let (_sandbox, _device, asked) = asked(name);
        assert_eq!(asked.header()[member], value);
        assert!(asked.open().is_some(), "{name}: the rest is right");
    }
    let (_sandbox, device, other) = asked(SwitchName::SealOtherRequest);
    assert_ne!(other.header()["apv"], other.party_v(&device));
    assert!(other.signed(&device).2);
    let (_sandbox, device, forwarded) = asked(SwitchName::SealForwarded);
    assert_eq!(forwarded.header()["apv"], forwarded.party_v(&device));
    assert_ne!(forwarded.signed(&device).0["apv"], forwarded.party_v(&device));
    for (name, member) in [(SwitchName::SealNoApv, "apv"), (SwitchName::SealNoIat, "iat")] {
        let (_sandbox, device, bare) = asked(name);
        assert!(bare.signed(&device).0[member].is_null() && !bare.header()[member].is_null(), "{name}");
    }
    let (_sandbox, device, earlier) = asked(SwitchName::SealSignedBefore);
    let seconds = |json: &Value| json["iat"].as_i64().unwrap();
    assert_eq!(seconds(&earlier.signed(&device).0), seconds(&earlier.header()) - 120);
    let (sandbox, device, token) = started_sealing(SealMode::Required, &[]);
    let first = ask(&device, &token, &random_id(), |_| ());
    sandbox.arm(Switch::always(SwitchName::SealReplayed));
    let second = ask(&device, &token, &random_id(), |_| ());
    assert_eq!(second.header()["apv"], second.party_v(&device));
    assert_eq!(second.open(), first.open(), "the same JWS under another seal");
    let (_sandbox, _device, old) = asked(SwitchName::SealOld);
    assert!(old.header()["iat"].as_i64().unwrap() <= now() - 119 && old.open().is_some());
    let (_sandbox, _device, host) = asked(SwitchName::SealOtherHost);
    assert!(host.header()["apu"] == encode(b"other.example") && host.open().is_some());
    let (_sandbox, _device, tag) = asked(SwitchName::SealTag);
    assert!(tag.open().is_none());
    let (_sandbox, _device, curve) = asked(SwitchName::SealOffCurve);
    assert!(curve.open().is_none());
    let (_sandbox, _device, key) = asked(SwitchName::SealEncryptedKey);
    assert!(!key.parts()[1].is_empty());
    let (_sandbox, _device, unsigned) = asked(SwitchName::SealUnsigned);
    let plaintext: Value = serde_json::from_slice(&unsigned.open().unwrap()).unwrap();
    assert_eq!(plaintext["resourceType"], "CoverageEligibilityResponse");
    let (sandbox, device, stranger) = asked(SwitchName::SealWrongKid);
    let (jws, _, is_genuine) = stranger.signed(&device);
    assert!(is_genuine && jws["kid"] != sandbox.signer_kids()[0].as_str());
    let (sandbox, device, bad) = asked(SwitchName::SealBadSignature);
    let (jws, _, is_genuine) = bad.signed(&device);
    assert!(!is_genuine && jws["kid"] == sandbox.signer_kids()[0].as_str());
    let (_sandbox, _device, plain) = asked(SwitchName::SealPlain);
    assert_eq!(plain.reply.json()["resourceType"], "CoverageEligibilityResponse");
    let (sandbox, device, _asked) = asked(SwitchName::KeysMissing);
    let keys = device.client.get("/jwks.json").json();
    let kids: Vec<&str> = keys["keys"].as_array().unwrap().iter().filter_map(|key| key["kid"].as_str()).collect();
    assert!(!kids.is_empty() && !kids.contains(&sandbox.signer_kids()[0].as_str()));
    let (_sandbox, device, large) = asked(SwitchName::SealOversize);
    assert!(large.reply.body.len() > 1 << 20 && large.signed(&device).2);
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
