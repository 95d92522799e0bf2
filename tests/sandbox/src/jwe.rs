//! Sealing to a key of the client: compact JWE with ECDH-ES in direct mode and A256GCM (RFC 7516, RFC 7518 4.6 and 5.3).

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use base64ct::{Base64UrlUnpadded, Encoding};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::random;

/// One JWE before it is sealed: tests change what stands here.
pub(crate) struct Jwe {
    /// The protected header without `epk`.
    pub(crate) header: Value,
    pub(crate) party_u: Vec<u8>,
    pub(crate) party_v: Vec<u8>,
    pub(crate) plaintext: Vec<u8>,
}

/// What goes wrong with the form of a JWE.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    /// `epk` is no point of the curve.
    OffCurve,
    /// The second part is not empty.
    EncryptedKey,
    /// A bit of the tag is turned.
    Tag,
}

impl Jwe {
    /// Seals to `recipient` with a new key; `None` when the JSON of a test is no object.
    pub(crate) fn seal(mut self, recipient: &PublicKey, flaw: Option<Flaw>) -> Option<String> {
        let ephemeral = secret_key();
        self.header["apu"] = encode(&self.party_u).into();
        self.header["apv"] = encode(&self.party_v).into();
        self.header["epk"] = jwk(&ephemeral.public_key());
        if flaw == Some(Flaw::OffCurve) {
            self.header["epk"]["y"] = encode(&[0; 32]).into();
        }
        let protected = encode(self.header.to_string().as_bytes());
        let agreed = ephemeral.diffie_hellman(recipient);
        let key = content_key(agreed.raw_secret_bytes(), &self.party_u, &self.party_v);
        let cipher = Aes256Gcm::new_from_slice(&key).ok()?;
        let iv: [u8; 12] = random::bytes();
        let tag = cipher
            .encrypt_inout_detached(&iv.into(), protected.as_bytes(), self.plaintext.as_mut_slice().into())
            .ok()?;
        let mut tag = tag.to_vec();
        if flaw == Some(Flaw::Tag) {
            tag[15] ^= 1;
        }
        let encrypted_key = if flaw == Some(Flaw::EncryptedKey) { "AAAA" } else { "" };
        Some(format!("{protected}.{encrypted_key}.{}.{}.{}", encode(&iv), encode(&self.plaintext), encode(&tag)))
    }
}

/// The Concat KDF for one 256-bit key (RFC 7518, 4.6.2).
fn content_key(agreed: &[u8], party_u: &[u8], party_v: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(1_u32.to_be_bytes());
    hash.update(agreed);
    for field in [b"A256GCM", party_u, party_v] {
        hash.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(field);
    }
    hash.update(256_u32.to_be_bytes());
    hash.finalize().into()
}

/// A new private key.
pub(crate) fn secret_key() -> SecretKey {
    // All but one in 2³² of the 32-byte strings are one.
    std::iter::repeat_with(random::bytes::<32>)
        .find_map(|bytes| SecretKey::from_slice(&bytes).ok())
        .expect("an endless iterator finds one")
}

/// The public JWK with required members only.
pub(crate) fn jwk(key: &PublicKey) -> Value {
    let point = key.to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    json!({ "crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y) })
}

/// Reads a public P-256 JWK: nothing but the required members, 32 bytes a coordinate, on the curve.
pub(crate) fn parse_jwk(json: &Value) -> Option<PublicKey> {
    let known = json.as_object()?.keys().all(|name| ["kty", "crv", "x", "y"].contains(&name.as_str()));
    if !known || json["kty"] != "EC" || json["crv"] != "P-256" {
        return None;
    }
    let mut point = vec![0x04];
    for name in ["x", "y"] {
        let coordinate = Base64UrlUnpadded::decode_vec(json[name].as_str()?).ok()?;
        point.extend((coordinate.len() == 32).then_some(coordinate)?);
    }
    PublicKey::from_sec1_bytes(&point).ok()
}

/// base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_rfc_7518_appendix_c_for_a256gcm() {
        let vectors: Value = serde_json::from_str(include_str!("../../vectors/jose.json")).unwrap();
        let text = vectors["V12"]["z"].as_str().unwrap();
        let z: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect();
        assert_eq!(encode(&content_key(&z, b"Alice", b"Bob")), vectors["V12"]["a256gcm"].as_str().unwrap());
    }

    #[test]
    fn keys_off_the_curve_are_refused() {
        let good = jwk(&secret_key().public_key());
        assert!(parse_jwk(&good).is_some());
        for (name, value) in [("y", encode(&[0; 32])), ("x", "AA".to_owned()), ("crv", "P-384".to_owned())] {
            let mut bad = good.clone();
            bad[name] = value.into();
            assert!(parse_jwk(&bad).is_none(), "{name}");
        }
    }
}
