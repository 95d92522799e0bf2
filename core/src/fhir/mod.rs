//! FHIR R4 resources as small typed views over preserved JSON: unknown elements and codes survive and never raise an error.

mod audit_event;
mod bundle;
mod capability;
mod consent;
mod coverage;
mod dispense;
mod eligibility;
mod expense;
mod immunization;
mod observation;
mod outcome;
mod record_list;
mod request;
mod resource;
#[cfg(feature = "net")]
mod subject;
mod task;
mod timeline;

pub use audit_event::AccessEntry;
pub use bundle::{Page, Visit, read_page};
pub use capability::CapabilityStatement;
pub use consent::{Consent, ConsentKind, ConsentTerms, ConsentTo};
pub use coverage::StoredCoverage;
pub use dispense::{Dispense, RecordOrigin};
pub use eligibility::{
    ConsentState, Coverage, Eligibility, Freshness, Insurance, InvalidReason, LimitCategory, Qualification,
};
pub use expense::{Expense, ExpenseAmounts};
pub use immunization::Immunization;
pub use observation::Observation;
pub use outcome::{OperationOutcome, error_of_reply, user_text_of_reply};
pub use record_list::RecordList;
pub use request::{EligibilityRequest, wrapped_in_parameters};
pub use resource::{DataDate, Precision};
pub use task::{RegistrationState, SuspensionEffect, SuspensionReason, Task, registration_task, suspension_task};
pub use timeline::{Record, timeline};

#[cfg(feature = "net")]
pub(crate) use subject::subjects;
#[cfg(feature = "net")]
pub(crate) use task::REGISTRATION;

use serde_json::Value;

/// Base of every identifier system, code system and extension this project defines.
pub const NAMESPACE: &str = "https://kazasu.example/fhir";

fn structure_definition(name: &str) -> String {
    format!("{NAMESPACE}/StructureDefinition/{name}")
}

/// The extension `name` of this project on `element`.
fn extension<'a>(element: &'a Value, name: &str) -> Option<&'a Value> {
    extension_by_url(element, &structure_definition(name))
}

fn extension_by_url<'a>(element: &'a Value, url: &str) -> Option<&'a Value> {
    items(element, "extension").find(|extension| text(extension, "url") == Some(url))
}

/// The members of array `name`, none if it is missing.
pub(crate) fn items<'a>(element: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    element.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The string member `name`.
pub(crate) fn text<'a>(element: &'a Value, name: &str) -> Option<&'a str> {
    element.get(name).and_then(Value::as_str)
}

/// The first code of a CodeableConcept in this `system`, or of any system for `None`.
fn code_in<'a>(concept: &'a Value, system: Option<&str>) -> Option<&'a str> {
    items(concept, "coding")
        .find(|coding| system.is_none_or(|system| text(coding, "system") == Some(system)))
        .and_then(|coding| text(coding, "code"))
}

/// URL of one of this project's identifier systems.
pub(crate) fn id_system(name: &str) -> String {
    format!("{NAMESPACE}/IdSystem/{name}")
}

/// The value of the identifier of one of this project's systems.
fn identifier<'a>(resource: &'a Value, system: &str) -> Option<&'a str> {
    let system = id_system(system);
    let identifier = items(resource, "identifier").find(|one| text(one, "system") == Some(&system))?;
    text(identifier, "value")
}

/// Whether `text` is a FHIR R4 `id`: it becomes part of a reference or a path.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}
