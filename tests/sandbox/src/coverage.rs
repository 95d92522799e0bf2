//! `Coverage`: the search and the read of conformance level L0, derived from the eligibility answer.

use serde_json::{Value, json};

use crate::access;
use crate::bundle;
use crate::form::Form;
use crate::grants::COVERAGE_READ;
use crate::http::{Answer, Request};
use crate::inquiry;
use crate::outcome::Issue;
use crate::people::Person;
use crate::state::Server;

/// Answers `POST /r4/Coverage/_search` with the criteria `patient` and `status`.
pub(crate) fn search(server: &Server, request: &Request) -> Answer {
    try_search(server, request).unwrap_or_else(|answer| answer)
}

/// Answers `GET /r4/Coverage/<id>`, with 304 for a matching `If-None-Match`.
pub(crate) fn read(server: &Server, request: &Request) -> Answer {
    try_read(server, request).unwrap_or_else(|answer| answer)
}

fn try_search(server: &Server, request: &Request) -> Result<Answer, Answer> {
    let caller = access::authorize(server, request, COVERAGE_READ)?;
    let form = Form::parse(&request.body).ok_or(Issue::MALFORMED)?;
    let patient = form.get("patient").or_else(|| form.get("beneficiary"));
    if !caller.owns(patient) {
        return Err(Issue::SCOPE.described("patient is not that of the token").into());
    }
    let mut found = coverages(server, &caller.person);
    found.retain(|coverage| form.get("status").is_none_or(|status| coverage["status"] == status));
    let outcome = format!("{} found", found.len());
    Ok(Answer::fhir(200, &bundle::searchset(server, request, found), outcome))
}

fn try_read(server: &Server, request: &Request) -> Result<Answer, Answer> {
    let caller = access::authorize(server, request, COVERAGE_READ)?;
    let id = request.path.rsplit('/').next().unwrap_or_default();
    let coverage = coverages(server, &caller.person)
        .into_iter()
        .find(|coverage| coverage["id"] == id)
        .ok_or(Issue::NO_SUCH_ROUTE.described("no such coverage"))?;
    let version = format!("W/\"{VERSION}\"");
    let known = request.header("if-none-match").ok().flatten();
    let unchanged = known.is_some_and(|list| list.split(',').any(|tag| tag.trim() == version || tag.trim() == "*"));
    let answer =
        if unchanged { Answer::empty(304, "not modified") } else { Answer::fhir(200, &coverage, "coverage read") };
    Ok(answer.with_header("etag", version))
}

/// The coverages of a person as resources of their own, each containing its insurer.
fn coverages(server: &Server, person: &Person) -> Vec<Value> {
    let answer = inquiry::standing_answer(person, server.clock.now());
    let contained = answer["contained"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_kind = |kind: &'static str| contained.iter().filter(move |resource| resource["resourceType"] == kind);
    of_kind("Coverage")
        .zip('a'..)
        .map(|(coverage, letter)| {
            let mut coverage = coverage.clone();
            let payor = coverage["payor"][0]["reference"].as_str().unwrap_or_default().to_owned();
            let insurer = of_kind("Organization")
                .find(|resource| resource["id"].as_str().is_some_and(|id| payor.strip_prefix('#') == Some(id)));
            // The first has no letter, so that most people have a short id.
            let letter = if letter == 'a' { String::new() } else { letter.to_string() };
            coverage["id"] = format!("cov-{:02}{letter}", person.number).into();
            coverage["meta"]["versionId"] = VERSION.into();
            coverage["contained"] = json!(insurer.into_iter().collect::<Vec<_>>());
            coverage
        })
        .collect()
}

const VERSION: &str = "1";
