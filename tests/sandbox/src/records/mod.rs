//! Conformance level L2: the records of each person, made from small tables so that they end in the present.

mod access_log;
mod checkup;
mod expense;
mod immunization;
mod medication;
mod tables;
mod wrong;

use serde_json::Value;

pub(crate) use self::access_log::{Access, AccessKind};
pub(crate) use self::wrong::guarded;

use crate::access;
use crate::grants;
use crate::http::{Answer, Request};
use crate::outcome::Issue;
use crate::people::Person;
use crate::search::{self, Kind};
use crate::state::Server;
use crate::time::Day;

/// Answers `POST /r4/<record type>/_search`.
pub(crate) fn search(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let kind = kind(request)?;
        let caller = access::authorize(server, request, kind.scope)?;
        search::search(server, request, &caller, kind, || resources(server, kind, &caller.person))
    })
}

/// Answers `GET /r4/<record type>?_page=…`, which is where `next` links lead.
pub(crate) fn page(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let kind = kind(request)?;
        let caller = access::authorize(server, request, kind.scope)?;
        search::page(server, request, &caller, kind)
    })
}

/// Answers `GET /r4/<record type>/<id>`.
pub(crate) fn read(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let kind = kind(request)?;
        let caller = access::authorize(server, request, kind.scope)?;
        search::read(request, &resources(server, kind, &caller.person))
    })
}

/// The record type that the path names.
fn kind(request: &Request) -> Result<&'static Kind, Answer> {
    let named = |kind: &&Kind| request.path.split('/').nth(2) == Some(kind.name);
    KINDS.iter().find(named).ok_or_else(|| Issue::NO_SUCH_ROUTE.into())
}

fn resources(server: &Server, kind: &Kind, person: &Person) -> Vec<Value> {
    let now = server.clock.now();
    let today = Day::at(now);
    match kind.name {
        "ExplanationOfBenefit" => expense::resources(person, today),
        "MedicationDispense" => medication::resources(person, now),
        "Immunization" => immunization::resources(person, today),
        "Observation" => checkup::resources(person, today),
        "AuditEvent" => {
            let mut events = access_log::resources(person, now);
            events.extend(server.written.all(person.number, kind.name));
            events
        }
        _ => Vec::new(),
    }
}

/// The record types with what they can be searched by.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "ExplanationOfBenefit",
        scope: grants::EXPENSES_READ,
        dates: &[("created", "/created")],
        tokens: &[("identifier", "/identifier"), ("status", "/status")],
    },
    Kind {
        name: "MedicationDispense",
        scope: grants::MEDICATIONS_READ,
        dates: &[("whenhandedover", "/whenHandedOver")],
        tokens: &[("identifier", "/identifier"), ("status", "/status"), ("code", "/medicationCodeableConcept")],
    },
    Kind {
        name: "Immunization",
        scope: grants::IMMUNIZATIONS_READ,
        dates: &[("date", "/occurrenceDateTime")],
        tokens: &[("status", "/status"), ("vaccine-code", "/vaccineCode")],
    },
    Kind {
        name: "Observation",
        scope: grants::CHECKUPS_READ,
        dates: &[("date", "/effectiveDateTime")],
        tokens: &[("category", "/category"), ("code", "/code"), ("status", "/status")],
    },
    Kind {
        name: "AuditEvent",
        scope: grants::ACCESS_LOG_READ,
        dates: &[("date", "/recorded")],
        tokens: &[("subtype", "/subtype"), ("type", "/type"), ("action", "/action")],
    },
];

#[cfg(test)]
mod tests;
