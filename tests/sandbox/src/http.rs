//! One request as the endpoints see it and the answer they give.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::Value;

/// A request whose body was read completely and is at most [`MAX_REQUEST_BODY`] long.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A header that must not be sent twice was, or holds bytes that are not visible ASCII.
#[derive(Debug)]
pub(crate) struct BadHeader;

impl Request {
    /// The value of a header that may occur at most once.
    pub(crate) fn header(&self, name: &str) -> Result<Option<&str>, BadHeader> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| BadHeader),
            (Some(_), Some(_)) => Err(BadHeader),
        }
    }

    /// Whether the media type, parameters aside, is one of `accepted` (lower case).
    pub(crate) fn has_media_type(&self, accepted: &[&str]) -> bool {
        let Ok(Some(value)) = self.header("content-type") else { return false };
        let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        accepted.contains(&essence.as_str())
    }
}

/// What an endpoint answers, and what the log says about it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// A few words for the log; never personal.
    pub(crate) outcome: Cow<'static, str>,
    /// The `KZ-…` code of the wire contract, for the log.
    pub(crate) code: Option<Cow<'static, str>>,
    /// Process the request but close the connection instead of answering.
    pub(crate) dropped: bool,
    /// The answer asks for a DPoP nonce, so it must carry a fresh one.
    pub(crate) needs_dpop_nonce: bool,
}

impl Answer {
    /// An answer with no body; personal data must not be cached, so nothing is unless an endpoint says so.
    pub(crate) fn empty(status: u16, outcome: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            headers: vec![("cache-control", "no-store".to_owned())],
            body: Vec::new(),
            outcome: outcome.into(),
            code: None,
            dropped: false,
            needs_dpop_nonce: false,
        }
    }

    pub(crate) fn json(status: u16, body: &Value, outcome: impl Into<Cow<'static, str>>) -> Self {
        Self::empty(status, outcome).with_body("application/json", body.to_string())
    }

    pub(crate) fn fhir(status: u16, body: &Value, outcome: impl Into<Cow<'static, str>>) -> Self {
        Self::empty(status, outcome).with_body(FHIR_JSON, body.to_string())
    }

    pub(crate) fn with_body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with_header("content-type", media_type)
    }

    /// Sets a header, replacing an earlier value of the same name.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }
}

/// The media type of FHIR R4 resources.
pub(crate) const FHIR_JSON: &str = "application/fhir+json; fhirVersion=4.0; charset=utf-8";
/// The longest request body that is read, in bytes.
pub(crate) const MAX_REQUEST_BODY: usize = 64 * 1024;
