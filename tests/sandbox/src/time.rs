//! The server's clock and the few calendar rules the answers need, all in Japan standard time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01T00:00:00Z.
pub(crate) type UnixSeconds = i64;

/// The system clock moved by some seconds, so that a wrong server clock and the passing of time can be tried.
#[derive(Debug)]
pub(crate) struct Clock {
    offset_s: AtomicI64,
}

impl Clock {
    pub(crate) fn new(offset_s: i64) -> Self {
        Self { offset_s: AtomicI64::new(offset_s) }
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.offset_s.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> UnixSeconds {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        i64::try_from(elapsed).unwrap_or(i64::MAX).saturating_add(self.offset_s.load(Ordering::Relaxed))
    }

    /// The value of the `Date` header (RFC 9110, 5.6.7) of an answer that was made `seconds` ago.
    pub(crate) fn http_date_before(&self, seconds: u64) -> String {
        let now = u64::try_from(self.now()).unwrap_or(0).saturating_sub(seconds);
        // httpdate writes years up to 9999 and panics past them.
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(now.min(253_402_300_799)))
    }
}

/// A day of the Gregorian calendar in Japan, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Day(i64);

impl Day {
    /// The day it is in Japan at `time`.
    pub(crate) fn at(time: UnixSeconds) -> Self {
        Self(time.saturating_add(JST_S).div_euclid(DAY_S))
    }

    /// Reads `YYYY-MM-DD`; `None` for anything else, impossible days included.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| -> Option<i64> {
            let part = text.get(range)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let parsed = Self::from_civil(year, month, day);
        (parsed.civil() == (year, month, day)).then_some(parsed)
    }

    pub(crate) fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The first day of the month `months` after this one.
    pub(crate) fn month_start(self, months: i64) -> Self {
        Self::of_month(self.month_index() + months)
    }

    /// The first day of the running limit year, which goes from August to July.
    pub(crate) fn limit_year_start(self) -> Self {
        let (year, month, _) = self.civil();
        Self::from_civil(if month >= 8 { year } else { year - 1 }, 8, 1)
    }

    /// The last day of the running limit year.
    pub(crate) fn limit_year_end(self) -> Self {
        self.limit_year_start().month_start(12).plus_days(-1)
    }

    /// The first day of the running school and insurance year, which goes from April to March.
    pub(crate) fn fiscal_year_start(self) -> Self {
        let (year, month, _) = self.civil();
        Self::from_civil(if month >= 4 { year } else { year - 1 }, 4, 1)
    }

    /// The same day so many years later, 1 March for a leap day that is not there.
    pub(crate) fn years_later(self, years: i64) -> Self {
        self.month_start(12 * years).plus_days(self.civil().2 - 1)
    }

    /// The number of this day's month, counted from January of year 0.
    pub(crate) fn month_index(self) -> i64 {
        let (year, month, _) = self.civil();
        year * 12 + month - 1
    }

    /// The first day of a month by its number.
    pub(crate) fn of_month(index: i64) -> Self {
        Self::from_civil(index.div_euclid(12), index.rem_euclid(12) + 1, 1)
    }

    /// The first second of this day in Japan.
    pub(crate) fn start(self) -> UnixSeconds {
        self.0.saturating_mul(DAY_S).saturating_sub(JST_S)
    }

    /// The last second of this day in Japan.
    pub(crate) fn end(self) -> UnixSeconds {
        self.0.saturating_add(1).saturating_mul(DAY_S).saturating_sub(JST_S + 1)
    }

    fn civil(self) -> (i64, i64, i64) {
        // Days are counted in years that begin on 1 March, so the leap day is the last of its year.
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }

    fn from_civil(year: i64, month: i64, day: i64) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        Self(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// `time` as an RFC 3339 timestamp with the offset of Japan.
pub(crate) fn rfc3339(time: UnixSeconds) -> String {
    let second = time.saturating_add(JST_S).rem_euclid(DAY_S);
    format!("{}T{:02}:{:02}:{:02}+09:00", Day::at(time), second / 3600, second / 60 % 60, second % 60)
}

const JST_S: i64 = 9 * 3600;
const DAY_S: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        for text in ["1970-01-01", "2000-02-29", "2026-11-20", "2027-03-31", "2100-03-01"] {
            assert_eq!(Day::parse(text).map(|day| day.to_string()).as_deref(), Some(text));
        }
        for text in ["2026-02-29", "2026-13-01", "2026-1-01", "2026-00-10", "20261120", "２０２６-11-20"] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn timestamps_are_japanese() {
        assert_eq!(rfc3339(1_795_137_303), "2026-11-20T10:15:03+09:00");
        assert_eq!(Day::at(1_795_137_303).end(), 1_795_186_799);
    }

    #[test]
    fn limit_year_runs_from_august() {
        let day = Day::parse("2027-07-31").unwrap();
        assert_eq!((day.limit_year_start().to_string(), day.limit_year_end()), ("2026-08-01".into(), day));
        assert_eq!(day.plus_days(1).limit_year_start().to_string(), "2027-08-01");
        assert_eq!(day.month_start(6).to_string(), "2028-01-01");
        assert_eq!(day.fiscal_year_start().to_string(), "2027-04-01");
    }
}
