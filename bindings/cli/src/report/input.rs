//! What a report is made of: plain values, no records and no store. As JSON it is the file of `--from`.

use kazasu::insurance::{ExpenseKind, Person};
use kazasu::time::{CalendarDate, UnixMillis};
use serde::{Deserialize, Deserializer, de::Error};

use super::html::short;

/// Everything one report shows. People are named by their index in `people`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportInput {
    /// When it was made.
    #[serde(deserialize_with = "instant")]
    pub(crate) generated_at: UnixMillis,
    /// Japanese, else English. Not in the file: the language of the command.
    #[serde(skip)]
    pub(crate) japanese: bool,
    /// Whom it is about.
    #[serde(deserialize_with = "people")]
    pub(crate) people: Vec<Person>,
    /// Eligibility, as it was last asked for.
    #[serde(default)]
    pub(crate) coverages: Vec<Coverage>,
    /// Expenses by year, in any order.
    #[serde(default)]
    pub(crate) years: Vec<Year>,
    /// Estimates of the deduction.
    #[serde(default)]
    pub(crate) deductions: Vec<Deduction>,
    /// Check-up items.
    #[serde(default)]
    pub(crate) checkups: Vec<Checkup>,
    /// Medicines that may be the same; `None` where they were not looked at.
    pub(crate) duplicates: Option<Duplicates>,
    /// Further notes, a paragraph each.
    #[serde(default)]
    pub(crate) notes: Vec<String>,
}

/// One person's insurance.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Coverage {
    pub(crate) person: usize,
    pub(crate) insurer: Option<String>,
    /// In force when it was asked for; `None` where the answer did not say.
    pub(crate) in_force: Option<bool>,
    pub(crate) copay_percent: Option<u8>,
    /// 限度額 in words.
    pub(crate) limit: Option<String>,
    /// When it was asked for.
    #[serde(deserialize_with = "instant")]
    pub(crate) as_of: UnixMillis,
}

/// One calendar year of expenses of everyone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Year {
    pub(crate) year: u16,
    /// January to December.
    pub(crate) months: [Month; 12],
    /// Sums of the year by person and kind.
    #[serde(default)]
    pub(crate) rows: Vec<Row>,
}

/// What is known of a month, in whole yen. As JSON: `null`, a number, or `{"partial": number}`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(from = "Option<MonthJson>")]
pub(crate) enum Month {
    /// 未着: no notice has come.
    #[default]
    Missing,
    /// Some people's notices have come.
    Partial(i64),
    /// All have.
    Whole(i64),
}

impl ReportInput {
    /// What the family calls a person; the beginning of a very long name, which the head of the page has in full.
    pub(super) fn name_of(&self, person: usize) -> String {
        self.people.get(person).map_or_else(|| "?".to_owned(), |person| short(&person.nickname, 40))
    }
}

impl Month {
    pub(crate) const fn yen(self) -> Option<i64> {
        match self {
            Self::Missing => None,
            Self::Partial(yen) | Self::Whole(yen) => Some(yen),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MonthJson {
    Whole(i64),
    Partial { partial: i64 },
}

impl From<Option<MonthJson>> for Month {
    fn from(json: Option<MonthJson>) -> Self {
        match json {
            None => Self::Missing,
            Some(MonthJson::Whole(yen)) => Self::Whole(yen),
            Some(MonthJson::Partial { partial }) => Self::Partial(partial),
        }
    }
}

/// What one person paid for one kind of care in a year.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) person: usize,
    #[serde(deserialize_with = "kind")]
    pub(crate) kind: ExpenseKind,
    pub(crate) sum_yen: i64,
    pub(crate) count: u32,
}

/// An estimate of the deduction 医療費控除.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deduction {
    pub(crate) year: u16,
    pub(crate) paid_yen: i64,
    pub(crate) reimbursed_yen: i64,
    /// What is taken off: 100,000 yen, or 5 % of the income.
    pub(crate) threshold_yen: i64,
    pub(crate) deduction_yen: i64,
}

/// One item of a person's check-ups.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkup {
    pub(crate) person: usize,
    pub(crate) item: String,
    #[serde(default)]
    pub(crate) unit: String,
    /// In any order.
    pub(crate) points: Vec<Point>,
    /// Reference lines of the national table.
    #[serde(default)]
    pub(crate) lines: Vec<Line>,
}

/// A value as it was measured.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Point {
    #[serde(deserialize_with = "date")]
    pub(crate) date: CalendarDate,
    /// A number as it was written, or words.
    pub(crate) value: String,
    pub(crate) comparator: Option<Comparator>,
}

/// The value lies beyond what could be measured.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
pub(crate) enum Comparator {
    /// Less than the number.
    #[serde(rename = "<")]
    Less,
    /// More than the number.
    #[serde(rename = ">")]
    More,
}

/// A reference line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) value: f64,
    pub(crate) direction: Direction,
    /// The words of the table, such as 保健指導判定値.
    pub(crate) words: String,
}

/// On which side of a line its words apply.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// 以上.
    AtLeast,
    /// 以下.
    AtMost,
    /// 未満.
    Below,
}

/// Medicines that may be the same, and what was looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Duplicates {
    pub(crate) pairs: Vec<Pair>,
    /// Every source, with データ時点.
    pub(crate) sources: Vec<Source>,
}

/// Two medicines of one person.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pair {
    pub(crate) person: usize,
    pub(crate) first: Medicine,
    pub(crate) second: Medicine,
    /// How much alike, in words: 同一成分・同一規格.
    pub(crate) likeness: String,
    /// Days on which both are taken.
    pub(crate) days: u32,
    /// 推定.
    pub(crate) is_estimated: bool,
}

/// One of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Medicine {
    pub(crate) name: String,
    #[serde(deserialize_with = "date")]
    pub(crate) start: CalendarDate,
    pub(crate) days: Option<u32>,
}

/// Where medicines come from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Such as 調剤情報, with whose it is.
    pub(crate) name: String,
    /// データ時点; `None` where nothing has come.
    #[serde(default, deserialize_with = "optional_date")]
    pub(crate) until: Option<CalendarDate>,
}

fn instant<'de, D: Deserializer<'de>>(json: D) -> Result<UnixMillis, D::Error> {
    let text = String::deserialize(json)?;
    UnixMillis::parse_rfc3339(&text).ok_or_else(|| D::Error::custom(format!("no time: {text}")))
}

fn date<'de, D: Deserializer<'de>>(json: D) -> Result<CalendarDate, D::Error> {
    optional_date(json)?.ok_or_else(|| D::Error::custom("a date is missing"))
}

fn optional_date<'de, D: Deserializer<'de>>(json: D) -> Result<Option<CalendarDate>, D::Error> {
    let Some(text) = Option::<String>::deserialize(json)? else { return Ok(None) };
    CalendarDate::parse(&text).map(Some).ok_or_else(|| D::Error::custom(format!("no date: {text}")))
}

fn people<'de, D: Deserializer<'de>>(json: D) -> Result<Vec<Person>, D::Error> {
    let names = Vec::<String>::deserialize(json)?;
    Ok(names.into_iter().map(|nickname| Person { nickname, name: None, shares_livelihood: true }).collect())
}

fn kind<'de, D: Deserializer<'de>>(json: D) -> Result<ExpenseKind, D::Error> {
    let text = String::deserialize(json)?;
    let known = super::words::KINDS.iter().find(|(name, ..)| *name == text);
    known.map(|(_, kind, ..)| *kind).ok_or_else(|| D::Error::custom(format!("no kind of expense: {text}")))
}
