//! One request with fixed keys, to which the inputs of the target `sealed` are answers.

use kazasu::crypto::{PublicKey, sha256};
use kazasu::jose::jwe::{DecryptionKey, Header};
use kazasu::jose::sealed::Exchange;
use kazasu::jose::signers::Signers;
use kazasu::time::UnixMillis;
use serde_json::{Value, json};

/// When the answers come.
pub const NOW: UnixMillis = crate::flows::NOW;
/// The name of the key that may sign.
pub const PINNED: &str = "signer";
const HOST: &str = "fhir.hoken.example";
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
const JTI: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";

fn key() -> DecryptionKey {
    DecryptionKey::from_scalar(&[7; 32]).expect("in range")
}

/// The request, each time with the same key.
pub fn exchange() -> Exchange {
    Exchange::with_key(key(), HOST, JKT, JTI).expect("a public half")
}

/// The public half of its key.
pub fn public_key() -> PublicKey {
    key().public_key().expect("a point")
}

/// `apv` of the request, decoded.
pub fn party_v() -> Vec<u8> {
    sha256(format!("{JKT}{JTI}").as_bytes()).to_vec()
}

/// The header that fits the request.
pub fn header() -> Header {
    Header {
        content_type: Some("JWT".to_owned()),
        party_u: HOST.as_bytes().to_vec(),
        party_v: party_v(),
        issued_at: Some(NOW.seconds()),
    }
}

/// A key set with the key that may sign (that of RFC 9449).
pub fn jwks() -> Value {
    json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": PINNED, "use": "sig", "alg": "ES256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}]})
}

/// That key.
pub fn signers() -> Signers {
    Signers::parse(&jwks(), &[PINNED.to_owned()])
}
