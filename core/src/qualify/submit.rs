//! `CoverageEligibilityRequest/$submit` with the access token.

use serde_json::Value;

use super::access::{Access, Feature};
use super::asked::Asked;
use super::connection::{Call, Connection};
use super::limits::Patience;
use super::message::{Body, Method, Reply};
use super::oauth_error::resource_error;
use super::token::{Token, percent_encode};
use crate::error::{Error, ResourceFault};
use crate::fhir::{self, Eligibility, EligibilityRequest, OperationOutcome, Page, Qualification};
use crate::json;
use crate::random;

/// One question to the FHIR server. Keep it to ask the same again: the server then answers once.
pub(crate) struct Submission {
    /// The name of the question, which its answer may repeat.
    name: String,
    pub(crate) idempotency_key: String,
    pub(crate) body: Value,
}

impl Submission {
    /// The question about the person of the token, on the day it is by the server's clock.
    pub(crate) fn new(connection: &Connection, token: &Token) -> Result<Self, Error> {
        let name = random::generate_uuid()?;
        let body = EligibilityRequest {
            id: &name,
            patient: &token.patient,
            created: connection.server_time(),
            consents: &connection.client.settings.consents,
        }
        .to_json();
        Ok(Self { idempotency_key: name.clone(), name, body })
    }

    /// Asks, twice more if the connection breaks; wraps the question in `Parameters` for servers that want it so. What was
    /// wrapped stays so, with its new key: sending again is then the same question.
    pub(crate) fn send(&mut self, connection: &mut Connection, token: &Token) -> Result<Eligibility, Error> {
        let mut reply = connection.call(&token.access_token, &self.call(connection))?;
        if reply.status == 400 && !self.is_wrapped() && wants_parameters(&reply) {
            self.body = fhir::wrapped_in_parameters(&self.body);
            self.idempotency_key = random::generate_uuid()?;
            reply = connection.call(&token.access_token, &self.call(connection))?;
        }
        read(&reply, &self.name, asked(connection, token))
    }

    fn is_wrapped(&self) -> bool {
        self.body.get("resourceType").and_then(Value::as_str) == Some("Parameters")
    }

    fn call(&self, connection: &Connection) -> Call {
        Call {
            method: Method::Post,
            uri: connection.client.settings.fhir_base.join("CoverageEligibilityRequest/$submit"),
            body: Some(Body::fhir(&self.body)),
            headers: vec![
                ("idempotency-key", self.idempotency_key.clone()),
                ("prefer", "return=representation".to_owned()),
            ],
            patience: Patience::Long,
        }
    }
}

impl Access {
    /// Asks for the eligibility without the card: after a sign-in, or as long as the server lets the tokens of a tap do so.
    /// One round trip, another one to renew a token that is over; blocks.
    ///
    /// # Errors
    /// [`Error::Authorization`] with `KZ-A10` when a tap or sign-in is needed; otherwise as
    /// [`Signed::finish`](crate::session::Signed::finish).
    pub fn eligibility(&mut self) -> Result<Eligibility, Error> {
        self.require(Feature::Eligibility)?;
        self.keep_fresh()?;
        Submission::new(&self.connection, &self.token)?.send(&mut self.connection, &self.token)
    }
}

/// Asks for the answer that `pending` promised; `None` while the server has none (ITI-125).
pub(crate) fn poll(
    connection: &mut Connection,
    token: &Token,
    pending: &Eligibility,
) -> Result<Option<Eligibility>, Error> {
    let malformed = ResourceFault::Malformed { what: "queued eligibility answer" };
    let request = pending.request().ok_or(malformed)?;
    let form = format!("request={}&patient={}", percent_encode(request), percent_encode(&token.patient));
    let reply = connection.call(
        &token.access_token,
        &Call {
            method: Method::Post,
            uri: connection.client.settings.fhir_base.join("CoverageEligibilityResponse/_search"),
            body: Some(Body::form(form.into_bytes())),
            headers: Vec::new(),
            patience: Patience::Usual,
        },
    )?;
    if reply.status != 200 {
        return Err(resource_error(&reply));
    }
    let page = Page::new(json::parse_object(&reply.body, "search result")?)?;
    let found = page.into_matches("CoverageEligibilityResponse").into_iter().map(|answer| {
        asked(connection, token).check_polled(&answer, request)?;
        Eligibility::new(answer)
    });
    let found = found.collect::<Result<Vec<_>, _>>()?;
    // Of several, the one that says most: an answer before a promise, and the latest.
    Ok(found.into_iter().max_by_key(|one| (one.qualification() != Qualification::Pending, one.as_of())))
}

fn asked<'a>(connection: &'a Connection, token: &'a Token) -> Asked<'a> {
    Asked { base: &connection.client.settings.fhir_base, patient: &token.patient }
}

fn read(reply: &Reply, question: &str, asked: Asked<'_>) -> Result<Eligibility, Error> {
    if !matches!(reply.status, 200 | 202) {
        return Err(resource_error(reply));
    }
    let resource = json::parse_object(&reply.body, "eligibility answer")?;
    match OperationOutcome::of(&resource).map(|outcome| outcome.error()) {
        Some(error) => Err(error.unwrap_or(ResourceFault::Upstream.into())),
        None => {
            asked.check_eligibility(&resource, question)?;
            Eligibility::new(resource)
        }
    }
}

fn wants_parameters(reply: &Reply) -> bool {
    json::parse_error(&reply.body)
        .and_then(|json| OperationOutcome::of(&json))
        .is_some_and(|outcome| outcome.issue == "structure")
}
