//! DPoP proofs with the device key (RFC 9449, 4.2).

use serde_json::{Map, Value, json};

use super::SigningInput;
use super::thumbprint::{jwk, thumbprint};
use crate::base64url;
use crate::crypto::{Curve, EcdsaSignature, PublicKey, sha256};
use crate::error::Error;
use crate::random;
use crate::secret::opaque_debug;
use crate::time::UnixMillis;

/// A P-256 key of this device: one per member, issuer and installation, not exportable where the platform can do that.
pub trait DeviceKey: Send + Sync {
    /// The public point, uncompressed, 65 bytes.
    ///
    /// # Errors
    /// [`DeviceKeyError`] when the key store is locked or the key is gone.
    fn public_key(&self) -> Result<Vec<u8>, DeviceKeyError>;

    /// ECDSA with SHA-256 over `message`, as DER (RFC 3279, 2.2.3), which is what phone key stores return.
    ///
    /// # Errors
    /// [`DeviceKeyError`] when the key store is locked or the key is gone.
    fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, DeviceKeyError>;
}

/// The key store refused; `0` says why, without anything personal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct DeviceKeyError(pub String);

impl From<DeviceKeyError> for Error {
    fn from(error: DeviceKeyError) -> Self {
        Self::DeviceKey { detail: error.0 }
    }
}

/// Reads and checks the public half of a device key.
pub(crate) fn public_key(key: &dyn DeviceKey) -> Result<PublicKey, Error> {
    PublicKey::ec(Curve::P256, &key.public_key()?)
        .ok_or(Error::DeviceKey { detail: "no uncompressed P-256 point".to_owned() })
}

/// The `jkt` of a device key: its RFC 7638 thumbprint.
///
/// # Errors
/// [`Error::DeviceKey`] when the key store refuses.
pub fn device_thumbprint(key: &dyn DeviceKey) -> Result<String, Error> {
    Ok(thumbprint(&public_key(key)?))
}

/// What one proof is for.
#[derive(Clone, Copy)]
pub struct ProofRequest<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Target URI; query and fragment are left out of `htu`.
    pub uri: &'a str,
    /// Server time.
    pub issued_at: UnixMillis,
    /// The server's `DPoP-Nonce`, if it gave one.
    pub nonce: Option<&'a str>,
    /// The access token the proof accompanies.
    pub access_token: Option<&'a str>,
}

