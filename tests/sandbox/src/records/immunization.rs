//! 予防接種 as Immunization.

use serde::Deserialize;
use serde_json::{Value, json};

use super::medication::YJ;
use super::tables;
use crate::people::Person;
use crate::time::{self, Day};

#[derive(Deserialize)]
struct Table {
    vaccines: Vec<Vaccine>,
    yearly: Vec<Yearly>,
    once: Vec<Once>,
}

#[derive(Deserialize)]
struct Vaccine {
    key: String,
    yj: Option<String>,
    name: String,
    disease: String,
}

#[derive(Deserialize)]
struct Yearly {
    person: u8,
    vaccine: String,
    month: i64,
    day: i64,
    years: u32,
}

#[derive(Deserialize)]
struct Once {
    person: u8,
    vaccine: String,
    date: String,
    dose: u32,
    status: Option<String>,
}

/// The vaccinations of a person by `today`.
pub(super) fn resources(person: &Person, today: Day) -> Vec<Value> {
    let table: Table = tables::read(include_str!("../../data/records/immunizations.json"));
    let vaccine = |key: &str| table.vaccines.iter().find(|one| one.key == key).expect("the tables name known vaccines");
    let mut resources = Vec::new();
    for row in table.yearly.iter().filter(|row| row.person == person.number) {
        for day in tables::yearly(today, row.month, row.day, row.years) {
            resources.push(resource(person, vaccine(&row.vaccine), day, 1, "completed"));
        }
    }
    for row in table.once.iter().filter(|row| row.person == person.number) {
        let day = Day::parse(&row.date).expect("the tables hold dates");
        let status = row.status.as_deref().unwrap_or("completed");
        resources.push(resource(person, vaccine(&row.vaccine), day, row.dose, status));
    }
    resources
}

fn resource(person: &Person, vaccine: &Vaccine, day: Day, dose: u32, status: &str) -> Value {
    let digits = day.to_string().replace('-', "");
    let mut code = json!({ "text": vaccine.name });
    if let Some(yj) = &vaccine.yj {
        code["coding"] = json!([{ "system": YJ, "code": yj }]);
    }
    let mut resource = json!({
        "resourceType": "Immunization",
        "id": format!("im-{:02}-{digits}-{}", person.number, vaccine.key),
        "meta": {
            "versionId": "1",
            "lastUpdated": time::rfc3339(day.start() + 18 * 3600),
            "profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Immunization"],
        },
        "status": status,
        "vaccineCode": code,
        "patient": { "reference": format!("Patient/{}", person.patient) },
        "occurrenceDateTime": day.to_string(),
        "primarySource": true,
        "protocolApplied": [{ "targetDisease": [{ "text": vaccine.disease }], "doseNumberPositiveInt": dose }],
    });
    if status == "completed" {
        resource["lotNumber"] = format!("SIM-{}", &digits[2..6]).into();
    } else {
        resource["statusReason"] = json!({ "text": "体調不良のため延期" });
    }
    resource
}
