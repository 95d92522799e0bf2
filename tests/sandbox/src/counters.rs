//! What the server has seen since it started, for tests that count.

use std::collections::BTreeMap;

/// Numbers since the start of the server; taken as a snapshot.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// TLS connections whose handshake was completed.
    pub connections: u64,
    /// TLS handshakes that failed, refused protocol versions and refused certificates included.
    pub handshakes_failed: u64,
    /// Requests of any kind.
    pub requests: u64,
    /// Card nonces given out.
    pub nonces: u64,
    /// Card assertions accepted, resends included.
    pub assertions_accepted: u64,
    /// Token requests with the JWT bearer grant that were refused, for whatever reason.
    pub assertions_refused: u64,
    /// Access tokens issued, those of a refresh included.
    pub tokens_issued: u64,
    /// Tokens given up through the revocation endpoint.
    pub revocations: u64,
    /// Eligibility requests that were processed; a repeated `Idempotency-Key` does not count again.
    pub submits: u64,
    /// Eligibility requests answered again from their `Idempotency-Key`.
    pub submits_repeated: u64,
    /// Consents and tasks that were written; a repeated `Idempotency-Key` does not count again.
    pub writes: u64,
    /// Writes answered again from their `Idempotency-Key`.
    pub writes_repeated: u64,
    /// Searches for an eligibility response.
    pub polls: u64,
    /// Requests by route, such as `POST /token`; ids are replaced by `<id>`.
    pub by_route: BTreeMap<String, u64>,
}
