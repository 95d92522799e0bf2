//! 重複投薬チェック: the same ingredient by the same route for the same days.
//!
//! It looks at what was downloaded and at nothing else, knows no interactions and gives no advice: who sees a pair shows it
//! to a doctor or pharmacist, and no pair does not mean that all is well.

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

/// How much alike two medicines are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Likeness {
    /// 同一成分・同一規格: the first nine characters of the YJ code.
    SameStrength,
    /// 同一成分・同一経路: the first seven.
    SameIngredient,
    /// 同一成分の可能性: no code, but the same name.
    SameName,
}

impl Likeness {
    /// In words.
    pub const fn japanese(self) -> &'static str {
        match self {
            Self::SameStrength => "同一成分・同一規格",
            Self::SameIngredient => "同一成分・同一経路",
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

/// Every pair among `medications` of one person, which may come in any order.
pub fn duplicates(medications: &[Medication<'_>]) -> Vec<Duplicate> {
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
            found.extend(pair(a, b).map(|(likeness, days, is_estimated)| Duplicate {
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
fn pair(a: &Medication<'_>, b: &Medication<'_>) -> Option<(Likeness, u32, bool)> {
    let likeness = likeness(a, b)?;
    let (a_days, b_days) = (i64::from(period_days(a)), i64::from(period_days(b)));
    let begins = b.start.days_since(a.start);
    let overlap = a_days.saturating_sub(begins).min(b_days);
    let same_provider = a.provider.is_some() && a.provider == b.provider;
    let is_continuation = same_provider && begins >= a_days.saturating_sub(1).saturating_sub(EARLY_DAYS);
    let is_estimated = likeness == Likeness::SameName || is_assumed(a) || is_assumed(b);
    let days = u32::try_from(overlap).ok().filter(|days| *days > 0)?;
    (!is_continuation).then_some((likeness, days, is_estimated))
}

fn likeness(a: &Medication<'_>, b: &Medication<'_>) -> Option<Likeness> {
    let head = |one: &Medication<'_>, length: usize| one.yj_code.and_then(|code| code.get(..length)).map(str::to_owned);
    let same = |length| head(a, length).is_some() && head(a, length) == head(b, length);
    if same(9) {
        return Some(Likeness::SameStrength);
    }
    if same(7) {
        return Some(Likeness::SameIngredient);
    }
    let is_coded = a.yj_code.is_some() && b.yj_code.is_some();
    let named = a.name.zip(b.name).is_some_and(|(a, b)| normalised(a) == normalised(b));
    (!is_coded && named).then_some(Likeness::SameName)
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
    let same_drug = matches!(likeness(one, better), Some(Likeness::SameStrength | Likeness::SameName));
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
}
