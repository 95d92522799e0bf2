//! E1 資格確認履歴: every qualification check, fifteen columns.

use std::borrow::Borrow;
use std::io::Write;

use super::text::Table;
use super::{ExportError, Options};
use crate::time::{CalendarDate, UnixMillis};

const HEADER: &str = "確認日時,対象者,本人家族区分,保険者番号,保険者名,資格有効性コード,資格有効性,負担割合,限度額適用区分,\
                      資格取得日,資格喪失日,確認方法,確認番号,結果コード,ID";

/// One check of a qualification. It has no 記号・番号: they never stand in a table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QualificationRow {
    /// Id of the check in whatever kept it.
    pub source_id: String,
    /// Number of the qualification within that check.
    pub row: u32,
    /// When the server answered; written in Japanese time.
    pub checked_at: UnixMillis,
    /// Nickname of the person, or the name where the user chose to give it out.
    pub person: String,
    /// 家族 or 本人, where the server said so.
    pub is_dependent: Option<bool>,
    /// 保険者番号, its digits.
    pub insurer_number: Option<String>,
    /// 保険者名.
    pub insurer: Option<String>,
    /// 資格有効性, 1 to 6.
    pub validity_code: Option<String>,
    /// 資格有効性 in words.
    pub validity: Option<String>,
    /// 負担割合 in percent.
    pub copay_percent: Option<u32>,
    /// 限度額適用区分, its code.
    pub limit_category: Option<String>,
    /// 資格取得日.
    pub acquired: Option<CalendarDate>,
    /// 資格喪失日.
    pub lost: Option<CalendarDate>,
    /// How it was checked.
    pub method: CheckMethod,
    /// 確認番号 of the server.
    pub proof: Option<String>,
    /// `KZ-…` of a check that did not end in a valid qualification; `None` is written as `OK`.
    pub code: Option<String>,
}

/// How a qualification was checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckMethod {
    /// カード: with a tap.
    Card,
    /// 更新: with the access of an earlier tap.
    Refresh,
    /// 表示のみ: shown from what was kept.
    DisplayOnly,
}

impl CheckMethod {
    /// In words.
    pub const fn japanese(self) -> &'static str {
        match self {
            Self::Card => "カード",
            Self::Refresh => "更新",
            Self::DisplayOnly => "表示のみ",
        }
    }
}

/// Writes the table and returns the number of its rows.
///
/// # Errors
/// [`ExportError`]; rows may be written before one.
pub fn write_history(
    rows: impl IntoIterator<Item = impl Borrow<QualificationRow>>,
    options: Options,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let mut table = Table::csv(out, options);
    table.plain(HEADER).end()?;
    let mut count = 0_u64;
    for row in rows {
        let row: &QualificationRow = row.borrow();
        let checked_at = row.checked_at.to_rfc3339();
        let (date, rest) = checked_at.split_once('T').unwrap_or_default();
        let time = rest.split('+').next().unwrap_or_default();
        table.joined(&[date, " ", time]).text(&row.person).plain(match row.is_dependent {
            Some(true) => "家族",
            Some(false) => "本人",
            None => "",
        });
        table.optional(row.insurer_number.as_deref()).optional(row.insurer.as_deref());
        table.optional(row.validity_code.as_deref()).optional(row.validity.as_deref());
        match row.copay_percent {
            Some(percent) => table.number(i64::from(percent)),
            None => table.plain(""),
        };
        table.optional(row.limit_category.as_deref()).date(row.acquired, '-').date(row.lost, '-');
        table.plain(row.method.japanese()).optional(row.proof.as_deref()).text(row.code.as_deref().unwrap_or("OK"));
        table.id(&row.source_id, row.row).end()?;
        count = count.saturating_add(1);
    }
    table.finish()?;
    Ok(count)
}
