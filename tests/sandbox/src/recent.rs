//! The last requests, for the admin page: what the log says of them and no more, so nothing personal.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::sync::lock;
use crate::time::{self, UnixSeconds};

/// What is remembered of a request from its arrival to its answer.
pub(crate) struct Arrival {
    at: Instant,
    /// The client's `X-Request-Id`, if it has the form of one.
    id: Option<String>,
}

impl Arrival {
    pub(crate) fn now(headers: &HeaderMap) -> Self {
        let id = headers.get("x-request-id").and_then(|value| value.to_str().ok());
        Self { at: Instant::now(), id: id.filter(|id| is_id(id)).map(str::to_owned) }
    }
}

/// Only a UUID is shown: anything else could carry a token or a name.
fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The last requests, oldest first.
#[derive(Default)]
pub(crate) struct Recent(Mutex<VecDeque<Entry>>);

struct Entry {
    time: UnixSeconds,
    method: String,
    /// That of the route, in which ids are replaced.
    path: String,
    status: u16,
    milliseconds: u128,
    id: Option<String>,
}

impl Recent {
    pub(crate) fn add(&self, arrival: &Arrival, (method, path): (&str, &str), status: u16, now: UnixSeconds) {
        let mut entries = lock(&self.0);
        if entries.len() >= KEPT {
            entries.pop_front();
        }
        entries.push_back(Entry {
            time: now,
            method: method.to_owned(),
            path: path.to_owned(),
            status,
            milliseconds: arrival.at.elapsed().as_millis(),
            id: arrival.id.clone(),
        });
    }

    /// The requests as the admin page shows them, newest first.
    pub(crate) fn list(&self) -> Value {
        let entries = lock(&self.0);
        let listed = entries.iter().rev().map(|entry| {
            json!({
                "time": time::rfc3339(entry.time), "method": entry.method, "path": entry.path,
                "status": entry.status, "ms": entry.milliseconds.to_string(), "id": entry.id,
            })
        });
        listed.collect()
    }
}

const KEPT: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_two_hundred_are_kept() {
        let recent = Recent::default();
        for status in 0..=200 {
            recent.add(&Arrival::now(&HeaderMap::new()), ("GET", "/x"), status, 0);
        }
        let listed = recent.list();
        let listed = listed.as_array().unwrap();
        assert_eq!((listed.len(), &listed[0]["status"], &listed[199]["status"]), (200, &json!(200), &json!(1)));
    }

    #[test]
    fn only_a_uuid_is_an_id() {
        assert!(is_id("5b3d6b8e-0c1f-4a8e-9f0e-1f2a3b4c5d6e"));
        for text in ["", "x", "5b3d6b8e-0c1f-4a8e-9f0e-1f2a3b4c5d6", "5b3d6b8e-0c1f-4a8e-9f0e-<script>5d6e"] {
            assert!(!is_id(text), "{text}");
        }
    }
}
