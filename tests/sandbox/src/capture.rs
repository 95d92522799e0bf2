//! What went over the wire inside TLS, for tests that look for what must not be there.

use std::sync::Mutex;

use crate::http::{Answer, Request};
use crate::sync::lock;

/// One request to the server, as far as tests look at it, and the answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Path of the request.
    pub path: String,
    /// Its DPoP proof.
    pub proof: Option<String>,
    /// Status of the answer.
    pub status: u16,
    /// Its body, byte for byte.
    pub body: Vec<u8>,
}

/// The exchanges so far, if they are kept.
#[derive(Default)]
pub(crate) struct Capture(Option<Mutex<Vec<Exchange>>>);

impl Capture {
    pub(crate) fn new(kept: bool) -> Self {
        Self(kept.then(Mutex::default))
    }

    pub(crate) fn add(&self, request: &Request, answer: &Answer) {
        let Some(kept) = &self.0 else { return };
        let proof = request.header("dpop").ok().flatten().map(str::to_owned);
        let exchange = Exchange { path: request.path.clone(), proof, status: answer.status, body: answer.body.clone() };
        lock(kept).push(exchange);
    }

    pub(crate) fn all(&self) -> Vec<Exchange> {
        self.0.as_ref().map(|kept| lock(kept).clone()).unwrap_or_default()
    }
}
