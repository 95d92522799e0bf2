//! What a FHIR server says it can do: CapabilityStatement (FHIR R4, 2.21).

use serde_json::Value;

use super::resource::resource;
use super::{items, text};

resource!(
    /// The server's own description.
    CapabilityStatement, "CapabilityStatement", "capability statement"
);

impl CapabilityStatement {
    /// Members that nothing below looks at and that are most of such a statement: megabytes for a server that knows every
    /// type. They are left out wherever they stand.
    pub const UNUSED: [&str; 7] =
        ["text", "documentation", "definition", "supportedProfile", "searchInclude", "searchRevInclude", "extension"];

    /// Whether it speaks the version of FHIR that this SDK does, 4.0.1.
    pub fn is_r4(&self) -> bool {
        text(&self.0, "fhirVersion") == Some("4.0.1")
    }

    /// Whether it answers eligibility questions: operation `submit` on CoverageEligibilityRequest.
    pub fn has_submit(&self) -> bool {
        self.of_type("CoverageEligibilityRequest")
            .any(|resource| items(resource, "operation").any(|operation| text(operation, "name") == Some("submit")))
    }

    /// Whether resources of this type can be searched by this parameter.
    pub fn can_search(&self, resource_type: &str, parameter: &str) -> bool {
        self.of_type(resource_type)
            .any(|resource| items(resource, "searchParam").any(|known| text(known, "name") == Some(parameter)))
    }

    /// Whether this interaction, such as `create`, is offered for this type.
    pub fn can(&self, interaction: &str, resource_type: &str) -> bool {
        self.of_type(resource_type)
            .any(|resource| items(resource, "interaction").any(|known| text(known, "code") == Some(interaction)))
    }

    fn of_type(&self, resource_type: &str) -> impl Iterator<Item = &Value> {
        items(&self.0, "rest")
            .filter(|rest| text(rest, "mode") == Some("server"))
            .flat_map(|rest| items(rest, "resource"))
            .filter(move |resource| text(resource, "type") == Some(resource_type))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_listed_is_offered() {
        let statement = CapabilityStatement::new(json!({
            "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1",
            "rest": [
                {"mode": "client", "resource": [{"type": "Coverage", "interaction": [{"code": "create"}]}]},
                {"mode": "server", "resource": [
                    {"type": "Task", "interaction": [{"code": "create"}], "searchParam": [{"name": "_lastUpdated"}]},
                    {"type": "CoverageEligibilityRequest", "operation": [{"name": "submit"}]}]}],
        }))
        .expect("a statement");
        assert!(statement.is_r4() && statement.has_submit());
        assert!(statement.can("create", "Task") && statement.can_search("Task", "_lastUpdated"));
        assert!(!statement.can("update", "Task") && !statement.can("create", "Coverage"));
        let other = CapabilityStatement::new(json!({"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2"}));
        let other = other.expect("a statement");
        assert!(!other.is_r4() && !other.has_submit());
    }
}
