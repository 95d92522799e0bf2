//! `POST /token`: card assertion (RFC 7523, RFC 8693), authorization code (RFC 6749, 4.1.3) or refresh token (RFC 6749,
//! 6) in, DPoP-bound tokens out (RFC 9449, 5).

use serde_json::{Value, json};

use crate::assertion::{self, Accepted};
use crate::codes::{Approved, CodeFault};
use crate::dpop::{self, ProofFault};
use crate::exchange;
use crate::form::Form;
use crate::grants::{
    ACCESS_LIFETIME_S, FamilyId, Holder, OFFLINE_ACCESS, REFRESH_LIFETIME_S, SUSPENSION_LIFETIME_S, Scope,
};
use crate::http::{Answer, Request};
use crate::misbehave;
use crate::modes::Mode;
use crate::outcome::OAuthError;
use crate::state::Server;
use crate::suspension::ASK_AGAIN_S;
use crate::switches::SwitchName;
use crate::sync::lock;
use crate::time;

/// Answers `POST /token`.
pub(crate) fn answer(server: &Server, request: &Request) -> Answer {
    // One token request at a time, so that two copies of an assertion cannot both be the first.
    let _turn = lock(&server.token_turn);
    let form = form(request);
    let named = form.as_ref().ok().and_then(|form| form.get("grant_type")).and_then(mode);
    let is_assertion = matches!(named, Some(Mode::Card | Mode::Exchange));
    let result = refused_by_switch(server)
        .map_or_else(|| form.and_then(|form| grant(server, request, &form)).map_err(Answer::from), Err);
    match result {
        Ok((body, outcome)) => {
            server.count(|counters| {
                counters.tokens_issued += 1;
                counters.assertions_accepted += u64::from(is_assertion);
            });
            server.save();
            bent_by_switch(server, body, outcome)
        }
        Err(answer) => {
            server.count(|counters| counters.assertions_refused += u64::from(is_assertion));
            answer
        }
    }
}

/// The form of a request to an OAuth endpoint.
pub(crate) fn form(request: &Request) -> Result<Form, OAuthError> {
    if !request.has_media_type(&["application/x-www-form-urlencoded"]) {
        return Err(OAuthError::INVALID_REQUEST.described("content type is not a form"));
    }
    Form::parse(&request.body).ok_or(OAuthError::INVALID_REQUEST.described("form malformed or a parameter repeated"))
}

/// The registered client that sent `form`.
pub(crate) fn client<'a>(server: &Server, form: &'a Form) -> Result<&'a str, OAuthError> {
    let client_id = form.get("client_id").ok_or(OAuthError::INVALID_CLIENT.described("client_id missing"))?;
    let known = server.client_ids.iter().any(|known| known == client_id);
    known.then_some(client_id).ok_or(OAuthError::INVALID_CLIENT)
}

fn grant(server: &Server, request: &Request, form: &Form) -> Result<(Value, &'static str), OAuthError> {
    let grant_type = form.get("grant_type").ok_or(OAuthError::INVALID_REQUEST.described("grant_type missing"))?;
    let named = mode(grant_type);
    // In mode EXCHANGE the client assertion names the client, and is by another key than the proof.
    let client_id = if named == Some(Mode::Exchange) { "" } else { client(server, form)? };
    let key = dpop::check(server, request, &server.url("/token"), None).map_err(proof_refused)?;
    let jkt = key.thumbprint();
    if form.get("resource").is_some_and(|resource| resource.trim_end_matches('/') != server.fhir_base) {
        return Err(OAuthError::INVALID_TARGET);
    }
    if named.is_some_and(|mode| !server.modes.contains(&mode)) {
        return Err(OAuthError::UNSUPPORTED_GRANT);
    }
    match (named, grant_type) {
        (Some(Mode::Card), _) => {
            let assertion = form.get("assertion").ok_or(OAuthError::INVALID_REQUEST.described("assertion missing"))?;
            let accepted = assertion::check(server, assertion, &jkt, form.get("scope"))?;
            Ok(issue(server, accepted, jkt, client_id))
        }
        (Some(Mode::Exchange), _) => {
            let (client_id, accepted) = exchange::check(server, form, &key)?;
            let (mut body, outcome) = issue(server, accepted, jkt, &client_id);
            exchange::complete(server, &mut body);
            Ok((body, outcome))
        }
        (Some(Mode::Oidc), _) => Ok((redeem(server, form, jkt, client_id)?, "code redeemed")),
        (None, "refresh_token") => Ok((refresh(server, form, &jkt, client_id)?, "token refreshed")),
        _ => Err(OAuthError::UNSUPPORTED_GRANT),
    }
}

