//! DPoP proofs (RFC 9449): checks, replay store and the optional server nonce.

use std::collections::HashMap;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::Value;

use crate::http::Request;
use crate::jws::{self, Compact, PublicKey};
use crate::random;
use crate::state::Server;
use crate::switches::SwitchName;
use crate::sync::lock;
use crate::time::UnixSeconds;

/// Why a proof was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ProofFault {
    /// `invalid_dpop_proof`, with a text for developers.
    Invalid(&'static str),
    /// `use_dpop_nonce`: the answer carries a fresh `DPoP-Nonce`.
    NonceNeeded,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
    crit: Option<Value>,
}

/// Exactly the public members: a private one, or any other, is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    nonce: Option<String>,
    ath: Option<String>,
}

/// Checks the proof of a request to `url`, bound to `access_token` at the resource server (RFC 9449, 4.3).
///
/// Returns the key that made the proof; its thumbprint is what tokens are bound to.
pub(crate) fn check(
    server: &Server,
    request: &Request,
    url: &str,
    access_token: Option<&str>,
) -> Result<PublicKey, ProofFault> {
    use ProofFault::Invalid;
    let proof = request.header("dpop").map_err(|_| Invalid("more than one DPoP header"))?;
    let proof = Compact::parse(proof.ok_or(Invalid("DPoP header missing"))?).ok_or(Invalid("proof is not a JWS"))?;
    let header: Header = serde_json::from_slice(&proof.header).map_err(|_| Invalid("proof header malformed"))?;
    if header.typ != "dpop+jwt" || header.alg != "ES256" || header.crit.is_some() {
        return Err(Invalid("proof typ, alg or crit refused"));
    }
    if header.jwk.kty != "EC" || header.jwk.crv != "P-256" {
        return Err(Invalid("proof key is not P-256"));
    }
    let key = PublicKey::from_p256_coordinates(&header.jwk.x, &header.jwk.y).ok_or(Invalid("proof key malformed"))?;
    if !proof.is_signed_by(&key) {
        return Err(Invalid("proof signature wrong"));
    }
    let claims: Claims = serde_json::from_slice(&proof.payload).map_err(|_| Invalid("proof claims malformed"))?;
    if claims.htm != request.method.as_str() || claims.htu != url {
        return Err(Invalid("proof is for another request"));
    }
    if claims.ath != access_token.map(|token| jws::hash(token.as_bytes())) {
        return Err(Invalid("proof ath wrong"));
    }
    if !(MIN_JTI..=MAX_JTI).contains(&claims.jti.len()) {
        return Err(Invalid("proof jti too short or too long"));
    }
    let now = server.clock.now();
    match &claims.nonce {
        Some(nonce) if !server.dpop.knows_nonce(nonce, now) => return Err(ProofFault::NonceNeeded),
        Some(_) => {}
        None if server.switches.takes(SwitchName::UseDpopNonce) => return Err(ProofFault::NonceNeeded),
        None if claims.iat.abs_diff(now) > IAT_WINDOW_S => return Err(Invalid("proof iat outside the window")),
        None => {}
    }
    let jkt = key.thumbprint();
    if !server.dpop.first_use(&jkt, &claims.jti, now) {
        return Err(Invalid("proof replayed"));
    }
    Ok(key)
}

/// The proofs seen lately and the DPoP nonces given out.
#[derive(Default)]
pub(crate) struct Proofs {
    seen: Mutex<HashMap<(String, String), UnixSeconds>>,
    nonces: Mutex<HashMap<String, UnixSeconds>>,
}

impl Proofs {
    /// A fresh `DPoP-Nonce`.
    pub(crate) fn issue_nonce(&self, now: UnixSeconds) -> String {
        let nonce = random::token();
        let mut nonces = lock(&self.nonces);
        nonces.retain(|_, expires| *expires >= now);
        nonces.insert(nonce.clone(), now.saturating_add(NONCE_LIFETIME_S));
        nonce
    }

    fn knows_nonce(&self, nonce: &str, now: UnixSeconds) -> bool {
        lock(&self.nonces).get(nonce).is_some_and(|expires| *expires >= now)
    }

    fn first_use(&self, jkt: &str, jti: &str, now: UnixSeconds) -> bool {
        let mut seen = lock(&self.seen);
        seen.retain(|_, at| now.saturating_sub(*at) <= REPLAY_WINDOW_S);
        seen.insert((jkt.to_owned(), jti.to_owned()), now).is_none()
    }
}

/// 96 random bits are 16 characters of base64url.
const MIN_JTI: usize = 16;
const MAX_JTI: usize = 256;
const IAT_WINDOW_S: u64 = 60;
const REPLAY_WINDOW_S: i64 = 300;
const NONCE_LIFETIME_S: i64 = 300;
