//! E5: what goes into 医療費集計フォーム Ver. 3.1 of the tax office (国税庁), columns B to J from row 9.
//!
//! The form is read back by the tax office's web pages: longer texts, more rows and other amounts than its input checks
//! allow are found here first (rule D-9). Nothing is shortened or left out without a finding.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::category::{Categories, TaxColumn};
use super::text::Table;
use super::{ExportError, Options, rows};
use crate::insurance::{Payment, Person};
use crate::text::shown;
use crate::time::CalendarDate;

/// Rows of the form, 9 to 1003.
pub const MAX_TAX_ROWS: usize = 995;
/// Characters of column B, as the form counts them: UTF-16 code units.
const MAX_NAME: usize = 10;
/// Characters of column C, counted alike.
const MAX_INSTITUTION: usize = 20;
/// Largest amount of columns H and I, in yen.
const MAX_YEN: i64 = 999_999_999;

/// One row of the form. Its user may change every field, and does so for texts that are too long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TaxRow {
    /// B 医療を受けた人: the real name, at most 10 characters.
    pub name: String,
    /// C 病院・薬局などの名称, at most 20 characters.
    pub institution: String,
    /// D to G.
    pub columns: BTreeSet<TaxColumn>,
    /// H 支払った医療費の金額, 0 to 999,999,999 yen.
    pub paid_yen: i64,
    /// I 左のうち、補填される金額, at most H.
    pub reimbursed_yen: i64,
    /// J 支払年月日, in the tax year.
    pub paid_on: Option<CalendarDate>,
}

/// Something the user is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TaxFinding {
    /// A payment is not in the form.
    LeftOut {
        /// Of the payment.
        source_id: String,
        /// Of the payment.
        row: u32,
        /// Why.
        reason: LeftOut,
    },
    /// More was reimbursed than paid: the surplus lessens no other expense (rule D-4).
    Clipped {
        /// Of the payment.
        source_id: String,
        /// Of the payment.
        row: u32,
        /// What was entered, in yen.
        reimbursed_yen: i64,
    },
    /// Over 995 rows: those of one person, institution and column were added up, without dates.
    Grouped {
        /// Rows before.
        rows: usize,
    },
    /// The form cannot be made until this row is mended.
    Mend {
        /// Index of the row, from 0.
        row: usize,
        /// What is wrong.
        problem: TaxProblem,
    },
    /// The form cannot be made: more rows than it has, even grouped.
    TooManyRows {
        /// How many.
        rows: usize,
    },
}

/// Why a payment is not in the form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LeftOut {
    /// No medical expense by tax law unless the user knows better (rule D-3).
    NotDeductible,
    /// The person is not 生計を一にする (rule D-6).
    LivesApart,
    /// Paid, or treated where no day of payment is known, in another year (rule D-2).
    OtherYear,
    /// Neither day of payment nor month of treatment.
    NoDate,
    /// No amount, or nothing paid.
    NothingPaid,
    /// A payment of nobody in the list of people.
    NoPerson,
}

/// What the form would not take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TaxProblem {
    /// The form needs the real name.
    NameMissing,
    /// So many characters, more than 10.
    NameTooLong(usize),
    /// The form needs the institution.
    InstitutionMissing,
    /// So many characters, more than 20.
    InstitutionTooLong(usize),
    /// Not within 0 to 999,999,999 yen.
    Amount,
    /// Reimbursed less than 0 or more than was paid.
    Reimbursed,
    /// Paid in another year.
    Date,
}

impl LeftOut {
    /// Stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotDeductible => "not_deductible",
            Self::LivesApart => "lives_apart",
            Self::OtherYear => "other_year",
            Self::NoDate => "no_date",
            Self::NothingPaid => "nothing_paid",
            Self::NoPerson => "no_person",
        }
    }
}

impl TaxProblem {
    /// Stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NameMissing => "name_missing",
            Self::NameTooLong(_) => "name_too_long",
            Self::InstitutionMissing => "institution_missing",
            Self::InstitutionTooLong(_) => "institution_too_long",
            Self::Amount => "amount",
            Self::Reimbursed => "reimbursed",
            Self::Date => "date",
        }
    }
}

/// The rows of one tax year.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TaxForm {
    /// Tax year.
    pub year: u16,
    /// In the order of the payments, or by person, institution and column where they were grouped.
    pub rows: Vec<TaxRow>,
    /// What was left out, clipped or grouped. What stands in the way is not here: see [`TaxForm::problems`].
    pub findings: Vec<TaxFinding>,
}

impl TaxForm {
    /// Takes the payments of a year. `choose` is what the user decided for a payment against its kind, such as a check-up
    /// that a treatment followed.
    ///
    /// Keeps every row, as all of them are counted before the first is written.
    ///
    /// # Errors
    /// [`ExportError::Table`].
    pub fn collect(
        payments: impl IntoIterator<Item = impl Borrow<Payment>>,
        people: &[Person],
        year: u16,
        choose: &dyn Fn(&Payment) -> Option<TaxColumn>,
    ) -> Result<Self, ExportError> {
        let categories = Categories::load()?;
        let mut form = Self { year, rows: Vec::new(), findings: Vec::new() };
        for payment in payments {
            let payment: &Payment = payment.borrow();
            let column = choose(payment).or_else(|| categories.of(payment.kind)?.tax);
            match form.row(payment, people, column) {
                Ok(row) => form.rows.push(row),
                Err(reason) => form.findings.push(TaxFinding::LeftOut {
                    source_id: payment.source_id.clone(),
                    row: payment.row,
                    reason,
                }),
            }
        }
        if form.rows.len() > MAX_TAX_ROWS {
            form.group();
        }
        Ok(form)
    }

