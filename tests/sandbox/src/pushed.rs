//! `POST /par`: authorization requests sent ahead, out of sight of the browser (RFC 9126).

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::json;

use crate::authorization::{AuthorizationRequest, Target};
use crate::dpop;
use crate::http::{Answer, Request};
use crate::misbehave;
use crate::outcome::OAuthError;
use crate::random;
use crate::state::Server;
use crate::switches::SwitchName;
use crate::sync::lock;
use crate::time::UnixSeconds;
use crate::token;

/// Answers `POST /par`.
pub(crate) fn answer(server: &Server, request: &Request) -> Answer {
    if let Some(taken) = server.switches.take(SwitchName::OidcPar503) {
        return misbehave::retry_later(OAuthError::UNAVAILABLE, &taken);
    }
    let answer = try_answer(server, request).unwrap_or_else(Answer::from);
    if server.switches.takes(SwitchName::OidcParMalformed) { misbehave::malformed(answer) } else { answer }
}

fn try_answer(server: &Server, request: &Request) -> Result<Answer, OAuthError> {
    let form = token::form(request)?;
    if form.get("request_uri").is_some() {
        return Err(OAuthError::INVALID_REQUEST.described("request_uri in a pushed request"));
    }
    let target = Target::parse(server, &form)?;
    let mut asked = AuthorizationRequest::parse(server, &form, target)?;
    // A proof is another way to name the key; with both, they must agree (RFC 9449, 10.1).
    if request.headers.contains_key("dpop") {
        let jkt = dpop::check(server, request, &server.url(PATH), None).map_err(token::proof_refused)?.thumbprint();
        if asked.dpop_jkt.as_deref().is_some_and(|named| named != jkt) {
            return Err(OAuthError::INVALID_DPOP_PROOF.described("dpop_jkt is not the key of the proof"));
        }
        asked.dpop_jkt = Some(jkt);
    }
    let Some(uri) = server.pushed.keep(asked, server.clock.now()) else {
        return Ok(misbehave::retry_after(OAuthError::SLOW_DOWN, LIFETIME_S.unsigned_abs()));
    };
    Ok(Answer::json(201, &json!({ "request_uri": uri, "expires_in": LIFETIME_S }), "request pushed"))
}

/// The requests that were pushed and not yet answered.
#[derive(Default)]
pub(crate) struct Pushed(Mutex<HashMap<String, (AuthorizationRequest, UnixSeconds)>>);

impl Pushed {
    /// Keeps a request and gives it a name; `None` when too many are waiting.
    fn keep(&self, asked: AuthorizationRequest, now: UnixSeconds) -> Option<String> {
        let mut requests = lock(&self.0);
        requests.retain(|_, (_, expires)| *expires >= now);
        if requests.len() >= MAX_WAITING {
            return None;
        }
        let uri = format!("urn:ietf:params:oauth:request_uri:{}", random::token());
        requests.insert(uri.clone(), (asked, now.saturating_add(LIFETIME_S)));
        Some(uri)
    }

    /// The request of this name, which only the client that pushed it may use (RFC 9126, 2.2).
    pub(crate) fn find(&self, uri: &str, client_id: &str, now: UnixSeconds) -> Option<AuthorizationRequest> {
        let requests = lock(&self.0);
        let (asked, expires) = requests.get(uri)?;
        (*expires >= now && asked.target.client_id == client_id).then(|| asked.clone())
    }

    /// Forgets a request that was answered: a name is good for one answer (RFC 9126, 7.3).
    pub(crate) fn forget(&self, uri: &str) {
        lock(&self.0).remove(uri);
    }
}

/// Path of the endpoint.
pub(crate) const PATH: &str = "/par";
/// Long enough to choose a person on the page.
const LIFETIME_S: i64 = 300;
const MAX_WAITING: usize = 10_000;
