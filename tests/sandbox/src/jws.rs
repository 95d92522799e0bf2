//! JWS compact serialization (RFC 7515) with the three algorithms the wire uses (RFC 7518, 3.3 and 3.4).

use base64ct::{Base64UrlUnpadded, Encoding};
use rsa::pkcs1v15;
use rsa::pkcs8::DecodePublicKey;
use rsa::signature::Verifier;
use rsa::traits::PublicKeyParts;
use sha2::{Digest, Sha256};

/// The three parts of a compact JWS, decoded but not verified.
pub(crate) struct Compact<'a> {
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    signature: Vec<u8>,
    signing_input: &'a str,
}

impl<'a> Compact<'a> {
    /// Takes a compact JWS apart; `None` when it has not three parts of unpadded base64url or is too long.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_JWS {
            return None;
        }
        let (signing_input, signature) = text.rsplit_once('.')?;
        let (header, payload) = signing_input.split_once('.')?;
        let decode = |part: &str| Base64UrlUnpadded::decode_vec(part).ok();
        Some(Self { header: decode(header)?, payload: decode(payload)?, signature: decode(signature)?, signing_input })
    }

    /// Whether the signature is by `key`, with the algorithm that belongs to the key.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.verifies(self.signing_input.as_bytes(), &self.signature)
    }
}

/// A public key that may sign a JWS.
pub(crate) enum PublicKey {
    /// RSA of 2048 to 4096 bits: RS256.
    Rsa(rsa::RsaPublicKey),
    /// NIST P-256: ES256.
    P256(p256::ecdsa::VerifyingKey),
    /// NIST P-384: ES384.
    P384(p384::ecdsa::VerifyingKey),
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo; `None` for other kinds of key.
    pub(crate) fn from_spki(der: &[u8]) -> Option<Self> {
        if let Ok(key) = rsa::RsaPublicKey::from_public_key_der(der) {
            return (256..=512).contains(&key.size()).then_some(Self::Rsa(key));
        }
        if let Ok(key) = p256::ecdsa::VerifyingKey::from_public_key_der(der) {
            return Some(Self::P256(key));
        }
        p384::ecdsa::VerifyingKey::from_public_key_der(der).ok().map(Self::P384)
    }

    /// Reads the coordinates of a P-256 JWK: exactly 32 bytes each, on the curve (RFC 7518, 6.2.1).
    pub(crate) fn from_p256_coordinates(x: &str, y: &str) -> Option<Self> {
        let mut point = vec![0x04];
        for coordinate in [x, y] {
            let bytes = Base64UrlUnpadded::decode_vec(coordinate).ok().filter(|bytes| bytes.len() == 32)?;
            point.extend(bytes);
        }
        p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok().map(Self::P256)
    }

    /// The only `alg` value this key is used with.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
        }
    }

    /// Verifies a JWS signature: PKCS#1 v1.5, or r‖s of exactly twice the field length.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => pkcs1v15::Signature::try_from(signature).is_ok_and(|signature| {
                pkcs1v15::VerifyingKey::<Sha256>::new(key.clone()).verify(message, &signature).is_ok()
            }),
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }

    /// Verifies a certificate signature: PKCS#1 v1.5 with SHA-256, or a DER ECDSA signature of the curve's hash.
    pub(crate) fn verifies_der(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(_) => self.verifies(message, signature),
            Self::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }

    /// The RFC 7638 thumbprint with SHA-256, in base64url.
    pub(crate) fn thumbprint(&self) -> String {
        let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let curve = |name: &str, point: &[u8]| {
            let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
            format!(r#"{{"crv":"{name}","kty":"EC","x":"{}","y":"{}"}}"#, encode(x), encode(y))
        };
        let json = match self {
            Self::Rsa(key) => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(&key.e_bytes()), encode(&key.n_bytes()))
            }
            Self::P256(key) => curve("P-256", key.to_sec1_point(false).as_bytes()),
            Self::P384(key) => curve("P-384", key.to_sec1_point(false).as_bytes()),
        };
        hash(json.as_bytes())
    }
}

/// SHA-256 in base64url, the form of every hash on the wire.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(bytes))
}

const MAX_JWS: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9449_proof_verifies_and_has_its_thumbprint() {
        let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
        let key = PublicKey::from_p256_coordinates(
            "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        )
        .unwrap();
        assert!(Compact::parse(proof).unwrap().is_signed_by(&key));
        assert_eq!(key.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in ["", "a.b", "a.b.c.d", "e30=.e30.AA", "e30.e30.+A"] {
            assert!(Compact::parse(text).is_none(), "{text}");
        }
        assert!(PublicKey::from_p256_coordinates("AA", "AA").is_none());
    }
}
