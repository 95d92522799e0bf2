//! 医療費通知 as ExplanationOfBenefit: one for each month, institution, kind and insurer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::tables::{self, Directory, Month, Recurrence};
use crate::outcome::NAMESPACE;
use crate::people::Person;
use crate::time::{self, Day};

/// The expense notices of a person that have been issued by `today`.
pub(super) fn resources(person: &Person, today: Day) -> Vec<Value> {
    let directory = Directory::read();
    let mut numbers = (0, 0);
    visits(person, today)
        .iter()
        .filter(|visit| issued(visit.month) <= today)
        .map(|visit| {
            numbers = (visit.month, if numbers.0 == visit.month { numbers.1 + 1 } else { 1 });
            resource(person, &directory, visit, numbers.1)
        })
        .collect()
}

/// What a person did at one institution in one month, at the expense of one insurer.
pub(super) struct Visit {
    /// The number of the month.
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) kind: &'static ExpenseKind,
    pub(super) institution: String,
    days: i64,
    points: i64,
    coverage: Coverage,
}

/// A row of the code system `expense-kind`.
pub(super) struct ExpenseKind {
    pub(super) code: &'static str,
    display: &'static str,
    number: u8,
    claim_type: &'static str,
}

#[derive(Deserialize)]
struct Table {
    coverages: Vec<Coverage>,
    visits: Vec<VisitRow>,
}

#[derive(Clone, Deserialize)]
struct Coverage {
    person: u8,
    insurer: String,
    /// The id of the Coverage resource, where there still is one.
    coverage: Option<String>,
    /// Percent that the patient bears.
    ratio: i64,
    from: Month,
    until: Month,
    /// Medical assistance: public funds pay all.
    #[serde(default)]
    public: bool,
}

#[derive(Deserialize)]
struct VisitRow {
    person: u8,
    kind: String,
    at: String,
    #[serde(flatten)]
    recurrence: Recurrence,
    day: i64,
    days: i64,
    /// Least and most, 10 yen each.
    points: (i64, i64),
}

impl Visit {
    /// Tells the visit from the others of its month; hyphens are all that ids allow beside letters and digits.
    pub(super) fn key(&self) -> String {
        format!("{}-{}-{}", self.institution, self.kind.number, self.coverage.insurer)
    }
}

/// All visits of a person in the months that are kept, the running one included, oldest first.
pub(super) fn visits(person: &Person, today: Day) -> Vec<Visit> {
    let table: Table = tables::read(include_str!("../../data/records/expenses.json"));
    let this_month = today.month_index();
    let mut visits = Vec::new();
    for month in this_month - MONTHS_KEPT..=this_month {
        let paying = |coverage: &&Coverage| {
            let months = coverage.from.index(today)..=coverage.until.index(today);
            coverage.person == person.number && months.contains(&month)
        };
        let coverages: Vec<&Coverage> = table.coverages.iter().filter(paying).collect();
        let rows = table.visits.iter().filter(|row| row.person == person.number && row.recurrence.has(month));
        for row in rows {
            for coverage in &coverages {
                let seed = format!("{}/{month}/{}/{}/{}", person.number, row.at, row.kind, coverage.insurer);
                visits.push(Visit {
                    month,
                    day: row.day,
                    kind: ExpenseKind::of(&row.kind),
                    institution: row.at.clone(),
                    days: row.days,
                    points: tables::vary(&seed, row.points),
                    coverage: (*coverage).clone(),
                });
            }
        }
    }
    visits
}

/// Notices come out on the 15th of the month after.
fn issued(month: i64) -> Day {
    Day::of_month(month + 1).plus_days(14)
}

