//! Whose an answer is: everything that comes back is compared with what was asked before any of it is used or kept.
//!
//! A server, or whoever stands before it, can mix up people; TLS and seals do not tell. So each resource has to name the
//! person of the token, and what answers a request has to carry that request's own name (wire contract §8 to §12). What does
//! not is [`ResourceFault::Foreign`], with everything that came along.

use serde_json::Value;

use super::https_url::HttpsUrl;
use crate::error::{Error, ResourceFault};
use crate::fhir::{self, id_system, is_id};

/// The person of the token, at one FHIR server.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) base: &'a HttpsUrl,
    pub(super) patient: &'a str,
}

impl Asked<'_> {
    /// Whether a resource, and each one contained in it, is about this person and nobody else.
    pub(super) fn check_person(&self, resource: &Value) -> Result<(), Error> {
        let all_ours = fhir::subjects(resource).into_iter().all(|named| self.is_ours(named));
        if all_ours { Ok(()) } else { Err(foreign("resource")) }
    }

    fn is_ours(&self, reference: Option<&str>) -> bool {
        let place = reference.and_then(|reference| resolve(self.base, reference));
        place.is_some_and(|(kind, id)| kind == "Patient" && id == self.patient)
    }

    /// Whether `stored` is what `sent` asked to be stored: the same kind of thing about this person, under the name that the
    /// request gave it. The server adds what it likes to that.
    pub(super) fn check_stored(&self, sent: &Value, stored: &Value) -> Result<(), Error> {
        self.check_person(stored)?;
        let is_same = sent.get("resourceType") == stored.get("resourceType")
            && ["code", "category"].iter().all(|name| has_all(codings(sent, name), codings(stored, name)))
            && has_all(request_names(sent), request_names(stored));
        if is_same { Ok(()) } else { Err(foreign("stored resource")) }
    }

    /// Whether a resource is the one at `path`, such as `Task/1`, and about this person.
    pub(super) fn check_at(&self, path: &str, resource: &Value) -> Result<(), Error> {
        let place = fhir::text(resource, "resourceType").zip(fhir::text(resource, "id"));
        let is_there = place.is_some_and(|(kind, id)| path.split_once('/') == Some((kind, id)));
        if is_there { self.check_person(resource) } else { Err(foreign("resource")) }
    }

    /// Whether an eligibility answer is about this person, and to the question of this name where it tells.
    pub(super) fn check_eligibility(&self, answer: &Value, question: &str) -> Result<(), Error> {
        self.check_person(answer)?;
        let request = answer.get("request");
        let identifier = request.and_then(|request| request.get("identifier"));
        let is_named = identifier
            .filter(|identifier| fhir::text(identifier, "system") == Some(&id_system("client-request")))
            .is_none_or(|identifier| fhir::text(identifier, "value") == Some(question));
        let is_question = request.and_then(|request| fhir::text(request, "reference")).is_none_or(|reference| {
            resolve(self.base, reference).is_some_and(|(kind, _)| kind == "CoverageEligibilityRequest")
        });
        if is_named && is_question { Ok(()) } else { Err(foreign("eligibility answer")) }
    }

    /// Whether a polled answer is about this person, and to the same request as the answer that `pending` was promised by.
    pub(super) fn check_polled(&self, answer: &Value, pending: &str) -> Result<(), Error> {
        self.check_person(answer)?;
        let request = answer.get("request").and_then(|request| fhir::text(request, "reference"));
        let asked = resolve(self.base, pending);
        let is_same = asked.is_some() && request.and_then(|request| resolve(self.base, request)) == asked;
        if is_same { Ok(()) } else { Err(foreign("eligibility answer")) }
    }
}

/// The answer is dropped.
pub(super) fn foreign(what: &'static str) -> Error {
    ResourceFault::Foreign { what }.into()
}

/// Whether the server calls the person of a token by the id that is known.
pub(crate) fn check_patient(known: Option<&str>, found: &str) -> Result<(), Error> {
    if known.is_none_or(|known| known == found) { Ok(()) } else { Err(foreign("patient")) }
}

/// Type and id that a reference names, if it is one within this server (FHIR R4, 2.3.0.1): relative to the base, or
/// absolute below it. A version is left out. Fragments, URNs and other servers name nothing here.
pub(super) fn resolve(base: &HttpsUrl, reference: &str) -> Option<(String, String)> {
    let path = base.path_below(reference)?;
    let mut parts = path.split('/');
    let (kind, id) = (parts.next()?, parts.next()?);
    let is_type = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_whole = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => true,
        (Some("_history"), Some(version), None) => is_id(version),
        _ => false,
    };
    (is_type && is_id(id) && is_whole).then(|| (kind.to_owned(), id.to_owned()))
}

/// Systems and codes of a CodeableConcept, or of a list of them.
fn codings<'a>(resource: &'a Value, name: &str) -> Vec<(Option<&'a str>, Option<&'a str>)> {
    let element = resource.get(name);
    let concepts: Vec<&Value> = match element {
        Some(Value::Array(list)) => list.iter().collect(),
        one => one.into_iter().collect(),
    };
    let codings = concepts.into_iter().flat_map(|concept| fhir::items(concept, "coding"));
    codings.map(|coding| (fhir::text(coding, "system"), fhir::text(coding, "code"))).collect()
}

