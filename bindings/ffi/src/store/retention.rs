//! What is kept for how long, and what goes when.

use kazasu::store as core;
use kazasu::time::UnixMillis;

use super::records::day;
use super::{Store, mirror};
use crate::error::KazasuError;

/// How long data are kept; nothing is kept longer than by default. Vaccinations and what was entered or imported stay.
#[derive(Clone, Copy, Debug, uniffi::Record)]
pub struct RetentionPolicy {
    /// Checks of the eligibility: 1 to 13 months.
    #[uniffi(default = 13)]
    pub history_months: u16,
    /// Records: 1 to 5 years.
    #[uniffi(default = 5)]
    pub record_years: u16,
}

/// What became of data past their time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Record)]
pub struct Retention {
    /// Checks of the eligibility that were deleted.
    pub history: u64,
    /// Records that were deleted.
    pub records: u64,
    /// What was marked, to be deleted in a week at the earliest: `expiring` tells more.
    pub marked: u64,
}

mirror! {
    /// What goes by age.
    Aging of kazasu::store::Aging {
        /// Checks of the eligibility.
        Check,
        /// Notices of medical expenses.
        Expense,
        /// Medicines.
        Medication,
        /// Results of health check-ups.
        Checkup,
        /// Who looked at the data at the server.
        AccessLog,
    }
}

/// Data of one member and kind that are past their time.
#[derive(Clone, Debug, Eq, PartialEq, uniffi::Record)]
pub struct Expiring {
    /// Whose.
    pub member: String,
    /// What.
    pub kind: Aging,
    /// How many.
    pub rows: u64,
    /// Day of the oldest, `YYYY-MM-DD`.
    pub oldest_day: String,
    /// Day of the newest, `YYYY-MM-DD`.
    pub newest_day: String,
    /// When the first of them is deleted at the earliest, milliseconds since 1970; `None` while they are not marked or no
    /// server has confirmed the clock since.
    pub due_unix_ms: Option<i64>,
}

#[uniffi::export]
impl Store {
    /// Tells the store what a server said the time is, in an answer that came just now and from no cache. Old data are
    /// deleted by such time alone. Tells whether the clock of this device is right, to a day.
    pub fn confirm_clock(&self, server_time_unix_ms: i64) -> Result<bool, KazasuError> {
        self.with(|store| store.confirm_clock(UnixMillis(server_time_unix_ms)))
    }

    /// Marks what is past its time, of every member, and deletes what was marked a week of confirmed time ago. Call it once
    /// a day, and show what `expiring` tells.
    pub fn apply_retention(&self, policy: RetentionPolicy) -> Result<Retention, KazasuError> {
        self.with(|store| store.apply_retention(policy.into())).map(Into::into)
    }

    /// What is past its time by the clock of this device, of every member and kind, and when it will be deleted.
    pub fn expiring(&self, policy: RetentionPolicy) -> Result<Vec<Expiring>, KazasuError> {
        Ok(self.with(|store| store.expiring(policy.into()))?.into_iter().map(Into::into).collect())
    }

    /// Deletes what `expiring` tells, at once. By calling it you say that a person has seen that, has seen that this device
    /// says today is `today` (`YYYY-MM-DD`, in Japan), and agreed. Fails with `Usage` when the day is another one.
    pub fn delete_expiring(&self, policy: RetentionPolicy, today: String) -> Result<Retention, KazasuError> {
        let today = day(&today)?;
        self.with(|store| store.delete_expiring(policy.into(), today)).map(Into::into)
    }
}

impl From<RetentionPolicy> for core::RetentionPolicy {
    fn from(ffi: RetentionPolicy) -> Self {
        Self::new(ffi.history_months, ffi.record_years)
    }
}

impl From<core::Retention> for Retention {
    fn from(core: core::Retention) -> Self {
        Self { history: core.history, records: core.records, marked: core.marked }
    }
}

impl From<core::Expiring> for Expiring {
    fn from(core: core::Expiring) -> Self {
        Self {
            member: core.member.to_string(),
            kind: core.kind.into(),
            rows: core.rows,
            oldest_day: core.oldest.to_string(),
            newest_day: core.newest.to_string(),
            due_unix_ms: core.due.map(|due| due.0),
        }
    }
}