    fn row(&mut self, payment: &Payment, people: &[Person], column: Option<TaxColumn>) -> Result<TaxRow, LeftOut> {
        let person = people.get(payment.person).ok_or(LeftOut::NoPerson)?;
        if !person.shares_livelihood {
            return Err(LeftOut::LivesApart);
        }
        if rows::date(payment).ok_or(LeftOut::NoDate)?.year != self.year {
            return Err(LeftOut::OtherYear);
        }
        let column = column.ok_or(LeftOut::NotDeductible)?;
        let (paid_yen, _) = payment.amount_yen().filter(|(yen, _)| *yen != 0).ok_or(LeftOut::NothingPaid)?;
        let reimbursed_yen = payment.reimbursed_yen.min(paid_yen.max(0));
        if reimbursed_yen != payment.reimbursed_yen {
            self.findings.push(TaxFinding::Clipped {
                source_id: payment.source_id.clone(),
                row: payment.row,
                reimbursed_yen: payment.reimbursed_yen,
            });
        }
        Ok(TaxRow {
            // As they are written: what is not seen counts for no limit and keeps no two rows apart.
            name: shown(person.name.as_deref().unwrap_or_default()).into_owned(),
            institution: shown(&payment.institution).into_owned(),
            columns: BTreeSet::from([column]),
            paid_yen,
            reimbursed_yen,
            paid_on: payment.paid_on,
        })
    }

    /// Yearly totals by person, institution and column.
    fn group(&mut self) {
        self.findings.push(TaxFinding::Grouped { rows: self.rows.len() });
        let mut groups: BTreeMap<(String, String, BTreeSet<TaxColumn>), (i64, i64)> = BTreeMap::new();
        for row in self.rows.drain(..) {
            let (paid, reimbursed) = groups.entry((row.name, row.institution, row.columns)).or_default();
            *paid = paid.saturating_add(row.paid_yen);
            *reimbursed = reimbursed.saturating_add(row.reimbursed_yen);
        }
        self.rows.extend(groups.into_iter().map(|((name, institution, columns), (paid_yen, reimbursed_yen))| TaxRow {
            name,
            institution,
            columns,
            paid_yen,
            reimbursed_yen,
            paid_on: None,
        }));
    }

    /// What stands in the way of the form, by the rows as they are now (rule D-9). Empty once the user has mended them.
    pub fn problems(&self) -> Vec<TaxFinding> {
        let mut problems = Vec::new();
        if self.rows.len() > MAX_TAX_ROWS {
            problems.push(TaxFinding::TooManyRows { rows: self.rows.len() });
        }
        for (index, row) in self.rows.iter().enumerate() {
            let name = row.name.encode_utf16().count();
            let institution = row.institution.encode_utf16().count();
            let found = [
                row.name.trim().is_empty().then_some(TaxProblem::NameMissing),
                (name > MAX_NAME).then_some(TaxProblem::NameTooLong(name)),
                row.institution.trim().is_empty().then_some(TaxProblem::InstitutionMissing),
                (institution > MAX_INSTITUTION).then_some(TaxProblem::InstitutionTooLong(institution)),
                (!(0..=MAX_YEN).contains(&row.paid_yen)).then_some(TaxProblem::Amount),
                (!(0..=row.paid_yen.max(0)).contains(&row.reimbursed_yen)).then_some(TaxProblem::Reimbursed),
                row.paid_on.filter(|day| day.year != self.year).map(|_| TaxProblem::Date),
            ];
            problems.extend(found.into_iter().flatten().map(|problem| TaxFinding::Mend { row: index, problem }));
        }
        problems
    }

    /// What was found while collecting, and what stands in the way now.
    pub fn all_findings(&self) -> Vec<TaxFinding> {
        self.findings.iter().cloned().chain(self.problems()).collect()
    }

    /// Sums of columns H and I, in yen.
    pub fn totals(&self) -> (i64, i64) {
        self.rows.iter().fold((0, 0), |(paid, reimbursed): (i64, i64), row| {
            (paid.saturating_add(row.paid_yen), reimbursed.saturating_add(row.reimbursed_yen))
        })
    }
}

/// Writes columns B to J as tab-separated values without a header, to paste at cell B9 of the form.
///
/// # Errors
/// [`ExportError::TaxForm`] before anything is written while [`TaxForm::problems`] is not empty; others of
/// [`ExportError`].
pub fn write_tax_form(form: &TaxForm, options: Options, out: &mut dyn Write) -> Result<(), ExportError> {
    match form.problems().len() {
        0 => {}
        count => return Err(ExportError::TaxForm { count }),
    }
    let mut table = Table::tsv(out, options);
    for row in &form.rows {
        table.text(&row.name).text(&row.institution);
        for column in TaxColumn::ALL {
            table.plain(if row.columns.contains(&column) { "該当する" } else { "" });
        }
        table.number(row.paid_yen);
        match row.reimbursed_yen {
            0 => table.plain(""),
            yen => table.number(yen),
        };
        table.date(row.paid_on, '/').end()?;
    }
    table.finish()
}
