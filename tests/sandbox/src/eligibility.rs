//! `POST /r4/CoverageEligibilityRequest/$submit` and the search for its answer.

use std::time::Duration;

use serde_json::json;

use crate::access::{self, Caller};
use crate::bundle;
use crate::form::Form;
use crate::grants::{ELIGIBILITY_CREATE, ELIGIBILITY_READ};
use crate::http::{Answer, Request};
use crate::idempotency;
use crate::inquiry::{self, Inquiry};
use crate::misbehave;
use crate::outcome::{Issue, NAMESPACE};
use crate::state::Server;
use crate::switches::SwitchName;

/// Answers `POST /r4/CoverageEligibilityRequest/$submit`.
pub(crate) fn submit(server: &Server, request: &Request) -> Answer {
    if let Some(answer) = refused_by_switch(server) {
        return answer;
    }
    match try_submit(server, request) {
        Ok(answer) => bent_by_switch(server, answer),
        Err(answer) => answer,
    }
}

fn try_submit(server: &Server, request: &Request) -> Result<Answer, Answer> {
    let caller = access::authorize(server, request, ELIGIBILITY_CREATE)?;
    if !request.has_media_type(&["application/fhir+json", "application/json"]) {
        return Err(Issue::MEDIA_TYPE.into());
    }
    let once = idempotency::once(server, request, &caller, || process(server, request, &caller))?;
    server.count(|counters| counters.submits_repeated += u64::from(once.repeated));
    Ok(once.answer)
}

fn process(server: &Server, request: &Request, caller: &Caller) -> Result<Answer, Answer> {
    if let Some(taken) = server.switches.take(SwitchName::SubmitSlow) {
        std::thread::sleep(Duration::from_millis(taken.number_or(500).min(60_000)));
    }
    // A use of the switch is a refusal, so a wrapped body leaves it armed.
    let wrapped_only = server.switches.is_armed(SwitchName::RequireWrapped);
    let inquiry = Inquiry::parse(&request.body, caller, wrapped_only).inspect_err(|_| {
        server.switches.take(SwitchName::RequireWrapped);
    })?;
    let queued = caller.person.is_queued();
    let answer = server.inquiries.process(&caller.person, inquiry, queued, server.clock.now());
    server.count(|counters| counters.submits += 1);
    Ok(described(if queued { 202 } else { 200 }, &answer))
}

/// Answers `POST /r4/CoverageEligibilityResponse/_search` with the criterion `request`.
pub(crate) fn search(server: &Server, request: &Request) -> Answer {
    try_search(server, request).unwrap_or_else(|answer| answer)
}

fn try_search(server: &Server, request: &Request) -> Result<Answer, Answer> {
    let caller = access::authorize(server, request, ELIGIBILITY_READ)?;
    let form = Form::parse(&request.body).ok_or(Issue::MALFORMED)?;
    let id = form
        .get("request")
        .map(|reference| reference.strip_prefix("CoverageEligibilityRequest/").unwrap_or(reference))
        .ok_or(Issue::REQUIRED_ELEMENT.described("criterion request is missing"))?;
    server.count(|counters| counters.polls += 1);
    let still_queued = server.switches.takes(SwitchName::PollPending);
    let found = server.inquiries.poll(caller.person.number, id, still_queued, server.clock.now());
    let code = found.as_ref().and_then(inquiry::code);
    let outcome = match &found {
        None => "nothing found",
        Some(answer) if answer["outcome"] == "queued" => "still queued",
        Some(_) => "answer found",
    };
    let bundle = bundle::searchset(server, &request.path, found.into_iter().collect());
    let answer = Answer::fhir(200, &bundle, outcome);
    Ok(match code {
        Some(code) => answer.with_code(code),
        None => answer,
    })
}

fn described(status: u16, answer: &serde_json::Value) -> Answer {
    let outcome = answer["outcome"].as_str().unwrap_or_default().to_owned();
    let described = Answer::fhir(status, answer, outcome);
    match inquiry::code(answer) {
        Some(code) => described.with_code(code),
        None => described,
    }
}

/// Errors that a switch shows before the request is looked at.
fn refused_by_switch(server: &Server) -> Option<Answer> {
    let switches = &server.switches;
    if let Some(taken) = switches.take(SwitchName::SubmitRedirect) {
        return Some(misbehave::redirect(&taken, "/r4/CoverageEligibilityRequest/$submit"));
    }
    if let Some(taken) = switches.take(SwitchName::SubmitHtml) {
        return Some(misbehave::html(&taken));
    }
    if let Some(taken) = switches.take(SwitchName::Submit429) {
        return Some(misbehave::retry_later(Issue::THROTTLED, &taken));
    }
    if let Some(taken) = switches.take(SwitchName::Submit503) {
        return Some(misbehave::retry_later(Issue::MAINTENANCE, &taken));
    }
    if switches.takes(SwitchName::SubmitTokenExpired) {
        return Some(access::challenge(Issue::LOGIN.described("access token expired"), Some("invalid_token")));
    }
    if let Some(taken) = switches.take(SwitchName::SubmitOutcome) {
        let code = taken.value.as_deref().unwrap_or("KZ-Q06");
        return Some(Issue::of_code(code).unwrap_or(Issue::UPSTREAM.with_status(500)).into());
    }
    let plain = [
        (SwitchName::Submit500, Issue::UPSTREAM.with_status(500).described("internal error")),
        (SwitchName::Submit502, Issue::UPSTREAM),
        (SwitchName::Submit504, Issue::TIMEOUT),
        (SwitchName::OutcomeHtml, Issue::NOT_REGISTERED.worded(HTML_TEXT)),
    ];
    plain.into_iter().find(|(name, _)| switches.takes(*name)).map(|(_, issue)| issue.into())
}

/// The good answer, or what a switch makes of it; the request has been processed either way.
fn bent_by_switch(server: &Server, mut answer: Answer) -> Answer {
    let switches = &server.switches;
    if switches.takes(SwitchName::SubmitDrop) {
        return Answer { dropped: true, outcome: format!("{}, dropped by switch", answer.outcome).into(), ..answer };
    }
    if switches.takes(SwitchName::SubmitMalformed) {
        return misbehave::malformed(answer);
    }
    if switches.takes(SwitchName::SubmitOversized) {
        return misbehave::oversized(answer);
    }
    if let Some(taken) = switches.take(SwitchName::SubmitDeep) {
        return misbehave::deep(answer, usize::try_from(taken.number_or(200)).unwrap_or(200));
    }
    if switches.takes(SwitchName::SubmitMyNumber) {
        answer = with_individual_number(answer);
    }
    answer
}

/// Adds the kind of identifier that nobody may send: it is made up, its check digit is right.
fn with_individual_number(mut answer: Answer) -> Answer {
    if let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&answer.body) {
        let forbidden = json!({ "system": format!("{NAMESPACE}/IdSystem/mynumber"), "value": "123456789018" });
        let holder = if body["contained"][0].is_object() { &mut body["contained"][0] } else { &mut body };
        match holder["identifier"].as_array_mut() {
            Some(identifiers) => identifiers.push(forbidden),
            None => holder["identifier"] = json!([forbidden]),
        }
        answer.body = body.to_string().into_bytes();
    }
    answer.outcome = format!("{}, forbidden identifier by switch", answer.outcome).into();
    answer
}

const HTML_TEXT: &str =
    "<b>利用登録</b>をしてください。<script>alert(1)</script><a href=\"https://other.example\">こちら</a>";
