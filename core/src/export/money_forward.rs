//! E2: the layout in which MoneyForward ME exports, ten columns.
//!
//! The service takes no CSV in; other import tools and spreadsheets read this layout. Whoever offers it says so.

use std::borrow::Borrow;
use std::io::Write;

use super::ExportError;
use super::rows::{self, HouseholdOptions, Written};
use crate::insurance::Payment;

const HEADER: &str = "計算対象,日付,内容,金額（円）,保有金融機関,大項目,中項目,メモ,振替,ID";

/// Writes payments in the layout of MoneyForward ME: amounts are negative, dates `yyyy/MM/dd`.
///
/// # Errors
/// [`ExportError`]; rows may be written before one.
pub fn write_money_forward(
    payments: impl IntoIterator<Item = impl Borrow<Payment>>,
    options: &HouseholdOptions,
    out: &mut dyn Write,
) -> Result<Written, ExportError> {
    let account = options.account.unwrap_or("現金");
    rows::write(payments, options, HEADER, out, |table, row| {
        let source = if row.is_notice { "通知額" } else { "領収額" };
        table.plain("1").date(Some(row.date), '/').text(&row.payment.institution).number(row.yen.saturating_neg());
        table.text(account).plain("健康・医療").text(&row.category.money_forward);
        table.words(&[row.person, row.payment.kind.japanese(), source]);
        table.plain("0").id(&row.payment.source_id, row.payment.row);
    })
}
