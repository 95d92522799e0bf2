//! What is kept for how long. The user may shorten it; nothing is kept longer, and nothing is deleted by a clock that is
//! merely set: first a row is marked, and a week of [confirmed](super::confirmed) time later it goes.

use std::collections::BTreeMap;

use super::event::Event;
use super::expiring::{Expired, Expiring, summary};
use super::keys::{Holder, row_key};
use super::known_time::DAY_MS;
use super::mark::Mark;
use super::policy::RetentionPolicy;
use super::schema::Table;
use super::{Store, Tx};
use crate::error::Error;
use crate::time::{CalendarDate, UnixMillis};

/// Between the mark and the deletion.
const WAIT_MS: i64 = 7 * DAY_MS;
/// Name of the setting that says when [`Store::apply_retention_daily`] last did something.
const APPLIED_ON: &[u8] = b"cleared_on";

/// What became of data past their time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Retention {
    /// Checks of the eligibility that were deleted.
    pub history: u64,
    /// Records that were deleted.
    pub records: u64,
    /// Rows that were marked, to be deleted in a week at the earliest.
    pub marked: u64,
}

impl Store {
    /// Marks what is past its time, of every member, and deletes what was marked a week of confirmed time ago
    /// ([`Store::confirm_clock`]): with a clock that no server confirms nothing is ever deleted. Marks of what the clock no
    /// longer calls past its time are dropped. Records without a date stay. Call it once a day.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::DeviceKey`] when the log key refuses.
    pub fn apply_retention(&mut self, policy: RetentionPolicy) -> Result<Retention, Error> {
        self.retain(policy, None)
    }

    /// [`Store::apply_retention`], unless that was done today with a clock that is confirmed no less than now; `None` then.
    ///
    /// # Errors
    /// As [`Store::apply_retention`].
    pub fn apply_retention_daily(&mut self, policy: RetentionPolicy) -> Result<Option<Retention>, Error> {
        let today = CalendarDate::in_japan(self.context.clock.now());
        let [confirmed, not_confirmed] =
            ["confirmed", "not confirmed"].map(|how| format!("{today}, {how}").into_bytes());
        let setting = row_key(Holder::Device, APPLIED_ON);
        let last = self.read(|view| view.get(Holder::Device, Table::Settings, &setting))?;
        let last = last.as_deref().map(Vec::as_slice);
        let is_confirmed = self.is_clock_confirmed();
        if last == Some(&confirmed) || (last == Some(&not_confirmed) && !is_confirmed) {
            return Ok(None);
        }
        self.retain(policy, Some(if is_confirmed { &confirmed } else { &not_confirmed })).map(Some)
    }

    fn retain(&mut self, policy: RetentionPolicy, day: Option<&[u8]>) -> Result<Retention, Error> {
        let now = self.context.clock.now();
        let confirmed = self.state.time.at(now);
        let (expired, marks) = (self.expired(policy, now)?, self.marks()?);
        let (mut done, mut changes) = (Retention::default(), Vec::new());
        for mark in marks.keys().filter(|mark| !expired.contains_key(*mark)) {
            changes.push((mark, Change::Keep));
        }
        for (mark, row) in &expired {
            let change = match (marks.get(mark).copied(), confirmed) {
                (None, _) => Change::Mark(confirmed),
                // Marked when nobody had confirmed the clock, or ahead of time.
                (Some(None), Some(_)) => Change::Mark(confirmed),
                (Some(Some(since)), Some(confirmed)) if since > confirmed => Change::Mark(Some(confirmed)),
                (Some(Some(since)), Some(confirmed)) if confirmed.ms_since(since) >= wait_ms(policy, row) => {
                    Change::Delete
                }
                _ => continue,
            };
            done.count(mark, change, !marks.contains_key(mark));
            changes.push((mark, change));
        }
        if changes.is_empty() && day.is_none() {
            return Ok(done);
        }
        self.write(|tx| {
            changes.into_iter().try_for_each(|(mark, change)| tx.change_expiring(mark, change))?;
            if let Some(day) = day {
                tx.put(Holder::Device, Table::Settings, &row_key(Holder::Device, APPLIED_ON), day)?;
            }
            tx.tell_retention(done)
        })?;
        Ok(done)
    }

