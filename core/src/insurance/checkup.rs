//! 特定健診の判定値: the two lines of the national table for an item, and which of them a value passes.
//!
//! A line on a chart, in the words of the table (厚生労働省 標準的な健診・保健指導プログラム); nothing is said of health.

use std::cmp::Ordering;

use unicode_normalization::UnicodeNormalization;

use super::table::{Node, RulesError, RulesHeader};

/// Length of what an item's code says of analyte, identification and material; method and form of result follow.
const ITEM_LENGTH: usize = 12;

/// A mark before a value that was out of the range of measurement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Comparator {
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

/// A value as it was measured, its mark kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Measured {
    thousandths: i64,
    comparator: Option<Comparator>,
}

/// Sex as the table tells it apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sex {
    /// 男.
    Male,
    /// 女.
    Female,
}

/// On which side of a line a value stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LinePassed {
    /// It passes no line.
    None,
    /// 保健指導判定値.
    Guidance,
    /// 受診勧奨判定値.
    Visit,
    /// The mark before the value leaves it open.
    Open,
}

impl LinePassed {
    /// The name of the line in the national table.
    pub const fn japanese(self) -> Option<&'static str> {
        match self {
            Self::Guidance => Some("保健指導判定値"),
            Self::Visit => Some("受診勧奨判定値"),
            Self::None | Self::Open => None,
        }
    }
}

/// The lines of one item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckupLine {
    /// 健診項目コード; `None` for what is calculated.
    pub code: Option<String>,
    /// Name of the item.
    pub name: String,
    /// Unit of the values.
    pub unit: String,
    /// 保健指導判定値, as written in the table.
    pub guidance: String,
    /// 受診勧奨判定値, as written in the table.
    pub visit: Option<String>,
    /// For whom, where it differs.
    pub sex: Option<Sex>,
    /// How a value passes: at or beyond the line, or only beyond it.
    pub direction: Comparator,
    guidance_value: i64,
    visit_value: Option<i64>,
}

/// The lines of every item.
#[derive(Clone, Debug)]
pub struct CheckupLines {
    pub(super) header: RulesHeader,
    rows: Vec<CheckupLine>,
}

impl Measured {
    /// Reads a decimal with up to three places, and `<`, `<=`, `>`, `>=` (also `≦`, `≧`) before it, of any width.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().take(32).collect::<String>().nfkc().filter(|c| !c.is_whitespace()).collect();
        let marks = [
            ("<=", Comparator::LessOrEqual),
            (">=", Comparator::GreaterOrEqual),
            ("≦", Comparator::LessOrEqual),
            ("≧", Comparator::GreaterOrEqual),
            ("<", Comparator::Less),
            (">", Comparator::Greater),
        ];
        let marked = marks.iter().find_map(|(mark, comparator)| Some((text.strip_prefix(mark)?, *comparator)));
        let (number, comparator) = match marked {
            Some((number, comparator)) => (number, Some(comparator)),
            None => (text.as_str(), None),
        };
        Some(Self { thousandths: thousandths(number)?, comparator })
    }

    /// The mark before the value.
    pub const fn comparator(self) -> Option<Comparator> {
        self.comparator
    }
}

impl CheckupLines {
    /// The lines of an item by its code, by any method of measurement, or by its name where it has no code. Where the
    /// lines differ by sex, there are none without it.
    pub fn line(&self, item: &str, sex: Option<Sex>) -> Option<&CheckupLine> {
        let is_it = |line: &&CheckupLine| match &line.code {
            Some(code) => item.len() == code.len() && item.get(..ITEM_LENGTH) == code.get(..ITEM_LENGTH),
            None => line.name == item,
        };
        self.rows.iter().filter(is_it).find(|line| line.sex.is_none() || line.sex == sex)
    }

    /// Which line of an item a value passes; `None` for an item without lines.
    pub fn passed(&self, item: &str, sex: Option<Sex>, value: Measured) -> Option<LinePassed> {
        Some(self.line(item, sex)?.passed(value))
    }

    pub(super) fn read(header: RulesHeader, node: Node<'_>) -> Result<Self, RulesError> {
        Ok(Self { header, rows: node.field("lines")?.list()?.iter().map(CheckupLine::read).collect::<Result<_, _>>()? })
    }
}

impl CheckupLine {
    /// Which line a value passes.
    pub fn passed(&self, value: Measured) -> LinePassed {
        let visit = self.visit_value.map_or(Some(false), |line| self.is_beyond(value, line));
        match (visit, self.is_beyond(value, self.guidance_value)) {
            (Some(true), _) => LinePassed::Visit,
            (Some(false), Some(true)) => LinePassed::Guidance,
            (_, Some(false)) => LinePassed::None,
            (None, _) | (_, None) => LinePassed::Open,
        }
    }

