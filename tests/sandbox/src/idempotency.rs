//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): one outcome for each key of each DPoP key.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::http::{Answer, FHIR_JSON};
use crate::sync::lock;
use crate::time::UnixSeconds;

/// The outcomes that are kept.
#[derive(Default)]
pub(crate) struct Outcomes(Mutex<HashMap<Slot, Entry>>);

/// DPoP key thumbprint and idempotency key.
type Slot = (String, String);

struct Entry {
    body: String,
    at: UnixSeconds,
    /// Absent while the first request is running.
    outcome: Option<(u16, String)>,
}

/// What a request with an idempotency key meets.
pub(crate) enum Begin<'a> {
    /// Nothing: the request is to be processed and the ticket finished.
    First(Ticket<'a>),
    /// The outcome of the first request.
    Repeat(Answer),
    /// The first request is still running.
    Running,
    /// The first request had another body.
    OtherBody,
}

/// The right to process a request; dropped unfinished, the key is free again.
pub(crate) struct Ticket<'a> {
    outcomes: &'a Outcomes,
    slot: Slot,
}

impl Outcomes {
    /// Looks a key up for a body given as its hash, and claims it if it is new.
    pub(crate) fn begin(&self, jkt: &str, key: &str, body: &str, now: UnixSeconds) -> Begin<'_> {
        let slot = (jkt.to_owned(), key.to_ascii_lowercase());
        let mut entries = lock(&self.0);
        entries.retain(|_, entry| now.saturating_sub(entry.at) <= KEPT_S);
        match entries.get(&slot) {
            Some(entry) if entry.body != body => Begin::OtherBody,
            Some(Entry { outcome: None, .. }) => Begin::Running,
            Some(Entry { outcome: Some((status, body)), .. }) => {
                Begin::Repeat(Answer::empty(*status, "answered again").with_body(FHIR_JSON, body.clone()))
            }
            None => {
                entries.insert(slot.clone(), Entry { body: body.to_owned(), at: now, outcome: None });
                Begin::First(Ticket { outcomes: self, slot })
            }
        }
    }

    /// The finished outcomes, for the state file.
    pub(crate) fn save(&self) -> Value {
        let entries = lock(&self.0);
        let finished = entries.iter().filter_map(|((jkt, key), entry)| {
            let (status, answer) = entry.outcome.as_ref()?;
            Some(json!({
                "jkt": jkt, "key": key, "body": entry.body, "at": entry.at, "status": status, "answer": answer,
            }))
        });
        Value::Array(finished.collect())
    }

    /// Takes the outcomes of a state file back.
    pub(crate) fn load(&self, saved: &Value) {
        let mut entries = lock(&self.0);
        for value in saved.as_array().into_iter().flatten() {
            let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
            let Some(status) = value["status"].as_u64().and_then(|status| u16::try_from(status).ok()) else { continue };
            let at = value["at"].as_i64().unwrap_or(0);
            let entry = Entry { body: text("body"), at, outcome: Some((status, text("answer"))) };
            entries.insert((text("jkt"), text("key")), entry);
        }
    }
}

impl Ticket<'_> {
    /// Keeps the outcome for later requests with the same key.
    pub(crate) fn finish(self, answer: &Answer) {
        if let Some(entry) = lock(&self.outcomes.0).get_mut(&self.slot) {
            entry.outcome = Some((answer.status, String::from_utf8_lossy(&answer.body).into_owned()));
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut entries = lock(&self.outcomes.0);
        if entries.get(&self.slot).is_some_and(|entry| entry.outcome.is_none()) {
            entries.remove(&self.slot);
        }
    }
}

/// Whether `key` is a UUID of version 4 (RFC 9562, 5.4).
pub(crate) fn is_uuid_v4(key: &str) -> bool {
    key.len() == 36
        && key.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => b"89abAB".contains(&byte),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The contract asks for at least 24 hours.
const KEPT_S: i64 = 25 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_running_repeat_and_other_body() {
        let outcomes = Outcomes::default();
        let Begin::First(ticket) = outcomes.begin("k", "a", "body", 0) else { panic!("first") };
        assert!(matches!(outcomes.begin("k", "A", "body", 0), Begin::Running));
        ticket.finish(&Answer::empty(200, "done"));
        assert!(matches!(outcomes.begin("k", "a", "body", 24 * 3600), Begin::Repeat(_)));
        assert!(matches!(outcomes.begin("k", "a", "other", 0), Begin::OtherBody));
        assert!(matches!(outcomes.begin("other", "a", "other", 0), Begin::First(_)));
        assert!(matches!(outcomes.begin("k", "a", "other", 26 * 3600), Begin::First(_)));
    }

    #[test]
    fn an_unfinished_ticket_frees_its_key() {
        let outcomes = Outcomes::default();
        drop(outcomes.begin("k", "a", "body", 0));
        assert!(matches!(outcomes.begin("k", "a", "other", 0), Begin::First(_)));
    }

    #[test]
    fn only_version_4_is_a_key() {
        assert!(is_uuid_v4("5b3d6b8e-0c1f-4a8e-9f0e-1f2a3b4c5d6e"));
        for key in ["", "5b3d6b8e-0c1f-1a8e-9f0e-1f2a3b4c5d6e", "5b3d6b8e0c1f4a8e9f0e1f2a3b4c5d6e"] {
            assert!(!is_uuid_v4(key), "{key}");
        }
    }
}
