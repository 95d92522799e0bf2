//! Records: searched by POST, so that nothing personal stands in a URL, and read page by page within bounds.

use serde_json::Value;

use super::access::{Access, Feature};
use super::asked::foreign;
use super::connection::Call;
use super::limits::Patience;
use super::message::{Body, Method};
use super::oauth_error::resource_error;
use super::token::percent_encode;
use crate::error::{Error, ResourceFault};
use crate::fhir::{AccessEntry, Dispense, Expense, Immunization, NAMESPACE, Observation, RecordList, read_page};
use crate::json;
use crate::time::{CalendarDate, UnixMillis};

/// Pages of one search.
const MAX_PAGES: usize = 40;
/// Entries of one search.
const MAX_ENTRIES: usize = 2_000;
/// Texts kept by one search, in bytes.
const MAX_TEXTS: usize = 32 << 20;
/// What all of them together take once they are read, in bytes of heap: 2,000 records of 2.5 kB each.
const MAX_READ: usize = 60 << 20;
/// What texts, the page at hand and one resource of it take together, in bytes of heap.
const MAX_HEAP: usize = 56 << 20;

/// Reads of changes overlap by this much.
const CHANGES_OVERLAP_MS: i64 = 5_000;

/// A kind of record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Expense, Self::Medication, Self::Immunization, Self::Checkup, Self::AccessLog];

    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expense => "expense",
            Self::Medication => "medication",
            Self::Immunization => "immunization",
            Self::Checkup => "checkup",
            Self::AccessLog => "access_log",
        }
    }

    /// The scope that reading it needs.
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Expense => "patient/ExplanationOfBenefit.rs",
            Self::Medication => "patient/MedicationDispense.rs",
            Self::Immunization => "patient/Immunization.rs",
            Self::Checkup => "patient/Observation.rs",
            Self::AccessLog => "patient/AuditEvent.rs",
        }
    }

    const fn resource_type(self) -> &'static str {
        match self {
            Self::Expense => Expense::TYPE,
            Self::Medication => Dispense::TYPE,
            Self::Immunization => Immunization::TYPE,
            Self::Checkup => Observation::TYPE,
            Self::AccessLog => AccessEntry::TYPE,
        }
    }

    /// The search criteria beside `patient`; `since` is a day in Japan.
    fn criteria(self, since: Option<CalendarDate>) -> Vec<(&'static str, String)> {
        let from = |name| since.map(|date| (name, format!("ge{date}")));
        let (date, sort) = match self {
            // The month of care is not searchable; notices come after it, so none is missed.
            Self::Expense => (from("created"), None),
            Self::Medication => (from("whenhandedover"), Some("-whenhandedover")),
            Self::Immunization | Self::AccessLog => (from("date"), Some("-date")),
            Self::Checkup => (from("date"), None),
        };
        let category = (self == Self::Checkup)
            .then(|| ("category", format!("{NAMESPACE}/CodeSystem/record-kind|tokutei-kenshin")));
        let sort = sort.map(|sort| ("_sort", sort.to_owned()));
        [date, sort, category, Some(("_count", "50".to_owned()))].into_iter().flatten().collect()
    }
}

/// What a search brought.
#[derive(Clone, Debug)]
pub struct Records {
    /// In the server's order.
    pub records: RecordList,
    /// There is more, or there may be: 40 pages, 2,000 entries or 32 MiB were read, or a later page could not be.
    pub is_partial: bool,
}

/// What a search of several kinds brought.
#[derive(Clone, Debug, Default)]
pub struct AllRecords {
    /// Kind by kind, each in the server's order.
    pub records: RecordList,
    /// There is more of one kind or another.
    pub is_partial: bool,
    /// Kinds in whose answer somebody else's record stood (`KZ-D08`): nothing of them is among the records.
    pub foreign: Vec<RecordKind>,
}

/// What has changed since an earlier read.
#[derive(Clone, Debug)]
pub struct Changes {
    /// In the server's order; what replaces a record known before has its id.
    pub records: RecordList,
    /// As [`Records::is_partial`].
    pub is_partial: bool,
    /// The server could tell: these are the changes. Otherwise these are all records.
    pub is_incremental: bool,
    /// Where the next read begins, by the server's clock.
    pub until: UnixMillis,
}

