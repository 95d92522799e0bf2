//! Whether answers of the FHIR server and tokens are sealed to the request, and opening those that are.

use super::Metadata;
use super::document;
use super::http::HttpClient;
use super::https_url::HttpsUrl;
use super::message::Reply;
use super::settings::{CheckedSettings, PayloadEncryption};
use crate::crypto::SignatureVerifier;
use crate::error::{Error, ResourceFault};
use crate::jose::sealed::{self, Content, Exchange};
use crate::jose::signers::Signers;
use crate::time::{Clock, UnixMillis};

/// Sealed answers were agreed on with this server.
pub(crate) struct Sealing {
    host: String,
    jkt: String,
    jwks_uri: HttpsUrl,
    pinned: Vec<String>,
    signers: Signers,
    /// The keys were fetched again, which is done once.
    is_refetched: bool,
}

impl Sealing {
    /// What settings and metadata make of it together: `None` for answers as they are.
    ///
    /// # Errors
    /// [`Error::Usage`] when one side demands what the other does not have: nothing is asked unsealed then.
    pub(crate) fn agree(settings: &CheckedSettings, metadata: &Metadata, jkt: &str) -> Result<Option<Self>, Error> {
        let is_required = metadata.sealing.is_some_and(|offer| offer.is_required);
        match settings.payload_encryption {
            PayloadEncryption::Off if is_required => {
                return Err(Error::usage("the server requires sealed answers, which the settings switch off"));
            }
            PayloadEncryption::Off => return Ok(None),
            PayloadEncryption::WhenRequired if !is_required => return Ok(None),
            PayloadEncryption::WhenRequired | PayloadEncryption::Require => {}
        }
        if !metadata.sealing.is_some_and(|offer| offer.is_known) {
            return Err(Error::usage("the server does not seal answers in a way this version knows"));
        }
        if settings.signer_kids.is_empty() {
            return Err(Error::usage("the server seals answers: its signing keys (signer_kids) must be pinned"));
        }
        let jwks_uri = metadata.jwks_uri.clone().ok_or(ResourceFault::Malformed { what: "metadata" })?;
        Ok(Some(Self {
            host: settings.fhir_base.host(),
            jkt: jkt.to_owned(),
            jwks_uri,
            pinned: settings.signer_kids.clone(),
            signers: Signers::default(),
            is_refetched: false,
        }))
    }

    /// Fetches the server's signing keys: from the origin of the issuer, over the pinned connection.
    pub(crate) fn fetch_signers(&mut self, http: &HttpClient, clock: &dyn Clock) -> Result<(), Error> {
        let missing = ResourceFault::Malformed { what: "signing keys" };
        let jwks = document::get(http, clock, self.jwks_uri.as_str().to_owned())?.ok_or(missing)?;
        self.signers = Signers::parse(&jwks, &self.pinned);
        Ok(())
    }

    /// A key for the answer to one attempt of a request with this nonce: the id of its proof, or what the card signed.
    pub(crate) fn exchange(&self, nonce: &str) -> Result<Exchange, Error> {
        Exchange::generate(&self.host, &self.jkt, nonce)
    }

    /// The answer as if it had not been sealed. A success must be; an error may come as it is, if it says nothing personal.
    pub(crate) fn open(&mut self, reply: Reply, exchange: Exchange, opening: &Opening<'_>) -> Result<Reply, Error> {
        if !reply.has_media_type(sealed::MEDIA_TYPE) {
            let is_success = (200..300).contains(&reply.status) && reply.status != NO_CONTENT;
            return if is_success { Err(ResourceFault::NotSealed.into()) } else { Ok(reply) };
        }
        let unverified = exchange.open(&reply.body, opening.content, opening.now)?;
        let is_pinned = self.pinned.iter().any(|kid| kid == unverified.kid());
        if is_pinned && !self.is_refetched && self.signers.key(unverified.kid()).is_none() {
            self.is_refetched = true;
            self.fetch_signers(opening.http, opening.clock)?;
        }
        let body = unverified.verify(&self.signers, opening.verifier)?;
        Ok(Reply { body, ..reply })
    }
}

/// What opening an answer needs from its surroundings.
pub(crate) struct Opening<'a> {
    pub(crate) http: &'a HttpClient,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) content: Content,
    /// Server time at which the answer came.
    pub(crate) now: UnixMillis,
    pub(crate) verifier: SignatureVerifier,
}

/// The success that has nothing to seal (RFC 9110, 15.3.5).
const NO_CONTENT: u16 = 204;
