//! 一部負担金: age by law, what share goes with it, and how the amount is rounded at the counter.
//!
//! The share the server names always wins. What is computed here only tells whether that share is plausible: income,
//! certificates and local subsidies are not known.

use super::YearMonth;
use super::table::{Node, RulesError, RulesHeader};
use crate::time::CalendarDate;

/// Groups of age that differ in their share.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AgeGroup {
    /// 義務教育就学前: to the first 31 March on or after reaching 6.
    Preschool,
    /// To the end of the month in which 70 is reached.
    General,
    /// 高齢受給者: to the day before the 75th birthday.
    Senior,
    /// 後期高齢者, from the 75th birthday.
    LateElderly,
}

/// A group and the days on which someone is in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AgePeriod {
    /// The group.
    pub group: AgeGroup,
    /// First day.
    pub from: CalendarDate,
    /// Last day; `None` for the last group.
    pub through: Option<CalendarDate>,
}

/// What age says of a share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CopayHint {
    /// People of this age may have it.
    Plausible,
    /// 年齢から見た割合と異なります: people of this age have one of these, in percent.
    Differs(Vec<u8>),
    /// The day is before birth, or no table covers it.
    Unknown,
}

/// What is paid at the counter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CounterAmount {
    /// The share to the yen, fractions dropped: 窓口相当負担額 of the notice.
    pub exact_yen: i64,
    /// Rounded to ten yen (健康保険法 75条).
    pub counter_yen: i64,
}

/// The day on which a person born on `birth` reaches an age: the one before the birthday, and 28 February for those
/// born on the 29th (年齢計算ニ関する法律, 民法 143条).
pub fn reaches_age_on(birth: CalendarDate, age: u16) -> CalendarDate {
    let anniversary = birth.years_later(age);
    // The last day of a month without that day is the day itself, not the one before (民法 143条2項).
    if anniversary.day == birth.day { anniversary.day_before() } else { anniversary }
}

/// Shares by age.
#[derive(Clone, Debug)]
pub struct CopayRules {
    pub(super) header: RulesHeader,
    school_age: u16,
    senior_age: u16,
    late_elderly_age: u16,
    percents: Vec<(AgeGroup, Vec<u8>)>,
    unit_yen: i64,
    up_from_yen: i64,
    relief_through: CalendarDate,
    relief_yen: i64,
}

impl CopayRules {
    /// The group a person is in on a day, and since and until when; `None` before birth.
    pub fn age_period(&self, birth: CalendarDate, on: CalendarDate) -> Option<AgePeriod> {
        let school = reaches_age_on(birth, self.school_age);
        let march = CalendarDate { year: school.year, month: 3, day: 31 };
        let preschool_last =
            if school <= march { march } else { CalendarDate { year: school.year.saturating_add(1), ..march } };
        let general_last = reaches_age_on(birth, self.senior_age).end_of_month_after(0);
        let senior_last = reaches_age_on(birth, self.late_elderly_age);
        let (group, from, through) = if on < birth {
            return None;
        } else if on <= preschool_last {
            (AgeGroup::Preschool, birth, Some(preschool_last))
        } else if on <= general_last {
            (AgeGroup::General, preschool_last.day_after(), Some(general_last))
        } else if on <= senior_last {
            (AgeGroup::Senior, general_last.day_after(), Some(senior_last))
        } else {
            (AgeGroup::LateElderly, senior_last.day_after(), None)
        };
        Some(AgePeriod { group, from, through })
    }

    /// Whether the limits of 高額療養費 are halved for a person in this month: that of the 75th birthday, unless it is the
    /// first (健康保険法施行令 41条4項).
    pub fn halves_limits(&self, birth: CalendarDate, month: YearMonth) -> bool {
        let first_day = reaches_age_on(birth, self.late_elderly_age).day_after();
        YearMonth::of(first_day) == month && first_day.day != 1
    }

    /// Shares that people of a group have, in percent.
    pub fn percents(&self, group: AgeGroup) -> &[u8] {
        self.percents.iter().find(|(of, _)| *of == group).map_or(&[], |(_, percents)| percents)
    }

