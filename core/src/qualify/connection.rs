//! One member's connection to one backend: what every request needs, whoever makes it.

use std::cell::Cell;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::http::{HttpClient, MAX_ANSWER, MAX_RESOURCE};
use super::limits::Patience;
use super::message::{Body, Failure, Method, Reply, Request};
use super::proofs::Proofs;
use super::retry::Retries;
use super::sealing::{Opening, Sealing};
use super::{Metadata, Pinning, QualifyClient};
use crate::error::Error;
use crate::fhir;
use crate::jose::dpop::{DeviceKey, device_thumbprint};
use crate::jose::sealed::{self, Content, Exchange};
use crate::time::UnixMillis;

/// What FHIR servers are asked to answer with.
pub(crate) const FHIR_JSON: &str = "application/fhir+json; fhirVersion=4.0";

/// The open connections of one member to one backend.
pub(crate) struct Connection {
    pub(crate) client: Arc<QualifyClient>,
    pub(crate) device_key: Arc<dyn DeviceKey>,
    pub(crate) http: HttpClient,
    pub(crate) pinning: Pinning,
    pub(crate) metadata: Metadata,
    /// The authorization server's latest `DPoP-Nonce`.
    pub(crate) authorization_nonce: Option<String>,
    /// The FHIR server's.
    resource_nonce: Option<String>,
    /// Sealed answers, if agreed on.
    sealing: Option<Sealing>,
    /// What it told the user to do when it last refused.
    pub(crate) server_text: Option<String>,
}

/// One request to the FHIR server.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) body: Option<Body>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) patience: Patience,
}

impl Connection {
    /// Connects and fetches the metadata, and the server's signing keys if it is to seal its answers.
    pub(crate) fn open(client: Arc<QualifyClient>, device_key: Arc<dyn DeviceKey>) -> Result<Self, Error> {
        let (http, pinning) = client.connect()?;
        let metadata = Metadata::fetch(&http, &*client.clock, &client.settings)?;
        let mut sealing = Sealing::agree(&client.settings, &metadata, &device_thumbprint(&*device_key)?)?;
        if let Some(sealing) = &mut sealing {
            sealing.fetch_signers(&http, &*client.clock)?;
        }
        Ok(Self {
            client,
            device_key,
            http,
            pinning,
            metadata,
            authorization_nonce: None,
            resource_nonce: None,
            sealing,
            server_text: None,
        })
    }

    /// Now, by the server's clock.
    pub(crate) fn server_time(&self) -> UnixMillis {
        self.client.clock.now().plus_ms(self.http.server_clock.offset_ms())
    }

    /// Sends one request to the authorization server.
    pub(crate) fn authorize(
        &mut self,
        retries: Retries,
        request: impl Fn(&Proofs<'_>) -> Result<Request, Error>,
    ) -> Result<Reply, Failure> {
        let Self { client, device_key, http, authorization_nonce, .. } = self;
        Proofs { key: &**device_key, clock: &*client.clock, http, nonce: authorization_nonce }.send(retries, request)
    }

    /// Asks the authorization server for a token, which is sealed wherever answers are: what comes with it is personal. It is
    /// bound to `nonce`, which the card signed, and otherwise to the proof of this request.
    pub(crate) fn ask_for_token(
        &mut self,
        retries: Retries,
        nonce: Option<&str>,
        form: impl Fn(&Proofs<'_>) -> Result<Zeroizing<String>, Error>,
    ) -> Result<Reply, Failure> {
        let uri = self.metadata.token_endpoint.as_str().to_owned();
        let Self { client, device_key, http, authorization_nonce, sealing, .. } = self;
        let clock = &*client.clock;
        let mut proofs = Proofs { key: &**device_key, clock, http, nonce: authorization_nonce };
        let exchange = Cell::new(None);
        let reply = proofs.send(retries, |proofs| {
            let proof = match sealing.as_ref() {
                None => proofs.prove(Method::Post, &uri, None)?,
                Some(sealing) => {
                    let (proof, key) = proofs.prove_sealed((Method::Post, &uri), None, nonce, sealing)?;
                    exchange.set(Some(key));
                    proof
                }
            };
            Ok(Request {
                method: Method::Post,
                uri: uri.clone(),
                body: Some(Body::form(form(proofs)?.as_bytes().to_vec())),
                accept: if sealing.is_some() { sealed::MEDIA_TYPE } else { "application/json" },
                headers: vec![("dpop", proof)],
                patience: Patience::Usual,
                max_body: MAX_ANSWER,
            })
        })?;
        open(client, http, sealing, (reply, exchange.take()), Content::Json).map_err(|error| Failure {
            error,
            is_reset: false,
            may_have_arrived: true,
        })
    }

    /// Whether what the FHIR server and the token endpoint send is sealed to the request, and was wherever a call succeeded.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealing.is_some()
    }

    /// Sends one request to the FHIR server with this access token, twice more if the connection breaks. What was sealed is opened.
    pub(crate) fn call(&mut self, access_token: &Zeroizing<String>, call: &Call) -> Result<Reply, Error> {
        self.server_text = None;
        let Self { client, device_key, http, resource_nonce, sealing, .. } = self;
        let clock = &*client.clock;
        let mut proofs = Proofs { key: &**device_key, clock, http, nonce: resource_nonce };
        // The key of the latest attempt, to which its answer is sealed; those before are wiped.
        let exchange = Cell::new(None);
        let reply = proofs.send(Retries { count: 2, until: None }, |proofs| {
            let proof = match sealing.as_ref() {
                None => proofs.prove(call.method, &call.uri, Some(access_token))?,
                Some(sealing) => {
                    let target = (call.method, &call.uri[..]);
                    let (proof, key) = proofs.prove_sealed(target, Some(access_token), None, sealing)?;
                    exchange.set(Some(key));
                    proof
                }
            };
            let mut headers = call.headers.clone();
            headers.push(("authorization", format!("DPoP {}", access_token.as_str())));
            headers.push(("dpop", proof));
            Ok(Request {
                method: call.method,
                uri: call.uri.clone(),
                body: call.body.clone(),
                accept: if sealing.is_some() { sealed::MEDIA_TYPE } else { FHIR_JSON },
                headers,
                patience: call.patience,
                max_body: MAX_RESOURCE,
            })
        })?;
        let reply = open(client, http, sealing, (reply, exchange.take()), Content::Fhir)?;
        self.server_text = fhir::user_text_of_reply(reply.status, &reply.body);
        Ok(reply)
    }
}

/// Opens an answer that was sealed to this exchange, where that was agreed on.
fn open(
    client: &QualifyClient,
    http: &HttpClient,
    sealing: &mut Option<Sealing>,
    (reply, exchange): (Reply, Option<Exchange>),
    content: Content,
) -> Result<Reply, Error> {
    let (Some(sealing), Some(exchange)) = (sealing, exchange) else { return Ok(reply) };
    let clock = &*client.clock;
    let now = clock.now().plus_ms(http.server_clock.offset_ms());
    sealing.open(reply, exchange, &Opening { http, clock, content, now, verifier: client.verifier() })
}
