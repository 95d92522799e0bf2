//! D-1 to D-10: one function for each.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, DeductionInput, DeductionRules, Insured, year_of};
use crate::insurance::member_id::normalized_for_comparison;
use crate::insurance::{Care, ExpenseKind, HighCostError, HighCostRules, Household, Patient, Payment, YearMonth};

/// Something to ask or tell the user before the figures are used. Numbers are indices of payments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Finding {
    /// D-1: the same payment seems to be there twice, as from notice and receipt. Ask which to keep.
    Twice {
        /// Counted until the user answers: the receipt, or the first.
        kept: Vec<usize>,
        /// Not counted until then.
        dropped: Vec<usize>,
    },
    /// D-2: paid in another year, where it belongs.
    OtherYear {
        /// The payment.
        payment: usize,
        /// The year it was paid in.
        year: u16,
    },
    /// D-3: a kind that is not deductible; with a treatment that followed it may be.
    NotDeductible {
        /// The payment.
        payment: usize,
        /// Its kind, which is the reason.
        kind: ExpenseKind,
        /// The user counts it all the same.
        is_overridden: bool,
    },
    /// D-4: 補填 is more than was paid and counts only up to it.
    ReimbursedBeyondPaid {
        /// The payment.
        payment: usize,
        /// What does not count, in yen.
        surplus_yen: i64,
    },
    /// D-5: notice and receipt differ by more than 10 yen. Ask; the receipt wins.
    NoticeDiffers {
        /// Lines with the receipts' amount.
        receipts: Vec<usize>,
        /// Lines of the notice, not counted where they are others than those of the receipts.
        notices: Vec<usize>,
        /// Notice less receipts, in yen.
        difference_yen: i64,
    },
    /// D-6: the person is not 生計を一にする, or not known; not counted.
    NotSameLivelihood {
        /// The person.
        person: usize,
        /// Their payments.
        payments: Vec<usize>,
    },
    /// D-7: months for which no notice is there yet. What was paid in them may be missing.
    MissingMonths(Vec<YearMonth>),
    /// D-8: both deductions cannot be had: choose one.
    BothDeductions {
        /// 医療費控除, in yen.
        medical_yen: i64,
        /// セルフメディケーション税制, in yen.
        self_medication_yen: i64,
    },
    /// D-9: does not fit the tax office's form.
    FormLimit(FormLimit),
    /// D-10: 高額療養費 is to be expected, and no 補填 was entered.
    HighCostExpected {
        /// Month of treatment.
        month: YearMonth,
        /// The payments added up.
        payments: Vec<usize>,
        /// What is to be expected, in yen: a 試算.
        refund_yen: i64,
        /// From limits that are announced but not law yet.
        is_planned: bool,
    },
    /// D-10 could not be told for a month: 不明.
    HighCostUnknown {
        /// Month of treatment.
        month: YearMonth,
        /// The payments.
        payments: Vec<usize>,
        /// Why.
        cause: HighCostError,
    },
}

/// What does not fit 医療費集計フォーム.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FormLimit {
    /// More rows than the sheet has: sum up by person, institution and kind.
    Rows {
        /// How many there are.
        count: usize,
        /// How many fit.
        most: usize,
    },
    /// A name longer than the cell; without a real name, the nickname is measured.
    Name {
        /// The person.
        person: usize,
        /// Characters that fit.
        most: usize,
    },
    /// The institution's name is longer than the cell.
    Institution {
        /// The payment.
        payment: usize,
        /// Characters that fit.
        most: usize,
    },
    /// An amount that the cell does not take.
    Amount {
        /// The payment.
        payment: usize,
    },
}

impl Finding {
    /// The rule, `D-1` to `D-10`.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Twice { .. } => "D-1",
            Self::OtherYear { .. } => "D-2",
            Self::NotDeductible { .. } => "D-3",
            Self::ReimbursedBeyondPaid { .. } => "D-4",
            Self::NoticeDiffers { .. } => "D-5",
            Self::NotSameLivelihood { .. } => "D-6",
            Self::MissingMonths(_) => "D-7",
            Self::BothDeductions { .. } => "D-8",
            Self::FormLimit(_) => "D-9",
            Self::HighCostExpected { .. } | Self::HighCostUnknown { .. } => "D-10",
        }
    }

    /// Lines that another line tells already.
    pub(super) fn dropped(self) -> Vec<usize> {
        match self {
            Self::Twice { dropped, .. } => dropped,
            Self::NoticeDiffers { receipts, notices, .. } => {
                notices.into_iter().filter(|at| !receipts.contains(at)).collect()
            }
            _ => Vec::new(),
        }
    }
}

pub(super) fn all(rules: &DeductionRules, input: &DeductionInput<'_>, high_cost: &HighCostRules) -> Vec<Finding> {
    let mut found = twice(rules, input);
    found.extend(other_year(input));
    found.extend(not_deductible(rules, input));
    found.extend(reimbursed_beyond_paid(rules, input));
    found.extend(notice_differs(rules, input));
    found.extend(not_same_livelihood(input));
    found.extend(missing_months(input));
    found.extend(both_deductions(rules, input));
    found.extend(form_limits(rules, input));
    found.extend(high_cost_expected(rules, input, high_cost));
    found
}

/// Where one payment may be told by several lines: person, institution, month.
type Place = (usize, String, YearMonth);

