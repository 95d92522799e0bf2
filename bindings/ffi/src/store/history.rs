//! The history of eligibility checks.

use kazasu::fhir::Eligibility;
use kazasu::store as core;
use kazasu::time::{Clock as _, SystemClock, UnixMillis};

use super::{Store, member_id, mirror};
use crate::error::KazasuError;
use crate::session::{Freshness, InsuranceInfo, Qualification, Typed};

mirror! {
    /// 確認方法.
    CheckedBy of kazasu::store::CheckedBy {
        /// The card was held.
        Card,
        /// A kept access asked again.
        Refresh,
        /// An answer that was there already was shown.
        Display,
    }
}

/// One check, whether it came to an answer or not.
#[derive(Clone, uniffi::Record)]
pub struct HistoryEntry {
    /// When, milliseconds since 1970.
    pub at_unix_ms: i64,
    /// How.
    pub checked_by: CheckedBy,
    /// `OK`, or the code of what came instead, such as `KZ-Q02`.
    pub result: String,
    /// The answer.
    pub eligibility: Option<KeptEligibility>,
}

/// An answer that was kept.
#[derive(Clone, uniffi::Record)]
pub struct KeptEligibility {
    /// What it means.
    pub qualification: Qualification,
    /// `KZ-Q…` of an answer that is not simply valid.
    pub code: Option<String>,
    /// Every insurance, in the server's order.
    pub insurances: Vec<InsuranceInfo>,
    /// Position in `insurances` of the one to show first.
    pub primary: Option<u32>,
    /// When the insurer's data were looked up, milliseconds since 1970.
    pub as_of_unix_ms: Option<i64>,
    /// How old that is now.
    pub freshness: Freshness,
    /// The resource as it was received, FHIR R4 JSON. Personal: it belongs in no log.
    pub json: String,
}

#[uniffi::export]
impl Store {
    /// Keeps a check. `result` is `OK` or the code of what came instead; `answer_json` is that of `Session.answer_json`.
    pub fn add_history(
        &self,
        member: String,
        at_unix_ms: i64,
        checked_by: CheckedBy,
        result: String,
        answer_json: Option<String>,
    ) -> Result<(), KazasuError> {
        let member = member_id(&member)?;
        let eligibility = answer_json.map(|json| Eligibility::parse(json.as_bytes())).transpose()?;
        let entry = core::HistoryEntry { at: UnixMillis(at_unix_ms), by: checked_by.into(), result, eligibility };
        self.with(|store| store.add_history(member, &entry))
    }

    /// At most `limit` checks older than `before_unix_ms`, the newest first, and an entry in the log that they were read.
    pub fn history(
        &self,
        member: String,
        before_unix_ms: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, KazasuError> {
        let member = member_id(&member)?;
        let entries = self.with(|store| store.history(member, before_unix_ms.map(UnixMillis), limit))?;
        let now = SystemClock.now();
        Ok(entries.iter().map(|entry| entry_of(entry, now)).collect())
    }
}

fn entry_of(core: &core::HistoryEntry, now: UnixMillis) -> HistoryEntry {
    HistoryEntry {
        at_unix_ms: core.at.0,
        checked_by: core.by.into(),
        result: core.result.clone(),
        eligibility: core.eligibility.as_ref().map(|eligibility| kept(eligibility, now)),
    }
}

fn kept(eligibility: &Eligibility, now: UnixMillis) -> KeptEligibility {
    let Typed { qualification, code, insurances, primary, as_of_unix_ms, freshness } = Typed::of(eligibility, now);
    let json = eligibility.as_json().to_string();
    KeptEligibility { qualification, code, insurances, primary, as_of_unix_ms, freshness, json }
}
