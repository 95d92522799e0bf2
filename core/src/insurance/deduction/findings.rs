//! D-1 to D-10: one function for each.

use std::collections::BTreeMap;

use super::finding::{Finding, FormLimit};
use super::input::{Answer, DeductionInput, of_year};
use super::refund::high_cost_expected;
use super::rules::DeductionRules;
use super::twice::{notice_differs, twice};
use crate::insurance::{HighCostRules, Payment, YearMonth};

impl DeductionRules {
    /// Everything to look at, D-1 to D-10 in order.
    pub fn findings(&self, input: &DeductionInput<'_>, high_cost: &HighCostRules) -> Vec<Finding> {
        let mut found = twice(self, input);
        found.extend(other_year(input));
        found.extend(not_deductible(self, input));
        found.extend(reimbursed_beyond_paid(self, input));
        found.extend(notice_differs(self, input));
        found.extend(not_same_livelihood(input));
        found.extend(missing_months(input));
        found.extend(both_deductions(self, input));
        found.extend(form_limits(self, input));
        found.extend(high_cost_expected(self, input, high_cost));
        found
    }
}

/// D-2.
fn other_year(input: &DeductionInput<'_>) -> Vec<Finding> {
    let other = |(payment, one): (usize, &Payment)| {
        let year = one.paid_on?.year;
        (year != input.year).then_some(Finding::OtherYear { payment, year })
    };
    input.payments.iter().enumerate().filter_map(other).collect()
}

/// D-3.
fn not_deductible(rules: &DeductionRules, input: &DeductionInput<'_>) -> Vec<Finding> {
    let such = of_year(input).filter(|(_, payment)| rules.not_deductible.contains(&payment.kind));
    let finding = |(payment, one): (usize, &Payment)| {
        let is_overridden = input.answers.contains(&Answer::Include(payment));
        Finding::NotDeductible { payment, kind: one.kind, is_overridden }
    };
    such.map(finding).collect()
}

/// D-4.
fn reimbursed_beyond_paid(rules: &DeductionRules, input: &DeductionInput<'_>) -> Vec<Finding> {
    let beyond = |(payment, one): (usize, &Payment)| {
        let paid = one.amount_yen()?.0.max(0);
        let surplus_yen = one.reimbursed_yen.saturating_sub(paid);
        (surplus_yen > 0).then_some(Finding::ReimbursedBeyondPaid { payment, surplus_yen })
    };
    rules.counted(input).into_iter().filter_map(beyond).collect()
}

/// D-6.
fn not_same_livelihood(input: &DeductionInput<'_>) -> Vec<Finding> {
    let mut people: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, payment) in of_year(input) {
        if !input.people.get(payment.person).is_some_and(|person| person.shares_livelihood) {
            people.entry(payment.person).or_default().push(at);
        }
    }
    people.into_iter().map(|(person, payments)| Finding::NotSameLivelihood { person, payments }).collect()
}

/// D-7. Months of the year that have begun and come after the last notice. A month before it without a line is one
/// without care.
fn missing_months(input: &DeductionInput<'_>) -> Option<Finding> {
    let with_notice = input.payments.iter().filter(|one| one.notice_yen.is_some());
    let through = input.notices_through.or_else(|| with_notice.filter_map(|one| one.treatment_month).max());
    let begun = YearMonth::of(input.today);
    let months = (1..=12).filter_map(|month| YearMonth::new(input.year, month));
    let missing = months.filter(|month| *month <= begun && through.is_none_or(|last| *month > last));
    Some(missing.collect::<Vec<_>>()).filter(|missing| !missing.is_empty()).map(Finding::MissingMonths)
}

/// D-8.
fn both_deductions(rules: &DeductionRules, input: &DeductionInput<'_>) -> Option<Finding> {
    let self_medication_yen = rules.self_medication(input.year, input.self_medication_yen?)?;
    let medical_yen = rules.estimate(input)?.deduction_yen;
    (medical_yen > 0 && self_medication_yen > 0).then_some(Finding::BothDeductions { medical_yen, self_medication_yen })
}

/// D-9.
fn form_limits(rules: &DeductionRules, input: &DeductionInput<'_>) -> Vec<Finding> {
    let form = rules.form;
    let counted = rules.counted(input);
    let mut found = Vec::new();
    if counted.len() > form.rows {
        found.push(FormLimit::Rows { count: counted.len(), most: form.rows });
    }
    for (at, person) in input.people.iter().enumerate() {
        let name = person.name.as_ref().unwrap_or(&person.nickname);
        let is_there = counted.iter().any(|(_, payment)| payment.person == at);
        if is_there && name.chars().count() > form.name_chars {
            found.push(FormLimit::Name { person: at, most: form.name_chars });
        }
    }
    for (payment, one) in counted {
        if one.institution.chars().count() > form.institution_chars {
            found.push(FormLimit::Institution { payment, most: form.institution_chars });
        }
        if !one.amount_yen().is_some_and(|(yen, _)| (0..=form.amount_yen).contains(&yen)) {
            found.push(FormLimit::Amount { payment });
        }
    }
    found.into_iter().map(Finding::FormLimit).collect()
}
