//! Requests signed by the device key (RFC 9449), and the nonces that servers want in their proofs.

use super::http::{Failure, HttpClient, Method, Reply, Request};
use super::oauth_error::wants_nonce;
use super::retry::{self, Retries};
use crate::error::Error;
use crate::jose::dpop::{self, DeviceKey, ProofRequest};
use crate::time::Clock;

/// What every request signed by the device key needs.
pub(crate) struct Proofs<'a> {
    pub(crate) key: &'a dyn DeviceKey,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) clock_offset_ms: i64,
    /// This server's latest `DPoP-Nonce`; another server has its own (RFC 9449, 8 and 9).
    pub(crate) nonce: &'a mut Option<String>,
}

impl Proofs<'_> {
    /// A proof for one request.
    pub(crate) fn prove(&self, method: Method, uri: &str, access_token: Option<&str>) -> Result<String, Error> {
        let issued_at = self.clock.now().plus_ms(self.clock_offset_ms);
        let nonce = self.nonce.as_deref();
        dpop::prove(self.key, ProofRequest { method: method.name(), uri, issued_at, nonce, access_token })
    }

    /// Sends what `request` makes, with a new proof for every attempt, and once more when the server asks for its nonce.
    pub(crate) fn send(
        &mut self,
        http: &HttpClient,
        retries: Retries,
        request: impl Fn(&Self) -> Result<Request, Error>,
    ) -> Result<Reply, Failure> {
        let mut reply = retry::send(http, self.clock, retries, || request(self))?;
        if self.take_nonce(&reply) {
            reply = retry::send(http, self.clock, retries, || request(self))?;
            self.take_nonce(&reply);
        }
        Ok(reply)
    }

    /// Takes over a nonce the server sent; whether it asked for the request to be repeated with it.
    fn take_nonce(&mut self, reply: &Reply) -> bool {
        if let Some(nonce) = reply.header("dpop-nonce") {
            *self.nonce = Some(nonce.to_owned());
        }
        self.nonce.is_some() && wants_nonce(reply)
    }
}
