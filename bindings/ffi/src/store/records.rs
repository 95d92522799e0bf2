//! Records from the server, kept for reading without it.

use kazasu::fhir::{self, Record};
use kazasu::store as core;
use kazasu::time::CalendarDate;

use super::{Store, member_id, usage};
use crate::error::KazasuError;

/// Types of records, by their FHIR resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum RecordType {
    /// 医療費通知: ExplanationOfBenefit.
    Expense,
    /// 薬剤情報: MedicationDispense.
    Dispense,
    /// 予防接種: Immunization.
    Immunization,
    /// 特定健診: Observation.
    Observation,
    /// アクセスログ: AuditEvent.
    Access,
}

/// Which part of a member's list.
#[derive(Clone, Debug, uniffi::Record)]
pub struct RecordQuery {
    /// Empty for all.
    #[uniffi(default = [])]
    pub types: Vec<RecordType>,
    /// Not before this day, `YYYY-MM-DD`.
    #[uniffi(default = None)]
    pub from_day: Option<String>,
    /// Not after this day, `YYYY-MM-DD`.
    #[uniffi(default = None)]
    pub to_day: Option<String>,
    /// Behind this record: `RecordPage.next` of the page before.
    #[uniffi(default = None)]
    pub after: Option<Vec<u8>>,
}

/// A record and whether it was looked at.
#[derive(Clone, uniffi::Record)]
pub struct StoredRecord {
    /// Which; good for as long as the record's date does not change.
    pub key: Vec<u8>,
    /// Its type.
    pub record_type: RecordType,
    /// The day or the first day of the month it is about, `YYYY-MM-DD`.
    pub day: Option<String>,
    /// What it is about, in the server's words.
    pub title: Option<String>,
    /// New or changed since it was marked as read.
    pub is_unread: bool,
    /// The resource as it was received, FHIR R4 JSON. Personal: it belongs in no log.
    pub json: String,
}

/// A page of the list.
#[derive(Clone, uniffi::Record)]
pub struct RecordPage {
    /// Newest first; those without a date last.
    pub records: Vec<StoredRecord>,
    /// Where the next page begins, if there is more.
    pub next: Option<Vec<u8>>,
}

/// What keeping records came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Record)]
pub struct Saved {
    /// Not there before.
    pub added: u32,
    /// There before, with other contents.
    pub changed: u32,
    /// There before, the same.
    pub unchanged: u32,
}

#[uniffi::export]
impl Store {
    /// Keeps FHIR resources, all of them or none. One with the server's id of a kept record replaces it. Fails with
    /// `Resource` for JSON that is none of the five types, too large, or carries a My Number.
    pub fn put_records(&self, member: String, records: Vec<String>) -> Result<Saved, KazasuError> {
        let member = member_id(&member)?;
        // Once to refuse all for one, and once more to keep one after the other: all of them parsed take ten times as much.
        records.iter().try_for_each(|json| Record::parse(json.as_bytes()).map(drop))?;
        let parsed = records.iter().filter_map(|json| Record::parse(json.as_bytes()).ok());
        let saved = self.with(|store| store.put_records(member, parsed))?;
        Ok(Saved { added: saved.new, changed: saved.changed, unchanged: saved.unchanged })
    }

    /// At most `limit` records, and an entry in the log that they were read (one for the first page).
    pub fn records(&self, member: String, query: RecordQuery, limit: u32) -> Result<RecordPage, KazasuError> {
        let member = member_id(&member)?;
        let query = core::Query {
            types: query.types.into_iter().map(RecordType::fhir).collect(),
            from: query.from_day.as_deref().map(day).transpose()?,
            to: query.to_day.as_deref().map(day).transpose()?,
            after: query.after.as_deref().map(key).transpose()?,
        };
        let page = self.with(|store| store.records(member, &query, limit))?;
        Ok(RecordPage {
            records: page.records.iter().map(record).collect(),
            next: page.next.map(|key| key.to_bytes().to_vec()),
        })
    }

    /// Marks records as looked at; all of the member's for `None`.
    pub fn mark_read(&self, member: String, keys: Option<Vec<Vec<u8>>>) -> Result<(), KazasuError> {
        let member = member_id(&member)?;
        let keys = keys.map(|keys| keys.iter().map(|bytes| key(bytes)).collect::<Result<Vec<_>, _>>()).transpose()?;
        self.with(|store| store.mark_read(member, keys.as_deref()))
    }

    /// How many of a member's records were not looked at yet.
    pub fn unread(&self, member: String) -> Result<u64, KazasuError> {
        let member = member_id(&member)?;
        self.with(|store| store.unread(member))
    }
}

impl RecordType {
    const fn fhir(self) -> &'static str {
        match self {
            Self::Expense => fhir::Expense::TYPE,
            Self::Dispense => fhir::Dispense::TYPE,
            Self::Immunization => fhir::Immunization::TYPE,
            Self::Observation => fhir::Observation::TYPE,
            Self::Access => fhir::AccessEntry::TYPE,
        }
    }

    const fn of(record: &Record) -> Self {
        match record {
            Record::Expense(_) => Self::Expense,
            Record::Dispense(_) => Self::Dispense,
            Record::Immunization(_) => Self::Immunization,
            Record::Observation(_) => Self::Observation,
            Record::Access(_) => Self::Access,
        }
    }
}

fn record(core: &core::StoredRecord) -> StoredRecord {
    StoredRecord {
        key: core.key.to_bytes().to_vec(),
        record_type: RecordType::of(&core.record),
        day: core.record.date().map(|date| date.date.to_string()),
        title: core.record.title().map(str::to_owned),
        is_unread: core.is_unread,
        json: core.record.as_json().to_string(),
    }
}

fn key(bytes: &[u8]) -> Result<core::RecordKey, KazasuError> {
    core::RecordKey::from_bytes(bytes).ok_or_else(|| usage("not a record's key"))
}

/// A day from the app.
pub(super) fn day(text: &str) -> Result<CalendarDate, KazasuError> {
    CalendarDate::parse(text).ok_or_else(|| usage("a day is written YYYY-MM-DD"))
}