impl Access {
    /// Reads what has changed since the `until` of an earlier read, where the server can tell (`_lastUpdated`), else
    /// everything. One round trip a page, and one more the first time; blocks.
    ///
    /// # Errors
    /// As [`Access::records`].
    pub fn changes(&mut self, kind: RecordKind, since: Option<UnixMillis>) -> Result<Changes, Error> {
        self.require(Feature::Records)?;
        // What is written while pages are read belongs to the next read, and clocks are exact to a second only.
        let until = self.server_time().plus_ms(-CHANGES_OVERLAP_MS);
        let can_tell = self.capability_statement()?.can_search(kind.resource_type(), "_lastUpdated");
        let since = since.filter(|_| can_tell);
        let mut criteria = kind.criteria(None);
        criteria.extend(since.map(|since| ("_lastUpdated", format!("ge{}", since.to_rfc3339()))));
        let found = self.search_records(kind, criteria, Found::default())?;
        let found = Records { records: RecordList::new(found.texts), is_partial: found.is_partial };
        Ok(Changes { records: found.records, is_partial: found.is_partial, is_incremental: since.is_some(), until })
    }

    fn search_records(
        &mut self,
        kind: RecordKind,
        criteria: Vec<(&'static str, String)>,
        found: Found,
    ) -> Result<Found, Error> {
        let first = self.url(&format!("{}/_search", kind.resource_type()));
        let form = self.criteria(criteria);
        self.search_on(found, first, form, kind.resource_type())
    }

    /// Reads records of one kind. `since` leaves out what is older, as far as the server can search for that. One round
    /// trip a page, each asked for twice more if the connection breaks; blocks.
    ///
    /// # Errors
    /// [`Error::Usage`] when the server has no records; [`Error::Authorization`] with `KZ-A11` without the scope of the kind
    /// and `KZ-A10` when a new tap is needed; otherwise as the server answers.
    pub fn records(&mut self, kind: RecordKind, since: Option<CalendarDate>) -> Result<Records, Error> {
        self.require(Feature::Records)?;
        let found = self.search_records(kind, kind.criteria(since), Found::default())?;
        Ok(Records { records: RecordList::new(found.texts), is_partial: found.is_partial })
    }

    /// Reads records of these kinds, as [`Access::records`] each. A kind in whose answer, on any page, a record of somebody
    /// else stands is left out whole and named in the result; the others stay.
    ///
    /// # Errors
    /// As [`Access::records`]; with `KZ-D08` only when every kind was left out.
    pub fn all_records(&mut self, kinds: &[RecordKind], since: Option<CalendarDate>) -> Result<AllRecords, Error> {
        self.require(Feature::Records)?;
        let mut all = AllRecords::default();
        // All kinds together take no more than one may.
        let mut kept = Found::default();
        for kind in kinds {
            let before = Found { len: kept.len, cost: kept.cost, ..Found::default() };
            match self.search_records(*kind, kind.criteria(since), before) {
                Err(Error::Resource(ResourceFault::Foreign { .. })) => all.foreign.push(*kind),
                found => {
                    kept = found?;
                    all.records.append(std::mem::take(&mut kept.texts));
                    all.is_partial |= kept.is_partial;
                }
            }
        }
        if all.foreign.len() == kinds.len() && !kinds.is_empty() { Err(foreign("records")) } else { Ok(all) }
    }

    /// A search form: `criteria`, and the patient of the token.
    pub(crate) fn criteria(&self, criteria: Vec<(&'static str, String)>) -> Vec<u8> {
        let patient = ("patient", format!("Patient/{}", self.patient()));
        let pairs = std::iter::once(patient).chain(criteria);
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", percent_encode(&value))).collect();
        pairs.join("&").into_bytes()
    }

    /// Every page of one search, within bounds. What was read before a page that cannot be is kept.
    pub(crate) fn search(&mut self, first: String, form: Vec<u8>, resource_type: &str) -> Result<Found, Error> {
        self.search_on(Found::default(), first, form, resource_type)
    }

    /// [`Access::search`] after one that kept so much.
    fn search_on(
        &mut self,
        mut found: Found,
        first: String,
        form: Vec<u8>,
        resource_type: &str,
    ) -> Result<Found, Error> {
        let mut next = self.page(&first, Some(form), resource_type, &mut found)?;
        let mut uri = first;
        for _ in 1..MAX_PAGES {
            let Some(link) = next.filter(|_| !found.is_partial) else { return Ok(found) };
            let before = found.texts.len();
            // A link is followed only below the server's base.
            let within = self.base().within(&uri, &link);
            let page = within.map(|within| {
                uri = within;
                self.page(&uri, None, resource_type, &mut found)
            });
            next = match page {
                None | Some(Err(Error::Resource(ResourceFault::Malformed { .. } | ResourceFault::TooLarge))) => {
                    found.texts.truncate(before);
                    return Ok(Found { is_partial: true, ..found });
                }
                Some(page) => page?,
            };
        }
        found.is_partial |= next.is_some();
        Ok(found)
    }

    /// Reads one page into `found`; where the next one is.
    fn page(
        &mut self,
        uri: &str,
        form: Option<Vec<u8>>,
        resource_type: &str,
        found: &mut Found,
    ) -> Result<Option<String>, Error> {
        let is_first = form.is_some();
        let method = if is_first { Method::Post } else { Method::Get };
        let uri = uri.to_owned();
        let call = Call { method, uri, body: form.map(Body::form), headers: Vec::new(), patience: Patience::Usual };
        let reply = self.call(&call)?;
        match reply.status {
            200 => {}
            // The link is one of the server's own, and leads nowhere.
            400 | 404 | 410 if !is_first => return Err(ResourceFault::Malformed { what: "next page" }.into()),
            _ => return Err(resource_error(&reply)),
        }
        let room = MAX_HEAP.saturating_sub(reply.body.capacity()).saturating_sub(found.len);
        let asked = self.asked();
        read_page(&reply.body, resource_type, room, &mut |resource, text, cost| {
            asked.check_person(resource)?;
            found.keep(text, cost);
            Ok(())
        })
    }
}

/// What a search found, of one type of resource.
#[derive(Default)]
pub(crate) struct Found {
    /// As they were sent; each has passed the border.
    pub(crate) texts: Vec<Box<str>>,
    pub(crate) is_partial: bool,
    /// Of all texts, in bytes.
    len: usize,
    /// What they take when they are read, in bytes of heap.
    cost: usize,
}

impl Found {
    /// Keeps one more, unless that is too many or too much.
    fn keep(&mut self, text: &str, cost: usize) {
        let (len, cost) = (self.len.saturating_add(text.len()), self.cost.saturating_add(cost));
        let is_over = self.texts.len() == MAX_ENTRIES || len > MAX_TEXTS || cost > MAX_READ;
        self.is_partial |= is_over;
        if !self.is_partial {
            self.texts.push(text.into());
            (self.len, self.cost) = (len, cost);
        }
    }

    /// The resources, read one after the other.
    pub(crate) fn into_resources(self) -> impl Iterator<Item = Value> {
        // Every text was read before.
        self.texts.into_iter().filter_map(|text| json::parse_own(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_is_left_out_by_the_date_that_can_be_searched() {
        let since = CalendarDate::parse("2026-01-31");
        for (kind, expected) in [
            (RecordKind::Expense, "created"),
            (RecordKind::Medication, "whenhandedover"),
            (RecordKind::Immunization, "date"),
            (RecordKind::Checkup, "date"),
            (RecordKind::AccessLog, "date"),
        ] {
            let criteria = kind.criteria(since);
            assert!(criteria.contains(&(expected, "ge2026-01-31".to_owned())), "{}", kind.name());
            assert!(kind.criteria(None).iter().all(|(_, value)| !value.starts_with("ge")));
        }
    }
}
