//! OperationOutcome and HTTP status → [`Error`].

use std::time::Duration;

use serde_json::Value;

use super::{NAMESPACE, code_in, items, text};
use crate::error::{AuthorizationFault, CertificateFault, ConnectionFault, Error, ResourceFault};
use crate::json;
use crate::secret::opaque_debug;

/// Longest text of a server that is shown, in characters.
const MAX_USER_TEXT: usize = 400;

/// The first error issue of an OperationOutcome.
#[derive(Clone, Eq, PartialEq)]
pub struct OperationOutcome {
    /// FHIR issue type, such as `forbidden`.
    pub issue: String,
    /// `KZ-…`, if the server gave one.
    pub code: Option<String>,
    /// What the server says the user should do: plain text, whatever it looks like.
    pub user_text: Option<String>,
}

opaque_debug!(OperationOutcome);

impl OperationOutcome {
    /// Reads the first issue of severity `error` or `fatal`; `None` for another resource.
    pub fn of(resource: &Value) -> Option<Self> {
        if text(resource, "resourceType") != Some("OperationOutcome") {
            return None;
        }
        let issue = items(resource, "issue").find(|i| matches!(text(i, "severity"), Some("error" | "fatal")))?;
        let details = issue.get("details");
        let system = format!("{NAMESPACE}/CodeSystem/outcome");
        Some(Self {
            issue: text(issue, "code").unwrap_or_default().to_owned(),
            code: details.and_then(|d| code_in(d, Some(&system))).map(str::to_owned),
            user_text: details.and_then(|d| text(d, "text")).map(str::to_owned),
        })
    }

    /// The error this outcome stands for; `None` when neither its code nor its issue type says.
    pub fn error(&self) -> Option<Error> {
        self.code.as_deref().and_then(error_of_code).or_else(|| {
            Some(match self.issue.as_str() {
                "login" | "expired" => AuthorizationFault::TokenExpired.into(),
                "forbidden" => AuthorizationFault::ScopeMissing.into(),
                "suppressed" => ResourceFault::ConsentMissing.into(),
                "conflict" => ResourceFault::VersionConflict.into(),
                "too-costly" | "too-long" => ResourceFault::TooLarge.into(),
                "timeout" => ConnectionFault::Timeout.into(),
                "throttled" => ConnectionFault::RateLimited { retry_after: None }.into(),
                "transient" => ConnectionFault::Maintenance { retry_after: None }.into(),
                "exception" => ResourceFault::Upstream.into(),
                "not-found" => ResourceFault::NoQualification.into(),
                "multiple-matches" => ResourceFault::SeveralQualifications.into(),
                _ => return None,
            })
        })
    }
}

/// The error behind a code a server may send.
fn error_of_code(code: &str) -> Option<Error> {
    Some(match code {
        "KZ-C06" => CertificateFault::Expired.into(),
        "KZ-C07" => CertificateFault::Revoked.into(),
        "KZ-T05" => ConnectionFault::Timeout.into(),
        "KZ-T06" => ConnectionFault::RateLimited { retry_after: None }.into(),
        "KZ-T07" => ConnectionFault::Maintenance { retry_after: None }.into(),
        "KZ-A09" => AuthorizationFault::DpopProof.into(),
        "KZ-A10" => AuthorizationFault::TokenExpired.into(),
        "KZ-A11" => AuthorizationFault::ScopeMissing.into(),
        "KZ-S01" => AuthorizationFault::Suspended.into(),
        "KZ-Q01" => ResourceFault::Upstream.into(),
        "KZ-Q02" => ResourceFault::NoQualification.into(),
        "KZ-Q03" => ResourceFault::SeveralQualifications.into(),
        "KZ-Q06" => AuthorizationFault::NotRegistered.into(),
        "KZ-Q07" => AuthorizationFault::NotLinked.into(),
        "KZ-D01" => ResourceFault::RequestInvalid.into(),
        "KZ-D02" => ResourceFault::ConsentMissing.into(),
        "KZ-D03" => ResourceFault::VersionConflict.into(),
        "KZ-D04" => ResourceFault::TooLarge.into(),
        _ => return None,
    })
}

