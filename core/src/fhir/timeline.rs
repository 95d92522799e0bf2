//! Every kind of record in one list by date, each with its source.

use serde_json::Value;

use super::audit_event::AccessEntry;
use super::dispense::{Dispense, RecordOrigin};
use super::expense::Expense;
use super::immunization::Immunization;
use super::observation::Observation;
use super::resource::DataDate;
use super::text;
use crate::error::{Error, ResourceFault};
use crate::json as border;

/// A record of one of the five kinds.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// 医療費通知.
    Expense(Expense),
    /// 薬剤情報.
    Dispense(Dispense),
    /// 予防接種.
    Immunization(Immunization),
    /// 特定健診.
    Observation(Observation),
    /// アクセスログ.
    Access(AccessEntry),
}

impl Record {
    /// Takes a parsed resource of one of the five types.
    ///
    /// # Errors
    /// [`ResourceFault::Malformed`] for another type.
    pub fn new(resource: Value) -> Result<Self, Error> {
        match text(&resource, "resourceType") {
            Some(Expense::TYPE) => Expense::new(resource).map(Self::Expense),
            Some(Dispense::TYPE) => Dispense::new(resource).map(Self::Dispense),
            Some(Immunization::TYPE) => Immunization::new(resource).map(Self::Immunization),
            Some(Observation::TYPE) => Observation::new(resource).map(Self::Observation),
            Some(AccessEntry::TYPE) => AccessEntry::new(resource).map(Self::Access),
            _ => Err(ResourceFault::Malformed { what: "record" }.into()),
        }
    }

    /// Reads one that an app hands in, as strictly as what a server sends: bounded, and without a My Number.
    ///
    /// # Errors
    /// [`Error::Resource`].
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        Self::new(border::parse_object(json, "record")?)
    }

    /// The date of the data: of the care, not of its arrival.
    pub fn date(&self) -> Option<DataDate> {
        match self {
            Self::Expense(expense) => expense.month(),
            Self::Dispense(dispense) => dispense.date(),
            Self::Immunization(immunization) => immunization.date(),
            Self::Observation(observation) => observation.date(),
            Self::Access(access) => access.date(),
        }
    }

    /// The resource as it was received.
    pub fn as_json(&self) -> &Value {
        match self {
            Self::Expense(expense) => expense.as_json(),
            Self::Dispense(dispense) => dispense.as_json(),
            Self::Immunization(immunization) => immunization.as_json(),
            Self::Observation(observation) => observation.as_json(),
            Self::Access(access) => access.as_json(),
        }
    }

    /// What it is about, in the server's words.
    pub fn title(&self) -> Option<&str> {
        match self {
            Self::Expense(expense) => expense.provider(),
            Self::Dispense(dispense) => dispense.name(),
            Self::Immunization(immunization) => immunization.vaccine(),
            Self::Observation(observation) => observation.name(),
            Self::Access(access) => access.kind_words(),
        }
    }

    /// Stable name of where the data come from.
    pub fn source(&self) -> &'static str {
        match self {
            Self::Expense(_) => "expense_notice",
            Self::Dispense(dispense) => match dispense.origin() {
                RecordOrigin::Claim => "claim",
                RecordOrigin::Prescription => "prescription",
                RecordOrigin::Dispense => "dispense",
                RecordOrigin::Other(_) | RecordOrigin::Unknown => "medication",
            },
            Self::Immunization(_) => "immunization",
            Self::Observation(observation) if observation.is_specific_checkup() => "specific_checkup",
            Self::Observation(_) => "observation",
            Self::Access(_) => "access_log",
        }
    }
}

/// Sorts records by date, newest first; those without one come last. Records of one day keep their order.
pub fn timeline(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| std::cmp::Reverse(record.date().map(|date| date.date)));
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_from_an_app_meet_the_same_border_as_a_servers() {
        let record = Record::parse(br#"{"resourceType": "Observation", "id": "o"}"#).expect("a record");
        assert_eq!(record.source(), "observation");
        let number = br#"{"resourceType": "Observation",
            "identifier": [{"system": "urn:my-number", "value": "123456789018"}]}"#;
        let code = |json: &[u8]| Record::parse(json).map_err(|error| error.code()).map(drop);
        assert_eq!(code(number), Err("KZ-D05"));
        for json in [&b"[]"[..], b"{", br#"{"resourceType": "Patient"}"#] {
            assert_eq!(code(json), Err("KZ-D01"));
        }
    }
}
