//! The history of eligibility checks, newest first.

use serde_json::{Value, json};

use super::event::Event;
use super::file::Visit;
use super::keys::{Holder, MemberId};
use super::known_time::is_near;
use super::schema::Table;
use super::{Store, Tx, under};
use crate::error::{Error, StoreFault};
use crate::fhir::Eligibility;
use crate::json as border;
use crate::random;
use crate::time::UnixMillis;

/// 確認方法.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckedBy {
    /// The card was held.
    Card,
    /// A kept access asked again.
    Refresh,
    /// An answer that was there already was shown.
    Display,
}

impl CheckedBy {
    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Refresh => "refresh",
            Self::Display => "display",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Card, Self::Refresh, Self::Display].into_iter().find(|by| by.name() == name)
    }
}

/// One check, whether it came to an answer or not.
#[derive(Clone, PartialEq)]
pub struct HistoryEntry {
    /// When, by the clock of this device.
    pub at: UnixMillis,
    /// How.
    pub by: CheckedBy,
    /// `OK`, or the code of what came instead, such as `KZ-Q02`.
    pub result: String,
    /// The answer.
    pub eligibility: Option<Eligibility>,
}

crate::secret::opaque_debug!(HistoryEntry);

impl Store {
    /// Keeps a check and tells of it in the log: that it was answered, never what the answer was, or why it was not.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`].
    pub fn add_history(&mut self, member: MemberId, entry: &HistoryEntry) -> Result<(), Error> {
        self.write(|tx| tx.add_history(member, entry))
    }

    /// At most `limit` checks older than `before`, the newest first, and an entry in the log that they were read.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`].
    pub fn history(
        &mut self,
        member: MemberId,
        before: Option<UnixMillis>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, Error> {
        let mut entries = Vec::new();
        self.visit_history(member, before, |entry| {
            let room = entries.len() < limit.try_into().unwrap_or(usize::MAX);
            entries.extend(room.then_some(entry));
            Ok(room)
        })?;
        self.append_log(Event::HistoryRead, Some(member), Ok(()))?;
        Ok(entries)
    }

    /// Shows checks older than `before`, the newest first and one at a time, until `visit` answers `false`. For exports,
    /// which tell the log themselves.
    ///
    /// # Errors
    /// As [`Store::history`], and those of `visit`.
    pub fn visit_history(
        &self,
        member: MemberId,
        before: Option<UnixMillis>,
        mut visit: impl FnMut(HistoryEntry) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let holder = Holder::Member(member);
        self.ring.card_key(holder)?;
        let all = under(holder.bytes());
        let from = before
            .map_or_else(|| all.start().clone(), |before| [holder.bytes(), &newest_first(before.plus_ms(-1))].concat());
        self.read(|view| {
            view.visit(holder, Table::History, &(from..=all.end().clone()), |_, value| {
                let entry = parse(value).ok_or(StoreFault::Damaged { what: Table::History.name() })?;
                visit(entry).map(|more| if more { Visit::Next } else { Visit::Stop })
            })
        })
    }
}

impl Tx<'_> {
    pub(super) fn add_history(&mut self, member: MemberId, entry: &HistoryEntry) -> Result<(), Error> {
        let holder = Holder::Member(member);
        let key = [holder.bytes(), &newest_first(entry.at), &random::generate_bytes::<4>()?].concat();
        // A time that the app brings from elsewhere is not one that anybody has confirmed.
        let now = self.context.clock.now();
        let is_confirmed = self.state.time.at(now).is_some() && is_near(entry.at, now);
        self.put(holder, Table::History, &key, &to_bytes(entry, is_confirmed))?;
        let result = if entry.eligibility.is_some() { "OK" } else { entry.result.as_str() };
        self.log_result(Event::Qualified, Some(member), result, 0)
    }
}

/// Sorts the newest first.
pub(super) fn newest_first(at: UnixMillis) -> [u8; 8] {
    u64::MAX.saturating_sub(u64::try_from(at.0).unwrap_or(0)).to_be_bytes()
}

/// Time of a kept check, and whether the clock was a confirmed one then.
pub(super) fn time_of(bytes: &[u8]) -> Option<(UnixMillis, bool)> {
    let json: Value = border::parse_own(bytes)?;
    let is_confirmed = json.get("is_confirmed").and_then(Value::as_bool).unwrap_or(false);
    Some((UnixMillis(json.get("at")?.as_i64()?), is_confirmed))
}

fn to_bytes(entry: &HistoryEntry, is_confirmed: bool) -> Vec<u8> {
    let json = json!({
        "at": entry.at.0,
        "is_confirmed": is_confirmed,
        "by": entry.by.name(),
        "result": entry.result,
        "eligibility": entry.eligibility.as_ref().map(Eligibility::as_json),
    });
    json.to_string().into_bytes()
}

fn parse(bytes: &[u8]) -> Option<HistoryEntry> {
    let mut json = border::parse_own(bytes)?;
    let eligibility = json.get_mut("eligibility").map(Value::take).filter(|eligibility| !eligibility.is_null());
    Some(HistoryEntry {
        at: UnixMillis(json.get("at")?.as_i64()?),
        by: CheckedBy::parse(json.get("by")?.as_str()?)?,
        result: json.get("result")?.as_str()?.to_owned(),
        eligibility: eligibility.map(Eligibility::new).transpose().ok()?,
    })
}
