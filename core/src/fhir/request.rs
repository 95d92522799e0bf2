//! CoverageEligibilityRequest: what is asked.

use serde_json::{Value, json};

use super::{NAMESPACE, structure_definition};
use crate::secret::opaque_debug;
use crate::time::{CalendarDate, UnixMillis};

/// One eligibility question about the holder of the card.
#[derive(Clone)]
pub struct EligibilityRequest<'a> {
    /// UUID that names this question; also the `Idempotency-Key`.
    pub id: &'a str,
    /// The server's opaque patient id.
    pub patient: &'a str,
    /// Server time of the question; the day asked about is that day in Japan.
    pub created: UnixMillis,
    /// Types of optional information the person consented to.
    pub consents: &'a [String],
}

opaque_debug!(EligibilityRequest<'_>);

impl EligibilityRequest<'_> {
    /// The resource.
    pub fn to_json(&self) -> Value {
        let mut extensions = vec![json!({"url": structure_definition("inquiry-class"), "valueCode": "1"})];
        extensions.extend(self.consents.iter().map(|kind| {
            json!({"url": structure_definition("consent-state"), "extension": [
                {"url": "type", "valueCode": kind}, {"url": "state", "valueCode": "1"}]})
        }));
        json!({
            "resourceType": "CoverageEligibilityRequest",
            "identifier": [{"system": format!("{NAMESPACE}/IdSystem/client-request"), "value": self.id}],
            "status": "active",
            "purpose": ["validation", "benefits"],
            "patient": {"reference": format!("Patient/{}", self.patient)},
            "servicedDate": CalendarDate::in_japan(self.created).to_string(),
            "created": self.created.to_rfc3339(),
            "insurer": {
                "identifier": {"system": format!("{NAMESPACE}/IdSystem/resolver"), "value": "card"},
                "display": "カードの資格に基づき照会"
            },
            "extension": extensions,
        })
    }
}

/// The same question as an operation input, for servers that refuse it bare.
pub fn wrapped_in_parameters(resource: &Value) -> Value {
    json!({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_carries_the_consents_given_and_no_others() {
        let consents = ["limit-certificate".to_owned()];
        let created = UnixMillis::from_seconds(1_795_137_303);
        let request = EligibilityRequest { id: "u", patient: "p-1", created, consents: &consents }.to_json();
        assert_eq!(request["servicedDate"], "2026-11-20");
        assert_eq!(request["created"], "2026-11-20T10:15:03+09:00");
        assert_eq!(request["patient"]["reference"], "Patient/p-1");
        assert_eq!(request["extension"].as_array().map(Vec::len), Some(2));
        assert_eq!(request["extension"][1]["extension"][0]["valueCode"], "limit-certificate");
        let none = EligibilityRequest { id: "u", patient: "p-1", created, consents: &[] }.to_json();
        assert_eq!(none["extension"].as_array().map(Vec::len), Some(1));
    }
}
