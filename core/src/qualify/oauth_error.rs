//! What an unsuccessful answer means: of the authorization server (RFC 6749, 5.2 with `card_error`), and the challenges of
//! the FHIR server (RFC 9449, 7.1).

use std::time::Duration;

use serde_json::Value;

use super::message::Reply;
use crate::error::{AuthorizationFault, CertificateFault, ConnectionFault, Error, ResourceFault};
use crate::fhir;
use crate::json;

/// The error behind an unsuccessful answer of the FHIR server: its challenge, its outcome, or its status.
pub(crate) fn resource_error(reply: &Reply) -> Error {
    if reply.status == 401 && (has_challenge(reply, "invalid_dpop_proof") || has_challenge(reply, "use_dpop_nonce")) {
        return AuthorizationFault::DpopProof.into();
    }
    fhir::error_of_reply(reply.status, &reply.body, reply.retry_after())
}

/// Whether the server wants the same request again, with a proof over the nonce it has just given.
pub(super) fn wants_nonce(reply: &Reply) -> bool {
    says_of_proof(reply, "use_dpop_nonce")
}

/// Whether the server takes the proof for wrong: as nothing else of it can be, for one of another time.
pub(super) fn refuses_proof(reply: &Reply) -> bool {
    says_of_proof(reply, "invalid_dpop_proof")
}

/// In its challenge or, as an authorization server, in its body (RFC 9449, 5 and 7.1).
fn says_of_proof(reply: &Reply, error: &str) -> bool {
    let in_body = || json::parse_error(&reply.body).is_some_and(|json| member(&json, "error") == error);
    matches!(reply.status, 400 | 401) && (has_challenge(reply, error) || in_body())
}

fn has_challenge(reply: &Reply, error: &str) -> bool {
    reply.header("www-authenticate").is_some_and(|value| value.contains(error))
}

/// Whether a refresh token is over: the answer is `invalid_grant` and says nothing of the card.
pub(super) fn is_grant_over(reply: &Reply) -> bool {
    let json = json::parse_error(&reply.body).unwrap_or_default();
    reply.status == 400 && member(&json, "error") == "invalid_grant" && member(&json, "card_error").is_empty()
}

pub(super) fn member<'a>(json: &'a Value, name: &str) -> &'a str {
    json.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The error behind an unsuccessful answer of the authorization server (RFC 6749, 5.2 with `card_error`).
pub(crate) fn error_of_reply(reply: &Reply) -> Error {
    let json = json::parse_error(&reply.body).unwrap_or_default();
    let known = error_of_names(member(&json, "error"), member(&json, "card_error"), reply.retry_after());
    known.unwrap_or_else(|| error_of_status(reply))
}

/// The error of these names, which a sign-in page sends along with the browser too (RFC 6749, 4.1.2.1).
pub(super) fn error_of_names(error: &str, card_error: &str, retry_after: Option<Duration>) -> Option<Error> {
    Some(match (error, card_error) {
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
        ("temporarily_unavailable", _) => ConnectionFault::Maintenance { retry_after }.into(),
        ("slow_down", _) => ConnectionFault::RateLimited { retry_after }.into(),
        _ => return None,
    })
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
}
