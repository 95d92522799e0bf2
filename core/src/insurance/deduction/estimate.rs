//! What counts, and what it comes to.

use super::input::{Answer, DeductionInput, year_of};
use super::rules::DeductionRules;
use super::twice::told_twice;
use crate::insurance::Payment;
use crate::time::CalendarDate;

/// The word that stands on every figure.
pub const ESTIMATE_LABEL: &str = "試算";

/// Why a payment is not counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exclusion {
    /// The user said so.
    Answered,
    /// Neither a receipt nor a notice gives an amount.
    NoAmount,
    /// No date of payment and no month of treatment: the year is not known.
    NoDate,
    /// D-1, or D-5 between two lines: the receipt is counted, or the first of two that are alike.
    Twice,
    /// D-2: paid in another year.
    OtherYear,
    /// D-3: a kind that is not deductible.
    Kind,
    /// D-6: not 生計を一にする.
    Livelihood,
}

/// The deduction, as far as it can be told. To be shown with [`ESTIMATE_LABEL`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeductionEstimate {
    /// Paid, in yen.
    pub paid_yen: i64,
    /// 補填される金額, for each payment no more than was paid, in yen.
    pub reimbursed_yen: i64,
    /// What is taken off: 100,000 yen or 5 % of the income.
    pub floor_yen: i64,
    /// 医療費控除額, in yen.
    pub deduction_yen: i64,
    /// Indices of the payments that were counted.
    pub counted: Vec<usize>,
    /// Indices of those that were not, and why.
    pub excluded: Vec<(usize, Exclusion)>,
    /// Receipts are to be kept to this day (国税庁 No.1119: five years after the end of filing).
    pub keep_receipts_through: CalendarDate,
}

impl DeductionEstimate {
    /// 「試算」.
    pub const fn label(&self) -> &'static str {
        ESTIMATE_LABEL
    }
}

impl DeductionRules {
    /// The estimate for a year, without what [`findings`](Self::findings) D-1, D-2, D-3, D-5 and D-6 take out; answers
    /// take out more, or bring back what D-1, D-3 and D-5 did. `None` for a year that no table covers.
    pub fn estimate(&self, input: &DeductionInput<'_>) -> Option<DeductionEstimate> {
        let last_day = CalendarDate { year: input.year, month: 12, day: 31 };
        if !self.header.covers(last_day) {
            return None;
        }
        let twice = told_twice(self, input);
        let (mut counted, mut excluded) = (Vec::new(), Vec::new());
        for (at, payment) in input.payments.iter().enumerate() {
            match self.exclusion(input, at, payment, &twice) {
                Some(why) => excluded.push((at, why)),
                None => counted.push(at),
            }
        }
        let (mut paid, mut reimbursed) = (0_i128, 0_i128);
        for payment in counted.iter().filter_map(|at| input.payments.get(*at)) {
            let own = payment.amount_yen().map_or(0, |(yen, _)| yen.max(0));
            paid = paid.saturating_add(i128::from(own));
            // A benefit beyond what was paid does not lessen other payments.
            reimbursed = reimbursed.saturating_add(i128::from(payment.reimbursed_yen.clamp(0, own)));
        }
        let floor = self.floor(input.income_yen);
        let deduction =
            paid.saturating_sub(reimbursed).saturating_sub(i128::from(floor)).clamp(0, i128::from(self.cap_yen));
        Some(DeductionEstimate {
            paid_yen: i64::try_from(paid).unwrap_or(i64::MAX),
            reimbursed_yen: i64::try_from(reimbursed).unwrap_or(i64::MAX),
            floor_yen: floor,
            deduction_yen: i64::try_from(deduction).unwrap_or(self.cap_yen),
            counted,
            excluded,
            keep_receipts_through: self.keep_receipts_through(input.year),
        })
    }

    /// The day to which the receipts of a tax year are to be kept.
    pub const fn keep_receipts_through(&self, tax_year: u16) -> CalendarDate {
        let years = self.receipt_years.saturating_add(1);
        CalendarDate { year: tax_year.saturating_add(years), month: self.filing_month, day: self.filing_day }
    }

    /// セルフメディケーション税制 (租税特別措置法 41条の17), which excludes 医療費控除; `None` for a year it does not cover.
    pub fn self_medication(&self, year: u16, paid_yen: i64) -> Option<i64> {
        let day = CalendarDate { year, month: 12, day: 31 };
        let is_covered = self.header.covers(day) && day <= self.self_medication_through;
        let beyond = paid_yen.saturating_sub(self.self_medication_floor_yen).clamp(0, self.self_medication_cap_yen);
        is_covered.then_some(beyond)
    }

    fn floor(&self, income_yen: i64) -> i64 {
        let share = i128::from(income_yen.max(0)).saturating_mul(i128::from(self.floor_income_percent)) / 100;
        i64::try_from(share).unwrap_or(i64::MAX).min(self.floor_yen)
    }

    fn exclusion(
        &self,
        input: &DeductionInput<'_>,
        at: usize,
        payment: &Payment,
        twice: &[usize],
    ) -> Option<Exclusion> {
        let is_included = input.answers.contains(&Answer::Include(at));
        let shares = input.people.get(payment.person).is_some_and(|person| person.shares_livelihood);
        let year = year_of(payment);
        if input.answers.contains(&Answer::Exclude(at)) {
            Some(Exclusion::Answered)
        } else if year.is_none() {
            Some(Exclusion::NoDate)
        } else if year != Some(input.year) {
            Some(Exclusion::OtherYear)
        } else if payment.amount_yen().is_none() {
            Some(Exclusion::NoAmount)
        } else if !shares {
            Some(Exclusion::Livelihood)
        } else if self.not_deductible.contains(&payment.kind) && !is_included {
            Some(Exclusion::Kind)
        } else if twice.contains(&at) && !is_included {
            Some(Exclusion::Twice)
        } else {
            None
        }
    }

    /// The payments that are counted, by index.
    pub(super) fn counted<'a>(&self, input: &DeductionInput<'a>) -> Vec<(usize, &'a Payment)> {
        let twice = told_twice(self, input);
        let all = input.payments.iter().enumerate();
        all.filter(|(at, payment)| self.exclusion(input, *at, payment, &twice).is_none()).collect()
    }
}