/// The error behind an unsuccessful answer of a FHIR server: its OperationOutcome, else its HTTP status.
pub fn error_of_reply(status: u16, body: &[u8], retry_after: Option<Duration>) -> Error {
    let outcome = json::parse_error(body).and_then(|resource| OperationOutcome::of(&resource)?.error());
    match (outcome, status) {
        // 409 with a time to wait: the first request with this Idempotency-Key is still at work.
        (_, 429) => ConnectionFault::RateLimited { retry_after }.into(),
        (_, 409) if retry_after.is_some() => ConnectionFault::RateLimited { retry_after }.into(),
        (Some(Error::Connection(ConnectionFault::Maintenance { .. })), _) | (None, 503) => {
            ConnectionFault::Maintenance { retry_after }.into()
        }
        (Some(error), _) => error,
        (None, 300..=399) => ConnectionFault::Redirect.into(),
        (None, 401) => AuthorizationFault::TokenExpired.into(),
        (None, 403) => AuthorizationFault::ScopeMissing.into(),
        (None, 408 | 504) => ConnectionFault::Timeout.into(),
        (None, 409 | 412) => ResourceFault::VersionConflict.into(),
        (None, 413) => ResourceFault::TooLarge.into(),
        (None, 500..=599) => ResourceFault::Upstream.into(),
        (None, 404 | 405) => Error::usage("the server does not offer this call: check fhir_base"),
        (None, _) => ResourceFault::RequestInvalid.into(),
    }
}

/// What an unsuccessful answer tells the user to do, at most 400 characters. Plain text: whoever shows it must not take
/// what looks like markup for markup.
pub fn user_text_of_reply(status: u16, body: &[u8]) -> Option<String> {
    let outcome = || OperationOutcome::of(&json::parse_error(body)?);
    let text = (status >= 400).then(outcome)??.user_text?;
    Some(text.chars().take(MAX_USER_TEXT).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(issue: &str, code: &str) -> Vec<u8> {
        format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"{issue}","details":{{"coding":[{{"system":"{NAMESPACE}/CodeSystem/outcome","code":"{code}"}}],"text":"<b>x</b>"}}}}]}}"#
        )
        .into_bytes()
    }

    #[test]
    fn the_code_of_the_outcome_wins_over_the_status() {
        assert_eq!(error_of_reply(403, &outcome("forbidden", "KZ-S01"), None).code(), "KZ-S01");
        assert_eq!(error_of_reply(403, &outcome("suppressed", ""), None).code(), "KZ-D02");
        assert_eq!(error_of_reply(403, b"<html>", None).code(), "KZ-A11");
    }

    #[test]
    fn without_an_outcome_the_status_decides() {
        for (status, code) in [
            (302, "KZ-T03"),
            (400, "KZ-D01"),
            (401, "KZ-A10"),
            (404, "KZ-U01"),
            (412, "KZ-D03"),
            (413, "KZ-D04"),
            (429, "KZ-T06"),
            (500, "KZ-Q01"),
            (502, "KZ-Q01"),
            (503, "KZ-T07"),
            (504, "KZ-T05"),
        ] {
            assert_eq!(error_of_reply(status, b"", None).code(), code, "{status}");
        }
        let wait = Some(Duration::from_secs(7));
        assert_eq!(error_of_reply(409, b"", None).code(), "KZ-D03");
        assert_eq!(error_of_reply(409, b"", wait).code(), "KZ-T06");
        assert_eq!(error_of_reply(200, &outcome("not-found", "KZ-Q02"), None).code(), "KZ-Q02");
        assert_eq!(error_of_reply(200, &outcome("multiple-matches", ""), None).code(), "KZ-Q03");
        assert_eq!(error_of_reply(503, &outcome("transient", "KZ-T07"), wait).retry_after(), wait);
    }

    #[test]
    fn server_text_stays_text() {
        let json: Value = serde_json::from_slice(&outcome("exception", "KZ-Q01")).expect("JSON");
        assert_eq!(OperationOutcome::of(&json).and_then(|o| o.user_text).as_deref(), Some("<b>x</b>"));
    }
}
