//! 高額療養費の自己負担限度額, by month of treatment (健康保険法施行令 41条〜43条).
//!
//! The category 適用区分 comes from the insurer. Where no table covers the month or the category, the answer is 不明
//! ([`HighCostError::Unknown`]); a limit from a table that is not law yet says so.

mod household;

pub use household::{Care, Household, HouseholdRefund, Patient};

use super::YearMonth;
use super::table::{Node, RulesError, RulesHeader};

/// Amounts beyond this are no payments of a household, and would not add up.
const MAX_YEN: i64 = 1_000_000_000_000;
/// The year of the annual caps begins in August.
const FIRST_MONTH_OF_YEAR: u8 = 8;

/// Why there is no limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HighCostError {
    /// The month of treatment is missing or no month.
    #[error("no month of treatment")]
    NoTreatmentMonth,
    /// 不明: no table covers the month, or the table of the month does not know the category.
    #[error("no limit is known for this month and category")]
    Unknown,
    /// The limit depends on 医療費の総額, and it is not known.
    #[error("the total cost is not known")]
    NoTotalCost,
    /// An amount below zero or beyond 10¹² yen, or a line of a person who is not there.
    #[error("an amount or person out of range")]
    OutOfRange,
}

/// What a limit was taken from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LimitBasis {
    /// A base and one percent of the cost beyond a threshold.
    Formula,
    /// A fixed amount.
    Fixed,
    /// 多数回該当: the amount from the fourth month of benefit in twelve.
    Repeated,
}

/// The most that is paid for a month.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit<'a> {
    /// In yen. The annual caps never lower it.
    pub yen: i64,
    /// What it was taken from.
    pub basis: LimitBasis,
    /// 外来（個人ごと）, from 70 on and only for some categories.
    pub outpatient_yen: Option<i64>,
    /// Name of the category, such as ウ.
    pub band: &'a str,
    /// Version of the table.
    pub version: &'a str,
    /// From a table that is announced but not law yet: to be shown as 予定.
    pub is_planned: bool,
}

/// 年間上限 of August to July: paid back on application after July, never taken off a month's limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AnnualCap {
    /// First month of its year, an August.
    pub first: YearMonth,
    /// Last month of its year, a July.
    pub last: YearMonth,
    /// For the household, in yen.
    pub household_yen: Option<i64>,
    /// For one person's outpatient payments from 70 on, in yen.
    pub outpatient_yen: Option<i64>,
    /// From a table that is announced but not law yet.
    pub is_planned: bool,
}

/// The limits of every period that is known.
#[derive(Clone, Debug)]
pub struct HighCostRules {
    tables: Vec<HighCostTable>,
}

/// The limits of one period.
#[derive(Clone, Debug)]
pub struct HighCostTable {
    pub(super) header: RulesHeader,
    floor_yen: i64,
    special_yen: i64,
    special_upper_yen: i64,
    special_upper_codes: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    is_from_70: bool,
    band: String,
    codes: Vec<String>,
    base: i64,
    threshold: Option<i64>,
    repeated: Option<i64>,
    outpatient: Option<i64>,
    outpatient_annual: Option<i64>,
    annual: Option<i64>,
    annual_low_pay: Option<i64>,
    income_from: Option<i64>,
    income_below: Option<i64>,
}

impl HighCostRules {
    pub(super) fn new(mut tables: Vec<HighCostTable>) -> Self {
        tables.sort_by_key(|table| table.header.applies_from);
        Self { tables }
    }

    /// Reads a month of treatment, `YYYY-MM`.
    ///
    /// # Errors
    /// [`HighCostError::NoTreatmentMonth`] for none and for anything else.
    pub fn treatment_month(text: Option<&str>) -> Result<YearMonth, HighCostError> {
        text.and_then(YearMonth::parse).ok_or(HighCostError::NoTreatmentMonth)
    }

    /// The limit of a month for a category: its code (`A01` … `B10`), or its name where the table has no code for it
    /// yet.
    ///
    /// `cost_yen` is 医療費の総額 of what is added up, before insurance; `is_repeated` says 多数回該当.
    ///
    /// # Errors
    /// [`HighCostError::Unknown`] without a table or row, [`HighCostError::NoTotalCost`] where the limit depends on a
    /// cost that is `None`, [`HighCostError::OutOfRange`].
    pub fn limit(
        &self,
        month: YearMonth,
        category: &str,
        cost_yen: Option<i64>,
        is_repeated: bool,
    ) -> Result<Limit<'_>, HighCostError> {
        let table = self.table(month)?;
        let row = table.row(category)?;
        let (yen, basis) = row.limit(cost_yen, is_repeated, false)?;
        Ok(Limit {
            yen,
            basis,
            outpatient_yen: row.outpatient,
            band: &row.band,
            version: &table.header.version,
            is_planned: table.header.is_planned,
        })
    }

    /// The caps of the year to which a month belongs. `is_low_pay` says 標準報酬月額 of at most 150,000 yen.
    ///
    /// # Errors
    /// [`HighCostError::Unknown`] without a table or row, or where neither cap is known.
    pub fn annual_cap(&self, month: YearMonth, category: &str, is_low_pay: bool) -> Result<AnnualCap, HighCostError> {
        let table = self.table(month)?;
        let row = table.row(category)?;
        let low = row.annual_low_pay.filter(|_| is_low_pay);
        let (household_yen, outpatient_yen) = (low.or(row.annual), row.outpatient_annual);
        if household_yen.is_none() && outpatient_yen.is_none() {
            return Err(HighCostError::Unknown);
        }
        let began = if month.month() < FIRST_MONTH_OF_YEAR { month.year().saturating_sub(1) } else { month.year() };
        let at = |year, month| YearMonth::new(year, month).ok_or(HighCostError::NoTreatmentMonth);
        let first = at(began, FIRST_MONTH_OF_YEAR)?;
        let last = at(began.saturating_add(1), FIRST_MONTH_OF_YEAR)?.previous();
        Ok(AnnualCap { first, last, household_yen, outpatient_yen, is_planned: table.header.is_planned })
    }

    /// 試算 only, where the user asks for it: the category by annual income, in tables that name incomes.
    ///
    /// # Errors
    /// [`HighCostError::Unknown`] where the table of the month names none.
    pub fn category_of_income(&self, month: YearMonth, income_yen: i64) -> Result<&str, HighCostError> {
        let holds = |row: &&Row| {
            row.income_from.is_some_and(|from| income_yen >= from)
                && row.income_below.is_none_or(|below| income_yen < below)
        };
        self.table(month)?.rows.iter().find(holds).map(|row| row.band.as_str()).ok_or(HighCostError::Unknown)
    }

    /// Every table, the oldest first.
    pub fn tables(&self) -> &[HighCostTable] {
        &self.tables
    }

    fn table(&self, month: YearMonth) -> Result<&HighCostTable, HighCostError> {
        self.tables.iter().find(|table| table.header.covers(month.first_day())).ok_or(HighCostError::Unknown)
    }
}

