//! The dated tables of this crate (`core/rules/*.json`): what every file says of itself, and how it is read.
//!
//! A table is read once by whoever needs it and then handed on; nothing is kept here. Where no table covers the day or
//! month asked for, the answer is "unknown", never that of a neighbouring table.

use serde_json::Value;

use super::checkup::CheckupLines;
use super::copay::CopayRules;
use super::deduction::DeductionRules;
use super::era::Eras;
use super::high_cost::{HighCostRules, HighCostTable};
use super::insurer::InsurerKinds;
use crate::json;
use crate::time::CalendarDate;

const CHECKUP_LINES: &str = include_str!("../../rules/checkup-lines.json");
const COPAY: &str = include_str!("../../rules/copay.json");
const DEDUCTION: &str = include_str!("../../rules/deduction.json");
const ERAS: &str = include_str!("../../rules/eras.json");
const HIGH_COST: [(&str, &str); 3] = [
    ("high-cost-2018-08.json", include_str!("../../rules/high-cost-2018-08.json")),
    ("high-cost-2026-08.json", include_str!("../../rules/high-cost-2026-08.json")),
    ("high-cost-2027-08.json", include_str!("../../rules/high-cost-2027-08.json")),
];
const INSURER_KINDS: &str = include_str!("../../rules/insurer-kinds.json");

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

/// Every table of this crate.
#[derive(Clone, Debug)]
pub struct Rules {
    /// 法別番号.
    pub insurer_kinds: InsurerKinds,
    /// 元号.
    pub eras: Eras,
    /// 一部負担金の割合.
    pub copay: CopayRules,
    /// 高額療養費.
    pub high_cost: HighCostRules,
    /// 医療費控除.
    pub deduction: DeductionRules,
    /// 特定健診の判定値.
    pub checkup: CheckupLines,
}

impl Rules {
    /// The tables that came with this crate.
    ///
    /// # Errors
    /// [`RulesError`] for a file that does not have the form of its kind; those embedded do.
    pub fn embedded() -> Result<Self, RulesError> {
        let tables = HIGH_COST.iter().map(|(file, text)| parse(file, text, HighCostTable::read));
        Ok(Self {
            insurer_kinds: parse("insurer-kinds.json", INSURER_KINDS, InsurerKinds::read)?,
            eras: parse("eras.json", ERAS, Eras::read)?,
            copay: parse("copay.json", COPAY, CopayRules::read)?,
            high_cost: HighCostRules::new(tables.collect::<Result<_, _>>()?),
            deduction: parse("deduction.json", DEDUCTION, DeductionRules::read)?,
            checkup: parse("checkup-lines.json", CHECKUP_LINES, CheckupLines::read)?,
        })
    }

    /// What every table says of itself.
    pub fn headers(&self) -> Vec<&RulesHeader> {
        let single = [
            &self.insurer_kinds.header,
            &self.eras.header,
            &self.copay.header,
            &self.deduction.header,
            &self.checkup.header,
        ];
        single.into_iter().chain(self.high_cost.tables().iter().map(|table| &table.header)).collect()
    }
}

/// Reads one file: its header, then what it holds.
fn parse<T>(
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
    fn every_file_is_read_and_names_its_source() {
        let rules = Rules::embedded().expect("the embedded tables");
        let headers = rules.headers();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
        for file in std::fs::read_dir(folder).expect("the folder") {
            let path = file.expect("a file").path();
            let table: Value = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            assert!(!table["source"].is_null() && table["applies_from"].is_string(), "{name}");
            // The one that exports read by themselves.
            let is_read = headers.iter().any(|header| header.file == name) || name == "expense-categories.json";
            assert!(is_read, "a file nobody reads: {name}");
        }
        for header in headers {
            assert!(header.source.chars().count() > 10 && !header.version.is_empty(), "{}", header.file);
            assert!(header.applies_through.is_none_or(|last| header.applies_from < last), "{}", header.file);
            assert_eq!(header.is_planned, header.file == "high-cost-2027-08.json");
        }
    }

    #[test]
    fn periods_of_the_limits_neither_overlap_nor_leave_gaps() {
        let rules = Rules::embedded().expect("the embedded tables");
        for pair in rules.high_cost.tables().windows(2) {
            let last = pair[0].header.applies_through.expect("it has a successor");
            assert_eq!(last.day_after(), pair[1].header.applies_from, "{}", pair[1].header.file);
        }
        assert_eq!(rules.high_cost.tables().last().and_then(|table| table.header.applies_through), None);
    }

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