opaque_debug!(ProofRequest<'_>);

/// Makes one proof with a fresh `jti` of 128 bits.
///
/// # Errors
/// [`Error::DeviceKey`] when the key store refuses.
pub fn prove(key: &dyn DeviceKey, request: ProofRequest<'_>) -> Result<String, Error> {
    sign(key, "dpop+jwt", &claims(request, &random::generate_uuid()?))
}

/// [`prove`] with this `jti`, which must be fresh, and the key that the answer is to be sealed to.
#[cfg(feature = "net")]
pub(crate) fn prove_sealed(
    key: &dyn DeviceKey,
    request: ProofRequest<'_>,
    jti: &str,
    enc_jwk: Value,
) -> Result<String, Error> {
    let mut claims = claims(request, jti);
    if let Some(claims) = claims.as_object_mut() {
        claims.insert("enc_jwk".to_owned(), enc_jwk);
    }
    sign(key, "dpop+jwt", &claims)
}

/// A JWT of this type by the device key, whose public half goes along.
pub(crate) fn sign(key: &dyn DeviceKey, typ: &str, claims: &Value) -> Result<String, Error> {
    let header = json!({"typ": typ, "alg": "ES256", "jwk": jwk(&public_key(key)?)});
    let input = SigningInput::new(&header, claims);
    let der = key.sign_sha256(input.as_bytes())?;
    let signature = EcdsaSignature::from_der(Curve::P256, &der)
        .ok_or(Error::DeviceKey { detail: "no DER signature on P-256".to_owned() })?;
    Ok(input.join(signature.as_fixed()))
}

fn claims(request: ProofRequest<'_>, jti: &str) -> Value {
    let target = request.uri.split(['?', '#']).next().unwrap_or_default();
    let mut claims = Map::from_iter([
        ("jti".to_owned(), jti.into()),
        ("htm".to_owned(), request.method.into()),
        ("htu".to_owned(), target.into()),
        ("iat".to_owned(), request.issued_at.seconds().into()),
    ]);
    if let Some(nonce) = request.nonce {
        claims.insert("nonce".to_owned(), nonce.into());
    }
    if let Some(token) = request.access_token {
        claims.insert("ath".to_owned(), access_token_hash(token).into());
    }
    claims.into()
}

/// `ath`: base64url SHA-256 of the access token (RFC 9449, 4.2).
pub fn access_token_hash(token: &str) -> String {
    base64url::encode(&sha256(token.as_bytes()))
}

/// A device key in memory, for desktops and tests. A phone's key store never lets its key out; this one does.
#[cfg(feature = "software-key")]
pub struct SoftwareDeviceKey(p256::ecdsa::SigningKey);

#[cfg(feature = "software-key")]
impl SoftwareDeviceKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        loop {
            // All but one in 2³² of the 32-byte strings are a valid scalar.
            let scalar = zeroize::Zeroizing::new(random::generate_bytes::<32>()?);
            if let Ok(key) = p256::ecdsa::SigningKey::from_slice(&*scalar) {
                return Ok(Self(key));
            }
        }
    }

    /// The key that [`SoftwareDeviceKey::to_bytes`] gave; `None` for what is no scalar of P-256.
    pub fn from_bytes(scalar: &[u8]) -> Option<Self> {
        p256::ecdsa::SigningKey::from_slice(scalar).ok().map(Self)
    }

    /// The private scalar, 32 bytes: keep it as you would a password.
    pub fn to_bytes(&self) -> zeroize::Zeroizing<Vec<u8>> {
        zeroize::Zeroizing::new(self.0.to_bytes().to_vec())
    }
}

#[cfg(feature = "software-key")]
impl DeviceKey for SoftwareDeviceKey {
    fn public_key(&self) -> Result<Vec<u8>, DeviceKeyError> {
        Ok(self.0.verifying_key().to_sec1_point(false).as_bytes().to_vec())
    }

    fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, DeviceKeyError> {
        use p256::ecdsa::signature::Signer;
        let signature: p256::ecdsa::Signature =
            self.0.try_sign(message).map_err(|_| DeviceKeyError("the software key failed".to_owned()))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ath_of_rfc_9449() {
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        assert_eq!(access_token_hash(token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }

    #[test]
    fn the_target_has_neither_query_nor_fragment() {
        let request = ProofRequest {
            method: "POST",
            uri: "https://server.example/token?x=1#y",
            issued_at: UnixMillis(1_562_262_616_900),
            nonce: Some("n"),
            access_token: None,
        };
        let claims = claims(request, "j");
        assert_eq!(claims["htu"], "https://server.example/token");
        assert_eq!(claims["iat"], 1_562_262_616);
        assert_eq!(claims["nonce"], "n");
        assert!(claims.get("ath").is_none());
    }

    #[test]
    #[cfg(feature = "ring")]
    fn the_proof_of_rfc_9449_verifies() {
        let vectors: Value = serde_json::from_str(include_str!("../../../tests/vectors/jose.json")).expect("JSON");
        let (input, signature) = vectors["V11"]["proof"].as_str().and_then(|p| p.rsplit_once('.')).expect("proof");
        let x = base64url::decode("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs").expect("x");
        let y = base64url::decode("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA").expect("y");
        let key = PublicKey::ec(Curve::P256, &[&[0x04][..], &x, &y].concat()).expect("point");
        let signature = base64url::decode(signature).expect("base64url");
        assert!(crate::crypto::SignatureVerifier::ring().verify_jose(&key, input.as_bytes(), &signature));
        assert_eq!(thumbprint(&key), vectors["V11"]["jkt"]);
    }
}
