//! What members paid for care: the notices that came from the server, and what was entered or imported.

use std::collections::BTreeSet;

use kazasu::fhir::{Expense, Record};
use kazasu::insurance::{Payment, Person, YearMonth};
use kazasu::store::{Member, Query};

use super::Family;
use crate::failure::Failure;

/// Payments of some members, who are named by their place among `people`.
pub(crate) struct Expenses {
    pub(crate) people: Vec<Person>,
    pub(crate) payments: Vec<Payment>,
    /// Months whose notice has come, for each person.
    arrived: BTreeSet<(usize, YearMonth)>,
}

impl Expenses {
    /// Reads them from the store.
    pub(crate) fn of(family: &Family, members: &[Member]) -> Result<Self, Failure> {
        let mut expenses = Self { people: Vec::new(), payments: Vec::new(), arrived: BTreeSet::new() };
        for (person, member) in members.iter().enumerate() {
            expenses.people.push(Person {
                nickname: member.profile.nickname.clone(),
                name: None,
                shares_livelihood: member.profile.shares_livelihood,
            });
            let notices = Query { types: vec![Expense::TYPE], ..Query::default() };
            family.store.visit_records(member.id, &notices, |stored| {
                if let Record::Expense(expense) = &stored.record {
                    expenses.payments.extend(expense.to_payment(person));
                }
                Ok(true)
            })?;
            family.store.visit_payments(member.id, |stored| {
                expenses.payments.push(Payment { person, ..stored.payment });
                Ok(true)
            })?;
        }
        let told = expenses.payments.iter().filter(|payment| payment.notice_yen.is_some());
        expenses.arrived = told.filter_map(|payment| Some((payment.person, payment.treatment_month?))).collect();
        expenses.payments.sort_by_key(|payment| (payment.person, month(payment), payment.paid_on));
        Ok(expenses)
    }

    /// Whether the notice of a month has come for a person. Notices come month by month: one for a later month says that
    /// this one has come too, even if nothing was in it.
    pub(crate) fn has_arrived(&self, person: usize, month: YearMonth) -> bool {
        let Some(first) = self.arrived.range((person, month)..).next() else { return false };
        first.0 == person && self.arrived.iter().any(|(whose, first)| *whose == person && *first <= month)
    }

    /// Years with a payment, the first one first.
    pub(crate) fn years(&self) -> BTreeSet<u16> {
        self.payments.iter().filter_map(|payment| Some(month(payment)?.year())).collect()
    }
}

/// The month of treatment, or of payment where the former is not known.
fn month(payment: &Payment) -> Option<YearMonth> {
    payment.treatment_month.or_else(|| payment.paid_on.map(YearMonth::of))
}
