//! What is paid back for one month to one household of one insurer.

use super::{HighCostError, HighCostRules, HighCostTable, MAX_YEN, Row};
use crate::insurance::{ExpenseKind, YearMonth};

/// One person of the household in that month.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Patient {
    /// In the group from 70 on, see [`AgeGroup`](crate::insurance::AgeGroup).
    pub is_from_70: bool,
    /// Month of the 75th birthday, unless it is the first of the month
    /// ([`CopayRules::halves_limits`](crate::insurance::CopayRules::halves_limits)): the person's own limits are halved
    /// with both insurers.
    pub is_halved: bool,
}

/// One payment of that month.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Care<'a> {
    /// Index into [`Household::patients`].
    pub patient: usize,
    /// Name or code of the institution.
    pub institution: &'a str,
    /// Kind of care. What the user added, meals and private rooms are not counted.
    pub kind: ExpenseKind,
    /// Paid for insured care, in yen.
    pub paid_yen: i64,
    /// 医療費の総額, in yen.
    pub cost_yen: Option<i64>,
    /// For a pharmacy: the institution that prescribed, with which it is added up.
    pub prescriber: Option<&'a str>,
    /// 特定疾病療養: has a limit of its own.
    pub special_disease: bool,
}

/// One household of one insurer in one month. Another insurer is another household.
#[derive(Clone, Copy, Debug)]
pub struct Household<'a> {
    /// Month of treatment.
    pub month: YearMonth,
    /// Category of those under 70, which is also that of a household of both.
    pub under_70: Option<&'a str>,
    /// Category of those from 70 on.
    pub from_70: Option<&'a str>,
    /// 多数回該当.
    pub is_repeated: bool,
    /// Who is in it.
    pub patients: &'a [Patient],
    /// What was paid.
    pub care: &'a [Care<'a>],
}

/// What is paid back, step by step, in yen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HouseholdRefund {
    /// Beyond the limit of 特定疾病.
    pub special_disease_yen: i64,
    /// From 70 on: outpatient payments beyond each person's limit.
    pub outpatient_yen: i64,
    /// Beyond the halved limits of persons who became 75.
    pub halved_yen: i64,
    /// From 70 on: what remains beyond the household's limit.
    pub from_70_yen: i64,
    /// Beyond the limit of those under 70, with what remains of the others.
    pub household_yen: i64,
    /// Indices of the payments that were not counted: kinds that are not insured, and those below the floor.
    pub not_counted: Vec<usize>,
    /// From a table that is announced but not law yet.
    pub is_planned: bool,
}

impl HouseholdRefund {
    /// All of it.
    pub fn total_yen(&self) -> i64 {
        let parts = [self.outpatient_yen, self.halved_yen, self.from_70_yen, self.household_yen];
        parts.into_iter().fold(self.special_disease_yen, i64::saturating_add)
    }
}

/// What remains of one payment after the steps so far.
#[derive(Clone, Copy)]
struct Line<'a> {
    at: usize,
    care: &'a Care<'a>,
    patient: Patient,
    left: i64,
}

