//! `CoverageEligibilityRequest/$submit` with the access token.

use std::time::Duration;

use serde_json::Value;

use super::http::{Body, HttpClient, MAX_RESOURCE, Method, Reply, Request};
use super::retry::{self, Retries};
use super::settings::HttpsUrl;
use super::token::{Proofs, Token, resource_error};
use crate::error::Error;
use crate::fhir::{self, Eligibility, OperationOutcome};
use crate::json;
use crate::random;

const TIMEOUT: Duration = Duration::from_secs(30);
const FHIR_JSON: &str = "application/fhir+json; fhirVersion=4.0";

/// One question to the FHIR server. Keep it to ask the same again: the server then answers once.
pub(crate) struct Submission {
    pub(crate) idempotency_key: String,
    pub(crate) body: Value,
}

impl Submission {
    /// Asks, twice more if the connection breaks; wraps the question in `Parameters` for servers that want it so. What was
    /// wrapped stays so, with its new key: sending again is then the same question.
    pub(crate) fn send(
        &mut self,
        http: &HttpClient,
        base: &HttpsUrl,
        token: &Token,
        proofs: &mut Proofs<'_>,
    ) -> Result<Eligibility, Error> {
        let mut reply = self.post(http, base, token, proofs)?;
        if reply.status == 400 && !self.is_wrapped() && wants_parameters(&reply) {
            self.body = fhir::wrapped_in_parameters(&self.body);
            self.idempotency_key = random::generate_uuid()?;
            reply = self.post(http, base, token, proofs)?;
        }
        read(&reply)
    }

    fn is_wrapped(&self) -> bool {
        self.body.get("resourceType").and_then(Value::as_str) == Some("Parameters")
    }

    fn post(&self, http: &HttpClient, base: &HttpsUrl, token: &Token, proofs: &mut Proofs<'_>) -> Result<Reply, Error> {
        let uri = base.join("CoverageEligibilityRequest/$submit");
        let bytes = self.body.to_string().into_bytes();
        let send = |proofs: &Proofs<'_>| {
            retry::send(http, proofs.clock, Retries { count: 2, until: None }, || {
                Ok(Request {
                    method: Method::Post,
                    uri: uri.clone(),
                    body: Some(Body { content_type: "application/fhir+json", bytes: bytes.clone() }),
                    accept: FHIR_JSON,
                    headers: vec![
                        ("authorization", format!("DPoP {}", token.access_token.as_str())),
                        ("dpop", proofs.prove(Method::Post, &uri, Some(&token.access_token))?),
                        ("idempotency-key", self.idempotency_key.clone()),
                        ("prefer", "return=representation".to_owned()),
                    ],
                    timeout: TIMEOUT,
                    max_body: MAX_RESOURCE,
                })
            })
        };
        let mut reply = send(proofs)?;
        if proofs.take_nonce(&reply) {
            reply = send(proofs)?;
            proofs.take_nonce(&reply);
        }
        Ok(reply)
    }
}

fn read(reply: &Reply) -> Result<Eligibility, Error> {
    if !matches!(reply.status, 200 | 202) {
        return Err(resource_error(reply));
    }
    let resource = json::parse_object(&reply.body, "eligibility answer")?;
    match OperationOutcome::of(&resource).map(|outcome| outcome.error()) {
        Some(error) => Err(error.unwrap_or(crate::error::ResourceFault::Upstream.into())),
        None => Eligibility::new(resource),
    }
}

fn wants_parameters(reply: &Reply) -> bool {
    json::parse_object(&reply.body, "error")
        .ok()
        .and_then(|json| OperationOutcome::of(&json))
        .is_some_and(|outcome| outcome.issue == "structure")
}
