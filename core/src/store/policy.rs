//! For how long data are kept.

use super::known_time::DAY_MS;
use crate::time::{CalendarDate, UnixMillis};

const LONGEST_HISTORY_MONTHS: u16 = 13;
const LONGEST_RECORD_YEARS: u16 = 5;

/// How long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetentionPolicy {
    history_months: u16,
    record_years: u16,
}

impl RetentionPolicy {
    /// Checks of the eligibility for 1 to 13 months, records for 1 to 5 years (receipts of a tax deduction are kept for
    /// five years, 所得税法施行規則 47条の2). Outside these, the nearest.
    ///
    /// Vaccinations, and whatever was entered or imported, stay until a person removes them.
    pub fn new(history_months: u16, record_years: u16) -> Self {
        Self {
            history_months: history_months.clamp(1, LONGEST_HISTORY_MONTHS),
            record_years: record_years.clamp(1, LONGEST_RECORD_YEARS),
        }
    }

    /// For how long a check is kept.
    pub(super) fn history_ms(self) -> i64 {
        i64::from(self.history_months).saturating_mul(31).saturating_mul(DAY_MS)
    }

    /// The oldest check and the oldest day of a record that are kept when it is `now`.
    pub(super) fn oldest(self, now: UnixMillis) -> (UnixMillis, CalendarDate) {
        let today = CalendarDate::in_japan(now);
        let year = today.year.saturating_sub(self.record_years);
        (now.plus_ms(self.history_ms().saturating_neg()), CalendarDate { year, ..today })
    }
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { history_months: LONGEST_HISTORY_MONTHS, record_years: LONGEST_RECORD_YEARS }
    }
}