impl HighCostRules {
    /// What a household gets back for a month: 特定疾病 first; from 70 on each person's outpatient limit, then the
    /// household's; under 70 only what reaches the floor for each person, institution and kind, together with what
    /// remains of those from 70 on.
    ///
    /// # Errors
    /// As [`limit`](HighCostRules::limit); [`HighCostError::Unknown`] also where a category is missing or belongs to
    /// the other age.
    pub fn household_refund(&self, household: &Household<'_>) -> Result<HouseholdRefund, HighCostError> {
        let table = self.table(household.month)?;
        let mut refund = HouseholdRefund {
            special_disease_yen: 0,
            outpatient_yen: 0,
            halved_yen: 0,
            from_70_yen: 0,
            household_yen: 0,
            not_counted: Vec::new(),
            is_planned: table.header.is_planned,
        };
        let lines = counted(household, &mut refund.not_counted)?;
        let mut lines = below_floor_dropped(lines, table.floor_yen, &mut refund.not_counted);
        refund.special_disease_yen = special_disease(household, table, &mut lines)?;
        let is_any = |lines: &[Line<'_>], from_70| lines.iter().any(|line| line.patient.is_from_70 == from_70);
        if is_any(&lines, true) {
            let row = row_of(table, household.from_70, true)?;
            refund.outpatient_yen = outpatient(household, row, &mut lines);
            refund.halved_yen = halved(household, row, true, &mut lines)?;
            refund.from_70_yen = cap(row, household.is_repeated, false, &mut lines, |line| line.patient.is_from_70)?;
        }
        if is_any(&lines, false) {
            let row = row_of(table, household.under_70, false)?;
            let own = halved(household, row, false, &mut lines)?;
            refund.halved_yen = refund.halved_yen.saturating_add(own);
            refund.household_yen = cap(row, household.is_repeated, false, &mut lines, |_| true)?;
        }
        refund.not_counted.sort_unstable();
        Ok(refund)
    }
}

fn row_of<'t>(table: &'t HighCostTable, category: Option<&str>, from_70: bool) -> Result<&'t Row, HighCostError> {
    let row = table.row(category.ok_or(HighCostError::Unknown)?)?;
    if row.is_from_70 == from_70 { Ok(row) } else { Err(HighCostError::Unknown) }
}

/// The payments for insured care; the others go to `not_counted`.
fn counted<'a>(household: &Household<'a>, not_counted: &mut Vec<usize>) -> Result<Vec<Line<'a>>, HighCostError> {
    let mut lines = Vec::new();
    for (at, care) in household.care.iter().enumerate() {
        let patient = *household.patients.get(care.patient).ok_or(HighCostError::OutOfRange)?;
        let cost = care.cost_yen.unwrap_or_default();
        if !(0..=MAX_YEN).contains(&care.paid_yen) || !(0..=MAX_YEN).contains(&cost) {
            return Err(HighCostError::OutOfRange);
        }
        if care.kind.is_insured() {
            lines.push(Line { at, care, patient, left: care.paid_yen });
        } else {
            not_counted.push(at);
        }
    }
    Ok(lines)
}

/// Under 70 (施行令 41条1項): only what adds up to the floor for one person, institution and kind. 特定疾病 has no floor.
fn below_floor_dropped<'a>(lines: Vec<Line<'a>>, floor: i64, not_counted: &mut Vec<usize>) -> Vec<Line<'a>> {
    let reaches = |line: &Line<'_>| {
        let group = group(line.care, &lines);
        let same = lines.iter().filter(|other| {
            !other.care.special_disease
                && other.care.patient == line.care.patient
                && self::group(other.care, &lines) == group
        });
        sum(same.map(|other| other.left)) >= floor
    };
    let keeps = |line: &Line<'_>| line.patient.is_from_70 || line.care.special_disease || reaches(line);
    let (kept, dropped): (Vec<_>, Vec<_>) = lines.iter().copied().partition(keeps);
    not_counted.extend(dropped.iter().map(|line| line.at));
    kept
}

/// Institution and kind under which a payment is added up. A pharmacy's goes with the prescriber's outpatient care: the
/// dental one where the person paid only that there.
fn group<'a>(care: &Care<'a>, lines: &[Line<'a>]) -> (&'a str, ExpenseKind) {
    let Some(prescriber) = care.prescriber.filter(|_| care.kind == ExpenseKind::Pharmacy) else {
        return (care.institution, care.kind);
    };
    let paid_there = |kind| {
        let mut all = lines.iter().map(|line| line.care);
        all.any(|other| (other.patient, other.institution, other.kind) == (care.patient, prescriber, kind))
    };
    let is_dental = paid_there(ExpenseKind::DentalOutpatient) && !paid_there(ExpenseKind::MedicalOutpatient);
    (prescriber, if is_dental { ExpenseKind::DentalOutpatient } else { ExpenseKind::MedicalOutpatient })
}

