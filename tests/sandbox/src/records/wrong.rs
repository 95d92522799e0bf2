//! Errors and misbehaviours of searches and reads, by switch.

use serde_json::{Value, json};

use crate::access;
use crate::http::{Answer, Request};
use crate::misbehave;
use crate::outcome::{Issue, NAMESPACE};
use crate::state::Server;
use crate::switches::SwitchName;

/// Answers a search or read, unless a switch refuses it or makes something else of it.
pub(crate) fn guarded(server: &Server, request: &Request, answer: impl FnOnce() -> Result<Answer, Answer>) -> Answer {
    if let Some(refusal) = refused_by_switch(server, request) {
        return refusal;
    }
    match answer() {
        Ok(answer) => bent_by_switch(server, answer),
        Err(answer) => answer,
    }
}

/// Errors that a switch shows before the request is looked at.
fn refused_by_switch(server: &Server, request: &Request) -> Option<Answer> {
    let switches = &server.switches;
    if let Some(taken) = switches.take(SwitchName::RecordsRedirect) {
        return Some(misbehave::redirect(&taken, &request.path));
    }
    if let Some(taken) = switches.take(SwitchName::RecordsHtml) {
        return Some(misbehave::html(&taken));
    }
    if let Some(taken) = switches.take(SwitchName::Records429) {
        return Some(misbehave::retry_later(Issue::THROTTLED, &taken));
    }
    if let Some(taken) = switches.take(SwitchName::Records503) {
        return Some(misbehave::retry_later(Issue::MAINTENANCE, &taken));
    }
    if switches.takes(SwitchName::RecordsTokenExpired) {
        return Some(access::challenge(Issue::LOGIN.described("access token expired"), Some("invalid_token")));
    }
    let taken = switches.take(SwitchName::RecordsOutcome)?;
    let code = taken.value.as_deref().unwrap_or("KZ-D04");
    Some(Issue::of_code(code).unwrap_or(Issue::UPSTREAM.with_status(500)).into())
}

/// The good answer, or what a switch makes of it.
fn bent_by_switch(server: &Server, mut answer: Answer) -> Answer {
    let switches = &server.switches;
    if switches.takes(SwitchName::RecordsDrop) {
        return Answer { dropped: true, outcome: format!("{}, dropped by switch", answer.outcome).into(), ..answer };
    }
    if switches.takes(SwitchName::RecordsMalformed) {
        return misbehave::malformed(answer);
    }
    if switches.takes(SwitchName::RecordsOversized) {
        return misbehave::oversized(answer);
    }
    if let Some(taken) = switches.take(SwitchName::RecordsDeep) {
        return misbehave::deep(answer, usize::try_from(taken.number_or(200)).unwrap_or(200));
    }
    for (name, kind, change) in CHANGES {
        // An answer that holds nothing to change leaves the switch armed.
        if let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body)
            && kind.is_none_or(|kind| first(&mut body)["resourceType"] == kind)
            && switches.takes(*name)
        {
            change(&mut body);
            answer.body = body.to_string().into_bytes();
            answer.outcome = format!("{}, {name} by switch", answer.outcome).into();
        }
    }
    answer
}

/// The first resource of a Bundle, or the resource itself.
fn first(body: &mut Value) -> &mut Value {
    if body["entry"].is_array() { &mut body["entry"][0]["resource"] } else { body }
}

/// The kind of identifier that nobody may send: it is made up, its check digit is right.
fn add_individual_number(body: &mut Value) {
    let forbidden = json!({ "system": format!("{NAMESPACE}/IdSystem/mynumber"), "value": "123456789018" });
    let resource = first(body);
    match resource["identifier"].as_array_mut() {
        Some(identifiers) => identifiers.push(forbidden),
        None => resource["identifier"] = json!([forbidden]),
    }
}

/// Breaks the invariant that the parts of an expense make its total.
fn add_a_yen(body: &mut Value) {
    if let Some(yen) = first(body).pointer_mut("/total/0/amount/value") {
        *yen = (yen.as_i64().unwrap_or(0) + 1).into();
    }
}

/// Adds what a client does not know: an element and a code to the first resource, and a resource type to a Bundle.
fn add_unknown(body: &mut Value) {
    let resource = first(body);
    resource["unknownElement"] = json!({ "nested": [1, "二"] });
    resource["subType"] = json!({ "coding": [{
        "system": format!("{NAMESPACE}/CodeSystem/expense-kind"), "code": "zz-new", "display": "新しい区分",
    }] });
    if let Some(entries) = body["entry"].as_array_mut() {
        let unknown = json!({ "resourceType": "UnknownRecord", "id": "unknown-1", "status": "active" });
        entries.push(json!({ "resource": unknown, "search": { "mode": "match" } }));
        let outcome = json!({ "resourceType": "OperationOutcome", "issue": [{
            "severity": "information", "code": "informational", "diagnostics": "by switch",
        }] });
        entries.push(json!({ "resource": outcome, "search": { "mode": "outcome" } }));
    }
}

/// A switch, the resource type it is about if it is one, and what it changes.
type Change = (SwitchName, Option<&'static str>, fn(&mut Value));

const CHANGES: &[Change] = &[
    (SwitchName::RecordsMyNumber, None, add_individual_number),
    (SwitchName::RecordsAmountMismatch, Some("ExplanationOfBenefit"), add_a_yen),
    (SwitchName::RecordsUnknown, None, add_unknown),
];