/// The names that this program gave a request.
fn request_names(resource: &Value) -> Vec<Option<&str>> {
    let system = id_system("client-request");
    let ours = fhir::items(resource, "identifier").filter(|one| fhir::text(one, "system") == Some(&system));
    ours.map(|one| fhir::text(one, "value")).collect()
}

/// Whether everything wanted is there.
fn has_all<T: PartialEq>(wanted: Vec<T>, there: Vec<T>) -> bool {
    wanted.iter().all(|one| there.contains(one))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base() -> HttpsUrl {
        HttpsUrl::parse("https://fhir.example/r4").expect("a URL")
    }

    #[test]
    fn references_are_resolved_against_the_base() {
        for ours in [
            "Patient/p-1",
            "Patient/p-1/_history/3",
            "https://fhir.example/r4/Patient/p-1",
            "https://FHIR.example:443/r4/Patient/p-1/_history/2",
        ] {
            assert_eq!(resolve(&base(), ours), Some(("Patient".to_owned(), "p-1".to_owned())), "{ours}");
        }
        for other in [
            "",
            "p-1",
            "#p-1",
            "Patient",
            "Patient/",
            "/Patient/p-1",
            "Patient/p-1/",
            "Patient/p-1/x",
            "Patient/p-1/_history",
            "Patient/p-1/_history/1/2",
            "Patient/p_1",
            "Patient/p-1?x=1",
            "Patient/p-1#x",
            "urn:uuid:0c3b1a0e-0000-4000-8000-000000000001",
            "http://fhir.example/r4/Patient/p-1",
            "https://fhir.example/Patient/p-1",
            "https://fhir.example/r40/Patient/p-1",
            "https://fhir.example/r4/../r4/Patient/p-1",
            "https://other.example/r4/Patient/p-1",
            "https://fhir.example:8443/r4/Patient/p-1",
        ] {
            assert_eq!(resolve(&base(), other), None, "{other}");
        }
    }

    #[test]
    fn what_was_stored_is_what_was_sent_with_more() {
        let base = base();
        let asked = Asked { base: &base, patient: "p-1" };
        let sent = json!({"resourceType": "Task", "for": {"reference": "Patient/p-1"},
            "identifier": [{"system": id_system("client-request"), "value": "u"}],
            "code": {"coding": [{"system": "s", "code": "card-suspension"}]}});
        let mut stored = sent.clone();
        stored["identifier"].as_array_mut().expect("names").push(json!({"system": "receipt", "value": "1"}));
        stored["requester"] = json!({"reference": "Practitioner/1"});
        stored["focus"] = json!({"reference": "Coverage/1"});
        assert!(asked.check_stored(&sent, &stored).is_ok());
        for (pointer, other) in [
            ("/resourceType", json!("Consent")),
            ("/for/reference", json!("Patient/p-2")),
            ("/for", json!({"display": "x"})),
            ("/identifier/0/value", json!("v")),
            ("/code/coding/0/code", json!("insurance-registration")),
            ("/requester/reference", json!("Patient/p-2")),
            ("/focus/reference", json!("Patient/p-2")),
        ] {
            let mut changed = stored.clone();
            *changed.pointer_mut(pointer).expect(pointer) = other;
            let refused = asked.check_stored(&sent, &changed).expect_err(pointer);
            assert_eq!(refused.code(), "KZ-D08", "{pointer}");
        }
    }

    #[test]
    fn an_answer_of_another_place_or_question_is_refused() {
        let base = base();
        let asked = Asked { base: &base, patient: "p-1" };
        let task = json!({"resourceType": "Task", "id": "1", "for": {"reference": "Patient/p-1"}});
        assert!(asked.check_at("Task/1", &task).is_ok());
        for path in ["Task/2", "Consent/1", "Task"] {
            assert!(asked.check_at(path, &task).is_err(), "{path}");
        }
        let answer = |request| {
            json!({"resourceType": "CoverageEligibilityResponse", "patient": {"reference": "Patient/p-1"},
                "request": request})
        };
        let name = |value: &str| json!({"identifier": {"system": id_system("client-request"), "value": value}});
        assert!(asked.check_eligibility(&answer(name("q")), "q").is_ok());
        assert!(asked.check_eligibility(&answer(name("other")), "q").is_err());
        assert!(asked.check_eligibility(&answer(json!({"reference": "Task/1"})), "q").is_err());
        let to = |id: &str| answer(json!({"reference": format!("CoverageEligibilityRequest/{id}")}));
        assert!(asked.check_eligibility(&to("1"), "q").is_ok());
        assert!(asked.check_polled(&to("1"), "https://fhir.example/r4/CoverageEligibilityRequest/1").is_ok());
        assert!(asked.check_polled(&to("2"), "CoverageEligibilityRequest/1").is_err());
        assert!(asked.check_polled(&answer(json!(null)), "urn:x").is_err());
    }
}
