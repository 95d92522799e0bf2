//! JWS compact serialization (RFC 7515, 3.1 and 7.1).

use serde_json::Value;

use crate::base64url;
use crate::secret::opaque_debug;

/// `BASE64URL(header) "." BASE64URL(payload)`: what is hashed and signed. It always starts with `eyJ`, so that it can be
/// no message of another protocol.
#[derive(Clone, Eq, PartialEq)]
pub struct SigningInput(String);

opaque_debug!(SigningInput);

impl SigningInput {
    /// Joins a header and a payload, both JSON objects.
    pub fn new(header: &Value, payload: &Value) -> Self {
        Self::of_bytes(header.to_string().as_bytes(), payload.to_string().as_bytes())
    }

    fn of_bytes(header: &[u8], payload: &[u8]) -> Self {
        Self(format!("{}.{}", base64url::encode(header), base64url::encode(payload)))
    }

    /// The ASCII bytes to sign.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Adds a signature in JOSE form: the RSA block, or `r ‖ s`.
    pub fn join(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.0, base64url::encode(signature))
    }
}

#[cfg(all(test, feature = "ring"))]
mod tests {
    use super::*;
    use crate::crypto::{Algorithm, Curve, PublicKey, SignatureVerifier, sha256};

    /// Splits a compact JWS into its signing input and its signature.
    fn split(jws: &str) -> (&str, Vec<u8>) {
        let (input, signature) = jws.rsplit_once('.').expect("three parts");
        (input, base64url::decode(signature).expect("base64url"))
    }

    fn vector(name: &str) -> Value {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/jose.json")).expect("JSON");
        vectors[name].clone()
    }

    fn decode(value: &Value) -> Vec<u8> {
        base64url::decode(value.as_str().expect("text")).expect("base64url")
    }

    fn rsa_key(n: &Value) -> PublicKey {
        let mut der = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
        der.extend(decode(n));
        der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
        PublicKey::rsa(&der).expect("a key")
    }

    fn ec_key(x: &Value, y: &Value) -> PublicKey {
        let point = [&[0x04][..], &decode(x), &decode(y)].concat();
        let curve = if point.len() == 65 { Curve::P256 } else { Curve::P384 };
        PublicKey::ec(curve, &point).expect("a point")
    }

    fn check(name: &str, key: &PublicKey) {
        let vector = vector(name);
        let (input, signature) = split(vector["jws"].as_str().expect("text"));
        let verifier = SignatureVerifier::ring();
        assert!(verifier.verify_jose(key, input.as_bytes(), &signature), "{name}");
        let digest: String =
            key.algorithm().digest(input.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, vector["digest"], "{name}");
        let mut flipped = signature.clone();
        flipped[5] ^= 1;
        assert!(!verifier.verify_jose(key, input.as_bytes(), &flipped), "{name} with a flipped bit");
    }

    #[test]
    fn rfc_7515_a2_rs256_verifies() {
        check("V8", &rsa_key(&vector("V8")["n"]));
    }

    #[test]
    fn rfc_7515_a3_es256_verifies() {
        check("V9", &ec_key(&vector("V9")["x"], &vector("V9")["y"]));
    }

    #[test]
    fn es384_verifies() {
        check("V10", &ec_key(&vector("V10")["x"], &vector("V10")["y"]));
    }

    #[test]
    fn a_signature_of_another_algorithm_is_refused() {
        let es256 = vector("V9");
        let (input, signature) = split(es256["jws"].as_str().expect("text"));
        let verifier = SignatureVerifier::ring();
        assert!(!verifier.verify_jose(&rsa_key(&vector("V8")["n"]), input.as_bytes(), &signature));
        let p384 = ec_key(&vector("V10")["x"], &vector("V10")["y"]);
        assert!(!verifier.verify_jose(&p384, input.as_bytes(), &signature));
    }

    /// TV-1: the assertion of the wire contract over the RSA key of RFC 7517 A.2.
    #[test]
    fn tv_1_has_the_published_signing_input() {
        let tv1 = vector("TV-1");
        let text = |name: &str| tv1[name].as_str().expect("text").to_owned();
        let input = SigningInput::of_bytes(text("header").as_bytes(), text("payload").as_bytes());
        assert_eq!(input.as_bytes().len(), 615);
        assert!(input.as_bytes().starts_with(b"eyJ"));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&Algorithm::Rs256.digest(input.as_bytes())), text("signing_input_sha256"));
        let signature = decode(&tv1["signature"]);
        assert!(input.join(&signature).rsplit('.').next().expect("signature").starts_with("ShRgEr5_n_Y_UJWr4Cik08TM"));
        assert_eq!(hex(&sha256(&signature)), text("signature_sha256"));
        assert!(SignatureVerifier::ring().verify_jose(&rsa_key(&tv1["n"]), input.as_bytes(), &signature));
    }
}
