//! What the household layouts E2 to E4 share: which payments become rows, of what day, amount and person.

use std::borrow::Borrow;
use std::io::Write;

use super::category::{Categories, Category};
use super::text::Table;
use super::{ExportError, Options};
use crate::insurance::{Payment, Person};
use crate::time::CalendarDate;

/// How payments become rows of a household tool.
#[derive(Clone, Copy, Debug)]
pub struct HouseholdOptions<'a> {
    /// Encoding of the file; [`Options::of`] has what each tool expects.
    pub file: Options,
    /// Whom the payments are about; [`Payment::person`] is an index into it.
    pub people: &'a [Person],
    /// Real names instead of nicknames, for those who have one here (rule X-4).
    pub include_names: bool,
    /// The account it was paid from; `None` for what the tool calls cash.
    pub account: Option<&'a str>,
}

impl HouseholdOptions<'_> {
    /// What a person is called in the file; empty for an index without a person.
    fn label(&self, person: usize) -> &str {
        let Some(person) = self.people.get(person) else { return "" };
        person.name.as_deref().filter(|_| self.include_names).unwrap_or(&person.nickname)
    }
}

/// What was written, and what was left out: that is shown, never hidden.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Payments without any amount.
    pub without_amount: u64,
    /// Payments with neither day of payment nor month of treatment.
    pub without_date: u64,
}

/// One row, before its layout.
pub(super) struct Row<'a> {
    pub(super) payment: &'a Payment,
    pub(super) category: &'a Category,
    pub(super) person: &'a str,
    /// Day of payment, else last day of the month of treatment.
    pub(super) date: CalendarDate,
    /// What the receipt says, else 窓口相当負担額 (rule X-7).
    pub(super) yen: i64,
    /// It is 窓口相当負担額.
    pub(super) is_notice: bool,
}

/// Writes the header and a row for each payment that has an amount and a date.
pub(super) fn write(
    payments: impl IntoIterator<Item = impl Borrow<Payment>>,
    options: &HouseholdOptions,
    header: &str,
    out: &mut dyn Write,
    layout: impl Fn(&mut Table, &Row),
) -> Result<Written, ExportError> {
    let categories = Categories::load()?;
    let mut written = Written::default();
    let mut table = Table::csv(out, options.file);
    table.plain(header).end()?;
    for payment in payments {
        let payment: &Payment = payment.borrow();
        let Some((yen, is_notice)) = payment.amount_yen() else {
            written.without_amount = written.without_amount.saturating_add(1);
            continue;
        };
        let Some(date) = date(payment) else {
            written.without_date = written.without_date.saturating_add(1);
            continue;
        };
        let category = categories.of(payment.kind).ok_or(ExportError::Table)?;
        let person = options.label(payment.person);
        layout(&mut table, &Row { payment, category, person, date, yen, is_notice });
        table.end()?;
        written.rows = written.rows.saturating_add(1);
    }
    table.finish()?;
    Ok(written)
}

/// The day a payment is entered under: that of payment, else the last of the month of treatment.
pub(super) fn date(payment: &Payment) -> Option<CalendarDate> {
    payment.paid_on.or_else(|| payment.treatment_month.map(|month| month.last_day()))
}
