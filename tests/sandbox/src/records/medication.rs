//! 薬剤情報 as MedicationDispense: prescriptions that recur, from up to three sources each.

use serde::Deserialize;
use serde_json::{Value, json};

use super::tables::{self, Directory, Recurrence};
use crate::outcome::NAMESPACE;
use crate::people::Person;
use crate::time::{self, Day, UnixSeconds};

#[derive(Deserialize)]
struct Table {
    drugs: Vec<Drug>,
    prescriptions: Vec<Prescription>,
}

#[derive(Deserialize)]
struct Drug {
    key: String,
    yj: Option<String>,
    /// Code of receipt computers, for what no YJ code is known of.
    receipt: Option<String>,
    name: String,
    unit: String,
    ingredient: String,
}

#[derive(Deserialize)]
struct Prescription {
    person: u8,
    drug: String,
    prescriber: String,
    dispenser: String,
    #[serde(flatten)]
    recurrence: Recurrence,
    /// How many of the latest months have it.
    months: i64,
    day: i64,
    /// Absent for what is used when needed.
    days: Option<i64>,
    /// Units a day, or in all where the days are not known.
    daily: i64,
    origins: Vec<Origin>,
}

/// Where a record comes from, code system `record-origin`.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Origin {
    Claim,
    Prescription,
    Dispense,
}

/// The medication records of a person that are known at `now`.
pub(super) fn resources(person: &Person, now: UnixSeconds) -> Vec<Value> {
    let table: Table = tables::read(include_str!("../../data/records/medications.json"));
    let directory = Directory::read();
    let this_month = Day::at(now).month_index();
    let rows: Vec<&Prescription> = table.prescriptions.iter().filter(|row| row.person == person.number).collect();
    let mut resources = Vec::new();
    for month in this_month - MONTHS_KEPT..=this_month {
        let is_due = |row: &Prescription| row.recurrence.has(month) && this_month - month < row.months;
        // Numbers count all rows, so that an id keeps meaning the same when a row is no longer due.
        for (at, row) in rows.iter().enumerate().filter(|(_, row)| is_due(row)) {
            // Lines from one prescriber on one day are one prescription.
            let group = 1 + rows[..at].iter().filter(|other| row.same_prescription(other)).count();
            let drug = table.drugs.iter().find(|drug| drug.key == row.drug).expect("the tables name known drugs");
            for origin in &row.origins {
                let line = Line { row, drug, month, number: at + 1, group, origin: *origin };
                if line.known_from() <= now {
                    resources.push(line.resource(person, &directory));
                }
            }
        }
    }
    resources
}

impl Prescription {
    fn same_prescription(&self, other: &Self) -> bool {
        (&self.prescriber, self.day) == (&other.prescriber, other.day)
    }
}

struct Line<'a> {
    row: &'a Prescription,
    drug: &'a Drug,
    month: i64,
    /// Position among the rows of the person.
    number: usize,
    /// Position within the prescription.
    group: usize,
    origin: Origin,
}

