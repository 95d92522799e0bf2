//! Every kind of record in one list by date, each with its source.

use serde_json::Value;

use super::audit_event::AccessEntry;
use super::dispense::{Dispense, RecordOrigin};
use super::expense::Expense;
use super::immunization::Immunization;
use super::observation::Observation;
use super::resource::DataDate;

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
