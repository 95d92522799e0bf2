//! E3: the layout of Zaim, sixteen columns.

use std::borrow::Borrow;
use std::io::Write;

use super::ExportError;
use super::id::stable_id;
use super::rows::{self, HouseholdOptions, Written};
use crate::insurance::Payment;

const HEADER: &str = "日付,方法,カテゴリ,カテゴリの内訳,支払元,入金先,品目,メモ,お店,通貨,収入,支出,振替,残高調整,\
                      通貨変換前の金額,集計の設定";

/// Writes payments in the layout of Zaim. The note holds person and id, and 通知額 where the amount is that of the notice.
///
/// # Errors
/// [`ExportError`]; rows may be written before one.
pub fn write_zaim(
    payments: impl IntoIterator<Item = impl Borrow<Payment>>,
    options: &HouseholdOptions,
    out: &mut dyn Write,
) -> Result<Written, ExportError> {
    let account = options.account.unwrap_or("お財布");
    rows::write(payments, options, HEADER, out, |table, row| {
        let id = stable_id(&row.payment.source_id, row.payment.row);
        let source = if row.is_notice { "通知額" } else { "" };
        table.date(Some(row.date), '-').plain("payment").plain("医療・保険").text(&row.category.zaim);
        table.text(account).plain("-").text(row.payment.kind.japanese()).words(&[row.person, source, &id]);
        table.text(&row.payment.institution).plain("JPY").plain("0").number(row.yen).plain("0").plain("0");
        table.plain("").plain("常に集計に含める");
    })
}
