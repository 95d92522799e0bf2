//! Records of the ten people, read over TLS with the token of a qualification.

use kazasu::fhir::{ConsentKind, ConsentTerms, ConsentTo, Record, timeline};
use kazasu::qualify::{Access, RecordKind, Records};
use kazasu::time::CalendarDate;
use kazasu_card_sim::Profile;
use kazasu_flows::{Stage, card, key};

fn stage(switches: &[&str]) -> Stage {
    Stage::with_every_scope(switches)
}

fn access(stage: &Stage, person: u8) -> Access {
    stage.access(person, &key()).expect("qualifies")
}

#[test]
fn every_kind_of_record_is_read_and_adds_up() {
    let stage = stage(&[]);
    let mut access = access(&stage, 1);
    let mut all = Vec::new();
    for kind in RecordKind::ALL {
        let Records { records, is_partial } = access.records(kind, None).expect("records");
        assert!(!records.is_empty() && !is_partial, "{}", kind.name());
        println!("{}: {}", kind.name(), records.len());
        all.extend(records);
    }
    let expenses: Vec<_> =
        all.iter().filter_map(|record| if let Record::Expense(e) = record { Some(e) } else { None }).collect();
    let months: std::collections::BTreeSet<_> =
        expenses.iter().filter_map(|e| e.month()).map(|m| (m.date.year, m.date.month)).collect();
    assert!(months.len() >= 24, "two years of expenses: {}", months.len());
    assert!(expenses.iter().all(|expense| expense.amounts().total_cost.is_some() && !expense.amounts().is_mismatch()));
    let dates: Vec<_> = timeline(all).iter().map(|record| record.date().map(|date| date.date)).collect();
    assert!(dates.is_sorted_by(|a, b| a >= b), "newest first");
    assert_eq!(stage.sandbox.counters().connections, 1, "one connection for all of it");
}

#[test]
fn older_records_can_be_left_out() {
    let stage = stage(&[]);
    let mut access = access(&stage, 1);
    let mut count = |since| access.records(RecordKind::Medication, since).expect("records").records.len();
    let (all, none) = (count(None), count(CalendarDate::parse("2999-01-01")));
    assert!(all > 0);
    assert_eq!(none, 0);
}

#[test]
fn nobody_else_s_records_are_among_them() {
    let stage = stage(&[]);
    let ids = |person| {
        let mut access = access(&stage, person);
        let found = access.records(RecordKind::Expense, None).expect("records").records;
        found
            .iter()
            .map(|record| match record {
                Record::Expense(expense) => {
                    expense.as_json()["patient"]["reference"].as_str().unwrap_or_default().to_owned()
                }
                other => panic!("{other:?}"),
            })
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (one, two) = (ids(1), ids(2));
    assert_eq!((one.len(), two.len()), (1, 1));
    assert_ne!(one, two);
}

#[test]
fn without_the_scope_nothing_is_read() {
    let stage = Stage::new();
    let early = stage.sign(&card(Profile::Today, 1), 1).expect("signs").into_access();
    assert_eq!(early.err().map(|error| error.code()), Some("KZ-U01"), "before finish");
    let mut access = access(&stage, 1);
    assert_eq!(access.records(RecordKind::Expense, None).err().map(|error| error.code()), Some("KZ-A11"));
}

#[test]
fn a_server_that_never_ends_is_left_with_part_of_it() {
    let stage = stage(&["next-endless"]);
    let mut access = access(&stage, 1);
    let found = access.records(RecordKind::Expense, None).expect("part of it");
    assert!(found.is_partial && found.records.len() <= 2_000, "{}", found.records.len());
}

#[test]
fn a_next_link_to_elsewhere_is_not_followed_and_what_was_read_is_kept() {
    let stage = stage(&["next-elsewhere"]);
    let mut access = access(&stage, 1);
    let found = access.records(RecordKind::Expense, None).expect("the first page");
    assert!(found.is_partial && found.records.len() == 50, "{}", found.records.len());
}

#[test]
fn what_is_no_page_is_no_record() {
    let stage = stage(&["records-html"]);
    let mut access = access(&stage, 1);
    let code = access.records(RecordKind::Expense, None).err().map(|error| error.code());
    assert!(matches!(code, Some("KZ-D01" | "KZ-Q01")), "{code:?}");
}

#[test]
fn what_was_read_before_is_not_read_again() {
    let stage = stage(&[]);
    let mut access = access(&stage, 1);
    let first = access.changes(RecordKind::AccessLog, None).expect("records");
    assert!(!first.is_incremental && first.records.len() > 3);
    let all = access.records(RecordKind::AccessLog, None).expect("records").records.len();
    assert_eq!(first.records.len(), all);
    stage.wait(3600);
    let later = access.changes(RecordKind::AccessLog, None).expect("records").until;
    let next = access.changes(RecordKind::AccessLog, Some(later)).expect("records");
    assert!(next.is_incremental && next.records.is_empty(), "{}", next.records.len());
    // A change of consent is an access of its own.
    let start = CalendarDate::in_japan(access.server_time());
    let to = ConsentTo::Providers(ConsentKind::Medication);
    let terms = ConsentTerms { to, start, end: start, notice_sha256: &"n".repeat(43), policy: "urn:x" };
    let request = access.prepare_consent(&terms).expect("terms");
    access.give_consent(&request).expect("given");
    let next = access.changes(RecordKind::AccessLog, Some(next.until)).expect("records");
    assert_eq!((next.is_incremental, next.records.len()), (true, 1));
}
