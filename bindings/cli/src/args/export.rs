//! What `kazasu export` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args)]
pub(crate) struct ExportArguments {
    /// For whom.
    #[arg(value_enum, value_name = "LAYOUT")]
    pub(crate) layout: Layout,
    /// Take 医療費通知情報 (CSV) as downloaded from マイナポータル, not the store.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Members to take from the store, by nickname; all of them without it.
    #[arg(long, value_name = "NICKNAME", conflicts_with = "from")]
    pub(crate) of: Vec<String>,
    /// Write to this file, which must not be there yet.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Encoding [default: what the layout's readers expect].
    #[arg(long, value_enum)]
    pub(crate) encoding: Option<FileEncoding>,
    /// Write 〓 for characters that the encoding lacks.
    #[arg(long)]
    pub(crate) replace: bool,
    /// What the person of the notice is called in the file. Ids depend on it.
    #[arg(long, value_name = "TEXT", default_value = "本人", conflicts_with = "of")]
    pub(crate) nickname: String,
    /// Real name, which the tax form needs: of the notice's person, or NICKNAME=NAME for each member.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Vec<String>,
    /// Write the name in place of the nickname.
    #[arg(long)]
    pub(crate) include_names: bool,
    /// 記号・番号 stay in the bundle.
    #[arg(long)]
    pub(crate) include_identifiers: bool,
    /// Tax year [default: the only one there is].
    #[arg(long, value_name = "YEAR")]
    pub(crate) year: Option<u16>,
    /// Fill this workbook, 医療費集計フォーム of the tax office; without it the cells are written to paste.
    #[arg(long, value_name = "XLSX")]
    pub(crate) template: Option<PathBuf>,
    /// Replace the rows that are in the workbook.
    #[arg(long, requires = "template")]
    pub(crate) replace_rows: bool,
}

/// Layouts of exports.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Layout {
    /// マネーフォワード ME
    MoneyForward,
    /// Zaim
    Zaim,
    /// 家計簿一般
    Household,
    /// 国税庁 医療費集計フォーム
    TaxForm,
    /// 年次比較
    Comparison,
    /// 資格確認履歴
    History,
    /// FHIR R4 Bundle of one member
    Bundle,
    /// Reminders: certificate, medicines, receipts
    Calendar,
}

/// Encodings of text files.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FileEncoding {
    /// UTF-8 with a byte-order mark
    #[value(name = "utf-8-bom")]
    Utf8Bom,
    /// UTF-8
    #[value(name = "utf-8")]
    Utf8,
    /// Windows 日本語
    Cp932,
}