impl Line<'_> {
    fn handed_over(&self) -> UnixSeconds {
        let minutes = tables::vary(&format!("{}/{}", self.row.drug, self.month), (0, 30));
        Day::of_month(self.month).plus_days(self.row.day - 1).start() + 11 * 3600 + minutes * 60
    }

    /// Claims arrive weeks after the month they are for.
    fn known_from(&self) -> UnixSeconds {
        match self.origin {
            Origin::Claim => Day::of_month(self.month + 1).plus_days(CLAIM_DAYS).start(),
            Origin::Prescription => self.handed_over() - 3600,
            Origin::Dispense => self.handed_over(),
        }
    }

    fn resource(&self, person: &Person, directory: &Directory) -> Value {
        let Self { row, drug, month, origin, .. } = self;
        let (month_text, digits) = tables::month_text(*month);
        let (code, when, by) = match origin {
            Origin::Claim => ("claim", month_text, &row.dispenser),
            Origin::Prescription => ("prescription", time::rfc3339(self.handed_over() - 3600), &row.prescriber),
            Origin::Dispense => ("dispense", time::rfc3339(self.handed_over()), &row.dispenser),
        };
        let id = format!("md-{:02}-{digits}-{:02}-{}", person.number, self.number, &code[..1]);
        let known = self.known_from();
        let mut resource = json!({
            "resourceType": "MedicationDispense",
            "id": id,
            "meta": {
                "versionId": "1",
                "lastUpdated": time::rfc3339(known),
                "profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_MedicationDispense"],
            },
            "identifier": [
                { "system": format!("{MHLW}/IdSystem/Medication-RPGroupNumber"), "value": self.group.to_string() },
                { "system": format!("{MHLW}/IdSystem/MedicationAdministrationIndex"), "value": "1" },
            ],
            "extension": [
                { "url": format!("{NAMESPACE}/StructureDefinition/record-origin"), "valueCode": code },
                { "url": format!("{NAMESPACE}/StructureDefinition/ingredient-name"), "valueString": drug.ingredient },
            ],
            "status": "completed",
            "medicationCodeableConcept": drug.concept(),
            "subject": { "reference": format!("Patient/{}", person.patient) },
            "performer": [{ "actor": directory.institution(by).reference() }],
            "authorizingPrescription": [{
                "type": "MedicationRequest",
                "identifier": {
                    "system": format!("{NAMESPACE}/IdSystem/prescription"),
                    "value": format!("rx-{:02}-{digits}{:02}-{}", person.number, row.day, row.prescriber),
                },
                "display": directory.institution(&row.prescriber).name,
            }],
            "quantity": drug.quantity(row.daily * row.days.unwrap_or(1)),
            "whenHandedOver": when,
            "dosageInstruction": [self.dosage()],
        });
        if let Some(days) = row.days {
            resource["daysSupply"] =
                json!({ "value": days, "unit": "日", "system": "http://unitsofmeasure.org", "code": "d" });
        }
        resource
    }

    fn dosage(&self) -> Value {
        let Some(days) = self.row.days else {
            return json!({ "text": "外用 １日１回 患部に貼付", "asNeededBoolean": true, "route": { "text": "外用" } });
        };
        let (times, when, code) = match self.row.daily {
            1 => ("１日１回", "朝食後", "1011000400000000"),
            2 => ("１日２回", "朝夕食後", "1012040400000000"),
            _ => ("１日３回", "朝昼夕食後", "1013044400000000"),
        };
        let display = format!("内服・経口・{times}{when}");
        json!({
            "text": format!("内服 {times} {when} {days}日分"),
            "timing": { "code": { "coding": [{
                "system": "http://jami.jp/CodeSystem/MedicationUsage", "code": code, "display": display,
            }] } },
            "route": { "text": "内服" },
        })
    }
}

impl Drug {
    fn concept(&self) -> Value {
        let coding = match (&self.yj, &self.receipt) {
            (Some(yj), _) => Some((YJ, yj)),
            (None, Some(receipt)) => Some((RECEIPT, receipt)),
            (None, None) => None,
        };
        let mut concept = json!({ "text": self.name });
        if let Some((system, code)) = coding {
            concept["coding"] = json!([{ "system": system, "code": code, "display": self.name }]);
        }
        concept
    }

    fn quantity(&self, value: i64) -> Value {
        let mut quantity = json!({ "value": value, "unit": self.unit });
        if self.unit == "錠" {
            quantity["system"] = format!("{MHLW}/CodeSystem/MedicationUnitMERIT9Code").into();
            quantity["code"] = "TAB".into();
        }
        quantity
    }
}

const MHLW: &str = "http://jpfhir.jp/fhir/core/mhlw";
pub(super) const YJ: &str = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code";
const RECEIPT: &str = "urn:oid:1.2.392.100495.20.2.71";
const MONTHS_KEPT: i64 = 24;
const CLAIM_DAYS: i64 = 19;
