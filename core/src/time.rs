//! Instants, the clock that gives them, and Japanese civil dates.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use der::DateTime;

use crate::cancellation::Cancellation;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UnixMillis(pub i64);

/// The month in which this version was made, 2026-11-01T00:00:00Z: no time before it is believed. It stands in the source,
/// so that two builds of one source are the same; `tests/build_month.rs` keeps it fresh.
pub const BUILT: UnixMillis = UnixMillis(1_793_491_200_000);

/// Nor is one more than ten years after it, in milliseconds.
const FURTHEST_MS: i64 = 315_576_000_000;

/// Japan has had one offset and no summer time since 1951.
const JAPAN_OFFSET_MS: i64 = 9 * 3_600_000;

impl UnixMillis {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// This instant moved by `ms`, negative for the past.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant, negative when `earlier` is later.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether this may be the time at which this version runs. A clock that says another is wrong, and nothing that is over
    /// or has not begun by it need be so.
    pub fn is_plausible(self) -> bool {
        (0..=FURTHEST_MS).contains(&self.ms_since(BUILT))
    }

    /// This instant, or the earliest that is believed if it is before that: for what ends some day, such as certificates.
    #[must_use]
    pub fn not_before_build(self) -> Self {
        self.max(BUILT)
    }

    /// RFC 3339 with the Japanese offset, such as `2026-11-20T10:15:03+09:00`.
    pub fn to_rfc3339(self) -> String {
        match civil(self.plus_ms(JAPAN_OFFSET_MS)) {
            Some(t) => format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+09:00",
                t.year(),
                t.month(),
                t.day(),
                t.hour(),
                t.minutes(),
                t.seconds()
            ),
            None => "1970-01-01T09:00:00+09:00".to_owned(),
        }
    }

    /// Reads an RFC 3339 instant such as `2026-11-20T10:15:03+09:00`, fractions of a second ignored.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once(['T', 't'])?;
        let date = CalendarDate::parse(date)?;
        let zone_at = rest.find(['Z', 'z', '+', '-'])?;
        let (clock, zone) = rest.split_at_checked(zone_at)?;
        let mut parts = clock.split(':');
        let hour = two_digits(parts.next()?)?;
        let minute = two_digits(parts.next()?)?;
        let second = two_digits(parts.next()?.split('.').next()?)?;
        if parts.next().is_some() {
            return None;
        }
        let at = DateTime::new(date.year, date.month, date.day, hour, minute, second).ok()?;
        let utc = i64::try_from(at.unix_duration().as_millis()).ok()?;
        Some(Self(utc.checked_sub(zone_offset_ms(zone)?)?))
    }
}

fn zone_offset_ms(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, clock) = match zone.strip_prefix('-') {
        Some(clock) => (-60_000, clock),
        None => (60_000, zone.strip_prefix('+')?),
    };
    let (hours, minutes) = clock.split_once(':')?;
    let minutes = i64::from(two_digits(hours)?).checked_mul(60)?.checked_add(i64::from(two_digits(minutes)?))?;
    minutes.checked_mul(sign)
}

fn two_digits(text: &str) -> Option<u8> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn civil(at: UnixMillis) -> Option<DateTime> {
    DateTime::from_unix_duration(Duration::from_millis(u64::try_from(at.0).ok()?)).ok()
}

