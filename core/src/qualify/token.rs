//! Assertion → DPoP-bound access token (RFC 7523, RFC 9449), and the OAuth errors.

use std::time::Duration;

use serde_json::Value;
use zeroize::Zeroizing;

use super::discovery::Metadata;
use super::http::{Body, Failure, HttpClient, MAX_ANSWER, Method, Reply, Request};
use super::retry::{self, Retries};
use crate::error::{AuthorizationFault, CertificateFault, ConnectionFault, Error, ResourceFault};
use crate::fhir;
use crate::jose::dpop::{self, DeviceKey, ProofRequest};
use crate::json;
use crate::time::{Clock, UnixMillis};

const TIMEOUT: Duration = Duration::from_secs(15);
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
/// The same assertion may be sent again this long after it was signed.
pub(crate) const RESEND_MS: i64 = 60_000;

/// What every request signed by the device key needs.
pub(crate) struct Proofs<'a> {
    pub(crate) key: &'a dyn DeviceKey,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) clock_offset_ms: i64,
    /// This server's latest `DPoP-Nonce`; another server has its own (RFC 9449, 8 and 9).
    pub(crate) nonce: Option<String>,
}

impl Proofs<'_> {
    /// A proof for one request.
    pub(crate) fn prove(&self, method: Method, uri: &str, access_token: Option<&str>) -> Result<String, Error> {
        let issued_at = self.clock.now().plus_ms(self.clock_offset_ms);
        let nonce = self.nonce.as_deref();
        dpop::prove(self.key, ProofRequest { method: method.name(), uri, issued_at, nonce, access_token })
    }

    /// Takes over a nonce the server sent; whether it asked for the request to be repeated with it.
    pub(crate) fn take_nonce(&mut self, reply: &Reply) -> bool {
        if let Some(nonce) = reply.header("dpop-nonce") {
            self.nonce = Some(nonce.to_owned());
        }
        let in_header = asks_for_nonce(reply);
        let in_body = || oauth_error(&reply.body).is_some_and(|json| member(&json, "error") == "use_dpop_nonce");
        matches!(reply.status, 400 | 401) && self.nonce.is_some() && (in_header || in_body())
    }
}

fn asks_for_nonce(reply: &Reply) -> bool {
    reply.header("www-authenticate").is_some_and(|value| value.contains("use_dpop_nonce"))
}

/// The error behind an unsuccessful answer of the FHIR server: its challenge, its outcome, or its status.
pub(crate) fn resource_error(reply: &Reply) -> Error {
    let refused = reply.header("www-authenticate").is_some_and(|value| value.contains("invalid_dpop_proof"));
    if reply.status == 401 && (refused || asks_for_nonce(reply)) {
        return AuthorizationFault::DpopProof.into();
    }
    fhir::error_of_reply(reply.status, &reply.body, reply.retry_after())
}

/// An access token bound to the device key.
pub(crate) struct Token {
    pub(crate) access_token: Zeroizing<String>,
    pub(crate) patient: String,
    /// Scope granted, where it differs from what was asked for.
    pub(crate) scope: Option<String>,
}

impl Token {
    /// Sends the assertion; sends it again, with a new proof, when the answer is lost within a minute of signing. The
    /// failure tells whether the server may have seen the assertion.
    pub(crate) fn request(
        http: &HttpClient,
        metadata: &Metadata,
        client_id: &str,
        assertion: &str,
        signed_at: UnixMillis,
        proofs: &mut Proofs<'_>,
    ) -> Result<Self, Failure> {
        let uri = metadata.token_endpoint.as_str();
        let form = format!("grant_type={GRANT}&client_id={}&assertion={assertion}", percent_encode(client_id));
        let retries = Retries { count: 2, until: Some(signed_at.plus_ms(RESEND_MS)) };
        let send = |proofs: &Proofs<'_>| {
            retry::send(http, proofs.clock, retries, || {
                Ok(Request {
                    method: Method::Post,
                    uri: uri.to_owned(),
                    body: Some(Body {
                        content_type: "application/x-www-form-urlencoded",
                        bytes: form.clone().into_bytes(),
                    }),
                    accept: "application/json",
                    headers: vec![("dpop", proofs.prove(Method::Post, uri, None)?)],
                    timeout: TIMEOUT,
                    max_body: MAX_ANSWER,
                })
            })
        };
        let mut reply = send(proofs)?;
        if proofs.take_nonce(&reply) {
            reply = send(proofs)?;
            proofs.take_nonce(&reply);
        }
        let answered = |error| Failure { error, is_reset: false, may_have_arrived: true };
        if reply.status == 200 {
            Self::parse(&reply.body).map_err(answered)
        } else {
            Err(answered(error_of_reply(&reply)))
        }
    }

    fn parse(body: &[u8]) -> Result<Self, Error> {
        let json = json::parse_object(body, "token")?;
        if !member(&json, "token_type").eq_ignore_ascii_case("DPoP") {
            return Err(AuthorizationFault::TokenType.into());
        }
        let malformed = ResourceFault::Malformed { what: "token" };
        let access_token = member(&json, "access_token");
        let patient = member(&json, "patient");
        if !is_token68(access_token) || !is_fhir_id(patient) {
            return Err(malformed.into());
        }
        Ok(Self {
            access_token: Zeroizing::new(access_token.to_owned()),
            patient: patient.to_owned(),
            scope: json.get("scope").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Scopes asked for and not granted.
    pub(crate) fn missing_scopes(&self, asked: &str) -> Vec<String> {
        let granted: Vec<&str> = self.scope.as_deref().unwrap_or(asked).split(' ').collect();
        asked.split(' ').filter(|scope| !granted.contains(scope)).map(str::to_owned).collect()
    }
}

/// Characters a token may have in an `Authorization` header (RFC 9110, 11.2).
fn is_token68(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b))
}

