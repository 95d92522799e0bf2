//! Requests signed by the device key (RFC 9449), and the nonces that servers want in their proofs.

use super::http::HttpClient;
use super::message::{Failure, Method, Reply, Request};
use super::oauth_error::{refuses_proof, wants_nonce};
use super::retry::{self, Retries};
use super::sealing::Sealing;
use crate::error::{ConnectionFault, Error};
use crate::jose::dpop::{self, DeviceKey, ProofRequest};
use crate::jose::sealed::Exchange;
use crate::random;
use crate::time::{Clock, UnixMillis};

/// What every request signed by the device key needs.
pub(crate) struct Proofs<'a> {
    pub(crate) key: &'a dyn DeviceKey,
    pub(crate) clock: &'a dyn Clock,
    /// The connections, which know the server's clock.
    pub(crate) http: &'a HttpClient,
    /// This server's latest `DPoP-Nonce`; another server has its own (RFC 9449, 8 and 9).
    pub(crate) nonce: &'a mut Option<String>,
}

impl Proofs<'_> {
    /// A proof for one request.
    pub(crate) fn prove(&self, method: Method, uri: &str, access_token: Option<&str>) -> Result<String, Error> {
        dpop::prove(self.key, self.request(method, uri, access_token))
    }

    /// A proof that asks for the answer to be sealed, with the key for it. What is sealed is bound to `nonce`, which the card
    /// signed, and otherwise to this proof.
    pub(crate) fn prove_sealed(
        &self,
        (method, uri): (Method, &str),
        access_token: Option<&str>,
        nonce: Option<&str>,
        sealing: &Sealing,
    ) -> Result<(String, Exchange), Error> {
        let jti = random::generate_uuid()?;
        let exchange = sealing.exchange(nonce.unwrap_or(&jti))?;
        let request = self.request(method, uri, access_token);
        Ok((dpop::prove_sealed(self.key, request, &jti, exchange.jwk())?, exchange))
    }

    /// Now, by the server's clock.
    pub(crate) fn server_time(&self) -> UnixMillis {
        self.clock.now().plus_ms(self.http.server_clock.offset_ms())
    }

    fn request<'b>(&'b self, method: Method, uri: &'b str, access_token: Option<&'b str>) -> ProofRequest<'b> {
        let issued_at = self.server_time();
        ProofRequest { method: method.name(), uri, issued_at, nonce: self.nonce.as_deref(), access_token }
    }

    /// Sends what `request` makes, with a new proof for every attempt. Once more when the server asks for its nonce; and once
    /// more when it refuses the proof with a time other than the one in it. What is refused with a time at which this version
    /// cannot run, and no server has told another, is refused for that.
    pub(crate) fn send(
        &mut self,
        retries: Retries,
        request: impl Fn(&Self) -> Result<Request, Error>,
    ) -> Result<Reply, Failure> {
        let (mut took_nonce, mut took_time) = (false, false);
        loop {
            let offset_ms = self.http.server_clock.offset_ms();
            let reply = retry::send(self.http, self.clock, retries, || request(self))?;
            let wants_nonce = self.take_nonce(&reply);
            let has_other_time = refuses_proof(&reply) && self.http.server_clock.offset_ms() != offset_ms;
            match (wants_nonce && !took_nonce, has_other_time && !took_time) {
                (true, _) => took_nonce = true,
                (false, true) => took_time = true,
                (false, false) if refuses_proof(&reply) && !self.server_time().is_plausible() => {
                    let error = ConnectionFault::DeviceClock.into();
                    return Err(Failure { error, is_reset: false, may_have_arrived: true });
                }
                (false, false) => return Ok(reply),
            }
        }
    }

    /// Takes over a nonce the server sent; whether it asked for the request to be repeated with it.
    fn take_nonce(&mut self, reply: &Reply) -> bool {
        if let Some(nonce) = reply.header("dpop-nonce") {
            *self.nonce = Some(nonce.to_owned());
        }
        self.nonce.is_some() && wants_nonce(reply)
    }
}