fn resource(person: &Person, directory: &Directory, visit: &Visit, number: u32) -> Value {
    let Visit { month, kind, coverage, .. } = visit;
    let (_, digits) = tables::month_text(*month);
    let first = Day::of_month(*month);
    let institution = directory.institution(&visit.institution);
    let code = institution.code.as_deref().unwrap_or("0000000000");
    let created = issued(*month);
    let insurer = directory.insurer(&coverage.insurer).reference();
    let covered = match &coverage.coverage {
        Some(id) => json!({ "reference": format!("Coverage/{id}") }),
        None => json!({ "display": insurer["display"] }),
    };
    json!({
        "resourceType": "ExplanationOfBenefit",
        "id": format!("eob-{:02}-{digits}-{number:02}", person.number),
        "meta": { "versionId": "1", "lastUpdated": time::rfc3339(created.start() + 9 * 3600) },
        "status": "active",
        "identifier": [{
            "system": format!("{NAMESPACE}/IdSystem/expense-notice"),
            "value": format!("{digits}-{code}-{}-{number:02}", kind.number),
        }],
        "type": coding("http://terminology.hl7.org/CodeSystem/claim-type", kind.claim_type, None),
        "subType": coding(&format!("{NAMESPACE}/CodeSystem/expense-kind"), kind.code, Some(kind.display)),
        "use": "claim",
        "patient": { "reference": format!("Patient/{}", person.patient), "display": person.name },
        "billablePeriod": { "start": first.to_string(), "end": first.month_start(1).plus_days(-1).to_string() },
        "created": created.to_string(),
        "insurer": insurer,
        "provider": institution.reference(),
        "outcome": "complete",
        "insurance": [{ "focal": true, "coverage": covered }],
        "item": [{
            "sequence": 1,
            "productOrService": { "text": kind.display },
            "quantity": { "value": visit.days, "unit": "日" },
        }],
        "total": totals(visit),
    })
}

/// The amounts in yen; those of meals stand apart from the invariant.
fn totals(visit: &Visit) -> Value {
    let total = visit.points * YEN_A_POINT;
    let patient = total * visit.coverage.ratio / 100;
    let (insurer, public) = if visit.coverage.public { (0, total) } else { (total - patient, 0) };
    let mut amounts = vec![
        amount("total-cost", "医療費の総額", Some("submitted"), total),
        amount("insurer-paid", "保険者の負担額", Some("benefit"), insurer),
        amount("public-paid", "その他の公費の負担額", None, public),
        amount("patient-equivalent", "窓口相当負担額", Some("copay"), patient),
    ];
    if visit.kind.code.ends_with("-nyuin") {
        let meals = visit.days * 3;
        let borne = if visit.coverage.public { 0 } else { meals * MEAL_PATIENT };
        amounts.push(amount("meal-total", "食事総額", None, meals * MEAL_TOTAL));
        amounts.push(amount("meal-patient", "食事負担額", None, borne));
    }
    Value::Array(amounts)
}

fn amount(code: &str, display: &str, adjudication: Option<&str>, yen: i64) -> Value {
    let system = format!("{NAMESPACE}/CodeSystem/expense-amount");
    let mut category = coding(&system, code, Some(display));
    if let (Some(code), Some(codings)) = (adjudication, category["coding"].as_array_mut()) {
        codings.push(json!({ "system": "http://terminology.hl7.org/CodeSystem/adjudication", "code": code }));
    }
    json!({ "category": category, "amount": { "value": yen, "currency": "JPY" } })
}

fn coding(system: &str, code: &str, display: Option<&str>) -> Value {
    let mut coding = json!({ "system": system, "code": code });
    if let Some(display) = display {
        coding["display"] = display.into();
    }
    json!({ "coding": [coding] })
}

impl ExpenseKind {
    fn of(code: &str) -> &'static Self {
        KINDS.iter().find(|kind| kind.code == code).expect("the tables name known kinds")
    }

    const fn row(code: &'static str, display: &'static str, number: u8, claim_type: &'static str) -> Self {
        Self { code, display, number, claim_type }
    }
}

const KINDS: &[ExpenseKind] = &[
    ExpenseKind::row("ika-nyuin", "医科入院", 1, "institutional"),
    ExpenseKind::row("ika-gairai", "医科外来", 2, "professional"),
    ExpenseKind::row("shika-nyuin", "歯科入院", 3, "oral"),
    ExpenseKind::row("shika-gairai", "歯科外来", 4, "oral"),
    ExpenseKind::row("chozai", "調剤", 5, "pharmacy"),
    ExpenseKind::row("houmon-kango", "訪問看護", 6, "professional"),
    ExpenseKind::row("judo", "柔道整復", 7, "professional"),
    ExpenseKind::row("shinkyu", "はり・きゅう・あん摩", 8, "professional"),
];
/// Two years, and the month whose notice is not out before the 15th.
const MONTHS_KEPT: i64 = 25;
const YEN_A_POINT: i64 = 10;
const MEAL_TOTAL: i64 = 690;
const MEAL_PATIENT: i64 = 510;
