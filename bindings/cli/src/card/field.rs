//! Fields of a record as people and machines read them: what the card has, what it has not, and what nobody understands.

use kazasu::card::{Field, OtherField};
use serde_json::{Map, Value, json};

use crate::output::Output;

/// The value as `known` writes it, else why there is none.
pub(super) fn text<T>(field: &Field<T>, known: impl FnOnce(&T) -> String, output: Output) -> String {
    match field {
        Field::Read(value) => known(value),
        Field::NotOnCard => not_on_card(output).to_owned(),
        Field::Unreadable(_) => {
            let shown = field.unreadable().unwrap_or_default();
            format!("{shown}{}", output.say("（判別できません）", " (not understood)"))
        }
    }
}

pub(super) fn not_on_card(output: Output) -> &'static str {
    output.say("カードに記録がありません", "not on the card")
}

/// Behind a value that the municipality's signature does not cover.
pub(super) fn not_signed(output: Output) -> &'static str {
    output.say("（署名の対象外）", " (not signed)")
}

/// Fields that no specification names, a line each, with `mark` behind it.
pub(super) fn print_others(others: &[OtherField], mark: &str, output: Output) {
    for other in others {
        let name = format!("{} {:04X}", output.say("不明な項目", "Unknown field"), other.tag);
        output.field(&name, &format!("{}{mark}", other.shown()));
    }
}

/// What is missing in an object for machines, and why: a field without value is `null` there.
#[derive(Default)]
pub(super) struct Gaps {
    not_on_card: Vec<&'static str>,
    unreadable: Map<String, Value>,
}

impl Gaps {
    /// The value as `known` writes it, else `null` and a note under `name`.
    pub(super) fn value<T>(&mut self, name: &'static str, field: &Field<T>, known: impl FnOnce(&T) -> Value) -> Value {
        match field {
            Field::Read(value) => return known(value),
            Field::NotOnCard => self.not_on_card(name),
            Field::Unreadable(_) => self.unreadable(name, field.unreadable().map(|shown| shown.into_owned().into())),
        }
        Value::Null
    }

    /// Notes that the card does not have `name`.
    pub(super) fn not_on_card(&mut self, name: &'static str) {
        self.not_on_card.push(name);
    }

    /// Notes that `name` is there and not understood, with its text where it has one.
    pub(super) fn unreadable(&mut self, name: &'static str, shown: Option<Value>) {
        self.unreadable.insert(name.to_owned(), shown.unwrap_or_default());
    }

    /// Adds `not_on_card`, `unreadable` and, under a name of its own, what nobody knows to the object.
    pub(super) fn note_in(self, object: &mut Value, name: &'static str, others: &[OtherField]) {
        let others: Vec<Value> =
            others.iter().map(|other| json!({"tag": format!("{:04X}", other.tag), "value": other.shown()})).collect();
        for (name, value) in [
            ("not_on_card", json!(self.not_on_card)),
            ("unreadable", Value::Object(self.unreadable)),
            (name, Value::Array(others)),
        ] {
            if let Some(object) = object.as_object_mut() {
                object.insert(name.to_owned(), value);
            }
        }
    }
}
