//! The card assertion: a JWS this crate builds, the card signs, and the authorization server checks.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use super::settings::Notice;
use crate::card::{Certificate, ChannelReport, Jpki};
use crate::crypto::SignatureVerifier;
use crate::error::Error;
use crate::jose::SigningInput;
use crate::jose::thumbprint::thumbprint_uri;
use crate::random;
use crate::secret::opaque_debug;
use crate::time::UnixMillis;

/// Seconds between `iat` and `exp`; the wire contract allows 300.
pub(crate) const LIFE_S: i64 = 180;

/// Whose request this is (HL7 v3 ActReason).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Purpose {
    /// `PATRQT`: the holder's own.
    #[default]
    Own,
    /// `FAMRQT`: for a family member.
    Family,
}

impl Purpose {
    /// The wire code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Own => "PATRQT",
            Self::Family => "FAMRQT",
        }
    }
}

/// What an assertion states.
#[derive(Clone, Copy)]
pub struct Claims<'a> {
    /// The authorization server's issuer.
    pub audience: &'a str,
    /// Its nonce.
    pub nonce: &'a str,
    /// Thumbprint of the device key that alone may use the token.
    pub device_thumbprint: &'a str,
    /// Scope asked for.
    pub scope: &'a str,
    /// Whose request.
    pub purpose: Purpose,
    /// The notice the user saw.
    pub notice: &'a Notice,
    /// Server time.
    pub issued_at: UnixMillis,
    /// What protected the link to the card.
    pub channel: ChannelReport,
}

opaque_debug!(Claims<'_>, Assertion);

/// A signed assertion in compact form, checked with the certificate's key.
pub struct Assertion(String);

impl Assertion {
    /// Builds the JWS, has the card sign it and checks the signature. One exchange, two on cards without short EF
    /// identifiers. The PIN must be verified.
    ///
    /// # Errors
    /// [`Error::Card`] when the card refuses or its signature does not verify, [`Error::Transport`] when the link broke.
    pub fn sign(
        jpki: &mut Jpki<'_, '_>,
        certificate: &Certificate,
        claims: &Claims<'_>,
        verifier: SignatureVerifier,
    ) -> Result<Self, Error> {
        let input = SigningInput::new(&header(certificate), &payload(certificate, claims, &random::generate_uuid()?));
        let signature = jpki.sign(certificate.key(), input.as_bytes(), verifier)?;
        Ok(Self(input.join(&signature)))
    }

    /// The compact serialization.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `alg`, `typ` and the leaf alone: the signature certificate never travels.
fn header(certificate: &Certificate) -> Value {
    json!({
        "alg": certificate.key().algorithm().name(),
        "typ": "card-auth+jwt",
        "x5c": [Base64::encode_string(certificate.der())],
    })
}

fn payload(certificate: &Certificate, claims: &Claims<'_>, jti: &str) -> Value {
    let subject = thumbprint_uri(certificate.key());
    let issued_at = claims.issued_at.seconds();
    json!({
        "iss": subject,
        "sub": subject,
        "aud": claims.audience,
        "iat": issued_at,
        "exp": issued_at.saturating_add(LIFE_S),
        "jti": jti,
        "nonce": claims.nonce,
        "cnf": {"jkt": claims.device_thumbprint},
        "scope": claims.scope,
        "purpose": {"code": claims.purpose.code(), "notice": claims.notice.id, "sha256": claims.notice.sha256()},
        "chan": {"kind": claims.channel.kind.name(), "chip_proof": claims.channel.chip_proof.name()},
    })
}
