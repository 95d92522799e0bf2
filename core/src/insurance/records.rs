//! What the server's records say, as the rules here take it.

use super::{ExpenseKind, Medication, Payment, Source, YearMonth};
use crate::fhir::{Dispense, Expense, Precision, RecordOrigin};

impl Dispense {
    /// What the check for duplicates compares; `None` without a date, and for what was not handed over.
    pub fn to_medication(&self) -> Option<Medication<'_>> {
        let at = self.date().filter(|_| !self.was_undone())?;
        let is_claim = self.origin() == RecordOrigin::Claim;
        Some(Medication {
            yj_code: self.yj_code(),
            name: self.name(),
            start: at.date,
            days: self.days(),
            is_month: is_claim || at.precision == Precision::Month,
            provider: self.provider(),
            source: match self.origin() {
                RecordOrigin::Claim => Source::Claim,
                RecordOrigin::Prescription => Source::Prescription,
                RecordOrigin::Dispense | RecordOrigin::Other(_) | RecordOrigin::Unknown => Source::Dispense,
            },
            prescription: self.prescription(),
        })
    }
}

impl Expense {
    /// The line as a payment of person `person`, for household tools, tax form and comparison; `None` without an id, by
    /// which a second import is told from the first. Amounts over what an `i64` of yen holds do not occur.
    pub fn to_payment(&self, person: usize) -> Option<Payment> {
        let amounts = self.amounts();
        Some(Payment {
            source_id: self.id()?.to_owned(),
            row: 0,
            person,
            kind: self.kind().map_or(ExpenseKind::Other, ExpenseKind::from_code),
            institution: self.provider().unwrap_or_default().to_owned(),
            treatment_month: self.month().map(|month| YearMonth::of(month.date)),
            paid_on: None,
            receipt_yen: None,
            notice_yen: amounts.patient_equivalent,
            reimbursed_yen: 0,
            total_cost_yen: amounts.total_cost,
        })
    }
}
