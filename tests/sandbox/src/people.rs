//! The synthetic people: who owns which card key, and which answer each is given.

use std::collections::HashMap;

use serde_json::Value;

/// One synthetic person as this backend knows them.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) number: u8,
    /// Opaque patient id, the SMART launch context of every token of this person.
    pub(crate) patient: String,
    /// Name as a record shows it, with an ASCII space.
    pub(crate) name: String,
    /// The answer template of this person.
    pub(crate) template: &'static str,
    /// The name of that answer in people.json.
    pub(crate) qualification: String,
    queued: bool,
}

impl Person {
    /// Whether this person's requests wait in the queue of the upstream system first.
    pub(crate) fn is_queued(&self) -> bool {
        self.queued
    }
}

/// All people, found by the thumbprint of their card key.
pub(crate) struct People {
    by_number: HashMap<u8, Person>,
    by_thumbprint: HashMap<String, u8>,
}

impl People {
    /// Reads the checked-in people; `are_renamed` gives each of them another patient id.
    ///
    /// # Panics
    /// If the checked-in data is not of the expected form.
    pub(crate) fn load(are_renamed: bool) -> Self {
        let people: Value = serde_json::from_str(PEOPLE).expect("people.json is JSON");
        let keys: Value = serde_json::from_str(KEYS).expect("keys.json is JSON");
        let patients: Value = serde_json::from_str(PATIENTS).expect("patients.json is JSON");
        let mut loaded = Self { by_number: HashMap::new(), by_thumbprint: HashMap::new() };
        for entry in people["people"].as_array().expect("people.json lists people") {
            let number = entry["number"].as_u64().and_then(|number| u8::try_from(number).ok()).expect("a small number");
            let name = number.to_string();
            let qualification = entry["qualification"].as_str().unwrap_or_default().to_owned();
            let template = template(&qualification).expect("a known qualification");
            let renamed = if are_renamed { "-renamed" } else { "" };
            let patient = format!("{}{renamed}", patients[&name].as_str().expect("a patient id"));
            let shown = entry["name"].as_str().expect("a name").replace('\u{3000}', " ");
            let queued = qualification == "pending";
            loaded.by_number.insert(number, Person { number, patient, name: shown, template, qualification, queued });
            for key in keys["people"][&name]["authentication"].as_object().into_iter().flat_map(|keys| keys.values()) {
                let thumbprint = key["thumbprint"].as_str().expect("a thumbprint").to_owned();
                loaded.by_thumbprint.insert(thumbprint, number);
            }
        }
        loaded
    }

    pub(crate) fn with_key(&self, thumbprint: &str) -> Option<&Person> {
        self.with_number(*self.by_thumbprint.get(thumbprint)?)
    }

    /// Everybody, by number.
    pub(crate) fn all(&self) -> Vec<&Person> {
        let mut people: Vec<&Person> = self.by_number.values().collect();
        people.sort_by_key(|person| person.number);
        people
    }

    pub(crate) fn with_number(&self, number: u8) -> Option<&Person> {
        self.by_number.get(&number)
    }
}

/// The answer of each qualification named in people.json.
fn template(qualification: &str) -> Option<&'static str> {
    Some(match qualification {
        "valid" => include_str!("../data/valid.json"),
        "lost" => include_str!("../data/lost.json"),
        "replaced" => include_str!("../data/replaced.json"),
        "not-found" => include_str!("../data/not-found.json"),
        "multiple" => include_str!("../data/multiple.json"),
        "unregistered" => include_str!("../data/unregistered.json"),
        "pending" => include_str!("../data/pending.json"),
        "upstream-error" => include_str!("../data/upstream-error.json"),
        "valid-elderly" => include_str!("../data/valid-elderly.json"),
        "valid-child" => include_str!("../data/valid-child.json"),
        _ => return None,
    })
}

const PEOPLE: &str = include_str!("../../people/people.json");
const KEYS: &str = include_str!("../../people/keys.json");
const PATIENTS: &str = include_str!("../data/patients.json");
