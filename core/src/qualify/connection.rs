//! One member's connection to one backend: what every request needs, whoever makes it.

use std::sync::Arc;
use std::time::Duration;

use super::http::{Body, Failure, HttpClient, MAX_RESOURCE, Method, Reply, Request};
use super::proofs::Proofs;
use super::retry::Retries;
use super::token::Token;
use super::{Metadata, Pinning, QualifyClient};
use crate::error::Error;
use crate::fhir;
use crate::jose::dpop::DeviceKey;
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
    /// Server clock minus local clock, in milliseconds.
    pub(crate) clock_offset_ms: i64,
    /// The authorization server's latest `DPoP-Nonce`.
    pub(crate) authorization_nonce: Option<String>,
    /// The FHIR server's.
    resource_nonce: Option<String>,
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
    /// Connects and fetches the metadata.
    pub(crate) fn open(client: Arc<QualifyClient>, device_key: Arc<dyn DeviceKey>) -> Result<Self, Error> {
        let (http, pinning) = client.connect()?;
        let metadata = Metadata::fetch(&http, &*client.clock, &client.settings)?;
        let clock_offset_ms = metadata.clock_offset_ms;
        Ok(Self {
            client,
            device_key,
            http,
            pinning,
            metadata,
            clock_offset_ms,
            authorization_nonce: None,
            resource_nonce: None,
            server_text: None,
        })
    }

    /// Now, by the server's clock.
    pub(crate) fn server_time(&self) -> UnixMillis {
        self.client.clock.now().plus_ms(self.clock_offset_ms)
    }

    /// Sends one request to the authorization server.
    pub(crate) fn authorize(
        &mut self,
        retries: Retries,
        request: impl Fn(&Proofs<'_>) -> Result<Request, Error>,
    ) -> Result<Reply, Failure> {
        let Self { client, device_key, http, clock_offset_ms, authorization_nonce, .. } = self;
        let clock = &*client.clock;
        Proofs { key: &**device_key, clock, clock_offset_ms: *clock_offset_ms, nonce: authorization_nonce }
            .send(http, retries, request)
    }

    /// Sends one request to the FHIR server with `token`, twice more if the connection breaks.
    pub(crate) fn call(&mut self, token: &Token, call: &Call) -> Result<Reply, Error> {
        self.server_text = None;
        let Self { client, device_key, http, clock_offset_ms, resource_nonce, .. } = self;
        let clock = &*client.clock;
        let mut proofs = Proofs { key: &**device_key, clock, clock_offset_ms: *clock_offset_ms, nonce: resource_nonce };
        let reply = proofs.send(http, Retries { count: 2, until: None }, |proofs| {
            let mut headers = call.headers.clone();
            headers.push(("authorization", format!("DPoP {}", token.access_token.as_str())));
            headers.push(("dpop", proofs.prove(call.method, &call.uri, Some(&token.access_token))?));
            Ok(Request {
                method: call.method,
                uri: call.uri.clone(),
                body: call.body.clone(),
                accept: FHIR_JSON,
                headers,
                timeout: call.timeout,
                max_body: MAX_RESOURCE,
            })
        });
        let reply = reply?;
        self.server_text = fhir::user_text_of_reply(reply.status, &reply.body);
        Ok(reply)
    }
}
