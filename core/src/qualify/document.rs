//! A JSON document of the server that needs no token.

use serde_json::Value;

use super::http::{HttpClient, MAX_ANSWER};
use super::limits::Patience;
use super::message::Request;
use super::retry::{self, Retries};
use crate::error::{ConnectionFault, Error};
use crate::fhir;
use crate::json;
use crate::time::Clock;

/// A JSON object, or `None` for 404.
pub(super) fn get(http: &HttpClient, clock: &dyn Clock, uri: String) -> Result<Option<Value>, Error> {
    let request = Request {
        uri,
        accept: "application/json",
        patience: Patience::Short,
        max_body: MAX_ANSWER,
        ..Request::default()
    };
    let reply = retry::send(http, clock, Retries { count: 2, until: None }, || Ok(request.clone()))?;
    match reply.status {
        200 => json::parse_object(&reply.body, "metadata").map(Some),
        404 => Ok(None),
        300..=399 => Err(ConnectionFault::Redirect.into()),
        status => Err(fhir::error_of_reply(status, &reply.body, reply.retry_after())),
    }
}