    /// Whether every value that `value` may stand for is beyond `line`, or none; `None` for some.
    fn is_beyond(&self, value: Measured, line: i64) -> Option<bool> {
        let order = value.thousandths.cmp(&line);
        let is_at_line = order == Ordering::Equal;
        let passes = match self.direction {
            Comparator::Less => order == Ordering::Less,
            Comparator::LessOrEqual => order != Ordering::Greater,
            Comparator::Greater => order == Ordering::Greater,
            Comparator::GreaterOrEqual => order != Ordering::Less,
        };
        let upwards = matches!(self.direction, Comparator::Greater | Comparator::GreaterOrEqual);
        match value.comparator {
            None => Some(passes),
            // With `<` and `>` the value itself is not among those it stands for.
            Some(Comparator::Greater) if is_at_line => Some(upwards),
            Some(Comparator::Less) if is_at_line => Some(!upwards),
            Some(Comparator::Greater | Comparator::GreaterOrEqual) if upwards => passes.then_some(true),
            Some(Comparator::Less | Comparator::LessOrEqual) if !upwards => passes.then_some(true),
            Some(_) => (!passes).then_some(false),
        }
    }

    fn read(node: &Node<'_>) -> Result<Self, RulesError> {
        let (guidance, direction) = (node.field("guidance")?, node.field("direction")?);
        let value = |node: &Node<'_>| thousandths(node.text()?).ok_or_else(|| node.wrong());
        let visit = node.optional("visit");
        let sex = node.optional("sex");
        Ok(Self {
            code: node.optional("code").map(|code| code.text().map(str::to_owned)).transpose()?,
            name: node.field("name")?.text()?.to_owned(),
            unit: node.field("unit")?.text()?.to_owned(),
            guidance: guidance.text()?.to_owned(),
            visit: visit.map(|line| line.text().map(str::to_owned)).transpose()?,
            sex: match sex.map(|sex| sex.text()).transpose()? {
                None => None,
                Some("male") => Some(Sex::Male),
                Some("female") => Some(Sex::Female),
                Some(_) => return Err(node.field("sex")?.wrong()),
            },
            direction: match direction.text()? {
                ">=" => Comparator::GreaterOrEqual,
                "<=" => Comparator::LessOrEqual,
                "<" => Comparator::Less,
                ">" => Comparator::Greater,
                _ => return Err(direction.wrong()),
            },
            guidance_value: value(&guidance)?,
            visit_value: visit.map(|line| value(&line)).transpose()?,
        })
    }
}

/// A decimal without a sign, exactly; further places than three are refused unless they are 0.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let places = match places.get(..3) {
        Some(first) if places.get(3..).is_some_and(|rest| rest.bytes().all(|byte| byte == b'0')) => first,
        Some(_) => return None,
        None => places,
    };
    if !is_number(whole) || !is_number(places) {
        return None;
    }
    let places: i64 = format!("{places:0<3}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(places)
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::*;

    fn lines() -> CheckupLines {
        Rules::embedded().expect("tables").checkup
    }

    #[test]
    fn decimals_are_exact_and_keep_their_marks() {
        let value = |text| Measured::parse(text).map(|value| (value.thousandths, value.comparator));
        assert_eq!(value("5.6"), Some((5_600, None)));
        assert_eq!(value("５．６０"), Some((5_600, None)));
        assert_eq!(value("<10"), Some((10_000, Some(Comparator::Less))));
        assert_eq!(value(">= 500"), Some((500_000, Some(Comparator::GreaterOrEqual))));
        assert_eq!(value("≦0.0010"), Some((1, Some(Comparator::LessOrEqual))));
        for bad in ["", "-1", "1.", ".5", "1e3", "5,6", "1.0005", "<", "12345678901", "(+)", "<>1"] {
            assert_eq!(value(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_marked_value_passes_only_what_it_must() {
        let lines = lines();
        let passed = |item, text| lines.passed(item, None, Measured::parse(text).expect("a value"));
        let fat = "3F015000002327101";
        assert_eq!(passed(fat, ">300"), Some(LinePassed::Visit));
        assert_eq!(passed(fat, ">=300"), Some(LinePassed::Visit));
        assert_eq!(passed(fat, ">200"), Some(LinePassed::Open), "it may be 300 or more");
        assert_eq!(passed(fat, "<150"), Some(LinePassed::None));
        assert_eq!(passed(fat, "<=150"), Some(LinePassed::Open));
        assert_eq!(passed(fat, "<10"), Some(LinePassed::None));
        let hdl = "3F070000002327101";
        assert_eq!(passed(hdl, "<35"), Some(LinePassed::Open));
        assert_eq!(passed(hdl, "<=34"), Some(LinePassed::Visit));
        assert_eq!(passed(hdl, "<39"), Some(LinePassed::Open));
        assert_eq!(passed(hdl, ">39"), Some(LinePassed::None));
        assert_eq!(passed(hdl, ">=39"), Some(LinePassed::Open));
        assert_eq!(passed("eGFR", "<45"), Some(LinePassed::Visit));
        assert_eq!(passed("eGFR", ">=60"), Some(LinePassed::None));
        assert_eq!(passed("eGFR", "<60"), Some(LinePassed::Open));
    }

    #[test]
    fn any_method_of_the_same_item_counts_and_no_other_item() {
        let lines = lines();
        assert!(lines.line("3D046000001920402", None).is_some_and(|line| line.name.starts_with("HbA1c")));
        assert!(lines.line("3D010129901926101", None).is_none(), "not fasting");
        for bad in ["", "3F0150000023", "9N501000000000011", "é"] {
            assert!(lines.line(bad, None).is_none(), "{bad}");
        }
        assert!(lines.line("9N016160100000001", None).is_none(), "it depends on the sex");
        assert!(lines.line("9N016160100000001", Some(Sex::Female)).is_some_and(|line| line.guidance == "90"));
    }
}
