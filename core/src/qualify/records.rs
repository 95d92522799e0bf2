//! Records: searched by POST, so that nothing personal stands in a URL, and read page by page within bounds.

use serde_json::Value;

use super::access::{Access, Feature};
use super::asked::foreign;
use super::connection::{Call, TIMEOUT};
use super::http::{Body, Method};
use super::oauth_error::resource_error;
use super::settings::HttpsUrl;
use super::token::percent_encode;
use crate::error::{Error, ResourceFault};
use crate::fhir::{AccessEntry, Dispense, Expense, Immunization, NAMESPACE, Observation, Page, Record};
use crate::json;
use crate::time::{CalendarDate, UnixMillis};

/// Pages of one search.
const MAX_PAGES: usize = 40;
/// Entries of one search.
const MAX_ENTRIES: usize = 2_000;

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

    fn record(self, resource: Value) -> Result<Record, Error> {
        Ok(match self {
            Self::Expense => Record::Expense(Expense::new(resource)?),
            Self::Medication => Record::Dispense(Dispense::new(resource)?),
            Self::Immunization => Record::Immunization(Immunization::new(resource)?),
            Self::Checkup => Record::Observation(Observation::new(resource)?),
            Self::AccessLog => Record::Access(AccessEntry::new(resource)?),
        })
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
    pub records: Vec<Record>,
    /// There is more: 40 pages or 2,000 entries were read.
    pub is_partial: bool,
}

/// Whether `link` leads to `base` itself, where some servers page, or below it: no other origin, no way up.
pub(super) fn is_within(base: &HttpsUrl, link: &str) -> bool {
    let path = link.split('?').next().unwrap_or_default();
    let Some(url) = HttpsUrl::parse(path).filter(|url| url.has_origin_of(base)) else { return false };
    let rest = url.as_str().strip_prefix(base.as_str().trim_end_matches('/'));
    // Percent-encoded dots are dots to some servers.
    rest.is_some_and(|rest| (rest.is_empty() || rest.starts_with('/')) && !rest.contains("..") && !rest.contains('%'))
}

/// What a search of several kinds brought.
#[derive(Clone, Debug, Default)]
pub struct AllRecords {
    /// Kind by kind, each in the server's order.
    pub records: Vec<Record>,
    /// There is more of one kind or another.
    pub is_partial: bool,
    /// Kinds in whose answer somebody else's record stood (`KZ-D08`): nothing of them is among the records.
    pub foreign: Vec<RecordKind>,
}

/// What has changed since an earlier read.
#[derive(Clone, Debug)]
pub struct Changes {
    /// In the server's order; what replaces a record known before has its id.
    pub records: Vec<Record>,
    /// There is more: 40 pages or 2,000 entries were read.
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
        let found = self.search_records(kind, criteria)?;
        Ok(Changes { records: found.records, is_partial: found.is_partial, is_incremental: since.is_some(), until })
    }

    fn search_records(&mut self, kind: RecordKind, criteria: Vec<(&'static str, String)>) -> Result<Records, Error> {
        let first = self.url(&format!("{}/_search", kind.resource_type()));
        let form = self.criteria(criteria);
        let found = self.search(first, form, kind.resource_type())?;
        let records = found.resources.into_iter().map(|resource| kind.record(resource));
        Ok(Records { records: records.collect::<Result<_, _>>()?, is_partial: found.is_partial })
    }

    /// Reads records of one kind. `since` leaves out what is older, as far as the server can search for that. One round
    /// trip a page, each asked for twice more if the connection breaks; blocks.
    ///
    /// # Errors
    /// [`Error::Usage`] when the server has no records; [`Error::Authorization`] with `KZ-A11` without the scope of the kind
    /// and `KZ-A10` when a new tap is needed; otherwise as the server answers.
    pub fn records(&mut self, kind: RecordKind, since: Option<CalendarDate>) -> Result<Records, Error> {
        self.require(Feature::Records)?;
        self.search_records(kind, kind.criteria(since))
    }

    /// Reads records of these kinds, as [`Access::records`] each. A kind in whose answer, on any page, a record of somebody
    /// else stands is left out whole and named in the result; the others stay.
    ///
    /// # Errors
    /// As [`Access::records`]; with `KZ-D08` only when every kind was left out.
    pub fn all_records(&mut self, kinds: &[RecordKind], since: Option<CalendarDate>) -> Result<AllRecords, Error> {
        let mut all = AllRecords::default();
        for kind in kinds {
            match self.records(*kind, since) {
                Err(Error::Resource(ResourceFault::Foreign { .. })) => all.foreign.push(*kind),
                found => {
                    let found = found?;
                    all.records.extend(found.records);
                    all.is_partial |= found.is_partial;
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

    /// Every page of one search, within bounds.
    pub(crate) fn search(&mut self, first: String, form: Vec<u8>, resource_type: &str) -> Result<Found, Error> {
        let mut found = Found { resources: Vec::new(), is_partial: false };
        let mut uri = first;
        let mut form = Some(form);
        for _ in 0..MAX_PAGES {
            let page = self.page(&uri, form.take())?;
            let next = page.next().map(str::to_owned);
            for resource in page.into_matches(resource_type) {
                self.asked().check_person(&resource)?;
                if found.resources.len() == MAX_ENTRIES {
                    return Ok(Found { is_partial: true, ..found });
                }
                found.resources.push(resource);
            }
            let Some(next) = next else { return Ok(found) };
            // A link is followed only below the server's base.
            if !is_within(self.base(), &next) {
                return Err(ResourceFault::Malformed { what: "link to the next page" }.into());
            }
            uri = next;
        }
        Ok(Found { is_partial: true, ..found })
    }

    fn page(&mut self, uri: &str, form: Option<Vec<u8>>) -> Result<Page, Error> {
        let method = if form.is_some() { Method::Post } else { Method::Get };
        let uri = uri.to_owned();
        let call = Call { method, uri, body: form.map(Body::form), headers: Vec::new(), timeout: TIMEOUT };
        let reply = self.call(&call)?;
        if reply.status != 200 {
            return Err(resource_error(&reply));
        }
        Page::new(json::parse_object(&reply.body, "search result")?)
    }
}

/// What a search found, of one type of resource.
pub(crate) struct Found {
    pub(crate) resources: Vec<Value>,
    pub(crate) is_partial: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_within_the_base() {
        let base = HttpsUrl::parse("https://fhir.example/r4").expect("a URL");
        for within in [
            "https://fhir.example/r4?_getpages=1",
            "https://fhir.example/r4/?page=2",
            "https://fhir.example/r4/Immunization?_page=x",
        ] {
            assert!(is_within(&base, within), "{within}");
        }
        for outside in [
            "https://fhir.example/r40/Immunization",
            "https://fhir.example/r4/../admin",
            "https://fhir.example/r4/%2e%2e/admin",
            "https://fhir.example.evil/r4/x",
            "https://evil.example/r4/x",
            "https://fhir.example@evil.example/r4/x",
            "http://fhir.example/r4/x",
            "/r4/x",
            "",
        ] {
            assert!(!is_within(&base, outside), "{outside}");
        }
    }

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
