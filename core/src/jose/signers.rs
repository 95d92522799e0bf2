//! The keys that may sign what is sealed: those of the server's JWK set (RFC 7517, 5) whose `kid` the app pinned.

use serde_json::Value;

use super::thumbprint::thumbprint;
use crate::base64url;
use crate::crypto::{Curve, PublicKey};

/// Keys looked at in one set.
const MAX_KEYS: usize = 32;

/// Pinned ES256 keys by `kid`.
#[derive(Clone, Debug, Default)]
pub struct Signers(Vec<(String, PublicKey)>);

impl Signers {
    /// Takes the pinned keys out of a JWK set and leaves all others, whatever they are.
    ///
    /// A set comes over the network, so a name alone would let whoever ends the TLS connection put a key of their own
    /// under it. A pinned `kid` of 43 characters is therefore taken for the key's RFC 7638 thumbprint and must be it.
    pub fn parse(jwks: &Value, pinned: &[String]) -> Self {
        let keys = jwks.get("keys").and_then(Value::as_array).into_iter().flatten().take(MAX_KEYS);
        let named = keys.filter_map(|key| Some((key.get("kid")?.as_str()?, key)));
        let wanted = named.filter(|(kid, _)| pinned.iter().any(|pin| pin == kid));
        let found: Vec<(String, PublicKey)> =
            wanted.filter_map(|(kid, key)| Some((kid.to_owned(), parse_key(key)?))).collect();
        // Two keys of one name: nobody knows which is meant.
        let is_alone = |kid: &str| found.iter().filter(|(other, _)| other == kid).count() == 1;
        Self(found.iter().filter(|(kid, key)| is_alone(kid) && fits(kid, key)).cloned().collect())
    }

    /// The key of this name.
    pub fn key(&self, kid: &str) -> Option<&PublicKey> {
        self.0.iter().find(|(known, _)| known == kid).map(|(_, key)| key)
    }
}

fn fits(kid: &str, key: &PublicKey) -> bool {
    let is_thumbprint = base64url::decode(kid).is_some_and(|bytes| bytes.len() == 32);
    !is_thumbprint || thumbprint(key) == kid
}

/// A public P-256 key for ES256 (RFC 7518, 6.2.1), if it says nothing to the contrary.
fn parse_key(json: &Value) -> Option<PublicKey> {
    let text = |name: &str| json.get(name)?.as_str();
    let is_or_absent = |name: &str, value: &str| json.get(name).is_none_or(|found| found == value);
    if text("kty")? != "EC" || text("crv")? != "P-256" || !is_or_absent("use", "sig") || !is_or_absent("alg", "ES256") {
        return None;
    }
    let [x, y] = [base64url::decode(text("x")?)?, base64url::decode(text("y")?)?];
    if x.len() != 32 || y.len() != 32 {
        return None;
    }
    PublicKey::ec(Curve::P256, &[&[0x04], &x[..], &y].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const X: &str = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
    const Y: &str = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";
    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn knows(keys: Value, pin: &str) -> bool {
        Signers::parse(&json!({ "keys": keys }), &[pin.to_owned()]).key(pin).is_some()
    }

    fn key_with(name: &str, value: &str) -> Value {
        let mut key = json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "a", "use": "sig", "alg": "ES256"});
        key[name] = value.into();
        key
    }

    #[test]
    fn only_pinned_keys_are_taken() {
        let keys = json!([{"kty": "oct"}, "x", key_with("kid", "a"), key_with("kid", "b")]);
        assert!(knows(keys.clone(), "a") && knows(keys.clone(), "b") && !knows(keys.clone(), "c"));
        assert!(Signers::parse(&json!({ "keys": keys }), &["a".to_owned()]).key("b").is_none());
    }

    #[test]
    fn only_es256_keys_for_signatures_are_taken() {
        for (name, value) in
            [("kty", "RSA"), ("crv", "P-384"), ("use", "enc"), ("alg", "ES384"), ("x", "AA"), ("y", "")]
        {
            assert!(!knows(json!([key_with(name, value)]), "a"), "{name}");
        }
    }

    #[test]
    fn two_keys_of_one_name_are_none() {
        assert!(!knows(json!([key_with("kid", "a"), key_with("kid", "a")]), "a"));
    }

    #[test]
    fn a_name_that_is_a_thumbprint_must_be_that_of_the_key() {
        assert!(knows(json!([key_with("kid", THUMBPRINT)]), THUMBPRINT));
        let other = base64url::encode(&[7; 32]);
        assert!(!knows(json!([key_with("kid", &other)]), &other));
    }

    #[test]
    fn what_is_no_set_has_no_keys() {
        for set in [json!(null), json!({"keys": 1}), json!({"keys": [1, null]}), json!([])] {
            assert!(Signers::parse(&set, &["a".to_owned()]).key("a").is_none());
        }
    }
}
