//! Records from the server, kept for reading without it: one list by date, newest first, never loaded whole.
//!
//! ```text
//! records    member 16 | day, newest first 4 | blind id 16 → resource, sealed
//! record_ids member 16 | blind id 16                       → day
//! unread     as records                                    → nothing
//! ```

use std::borrow::Borrow;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::event::Event;
use super::file::Visit;
use super::keys::{Holder, MemberId};
use super::mark::mark_of_record;
use super::schema::Table;
use super::{Store, Tx, under};
use crate::crypto::sha256;
use crate::error::{Error, StoreFault};
use crate::fhir::Record;
use crate::json as border;
use crate::time::CalendarDate;

/// What days are counted from.
const DAY_ZERO: CalendarDate = CalendarDate { year: 1800, month: 1, day: 1 };
/// Of records without a date: the last in the list.
const NO_DAY: u32 = u32::MAX;

/// Which record of a member: good for as long as the record's date does not change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RecordKey([u8; 20]);

impl RecordKey {
    /// What [`RecordKey::from_bytes`] reads.
    pub const fn to_bytes(self) -> [u8; 20] {
        self.0
    }

    /// Reads [`RecordKey::to_bytes`]; `None` for another length. One of no record finds nothing.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// A record and whether it was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRecord {
    /// Which.
    pub key: RecordKey,
    /// The record.
    pub record: Record,
    /// New or changed since it was marked as read.
    pub is_unread: bool,
}

/// Which part of the list.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Types of resources, such as [`Expense::TYPE`](crate::fhir::Expense::TYPE); empty for all.
    pub types: Vec<&'static str>,
    /// Not before this day.
    pub from: Option<CalendarDate>,
    /// Not after this day.
    pub to: Option<CalendarDate>,
    /// Behind this record: [`RecordPage::next`] of the page before.
    pub after: Option<RecordKey>,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordPage {
    /// Newest first; those without a date last.
    pub records: Vec<StoredRecord>,
    /// Where the next page begins, if there is more.
    pub next: Option<RecordKey>,
}

/// What keeping records came to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Saved {
    /// Not there before.
    pub new: u32,
    /// There before, with other contents.
    pub changed: u32,
    /// There before, the same.
    pub unchanged: u32,
}

impl Store {
    /// Keeps records, in one transaction. One with the server's id of a kept record replaces it. They need not be there all
    /// at once.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Resource`] for a record over 1 MiB; [`Error::Store`].
    pub fn put_records<R: Borrow<Record>>(
        &mut self,
        member: MemberId,
        records: impl IntoIterator<Item = R>,
    ) -> Result<Saved, Error> {
        let holder = Holder::Member(member);
        self.write(|tx| {
            let mut saved = Saved::default();
            for record in records {
                let counter = match tx.put_record(holder, record.borrow())? {
                    Change::New => &mut saved.new,
                    Change::Changed => &mut saved.changed,
                    Change::None => &mut saved.unchanged,
                };
                *counter = counter.saturating_add(1);
            }
            tx.log(Event::RecordsSaved, Some(member), Ok(()), 0)?;
            Ok(saved)
        })
    }

    /// At most `limit` records, and an entry in the log that they were read (one for the first page).
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`].
    pub fn records(&mut self, member: MemberId, query: &Query, limit: u32) -> Result<RecordPage, Error> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut page = RecordPage { records: Vec::new(), next: None };
        self.visit_records(member, query, |record| {
            if page.records.len() == limit {
                page.next = page.records.last().map(|last: &StoredRecord| last.key);
                return Ok(false);
            }
            page.records.push(record);
            Ok(true)
        })?;
        if query.after.is_none() {
            self.append_log(Event::RecordsRead, Some(member), Ok(()))?;
        }
        Ok(page)
    }

    /// Shows records one at a time, until `visit` answers `false`. For exports, which tell the log themselves.
    ///
    /// # Errors
    /// As [`Store::records`], and those of `visit`.
    pub fn visit_records(
        &self,
        member: MemberId,
        query: &Query,
        mut visit: impl FnMut(StoredRecord) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let holder = Holder::Member(member);
        self.ring.card_key(holder)?;
        self.read(|view| {
            view.visit(holder, Table::Records, &range(holder, query), |key, value| {
                let damaged = StoreFault::Damaged { what: Table::Records.name() };
                let record = parse(value).ok_or(damaged)?;
                let rest = key.get(16..).and_then(|rest| rest.try_into().ok()).ok_or(damaged)?;
                if query.after == Some(RecordKey(rest)) || !query.takes(&record) {
                    return Ok(Visit::Next);
                }
                let is_unread = view.reader.get(Table::Unread, key)?.is_some();
                let more = visit(StoredRecord { key: RecordKey(rest), record, is_unread })?;
                Ok(if more { Visit::Next } else { Visit::Stop })
            })
        })
    }

    /// Marks records as looked at; all of the member's for `None`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`].
    pub fn mark_read(&mut self, member: MemberId, records: Option<&[RecordKey]>) -> Result<(), Error> {
        let holder = Holder::Member(member);
        self.ring.card_key(holder)?;
        self.write(|tx| match records {
            Some(records) => records
                .iter()
                .try_for_each(|RecordKey(rest)| tx.remove(Table::Unread, &[holder.bytes(), rest].concat()).map(drop)),
            None => tx.remove_range(Table::Unread, &under(holder.bytes())).map(drop),
        })
    }

    /// How many of a member's records were not looked at yet.
    ///
    /// # Errors
    /// As [`Store::mark_read`].
    pub fn unread(&self, member: MemberId) -> Result<u64, Error> {
        let holder = Holder::Member(member);
        self.ring.card_key(holder)?;
        let mut unread: u64 = 0;
        self.read(|view| {
            view.reader.visit(Table::Unread, &under(holder.bytes()), |_, _| {
                unread = unread.saturating_add(1);
                Ok(Visit::Next)
            })
        })?;
        Ok(unread)
    }
}