    /// What is past its time by the clock as it is now, of every member and kind, and when it will be deleted.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn expiring(&self, policy: RetentionPolicy) -> Result<Vec<Expiring>, Error> {
        let (expired, marks) = (self.expired(policy, self.context.clock.now())?, self.marks()?);
        let due = |mark: &Mark, row: &Expired| {
            let since = marks.get(mark).copied().flatten()?;
            Some(since.plus_ms(wait_ms(policy, row)))
        };
        Ok(summary(self.members()?.iter().map(|member| member.id), &expired, due))
    }

    /// Deletes what [`Store::expiring`] tells, at once: for a person who has seen it, and that today is `today`.
    ///
    /// # Errors
    /// [`Error::Usage`] when the clock says another day than `today`; [`Error::Store`]; [`Error::DeviceKey`] when the log key
    /// refuses.
    pub fn delete_expiring(&mut self, policy: RetentionPolicy, today: CalendarDate) -> Result<Retention, Error> {
        let now = self.context.clock.now();
        if CalendarDate::in_japan(now) != today {
            return Err(Error::usage("the day has changed: show again what will be deleted"));
        }
        let expired: BTreeMap<Mark, Expired> = self.expired(policy, now)?;
        let mut done = Retention::default();
        expired.keys().for_each(|mark| done.count(mark, Change::Delete, false));
        if done != Retention::default() {
            self.write(|tx| {
                expired.keys().try_for_each(|mark| tx.change_expiring(mark, Change::Delete))?;
                tx.tell_retention(done)
            })?;
        }
        Ok(done)
    }
}

/// What happens to a row that is, or was, past its time.
#[derive(Clone, Copy)]
enum Change {
    /// It is marked, at this confirmed time.
    Mark(Option<UnixMillis>),
    /// It is deleted with its mark.
    Delete,
    /// Its mark is dropped.
    Keep,
}

impl Retention {
    fn count(&mut self, mark: &Mark, change: Change, is_new: bool) {
        let counter = match change {
            Change::Delete if mark.table == Table::History => &mut self.history,
            Change::Delete => &mut self.records,
            Change::Mark(_) if is_new => &mut self.marked,
            Change::Mark(_) | Change::Keep => return,
        };
        *counter = counter.saturating_add(1);
    }
}

/// For how long a marked row stays. A check that was kept while nobody had confirmed the clock may be younger than it says;
/// when it was marked it was there, though.
fn wait_ms(policy: RetentionPolicy, expired: &Expired) -> i64 {
    if expired.is_dated { WAIT_MS } else { policy.history_ms().saturating_add(WAIT_MS) }
}

impl Tx<'_> {
    fn change_expiring(&mut self, mark: &Mark, change: Change) -> Result<(), Error> {
        match change {
            Change::Mark(since) => {
                let since = since.map_or(0, |since| u64::try_from(since.0).unwrap_or(0));
                self.put_raw(Table::Expiring, &mark.key(), &since.to_be_bytes())
            }
            Change::Keep => self.remove(Table::Expiring, &mark.key()).map(drop),
            Change::Delete if mark.table == Table::Records => self.remove_record(&mark.row()).map(drop),
            Change::Delete => {
                self.remove(Table::Expiring, &mark.key())?;
                self.remove(mark.table, &mark.row()).map(drop)
            }
        }
    }

    fn tell_retention(&mut self, done: Retention) -> Result<(), Error> {
        if done.history.saturating_add(done.records) > 0 {
            self.log(Event::Expired, None, Ok(()), 0)?;
        }
        if done.marked > 0 { self.log(Event::ExpiryMarked, None, Ok(()), 0) } else { Ok(()) }
    }
}
