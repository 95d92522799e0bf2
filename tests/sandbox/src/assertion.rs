//! The card assertion: the checks of the authorization server, in the order of the wire contract.

use std::collections::HashMap;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::certificate::{ChainFault, Leaf, Validity};
use crate::grants::{self, FamilyId, Scope};
use crate::jws::{self, Compact};
use crate::nonce::Consumption;
use crate::outcome::OAuthError;
use crate::people::Person;
use crate::state::Server;
use crate::switches::SwitchName;
use crate::sync::lock;
use crate::time::{Day, UnixSeconds};

/// An assertion that passed every check; its nonce is consumed.
pub(crate) struct Accepted {
    pub(crate) person: Person,
    pub(crate) nonce: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) certificate_last_day: Day,
    /// Whether the certificate expired within the grace period.
    pub(crate) grace: bool,
    /// Token families issued to an earlier copy of this assertion.
    pub(crate) superseded: Vec<FamilyId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    x5c: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: String,
    nonce: String,
    cnf: Confirmation,
    scope: Option<String>,
    purpose: Purpose,
    chan: Option<Channel>,
}

#[derive(Deserialize)]
struct Confirmation {
    jkt: String,
}

#[derive(Deserialize)]
struct Purpose {
    code: String,
    notice: String,
    sha256: String,
}

#[derive(Deserialize)]
struct Channel {
    kind: String,
}

/// Checks an assertion sent with a DPoP proof by the key `jkt`; `requested` narrows the scope.
pub(crate) fn check(
    server: &Server,
    assertion: &str,
    jkt: &str,
    requested: Option<&str>,
) -> Result<Accepted, OAuthError> {
    let now = server.clock.now();
    let hash = jws::hash(assertion.as_bytes());
    let compact = Compact::parse(assertion).ok_or(OAuthError::BAD_SIGNATURE.described("assertion is not a JWS"))?;
    let examined = examine(server, &compact, &hash, jkt, requested, now).inspect_err(|_| {
        if let Some(nonce) = nonce_of(&compact) {
            server.nonces.fail(&nonce);
        }
    })?;
    let Examined { leaf, claims, scopes, grace } = examined;
    let superseded = match server.nonces.consume(&claims.nonce, &hash, jkt, now)? {
        Consumption::First => Vec::new(),
        Consumption::Resend(families) => families,
    };
    server.assertion_ids.remember(&claims.jti, claims.exp.saturating_add(SKEW_S), now);
    let thumbprint = leaf.key.thumbprint();
    // Revocation and link both start from the certificate; whether it is revoked is answered first.
    let person = server.people.with_key(&thumbprint);
    let member = person.map(|person| server.member(person.number)).unwrap_or_default();
    if member.revoked {
        return Err(OAuthError::CERTIFICATE_REVOKED);
    }
    let person = person.ok_or(OAuthError::NOT_REGISTERED.described("certificate is linked to nobody"))?;
    if member.suspended {
        return Err(OAuthError::SUSPENDED);
    }
    Ok(Accepted {
        person: person.clone(),
        nonce: claims.nonce,
        scopes,
        certificate_last_day: leaf.last_day(),
        grace,
        superseded,
    })
}

struct Examined {
    leaf: Leaf,
    claims: Claims,
    scopes: Vec<Scope>,
    grace: bool,
}

/// Every check that comes before the nonce.
fn examine(
    server: &Server,
    compact: &Compact<'_>,
    hash: &str,
    jkt: &str,
    requested: Option<&str>,
    now: UnixSeconds,
) -> Result<Examined, OAuthError> {
    // A repeated or unlisted member is an error of the derived reader.
    let header: Header = serde_json::from_slice(&compact.header)
        .map_err(|_| OAuthError::BAD_SIGNATURE.described("header malformed or with a member that is not allowed"))?;
    if header.typ != "card-auth+jwt" || !ALGORITHMS.contains(&header.alg.as_str()) {
        return Err(OAuthError::BAD_SIGNATURE.described("typ or alg refused"));
    }
    let leaf = server.roots.check(&header.x5c.unwrap_or_default()).map_err(|fault| match fault {
        ChainFault::BadChain => OAuthError::BAD_CHAIN,
        ChainFault::WrongCertificate => OAuthError::WRONG_CERTIFICATE,
    })?;
    let grace = match leaf.validity(now) {
        Validity::Valid => server.switches.takes(SwitchName::Grace),
        Validity::Grace => true,
        Validity::NotYet => return Err(OAuthError::BAD_CHAIN.described("certificate not valid yet")),
        Validity::Expired => return Err(OAuthError::CERTIFICATE_EXPIRED),
    };
    if leaf.key.algorithm() != header.alg {
        return Err(OAuthError::BAD_SIGNATURE.described("alg does not belong to the key"));
    }
    if !compact.is_signed_by(&leaf.key) {
        return Err(OAuthError::BAD_SIGNATURE.described("signature wrong"));
    }
    let claims = check_claims(server, compact, hash, jkt, &leaf, now)?;
    let scopes = grants::grantable(claims.scope.as_deref(), requested)?;
    Ok(Examined { leaf, claims, scopes, grace })
}

