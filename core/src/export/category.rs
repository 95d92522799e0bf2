//! What kind of care becomes which category of household tools and which column of the tax form (automatic
//! classification, 自動分類): a table of data, `rules/expense-categories.json`.

use serde_json::Value;

use super::ExportError;
use crate::insurance::ExpenseKind;

const TABLE: &str = include_str!("../../rules/expense-categories.json");

/// Where one kind of care goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Category {
    /// 中項目 of MoneyForward ME.
    pub money_forward: String,
    /// カテゴリの内訳 of Zaim: its standard names only, as it would silently create any other.
    pub zaim: String,
    /// Column of the tax form; `None` for what is no medical expense by tax law unless the user knows better.
    pub tax: Option<TaxColumn>,
}

/// Columns D to G of 医療費集計フォーム.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TaxColumn {
    /// D 診療・治療.
    Treatment,
    /// E 医薬品購入.
    Medicine,
    /// F 介護保険サービス.
    NursingCare,
    /// G その他の医療費.
    Other,
}

impl TaxColumn {
    /// In the order of the form.
    pub const ALL: [Self; 4] = [Self::Treatment, Self::Medicine, Self::NursingCare, Self::Other];
}

/// The table, read.
pub struct Categories(Vec<(ExpenseKind, Category)>);

impl Categories {
    /// Reads the table that comes with this crate.
    ///
    /// # Errors
    /// [`ExportError::Table`] if it is damaged or lacks a kind; a test of this crate sees to it that it is not.
    pub fn load() -> Result<Self, ExportError> {
        Self::parse(TABLE).ok_or(ExportError::Table)
    }

    fn parse(table: &str) -> Option<Self> {
        let table: Value = serde_json::from_str(table).ok()?;
        let rows = table.get("kinds")?.as_array()?;
        let category = |kind: ExpenseKind| {
            let row = rows.iter().find(|row| row.get("kind").and_then(Value::as_str) == Some(kind.code()))?;
            let tax = match row.get("tax")? {
                Value::Null => None,
                column => Some(match column.as_str()? {
                    "treatment" => TaxColumn::Treatment,
                    "medicine" => TaxColumn::Medicine,
                    "nursing-care" => TaxColumn::NursingCare,
                    "other" => TaxColumn::Other,
                    _ => return None,
                }),
            };
            let text = |name| row.get(name).and_then(Value::as_str).map(str::to_owned);
            Some((kind, Category { money_forward: text("money_forward")?, zaim: text("zaim")?, tax }))
        };
        ExpenseKind::ALL.into_iter().map(category).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Where a kind goes.
    pub fn of(&self, kind: ExpenseKind) -> Option<&Category> {
        self.0.iter().find(|(one, _)| *one == kind).map(|(_, category)| category)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_category() {
        let categories = Categories::load().expect("the table");
        let tax = |kind| categories.of(kind).expect("a category").tax;
        assert_eq!(tax(ExpenseKind::MedicalOutpatient), Some(TaxColumn::Treatment));
        assert_eq!(tax(ExpenseKind::Pharmacy), Some(TaxColumn::Medicine));
        assert_eq!(tax(ExpenseKind::Vaccination), None);
        assert_eq!(categories.of(ExpenseKind::OverTheCounter).expect("a category").zaim, "薬代");
    }

    #[test]
    fn a_damaged_table_is_refused() {
        for (from, to) in [("\"chozai\"", "\"chozai2\""), ("\"medicine\"", "\"drugs\""), ("\"zaim\"", "\"zaimu\"")] {
            assert!(Categories::parse(&TABLE.replace(from, to)).is_none(), "{from}");
        }
    }
}
