//! Exports by the vectors in `tests/vectors/health-domain/exports.json`, and what their readers rely on.
#![cfg(feature = "export")]
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;

use kazasu::export::*;
use kazasu::insurance::{ExpenseKind, Payment, Person, YearMonth};
use kazasu::time::{CalendarDate, UnixMillis};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/health-domain/exports.json")).expect("vectors")
}

fn list<'a>(vectors: &'a Value, name: &str) -> &'a Vec<Value> {
    vectors[name].as_array().expect("a list")
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_default()
}

fn people() -> Vec<Person> {
    vec![Person { nickname: "花子".into(), name: Some("見本 花子".into()), shares_livelihood: true }]
}

fn payment(kind: ExpenseKind, institution: &str) -> Payment {
    Payment {
        source_id: "eob-202610-01".into(),
        row: 0,
        person: 0,
        kind,
        institution: institution.into(),
        treatment_month: YearMonth::new(2026, 10),
        paid_on: None,
        receipt_yen: None,
        notice_yen: Some(1785),
        reimbursed_yen: 0,
        total_cost_yen: None,
    }
}

fn history_row() -> QualificationRow {
    QualificationRow {
        source_id: "eob-202610-01".into(),
        row: 0,
        checked_at: UnixMillis::parse_rfc3339("2026-11-20T01:15:05Z").expect("an instant"),
        person: "花子".into(),
        is_dependent: Some(true),
        insurer_number: Some("06139992".into()),
        insurer: Some("見本健康保険組合".into()),
        validity_code: Some("1".into()),
        validity: Some("有効".into()),
        copay_percent: Some(30),
        limit_category: Some("A03".into()),
        acquired: CalendarDate::parse("2024-04-01"),
        lost: None,
        method: CheckMethod::Card,
        proof: Some("K7Q2-9M4D-13XA".into()),
        code: None,
    }
}

fn write(layout: &str, payments: &[Payment], file: Options, include_names: bool) -> Vec<u8> {
    let people = people();
    let options = HouseholdOptions { file, people: &people, include_names, account: None };
    let mut out = Vec::new();
    match layout {
        "history" => write_history([history_row()], file, &mut out).map(|_| ()).expect("written"),
        "money-forward" => write_money_forward(payments, &options, &mut out).map(|_| ()).expect("written"),
        "zaim" => write_zaim(payments, &options, &mut out).map(|_| ()).expect("written"),
        "household" => write_household(payments, &options, &mut out).map(|_| ()).expect("written"),
        _ => panic!("no layout {layout}"),
    }
    out
}

const UTF8: Options = Options { encoding: Encoding::Utf8, unencodable: Unencodable::Refuse };

#[test]
fn rows_are_those_of_the_vectors() {
    let vectors = vectors();
    let id = stable_id("eob-202610-01", 0);
    for vector in list(&vectors, "rows") {
        let mut payment = payment(ExpenseKind::from_code(text(vector, "kind")), text(vector, "institution"));
        payment.treatment_month = YearMonth::parse(text(vector, "month"));
        payment.paid_on = CalendarDate::parse(text(vector, "paid_on"));
        payment.receipt_yen = vector["receipt_yen"].as_i64();
        payment.notice_yen = vector["notice_yen"].as_i64();
        let written = String::from_utf8(write(text(vector, "layout"), &[payment], UTF8, false)).expect("UTF-8");
        let row = written.split_once("\r\n").expect("a header").1;
        assert_eq!(row, text(vector, "row").replace("{id}", &id) + "\r\n", "{}", text(vector, "section"));
    }
}

#[test]
fn headers_and_ids_are_those_of_the_vectors() {
    let vectors = vectors();
    for vector in list(&vectors, "headers") {
        let written = String::from_utf8(write(text(vector, "layout"), &[], UTF8, false)).expect("UTF-8");
        assert!(written.starts_with(&(text(vector, "header").to_owned() + "\r\n")), "{}", text(vector, "section"));
    }
    for vector in list(&vectors, "ids") {
        let row = u32::try_from(vector["row"].as_u64().expect("a row")).expect("a row");
        assert_eq!(stable_id(text(vector, "source_id"), row), text(vector, "id"));
    }
}

