//! Records, read with the access that a qualification leaves behind.

use kazasu::time::CalendarDate;

use super::Session;
use crate::error::KazasuError;
use crate::store::ServerPatient;

/// A kind of record at the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum RecordKind {
    /// 医療費通知.
    Expense,
    /// 薬剤情報.
    Medication,
    /// 予防接種.
    Immunization,
    /// 特定健診.
    Checkup,
    /// アクセスログ.
    AccessLog,
}

/// What a read brought.
#[derive(Clone, uniffi::Record)]
pub struct FetchedRecords {
    /// FHIR R4 JSON in the server's order, for `Store.put_records`. Personal: it belongs in no log.
    pub records: Vec<String>,
    /// There is more, or there may be: 40 pages, 2,000 entries or 32 MiB were read, or a later page could not be.
    pub is_partial: bool,
}

#[uniffi::export]
impl Session {
    /// Reads records of one kind, after `finish`, which cannot be called again then. `since` (`YYYY-MM-DD`) leaves out what is
    /// older, as far as the server can search for that. The scope of the kind must have been asked for.
    pub fn fetch_records(&self, kind: RecordKind, since: Option<String>) -> Result<FetchedRecords, KazasuError> {
        let day = |text: String| {
            CalendarDate::parse(&text)
                .ok_or_else(|| KazasuError::Usage { detail: "a day is written YYYY-MM-DD".to_owned() })
        };
        let since = since.map(day).transpose()?;
        let found = self.with_access(|access| access.records(kind.into(), since))?;
        let records = found.records.iter().map(|record| record.as_json().to_string()).collect();
        Ok(FetchedRecords { records, is_partial: found.is_partial })
    }

    /// Whom the server calls the card's holder, for `Store.register` and `Store.pin_patient`. After `finish`, which cannot be
    /// called again then.
    pub fn server_patient(&self) -> Result<ServerPatient, KazasuError> {
        self.with_access(|access| {
            Ok(ServerPatient { issuer: access.issuer().to_owned(), patient: access.patient().to_owned() })
        })
    }

    /// What the server said the time is, in its latest answer that no cache can have kept, milliseconds since 1970: for
    /// `Store.confirm_clock`. After `finish`, which cannot be called again then.
    pub fn confirmed_time_unix_ms(&self) -> Result<Option<i64>, KazasuError> {
        self.with_access(|access| Ok(access.confirmed_time().map(|time| time.0)))
    }
}

impl From<RecordKind> for kazasu::qualify::RecordKind {
    fn from(ffi: RecordKind) -> Self {
        match ffi {
            RecordKind::Expense => Self::Expense,
            RecordKind::Medication => Self::Medication,
            RecordKind::Immunization => Self::Immunization,
            RecordKind::Checkup => Self::Checkup,
            RecordKind::AccessLog => Self::AccessLog,
        }
    }
}
