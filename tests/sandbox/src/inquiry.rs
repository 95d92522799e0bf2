//! The eligibility request: reading it, answering it, and remembering it until it has been polled for.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::access::Caller;
use crate::outcome::{Issue, NAMESPACE};
use crate::people::Person;
use crate::random;
use crate::sync::lock;
use crate::template::Facts;
use crate::time::{self, Day, UnixSeconds};

/// What a CoverageEligibilityRequest asks.
#[derive(Clone, Debug)]
pub(crate) struct Inquiry {
    purpose: Value,
    serviced: Option<Day>,
    /// Types for which the request carried consent state 1.
    consents: Vec<String>,
    /// The name that the app gave it: the answer repeats it.
    name: Value,
}

impl Inquiry {
    /// Reads a request body, bare or wrapped in Parameters; `wrapped_only` refuses the bare form.
    pub(crate) fn parse(body: &[u8], caller: &Caller, wrapped_only: bool) -> Result<Self, Issue> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Issue::MALFORMED.described("body is not JSON"))?;
        let request = match body["resourceType"].as_str() {
            Some("CoverageEligibilityRequest") if !wrapped_only => &body,
            Some("Parameters") => body["parameter"]
                .as_array()
                .and_then(|parameters| parameters.iter().find(|parameter| parameter["name"] == "resource"))
                .map(|parameter| &parameter["resource"])
                .filter(|resource| resource["resourceType"] == "CoverageEligibilityRequest")
                .ok_or(Issue::MALFORMED.described("Parameters hold no CoverageEligibilityRequest"))?,
            _ if wrapped_only => return Err(Issue::MALFORMED.described("body must be wrapped in Parameters")),
            _ => return Err(Issue::MALFORMED.described("body is no CoverageEligibilityRequest")),
        };
        if ["status", "purpose", "patient", "created", "insurer"].iter().any(|name| request[*name].is_null()) {
            return Err(Issue::REQUIRED_ELEMENT);
        }
        let purpose = &request["purpose"];
        if request["status"] != "active" || !purpose.as_array().is_some_and(|list| list.contains(&json!("validation")))
        {
            return Err(Issue::INVALID_ELEMENT.described("status or purpose refused"));
        }
        let patient = request["patient"]["reference"].as_str();
        if patient.is_none() || !caller.owns(patient) {
            return Err(Issue::SCOPE.described("patient is not that of the token"));
        }
        let serviced = match &request["servicedDate"] {
            Value::Null => None,
            date => Some(date.as_str().and_then(Day::parse).ok_or(Issue::INVALID_ELEMENT.described("servicedDate"))?),
        };
        let system = format!("{NAMESPACE}/IdSystem/client-request");
        let mut names = request["identifier"].as_array().into_iter().flatten();
        let name = names.rfind(|name| name["system"] == system.as_str()).cloned().unwrap_or_default();
        Ok(Self { purpose: purpose.clone(), serviced, consents: consents(request), name })
    }

    /// The answer for `person` from a template.
    fn answer(&self, person: &Person, template: &str, ids: &Ids, now: UnixSeconds) -> Value {
        let facts = Facts {
            now,
            patient: &person.patient,
            request: &ids.request,
            response: &ids.response,
            proof: &ids.proof,
            serviced: self.serviced.unwrap_or(Day::at(now)),
        };
        let mut answer = facts.fill(template);
        answer["purpose"] = self.purpose.clone();
        if self.name.is_object() {
            answer["request"]["identifier"] = self.name.clone();
        }
        self.apply_consents(&mut answer, now);
        answer
    }

    /// Leaves out what nobody consented to, and states what was consented to.
    fn apply_consents(&self, answer: &mut Value, now: UnixSeconds) {
        let consented = |kind: &str| self.consents.iter().any(|consent| consent == kind);
        for insurance in array_mut(answer, "insurance").into_iter().flatten() {
            let Some(items) = array_mut(insurance, "item") else { continue };
            items.retain(|item| {
                let codings = item["category"]["coding"].as_array().into_iter().flatten();
                let mut kinds = codings.filter_map(|coding| coding["code"].as_str());
                kinds.all(|kind| !NEEDS_CONSENT.contains(&kind) || consented(kind))
            });
            // FHIR allows no empty arrays.
            if items.is_empty()
                && let Some(insurance) = insurance.as_object_mut()
            {
                insurance.remove("item");
            }
        }
        // Nothing was disclosed when there is no insurance, so no consent was used.
        if answer["insurance"].is_null() || self.consents.is_empty() {
            return;
        }
        let until = time::rfc3339(now.saturating_add(CONSENT_S));
        let stated = self.consents.iter().map(|kind| {
            json!({
                "url": format!("{NAMESPACE}/StructureDefinition/consent-state"),
                "extension": [
                    { "url": "type", "valueCode": kind },
                    { "url": "state", "valueCode": "1" },
                    { "url": "consentTime", "valueDateTime": time::rfc3339(now) },
                    { "url": "availableUntil", "valueDateTime": until },
                ],
            })
        });
        let mut extensions = answer["extension"].as_array().cloned().unwrap_or_default();
        extensions.extend(stated);
        answer["extension"] = Value::Array(extensions);
    }
}

