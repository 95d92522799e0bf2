//! Mode EXCHANGE: the card assertion as the subject token of a token exchange (RFC 8693).

use serde_json::Value;

use crate::assertion::{self, Accepted};
use crate::client_assertion;
use crate::form::Form;
use crate::jws::PublicKey;
use crate::outcome::OAuthError;
use crate::state::Server;
use crate::switches::SwitchName;

/// Checks the request of RFC 8693, 2.1: first the device, then the card; gives the client and what was accepted.
pub(crate) fn check(server: &Server, form: &Form, key: &PublicKey) -> Result<(String, Accepted), OAuthError> {
    let malformed = |description| OAuthError::INVALID_REQUEST.described(description);
    let subject = form.get("subject_token").ok_or(malformed("subject_token missing"))?;
    if form.get("subject_token_type") != Some(JWT) {
        return Err(malformed("subject_token_type is not jwt"));
    }
    if form.get("requested_token_type").is_some_and(|requested| requested != ACCESS_TOKEN) {
        return Err(malformed("requested_token_type is not access_token"));
    }
    // Nobody acts for another with a card: a family member taps their own.
    if form.get("actor_token").is_some() || form.get("actor_token_type").is_some() {
        return Err(malformed("actor tokens are not supported"));
    }
    if form.get("audience").is_some_and(|audience| audience != server.issuer) {
        return Err(OAuthError::INVALID_TARGET);
    }
    let client_id = client_assertion::check(server, form, key, subject)?;
    let accepted = assertion::check(server, subject, &key.thumbprint(), form.get("scope"))?;
    Ok((client_id, accepted))
}

/// Adds what RFC 8693, 2.2.1 requires of the answer.
pub(crate) fn complete(server: &Server, body: &mut Value) {
    if !server.switches.takes(SwitchName::ExchangeNoIssuedType) {
        body["issued_token_type"] = ACCESS_TOKEN.into();
    }
}

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