enum Change {
    New,
    Changed,
    None,
}

impl Tx<'_> {
    fn put_record(&mut self, holder: Holder, record: &Record) -> Result<Change, Error> {
        let json = record.as_json();
        let value = json.to_string().into_bytes();
        let id = self.ring.blind(holder, Table::RecordIds, &identity(json, &value))?;
        let id_key = [holder.bytes(), &id].concat();
        let day = day_newest_first(record.date().map(|date| date.date)).to_be_bytes();
        let key = [holder.bytes(), &day, &id].concat();
        let mut change = Change::New;
        if let Some(old_day) = self.writer.get(Table::RecordIds, &id_key)? {
            let old_key = [holder.bytes(), &old_day, &id].concat();
            if old_key == key && self.get(holder, Table::Records, &key)?.is_some_and(|old| *old == value) {
                return Ok(Change::None);
            }
            self.remove_record(&old_key)?;
            change = Change::Changed;
        }
        self.put(holder, Table::Records, &key, &value)?;
        self.put_raw(Table::RecordIds, &id_key, &day)?;
        self.put_raw(Table::Unread, &key, &[])?;
        Ok(change)
    }

    /// Deletes a record and what points to it. `key` is that of its row.
    pub(super) fn remove_record(&mut self, key: &[u8]) -> Result<bool, Error> {
        let (holder, rest) = key.split_at_checked(16).unwrap_or((key, &[]));
        let id = rest.get(4..).unwrap_or_default();
        self.remove(Table::RecordIds, &[holder, id].concat())?;
        self.remove(Table::Unread, key)?;
        self.remove(Table::Expiring, &mark_of_record(key))?;
        self.remove(Table::Records, key)
    }
}

impl Query {
    fn takes(&self, record: &Record) -> bool {
        let kind = record.as_json().get("resourceType").and_then(Value::as_str);
        let undated = record.date().is_none() && (self.from.is_some() || self.to.is_some());
        (self.types.is_empty() || self.types.iter().any(|one| Some(*one) == kind)) && !undated
    }
}

fn range(holder: Holder, query: &Query) -> RangeInclusive<Vec<u8>> {
    let all = under(holder.bytes());
    let day = |date| [holder.bytes(), &day_newest_first(Some(date)).to_be_bytes()].concat();
    let first = query.to.map_or_else(|| all.start().clone(), day);
    let last = query.from.map_or_else(|| all.end().clone(), |from| [&day(from)[..], &[0xff; 16]].concat());
    let first = query.after.map_or(first, |RecordKey(rest)| [holder.bytes(), &rest].concat());
    first..=last
}

/// The server's id of a resource, or the resource itself where it has none.
fn identity(json: &Value, value: &[u8]) -> Vec<u8> {
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    match (text("resourceType"), text("id")) {
        (Some(kind), Some(id)) => [kind.as_bytes(), b"/", id.as_bytes()].concat(),
        _ => sha256(value).to_vec(),
    }
}

/// Sorts the newest day first, and no day last.
pub(super) fn day_newest_first(date: Option<CalendarDate>) -> u32 {
    let day = |date: CalendarDate| u32::try_from(date.days_since(DAY_ZERO)).unwrap_or(0);
    date.map_or(NO_DAY, |date| (NO_DAY - 1).saturating_sub(day(date)))
}

pub(super) fn parse(bytes: &[u8]) -> Option<Record> {
    Record::new(border::parse_own(bytes)?).ok()
}
