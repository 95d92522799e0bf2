//! `POST /nonce`: single-use challenges for card assertions, and the rule by which they are consumed.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::grants::FamilyId;
use crate::http::{Answer, Request};
use crate::misbehave;
use crate::outcome::OAuthError;
use crate::random;
use crate::state::Server;
use crate::switches::SwitchName;
use crate::sync::lock;
use crate::time::UnixSeconds;

/// Answers `POST /nonce`.
pub(crate) fn answer(server: &Server, _request: &Request) -> Answer {
    let switches = &server.switches;
    if let Some(taken) = switches.take(SwitchName::NonceRedirect) {
        return misbehave::redirect(&taken, "/nonce");
    }
    if let Some(taken) = switches.take(SwitchName::Nonce429) {
        return misbehave::retry_later(OAuthError::SLOW_DOWN, &taken);
    }
    if let Some(taken) = switches.take(SwitchName::Nonce503) {
        return misbehave::retry_later(OAuthError::UNAVAILABLE, &taken);
    }
    let Some(mut nonce) = server.nonces.issue(server.clock.now()) else {
        return misbehave::retry_after(OAuthError::SLOW_DOWN, NONCE_LIFETIME_S.unsigned_abs());
    };
    server.count(|counters| counters.nonces += 1);
    if switches.takes(SwitchName::NonceShort) {
        nonce.truncate(42);
    }
    if switches.takes(SwitchName::NoncePadded) {
        nonce.push('=');
    }
    let answer = Answer::json(200, &json!({ "nonce": nonce, "expires_in": NONCE_LIFETIME_S }), "nonce issued");
    if switches.takes(SwitchName::NonceMalformed) {
        return misbehave::malformed(answer);
    }
    if switches.takes(SwitchName::NonceOversizedBody) {
        return misbehave::oversized(answer);
    }
    answer
}

/// The nonces that were given out.
#[derive(Default)]
pub(crate) struct Nonces(Mutex<HashMap<String, Entry>>);

struct Entry {
    expires: UnixSeconds,
    failures: u8,
    used: Option<Use>,
}

/// What a consumed nonce is bound to.
struct Use {
    assertion: String,
    jkt: String,
    at: UnixSeconds,
    families: Vec<FamilyId>,
}

/// How an assertion may use its nonce.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Consumption {
    First,
    /// The identical assertion from the same key again: what was issued earlier must be revoked.
    Resend(Vec<FamilyId>),
}

impl Nonces {
    /// Draws a nonce; `None` when too many are waiting.
    fn issue(&self, now: UnixSeconds) -> Option<String> {
        let mut entries = lock(&self.0);
        if entries.len() >= MAX_WAITING {
            entries.retain(|_, entry| entry.expires.saturating_add(KEEP_USED_S) >= now);
        }
        if entries.len() >= MAX_WAITING {
            return None;
        }
        let nonce = random::token();
        entries.insert(nonce.clone(), Entry { expires: now.saturating_add(NONCE_LIFETIME_S), failures: 0, used: None });
        Some(nonce)
    }

    /// Uses a nonce for an assertion (given as its hash) that passed every earlier check.
    pub(crate) fn consume(
        &self,
        nonce: &str,
        assertion: &str,
        jkt: &str,
        now: UnixSeconds,
    ) -> Result<Consumption, OAuthError> {
        let mut entries = lock(&self.0);
        let entry = entries.get_mut(nonce).ok_or(OAuthError::NONCE_EXPIRED)?;
        if let Some(used) = &entry.used {
            let again = used.is_resend(assertion, jkt, now);
            return again.then(|| Consumption::Resend(used.families.clone())).ok_or(OAuthError::NONCE_REUSED);
        }
        if entry.failures >= MAX_FAILURES || entry.expires < now {
            return Err(OAuthError::NONCE_EXPIRED);
        }
        entry.used = Some(Use { assertion: assertion.to_owned(), jkt: jkt.to_owned(), at: now, families: Vec::new() });
        Ok(Consumption::First)
    }

    /// Remembers what was issued for a consumed nonce, in place of what was remembered before.
    pub(crate) fn bind(&self, nonce: &str, families: Vec<FamilyId>) {
        if let Some(used) = lock(&self.0).get_mut(nonce).and_then(|entry| entry.used.as_mut()) {
            used.families = families;
        }
    }

