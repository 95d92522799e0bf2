//! What is known of one tax year, and what the user answered.

use crate::insurance::{Payment, Person, YearMonth};
use crate::time::CalendarDate;

/// What is known of one tax year.
#[derive(Clone, Debug)]
pub struct DeductionInput<'a> {
    /// Tax year, a calendar year.
    pub year: u16,
    /// 総所得金額等, in yen.
    pub income_yen: i64,
    /// The people whom [`Payment::person`] means.
    pub people: &'a [Person],
    /// Payments in any order, those of other years included.
    pub payments: &'a [Payment],
    /// The day on which it is computed.
    pub today: CalendarDate,
    /// Last month for which expense notices are issued; `None` takes the newest month with one.
    pub notices_through: Option<YearMonth>,
    /// Paid for medicines of セルフメディケーション税制, where the user chose that, in yen.
    pub self_medication_yen: Option<i64>,
    /// What the user answered to findings.
    pub answers: &'a [Answer],
    /// For each person, in the same order: the insurance for the limits of 高額療養費. May be shorter.
    pub insured: &'a [Option<Insured<'a>>],
}

/// A person's insurance as far as the limits of 高額療養費 need it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Insured<'a> {
    /// Category 適用区分, `A01` … for those under 70 and `B01` … from 70 on.
    pub category: &'a str,
    /// People with the same insurer are added up: any number, the same for all of them.
    pub household: u32,
}

/// The user's answer to a finding about one payment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Count it though [D-1](super::Finding::Twice), [D-3](super::Finding::NotDeductible) or [D-5](super::Finding::NoticeDiffers) says not
    /// to.
    Include(usize),
    /// Do not count it.
    Exclude(usize),
}

/// The year in which it was paid; without a date, that of the treatment.
pub(super) fn year_of(payment: &Payment) -> Option<u16> {
    payment.paid_on.map(|day| day.year).or_else(|| payment.treatment_month.map(YearMonth::year))
}

/// What the user has not taken out and was paid in the year.
pub(super) fn of_year<'a>(input: &DeductionInput<'a>) -> impl Iterator<Item = (usize, &'a Payment)> {
    let all = input.payments.iter().enumerate();
    all.filter(|(at, payment)| year_of(payment) == Some(input.year) && !input.answers.contains(&Answer::Exclude(*at)))
}
