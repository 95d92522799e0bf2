//! E4: a plain layout for tools that publish none, seven columns.

use std::borrow::Borrow;
use std::io::Write;

use super::ExportError;
use super::rows::{self, HouseholdOptions, Written};
use crate::insurance::Payment;

const HEADER: &str = "日付,支出,収入,カテゴリー,アカウント,メモ,ID";

/// Writes payments with ISO dates. The note holds person, kind, institution, and where the amount comes from.
///
/// # Errors
/// [`ExportError`]; rows may be written before one.
pub fn write_household(
    payments: impl IntoIterator<Item = impl Borrow<Payment>>,
    options: &HouseholdOptions,
    out: &mut dyn Write,
) -> Result<Written, ExportError> {
    let account = options.account.unwrap_or("現金");
    rows::write(payments, options, HEADER, out, |table, row| {
        let source = if row.is_notice { "通知額" } else { "領収額" };
        table.date(Some(row.date), '-').number(row.yen).plain("0").text(&row.category.money_forward).text(account);
        table.words(&[row.person, row.payment.kind.japanese(), &row.payment.institution, source]);
        table.id(&row.payment.source_id, row.payment.row);
    })
}
