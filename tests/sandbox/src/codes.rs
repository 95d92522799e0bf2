//! Authorization codes: redeemed once, by whom they were meant for (RFC 6749, 4.1.2 and 4.1.3).

use std::collections::HashMap;
use std::sync::Mutex;

use crate::authorization::AuthorizationRequest;
use crate::form::Form;
use crate::grants::{FamilyId, Scope};
use crate::jws;
use crate::outcome::OAuthError;
use crate::random;
use crate::sync::lock;
use crate::time::UnixSeconds;

/// What a person agreed to on the sign-in page.
#[derive(Clone, Debug)]
pub(crate) struct Approved {
    pub(crate) person: u8,
    pub(crate) scopes: Vec<Scope>,
}

/// Why a code was not redeemed.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum CodeFault {
    Refused(OAuthError),
    /// It was redeemed before: what was issued for it must be revoked.
    Reused(Vec<FamilyId>),
}

/// The codes that were given out.
#[derive(Default)]
pub(crate) struct Codes(Mutex<HashMap<String, Entry>>);

struct Entry {
    asked: AuthorizationRequest,
    person: u8,
    issued: UnixSeconds,
    /// Token families issued for the code, once it was redeemed.
    used: Option<Vec<FamilyId>>,
}

impl Codes {
    /// Draws a code for a person who agreed to a request; `None` when too many are waiting.
    pub(crate) fn issue(&self, asked: AuthorizationRequest, person: u8, now: UnixSeconds) -> Option<String> {
        let mut codes = lock(&self.0);
        codes.retain(|_, entry| entry.issued.saturating_add(KEPT_S) >= now);
        if codes.len() >= MAX_KEPT {
            return None;
        }
        let code = random::token();
        codes.insert(code.clone(), Entry { asked, person, issued: now, used: None });
        Some(code)
    }

    /// Redeems the code in `form` with the DPoP key `jkt`. A refusal leaves the code unused.
    pub(crate) fn redeem(
        &self,
        form: &Form,
        client_id: &str,
        jkt: &str,
        now: UnixSeconds,
    ) -> Result<Approved, CodeFault> {
        let refused = |description| CodeFault::Refused(OAuthError::INVALID_GRANT.described(description));
        let malformed = |description| CodeFault::Refused(OAuthError::INVALID_REQUEST.described(description));
        let code = form.get("code").ok_or(malformed("code missing"))?;
        let verifier = form.get("code_verifier").ok_or(malformed("code_verifier missing"))?;
        let mut codes = lock(&self.0);
        let entry = codes.get_mut(code).ok_or(refused("code unknown"))?;
        let target = &entry.asked.target;
        if target.client_id != client_id {
            return Err(refused("code was issued to another client"));
        }
        if let Some(families) = &entry.used {
            return Err(CodeFault::Reused(families.clone()));
        }
        if entry.issued.saturating_add(LIFETIME_S) < now {
            return Err(refused("code expired"));
        }
        if form.get("redirect_uri") != Some(&target.redirect_uri) {
            return Err(refused("redirect_uri is not that of the authorization request"));
        }
        if !is_verifier(verifier) || jws::hash(verifier.as_bytes()) != entry.asked.code_challenge {
            return Err(refused("code_verifier does not fit"));
        }
        if entry.asked.dpop_jkt.as_deref().is_some_and(|named| named != jkt) {
            return Err(refused("code is bound to another DPoP key"));
        }
        entry.used = Some(Vec::new());
        Ok(Approved { person: entry.person, scopes: entry.asked.scopes.clone() })
    }

    /// Remembers what was issued for a redeemed code.
    pub(crate) fn bind(&self, code: &str, families: Vec<FamilyId>) {
        if let Some(entry) = lock(&self.0).get_mut(code) {
            entry.used = Some(families);
        }
    }
}

/// Whether the text may be a code verifier (RFC 7636, 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

const LIFETIME_S: i64 = 60;
/// Reuse is noticed for as long as a refresh token lives.
const KEPT_S: i64 = 86_400;
const MAX_KEPT: usize = 100_000;