    /// Whether the share that the server named is one that people of this age have. `is_late_elderly` for those under
    /// 75 with a certified disability who are in 後期高齢者医療.
    pub fn hint(&self, birth: CalendarDate, on: CalendarDate, percent: u8, is_late_elderly: bool) -> CopayHint {
        let Some(period) = self.age_period(birth, on).filter(|_| self.header.covers(on)) else {
            return CopayHint::Unknown;
        };
        let expected = self.percents(if is_late_elderly { AgeGroup::LateElderly } else { period.group });
        if expected.contains(&percent) { CopayHint::Plausible } else { CopayHint::Differs(expected.to_vec()) }
    }

    /// The share of `cost_yen` (医療費の総額, not negative): below 5 yen down, from 5 yen up, to ten yen. `None` where
    /// that is no amount.
    pub fn counter_amount(&self, cost_yen: i64, percent: u8) -> Option<CounterAmount> {
        let share = Some(cost_yen).filter(|cost| *cost >= 0 && percent <= 100)?.checked_mul(i64::from(percent))?;
        // In hundredths of a yen, so that 4.9 yen are still below 5.
        let unit = self.unit_yen.checked_mul(100)?;
        let over = share.checked_rem(unit)?;
        let down = share.checked_sub(over)?;
        let rounded = if over >= self.up_from_yen.checked_mul(100)? { down.checked_add(unit)? } else { down };
        Some(CounterAmount { exact_yen: share / 100, counter_yen: rounded / 100 })
    }

    /// 配慮措置: by how much a month's outpatient payment of those with a share of 20 % from 75 could rise at most, in
    /// yen. It ended on 2025-09-30; `None` after it and before this table.
    pub fn late_elderly_relief_yen(&self, on: CalendarDate) -> Option<i64> {
        (self.header.covers(on) && on <= self.relief_through).then_some(self.relief_yen)
    }

    pub(super) fn read(header: RulesHeader, node: Node<'_>) -> Result<Self, RulesError> {
        let (ages, rounding) = (node.field("ages")?, node.field("counter_rounding")?);
        let relief = node.field("late_elderly_relief")?;
        let percents = node.field("groups")?.list()?.into_iter().map(|row| {
            let percents = row.field("percents")?.list()?.iter().map(Node::whole).collect::<Result<_, _>>()?;
            Ok((AgeGroup::read(row.field("group")?)?, percents))
        });
        let unit = rounding.field("unit_yen")?;
        Ok(Self {
            header,
            school_age: ages.field("school")?.whole()?,
            senior_age: ages.field("senior")?.whole()?,
            late_elderly_age: ages.field("late_elderly")?.whole()?,
            percents: percents.collect::<Result<_, _>>()?,
            unit_yen: Some(unit.whole()?).filter(|yen| *yen > 0).ok_or_else(|| unit.wrong())?,
            up_from_yen: rounding.field("up_from_yen")?.whole()?,
            relief_through: relief.field("applies_through")?.date()?,
            relief_yen: relief.field("outpatient_extra_yen")?.whole()?,
        })
    }
}

