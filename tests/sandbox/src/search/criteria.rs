//! Search criteria (FHIR R4, 3.1.1): which resources are wanted, in which order, and how many on a page.

use std::cmp::Ordering;

use serde_json::Value;

use super::Kind;
use super::dates::{DateCriterion, Span};
use crate::outcome::Issue;

/// A parsed search.
pub(super) struct Criteria {
    filters: Vec<Filter>,
    sort: Vec<SortKey>,
    /// Entries on a page; 0 asks for the total only.
    pub(super) count: usize,
    /// The references given for the patient.
    pub(super) patients: Vec<String>,
}

enum Filter {
    Date { pointer: &'static str, any: Vec<DateCriterion> },
    Token { pointer: &'static str, any: Vec<Token> },
}

/// `code`, `system|code` or `|code`.
struct Token {
    system: Option<String>,
    code: String,
}

struct SortKey {
    pointer: &'static str,
    descending: bool,
}

impl Criteria {
    /// Reads the parameters of a search for `kind`; one that is not supported is refused.
    pub(super) fn parse(kind: &Kind, parameters: &[(String, String)]) -> Result<Self, Issue> {
        const UNKNOWN: Issue = Issue::INVALID_ELEMENT.described("search parameter not supported");
        let mut criteria = Self { filters: Vec::new(), sort: Vec::new(), count: DEFAULT_COUNT, patients: Vec::new() };
        for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
            let values = || value.split(',');
            if PATIENT_NAMES.contains(&name.as_str()) {
                criteria.patients.push(value.clone());
            } else if let Some(pointer) = kind.date(name) {
                let any = values().map(DateCriterion::parse).collect::<Option<_>>();
                let any = any.ok_or(Issue::INVALID_ELEMENT.described("date criterion malformed"))?;
                criteria.filters.push(Filter::Date { pointer, any });
            } else if let Some(pointer) = kind.token(name) {
                criteria.filters.push(Filter::Token { pointer, any: values().map(Token::parse).collect() });
            } else if name == "_sort" {
                let keys = values().map(|key| SortKey::parse(kind, key)).collect::<Option<_>>();
                criteria.sort = keys.ok_or(Issue::INVALID_ELEMENT.described("sort key not supported"))?;
            } else if name == "_count" {
                let count: usize = value.parse().map_err(|_| Issue::INVALID_ELEMENT.described("_count"))?;
                criteria.count = count.min(MAX_COUNT);
            } else if !HARMLESS.contains(&name.as_str()) {
                return Err(UNKNOWN);
            }
        }
        if criteria.sort.is_empty() {
            criteria.sort.extend(kind.date_pointer().map(|pointer| SortKey { pointer, descending: true }));
        }
        Ok(criteria)
    }

    /// The wanted ones among `resources`, in order.
    pub(super) fn select(&self, mut resources: Vec<Value>) -> Vec<Value> {
        resources.retain(|resource| self.filters.iter().all(|filter| filter.wants(resource)));
        resources.sort_by(|one, other| {
            self.sort.iter().map(|key| key.compare(one, other)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        resources
    }
}

impl Filter {
    fn wants(&self, resource: &Value) -> bool {
        match self {
            Self::Date { pointer, any } => resource
                .pointer(pointer)
                .and_then(Value::as_str)
                .and_then(Span::parse)
                .is_some_and(|target| any.iter().any(|criterion| criterion.wants(target))),
            Self::Token { pointer, any } => {
                resource.pointer(pointer).is_some_and(|element| any.iter().any(|token| token.is_in(element)))
            }
        }
    }
}

impl Token {
    fn parse(text: &str) -> Self {
        match text.split_once('|') {
            Some((system, code)) => Self { system: Some(system.to_owned()), code: code.to_owned() },
            None => Self { system: None, code: text.to_owned() },
        }
    }

    /// Whether a code, Coding, CodeableConcept, Identifier or a list of them holds this token.
    fn is_in(&self, element: &Value) -> bool {
        match element {
            Value::String(code) => self.system.as_deref().is_none_or(str::is_empty) && *code == self.code,
            Value::Array(elements) => elements.iter().any(|element| self.is_in(element)),
            Value::Object(_) if element["coding"].is_array() => self.is_in(&element["coding"]),
            Value::Object(_) => {
                let code = element["code"].as_str().or_else(|| element["value"].as_str());
                let system = element["system"].as_str().unwrap_or_default();
                self.system.as_deref().is_none_or(|wanted| wanted == system)
                    && (self.code.is_empty() || code == Some(&self.code))
            }
            _ => false,
        }
    }
}

impl SortKey {
    fn parse(kind: &Kind, key: &str) -> Option<Self> {
        let (name, descending) = key.strip_prefix('-').map_or((key, false), |name| (name, true));
        Some(Self { pointer: kind.date(name).or_else(|| (name == "_id").then_some("/id"))?, descending })
    }

    fn compare(&self, one: &Value, other: &Value) -> Ordering {
        let text = |resource: &Value| resource.pointer(self.pointer).and_then(Value::as_str).map(str::to_owned);
        let key = |resource: &Value| {
            let text = text(resource)?;
            Some((Span::parse(&text).map(|span| span.start), text))
        };
        let order = key(one).cmp(&key(other));
        if self.descending { order.reverse() } else { order }
    }
}

/// What the resource types call the patient.
/// Whether a parameter is this server's own affair: whose resources are searched, and in which form they are answered.
pub(super) fn is_own(name: &str) -> bool {
    PATIENT_NAMES.contains(&name) || HARMLESS.contains(&name)
}

const PATIENT_NAMES: &[&str] = &["patient", "subject", "beneficiary"];
/// Parameters that change nothing here.
const HARMLESS: &[&str] = &["_format", "_pretty", "_total"];
const DEFAULT_COUNT: usize = 50;
const MAX_COUNT: usize = 200;
