//! What leaves the SDK as a file, and for whom.
//!
//! | Export | For | Function |
//! |---|---|---|
//! | E1 | the family: every qualification check in one table | [`write_history`] |
//! | E2 | MoneyForward ME and what reads its layout | [`write_money_forward`] |
//! | E3 | Zaim | [`write_zaim`] |
//! | E4 | any other household tool | [`write_household`] |
//! | E5 | the tax office's form 医療費集計フォーム | [`TaxForm::collect`], [`write_tax_form`] |
//! | E6 | the way in: 医療費通知情報 of マイナポータル | [`NoticeImport::parse`] |
//! | – | the family: year against year | [`compare_years`], [`write_comparison`] |
//! | – | readers of FHIR R4 | [`write_bundle`] |
//! | – | calendars | [`write_calendar`] |
//!
//! E7, 医療費通知 as XML for e-Tax, is not there on purpose: it must carry the signature of the insurer or of 支払基金.
//! Users link e-Tax with マイナポータル instead, and no print-out of an app replaces the notice (国税庁 No.1119).
//!
//! Everything here turns rows into bytes: no paths, no store, no network. Writers keep one row and one block of 64 KiB,
//! whatever the number of rows; [`TaxForm`] and [`compare_years`], which must see all rows first, say so. Whoever calls
//! asks for a fresh unlock of the device before and writes the access log after.
//!
//! 記号・番号 leave in [`write_bundle`] only, where its caller asks for them; a My Number never does. Names are nicknames
//! unless `include_names` is set.

mod bundle;
mod calendar;
mod category;
mod comparison;
mod encoding;
mod history;
mod household;
mod id;
mod money_forward;
mod my_number;
mod notice_import;
mod redaction;
mod rows;
mod tax_form;
mod text;
mod zaim;

use std::collections::BTreeSet;
use std::io;

pub use bundle::write_bundle;
pub use calendar::{Reminder, ReminderKind, dosage_hours, write_calendar};
pub use category::{Categories, Category, TaxColumn};
pub use comparison::{ComparedMonth, ComparedYear, compare_years, write_comparison};
pub use encoding::{Encoding, Unencodable, cp932_characters};
pub use history::{CheckMethod, QualificationRow, write_history};
pub use household::write_household;
pub use id::stable_id;
pub use money_forward::write_money_forward;
pub use notice_import::{MAX_NOTICE_BYTES, NoticeFinding, NoticeImport};
pub use redaction::BundleOptions;
pub use rows::{HouseholdOptions, Written};
pub use tax_form::{LeftOut, MAX_TAX_ROWS, TaxFinding, TaxForm, TaxProblem, TaxRow, write_tax_form};
pub use text::unencodable;
pub use zaim::write_zaim;

use crate::error::Error;
use crate::time::CalendarDate;

/// Kinds of files.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ExportKind {
    /// E1, CSV.
    History,
    /// E2, CSV.
    MoneyForward,
    /// E3, CSV.
    Zaim,
    /// E4, CSV.
    Household,
    /// E5 as cells to paste, TSV.
    TaxForm,
    /// E5 as the filled form, XLSX.
    TaxFormWorkbook,
    /// Year against year, CSV.
    Comparison,
    /// FHIR R4 Bundle, JSON.
    Bundle,
    /// Calendar, ICS.
    Calendar,
}

impl ExportKind {
    /// Stable name, and beginning of the file's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::MoneyForward => "money-forward",
            Self::Zaim => "zaim",
            Self::Household => "household",
            Self::TaxForm | Self::TaxFormWorkbook => "tax-form",
            Self::Comparison => "comparison",
            Self::Bundle => "bundle",
            Self::Calendar => "calendar",
        }
    }

    /// Ending of the file's name, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::History | Self::MoneyForward | Self::Zaim | Self::Household | Self::Comparison => "csv",
            Self::TaxForm => "tsv",
            Self::TaxFormWorkbook => "xlsx",
            Self::Bundle => "json",
            Self::Calendar => "ics",
        }
    }

    /// The encoding that the readers of this kind expect.
    pub const fn default_encoding(self) -> Encoding {
        match self {
            Self::MoneyForward => Encoding::Cp932,
            Self::Household | Self::Bundle | Self::Calendar => Encoding::Utf8,
            Self::History | Self::Zaim | Self::TaxForm | Self::TaxFormWorkbook | Self::Comparison => Encoding::Utf8Bom,
        }
    }
}

/// `<kind>_<yyyymmdd>.<ext>`: what it is and when it was made, and nobody's name (rule X-0).
pub fn file_name(kind: ExportKind, date: CalendarDate) -> String {
    format!("{}_{:04}{:02}{:02}.{}", kind.name(), date.year, date.month, date.day, kind.extension())
}

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Options {
    /// Encoding of the file.
    pub encoding: Encoding,
    /// What becomes of characters that the encoding lacks.
    pub unencodable: Unencodable,
}

impl Options {
    /// What the readers of this kind expect; characters without a code are refused.
    pub const fn of(kind: ExportKind) -> Self {
        Self { encoding: kind.default_encoding(), unencodable: Unencodable::Refuse }
    }
}

/// Why a file was not written, or not to its end.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// The encoding lacks these characters of one row. Rows before it may be written already: [`unencodable`] looks
    /// through all of them first.
    #[error("characters that the encoding lacks: {}", characters.len())]
    Unencodable {
        /// In order of their code points.
        characters: BTreeSet<char>,
    },
    /// The writer failed.
    #[error("the export cannot be written: {kind}")]
    Write {
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// The tax form would not be read back: see [`TaxForm::problems`].
    #[error("the tax form has rows that must be mended first: {count}")]
    TaxForm {
        /// Number of findings that stand in the way.
        count: usize,
    },
    /// A table that comes with this crate cannot be read.
    #[error("a built-in table cannot be read")]
    Table,
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        Self::Write { kind: error.kind() }
    }
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Table => Self::Internal { detail: "a built-in table cannot be read" },
            ExportError::Unencodable { .. } | ExportError::Write { .. } | ExportError::TaxForm { .. } => {
                Self::Usage { detail: error.to_string() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_kind_and_date() {
        let date = CalendarDate { year: 2026, month: 11, day: 5 };
        assert_eq!(file_name(ExportKind::MoneyForward, date), "money-forward_20261105.csv");
        assert_eq!(file_name(ExportKind::Calendar, date), "calendar_20261105.ics");
    }
}