/// The error of the authorization server for a refused proof (RFC 9449, 5 and 8).
pub(crate) fn proof_refused(fault: ProofFault) -> OAuthError {
    match fault {
        ProofFault::Invalid(description) => OAuthError::INVALID_DPOP_PROOF.described(description),
        ProofFault::NonceNeeded => OAuthError::USE_DPOP_NONCE,
    }
}

/// The mode that a grant type belongs to.
fn mode(grant_type: &str) -> Option<Mode> {
    Mode::ALL.into_iter().find(|mode| mode.grant_type() == grant_type)
}

/// Tokens for an accepted card assertion, in place of those that an earlier copy of it got.
fn issue(server: &Server, accepted: Accepted, jkt: String, client_id: &str) -> (Value, &'static str) {
    let Accepted { person, nonce, mut scopes, certificate_last_day, grace, superseded } = accepted;
    let outcome = if superseded.is_empty() { "assertion accepted" } else { "assertion resent" };
    server.grants.revoke_families(&superseded);
    if grace {
        scopes.retain(|scope| scope.starts_with("patient/Coverage"));
    }
    let holder = Holder { jkt, person: person.number, client_id: client_id.to_owned() };
    let (mut body, families) = tokens(server, holder, scopes);
    body["card_status"] = json!({
        "state": if grace { "grace" } else { "valid" },
        "certificate_not_after": certificate_last_day.to_string(),
        "checked_at": time::rfc3339(server.clock.now()),
    });
    server.nonces.bind(&nonce, families);
    (body, outcome)
}

/// Tokens for an authorization code. No card was seen here, so nothing is said about one.
fn redeem(server: &Server, form: &Form, jkt: String, client_id: &str) -> Result<Value, OAuthError> {
    const REUSED: OAuthError = OAuthError::INVALID_GRANT.described("code reused, its tokens revoked");
    if server.switches.takes(SwitchName::OidcCodeReused) {
        return Err(REUSED);
    }
    let redeemed = server.codes.redeem(form, client_id, &jkt, server.clock.now());
    let Approved { person, scopes } = redeemed.map_err(|fault| match fault {
        CodeFault::Refused(error) => error,
        CodeFault::Reused(families) => {
            server.grants.revoke_families(&families);
            REUSED
        }
    })?;
    let member = server.member(person);
    if member.revoked {
        return Err(OAuthError::CERTIFICATE_REVOKED);
    }
    if member.suspended {
        return Err(OAuthError::SUSPENDED);
    }
    let holder = Holder { jkt, person, client_id: client_id.to_owned() };
    let (body, families) = tokens(server, holder, scopes);
    server.codes.bind(form.get("code").unwrap_or_default(), families);
    Ok(body)
}

/// What every first grant gets: an access token, with `offline_access` a refresh token, and one that can stop a card.
fn tokens(server: &Server, holder: Holder, mut scopes: Vec<Scope>) -> (Value, Vec<FamilyId>) {
    let now = server.clock.now();
    if let Some(taken) = server.switches.take(SwitchName::TokenNarrowScope) {
        let kept = taken.value.unwrap_or_else(|| NARROW_SCOPE.to_owned());
        scopes.retain(|scope| kept.split(' ').any(|one| one == *scope));
    }
    let patient = server.people.with_number(holder.person).map(|person| person.patient.clone());
    let family = server.grants.open(holder.clone(), scopes.clone());
    let suspension = server.grants.open_suspension(holder);
    let mut body = json!({
        "access_token": server.grants.issue_access(family, now),
        "token_type": "DPoP",
        "expires_in": ACCESS_LIFETIME_S,
        "scope": scopes.join(" "),
        "patient": patient,
        "suspension_refresh_token": server.grants.issue_suspension(suspension, now),
        "suspension_refresh_token_expires_in": SUSPENSION_LIFETIME_S,
    });
    if scopes.contains(&OFFLINE_ACCESS) {
        body["refresh_token"] = server.grants.issue_refresh(family, now).into();
        body["refresh_token_expires_in"] = REFRESH_LIFETIME_S.into();
    }
    (body, vec![family, suspension])
}

