//! D-1 and D-5: one payment that several lines tell.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::input::{DeductionInput, of_year};
use super::rules::DeductionRules;
use crate::insurance::member_id::normalized_for_comparison;
use crate::insurance::{ExpenseKind, Payment, YearMonth};

/// Indices of the lines that another line tells already.
pub(super) fn told_twice(rules: &DeductionRules, input: &DeductionInput<'_>) -> Vec<usize> {
    let found = twice(rules, input).into_iter().chain(notice_differs(rules, input));
    found.flat_map(Finding::dropped).collect()
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

fn total(lines: &[&Line<'_>]) -> i64 {
    lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.yen))
}

fn indices(lines: &[&Line<'_>]) -> Vec<usize> {
    lines.iter().map(|line| line.at).collect()
}
