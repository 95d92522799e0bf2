//! What every record view shares: a checked resource type, the JSON as it came, and how fields are read.

use serde_json::Value;

use super::text;
use crate::time::{CalendarDate, UnixMillis};

/// Declares a view over one type of resource. It keeps the JSON as it was received, unknown members included.
macro_rules! resource {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        pub struct $name(serde_json::Value);

        crate::secret::opaque_debug!($name);

        impl $name {
            /// Name of the resource type.
            pub const TYPE: &'static str = $kind;

            /// Takes a parsed resource.
            ///
            /// # Errors
            /// [`crate::error::ResourceFault::Malformed`] for another type of resource.
            pub fn new(resource: serde_json::Value) -> Result<Self, crate::error::Error> {
                if crate::fhir::text(&resource, "resourceType") == Some($kind) {
                    Ok(Self(resource))
                } else {
                    Err(crate::error::ResourceFault::Malformed { what: $what }.into())
                }
            }

            /// The resource as it was received.
            pub fn as_json(&self) -> &serde_json::Value {
                &self.0
            }

            /// The server's id.
            pub fn id(&self) -> Option<&str> {
                crate::fhir::text(&self.0, "id")
            }
        }
    };
}

pub(super) use resource;

/// A point in time as FHIR writes it: to the second, the day or the month (FHIR R4, 2.24.0.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DataDate {
    /// The day in Japan; the first of the month when only that is known.
    pub date: CalendarDate,
    /// How exact it is.
    pub precision: Precision,
}

/// How exact a date is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Precision {
    /// The month only.
    Month,
    /// The day, or finer.
    Day,
}

impl DataDate {
    /// Reads a `dateTime` or `date`; a year alone is nothing to sort by.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(at) = UnixMillis::parse_rfc3339(text) {
            return Some(Self { date: CalendarDate::in_japan(at), precision: Precision::Day });
        }
        match text.len() {
            7 => CalendarDate::parse(&format!("{text}-01")).map(|date| Self { date, precision: Precision::Month }),
            _ => CalendarDate::parse(text).map(|date| Self { date, precision: Precision::Day }),
        }
    }
}

/// The date in member `name`.
pub(super) fn date(element: &Value, name: &str) -> Option<DataDate> {
    DataDate::parse(text(element, name)?)
}

/// What a CodeableConcept says to people: its text, else the first display, else the first code.
pub(super) fn words(concept: &Value) -> Option<&str> {
    let coded = |name| super::items(concept, "coding").find_map(|coding| text(coding, name));
    text(concept, "text").or_else(|| coded("display")).or_else(|| coded("code"))
}

/// A decimal as the server wrote it, without going through binary fractions.
pub(super) fn decimal(element: &Value, name: &str) -> Option<String> {
    element.get(name).filter(|value| value.is_number()).map(ToString::to_string)
}

/// Whole yen of a Money element; nothing for another currency or for fractions.
pub(super) fn yen(money: &Value) -> Option<i64> {
    let value = money.get("value").filter(|_| text(money, "currency") == Some("JPY"))?;
    value.as_i64().or_else(|| {
        let written = value.to_string();
        let (whole, fraction) = written.split_once('.')?;
        fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_are_read_with_their_precision() {
        let read = |text| DataDate::parse(text).map(|date| (date.date.to_string(), date.precision));
        assert_eq!(read("2026-10"), Some(("2026-10-01".to_owned(), Precision::Month)));
        assert_eq!(read("2026-10-24"), Some(("2026-10-24".to_owned(), Precision::Day)));
        // Already the next day in Japan.
        assert_eq!(read("2026-10-24T20:00:00Z"), Some(("2026-10-25".to_owned(), Precision::Day)));
        for none in ["", "2026", "2026-13", "2026-02-30", "soon"] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn only_whole_yen_count() {
        assert_eq!(yen(&json!({"value": 5950, "currency": "JPY"})), Some(5950));
        assert_eq!(yen(&json!({"value": -3, "currency": "JPY"})), Some(-3));
        assert_eq!(yen(&json!({"value": 5950.0, "currency": "JPY"})), Some(5950));
        for none in
            [json!({"value": 1.5, "currency": "JPY"}), json!({"value": 1, "currency": "USD"}), json!({"value": "1"})]
        {
            assert_eq!(yen(&none), None, "{none}");
        }
    }
}