/// FHIR R4 `id`: it becomes part of a reference.
fn is_fhir_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

/// Everything but unreserved characters as `%XX` (RFC 3986, 2.1).
pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn oauth_error(body: &[u8]) -> Option<Value> {
    json::parse_object(body, "error").ok()
}

fn member<'a>(json: &'a Value, name: &str) -> &'a str {
    json.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The error behind an unsuccessful answer of the authorization server (RFC 6749, 5.2 with `card_error`).
pub(crate) fn error_of_reply(reply: &Reply) -> Error {
    let json = oauth_error(&reply.body).unwrap_or_default();
    match (member(&json, "error"), member(&json, "card_error")) {
        ("invalid_grant", "nonce_expired" | "nonce_reused") => AuthorizationFault::NonceRejected.into(),
        ("invalid_grant", "clock_skew") => AuthorizationFault::ClockSkew.into(),
        ("invalid_grant", "bad_signature" | "bad_chain" | "wrong_certificate") => CertificateFault::Refused.into(),
        ("invalid_grant", "certificate_expired") => CertificateFault::Expired.into(),
        ("invalid_grant", "certificate_revoked") => CertificateFault::Revoked.into(),
        ("access_denied", "suspended") => AuthorizationFault::Suspended.into(),
        ("access_denied", "not_registered") => AuthorizationFault::NotRegistered.into(),
        ("access_denied", "not_linked") => AuthorizationFault::NotLinked.into(),
        ("access_denied", _) => AuthorizationFault::ScopeMissing.into(),
        ("invalid_scope" | "invalid_target", _) => AuthorizationFault::InvalidScope.into(),
        ("invalid_client" | "unauthorized_client", _) => AuthorizationFault::InvalidClient.into(),
        ("use_dpop_nonce" | "invalid_dpop_proof", _) => AuthorizationFault::DpopProof.into(),
        ("temporarily_unavailable", _) => ConnectionFault::Maintenance { retry_after: reply.retry_after() }.into(),
        ("slow_down", _) => ConnectionFault::RateLimited { retry_after: reply.retry_after() }.into(),
        _ => error_of_status(reply),
    }
}

fn error_of_status(reply: &Reply) -> Error {
    match reply.status {
        300..=399 => ConnectionFault::Redirect.into(),
        401 => AuthorizationFault::InvalidClient.into(),
        408 | 504 => ConnectionFault::Timeout.into(),
        429 => ConnectionFault::RateLimited { retry_after: reply.retry_after() }.into(),
        503 => ConnectionFault::Maintenance { retry_after: reply.retry_after() }.into(),
        500..=599 => ResourceFault::Upstream.into(),
        _ => AuthorizationFault::InvalidRequest.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(status: u16, body: &str) -> &'static str {
        let reply = Reply { status, headers: ureq::http::HeaderMap::new(), body: body.as_bytes().to_vec() };
        error_of_reply(&reply).code()
    }

    #[test]
    fn every_row_of_the_error_table() {
        let rows = [
            (400, "invalid_request", "", "KZ-A02"),
            (400, "invalid_grant", "nonce_expired", "KZ-A03"),
            (400, "invalid_grant", "nonce_reused", "KZ-A03"),
            (400, "invalid_grant", "clock_skew", "KZ-A04"),
            (400, "invalid_grant", "bad_signature", "KZ-A05"),
            (400, "invalid_grant", "bad_chain", "KZ-A05"),
            (400, "invalid_grant", "wrong_certificate", "KZ-A05"),
            (400, "invalid_grant", "certificate_expired", "KZ-C06"),
            (400, "invalid_grant", "certificate_revoked", "KZ-C07"),
            (403, "access_denied", "suspended", "KZ-S01"),
            (403, "access_denied", "not_registered", "KZ-Q06"),
            (403, "access_denied", "not_linked", "KZ-Q07"),
            (400, "invalid_scope", "", "KZ-A06"),
            (400, "invalid_target", "", "KZ-A06"),
            (401, "invalid_client", "", "KZ-A08"),
            (400, "use_dpop_nonce", "", "KZ-A09"),
            (401, "invalid_dpop_proof", "", "KZ-A09"),
            (429, "slow_down", "", "KZ-T06"),
            (503, "temporarily_unavailable", "", "KZ-T07"),
        ];
        for (status, error, card_error, expected) in rows {
            let body = format!(r#"{{"error":"{error}","card_error":"{card_error}"}}"#);
            assert_eq!(code(status, &body), expected, "{error} {card_error}");
        }
    }

    #[test]
    fn without_json_the_status_decides() {
        for (status, expected) in
            [(302, "KZ-T03"), (400, "KZ-A02"), (429, "KZ-T06"), (500, "KZ-Q01"), (503, "KZ-T07"), (504, "KZ-T05")]
        {
            assert_eq!(code(status, "<html>"), expected, "{status}");
        }
    }

    #[test]
    fn only_bound_tokens_with_a_harmless_patient_pass() {
        let parse = |kind: &str, token: &str, patient: &str| {
            Token::parse(
                format!(r#"{{"token_type":"{kind}","access_token":"{token}","patient":"{patient}"}}"#).as_bytes(),
            )
            .err()
            .map(|error| error.code())
        };
        assert_eq!(parse("DPoP", "mF_9.B5f-4.1JqM", "p-7f3a91"), None);
        assert_eq!(parse("Bearer", "mF_9.B5f-4.1JqM", "p-7f3a91"), Some("KZ-A07"));
        assert_eq!(parse("DPoP", "a b", "p-7f3a91"), Some("KZ-D01"));
        assert_eq!(parse("DPoP", "a", "../Patient"), Some("KZ-D01"));
    }
}
