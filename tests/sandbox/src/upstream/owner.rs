//! Whose resource it is: the element of each type that names the patient.

use serde_json::Value;

/// The patient of a token, by every name that a reference may give them.
pub(super) struct Patient<'a> {
    pub(super) id: &'a str,
    /// The bases that an absolute reference may begin with: that of the FHIR server and that of the sandbox.
    pub(super) bases: [&'a str; 2],
}

impl Patient<'_> {
    /// Whether a resource is of type `kind` and about this patient and nobody else.
    pub(super) fn owns(&self, kind: &str, resource: &Value) -> bool {
        if resource["resourceType"] != kind {
            return false;
        }
        match kind {
            "Coverage" => self.is_in(&resource["beneficiary"]),
            "MedicationDispense" | "Observation" => self.is_in(&resource["subject"]),
            "Task" => self.is_in(&resource["for"]),
            "AuditEvent" => self.is_watched_in(resource),
            _ => self.is_in(&resource["patient"]),
        }
    }

    /// Whether an access log entry names this patient, and no other one.
    fn is_watched_in(&self, event: &Value) -> bool {
        let list = |name: &str, part: &'static str| {
            event[name].as_array().into_iter().flatten().filter_map(move |one| one[part]["reference"].as_str())
        };
        let named: Vec<&str> = list("entity", "what").chain(list("agent", "who")).collect();
        let mut patients = named.iter().filter(|reference| reference.contains("Patient/")).peekable();
        patients.peek().is_some() && patients.all(|reference| self.is(reference))
    }

    fn is_in(&self, element: &Value) -> bool {
        element["reference"].as_str().is_some_and(|reference| self.is(reference))
    }

    /// Whether a reference is to this patient, versioned or not (FHIR R4, 2.3.0.1).
    fn is(&self, reference: &str) -> bool {
        let below = |base: &&str| reference.strip_prefix(*base)?.strip_prefix('/');
        let relative = self.bases.iter().find_map(below).unwrap_or(reference);
        let id = relative.strip_prefix("Patient/").unwrap_or_default();
        id.split("/_history/").next() == Some(self.id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PATIENT: Patient<'static> =
        Patient { id: "p-1", bases: ["http://fhir.example/fhir", "https://sandbox.example/r4"] };

    #[test]
    fn a_reference_has_several_forms() {
        for own in [
            "Patient/p-1",
            "Patient/p-1/_history/3",
            "http://fhir.example/fhir/Patient/p-1",
            "https://sandbox.example/r4/Patient/p-1",
        ] {
            assert!(PATIENT.is(own), "{own}");
        }
        for other in ["", "p-1", "Patient/p-11", "Patient/", "http://other.example/Patient/p-1", "Group/p-1"] {
            assert!(!PATIENT.is(other), "{other}");
        }
    }

    #[test]
    fn an_access_log_entry_names_the_patient_and_no_other() {
        let event = |references: &[&str]| {
            let entities: Vec<Value> = references.iter().map(|to| json!({ "what": { "reference": to } })).collect();
            json!({ "resourceType": "AuditEvent", "entity": entities })
        };
        assert!(PATIENT.owns("AuditEvent", &event(&["Patient/p-1"])));
        assert!(PATIENT.owns("AuditEvent", &event(&["Coverage/1", "Patient/p-1"])));
        for other in [&[][..], &["Coverage/1"], &["Patient/p-2"], &["Patient/p-1", "Patient/p-2"]] {
            assert!(!PATIENT.owns("AuditEvent", &event(other)), "{other:?}");
        }
    }

    #[test]
    fn another_type_is_not_owned() {
        let task = json!({ "resourceType": "Task", "patient": { "reference": "Patient/p-1" } });
        assert!(!PATIENT.owns("Task", &task) && !PATIENT.owns("Consent", &task));
    }
}