fn refresh(server: &Server, form: &Form, jkt: &str, client_id: &str) -> Result<Value, OAuthError> {
    let token = form.get("refresh_token").ok_or(OAuthError::INVALID_REQUEST.described("refresh_token missing"))?;
    if server.switches.takes(SwitchName::RefreshReused) {
        return Err(OAuthError::INVALID_GRANT.described("refresh token reused, family revoked"));
    }
    let now = server.clock.now();
    let refreshed = server.grants.refresh(token, jkt, client_id, form.get("scope"), now)?;
    let member = server.member(refreshed.holder.person);
    let rotates = refreshed.refresh_token.is_some();
    let too_late = member.stopped_at.is_none_or(|at| now.saturating_sub(at) > ASK_AGAIN_S);
    if member.revoked || (member.suspended && !rotates && too_late) {
        server.grants.revoke(token, client_id);
        return Err(OAuthError::INVALID_GRANT.described("card stopped"));
    }
    if member.suspended && rotates {
        return Err(OAuthError::SUSPENDED);
    }
    let mut scopes = refreshed.scopes;
    if rotates && server.switches.takes(SwitchName::RefreshNoRecords) {
        scopes = server.grants.without_records(&refreshed.access_token);
    }
    let others = if server.switches.takes(SwitchName::RefreshOtherPatient) { 1 } else { 0 };
    let person = (refreshed.holder.person - 1 + others) % 10 + 1;
    let patient = server.people.with_number(person).map(|person| person.patient.clone());
    let mut body = json!({
        "access_token": refreshed.access_token,
        "token_type": "DPoP",
        "expires_in": ACCESS_LIFETIME_S,
        "scope": scopes.join(" "),
        "patient": patient,
    });
    if let Some(refresh_token) = refreshed.refresh_token {
        body["refresh_token"] = refresh_token.into();
        body["refresh_token_expires_in"] = REFRESH_LIFETIME_S.into();
    }
    Ok(body)
}

/// Errors that a switch shows before the request is looked at, so that nothing is consumed.
fn refused_by_switch(server: &Server) -> Option<Answer> {
    let switches = &server.switches;
    if let Some(taken) = switches.take(SwitchName::TokenRedirect) {
        return Some(misbehave::redirect(&taken, "/token"));
    }
    if let Some(taken) = switches.take(SwitchName::Token429) {
        return Some(misbehave::retry_later(OAuthError::SLOW_DOWN, &taken));
    }
    if let Some(taken) = switches.take(SwitchName::Token503) {
        return Some(misbehave::retry_later(OAuthError::UNAVAILABLE, &taken));
    }
    if let Some(taken) = switches.take(SwitchName::TokenHtml) {
        return Some(misbehave::html(&taken));
    }
    ERRORS.iter().find(|(name, _)| switches.takes(*name)).map(|(_, error)| (*error).into())
}

/// The good answer, or what a switch makes of it; the request has been processed either way.
fn bent_by_switch(server: &Server, mut body: Value, outcome: &'static str) -> Answer {
    let switches = &server.switches;
    if switches.takes(SwitchName::TokenBearer) {
        body["token_type"] = "Bearer".into();
    }
    let answer = Answer::json(200, &body, outcome);
    if switches.takes(SwitchName::TokenDrop) {
        return Answer { dropped: true, outcome: format!("{outcome}, dropped by switch").into(), ..answer };
    }
    if switches.takes(SwitchName::TokenMalformed) {
        return misbehave::malformed(answer);
    }
    if switches.takes(SwitchName::TokenOversized) {
        return misbehave::oversized(answer);
    }
    answer
}

const NARROW_SCOPE: &str = "patient/CoverageEligibilityResponse.rs patient/Coverage.rs";

const ERRORS: &[(SwitchName, OAuthError)] = &[
    (SwitchName::TokenInvalidRequest, OAuthError::INVALID_REQUEST),
    (SwitchName::TokenNonceExpired, OAuthError::NONCE_EXPIRED),
    (SwitchName::TokenNonceReused, OAuthError::NONCE_REUSED),
    (SwitchName::TokenClockSkew, OAuthError::CLOCK_SKEW),
    (SwitchName::TokenBadSignature, OAuthError::BAD_SIGNATURE),
    (SwitchName::TokenBadChain, OAuthError::BAD_CHAIN),
    (SwitchName::TokenWrongCertificate, OAuthError::WRONG_CERTIFICATE),
    (SwitchName::TokenCertificateExpired, OAuthError::CERTIFICATE_EXPIRED),
    (SwitchName::TokenCertificateRevoked, OAuthError::CERTIFICATE_REVOKED),
    (SwitchName::Suspended, OAuthError::SUSPENDED),
    (SwitchName::NotRegistered, OAuthError::NOT_REGISTERED),
    (SwitchName::NotLinked, OAuthError::NOT_LINKED),
    (SwitchName::InvalidScope, OAuthError::INVALID_SCOPE),
    (SwitchName::InvalidTarget, OAuthError::INVALID_TARGET),
    (SwitchName::InvalidClient, OAuthError::INVALID_CLIENT),
    (SwitchName::InvalidDpopProof, OAuthError::INVALID_DPOP_PROOF),
];
