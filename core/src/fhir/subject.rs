//! Whom a resource is about, as it says itself.

use serde_json::Value;

use super::{items, text};

/// Every reference by which a resource, or one contained in it, says whom it is about. `None` stands for an element that is
/// missing or names nobody who could be looked up: an identifier or a name alone. Nothing for a type that is about nobody.
///
/// | type | element (FHIR R4) |
/// |---|---|
/// | ExplanationOfBenefit, Immunization, Consent, CoverageEligibilityRequest and -Response | `patient` |
/// | MedicationDispense, Observation | `subject` |
/// | Coverage | `beneficiary` |
/// | Task | `for`; `focus` and `requester` where they are a Patient |
/// | AuditEvent | `entity.what`, those that are a Patient: one at least |
pub(crate) fn subjects(resource: &Value) -> Vec<Option<&str>> {
    let reference = |name: &str| resource.get(name).and_then(|element| text(element, "reference"));
    let mut found = match text(resource, "resourceType") {
        Some(
            "ExplanationOfBenefit"
            | "Immunization"
            | "Consent"
            | "CoverageEligibilityRequest"
            | "CoverageEligibilityResponse",
        ) => vec![reference("patient")],
        Some("MedicationDispense" | "Observation") => vec![reference("subject")],
        Some("Coverage") => vec![reference("beneficiary")],
        Some("Task") => {
            let others = ["focus", "requester"].into_iter().filter_map(|name| person_named(resource.get(name)?));
            std::iter::once(reference("for")).chain(others).collect()
        }
        Some("AuditEvent") => patients_looked_at(resource),
        _ => Vec::new(),
    };
    found.extend(items(resource, "contained").flat_map(subjects));
    found
}

/// What was looked at may be a document or a list as well; of the persons among it none may be missing.
fn patients_looked_at(event: &Value) -> Vec<Option<&str>> {
    let patients: Vec<_> = items(event, "entity").filter_map(|entity| person_named(entity.get("what")?)).collect();
    if patients.is_empty() { vec![None] } else { patients }
}

/// The reference of an element that may name anything, if it names a patient: by the reference, relative or absolute, or by
/// its type beside an identifier (FHIR R4, 2.3.0).
fn person_named(element: &Value) -> Option<Option<&str>> {
    let reference = text(element, "reference");
    let names_patient = |reference: &str| reference.split('/').rev().skip(1).any(|part| part == "Patient");
    (reference.is_some_and(names_patient) || text(element, "type") == Some("Patient")).then_some(reference)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_type_names_its_person_in_its_own_element() {
        let person = json!({"reference": "Patient/p"});
        for (kind, element) in [
            ("ExplanationOfBenefit", "patient"),
            ("Immunization", "patient"),
            ("Consent", "patient"),
            ("CoverageEligibilityRequest", "patient"),
            ("CoverageEligibilityResponse", "patient"),
            ("MedicationDispense", "subject"),
            ("Observation", "subject"),
            ("Coverage", "beneficiary"),
            ("Task", "for"),
        ] {
            let named = json!({"resourceType": kind, element: person});
            assert_eq!(subjects(&named), [Some("Patient/p")], "{kind}");
            let logical = json!({"resourceType": kind, element: {"identifier": {"value": "1"}, "display": "x"}});
            assert_eq!(subjects(&logical), [None], "{kind}");
            let inside = json!({"resourceType": "List", "contained": [named, {"resourceType": kind}]});
            assert_eq!(subjects(&inside), [Some("Patient/p"), None], "{kind}");
        }
        assert!(subjects(&json!({"resourceType": "Organization", "patient": person})).is_empty());
    }

    #[test]
    fn a_task_may_name_more_than_whom_it_is_for() {
        let task = json!({"resourceType": "Task", "for": {"reference": "Patient/p"},
            "requester": {"reference": "Patient/q"}, "focus": {"reference": "Coverage/1"}});
        assert_eq!(subjects(&task), [Some("Patient/p"), Some("Patient/q")]);
    }

    #[test]
    fn an_audit_event_names_everybody_whose_data_were_looked_at() {
        let event = |what: &[&str]| {
            let entities: Vec<_> = what.iter().map(|one| json!({"what": {"reference": one}})).collect();
            json!({"resourceType": "AuditEvent", "entity": entities})
        };
        let of = |what: &[&str]| subjects(&event(what)).iter().map(|one| one.map(str::to_owned)).collect::<Vec<_>>();
        assert_eq!(of(&["DocumentReference/d", "Patient/p"]), [Some("Patient/p".to_owned())]);
        assert_eq!(of(&["Patient/p", "https://x.example/r4/Patient/q/_history/1"]).len(), 2);
        assert_eq!(of(&["DocumentReference/d"]), [None]);
        assert_eq!(of(&[]), [None]);
        let logical = json!({"resourceType": "AuditEvent", "entity": [
            {"what": {"reference": "Patient/p"}}, {"what": {"type": "Patient", "identifier": {"value": "1"}}}]});
        assert_eq!(subjects(&logical), [Some("Patient/p"), None]);
    }
}