#[test]
fn names_are_nicknames_unless_asked_for() {
    for layout in ["money-forward", "zaim", "household"] {
        let written = |include_names| {
            let payments = [payment(ExpenseKind::Pharmacy, "みほん薬局")];
            String::from_utf8(write(layout, &payments, UTF8, include_names)).expect("UTF-8")
        };
        assert!(written(false).contains("花子 ") && !written(false).contains("見本"), "{layout}");
        assert!(written(true).contains("見本 花子"), "{layout}");
    }
}

#[test]
fn what_has_no_amount_or_date_is_counted_and_not_written() {
    let mut payments = vec![payment(ExpenseKind::Pharmacy, "a"), payment(ExpenseKind::Pharmacy, "b")];
    payments[0].notice_yen = None;
    payments[1].treatment_month = None;
    payments.push(payment(ExpenseKind::Vaccination, "c"));
    let people = people();
    let options = HouseholdOptions { file: UTF8, people: &people, include_names: false, account: Some("財布") };
    let mut out = Vec::new();
    let written = write_zaim(&payments, &options, &mut out).expect("written");
    assert_eq!(written, Written { rows: 1, without_amount: 1, without_date: 1 });
    assert!(String::from_utf8(out).expect("UTF-8").contains(",病院代,財布,-,予防接種,"));
}

#[test]
fn a_row_that_cannot_be_encoded_is_refused_or_marked() {
    let payments = [payment(ExpenseKind::Pharmacy, "𠮷野薬局")];
    let people = people();
    let file = Options::of(ExportKind::MoneyForward);
    let options = HouseholdOptions { file, people: &people, include_names: false, account: None };
    let error = write_money_forward(&payments, &options, &mut Vec::new()).expect_err("not encodable");
    assert_eq!(error, ExportError::Unencodable { characters: BTreeSet::from(['𠮷']) });
    let replaced = Options { unencodable: Unencodable::Replace, ..file };
    let written = write("money-forward", &payments, replaced, false);
    assert!(written.windows(6).any(|bytes| bytes == b"\x81\xac\x96\xec\x96\xf2"));
}

#[test]
fn the_tax_form_takes_what_the_law_does() {
    let vectors = vectors();
    for vector in list(&vectors, "tax") {
        let kind = ExpenseKind::from_code(text(vector, "kind"));
        assert_ne!(kind, ExpenseKind::Other);
        let mut one = payment(kind, "みほん");
        one.paid_on = CalendarDate::parse("2026-11-02");
        let form = TaxForm::collect([&one], &people(), 2026, &|_| None).expect("collected");
        let mut out = Vec::new();
        write_tax_form(&form, UTF8, &mut out).expect("written");
        let marks = ["treatment", "medicine", "nursing-care", "other"]
            .map(|column| if text(vector, "column") == column { "該当する" } else { "" })
            .join("\t");
        let row = format!("見本 花子\tみほん\t{marks}\t1785\t\t2026/11/02\r\n");
        let expected = if vector["column"].is_null() { String::new() } else { row };
        assert_eq!(String::from_utf8(out).expect("UTF-8"), expected, "{}", text(vector, "kind"));
        assert_eq!(form.findings.is_empty(), !vector["column"].is_null(), "left out with a reason");
        // What the user decided goes before the table.
        let chosen = TaxForm::collect([&one], &people(), 2026, &|_| Some(TaxColumn::Other)).expect("collected");
        assert_eq!(chosen.rows[0].columns, BTreeSet::from([TaxColumn::Other]));
    }
}