/// 特定疾病 (施行令 41条9項, 42条9項): each person's own limit at each institution, and the higher one under 70 in the
/// categories of high income. Under 70 what remains is below the floor and no longer counted; from 70 on it is.
fn special_disease(
    household: &Household<'_>,
    table: &HighCostTable,
    lines: &mut Vec<Line<'_>>,
) -> Result<i64, HighCostError> {
    let mut refund = 0_i64;
    let mut done: Vec<(usize, &str)> = Vec::new();
    for at in 0..lines.len() {
        let Some(line) = lines.get(at).copied().filter(|line| line.care.special_disease) else { continue };
        let key = (line.care.patient, line.care.institution);
        if done.contains(&key) {
            continue;
        }
        done.push(key);
        let limit = if line.patient.is_from_70 {
            table.special_yen
        } else {
            let row = row_of(table, household.under_70, false)?;
            let is_upper = row.codes.iter().any(|code| table.special_upper_codes.contains(code));
            if is_upper { table.special_upper_yen } else { table.special_yen }
        };
        let limit = if line.patient.is_halved { limit / 2 } else { limit };
        let over =
            take_over(lines, limit, |one| one.care.special_disease && (one.care.patient, one.care.institution) == key);
        refund = refund.saturating_add(over);
    }
    lines.retain(|line| line.patient.is_from_70 || !line.care.special_disease);
    Ok(refund)
}

fn outpatient(household: &Household<'_>, row: &Row, lines: &mut [Line<'_>]) -> i64 {
    let Some(limit) = row.outpatient else { return 0 };
    let refunds =
        household.patients.iter().enumerate().filter(|(_, patient)| patient.is_from_70).map(|(at, patient)| {
            let limit = if patient.is_halved { limit / 2 } else { limit };
            take_over(lines, limit, |line| line.care.patient == at && !line.care.kind.is_inpatient())
        });
    refunds.fold(0, i64::saturating_add)
}

/// Persons who became 75 in the month have half the limit for themselves, before the household is added up.
fn halved(household: &Household<'_>, row: &Row, from_70: bool, lines: &mut [Line<'_>]) -> Result<i64, HighCostError> {
    let mut refund = 0_i64;
    for (at, patient) in household.patients.iter().enumerate() {
        if patient.is_halved && patient.is_from_70 == from_70 {
            let own = cap(row, household.is_repeated, true, lines, |line| line.care.patient == at)?;
            refund = refund.saturating_add(own);
        }
    }
    Ok(refund)
}

/// What goes beyond the limit of `row` among the lines that count.
fn cap(
    row: &Row,
    is_repeated: bool,
    is_halved: bool,
    lines: &mut [Line<'_>],
    counts: impl Fn(&Line<'_>) -> bool,
) -> Result<i64, HighCostError> {
    let costs = lines.iter().filter(|line| counts(line)).map(|line| line.care.cost_yen);
    let cost = costs.collect::<Option<Vec<_>>>().map(|costs| sum(costs.into_iter()).min(MAX_YEN));
    let paid = sum(lines.iter().filter(|line| counts(line)).map(|line| line.left));
    // No limit is lower than that of a cost of nothing: what does not reach it needs no cost.
    if row.limit(Some(0), is_repeated, is_halved)?.0 >= paid {
        return Ok(0);
    }
    let (limit, _) = row.limit(cost, is_repeated, is_halved)?;
    Ok(take_over(lines, limit, counts))
}

/// Takes what goes beyond `limit` off the lines that count, and tells how much it was.
fn take_over(lines: &mut [Line<'_>], limit: i64, counts: impl Fn(&Line<'_>) -> bool) -> i64 {
    let over = sum(lines.iter().filter(|line| counts(line)).map(|line| line.left)).saturating_sub(limit).max(0);
    let mut rest = over;
    for line in lines.iter_mut().filter(|line| counts(line)) {
        let taken = rest.min(line.left);
        line.left = line.left.saturating_sub(taken);
        rest = rest.saturating_sub(taken);
    }
    over
}

fn sum(amounts: impl Iterator<Item = i64>) -> i64 {
    amounts.fold(0, i64::saturating_add)
}