/// A civil date in Japan.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct CalendarDate {
    /// Gregorian year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl CalendarDate {
    /// The date in Japan at this instant.
    pub fn in_japan(at: UnixMillis) -> Self {
        match civil(at.plus_ms(JAPAN_OFFSET_MS)) {
            Some(t) => Self { year: t.year(), month: t.month(), day: t.day() },
            None => Self { year: 1970, month: 1, day: 1 },
        }
    }

    /// Reads `YYYY-MM-DD`; a date that does not exist gives `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let year: u16 = parts.next().filter(|y| y.len() == 4 && y.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
        let month = two_digits(parts.next()?)?;
        let day = two_digits(parts.next()?)?;
        if parts.next().is_some() {
            return None;
        }
        (1..=days_in_month(year, month)).contains(&day).then_some(Self { year, month, day })
    }

    /// Days since 1 March of the year 0, so that the leap day is the last of its year.
    fn number(self) -> i64 {
        let from_march = (i64::from(self.month).saturating_add(9)) % 12;
        let year = i64::from(self.year).saturating_sub(from_march / 10);
        let leap_days = (year / 4).saturating_sub(year / 100).saturating_add(year / 400);
        let in_year = from_march.saturating_mul(306).saturating_add(5) / 10;
        year.saturating_mul(365)
            .saturating_add(leap_days)
            .saturating_add(in_year)
            .saturating_add(i64::from(self.day))
            .saturating_sub(1)
    }

    /// Days from `earlier` to this day; negative if it is the later one.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.number().saturating_sub(earlier.number())
    }

    /// The same day so many years later; 28 February for a leap day that the year does not have.
    pub fn years_later(self, years: u16) -> Self {
        let year = self.year.saturating_add(years);
        Self::parse(&format!("{year:04}-{:02}-{:02}", self.month, self.day)).unwrap_or(Self { year, day: 28, ..self })
    }

    /// The day before.
    #[must_use]
    pub fn day_before(self) -> Self {
        match (self.month, self.day) {
            (1, 0 | 1) => Self { year: self.year.saturating_sub(1), month: 12, day: 31 },
            (month, 0 | 1) => Self { month: month.saturating_sub(1), day: 1, ..self }.end_of_month_after(0),
            (_, day) => Self { day: day.saturating_sub(1), ..self },
        }
    }

    /// The day after.
    #[must_use]
    pub fn day_after(self) -> Self {
        match (self.month, self == self.end_of_month_after(0)) {
            (12, true) => Self { year: self.year.saturating_add(1), month: 1, day: 1 },
            (month, true) => Self { month: month.saturating_add(1), day: 1, ..self },
            (_, false) => Self { day: self.day.saturating_add(1), ..self },
        }
    }

    /// The last day of the month that is `months` after this date's month.
    pub fn end_of_month_after(self, months: u16) -> Self {
        let index = self.year.saturating_mul(12).saturating_add(u16::from(self.month).saturating_sub(1));
        let index = index.saturating_add(months);
        let year = index.div_euclid(12);
        let month = u8::try_from(index.rem_euclid(12)).unwrap_or(0).saturating_add(1);
        Self { year, month, day: days_in_month(year, month) }
    }
}

