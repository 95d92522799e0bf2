//! `Consent`: given for one type and at most a year, withdrawn at any time (conformance level L3).

use serde_json::Value;

use crate::access::{self, Caller};
use crate::authorization::is_hash;
use crate::conditional::{self, code, identifier, system};
use crate::grants::CONSENT;
use crate::http::{Answer, Request};
use crate::inquiry::CONSENT_KINDS;
use crate::outcome::Issue;
use crate::records::{Access, AccessKind, guarded};
use crate::search::{self, Kind};
use crate::state::Server;
use crate::time::Day;

/// Answers `POST /r4/Consent`.
pub(crate) fn create(server: &Server, request: &Request) -> Answer {
    conditional::write(
        server,
        request,
        || access::authorize(server, request, CONSENT),
        |caller, body| {
            let consents = server.written.all(caller.person.number, KIND.name);
            if let Some(known) = conditional::existing(request, &consents)? {
                return Ok(conditional::stored(server, 200, known, "consent known"));
            }
            let today = Day::at(server.clock.now());
            check(caller, &body, today)?;
            end_earlier(server, caller, &consents, kind(&body));
            let created = server.written.create(caller.person.number, "consent", body, server.clock.now());
            log_change(server, caller);
            Ok(conditional::stored(server, 201, &created, "consent given"))
        },
    )
}

/// Answers `PUT /r4/Consent/<id>`: a withdrawal, which needs `If-Match`.
pub(crate) fn withdraw(server: &Server, request: &Request) -> Answer {
    conditional::write(
        server,
        request,
        || access::authorize(server, request, CONSENT),
        |caller, body| {
            let id = request.path.rsplit('/').next().unwrap_or_default();
            let given = |issue: Issue| Err(Answer::from(issue));
            if body["resourceType"] != KIND.name || body["id"] != id {
                return given(Issue::INVALID_ELEMENT.described("body is not the consent of the URL"));
            }
            if body["status"] != "inactive" {
                return given(
                    Issue::INVALID_ELEMENT.described("a consent can only be withdrawn, with status inactive"),
                );
            }
            let key = (KIND.name, id);
            let updated = server.written.update(caller.person.number, key, server.clock.now(), |stored| {
                conditional::check_version(server, request, stored)?;
                // Only the status may change, whatever else the body says.
                stored["status"] = "inactive".into();
                Ok::<(), Issue>(())
            });
            let updated = updated.ok_or(Issue::NO_SUCH_ROUTE.described("no such consent"))??;
            log_change(server, caller);
            Ok(conditional::stored(server, 200, &updated, "consent withdrawn"))
        },
    )
}

/// Answers `GET /r4/Consent/<id>`.
pub(crate) fn read(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let caller = access::authorize(server, request, KIND.scope)?;
        search::read(request, &server.written.all(caller.person.number, KIND.name))
    })
}

/// Answers `POST /r4/Consent/_search`.
pub(crate) fn search(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let caller = access::authorize(server, request, KIND.scope)?;
        search::search(server, request, &caller, &KIND, || server.written.all(caller.person.number, KIND.name))
    })
}

/// Answers `GET /r4/Consent?_page=…`.
pub(crate) fn page(server: &Server, request: &Request) -> Answer {
    guarded(server, request, || {
        let caller = access::authorize(server, request, KIND.scope)?;
        search::page(server, request, &caller, &KIND)
    })
}

/// The rules of the contract for a consent that is to be given.
fn check(caller: &Caller, consent: &Value, today: Day) -> Result<(), Issue> {
    if consent["resourceType"] != KIND.name {
        return Err(Issue::MALFORMED.described("body is no Consent"));
    }
    if ["dateTime", "scope", "policy"].iter().any(|name| consent[*name].is_null()) {
        return Err(Issue::REQUIRED_ELEMENT.described("dateTime, scope or policy missing"));
    }
    if consent["status"] != "active" || consent["provision"]["type"] != "permit" {
        return Err(Issue::INVALID_ELEMENT.described("status is not active or provision does not permit"));
    }
    let patient = consent["patient"]["reference"].as_str();
    if patient.is_none() || !caller.owns(patient) {
        return Err(Issue::SCOPE.described("patient is not that of the token"));
    }
    let categories = consent["category"].as_array().map_or(0, Vec::len);
    let kind = kind(consent).filter(|kind| *kind == FAMILY_SHARE || CONSENT_KINDS.contains(kind));
    let (1, Some(kind)) = (categories, kind) else {
        return Err(Issue::INVALID_ELEMENT.described("category is not exactly one known consent-type"));
    };
    let hash = identifier(consent, &system("notice-sha256")).filter(|hash| is_hash(hash));
    hash.ok_or(Issue::REQUIRED_ELEMENT.described("identifier notice-sha256 is missing or no base64url SHA-256"))?;
    check_period(&consent["provision"]["period"], today)?;
    if kind == FAMILY_SHARE {
        check_family_share(&consent["provision"])?;
    }
    Ok(())
}

fn check_period(period: &Value, today: Day) -> Result<(), Issue> {
    let day = |name: &str| period[name].as_str().and_then(|text| Day::parse(text.get(..10)?));
    let (Some(start), Some(end)) = (day("start"), day("end")) else {
        return Err(Issue::REQUIRED_ELEMENT.described("provision.period needs start and end"));
    };
    if end < start || end < today || end > start.years_later(1) {
        return Err(Issue::INVALID_ELEMENT.described("provision.period has ended or is longer than a year"));
    }
    Ok(())
}

/// A family member may see what is listed class by class, and for the purpose of a family request only.
fn check_family_share(provision: &Value) -> Result<(), Issue> {
    let has = |name: &str| provision[name].as_array().is_some_and(|list| !list.is_empty());
    let family = provision["purpose"].as_array().into_iter().flatten().any(|purpose| purpose["code"] == "FAMRQT");
    if family && has("class") && has("actor") {
        return Ok(());
    }
    Err(Issue::INVALID_ELEMENT.described("family-share needs purpose FAMRQT, an actor and classes"))
}

/// A new consent takes the place of the one of the same type.
fn end_earlier(server: &Server, caller: &Caller, consents: &[Value], new: Option<&str>) {
    let same = consents.iter().filter(|known| known["status"] == "active" && kind(known) == new);
    for id in same.filter_map(|known| known["id"].as_str()) {
        server.written.update(caller.person.number, (KIND.name, id), server.clock.now(), |stored| {
            stored["status"] = "inactive".into();
            Ok::<(), Issue>(())
        });
    }
}

fn log_change(server: &Server, caller: &Caller) {
    let access = Access {
        id: String::new(),
        kind: AccessKind::ConsentChanged,
        recorded: server.clock.now(),
        institution: None,
        who: &caller.person.name,
        device: "アプリ",
    };
    let event = access.resource(&caller.person);
    server.written.create(caller.person.number, "ae-own", event, server.clock.now());
}

fn kind(consent: &Value) -> Option<&str> {
    code(&consent["category"][0], "consent-type")
}

/// How consents are searched.
pub(crate) const KIND: Kind = Kind {
    name: "Consent",
    scope: CONSENT,
    dates: &[("date", "/dateTime")],
    tokens: &[("status", "/status"), ("category", "/category"), ("identifier", "/identifier")],
};
/// The one type that an eligibility inquiry does not carry.
const FAMILY_SHARE: &str = "family-share";
