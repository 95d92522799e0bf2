//! 重複投薬チェック: the same ingredient by the same route for the same days.
//!
//! It looks at what was downloaded and at nothing else, knows no interactions and gives no advice: who sees a pair shows it
//! to a doctor or pharmacist, and no pair does not mean that all is well.

use std::collections::{BTreeMap, BTreeSet};

use crate::time::CalendarDate;

/// Compared for this long where the days are not known.
const ASSUMED_DAYS: u32 = 30;
/// The next supply by the same prescriber may begin this many days early.
const EARLY_DAYS: i64 = 7;
/// A prescription can be filled on the day it was written and on the three days after it.
const FILLED_WITHIN_DAYS: i64 = 3;

/// One medicine for one period.
#[derive(Clone, Copy, Debug)]
pub struct Medication<'a> {
    /// YJ code, twelve characters.
    pub yj_code: Option<&'a str>,
    /// The ingredient's name, or the medicine's.
    pub name: Option<&'a str>,
    /// First day.
    pub start: CalendarDate,
    /// Days of supply; `None` for 頓服 and others without.
    pub days: Option<u32>,
    /// Only the month of it is known, as in claims.
    pub is_month: bool,
    /// Who prescribed or dispensed it.
    pub provider: Option<&'a str>,
    /// Where the record comes from: of the same event the highest is kept.
    pub source: Source,
    /// Receipt or prescription it stands on: lines of the same one are never a pair.
    pub prescription: Option<&'a str>,
}

/// Kinds of records, the least exact first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Source {
    /// レセプト.
    Claim,
    /// 処方.
    Prescription,
    /// 調剤.
    Dispense,
}

impl Source {
    /// Every kind, the least exact first.
    pub const ALL: [Self; 3] = [Self::Claim, Self::Prescription, Self::Dispense];

    /// In words.
    pub const fn japanese(self) -> &'static str {
        match self {
            Self::Claim => "レセプト",
            Self::Prescription => "処方",
            Self::Dispense => "調剤",
        }
    }
}

/// How much alike two medicines are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Likeness {
    /// 同一成分・同一規格: the first nine characters of the YJ code.
    SameStrength,
    /// 同一成分・同一経路: the first seven.
    SameIngredient,
    /// 同一成分を含む: an ingredient in common, by the same route, as with 配合剤.
    CommonIngredient,
    /// 同種の薬: the first four.
    SameEffect,
    /// 同一成分の可能性: no code, but the same name.
    SameName,
}

impl Likeness {
    /// In words.
    pub const fn japanese(self) -> &'static str {
        match self {
            Self::SameStrength => "同一成分・同一規格",
            Self::SameIngredient => "同一成分・同一経路",
            Self::CommonIngredient => "同一成分を含む",
            Self::SameEffect => "同種の薬",
            Self::SameName => "同一成分の可能性",
        }
    }
}

/// Two medicines for the same days.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Duplicate {
    /// Index of the one that began first.
    pub first: usize,
    /// Index of the other.
    pub second: usize,
    /// How much alike they are.
    pub likeness: Likeness,
    /// Days on which both are taken.
    pub days: u32,
    /// 推定: the period or the likeness is an assumption.
    pub is_estimated: bool,
}

/// Ingredients by the head of the YJ code, loaded by the caller: this crate has no such table.
#[derive(Clone, Debug, Default)]
pub struct IngredientTable {
    rows: BTreeMap<String, BTreeSet<String>>,
}

impl IngredientTable {
    /// Takes rows of a head of the YJ code (seven characters and more tell ingredient and route) and the names of what
    /// is in it. Rows of the same head are joined; names are compared without spaces and what stands in brackets.
    pub fn from_rows<H: AsRef<str>, N: AsRef<str>>(rows: impl IntoIterator<Item = (H, Vec<N>)>) -> Self {
        let mut table = Self::default();
        for (head, names) in rows {
            let names = names.iter().map(|name| normalised(name.as_ref())).filter(|name| !name.is_empty());
            table.rows.entry(head.as_ref().to_owned()).or_default().extend(names);
        }
        table
    }

    /// The row with the longest head.
    fn ingredients(&self, yj_code: &str) -> Option<&BTreeSet<String>> {
        let heads = (1..=yj_code.len()).rev().filter_map(|length| yj_code.get(..length));
        heads.filter(|head| !head.is_empty()).find_map(|head| self.rows.get(head))
    }
}

/// What is compared beyond code and name.
#[derive(Clone, Copy, Debug, Default)]
pub struct DuplicateOptions<'a> {
    /// Looks for common ingredients, too.
    pub ingredients: Option<&'a IngredientTable>,
    /// Reports medicines of the same effect (薬効分類), too. Off by default: most of them are meant.
    pub same_effect: bool,
}