/// The array `name`. An index would put `null` where there is none, which FHIR does not allow.
fn array_mut<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Vec<Value>> {
    value.get_mut(name)?.as_array_mut()
}

fn consents(request: &Value) -> Vec<String> {
    let url = format!("{NAMESPACE}/StructureDefinition/consent-state");
    let extensions = request["extension"].as_array().into_iter().flatten();
    let mut kinds: Vec<String> = extensions
        .filter(|extension| extension["url"] == url.as_str())
        .filter_map(|extension| {
            let parts = extension["extension"].as_array()?;
            let code = |name: &str| parts.iter().find(|part| part["url"] == name)?["valueCode"].as_str();
            let kind = code("type").filter(|kind| CONSENT_KINDS.contains(kind))?;
            (code("state") == Some("1")).then(|| kind.to_owned())
        })
        .collect();
    kinds.dedup();
    kinds
}

/// The requests that were processed, so that their answers can be searched for.
#[derive(Default)]
pub(crate) struct Inquiries(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    count: u64,
    records: HashMap<String, Record>,
    order: VecDeque<String>,
}

struct Record {
    person: Person,
    inquiry: Inquiry,
    ids: Ids,
    answer: Value,
    queued: bool,
    polls: u32,
}

#[derive(Clone)]
struct Ids {
    request: String,
    response: String,
    proof: String,
}

impl Inquiries {
    /// Processes a request; the answer of a queued one has `outcome` `queued`.
    pub(crate) fn process(&self, person: &Person, inquiry: Inquiry, queued: bool, now: UnixSeconds) -> Value {
        let mut inner = lock(&self.0);
        inner.count += 1;
        let number = inner.count;
        let ids = Ids {
            request: format!("cerq-{number}"),
            response: format!("cer-{}-{number:04}", Day::at(now).to_string().replace('-', "")),
            proof: random::proof_code(),
        };
        let template = if queued { QUEUED } else { person.template };
        let answer = inquiry.answer(person, template, &ids, now);
        let request = ids.request.clone();
        let record = Record { person: person.clone(), inquiry, ids, answer: answer.clone(), queued, polls: 0 };
        inner.order.push_back(request.clone());
        inner.records.insert(request, record);
        if inner.order.len() > KEPT
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.records.remove(&oldest);
        }
        answer
    }

    /// The answer to the request `id` of `person`; a queued one is complete when it is looked for the second time.
    pub(crate) fn poll(&self, person: u8, id: &str, still_queued: bool, now: UnixSeconds) -> Option<Value> {
        let mut inner = lock(&self.0);
        let record = inner.records.get_mut(id).filter(|record| record.person.number == person)?;
        if record.queued && !still_queued {
            record.polls += 1;
            if record.polls >= POLLS {
                record.queued = false;
                let Record { person, inquiry, ids, .. } = &*record;
                record.answer = inquiry.answer(person, person.template, ids, now);
            }
        }
        Some(record.answer.clone())
    }
}

/// The answer template filled for a person who has asked nothing, for what is derived from it.
pub(crate) fn standing_answer(person: &Person, now: UnixSeconds) -> Value {
    let facts = Facts { now, patient: &person.patient, request: "", response: "", proof: "", serviced: Day::at(now) };
    facts.fill(person.template)
}

/// The `KZ-…` code of an answer that is not simply valid.
pub(crate) fn code(answer: &Value) -> Option<&'static str> {
    let validity = answer["insurance"][0]["extension"].as_array().into_iter().flatten().find_map(|extension| {
        extension["url"]
            .as_str()?
            .ends_with("/qualification-validity")
            .then(|| extension["valueCoding"]["code"].as_str())?
    });
    match (answer["outcome"].as_str(), validity) {
        (Some("error"), _) => Some("KZ-Q01"),
        (Some("complete"), None) => Some("KZ-Q02"),
        (_, Some("2")) => Some("KZ-Q04"),
        (_, Some("3")) => Some("KZ-Q05"),
        (_, Some("5")) => Some("KZ-Q03"),
        _ => None,
    }
}

/// Benefits that are told only with consent.
const NEEDS_CONSENT: &[&str] = &["limit-certificate", "specific-disease"];
/// Consents that an inquiry can carry.
pub(crate) const CONSENT_KINDS: &[&str] = &[
    "limit-certificate",
    "specific-disease",
    "checkup",
    "medication",
    "diagnosis",
    "operation",
    "problem",
    "infection",
    "allergy",
    "contraindication",
    "test",
    "prescription",
];
const QUEUED: &str = include_str!("../data/queued.json");
const CONSENT_S: i64 = 24 * 3600;
const POLLS: u32 = 2;
const KEPT: usize = 1000;
