//! Errors of the FHIR server in the words of the contract: its own may be about other people, and carry no code.

use super::client::Reply;
use crate::http::Answer;
use crate::outcome::Issue;

/// The answer for a status that is none of success.
pub(super) fn of(reply: &Reply) -> Answer {
    let issue = match reply.status {
        400 | 422 => Issue::INVALID_ELEMENT.described("refused by the FHIR server").with_status(reply.status),
        401 | 403 => Issue::UPSTREAM.described("the FHIR server refuses the sandbox"),
        404 | 410 => Issue::NO_SUCH_ROUTE.described("no such resource"),
        409 => Issue::CONFLICT.with_status(409),
        412 => Issue::CONFLICT,
        413 => Issue::TOO_LARGE,
        429 => Issue::THROTTLED,
        503 => Issue::MAINTENANCE,
        504 => Issue::TIMEOUT,
        _ => Issue::UPSTREAM.described("the FHIR server failed"),
    };
    let answer = Answer::from(issue);
    match reply.header("retry-after").filter(|_| matches!(reply.status, 429 | 503)) {
        Some(seconds) => answer.with_header("retry-after", seconds),
        None => answer,
    }
}