impl AnnualCap {
    /// What is paid back for the year from what remained of the household's payments after each month's refund. Months
    /// of other years are not counted.
    pub fn household_refund_yen(&self, remaining: &[(YearMonth, i64)]) -> Option<i64> {
        Some(self.refund(self.household_yen?, remaining))
    }

    /// The same for one person's outpatient payments.
    pub fn outpatient_refund_yen(&self, remaining: &[(YearMonth, i64)]) -> Option<i64> {
        Some(self.refund(self.outpatient_yen?, remaining))
    }

    fn refund(&self, cap: i64, remaining: &[(YearMonth, i64)]) -> i64 {
        let of_year = remaining.iter().filter(|(month, _)| (self.first..=self.last).contains(month));
        let sum = of_year.fold(0_i64, |sum, (_, yen)| sum.saturating_add((*yen).max(0)));
        sum.saturating_sub(cap).max(0)
    }
}

impl HighCostTable {
    /// What the table says of itself.
    pub fn header(&self) -> &RulesHeader {
        &self.header
    }

    fn row(&self, category: &str) -> Result<&Row, HighCostError> {
        let is_it = |row: &&Row| row.codes.iter().any(|code| code == category) || row.band == category;
        // A name that two rows have is no name.
        let mut rows = self.rows.iter().filter(is_it);
        rows.next().filter(|_| rows.next().is_none()).ok_or(HighCostError::Unknown)
    }

    pub(super) fn read(header: RulesHeader, node: Node<'_>) -> Result<Self, RulesError> {
        let special = node.field("special_disease")?;
        Ok(Self {
            header,
            floor_yen: node.field("under_70_floor_yen")?.whole()?,
            special_yen: special.field("limit_yen")?.whole()?,
            special_upper_yen: special.field("dialysis_upper_yen")?.whole()?,
            special_upper_codes: special.field("dialysis_upper_codes")?.texts()?,
            rows: node.field("limits")?.list()?.iter().map(Row::read).collect::<Result<_, _>>()?,
        })
    }
}

impl Row {
    /// Base, threshold and fixed amounts are halved together in the month of the 75th birthday (施行令 41条4項).
    fn limit(&self, cost: Option<i64>, is_repeated: bool, is_halved: bool) -> Result<(i64, LimitBasis), HighCostError> {
        let part = |yen: i64| if is_halved { yen / 2 } else { yen };
        if cost.is_some_and(|cost| !(0..=MAX_YEN).contains(&cost)) {
            return Err(HighCostError::OutOfRange);
        }
        if let Some(yen) = self.repeated.filter(|_| is_repeated) {
            return Ok((part(yen), LimitBasis::Repeated));
        }
        let Some(threshold) = self.threshold else { return Ok((part(self.base), LimitBasis::Fixed)) };
        let excess = cost.ok_or(HighCostError::NoTotalCost)?.saturating_sub(part(threshold)).max(0);
        // One percent, 50 銭 up.
        Ok((part(self.base).saturating_add(excess.saturating_add(50) / 100), LimitBasis::Formula))
    }

    fn read(node: &Node<'_>) -> Result<Self, RulesError> {
        let age = node.field("age")?;
        Ok(Self {
            is_from_70: match age.text()? {
                "under-70" => false,
                "from-70" => true,
                _ => return Err(age.wrong()),
            },
            band: node.field("band")?.text()?.to_owned(),
            codes: node.field("codes")?.texts()?,
            base: node.field("base")?.whole()?,
            threshold: node.optional_yen("threshold")?,
            repeated: node.optional_yen("repeated")?,
            outpatient: node.optional_yen("outpatient")?,
            outpatient_annual: node.optional_yen("outpatient_annual")?,
            annual: node.optional_yen("annual")?,
            annual_low_pay: node.optional_yen("annual_low_pay")?,
            income_from: node.optional_yen("income_from")?,
            income_below: node.optional_yen("income_below")?,
        })
    }
}

#[cfg(test)]
mod tests;