fn check_claims(
    server: &Server,
    compact: &Compact<'_>,
    hash: &str,
    jkt: &str,
    leaf: &Leaf,
    now: UnixSeconds,
) -> Result<Claims, OAuthError> {
    let refused = |description| Err(OAuthError::INVALID_GRANT.described(description));
    let Ok(claims) = serde_json::from_slice::<Claims>(&compact.payload) else {
        return refused("claims malformed or missing");
    };
    let subject = format!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:{}", leaf.key.thumbprint());
    if claims.iss != subject || claims.sub != subject {
        return refused("iss and sub are not the thumbprint of the certificate key");
    }
    if claims.aud != server.issuer {
        return refused("aud is not this issuer");
    }
    if claims.exp <= claims.iat || claims.exp.saturating_sub(claims.iat) > MAX_LIFETIME_S {
        return refused("lifetime too long");
    }
    if claims.iat.saturating_sub(SKEW_S) > now || claims.exp.saturating_add(SKEW_S) < now {
        return Err(OAuthError::CLOCK_SKEW);
    }
    if claims.jti.is_empty() || claims.jti.len() > MAX_ID || claims.nonce.len() > MAX_ID {
        return refused("jti or nonce has a wrong length");
    }
    if claims.cnf.jkt != jkt {
        // A copy sent with another key is a second use of its nonce; before the first use it is a wrong claim.
        return if server.nonces.is_used(&claims.nonce) {
            Err(OAuthError::NONCE_REUSED)
        } else {
            refused("cnf names another DPoP key")
        };
    }
    if !matches!(claims.purpose.code.as_str(), "PATRQT" | "FAMRQT")
        || claims.purpose.notice.is_empty()
        || claims.purpose.sha256.len() != 43
    {
        return refused("purpose malformed");
    }
    if claims.chan.as_ref().is_some_and(|channel| !CHANNELS.contains(&channel.kind.as_str())) {
        return refused("chan malformed");
    }
    let repeated = server.assertion_ids.is_known(&claims.jti, now);
    if repeated && !server.nonces.is_resend(&claims.nonce, hash, jkt, now) {
        return Err(OAuthError::NONCE_REUSED.described("jti already used"));
    }
    Ok(claims)
}

/// The nonce that an assertion names, whatever else is wrong with it.
fn nonce_of(compact: &Compact<'_>) -> Option<String> {
    let payload: Value = serde_json::from_slice(&compact.payload).ok()?;
    payload["nonce"].as_str().map(str::to_owned)
}

/// The `jti` of accepted assertions, kept until the assertion can no longer be valid.
#[derive(Default)]
pub(crate) struct AssertionIds(Mutex<HashMap<String, UnixSeconds>>);

impl AssertionIds {
    fn remember(&self, jti: &str, until: UnixSeconds, now: UnixSeconds) {
        let mut known = lock(&self.0);
        known.retain(|_, until| *until >= now);
        known.insert(jti.to_owned(), until);
    }

    fn is_known(&self, jti: &str, now: UnixSeconds) -> bool {
        lock(&self.0).get(jti).is_some_and(|until| *until >= now)
    }

    /// All ids, for the state file.
    pub(crate) fn save(&self) -> Value {
        lock(&self.0).iter().map(|(jti, until)| (jti.clone(), json!(until))).collect()
    }

    /// Takes the ids of a state file back.
    pub(crate) fn load(&self, saved: &Value) {
        let saved = saved.as_object().into_iter().flatten();
        lock(&self.0).extend(saved.filter_map(|(jti, until)| Some((jti.clone(), until.as_i64()?))));
    }
}

const ALGORITHMS: &[&str] = &["RS256", "ES256", "ES384"];
const CHANNELS: &[&str] = &["Pace", "LegacyConfidentialityOnly", "Plain"];
const MAX_LIFETIME_S: i64 = 300;
const SKEW_S: i64 = 60;
const MAX_ID: usize = 256;
