//! Which rows are past their time, and what an app says of them before they go.

use std::collections::BTreeMap;

use super::file::Visit;
use super::history;
use super::keys::{Holder, MemberId};
use super::mark::Mark;
use super::policy::RetentionPolicy;
use super::records::{day_newest_first, parse as parse_record};
use super::schema::Table;
use super::{Store, View, under};
use crate::error::{Error, StoreFault};
use crate::fhir::Record;
use crate::time::{CalendarDate, UnixMillis};

/// What goes by age. Vaccinations, payments and whatever this version does not know do not.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Aging {
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

impl Aging {
    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Expense => "expense",
            Self::Medication => "medication",
            Self::Checkup => "checkup",
            Self::AccessLog => "access_log",
        }
    }

    fn of(record: &Record) -> Option<Self> {
        match record {
            Record::Expense(_) => Some(Self::Expense),
            Record::Dispense(_) => Some(Self::Medication),
            Record::Observation(observation) => observation.is_specific_checkup().then_some(Self::Checkup),
            Record::Access(_) => Some(Self::AccessLog),
            Record::Immunization(_) => None,
        }
    }
}

/// Data of one member and kind that are past their time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Expiring {
    /// Whose.
    pub member: MemberId,
    /// What.
    pub kind: Aging,
    /// How many.
    pub rows: u64,
    /// Day of the oldest.
    pub oldest: CalendarDate,
    /// Day of the newest.
    pub newest: CalendarDate,
    /// When the first of them is deleted at the earliest, in confirmed time; `None` while they are not marked or nobody has
    /// confirmed the clock since.
    pub due: Option<UnixMillis>,
}

/// A row that is past its time.
pub(super) struct Expired {
    kind: Aging,
    day: CalendarDate,
    /// Its time is a server's, or a confirmed one.
    pub(super) is_dated: bool,
}

impl Store {
    /// What is past its time when it is `now`.
    pub(super) fn expired(&self, policy: RetentionPolicy, now: UnixMillis) -> Result<BTreeMap<Mark, Expired>, Error> {
        let (oldest_check, oldest_day) = policy.oldest(now);
        let mut expired = BTreeMap::new();
        self.read(|view| {
            for member in self.ring.members() {
                view.expired_checks(Holder::Member(member), oldest_check, &mut expired)?;
                view.expired_records(Holder::Member(member), oldest_day, &mut expired)?;
            }
            Ok(expired)
        })
    }

    /// The marks there are, with the confirmed time of each.
    pub(super) fn marks(&self) -> Result<BTreeMap<Mark, Option<UnixMillis>>, Error> {
        let mut marks = BTreeMap::new();
        self.read(|view| {
            view.reader.visit_all(Table::Expiring, |key, value| {
                let since = value.try_into().ok().map(i64::from_be_bytes);
                let (mark, since) = Mark::parse(key).zip(since).ok_or(StoreFault::Damaged { what: "expiring" })?;
                marks.insert(mark, (since > 0).then_some(UnixMillis(since)));
                Ok(Visit::Next)
            })
        })?;
        Ok(marks)
    }
}

impl View<'_> {
    fn expired_checks(
        &self,
        holder: Holder,
        oldest: UnixMillis,
        expired: &mut BTreeMap<Mark, Expired>,
    ) -> Result<(), Error> {
        let first = [holder.bytes(), &history::newest_first(oldest.plus_ms(-1))].concat();
        let range = first..=under(holder.bytes()).end().clone();
        self.visit(holder, Table::History, &range, |key, value| {
            let (at, is_dated) = history::time_of(value).ok_or(StoreFault::Damaged { what: "history" })?;
            let row = Expired { kind: Aging::Check, day: CalendarDate::in_japan(at), is_dated };
            expired.extend(Mark::new(Table::History, key).map(|mark| (mark, row)));
            Ok(Visit::Next)
        })
    }

    fn expired_records(
        &self,
        holder: Holder,
        oldest: CalendarDate,
        expired: &mut BTreeMap<Mark, Expired>,
    ) -> Result<(), Error> {
        let day = |day: u32| [holder.bytes(), &day.to_be_bytes()].concat();
        let first = day(day_newest_first(Some(oldest)).saturating_add(1));
        let last = [&day(day_newest_first(None).saturating_sub(1))[..], &[0xff; 16]].concat();
        self.visit(holder, Table::Records, &(first..=last), |key, value| {
            let record = parse_record(value).ok_or(StoreFault::Damaged { what: "records" })?;
            if let Some((kind, date)) = Aging::of(&record).zip(record.date()) {
                let row = Expired { kind, day: date.date, is_dated: true };
                expired.extend(Mark::new(Table::Records, key).map(|mark| (mark, row)));
            }
            Ok(Visit::Next)
        })
    }
}

/// One line for each member and kind, in the members' order.
pub(super) fn summary(
    members: impl Iterator<Item = MemberId>,
    expired: &BTreeMap<Mark, Expired>,
    due: impl Fn(&Mark, &Expired) -> Option<UnixMillis>,
) -> Vec<Expiring> {
    let mut lines = Vec::new();
    for member in members {
        let mut kinds = BTreeMap::<Aging, Expiring>::new();
        for (mark, row) in expired.iter().filter(|(mark, _)| mark.member == member) {
            let (day, due) = (row.day, due(mark, row));
            let new = Expiring { member, kind: row.kind, rows: 0, oldest: day, newest: day, due };
            let line = kinds.entry(row.kind).or_insert(new);
            line.rows = line.rows.saturating_add(1);
            (line.oldest, line.newest) = (line.oldest.min(day), line.newest.max(day));
            line.due = line.due.into_iter().chain(due).min();
        }
        lines.extend(kinds.into_values());
    }
    lines
}