    /// Counts an assertion that failed before its nonce was looked at; the fifth kills the nonce.
    pub(crate) fn fail(&self, nonce: &str) {
        if let Some(entry) = lock(&self.0).get_mut(nonce) {
            entry.failures = entry.failures.saturating_add(1);
        }
    }

    pub(crate) fn is_used(&self, nonce: &str) -> bool {
        lock(&self.0).get(nonce).is_some_and(|entry| entry.used.is_some())
    }

    /// Whether this would be the resend that the consumption rule allows.
    pub(crate) fn is_resend(&self, nonce: &str, assertion: &str, jkt: &str, now: UnixSeconds) -> bool {
        lock(&self.0)
            .get(nonce)
            .and_then(|entry| entry.used.as_ref())
            .is_some_and(|used| used.is_resend(assertion, jkt, now))
    }

    /// The used nonces, for the state file.
    pub(crate) fn save(&self) -> Value {
        let entries = lock(&self.0);
        let saved = entries.iter().filter_map(|(nonce, entry)| {
            let used = entry.used.as_ref()?;
            let value = json!({
                "expires": entry.expires, "assertion": used.assertion, "jkt": used.jkt, "at": used.at,
            });
            Some((nonce.clone(), value))
        });
        Value::Object(saved.collect())
    }

    /// Takes the used nonces of a state file back.
    pub(crate) fn load(&self, saved: &Value) {
        let mut entries = lock(&self.0);
        for (nonce, value) in saved.as_object().into_iter().flatten() {
            let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
            let used = Use {
                assertion: text("assertion"),
                jkt: text("jkt"),
                at: value["at"].as_i64().unwrap_or(0),
                families: Vec::new(),
            };
            let expires = value["expires"].as_i64().unwrap_or(0);
            entries.insert(nonce.clone(), Entry { expires, failures: 0, used: Some(used) });
        }
    }
}

impl Use {
    fn is_resend(&self, assertion: &str, jkt: &str, now: UnixSeconds) -> bool {
        self.assertion == assertion && self.jkt == jkt && now.saturating_sub(self.at) <= RESEND_WINDOW_S
    }
}

const NONCE_LIFETIME_S: i64 = 300;
const RESEND_WINDOW_S: i64 = 60;
/// An assertion lives 300 s and may be 60 s off; a used nonce is remembered that much longer than a fresh one.
const KEEP_USED_S: i64 = 360;
const MAX_FAILURES: u8 = 5;
const MAX_WAITING: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_795_137_300;

    #[test]
    fn resend_is_allowed_for_sixty_seconds_to_the_same_key() {
        let nonces = Nonces::default();
        let nonce = nonces.issue(NOW).unwrap();
        assert_eq!(nonce.len(), 43);
        assert_eq!(nonces.consume(&nonce, "a", "k", NOW), Ok(Consumption::First));
        nonces.bind(&nonce, vec![7]);
        assert_eq!(nonces.consume(&nonce, "a", "k", NOW + 60), Ok(Consumption::Resend(vec![7])));
        for (assertion, jkt, now) in [("a", "k", NOW + 61), ("b", "k", NOW), ("a", "other", NOW)] {
            assert_eq!(nonces.consume(&nonce, assertion, jkt, now), Err(OAuthError::NONCE_REUSED));
        }
    }

    #[test]
    fn unknown_expired_and_killed_nonces_are_expired() {
        let nonces = Nonces::default();
        assert_eq!(nonces.consume("unknown", "a", "k", NOW), Err(OAuthError::NONCE_EXPIRED));
        let old = nonces.issue(NOW).unwrap();
        assert_eq!(nonces.consume(&old, "a", "k", NOW + 301), Err(OAuthError::NONCE_EXPIRED));
        let killed = nonces.issue(NOW).unwrap();
        (0..5).for_each(|_| nonces.fail(&killed));
        assert_eq!(nonces.consume(&killed, "a", "k", NOW), Err(OAuthError::NONCE_EXPIRED));
    }

    #[test]
    fn used_nonces_survive_a_restart() {
        let nonces = Nonces::default();
        let nonce = nonces.issue(NOW).unwrap();
        nonces.consume(&nonce, "a", "k", NOW).unwrap();
        let restarted = Nonces::default();
        restarted.load(&nonces.save());
        assert_eq!(restarted.consume(&nonce, "b", "k", NOW), Err(OAuthError::NONCE_REUSED));
    }
}