/// Not by way of an instant: those of X.509 begin in 1970, and people were born before. 0 for what is no month.
fn days_in_month(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

impl fmt::Display for CalendarDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Where the time comes from, and how to wait. Tests pass a clock of their own.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> UnixMillis;
    /// Blocks for `duration`, or until cancelled: [`Cancellation::sleep`] does that.
    fn sleep(&self, duration: Duration, cancellation: &Cancellation);
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, duration: Duration, cancellation: &Cancellation) {
        cancellation.sleep(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_believed_that_this_version_cannot_see() {
        let at = |text| UnixMillis::parse_rfc3339(text).expect("an instant");
        for (text, is_plausible) in [
            ("1970-01-01T00:00:00Z", false),
            ("2006-11-30T00:00:00Z", false),
            ("2026-10-31T23:59:59Z", false),
            ("2026-11-01T00:00:00Z", true),
            ("2036-10-31T00:00:00Z", true),
            ("2036-11-02T00:00:00Z", false),
            ("2046-11-30T00:00:00Z", false),
        ] {
            assert_eq!(at(text).is_plausible(), is_plausible, "{text}");
        }
        assert!(!UnixMillis(i64::MIN).is_plausible() && !UnixMillis(i64::MAX).is_plausible());
        assert_eq!(at("2006-11-30T00:00:00Z").not_before_build(), BUILT);
        assert_eq!(at("2046-11-30T00:00:00Z").not_before_build(), at("2046-11-30T00:00:00Z"));
    }

    #[test]
    fn days_are_counted_over_leap_years() {
        let day = |text| CalendarDate::parse(text).expect("a day");
        for (later, earlier, days) in [
            ("2026-11-14", "2026-11-08", 6),
            ("2024-03-01", "2024-02-28", 2),
            ("2023-03-01", "2023-02-28", 1),
            ("2000-03-01", "2000-02-28", 2),
            ("2100-03-01", "2100-02-28", 1),
            ("2027-01-01", "2026-01-01", 365),
            ("1926-12-25", "1926-12-24", 1),
            ("2026-01-01", "2026-02-01", -31),
        ] {
            assert_eq!(day(later).days_since(day(earlier)), days, "{later}");
        }
        assert_eq!(day("2024-02-29").years_later(1).to_string(), "2025-02-28");
        assert_eq!(day("2024-02-29").years_later(4).to_string(), "2028-02-29");
    }

    #[test]
    fn instants_are_written_and_read_with_the_japanese_offset() {
        let at = UnixMillis::from_seconds(1_795_137_303);
        assert_eq!(at.to_rfc3339(), "2026-11-20T10:15:03+09:00");
        assert_eq!(UnixMillis::parse_rfc3339("2026-11-20T10:15:03+09:00"), Some(at));
        assert_eq!(UnixMillis::parse_rfc3339("2026-11-20T01:15:03.250Z"), Some(at));
        assert_eq!(UnixMillis::parse_rfc3339("2026-11-19T19:45:03-05:30"), Some(at));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-11-20",
            "2026-13-01T00:00:00Z",
            "2026-11-20T10:15:03",
            "2026-11-20T1:15:03Z",
            "é-11-20T10:15:03Z",
        ] {
            assert_eq!(UnixMillis::parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn the_day_changes_at_midnight_in_japan() {
        let before = UnixMillis::parse_rfc3339("2026-11-20T14:59:59Z").expect("valid");
        assert_eq!(CalendarDate::in_japan(before).to_string(), "2026-11-20");
        assert_eq!(CalendarDate::in_japan(before.plus_ms(1000)).to_string(), "2026-11-21");
    }

    #[test]
    fn dates_that_exist_are_read_and_no_others() {
        for text in ["1912-07-30", "1944-11-05", "1900-02-28", "2000-02-29", "2024-02-29", "2026-12-31"] {
            assert_eq!(CalendarDate::parse(text).map(|date| date.to_string()).as_deref(), Some(text));
        }
        for text in ["1900-02-29", "2026-02-29", "2026-04-31", "2026-00-01", "2026-01-00", "2026-13-01", "26-01-01"] {
            assert_eq!(CalendarDate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn months_end_on_their_last_day() {
        let date = CalendarDate { year: 2027, month: 11, day: 5 };
        assert_eq!(date.end_of_month_after(0).to_string(), "2027-11-30");
        assert_eq!(date.end_of_month_after(3).to_string(), "2028-02-29");
        let born = CalendarDate { year: 1956, month: 2, day: 5 };
        assert_eq!(born.end_of_month_after(0).to_string(), "1956-02-29", "before 1970, too");
    }

    #[test]
    fn days_follow_one_another_over_months_and_years() {
        let day = |text| CalendarDate::parse(text).expect("a day");
        for (before, after) in [
            ("2026-12-31", "2027-01-01"),
            ("2028-02-28", "2028-02-29"),
            ("2028-02-29", "2028-03-01"),
            ("1900-02-28", "1900-03-01"),
            ("1956-03-31", "1956-04-01"),
        ] {
            assert_eq!((day(before).day_after(), day(after).day_before()), (day(after), day(before)));
        }
    }
}
