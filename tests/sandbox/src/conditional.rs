//! Writes: the body, `If-None-Exist`, `If-Match`, and the switches that go wrong around them (FHIR R4, 3.1.0.5).

use std::time::Duration;

use serde_json::Value;

use crate::access::{self, Caller};
use crate::http::{Answer, Request};
use crate::idempotency;
use crate::misbehave;
use crate::outcome::{Issue, NAMESPACE};
use crate::search;
use crate::state::Server;
use crate::switches::SwitchName;
use crate::sync::lock;

/// Answers a write by a caller with one of `scopes`, unless a switch refuses it or drops the answer.
pub(crate) fn write(
    server: &Server,
    request: &Request,
    authorize: impl FnOnce() -> Result<Caller, Answer>,
    process: impl FnOnce(&Caller, Value) -> Result<Answer, Answer>,
) -> Answer {
    if let Some(answer) = refused_by_switch(server) {
        return answer;
    }
    try_write(server, request, authorize, process).unwrap_or_else(|answer| answer)
}

fn try_write(
    server: &Server,
    request: &Request,
    authorize: impl FnOnce() -> Result<Caller, Answer>,
    process: impl FnOnce(&Caller, Value) -> Result<Answer, Answer>,
) -> Result<Answer, Answer> {
    let caller = authorize()?;
    if !request.has_media_type(&["application/fhir+json", "application/json"]) {
        return Err(Issue::MEDIA_TYPE.into());
    }
    let once = idempotency::once(server, request, &caller, || {
        if let Some(taken) = server.switches.take(SwitchName::WriteSlow) {
            std::thread::sleep(Duration::from_millis(taken.number_or(500).min(60_000)));
        }
        // One write at a time, so that two of them cannot both find nothing that exists.
        let _turn = lock(&server.write_turn);
        let body = serde_json::from_slice(&request.body).map_err(|_| Issue::MALFORMED.described("body is not JSON"))?;
        process(&caller, body)
    })?;
    server.count(|counters| {
        counters.writes += u64::from(!once.repeated);
        counters.writes_repeated += u64::from(once.repeated);
    });
    let answer = once.answer;
    if server.switches.takes(SwitchName::WriteDrop) {
        return Ok(Answer {
            dropped: true,
            outcome: format!("{}, dropped by switch", answer.outcome).into(),
            ..answer
        });
    }
    Ok(if server.switches.takes(SwitchName::WriteMalformed) { misbehave::malformed(answer) } else { answer })
}

/// The stored resource that `If-None-Exist` finds among `resources`, if the header is there.
pub(crate) fn existing<'a>(request: &Request, resources: &'a [Value]) -> Result<Option<&'a Value>, Answer> {
    let Some((system, value)) = condition(request)? else { return Ok(None) };
    Ok(resources.iter().find(|resource| identifier(resource, &system) == Some(&value)))
}

/// System and value of the identifier that `If-None-Exist` names, if the header is there.
pub(crate) fn condition(request: &Request) -> Result<Option<(String, String)>, Answer> {
    const REFUSED: Issue = Issue::INVALID_ELEMENT.described("If-None-Exist must be identifier=system|value");
    let Some(condition) = request.header("if-none-exist").map_err(|_| REFUSED)? else { return Ok(None) };
    let parameters = crate::form::pairs(condition.as_bytes()).ok_or(REFUSED)?;
    let [(name, token)] = &parameters[..] else { return Err(REFUSED.into()) };
    let (system, value) = token.split_once('|').filter(|_| name == "identifier").ok_or(REFUSED)?;
    Ok(Some((system.to_owned(), value.to_owned())))
}

/// Refuses a write whose `If-Match` is missing or is not the version of `stored`.
pub(crate) fn check_version(server: &Server, request: &Request, stored: &Value) -> Result<(), Issue> {
    const MISSING: Issue = Issue::REQUIRED_ELEMENT.described("If-Match missing");
    let version = request.header("if-match").map_err(|_| MISSING)?.ok_or(MISSING)?;
    if server.switches.takes(SwitchName::WriteConflict) || version.trim() != search::etag(stored) {
        return Err(Issue::CONFLICT);
    }
    Ok(())
}

/// The answer to a write, with the version and place of what is stored.
pub(crate) fn stored(server: &Server, status: u16, resource: &Value, outcome: &'static str) -> Answer {
    let kind = resource["resourceType"].as_str().unwrap_or_default();
    let id = resource["id"].as_str().unwrap_or_default();
    let version = resource["meta"]["versionId"].as_str().unwrap_or_default();
    Answer::fhir(status, resource, outcome)
        .with_header("etag", search::etag(resource))
        .with_header("location", format!("{}/{kind}/{id}/_history/{version}", server.fhir_base))
}

/// The value of a resource's identifier in one of the systems of the contract or of others.
pub(crate) fn identifier<'a>(resource: &'a Value, system: &str) -> Option<&'a str> {
    let mut identifiers = resource["identifier"].as_array()?.iter();
    identifiers.find(|identifier| identifier["system"] == system)?["value"].as_str()
}

/// The URL of one of the contract's identifier systems.
pub(crate) fn system(name: &str) -> String {
    format!("{NAMESPACE}/IdSystem/{name}")
}

/// The code that a CodeableConcept has in one of the contract's code systems.
pub(crate) fn code<'a>(concept: &'a Value, system: &str) -> Option<&'a str> {
    let url = format!("{NAMESPACE}/CodeSystem/{system}");
    let mut codings = concept["coding"].as_array()?.iter();
    codings.find(|coding| coding["system"] == url.as_str())?["code"].as_str()
}

/// Errors that a switch shows before the request is looked at.
fn refused_by_switch(server: &Server) -> Option<Answer> {
    let switches = &server.switches;
    if let Some(taken) = switches.take(SwitchName::Write429) {
        return Some(misbehave::retry_later(Issue::THROTTLED, &taken));
    }
    if let Some(taken) = switches.take(SwitchName::Write503) {
        return Some(misbehave::retry_later(Issue::MAINTENANCE, &taken));
    }
    if switches.takes(SwitchName::WriteTokenExpired) {
        return Some(access::challenge(Issue::LOGIN.described("access token expired"), Some("invalid_token")));
    }
    let taken = switches.take(SwitchName::WriteOutcome)?;
    let code = taken.value.as_deref().unwrap_or("KZ-D02");
    Some(Issue::of_code(code).unwrap_or(Issue::UPSTREAM.with_status(500)).into())
}
