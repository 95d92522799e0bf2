//! The worked records of the wire contract, as files, read through their views and given back unchanged.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use kazasu::fhir::{
    AccessEntry, Consent, Dispense, Eligibility, Expense, Immunization, Observation, Page, Precision, Record,
    RecordOrigin, Task, timeline,
};
use serde_json::{Value, json};

fn vector(name: &str) -> Value {
    let path = format!("{}/../tests/vectors/wire/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

/// The same with members nobody knows, at the top and within.
fn with_strangers(mut resource: Value) -> Value {
    resource["stranger"] = json!({"kept": [1, 2.50, "three"]});
    for member in resource.as_object_mut().expect("an object").values_mut() {
        if let Some(object) = member.as_object_mut() {
            object.insert("_stranger".to_owned(), json!(null));
        }
    }
    resource
}

#[test]
fn views_give_back_what_they_were_made_of() {
    type Through = fn(Value) -> Value;
    let cases: [(&str, Through); 9] = [
        ("eligibility_response", |value| Eligibility::new(value).expect("eligibility").as_json().clone()),
        ("consent", |value| Consent::new(value).expect("consent").as_json().clone()),
        ("task_registration", |value| Task::new(value).expect("task").as_json().clone()),
        ("task_suspension", |value| Task::new(value).expect("task").as_json().clone()),
        ("explanation_of_benefit", |value| Expense::new(value).expect("expense").as_json().clone()),
        ("medication_dispense", |value| Dispense::new(value).expect("dispense").as_json().clone()),
        ("immunization", |value| Immunization::new(value).expect("immunization").as_json().clone()),
        ("observation", |value| Observation::new(value).expect("observation").as_json().clone()),
        ("audit_event", |value| AccessEntry::new(value).expect("access").as_json().clone()),
    ];
    for (name, through) in cases {
        for resource in [vector(name), with_strangers(vector(name))] {
            assert_eq!(through(resource.clone()), resource, "{name}");
        }
    }
}

#[test]
fn another_resource_is_refused() {
    assert_eq!(Expense::new(vector("observation")).err().map(|error| error.code()), Some("KZ-D01"));
    assert!(Page::new(vector("observation")).is_err());
    assert!(AccessEntry::new(json!([])).is_err());
}

#[test]
fn an_expense_adds_up_or_is_marked() {
    let expense = Expense::new(vector("explanation_of_benefit")).expect("expense");
    let amounts = expense.amounts();
    assert_eq!(
        (amounts.total_cost, amounts.patient_equivalent, amounts.is_mismatch()),
        (Some(5950), Some(1785), false)
    );
    assert_eq!((expense.kind(), expense.kind_words()), (Some("ika-gairai"), Some("医科外来")));
    assert_eq!((expense.provider(), expense.insurer()), (Some("みほん内科クリニック"), Some("見本健康保険組合")));
    assert_eq!(expense.days().as_deref(), Some("2"));
    assert_eq!(expense.month().map(|month| month.date.to_string()).as_deref(), Some("2026-10-01"));

    let mut wrong = vector("explanation_of_benefit");
    wrong["total"][1]["amount"]["value"] = json!(4166);
    assert!(Expense::new(wrong.clone()).expect("kept").amounts().is_mismatch());
    wrong["total"].as_array_mut().expect("totals").remove(1);
    assert!(!Expense::new(wrong).expect("kept").amounts().is_mismatch(), "a missing part is no contradiction");
}

#[test]
fn a_medicine_says_where_it_comes_from() {
    let dispense = Dispense::new(vector("medication_dispense")).expect("dispense");
    assert_eq!((dispense.name(), dispense.yj_code()), (Some("プレドニゾロン錠５ｍｇ"), Some("2456001F1353")));
    assert_eq!((dispense.origin(), dispense.days()), (RecordOrigin::Dispense, Some(14)));
    assert_eq!(dispense.quantity(), Some(("42".to_owned(), Some("錠"))));
    assert_eq!(dispense.provider(), Some("みほん薬局"));
    let mut claimed = vector("medication_dispense");
    claimed["whenHandedOver"] = json!("2026-11");
    claimed["extension"][0]["valueCode"] = json!("somewhere-else");
    let claimed = Dispense::new(claimed).expect("dispense");
    assert_eq!(claimed.date().map(|date| date.precision), Some(Precision::Month));
    assert_eq!(claimed.origin(), RecordOrigin::Other("somewhere-else"));
}

#[test]
fn vaccinations_check_ups_and_accesses_are_read() {
    let vaccination = Immunization::new(vector("immunization")).expect("immunization");
    assert_eq!(
        (vaccination.vaccine(), vaccination.disease()),
        (Some("インフルエンザHAワクチン"), Some("インフルエンザ"))
    );
    assert_eq!((vaccination.dose(), vaccination.lot()), (Some(1), Some("HA-0261")));
    let item = Observation::new(vector("observation")).expect("observation");
    assert_eq!((item.name(), item.value().as_deref()), (Some("HbA1c（NGSP）"), Some("5.7 %")));
    assert!(item.is_specific_checkup() && item.reference_range().is_some());
    let access = AccessEntry::new(vector("audit_event")).expect("access");
    assert_eq!((access.kind(), access.requestor()), (Some("medication-viewed"), Some("みほん内科クリニック")));
    assert_eq!(access.purpose(), Some("診療のため"));
}

#[test]
fn the_timeline_has_the_newest_first_and_undated_records_last() {
    let mut undated = vector("observation");
    undated["effectiveDateTime"] = json!("some day");
    let records = vec![
        Record::Observation(Observation::new(undated).expect("observation")),
        Record::Expense(Expense::new(vector("explanation_of_benefit")).expect("expense")),
        Record::Access(AccessEntry::new(vector("audit_event")).expect("access")),
        Record::Immunization(Immunization::new(vector("immunization")).expect("immunization")),
        Record::Dispense(Dispense::new(vector("medication_dispense")).expect("dispense")),
    ];
    let sources: Vec<&str> = timeline(records).iter().map(Record::source).collect();
    assert_eq!(sources, ["access_log", "dispense", "immunization", "expense_notice", "specific_checkup"]);
}

#[test]
fn a_page_gives_its_matches_and_the_way_on() {
    let bundle = json!({
        "resourceType": "Bundle", "type": "searchset",
        "link": [{"relation": "self", "url": "a"}, {"relation": "next", "url": "b"}],
        "entry": [
            {"resource": vector("immunization"), "search": {"mode": "match"}},
            {"resource": vector("observation"), "search": {"mode": "include"}},
            {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
            {"fullUrl": "urn:x"},
            {"resource": vector("immunization")},
        ],
    });
    let page = Page::new(bundle).expect("a page");
    assert_eq!(page.next(), Some("b"));
    assert_eq!(page.into_matches("Immunization").len(), 2);
}
