//! One member's connection to one backend: what every request needs, whoever makes it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::http::{Body, Failure, HttpClient, MAX_RESOURCE, Method, Reply, Request};
use super::proofs::Proofs;
use super::retry::Retries;
use super::sealing::{Opening, Sealing};
use super::token::Token;
use super::{Metadata, Pinning, QualifyClient};
use crate::error::Error;
use crate::fhir;
use crate::jose::dpop::{DeviceKey, device_thumbprint};
use crate::jose::sealed;
use crate::time::UnixMillis;

/// What FHIR servers are asked to answer with.
pub(crate) const FHIR_JSON: &str = "application/fhir+json; fhirVersion=4.0";
/// From the first byte sent to the last received, for all but `$submit`.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(15);

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
    pub(crate) timeout: Duration,
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

    /// Whether what the FHIR server sends is sealed to the request, and was wherever a call succeeded.
    pub(crate) fn is_sealed(&self) -> bool {
        self.sealing.is_some()
    }

    /// Sends one request to the FHIR server with `token`, twice more if the connection breaks. What was sealed is opened.
    pub(crate) fn call(&mut self, token: &Token, call: &Call) -> Result<Reply, Error> {
        self.server_text = None;
        let Self { client, device_key, http, resource_nonce, sealing, .. } = self;
        let clock = &*client.clock;
        let mut proofs = Proofs { key: &**device_key, clock, http, nonce: resource_nonce };
        // The key of the latest attempt, to which its answer is sealed; those before are wiped.
        let exchange = Cell::new(None);
        let reply = proofs.send(Retries { count: 2, until: None }, |proofs| {
            let access_token = &token.access_token;
            let proof = match sealing.as_ref() {
                None => proofs.prove(call.method, &call.uri, Some(access_token))?,
                Some(sealing) => {
                    let (proof, key) = proofs.prove_sealed(call.method, &call.uri, access_token, sealing)?;
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
                timeout: call.timeout,
                max_body: MAX_RESOURCE,
            })
        })?;
        let reply = match (sealing, exchange.take()) {
            (Some(sealing), Some(exchange)) => {
                let now = clock.now().plus_ms(http.server_clock.offset_ms());
                sealing.open(reply, exchange, &Opening { http, clock, now, verifier: client.verifier() })?
            }
            _ => reply,
        };
        self.server_text = fhir::user_text_of_reply(reply.status, &reply.body);
        Ok(reply)
    }
}
