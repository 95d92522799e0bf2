//! The dated tables of this crate (`core/rules/*.json`), all of them.
//!
//! A table is read once by whoever needs it and then handed on; nothing is kept here. Where no table covers the day or
//! month asked for, the answer is "unknown", never that of a neighbouring table.

use super::checkup::CheckupLines;
use super::copay::CopayRules;
use super::deduction::DeductionRules;
use super::era::Eras;
use super::high_cost::{HighCostRules, HighCostTable};
use super::insurer::InsurerKinds;
use super::table::{RulesError, RulesHeader, parse};

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

#[cfg(test)]
mod tests {
    use serde_json::Value;

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
}
