//! 特定健診 as Observation, one for each item and year.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::tables;
use crate::outcome::NAMESPACE;
use crate::people::Person;
use crate::time::{self, Day};

#[derive(Deserialize)]
struct Table {
    items: Vec<Item>,
    results: Vec<Results>,
}

#[derive(Deserialize)]
struct Item {
    key: String,
    code: String,
    name: String,
    category: String,
    unit: Option<String>,
    ucum: Option<String>,
    #[serde(default)]
    decimals: u8,
    /// How far a year may be from the next, in the last decimal.
    #[serde(default)]
    step: i64,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    low: Option<Number>,
    high: Option<Number>,
    text: String,
}

#[derive(Deserialize)]
struct Results {
    person: u8,
    /// Code of the code system `record-kind`.
    kind: String,
    month: i64,
    day: i64,
    years: u32,
    values: BTreeMap<String, f64>,
    texts: BTreeMap<String, String>,
    /// Items whose value is only known to be below the number.
    #[serde(default)]
    below: Vec<String>,
}

/// The check-up results of a person by `today`.
pub(super) fn resources(person: &Person, today: Day) -> Vec<Value> {
    let table: Table = tables::read(include_str!("../../data/records/checkups.json"));
    let mut resources = Vec::new();
    for results in table.results.iter().filter(|results| results.person == person.number) {
        let days = tables::yearly(today, results.month, results.day, results.years);
        for (years_ago, day) in (0..).zip(days) {
            for item in &table.items {
                let mut resource = resource(person, results, item, day);
                match (results.values.get(&item.key), results.texts.get(&item.key)) {
                    (Some(latest), _) => {
                        resource["valueQuantity"] = results.quantity(item, *latest, years_ago, person.number);
                    }
                    (None, Some(text)) => resource["valueCodeableConcept"] = json!({ "text": text }),
                    (None, None) => continue,
                }
                resources.push(resource);
            }
        }
    }
    resources
}

impl Results {
    fn quantity(&self, item: &Item, latest: f64, years_ago: i64, person: u8) -> Value {
        let scale = 10_f64.powi(i32::from(item.decimals));
        let reach = item.step * years_ago.min(1);
        let moved = tables::vary(&format!("{person}/{}/{years_ago}", item.key), (-reach, reach));
        // A few hundred at most, so nothing is lost.
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let (value, whole) = {
            let value = ((latest * scale).round() + moved as f64) / scale;
            (value, value as i64)
        };
        let mut quantity = json!({ "value": value, "unit": item.unit, "system": UCUM, "code": item.ucum });
        if item.decimals == 0 {
            quantity["value"] = whole.into();
        }
        if self.below.contains(&item.key) && years_ago == 0 {
            quantity["comparator"] = "<".into();
        }
        quantity
    }
}

fn resource(person: &Person, results: &Results, item: &Item, day: Day) -> Value {
    let digits = day.to_string().replace('-', "");
    let mut resource = json!({
        "resourceType": "Observation",
        "id": format!("ob-{:02}-{digits}-{}", person.number, item.key),
        "meta": {
            "versionId": "1",
            "lastUpdated": time::rfc3339(day.start() + 18 * 3600),
            "profile": ["http://jpfhir.jp/fhir/eCheckup/StructureDefinition/JP_Observation_eCheckupGeneral"],
        },
        "status": "final",
        "category": [
            { "coding": [{ "system": format!("{NAMESPACE}/CodeSystem/record-kind"), "code": results.kind }] },
            { "coding": [{ "system": SIMPLE_CATEGORY, "code": item.category }] },
        ],
        "code": { "coding": [{ "system": ITEM_CODES, "code": item.code, "display": item.name }] },
        "subject": { "reference": format!("Patient/{}", person.patient) },
        "effectiveDateTime": day.to_string(),
    });
    if let Some(range) = &item.range {
        let mut shown = json!({ "text": range.text });
        for (name, bound) in [("low", &range.low), ("high", &range.high)] {
            if let Some(bound) = bound {
                shown[name] = json!({ "value": bound, "unit": item.unit });
            }
        }
        resource["referenceRange"] = json!([shown]);
    }
    resource
}

const UCUM: &str = "http://unitsofmeasure.org";
const ITEM_CODES: &str = "urn:oid:1.2.392.200119.6.1005";
const SIMPLE_CATEGORY: &str = "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS";
