//! What goes over HTTP: a request, its whole answer, or why there is none.

use std::time::Duration;

use ureq::http::HeaderMap;

use super::limits::Patience;
use crate::error::Error;
use crate::time::UnixMillis;

/// What is done with the resource.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Method {
    #[default]
    Get,
    Post,
    Put,
}

impl Method {
    /// As it stands in the request line and in `htm` of a DPoP proof.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// One HTTP request.
#[derive(Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) body: Option<Body>,
    pub(crate) accept: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// How long it may take, from the first byte sent to the last received.
    pub(crate) patience: Patience,
    /// Largest body accepted, in bytes.
    pub(crate) max_body: u64,
}

/// A request body with its type.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Body {
    /// A FHIR resource.
    pub(crate) fn fhir(resource: &serde_json::Value) -> Self {
        Self { content_type: "application/fhir+json", bytes: resource.to_string().into_bytes() }
    }

    /// Names and values as an HTML form has them.
    pub(crate) fn form(bytes: Vec<u8>) -> Self {
        Self { content_type: "application/x-www-form-urlencoded", bytes }
    }
}

/// A complete answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the answer says it is of this media type, parameters aside.
    pub(crate) fn has_media_type(&self, name: &str) -> bool {
        let essence = self.header("content-type").and_then(|value| value.split(';').next());
        essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(name))
    }

    /// `Retry-After` in seconds or as a date relative to `Date` (RFC 9110, 10.2.3).
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = httpdate::parse_http_date(text).ok()?;
        let now = httpdate::parse_http_date(self.header("date")?).ok()?;
        Some(until.duration_since(now).unwrap_or_default())
    }

    /// The server's clock (RFC 9110, 6.6.1).
    pub(crate) fn date(&self) -> Option<UnixMillis> {
        let date = httpdate::parse_http_date(self.header("date")?).ok()?;
        let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_secs()).ok().map(UnixMillis::from_seconds)
    }
}

/// Why there is no complete answer.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The connection broke before the answer was complete, so that a repetition is allowed.
    pub(crate) is_reset: bool,
    /// The server may have seen the request.
    pub(crate) may_have_arrived: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<Error> for Failure {
    /// A failure on this side, before anything was sent.
    fn from(error: Error) -> Self {
        Self { error, is_reset: false, may_have_arrived: false }
    }
}
