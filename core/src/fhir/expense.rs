//! 医療費通知: ExplanationOfBenefit, one for each month, institution and kind of care.

use serde_json::Value;

use super::resource::{DataDate, date, decimal, resource, words, yen};
use super::{NAMESPACE, code_in, items, text};

resource!(
    /// One line of the expense notice.
    ///
    /// 窓口相当負担額 is not what the receipt says: it knows neither rounding to ten yen nor local subsidies.
    Expense, "ExplanationOfBenefit", "expense notice"
);

/// What a line of the notice adds up to, in yen. A part the server did not send is `None`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ExpenseAmounts {
    /// 医療費の総額.
    pub total_cost: Option<i64>,
    /// 保険者の負担額.
    pub insurer_paid: Option<i64>,
    /// その他の公費の負担額.
    pub public_paid: Option<i64>,
    /// 窓口相当負担額.
    pub patient_equivalent: Option<i64>,
}

impl ExpenseAmounts {
    /// The parts do not add up to the whole (invariant V-1); such a line is kept and marked. A part that is missing
    /// makes no mismatch.
    pub fn is_mismatch(&self) -> bool {
        let parts = [self.insurer_paid, self.public_paid, self.patient_equivalent];
        let sum = parts.into_iter().try_fold(0_i64, |sum, part| sum.checked_add(part?));
        matches!((self.total_cost, sum), (Some(total), Some(sum)) if total != sum)
    }
}

impl Expense {
    /// The month of care.
    pub fn month(&self) -> Option<DataDate> {
        date(self.0.get("billablePeriod")?, "start")
    }

    /// When the notice was made; weeks after the care.
    pub fn created(&self) -> Option<DataDate> {
        date(&self.0, "created")
    }

    /// Code of the kind of care, such as `ika-gairai`; unknown ones as received.
    pub fn kind(&self) -> Option<&str> {
        code_in(self.0.get("subType")?, Some(&format!("{NAMESPACE}/CodeSystem/expense-kind")))
    }

    /// The kind of care in words.
    pub fn kind_words(&self) -> Option<&str> {
        words(self.0.get("subType")?)
    }

    /// Name of the institution.
    pub fn provider(&self) -> Option<&str> {
        text(self.0.get("provider")?, "display")
    }

    /// Name of the insurer.
    pub fn insurer(&self) -> Option<&str> {
        text(self.0.get("insurer")?, "display")
    }

    /// Days of care, as written.
    pub fn days(&self) -> Option<String> {
        items(&self.0, "item").find_map(|item| item.get("quantity")).and_then(|quantity| decimal(quantity, "value"))
    }

    /// The amounts.
    pub fn amounts(&self) -> ExpenseAmounts {
        let system = format!("{NAMESPACE}/CodeSystem/expense-amount");
        let amount = |code: &str| {
            items(&self.0, "total")
                .find(|total| total.get("category").and_then(|c| code_in(c, Some(&system))) == Some(code))
                .and_then(|total: &Value| yen(total.get("amount")?))
        };
        ExpenseAmounts {
            total_cost: amount("total-cost"),
            insurer_paid: amount("insurer-paid"),
            public_paid: amount("public-paid"),
            patient_equivalent: amount("patient-equivalent"),
        }
    }
}
