//! One table: what it says of itself, and how its values are read.

use serde_json::Value;

use crate::json;
use crate::time::CalendarDate;

/// A table that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{file}: `{field}` is missing or of the wrong form")]
pub struct RulesError {
    /// The file.
    pub file: &'static str,
    /// The field in it; empty for what is no JSON.
    pub field: &'static str,
}

/// What every table says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RulesHeader {
    /// The file's name.
    pub file: &'static str,
    /// Version of the content.
    pub version: String,
    /// First day it applies to.
    pub applies_from: CalendarDate,
    /// Last day it applies to; `None` while no successor is known.
    pub applies_through: Option<CalendarDate>,
    /// The law or publication it was taken from.
    pub source: String,
    /// Announced but not yet compared with the promulgated text: results say so.
    pub is_planned: bool,
}

impl RulesHeader {
    /// Whether it applies to this day.
    pub fn covers(&self, day: CalendarDate) -> bool {
        day >= self.applies_from && self.applies_through.is_none_or(|last| day <= last)
    }
}

/// Reads one file: its header, then what it holds.
pub(super) fn parse<T>(
    file: &'static str,
    text: &str,
    read: impl Fn(RulesHeader, Node<'_>) -> Result<T, RulesError>,
) -> Result<T, RulesError> {
    let value = json::parse_object(text.as_bytes(), "rules").map_err(|_| RulesError { file, field: "" })?;
    let node = Node { file, name: "", value: &value };
    let source = node.field("source")?;
    let header = RulesHeader {
        file,
        version: node.field("version")?.text()?.to_owned(),
        applies_from: node.field("applies_from")?.date()?,
        applies_through: node.optional("applies_through").map(|end| end.date()).transpose()?,
        source: Some(source.text()?).filter(|text| !text.is_empty()).ok_or_else(|| source.wrong())?.to_owned(),
        is_planned: node.field("planned")?.flag()?,
    };
    read(header, node)
}

/// One value in a table, which knows where it stands.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    file: &'static str,
    name: &'static str,
    value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn wrong(&self) -> RulesError {
        RulesError { file: self.file, field: self.name }
    }

    pub(super) fn field(&self, name: &'static str) -> Result<Self, RulesError> {
        let value = self.value.get(name).ok_or(RulesError { file: self.file, field: name })?;
        Ok(Self { file: self.file, name, value })
    }

    /// `None` where it is absent or null.
    pub(super) fn optional(&self, name: &'static str) -> Option<Self> {
        self.field(name).ok().filter(|node| !node.value.is_null())
    }

    pub(super) fn text(&self) -> Result<&'a str, RulesError> {
        self.value.as_str().ok_or_else(|| self.wrong())
    }

    pub(super) fn flag(&self) -> Result<bool, RulesError> {
        self.value.as_bool().ok_or_else(|| self.wrong())
    }

    /// A whole number that fits: yen, ages, percents.
    pub(super) fn whole<T: TryFrom<i64>>(&self) -> Result<T, RulesError> {
        let number = self.value.as_i64().and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| self.wrong())
    }

    /// Yen, where the field is there.
    pub(super) fn optional_yen(&self, name: &'static str) -> Result<Option<i64>, RulesError> {
        self.optional(name).map(|node| node.whole()).transpose()
    }

    pub(super) fn date(&self) -> Result<CalendarDate, RulesError> {
        CalendarDate::parse(self.text()?).ok_or_else(|| self.wrong())
    }

    pub(super) fn list(&self) -> Result<Vec<Self>, RulesError> {
        let items = self.value.as_array().ok_or_else(|| self.wrong())?;
        Ok(items.iter().map(|value| Self { value, ..*self }).collect())
    }

    pub(super) fn texts(&self) -> Result<Vec<String>, RulesError> {
        self.list()?.iter().map(|item| item.text().map(str::to_owned)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_the_wrong_form_names_the_field() {
        let read = |text| parse("x.json", text, |header, _| Ok(header)).map_err(|error| error.field);
        assert_eq!(read("{"), Err(""));
        assert_eq!(read("{}"), Err("source"));
        assert_eq!(read(r#"{"source":"","version":"1","applies_from":"2026-01-01","planned":false}"#), Err("source"));
        assert_eq!(
            read(r#"{"source":"法","version":"1","applies_from":"2026-13-01","planned":false}"#),
            Err("applies_from")
        );
        let header =
            read(r#"{"source":"法","version":"1","applies_from":"2026-01-01","planned":true}"#).expect("a header");
        let day = |text| CalendarDate::parse(text).expect("a day");
        assert!(header.is_planned && header.covers(day("2026-01-01")) && !header.covers(day("2025-12-31")));
    }
}
