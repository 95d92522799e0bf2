//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): one outcome for each key of each DPoP key.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::access::Caller;
use crate::http::{Answer, FHIR_JSON, Request};
use crate::jws;
use crate::misbehave;
use crate::outcome::Issue;
use crate::state::Server;
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
    outcome: Option<Outcome>,
}

struct Outcome {
    status: u16,
    body: String,
    /// Those of [`KEPT_HEADERS`] that the answer had.
    headers: Vec<(&'static str, String)>,
}

impl Outcome {
    fn answer(&self) -> Answer {
        let answer = Answer::empty(self.status, "answered again").with_body(FHIR_JSON, self.body.clone());
        self.headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value.clone()))
    }
}

/// What a request with an idempotency key meets.
enum Begin<'a> {
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
struct Ticket<'a> {
    outcomes: &'a Outcomes,
    slot: Slot,
}

impl Outcomes {
    /// Looks a key up for a body given as its hash, and claims it if it is new.
    fn begin(&self, jkt: &str, key: &str, body: &str, now: UnixSeconds) -> Begin<'_> {
        let slot = (jkt.to_owned(), key.to_ascii_lowercase());
        let mut entries = lock(&self.0);
        entries.retain(|_, entry| now.saturating_sub(entry.at) <= KEPT_S);
        match entries.get(&slot) {
            Some(entry) if entry.body != body => Begin::OtherBody,
            Some(Entry { outcome: None, .. }) => Begin::Running,
            Some(Entry { outcome: Some(outcome), .. }) => Begin::Repeat(outcome.answer()),
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
            let Outcome { status, body, headers } = entry.outcome.as_ref()?;
            let headers: serde_json::Map<String, Value> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
            Some(json!({
                "jkt": jkt, "key": key, "body": entry.body, "at": entry.at,
                "status": status, "answer": body, "headers": headers,
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
            let header = |name: &'static str| Some((name, value["headers"][name].as_str()?.to_owned()));
            let headers = KEPT_HEADERS.iter().filter_map(|name| header(name)).collect();
            let outcome = Outcome { status, body: text("answer"), headers };
            let entry = Entry { body: text("body"), at, outcome: Some(outcome) };
            entries.insert((text("jkt"), text("key")), entry);
        }
    }
}

impl Ticket<'_> {
    /// Keeps the outcome for later requests with the same key.
    fn finish(self, answer: &Answer) {
        if let Some(entry) = lock(&self.outcomes.0).get_mut(&self.slot) {
            let headers = answer.headers.iter().filter(|(name, _)| KEPT_HEADERS.contains(name)).cloned().collect();
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            entry.outcome = Some(Outcome { status: answer.status, body, headers });
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

/// What became of a request that may carry an `Idempotency-Key`.
pub(crate) struct Once {
    pub(crate) answer: Answer,
    /// The answer is that of an earlier request with the same key.
    pub(crate) repeated: bool,
}

/// Processes a request, or answers again what became of the first one with its `Idempotency-Key`.
pub(crate) fn once(
    server: &Server,
    request: &Request,
    caller: &Caller,
    process: impl FnOnce() -> Result<Answer, Answer>,
) -> Result<Once, Answer> {
    let bad_key = || Issue::INVALID_ELEMENT.described("Idempotency-Key is not one UUID of version 4");
    let first = |answer| Once { answer, repeated: false };
    let Some(key) = request.header("idempotency-key").map_err(|_| bad_key())? else {
        let answer = process()?;
        server.save();
        return Ok(first(answer));
    };
    // The draft writes the key as a quoted string, the contract without quotes.
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if !is_uuid_v4(key) {
        return Err(bad_key().into());
    }
    // A key belongs to one call, so the path counts as part of the body.
    let body = jws::hash(&[request.method.as_str().as_bytes(), request.path.as_bytes(), &request.body].join(&b'\n'));
    match server.outcomes.begin(&caller.jkt, key, &body, server.clock.now()) {
        Begin::Repeat(answer) => Ok(Once { answer, repeated: true }),
        Begin::Running => Err(misbehave::retry_after(Issue::RUNNING, 1)),
        Begin::OtherBody => Err(Issue::KEY_REUSED.into()),
        Begin::First(ticket) => {
            let answer = process()?;
            ticket.finish(&answer);
            server.save();
            Ok(first(answer))
        }
    }
}

/// Whether `key` is a UUID of version 4 (RFC 9562, 5.4).
fn is_uuid_v4(key: &str) -> bool {
    key.len() == 36
        && key.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => b"89abAB".contains(&byte),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Headers of an answer that belong to its outcome.
const KEPT_HEADERS: &[&str] = &["etag", "location"];
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
