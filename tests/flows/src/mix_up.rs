//! Every way in which an answer can be about somebody else, or answer something else, made from the right answer.

use serde_json::{Value, json};

/// One change of an answer.
#[derive(Clone)]
pub struct Change {
    /// Where and what, for people.
    pub name: String,
    at: String,
    to: Option<Value>,
}

impl Change {
    /// Makes it.
    pub fn apply(&self, answer: &mut Value) {
        match (&self.to, answer.pointer_mut(&self.at)) {
            (Some(to), Some(place)) => *place = to.clone(),
            (None, Some(_)) => {
                let (parent, member) = self.at.rsplit_once('/').expect("a member");
                answer.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(member);
            }
            (_, None) => panic!("{} is not in this answer", self.at),
        }
    }
}

/// What an answer about `patient` turns into when one of the places that name the person names nobody, or somebody else.
/// Of many entries of a Bundle the first and the last are changed.
pub fn of_persons(answer: &Value, base: &str, patient: &str) -> Vec<Change> {
    let others = [
        ("another person", json!({"reference": "Patient/p-somebody-else"})),
        ("a longer id", json!({"reference": format!("Patient/{patient}1")})),
        ("a shorter id", json!({"reference": format!("Patient/{}", &patient[..patient.len() - 1])})),
        ("another version of another person", json!({"reference": "Patient/p-somebody-else/_history/1"})),
        ("another person of this server", json!({"reference": format!("{base}/Patient/p-somebody-else")})),
        ("the same id elsewhere", json!({"reference": format!("https://other.example/r4/Patient/{patient}")})),
        ("the same id beside the base", json!({"reference": format!("{base}0/Patient/{patient}")})),
        ("another type", json!({"reference": format!("Patient/x/Group/{patient}")})),
        ("a fragment", json!({"reference": format!("#{patient}"), "type": "Patient"})),
        ("a URN", json!({"reference": "urn:uuid:0c3b1a0e-0000-4000-8000-000000000001", "type": "Patient"})),
        ("an identifier alone", json!({"identifier": {"value": patient}, "type": "Patient"})),
        ("a name alone", json!({"display": "見本 花子", "type": "Patient"})),
    ];
    let mut changes = Vec::new();
    for at in places(answer, &|value| names(value, patient)) {
        let to =
            |(what, to): &(&str, Value)| Change { name: format!("{at}: {what}"), at: at.clone(), to: Some(to.clone()) };
        changes.extend(others.iter().map(to));
        // What need not be there at all may be missing.
        let is_optional = ["/requester", "/focus"].iter().any(|name| at.ends_with(name)) || at.contains("/entity/");
        if !is_optional {
            changes.push(Change { name: format!("{at}: missing"), at: at.clone(), to: None });
        }
    }
    changes
}

/// What an answer turns into when this string in it is another one, or missing.
pub fn of_text(answer: &Value, at: &str, other: &str) -> Vec<Change> {
    let is_there = answer.pointer(at).is_some_and(Value::is_string);
    assert!(is_there, "{at} is no text of {answer}");
    vec![
        Change { name: format!("{at}: {other}"), at: at.to_owned(), to: Some(other.into()) },
        Change { name: format!("{at}: missing"), at: at.to_owned(), to: None },
    ]
}

/// The right answer in the other forms in which servers may write it.
pub fn of_forms(answer: &Value, base: &str, patient: &str) -> Vec<Change> {
    let forms = [format!("{base}/Patient/{patient}"), format!("Patient/{patient}/_history/7")];
    let form = |at: &String, form: &String| {
        let name = format!("{at}: {form}");
        Change { name, at: format!("{at}/reference"), to: Some(form.as_str().into()) }
    };
    let places = places(answer, &|value| names(value, patient));
    places.iter().flat_map(|at| forms.iter().map(move |one| form(at, one))).collect()
}

fn names(value: &Value, patient: &str) -> bool {
    value["reference"].as_str() == Some(&format!("Patient/{patient}"))
}

/// Pointers to the places that are so.
fn places(answer: &Value, is_one: &dyn Fn(&Value) -> bool) -> Vec<String> {
    fn walk(value: &Value, at: &str, is_one: &dyn Fn(&Value) -> bool, found: &mut Vec<String>) {
        if is_one(value) {
            found.push(at.to_owned());
        }
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| walk(value, &format!("{at}/{name}"), is_one, found));
            }
            Value::Array(list) => {
                let looked_at = [0, list.len().saturating_sub(1)];
                let chosen = list.iter().enumerate().filter(|(n, _)| at != "/entry" || looked_at.contains(n));
                chosen.for_each(|(n, value)| walk(value, &format!("{at}/{n}"), is_one, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(answer, "", is_one, &mut found);
    found
}