/// Every pair, and what was there to be compared: no pair among incomplete records is not "safe".
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DuplicateReport {
    /// The pairs.
    pub pairs: Vec<Duplicate>,
    /// データ時点: for each kind of record the newest day of which there is one; of a month its last.
    pub newest: Vec<(Source, CalendarDate)>,
    /// Kinds of which there is no record at all.
    pub missing: Vec<Source>,
}

/// The check, with the days up to which there were records. All are of one person.
pub fn duplicate_report(medications: &[Medication<'_>], options: &DuplicateOptions<'_>) -> DuplicateReport {
    let day = |one: &Medication<'_>| if one.is_month { one.start.end_of_month_after(0) } else { one.start };
    let newest = |source| medications.iter().filter(|one| one.source == source).map(day).max();
    let (there, missing) = Source::ALL.into_iter().partition(|source| newest(*source).is_some());
    let there: Vec<Source> = there;
    DuplicateReport {
        pairs: duplicates_with(medications, options),
        newest: there.into_iter().filter_map(|source| Some((source, newest(source)?))).collect(),
        missing,
    }
}

/// Every pair among `medications` of one person by code and name; they may come in any order.
pub fn duplicates(medications: &[Medication<'_>]) -> Vec<Duplicate> {
    duplicates_with(medications, &DuplicateOptions::default())
}

/// Every pair among `medications` of one person, which may come in any order.
pub fn duplicates_with(medications: &[Medication<'_>], options: &DuplicateOptions<'_>) -> Vec<Duplicate> {
    let mut order: Vec<usize> = (0..medications.len()).collect();
    order.sort_by_key(|index| medications.get(*index).map(|one| one.start));
    let kept: Vec<(usize, &Medication<'_>)> = order
        .iter()
        .filter_map(|index| Some((*index, medications.get(*index)?)))
        .filter(|(_, one)| !medications.iter().any(|other| other.source > one.source && is_same_event(one, other)))
        .collect();
    let mut found = Vec::new();
    for (at, (first, a)) in kept.iter().enumerate() {
        for (second, b) in kept.iter().skip(at.saturating_add(1)) {
            found.extend(pair(a, b, options).map(|(likeness, days, is_estimated)| Duplicate {
                first: *first,
                second: *second,
                likeness,
                days,
                is_estimated,
            }));
        }
    }
    found
}

/// Two that begin in this order, if they are a pair.
fn pair(a: &Medication<'_>, b: &Medication<'_>, options: &DuplicateOptions<'_>) -> Option<(Likeness, u32, bool)> {
    let likeness = likeness(a, b, options)?;
    let (a_days, b_days) = (i64::from(period_days(a)), i64::from(period_days(b)));
    let begins = b.start.days_since(a.start);
    let overlap = a_days.saturating_sub(begins).min(b_days);
    let same_provider = a.provider.is_some() && a.provider == b.provider;
    let is_continuation = same_provider && begins >= a_days.saturating_sub(1).saturating_sub(EARLY_DAYS);
    let same_prescription = a.prescription.is_some() && a.prescription == b.prescription;
    let is_estimated = likeness == Likeness::SameName || is_assumed(a) || is_assumed(b);
    let days = u32::try_from(overlap).ok().filter(|days| *days > 0)?;
    (!is_continuation && !same_prescription).then_some((likeness, days, is_estimated))
}

fn likeness(a: &Medication<'_>, b: &Medication<'_>, options: &DuplicateOptions<'_>) -> Option<Likeness> {
    let head = |one: &Medication<'_>, length: usize| one.yj_code.and_then(|code| code.get(..length)).map(str::to_owned);
    let same = |length| head(a, length).is_some() && head(a, length) == head(b, length);
    if same(9) {
        return Some(Likeness::SameStrength);
    }
    if same(7) {
        return Some(Likeness::SameIngredient);
    }
    if have_common_ingredient(a, b, options) {
        return Some(Likeness::CommonIngredient);
    }
    if options.same_effect && same(4) {
        return Some(Likeness::SameEffect);
    }
    let is_coded = a.yj_code.is_some() && b.yj_code.is_some();
    let named = a.name.zip(b.name).is_some_and(|(a, b)| normalised(a) == normalised(b));
    (!is_coded && named).then_some(Likeness::SameName)
}

fn have_common_ingredient(a: &Medication<'_>, b: &Medication<'_>, options: &DuplicateOptions<'_>) -> bool {
    let of = |one: &Medication<'_>| {
        let code = one.yj_code?;
        Some((route(code)?, options.ingredients?.ingredients(code)?))
    };
    of(a).zip(of(b)).is_some_and(|((a_route, a), (b_route, b))| a_route == b_route && !a.is_disjoint(b))
}

/// 内用, 注射 or 外用, by characters 5 to 7 of the YJ code.
fn route(yj_code: &str) -> Option<u8> {
    match yj_code.get(4..7)?.parse::<u16>().ok()? {
        1..=399 => Some(1),
        400..=699 => Some(4),
        700..=999 => Some(7),
        _ => None,
    }
}

/// The name without spaces, brackets and what stands in them.
fn normalised(name: &str) -> String {
    let mut depth = 0_u32;
    let kept = name.chars().filter(|c| {
        match c {
            '(' | '（' | '「' => depth = depth.saturating_add(1),
            ')' | '）' | '」' => depth = depth.saturating_sub(1),
            c => return depth == 0 && !c.is_whitespace(),
        }
        false
    });
    kept.collect()
}

fn period_days(one: &Medication<'_>) -> u32 {
    if one.is_month {
        let last = one.start.end_of_month_after(0);
        return u32::from(last.day);
    }
    one.days.filter(|days| *days > 0).unwrap_or(ASSUMED_DAYS)
}

fn is_assumed(one: &Medication<'_>) -> bool {
    one.is_month || one.days.is_none_or(|days| days == 0)
}

/// Whether `better` tells of the same event as `one`: claim and dispense of one place and time, or a prescription and its
/// filling elsewhere.
fn is_same_event(one: &Medication<'_>, better: &Medication<'_>) -> bool {
    let same_drug = matches!(
        likeness(one, better, &DuplicateOptions::default()),
        Some(Likeness::SameStrength | Likeness::SameName)
    );
    let after = better.start.days_since(one.start);
    let same_time = match one.source {
        Source::Claim if one.is_month => (one.start.year, one.start.month) == (better.start.year, better.start.month),
        Source::Prescription => (0..=FILLED_WITHIN_DAYS).contains(&after) && one.days == better.days,
        _ => after == 0,
    };
    let same_place = one.source == Source::Prescription || one.provider == better.provider;
    same_drug && same_time && same_place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medication<'a>(yj: &'a str, start: &str, days: u32, provider: &'a str) -> Medication<'a> {
        let start = CalendarDate::parse(start).expect("a day");
        Medication {
            yj_code: Some(yj).filter(|yj| !yj.is_empty()),
            name: None,
            start,
            days: Some(days),
            is_month: false,
            provider: Some(provider),
            source: Source::Dispense,
            prescription: None,
        }
    }

    fn found(a: Medication<'_>, b: Medication<'_>) -> Option<(Likeness, u32, bool)> {
        let forth = duplicates(&[a, b]);
        let back = duplicates(&[b, a]);
        assert_eq!(forth.len(), back.len(), "the order does not matter");
        forth.first().map(|pair| (pair.likeness, pair.days, pair.is_estimated))
    }

    #[test]
    fn another_brand_from_another_clinic_in_the_same_days() {
        let first = medication("4490023F2020", "2026-11-01", 14, "耳鼻科");
        let during = medication("4490023F2999", "2026-11-08", 28, "内科");
        assert_eq!(found(first, during), Some((Likeness::SameStrength, 7, false)));
        let after = medication("4490023F2999", "2026-11-15", 28, "内科");
        assert_eq!(found(first, after), None);
    }

    #[test]
    fn the_next_supply_is_no_duplicate() {
        let first = medication("2456001F1353", "2026-11-01", 30, "X");
        assert_eq!(found(first, medication("2456001F1310", "2026-11-26", 30, "X")), None);
        assert_eq!(
            found(first, medication("2456001F1310", "2026-11-26", 30, "Y")),
            Some((Likeness::SameStrength, 5, false))
        );
        // Well before the end it is one.
        assert_eq!(
            found(first, medication("2456001F1310", "2026-11-10", 30, "X")),
            Some((Likeness::SameStrength, 21, false))
        );
    }

    #[test]
    fn another_route_is_another_medicine() {
        let oral = medication("2456001F1353", "2026-11-01", 14, "X");
        assert_eq!(found(oral, medication("2456701M1353", "2026-11-01", 14, "Y")), None);
        let stronger = medication("2456001F2350", "2026-11-01", 14, "Y");
        assert_eq!(found(oral, stronger), Some((Likeness::SameIngredient, 14, false)));
    }

    #[test]
    fn without_a_code_the_name_decides_and_is_marked() {
        let named = |yj, name, provider| Medication { name: Some(name), ..medication(yj, "2026-11-01", 14, provider) };
        let a = named("", "フェキソフェナジン塩酸塩", "X");
        let b = named("4490023F2020", "フェキソフェナジン塩酸塩（錠）", "Y");
        assert_eq!(found(a, b), Some((Likeness::SameName, 14, true)));
        let c = named("1149019F1560", "フェキソフェナジン塩酸塩", "Y");
        assert_eq!(found(b, c), None, "two different codes are two medicines, whatever they are called");
    }

    #[test]
    fn periods_that_are_not_known_are_assumed_and_marked() {
        let ointment = Medication { days: None, ..medication("2646700M1010", "2026-11-01", 0, "X") };
        let second = medication("2646700M1010", "2026-11-30", 7, "Y");
        assert_eq!(found(ointment, second), Some((Likeness::SameStrength, 1, true)));
        let claim = Medication { is_month: true, ..medication("2646700M1010", "2026-11-01", 7, "X") };
        assert_eq!(found(claim, second), Some((Likeness::SameStrength, 1, true)));
    }

    #[test]
    fn one_event_told_twice_is_one() {
        let dispense = medication("2456001F1353", "2026-11-03", 14, "みほん薬局");
        let prescription =
            Medication { source: Source::Prescription, ..medication("2456001F1353", "2026-11-01", 14, "見本内科") };
        assert_eq!(found(prescription, dispense), None, "filled two days later");
        let late = medication("2456001F1353", "2026-11-05", 14, "みほん薬局");
        assert!(found(prescription, late).is_some(), "it was no longer valid by then");
        let claim = Medication {
            source: Source::Claim,
            is_month: true,
            ..medication("2456001F1353", "2026-11-01", 14, "みほん薬局")
        };
        assert_eq!(found(claim, dispense), None, "the same pharmacy in the same month");
    }

    fn likeness_with(options: &DuplicateOptions<'_>, a: Medication<'_>, b: Medication<'_>) -> Option<Likeness> {
        duplicates_with(&[a, b], options).first().map(|pair| pair.likeness)
    }

    #[test]
    fn a_combination_shares_an_ingredient_by_the_same_route() {
        let table = IngredientTable::from_rows([
            ("4490023", vec!["フェキソフェナジン塩酸塩"]),
            ("4490102", vec!["フェキソフェナジン 塩酸塩", "塩酸プソイドエフェドリン"]),
            ("4490702", vec!["フェキソフェナジン塩酸塩"]),
            ("4490023F9", vec![]),
        ]);
        let options = DuplicateOptions { ingredients: Some(&table), ..DuplicateOptions::default() };
        let plain = medication("4490023F2020", "2026-11-01", 14, "X");
        let combined = medication("4490102F1020", "2026-11-01", 14, "Y");
        assert_eq!(likeness_with(&options, plain, combined), Some(Likeness::CommonIngredient));
        assert_eq!(found(plain, combined), None, "no table is loaded");
        let ointment = medication("4490702M1010", "2026-11-01", 14, "Y");
        assert_eq!(likeness_with(&options, plain, ointment), None, "another route");
        let other = medication("1149019F1560", "2026-11-01", 14, "Y");
        assert_eq!(likeness_with(&options, plain, other), None, "not in the table");
        let emptied = medication("4490023F9020", "2026-11-01", 14, "Y");
        assert_eq!(likeness_with(&options, emptied, combined), None, "the longest head decides");
    }

    #[test]
    fn the_same_effect_is_reported_only_where_asked_for() {
        let options = DuplicateOptions { same_effect: true, ..DuplicateOptions::default() };
        let a = medication("4490023F2020", "2026-11-01", 14, "X");
        let b = medication("4490014F1020", "2026-11-01", 14, "Y");
        assert_eq!(likeness_with(&options, a, b), Some(Likeness::SameEffect));
        assert_eq!(found(a, b), None);
        assert_eq!(likeness_with(&options, a, medication("1149019F1560", "2026-11-01", 14, "Y")), None);
    }

    #[test]
    fn lines_of_one_prescription_are_no_pair() {
        let on = |prescription, start| Medication { prescription, ..medication("4490023F2020", start, 14, "X") };
        assert_eq!(found(on(Some("rx-1"), "2026-11-01"), on(Some("rx-1"), "2026-11-01")), None);
        assert!(found(on(Some("rx-1"), "2026-11-01"), on(Some("rx-2"), "2026-11-01")).is_some());
        assert!(found(on(None, "2026-11-01"), on(None, "2026-11-01")).is_some(), "not known to be one");
    }

    #[test]
    fn the_report_says_how_far_the_records_reach() {
        let dispense = medication("4490023F2020", "2026-11-01", 14, "X");
        let claim =
            Medication { source: Source::Claim, is_month: true, ..medication("1149019F1560", "2026-09-01", 7, "Y") };
        let older = medication("1149019F1560", "2026-03-01", 7, "Y");
        let report = duplicate_report(&[older, dispense, claim], &DuplicateOptions::default());
        let day = |text| CalendarDate::parse(text).expect("a day");
        assert_eq!(report.pairs, []);
        assert_eq!(report.newest, [(Source::Claim, day("2026-09-30")), (Source::Dispense, day("2026-11-01"))]);
        assert_eq!(report.missing, [Source::Prescription]);
        assert_eq!(duplicate_report(&[], &DuplicateOptions::default()).missing, Source::ALL);
    }
}
