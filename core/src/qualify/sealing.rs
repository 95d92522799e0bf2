//! Whether answers of the FHIR server are sealed to the request, and opening those that are.

use super::Metadata;
use super::discovery;
use super::http::{HttpClient, Reply};
use super::settings::{CheckedSettings, HttpsUrl};
use crate::crypto::SignatureVerifier;
use crate::error::{Error, ResourceFault};
use crate::jose::sealed::{self, Exchange};
use crate::jose::signers::Signers;
use crate::time::{Clock, UnixMillis};

/// When answers have to be sealed. TLS protects them already; this is against whoever ends the TLS connection before the
/// server, and costs a key agreement for each request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PayloadEncryption {
    /// Never; a server that requires it is not asked.
    Off,
    /// When the server's metadata say that it requires it. Whoever ends the TLS connection could strike that out.
    #[default]
    WhenRequired,
    /// Always; a server that cannot is not asked.
    Require,
}

/// What the metadata say of sealed answers (`kz_payload_encryption`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Offer {
    /// The server answers in no other way.
    pub(crate) is_required: bool,
    /// Among its algorithms are those of this version, and it signs.
    pub(crate) is_known: bool,
}

impl Offer {
    pub(crate) fn parse(json: &serde_json::Value) -> Option<Self> {
        let offer = json.get("kz_payload_encryption")?;
        let lists = |name: &str, value: &str| {
            offer.get(name).and_then(|list| list.as_array()).is_some_and(|list| list.iter().any(|item| item == value))
        };
        let is = |name: &str| offer.get(name).is_some_and(|value| value == true);
        Some(Self {
            is_required: is("required"),
            is_known: lists("alg_values_supported", "ECDH-ES")
                && lists("enc_values_supported", "A256GCM")
                && is("signed"),
        })
    }
}

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
        let jwks = discovery::get(http, clock, self.jwks_uri.as_str().to_owned())?.ok_or(missing)?;
        self.signers = Signers::parse(&jwks, &self.pinned);
        Ok(())
    }

    /// A key for the answer to the request whose proof has the id `jti`.
    pub(crate) fn exchange(&self, jti: &str) -> Result<Exchange, Error> {
        Exchange::generate(&self.host, &self.jkt, jti)
    }

    /// The answer as if it had not been sealed. A success must be; an error may come as it is, if it says nothing personal.
    pub(crate) fn open(&mut self, reply: Reply, exchange: Exchange, opening: &Opening<'_>) -> Result<Reply, Error> {
        if !reply.has_media_type(sealed::MEDIA_TYPE) {
            let is_success = (200..300).contains(&reply.status) && reply.status != NO_CONTENT;
            return if is_success { Err(ResourceFault::NotSealed.into()) } else { Ok(reply) };
        }
        let unverified = exchange.open(&reply.body, opening.now)?;
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
    /// Server time at which the answer came.
    pub(crate) now: UnixMillis,
    pub(crate) verifier: SignatureVerifier,
}

/// The success that has nothing to seal (RFC 9110, 15.3.5).
const NO_CONTENT: u16 = 204;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_offer_is_read_with_care() {
        let offer = |json| Offer::parse(&json!({ "kz_payload_encryption": json }));
        let of_the_contract = json!({"alg_values_supported": ["ECDH-ES"], "enc_values_supported": ["A256GCM"],
            "signed": true, "required": false});
        assert_eq!(offer(of_the_contract.clone()), Some(Offer { is_required: false, is_known: true }));
        for (name, value) in [
            ("alg_values_supported", json!(["RSA-OAEP"])),
            ("enc_values_supported", json!("A256GCM")),
            ("signed", json!(false)),
        ] {
            let mut other = of_the_contract.clone();
            other[name] = value;
            assert_eq!(offer(other), Some(Offer { is_required: false, is_known: false }), "{name}");
        }
        assert_eq!(offer(json!({"required": true})), Some(Offer { is_required: true, is_known: false }));
        assert_eq!(Offer::parse(&json!({})), None);
    }
}
