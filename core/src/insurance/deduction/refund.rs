//! D-10: what 高額療養費 would give back.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::input::{DeductionInput, Insured};
use super::rules::DeductionRules;
use crate::insurance::{Care, HighCostError, HighCostRules, Household, Patient, Payment, YearMonth};

/// A payment, its index and the insurance of its person.
type InsuredLine<'a> = (usize, &'a Payment, Insured<'a>);

/// D-10. Months of people whose category is known, added up by insurer, without 多数回該当 and the halves of the 75th
/// birthday. A month in which anything was reimbursed is left alone.
pub(super) fn high_cost_expected(
    rules: &DeductionRules,
    input: &DeductionInput<'_>,
    high_cost: &HighCostRules,
) -> Vec<Finding> {
    let mut months: BTreeMap<(YearMonth, u32), Vec<InsuredLine<'_>>> = BTreeMap::new();
    for (at, payment) in rules.counted(input) {
        let insured = input.insured.get(payment.person).copied().flatten();
        if let (Some(month), Some(insured)) = (payment.treatment_month, insured) {
            months.entry((month, insured.household)).or_default().push((at, payment, insured));
        }
    }
    let mut found = Vec::new();
    for ((month, _), lines) in months {
        if lines.iter().any(|(_, payment, _)| payment.reimbursed_yen > 0) {
            continue;
        }
        let payments: Vec<usize> = lines.iter().map(|(at, _, _)| *at).collect();
        match refund_of(month, &lines, high_cost) {
            Ok((0, _)) => {}
            Ok((refund_yen, is_planned)) => {
                found.push(Finding::HighCostExpected { month, payments, refund_yen, is_planned });
            }
            Err(cause) => found.push(Finding::HighCostUnknown { month, payments, cause }),
        }
    }
    found
}

fn refund_of(
    month: YearMonth,
    lines: &[InsuredLine<'_>],
    high_cost: &HighCostRules,
) -> Result<(i64, bool), HighCostError> {
    let is_from_70 = |insured: &Insured<'_>| insured.category.starts_with('B');
    let category = |from_70| {
        let mut all = lines.iter().map(|(_, _, insured)| *insured).filter(|insured| is_from_70(insured) == from_70);
        all.next().map(|insured| insured.category)
    };
    let mut people: Vec<usize> = lines.iter().map(|(_, payment, _)| payment.person).collect();
    people.sort_unstable();
    people.dedup();
    let patient = |person: &usize| Patient {
        is_from_70: lines.iter().any(|(_, one, insured)| one.person == *person && is_from_70(insured)),
        is_halved: false,
    };
    let patients: Vec<Patient> = people.iter().map(patient).collect();
    let care: Vec<Care<'_>> = lines
        .iter()
        .filter_map(|(_, payment, _)| {
            Some(Care {
                patient: people.binary_search(&payment.person).ok()?,
                institution: &payment.institution,
                kind: payment.kind,
                paid_yen: payment.amount_yen()?.0,
                cost_yen: payment.total_cost_yen,
                prescriber: None,
                special_disease: false,
            })
        })
        .collect();
    let refund = high_cost.household_refund(&Household {
        month,
        under_70: category(false),
        from_70: category(true),
        is_repeated: false,
        patients: &patients,
        care: &care,
    })?;
    Ok((refund.total_yen(), refund.is_planned))
}
