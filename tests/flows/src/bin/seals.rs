//! Seals and opens for other implementations: one JSON object a line in, one a line out.
//!
//! ```text
//! {"to": JWK, "host", "jkt", "jti", "iat", "plaintext"}                    -> {"jwe"}
//! {"jwe", "d", "host", "jkt", "jti", "now", "jwks", "pinned": [kid, …], "cty"?: "json"} -> {"resource"} or {"code"}
//! ```

use std::io::BufRead;

use kazasu::base64url;
use kazasu::crypto::{Curve, PublicKey, SignatureVerifier, sha256};
use kazasu::jose::jwe::{self, DecryptionKey, Header};
use kazasu::jose::sealed::{Content, Exchange};
use kazasu::jose::signers::Signers;
use kazasu::time::UnixMillis;
use serde_json::{Value, json};

fn main() {
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        let answer = if asked.get("jwe").is_some() { open(&asked) } else { seal(&asked) };
        println!("{answer}");
    }
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("{name} is no text"))
}

fn bytes(json: &Value, name: &str) -> Vec<u8> {
    base64url::decode(text(json, name)).unwrap_or_else(|| panic!("{name} is no base64url"))
}

fn seal(asked: &Value) -> Value {
    let point = [vec![4], bytes(&asked["to"], "x"), bytes(&asked["to"], "y")].concat();
    let recipient = PublicKey::ec(Curve::P256, &point).expect("a point");
    let header = Header {
        content_type: Some("JWT".to_owned()),
        party_u: text(asked, "host").as_bytes().to_vec(),
        party_v: sha256(format!("{}{}", text(asked, "jkt"), text(asked, "jti")).as_bytes()).to_vec(),
        issued_at: asked["iat"].as_i64(),
    };
    json!({ "jwe": jwe::seal(&recipient, &header, text(asked, "plaintext").as_bytes()).expect("seals") })
}

fn open(asked: &Value) -> Value {
    let pinned: Vec<String> =
        asked["pinned"].as_array().into_iter().flatten().filter_map(|kid| kid.as_str().map(str::to_owned)).collect();
    let signers = Signers::parse(&asked["jwks"], &pinned);
    let now = UnixMillis::from_seconds(asked["now"].as_i64().expect("seconds"));
    let key = DecryptionKey::from_scalar(&bytes(asked, "d")).expect("a private key");
    let content = if asked["cty"] == "json" { Content::Json } else { Content::Fhir };
    let opened = Exchange::with_key(key, text(asked, "host"), text(asked, "jkt"), text(asked, "jti"))
        .and_then(|exchange| Ok(exchange.open(text(asked, "jwe").as_bytes(), content, now)?))
        .and_then(|unverified| Ok(unverified.verify(&signers, SignatureVerifier::ring())?));
    match opened {
        Ok(resource) => json!({ "resource": String::from_utf8(resource).expect("text") }),
        Err(error) => json!({ "code": error.code() }),
    }
}