impl AgeGroup {
    fn read(node: Node<'_>) -> Result<Self, RulesError> {
        Ok(match node.text()? {
            "preschool" => Self::Preschool,
            "general" => Self::General,
            "senior" => Self::Senior,
            "late-elderly" => Self::LateElderly,
            _ => return Err(node.wrong()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Rules;
    use super::*;

    fn copay() -> CopayRules {
        Rules::embedded().expect("tables").copay
    }

    fn day(text: &str) -> CalendarDate {
        CalendarDate::parse(text).expect("a day")
    }

    #[test]
    fn an_age_is_reached_the_day_before_the_birthday() {
        for (birth, age, reached) in [
            ("2020-04-01", 6, "2026-03-31"),
            ("2020-04-02", 6, "2026-04-01"),
            ("1956-01-01", 70, "2025-12-31"),
            ("2020-03-01", 4, "2024-02-29"),
            ("2020-02-29", 6, "2026-02-28"),
            ("2020-02-29", 8, "2028-02-28"),
            ("2020-02-28", 8, "2028-02-27"),
        ] {
            assert_eq!(reaches_age_on(day(birth), age), day(reached), "{birth}");
        }
    }

    #[test]
    fn who_is_born_on_a_leap_day_is_75_from_1_march() {
        let period = copay().age_period(day("1952-02-29"), day("2027-03-01")).expect("born");
        assert_eq!((period.group, period.from), (AgeGroup::LateElderly, day("2027-03-01")));
    }

    #[test]
    fn limits_are_halved_in_one_month_and_not_for_the_first_of_it() {
        let halves = |birth, month| copay().halves_limits(day(birth), YearMonth::parse(month).expect("a month"));
        assert!(halves("1951-11-20", "2026-11") && halves("1951-11-02", "2026-11") && halves("1951-11-30", "2026-11"));
        assert!(!halves("1951-11-20", "2026-10") && !halves("1951-11-20", "2026-12"));
        assert!(!halves("1951-11-01", "2026-11") && !halves("1951-11-01", "2026-10"));
        assert!(!halves("1952-02-29", "2027-02") && !halves("1952-02-29", "2027-03"), "75 from 1 March");
    }

    #[test]
    fn a_share_is_plausible_or_not_and_unknown_without_a_table() {
        let copay = copay();
        let hint = |birth, on, percent, late| copay.hint(day(birth), day(on), percent, late);
        assert_eq!(hint("1990-01-01", "2026-11-20", 30, false), CopayHint::Plausible);
        assert_eq!(hint("1990-01-01", "2026-11-20", 20, false), CopayHint::Differs(vec![30]));
        assert_eq!(hint("1955-01-01", "2026-11-20", 10, false), CopayHint::Differs(vec![20, 30]));
        assert_eq!(hint("1955-01-01", "2026-11-20", 10, true), CopayHint::Plausible, "a certified disability");
        assert_eq!(hint("1955-01-01", "2022-09-30", 10, false), CopayHint::Unknown);
        assert_eq!(hint("2026-11-21", "2026-11-20", 20, false), CopayHint::Unknown, "not born yet");
        assert_eq!(copay.late_elderly_relief_yen(day("2025-09-30")), Some(3_000));
        assert_eq!(copay.late_elderly_relief_yen(day("2025-10-01")), None);
        assert_eq!(copay.late_elderly_relief_yen(day("2022-09-30")), None);
    }

    #[test]
    fn amounts_that_are_none_are_refused() {
        let copay = copay();
        for (cost, percent) in [(-10, 30), (i64::MAX, 30), (i64::MIN, 30), (1_000, 101)] {
            assert_eq!(copay.counter_amount(cost, percent), None, "{cost} {percent}");
        }
    }

    proptest! {
        #[test]
        fn the_periods_of_a_life_follow_one_another(
            year in 1900_u16..2030,
            month in 1_u8..=12,
            day in 1_u8..=31,
            age in 0_u16..110,
        ) {
            let birth = CalendarDate { year, month, day };
            prop_assume!(CalendarDate::parse(&birth.to_string()).is_some());
            let copay = copay();
            let period = copay.age_period(birth, birth.years_later(age)).expect("born");
            prop_assert!(period.from <= birth.years_later(age));
            if let Some(last) = period.through {
                let next = copay.age_period(birth, last.day_after()).expect("born");
                prop_assert_eq!(next.from, last.day_after());
                prop_assert!(next.group != period.group);
            }
        }

        #[test]
        fn the_counter_is_within_five_yen(cost in 0_i64..1_000_000_000, percent in 0_u8..=100) {
            let amount = copay().counter_amount(cost, percent).expect("an amount");
            prop_assert!(amount.counter_yen % 10 == 0 && (amount.counter_yen - amount.exact_yen).abs() <= 5);
        }
    }
}
