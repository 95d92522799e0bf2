//! JWK public keys and their thumbprints (RFC 7517, RFC 7638, RFC 9278).

use serde_json::{Value, json};

use crate::base64url;
use crate::crypto::{Curve, PublicKey, sha256};

/// The public JWK with required members only (RFC 7517, 4; RFC 7518, 6).
pub fn jwk(key: &PublicKey) -> Value {
    let (x, y) = key.coordinates().unwrap_or_default();
    let (x, y) = (base64url::encode(x), base64url::encode(y));
    match (key.rsa_numbers(), key.curve()) {
        (_, Some(Curve::P256)) => json!({"crv": "P-256", "kty": "EC", "x": x, "y": y}),
        (_, Some(Curve::P384)) => json!({"crv": "P-384", "kty": "EC", "x": x, "y": y}),
        (numbers, None) => {
            let (modulus, exponent) = numbers.unwrap_or_default();
            json!({"e": base64url::encode(exponent), "kty": "RSA", "n": base64url::encode(modulus)})
        }
    }
}

/// base64url SHA-256 thumbprint (RFC 7638, 3): members in lexicographic order, no white space.
pub fn thumbprint(key: &PublicKey) -> String {
    // `jwk` lists the members in the order RFC 7638 wants, and serde_json either sorts them or keeps that order.
    base64url::encode(&sha256(jwk(key).to_string().as_bytes()))
}

/// The thumbprint as a URI (RFC 9278).
pub fn thumbprint_uri(key: &PublicKey) -> String {
    format!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:{}", thumbprint(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_rfc_9449_has_its_published_thumbprint() {
        let x = base64url::decode("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs").expect("x");
        let y = base64url::decode("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA").expect("y");
        let key = PublicKey::ec(Curve::P256, &[&[0x04][..], &x, &y].concat()).expect("point");
        assert_eq!(thumbprint(&key), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn the_key_of_rfc_7638_has_its_published_thumbprint() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let mut der = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
        der.extend(base64url::decode(n).expect("n"));
        der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
        let key = PublicKey::rsa(&der).expect("a key");
        assert_eq!(thumbprint(&key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