/// Whether the line has an amount from a notice alone, and it.
#[derive(Clone, Copy)]
struct Line<'a> {
    at: usize,
    payment: &'a Payment,
    yen: i64,
    is_notice: bool,
}

/// Payments of the year with an amount, by place.
fn places<'a>(input: &DeductionInput<'a>) -> BTreeMap<Place, Vec<Line<'a>>> {
    let mut places: BTreeMap<Place, Vec<Line<'_>>> = BTreeMap::new();
    for (at, payment) in of_year(input) {
        let month = payment.treatment_month.or_else(|| payment.paid_on.map(YearMonth::of));
        let (Some(month), Some((yen, is_notice))) = (month, payment.amount_yen()) else { continue };
        let place = (payment.person, normalized_for_comparison(&payment.institution), month);
        places.entry(place).or_default().push(Line { at, payment, yen, is_notice });
    }
    places
}

/// What the user has not taken out and was paid in the year.
fn of_year<'a>(input: &DeductionInput<'a>) -> impl Iterator<Item = (usize, &'a Payment)> {
    let all = input.payments.iter().enumerate();
    all.filter(|(at, payment)| year_of(payment) == Some(input.year) && !input.answers.contains(&Answer::Exclude(*at)))
}

/// Lines of one kind of care at one place.
fn by_kind<'l, 'a>(lines: &'l [Line<'a>]) -> BTreeMap<ExpenseKind, (Vec<&'l Line<'a>>, Vec<&'l Line<'a>>)> {
    let mut kinds: BTreeMap<ExpenseKind, (Vec<_>, Vec<_>)> = BTreeMap::new();
    for line in lines {
        let (receipts, notices) = kinds.entry(line.payment.kind).or_default();
        if line.is_notice { notices.push(line) } else { receipts.push(line) }
    }
    kinds
}

/// D-1. Two lines of one place with one amount; a receipt and a notice also when ten yen apart, by the rounding at the
/// counter. Two receipts of different days are two visits, two kinds of a notice two lines of it.
pub(super) fn twice(rules: &DeductionRules, input: &DeductionInput<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for lines in places(input).values() {
        let mut gone = BTreeSet::new();
        for (receipts, notices) in by_kind(lines).into_values() {
            let difference = total(&notices).saturating_sub(total(&receipts)).abs();
            if !receipts.is_empty() && !notices.is_empty() && difference <= rules.notice_tolerance_yen {
                let (kept, dropped) = (indices(&receipts), indices(&notices));
                gone.extend(dropped.iter().copied());
                found.push(Finding::Twice { kept, dropped });
            }
        }
        for (nth, a) in lines.iter().enumerate() {
            for b in lines.iter().skip(nth.saturating_add(1)) {
                if gone.contains(&a.at) || gone.contains(&b.at) || !is_same(rules, a, b) {
                    continue;
                }
                let (kept, dropped) = if a.is_notice && !b.is_notice { (b.at, a.at) } else { (a.at, b.at) };
                gone.insert(dropped);
                found.push(Finding::Twice { kept: vec![kept], dropped: vec![dropped] });
            }
        }
    }
    found
}

fn is_same(rules: &DeductionRules, a: &Line<'_>, b: &Line<'_>) -> bool {
    let apart = a.yen.saturating_sub(b.yen).saturating_abs();
    let days = a.payment.paid_on.zip(b.payment.paid_on);
    a.yen > 0
        && match (a.is_notice, b.is_notice) {
            (true, true) => apart == 0 && a.payment.kind == b.payment.kind,
            (false, false) => apart == 0 && days.is_none_or(|(one, other)| one == other),
            _ => apart <= rules.notice_tolerance_yen,
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

/// D-5. Both amounts on one line, or lines of notice and receipts of one kind at one place.
pub(super) fn notice_differs(rules: &DeductionRules, input: &DeductionInput<'_>) -> Vec<Finding> {
    let differs = |difference: i64| difference.saturating_abs() > rules.notice_tolerance_yen;
    let mut found = Vec::new();
    for (at, payment) in of_year(input) {
        if let (Some(receipt), Some(notice)) = (payment.receipt_yen, payment.notice_yen) {
            let difference_yen = notice.saturating_sub(receipt);
            if differs(difference_yen) {
                found.push(Finding::NoticeDiffers { receipts: vec![at], notices: vec![at], difference_yen });
            }
        }
    }
    for lines in places(input).values() {
        for (receipts, notices) in by_kind(lines).into_values() {
            let difference_yen = total(&notices).saturating_sub(total(&receipts));
            if !receipts.is_empty() && !notices.is_empty() && differs(difference_yen) {
                let (receipts, notices) = (indices(&receipts), indices(&notices));
                found.push(Finding::NoticeDiffers { receipts, notices, difference_yen });
            }
        }
    }
    found
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

/// A payment, its index and the insurance of its person.
type InsuredLine<'a> = (usize, &'a Payment, Insured<'a>);

/// D-10. Months of people whose category is known, added up by insurer, without 多数回該当 and the halves of the 75th
/// birthday. A month in which anything was reimbursed is left alone.
fn high_cost_expected(rules: &DeductionRules, input: &DeductionInput<'_>, high_cost: &HighCostRules) -> Vec<Finding> {
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

fn total(lines: &[&Line<'_>]) -> i64 {
    lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.yen))
}

fn indices(lines: &[&Line<'_>]) -> Vec<usize> {
    lines.iter().map(|line| line.at).collect()
}
