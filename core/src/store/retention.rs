//! What is kept for how long. The user may shorten it; nothing is kept longer.

use super::event::Event;
use super::history::newest_first;
use super::keys::{Holder, MemberId};
use super::records::day_newest_first;
use super::schema::Table;
use super::{Store, Tx, under};
use crate::error::Error;
use crate::time::{CalendarDate, UnixMillis};

const LONGEST_HISTORY_MONTHS: u16 = 13;
const LONGEST_RECORD_YEARS: u16 = 5;
const DAY_MS: i64 = 86_400_000;

/// How long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetentionPolicy {
    history_months: u16,
    record_years: u16,
}

impl RetentionPolicy {
    /// Checks of the eligibility for 1 to 13 months, records for 1 to 5 years (receipts of a tax deduction are kept for
    /// five years, 所得税法施行規則 47条の2). Outside these, the nearest.
    pub fn new(history_months: u16, record_years: u16) -> Self {
        Self {
            history_months: history_months.clamp(1, LONGEST_HISTORY_MONTHS),
            record_years: record_years.clamp(1, LONGEST_RECORD_YEARS),
        }
    }
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { history_months: LONGEST_HISTORY_MONTHS, record_years: LONGEST_RECORD_YEARS }
    }
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Retention {
    /// Checks of the eligibility.
    pub history: u64,
    /// Records.
    pub records: u64,
}

impl Store {
    /// Deletes what is past its time, of every member. Records without a date stay. Call it once a day.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn apply_retention(&mut self, policy: RetentionPolicy) -> Result<Retention, Error> {
        let now = self.context.clock.now();
        let days = i64::from(policy.history_months).saturating_mul(31);
        let oldest_check = now.plus_ms(days.saturating_mul(DAY_MS).saturating_neg());
        let today = CalendarDate::in_japan(now);
        let oldest_record = CalendarDate { year: today.year.saturating_sub(policy.record_years), ..today };
        let members: Vec<MemberId> = self.ring.members().collect();
        self.write(|tx| {
            let mut deleted = Retention::default();
            for member in members {
                let holder = Holder::Member(member);
                deleted.history = deleted.history.saturating_add(tx.expire_history(holder, oldest_check)?);
                deleted.records = deleted.records.saturating_add(tx.expire_records(holder, oldest_record)?);
            }
            if deleted != Retention::default() {
                tx.log(Event::Expired, None, Ok(()), 0)?;
            }
            Ok(deleted)
        })
    }
}

impl Tx<'_> {
    fn expire_history(&mut self, holder: Holder, oldest: UnixMillis) -> Result<u64, Error> {
        let first = [holder.bytes(), &newest_first(oldest.plus_ms(-1))].concat();
        self.remove_range(Table::History, &(first..=under(holder.bytes()).end().clone()))
    }

    fn expire_records(&mut self, holder: Holder, oldest: CalendarDate) -> Result<u64, Error> {
        let day = |day: u32| [holder.bytes(), &day.to_be_bytes()].concat();
        let first = day(day_newest_first(Some(oldest)).saturating_add(1));
        let last = [&day(day_newest_first(None).saturating_sub(1))[..], &[0xff; 16]].concat();
        let mut deleted: u64 = 0;
        while let Some(key) = self.writer.first_key(Table::Records, &(first.clone()..=last.clone()))? {
            self.remove_record(&key)?;
            deleted = deleted.saturating_add(1);
        }
        Ok(deleted)
    }
}
