//! `POST /revoke`: giving up tokens (RFC 7009).

use crate::http::{Answer, Request};
use crate::misbehave;
use crate::outcome::OAuthError;
use crate::state::Server;
use crate::switches::SwitchName;
use crate::token;

/// Answers `POST /revoke`; an unknown token is no error (RFC 7009, 2.2).
pub(crate) fn answer(server: &Server, request: &Request) -> Answer {
    if let Some(taken) = server.switches.take(SwitchName::Revoke503) {
        return misbehave::retry_later(OAuthError::UNAVAILABLE, &taken);
    }
    try_answer(server, request).unwrap_or_else(Answer::from)
}

fn try_answer(server: &Server, request: &Request) -> Result<Answer, OAuthError> {
    let form = token::form(request)?;
    let client_id = token::client(server, &form)?;
    let presented = form.get("token").ok_or(OAuthError::INVALID_REQUEST.described("token missing"))?;
    let known = server.grants.revoke(presented, client_id);
    server.count(|counters| counters.revocations += u64::from(known));
    Ok(Answer::empty(200, if known { "token revoked" } else { "token unknown" }))
}
