//! The client assertion of mode EXCHANGE: a JWT by which the installation itself signs in (RFC 7523, 2.2 and 3), with a key
//! that is not the one of its DPoP proof. Nobody registers keys with a sandbox: it takes the one that comes along.

use std::collections::HashMap;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::Value;

use crate::form::Form;
use crate::jws::{self, Compact, PublicKey};
use crate::outcome::OAuthError;
use crate::state::Server;
use crate::sync::lock;
use crate::time::UnixSeconds;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: Option<String>,
    /// The public key and nothing more.
    jwk: Value,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    jti: String,
}

/// Checks the client assertion in `form`, which the DPoP key `proof_key` must not have signed; gives the `client_id`.
///
/// `grant` is what the assertion is sent with: a copy of both is the resend that the nonce rule allows.
pub(crate) fn check(server: &Server, form: &Form, proof_key: &PublicKey, grant: &str) -> Result<String, OAuthError> {
    let refused = |description| OAuthError::INVALID_CLIENT.described(description);
    if form.get("client_assertion_type") != Some(JWT_BEARER) {
        return Err(refused("client_assertion_type is not jwt-bearer"));
    }
    let assertion = form.get("client_assertion").ok_or(refused("client_assertion missing"))?;
    let compact = Compact::parse(assertion).ok_or(refused("client_assertion is not a JWS"))?;
    let header: Header =
        serde_json::from_slice(&compact.header).map_err(|_| refused("client_assertion header refused"))?;
    let typ_is_known = header.typ.as_deref().is_none_or(|typ| TYPES.contains(&typ));
    if header.alg != "ES256" || !typ_is_known {
        return Err(refused("client_assertion typ or alg refused"));
    }
    let key = parse_key(&header.jwk).ok_or(refused("client_assertion jwk is no public P-256 key"))?;
    if !compact.is_signed_by(&key) {
        return Err(refused("client_assertion is not signed by its key"));
    }
    if key.thumbprint() == proof_key.thumbprint() {
        return Err(refused("client_assertion is signed by the DPoP key"));
    }
    let claims: Claims =
        serde_json::from_slice(&compact.payload).map_err(|_| refused("client_assertion claims malformed"))?;
    check_claims(server, form, &claims).map_err(refused)?;
    let use_of = jws::hash([assertion, grant].join("\n").as_bytes());
    let now = server.clock.now();
    if !server.client_assertions.may_use(&claims.jti, &use_of, claims.exp, now) {
        return Err(refused("client_assertion used before"));
    }
    Ok(claims.sub)
}

fn check_claims(server: &Server, form: &Form, claims: &Claims) -> Result<(), &'static str> {
    let now = server.clock.now();
    if claims.iss != claims.sub || !server.client_ids.contains(&claims.sub) {
        return Err("iss and sub are not a registered client");
    }
    // The parameter may be left out, and must otherwise name the same client (RFC 7521, 4.2).
    if form.get("client_id").is_some_and(|client_id| client_id != claims.sub) {
        return Err("client_id is not that of the client_assertion");
    }
    if claims.aud != server.issuer {
        return Err("client_assertion aud is not this issuer");
    }
    let begins = claims.iat.into_iter().chain(claims.nbf).max();
    if claims.exp.saturating_add(SKEW_S) < now || begins.is_some_and(|begins| begins.saturating_sub(SKEW_S) > now) {
        return Err("client_assertion is not valid now");
    }
    let latest = claims.iat.map_or(now.saturating_add(SKEW_S), |iat| iat).saturating_add(MAX_LIFETIME_S);
    if claims.exp > latest {
        return Err("client_assertion lives too long");
    }
    if !(MIN_JTI..=MAX_JTI).contains(&claims.jti.len()) {
        return Err("client_assertion jti too short or too long");
    }
    Ok(())
}

/// A public P-256 key as JWK; one with its private half is refused.
fn parse_key(jwk: &Value) -> Option<PublicKey> {
    let text = |name: &str| jwk[name].as_str().unwrap_or_default();
    let is_public = text("kty") == "EC" && text("crv") == "P-256" && jwk.get("d").is_none();
    PublicKey::from_p256_coordinates(text("x"), text("y")).filter(|_| is_public)
}

/// The `jti` of the client assertions that were used, kept until they can no longer be valid (RFC 7523, 3, item 7).
#[derive(Default)]
pub(crate) struct ClientAssertions(Mutex<HashMap<String, Used>>);

struct Used {
    /// Hash of the client assertion and of the grant it came with.
    with: String,
    at: UnixSeconds,
    until: UnixSeconds,
}

impl ClientAssertions {
    /// Whether this is the first use of `jti`, or the same request again within a minute.
    fn may_use(&self, jti: &str, with: &str, expires: UnixSeconds, now: UnixSeconds) -> bool {
        let mut known = lock(&self.0);
        known.retain(|_, used| used.until >= now);
        if let Some(used) = known.get(jti) {
            return used.with == with && now.saturating_sub(used.at) <= RESEND_WINDOW_S;
        }
        let until = expires.saturating_add(SKEW_S);
        known.insert(jti.to_owned(), Used { with: with.to_owned(), at: now, until });
        true
    }
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// `typ` is optional in RFC 7523; the second is that of its revision in progress.
const TYPES: &[&str] = &["JWT", "client-authentication+jwt"];
const MAX_LIFETIME_S: i64 = 300;
const SKEW_S: i64 = 60;
const RESEND_WINDOW_S: i64 = 60;
const MIN_JTI: usize = 16;
const MAX_JTI: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_795_137_300;

    #[test]
    fn an_id_is_used_once_but_for_the_same_request_within_a_minute() {
        let known = ClientAssertions::default();
        assert!(known.may_use("id", "request", NOW + 300, NOW));
        assert!(known.may_use("id", "request", NOW + 300, NOW + 60));
        assert!(!known.may_use("id", "request", NOW + 300, NOW + 61));
        assert!(!known.may_use("id", "other", NOW + 300, NOW));
        assert!(known.may_use("id", "other", NOW + 900, NOW + 361), "forgotten when it has long expired");
    }
}
