//! `Coverage`: the search and the read of conformance level L0, derived from the eligibility answer.

use serde_json::{Value, json};

use crate::access;
use crate::grants::COVERAGE_READ;
use crate::http::{Answer, Request};
use crate::inquiry;
use crate::people::Person;
use crate::records::guarded;
use crate::search::{self, Kind};
use crate::state::Server;

/// Answers `POST /r4/Coverage/_search` with the criteria `patient` and `status`.
pub(crate) fn search(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let caller = access::authorize(server, request, KIND.scope)?;
        search::search(server, request, &caller, &KIND, || coverages(server, &caller.person))
    })
}

/// Answers `GET /r4/Coverage?_page=…`.
pub(crate) fn page(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let caller = access::authorize(server, request, KIND.scope)?;
        search::page(server, request, &caller, &KIND)
    })
}

/// Answers `GET /r4/Coverage/<id>`, with 304 for a matching `If-None-Match`.
pub(crate) fn read(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let caller = access::authorize(server, request, KIND.scope)?;
        search::read(request, &coverages(server, &caller.person))
    })
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

/// How coverages are searched.
pub(crate) const KIND: Kind = Kind {
    name: "Coverage",
    scope: COVERAGE_READ,
    dates: &[],
    tokens: &[("status", "/status"), ("type", "/type"), ("identifier", "/identifier")],
};
const VERSION: &str = "1";