#[test]
fn limits_of_the_tax_form_are_found_and_nothing_is_shortened() {
    let long = payment(ExpenseKind::Pharmacy, &"長".repeat(21));
    let mut clipped = payment(ExpenseKind::Pharmacy, &"長".repeat(20));
    clipped.reimbursed_yen = 2000;
    let mut early = payment(ExpenseKind::Pharmacy, "みほん");
    early.paid_on = CalendarDate::parse("2025-12-31");
    let mut people = people();
    people[0].name = Some("John Smith 1".into());
    people.push(Person { nickname: "太郎".into(), name: None, shares_livelihood: false });
    let mut apart = payment(ExpenseKind::Pharmacy, "みほん");
    apart.person = 1;
    let mut form = TaxForm::collect([long, clipped, early, apart], &people, 2026, &|_| None).expect("collected");
    assert_eq!(form.rows.len(), 2);
    assert_eq!((form.rows[1].reimbursed_yen, form.totals()), (1785, (3570, 1785)));
    let left_out = |reason| TaxFinding::LeftOut { source_id: "eob-202610-01".into(), row: 0, reason };
    assert!(
        form.findings.contains(&left_out(LeftOut::OtherYear)) && form.findings.contains(&left_out(LeftOut::LivesApart))
    );
    assert!(form.findings.contains(&TaxFinding::Clipped {
        source_id: "eob-202610-01".into(),
        row: 0,
        reimbursed_yen: 2000
    }));
    let problems = form.problems();
    assert!(problems.contains(&TaxFinding::Mend { row: 0, problem: TaxProblem::InstitutionTooLong(21) }));
    assert!(problems.contains(&TaxFinding::Mend { row: 1, problem: TaxProblem::NameTooLong(12) }));
    assert_eq!(problems.len(), 3);
    let mut out = Vec::new();
    assert_eq!(write_tax_form(&form, UTF8, &mut out), Err(ExportError::TaxForm { count: 3 }));
    assert!(out.is_empty());
    form.rows.iter_mut().for_each(|row| row.name = "見本花子".into());
    form.rows[0].institution.pop();
    assert_eq!(form.problems(), []);
    form.rows[0].paid_yen = 1_000_000_000;
    form.rows[1].reimbursed_yen = 1786;
    assert_eq!(form.problems().len(), 2);
}

#[test]
fn more_rows_than_the_form_has_become_yearly_totals() {
    let payments = (0..2000).map(|at| {
        let kind = if at % 2 == 0 { ExpenseKind::Pharmacy } else { ExpenseKind::MedicalOutpatient };
        payment(kind, if at % 4 < 2 { "甲" } else { "乙" })
    });
    let form = TaxForm::collect(payments, &people(), 2026, &|_| None).expect("collected");
    assert_eq!((form.rows.len(), form.totals()), (4, (2000 * 1785, 0)));
    assert_eq!(form.findings, [TaxFinding::Grouped { rows: 2000 }]);
    let many = (0..996).map(|at| payment(ExpenseKind::Pharmacy, &format!("薬局{at}")));
    let form = TaxForm::collect(many, &people(), 2026, &|_| None).expect("collected");
    assert_eq!(form.problems(), [TaxFinding::TooManyRows { rows: 996 }]);
    let most = (0..995).map(|at| payment(ExpenseKind::Pharmacy, &format!("薬局{at}")));
    assert_eq!(TaxForm::collect(most, &people(), 2026, &|_| None).expect("collected").all_findings(), []);
}

#[test]
fn months_that_have_not_come_are_not_zero() {
    let month = |year, month, yen| Payment {
        treatment_month: YearMonth::new(year, month),
        notice_yen: Some(yen),
        ..payment(ExpenseKind::Pharmacy, "みほん")
    };
    let payments = [month(2025, 1, 100), month(2025, 1, 20), month(2026, 1, 300), month(2026, 12, 7)];
    let missing = [YearMonth::new(2026, 11), YearMonth::new(2026, 12)];
    let lines = compare_years(payments, &|_, month| !missing.contains(&Some(month)));
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].yen, lines[0].count, lines[0].difference_yen), (120, 2, None));
    assert_eq!((lines[1].yen, lines[1].count, lines[1].difference_yen), (307, 2, Some(187)));
    assert_eq!((lines[0].months_not_arrived, lines[1].months_not_arrived), (0, 2));
    let mut out = Vec::new();
    write_comparison(&lines, &people(), UTF8, &mut out).expect("written");
    let written = String::from_utf8(out).expect("UTF-8");
    assert!(written.contains("2025,花子,調剤,120,2,,0,120,0,0,0,0,0,0,0,0,0,0,0\r\n"), "{written}");
    assert!(written.contains("2026,花子,調剤,307,2,187,2,300,0,0,0,0,0,0,0,0,0,未着,7（未着あり）\r\n"), "{written}");
}
