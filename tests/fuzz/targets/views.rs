//! FHIR from a server, through every view of it: none panics, none changes what it was made of, and what is added up or
//! compared stays within bounds.
#![no_main]

use kazasu::fhir::{
    AccessEntry, CapabilityStatement, Consent, Dispense, Eligibility, Expense, Immunization, Observation, Page, Record,
    StoredCoverage, Task, timeline,
};
use kazasu::insurance::duplicates;
use kazasu::time::{CalendarDate, UnixMillis};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const NOW: UnixMillis = UnixMillis(1_795_137_300_000);

fuzz_target!(|input: &[u8]| {
    let Ok(resource) = serde_json::from_slice::<Value>(input) else { return };
    eligibility(&resource);
    written(&resource);
    let of_page = Page::new(resource.clone()).ok().map(|page| {
        let next = page.next().map(str::to_owned);
        (next, ["ExplanationOfBenefit", "MedicationDispense"].map(|kind| page_matches(&resource, kind)))
    });
    let mut found = records(&resource);
    found.extend(of_page.into_iter().flat_map(|(_, matches)| matches).flatten().flat_map(|one| records(&one)));
    let medications: Vec<_> = found
        .iter()
        .filter_map(|record| if let Record::Dispense(dispense) = record { dispense.to_medication() } else { None })
        .take(50)
        .collect();
    for pair in duplicates(&medications) {
        assert!(pair.first != pair.second && pair.days > 0);
        assert!(pair.first < medications.len() && pair.second < medications.len());
    }
    let count = found.len();
    assert_eq!(timeline(found).len(), count);
});

fn page_matches(resource: &Value, kind: &str) -> Vec<Value> {
    Page::new(resource.clone()).map(|page| page.into_matches(kind)).unwrap_or_default()
}

/// The resource as a record of each kind that takes it, read through.
fn records(resource: &Value) -> Vec<Record> {
    let mut found = Vec::new();
    if let Ok(expense) = Expense::new(resource.clone()) {
        assert_eq!(expense.as_json(), resource);
        let amounts = expense.amounts();
        _ = (amounts.is_mismatch(), expense.month(), expense.kind_words(), expense.days());
        found.push(Record::Expense(expense));
    }
    if let Ok(dispense) = Dispense::new(resource.clone()) {
        assert_eq!(dispense.as_json(), resource);
        _ = (dispense.quantity(), dispense.days(), dispense.dosage(), dispense.provider(), dispense.origin());
        found.push(Record::Dispense(dispense));
    }
    if let Ok(immunization) = Immunization::new(resource.clone()) {
        assert_eq!(immunization.as_json(), resource);
        _ = (immunization.dose(), immunization.lot(), immunization.disease(), immunization.is_not_done());
        found.push(Record::Immunization(immunization));
    }
    if let Ok(observation) = Observation::new(resource.clone()) {
        assert_eq!(observation.as_json(), resource);
        _ = (observation.value(), observation.reference_range(), observation.is_specific_checkup());
        found.push(Record::Observation(observation));
    }
    if let Ok(access) = AccessEntry::new(resource.clone()) {
        assert_eq!(access.as_json(), resource);
        _ = (access.kind(), access.recorded(), access.requestor(), access.purpose());
        found.push(Record::Access(access));
    }
    for record in &found {
        _ = (record.date(), record.title(), record.source());
    }
    found
}

fn eligibility(resource: &Value) {
    let Ok(eligibility) = Eligibility::new(resource.clone()) else { return };
    assert_eq!(eligibility.as_json(), resource);
    _ = (eligibility.qualification(), eligibility.as_of(), eligibility.freshness(NOW), eligibility.request());
    for insurance in eligibility.insurances() {
        assert!(insurance.copay_percent().is_none_or(|percent| percent <= 100));
        _ = (insurance.limit_category(), insurance.is_valid(), insurance.validity_code());
        if let Some(coverage) = insurance.coverage() {
            _ = (coverage.insurer_number(), coverage.insurer_name(), coverage.symbol(), coverage.number());
            _ = (coverage.branch_number(), coverage.period_start(), coverage.loss_reason(), coverage.loss_date());
        }
    }
    for state in eligibility.consent_states() {
        _ = state.is_in_force(NOW);
    }
}

/// What is written and withdrawn, and what servers say of themselves.
fn written(resource: &Value) {
    let today = CalendarDate::in_japan(NOW);
    if let Ok(consent) = Consent::new(resource.clone()) {
        assert_eq!(consent.as_json(), resource);
        let withdrawn = Consent::new(consent.to_withdrawn()).expect("the same type");
        assert!(!withdrawn.is_active_on(today));
        _ = (consent.kind_words(), consent.given(), consent.notice_sha256(), consent.version());
    }
    if let Ok(task) = Task::new(resource.clone()) {
        assert_eq!(task.as_json(), resource);
        assert_eq!(task.to_withdrawn()["status"], "cancelled");
        _ = (task.registration_state(), task.state_words(), task.receipt(), task.reason());
        _ = (task.suspension_effect(), task.authored_on(), task.version(), task.kind());
    }
    if let Ok(coverage) = StoredCoverage::new(resource.clone()) {
        _ = (coverage.insurer_name(), coverage.start(), coverage.end(), coverage.version());
    }
    if let Ok(statement) = CapabilityStatement::new(resource.clone()) {
        _ = (statement.is_r4(), statement.has_submit(), statement.can("create", "Task"));
    }
}
