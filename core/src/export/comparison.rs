//! Year against year (年次比較): calendar year × person × kind, with the months whose notice has not come marked 未着.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::io::Write;

use super::text::Table;
use super::{ExportError, Options};
use crate::insurance::{ExpenseKind, Payment, Person, YearMonth};

/// One month of a [`ComparedYear`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ComparedMonth {
    /// Sum in yen of the payments that are here.
    pub yen: i64,
    /// Number of payments that are here.
    pub count: u32,
    /// The notice of this month has come for this person; without it the sum is not known to be whole, and zero payments
    /// are 未着 and not 0 yen.
    pub has_arrived: bool,
}

impl ComparedMonth {
    /// 未着: nothing is known of this month.
    pub const fn is_missing(&self) -> bool {
        !self.has_arrived && self.count == 0
    }
}

/// One kind of care for one person in one calendar year.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ComparedYear {
    /// Calendar year.
    pub year: u16,
    /// Index into the caller's people.
    pub person: usize,
    /// Kind of care.
    pub kind: ExpenseKind,
    /// Sum of the year in yen.
    pub yen: i64,
    /// Number of payments.
    pub count: u32,
    /// Difference to the sum of the year before, in yen; `None` where nothing at all is here of that year for this person.
    pub difference_yen: Option<i64>,
    /// Months of this year and, where there is a difference, of the year before whose notice has not come: with any, sum
    /// and difference are provisional.
    pub months_not_arrived: u32,
    /// January to December.
    pub months: [ComparedMonth; 12],
}

/// Compares years. A payment belongs to its month of treatment, or to that of its payment where the former is not known;
/// payments without either, or without an amount, are not counted.
///
/// `has_arrived` says whether the notice of a month has come for a person. Keeps a line for each year, person and kind.
/// A kind that a person has in one year has a line in each of the person's years, so that what has ended shows too.
pub fn compare_years(
    payments: impl IntoIterator<Item = impl Borrow<Payment>>,
    has_arrived: &dyn Fn(usize, YearMonth) -> bool,
) -> Vec<ComparedYear> {
    let mut sums: BTreeMap<(usize, ExpenseKind), BTreeMap<u16, [ComparedMonth; 12]>> = BTreeMap::new();
    for payment in payments {
        let payment: &Payment = payment.borrow();
        let Some(month) = payment.treatment_month.or_else(|| payment.paid_on.map(YearMonth::of)) else { continue };
        let Some((yen, _)) = payment.amount_yen() else { continue };
        let years = sums.entry((payment.person, payment.kind)).or_default();
        let months = years.entry(month.year()).or_default();
        if let Some(cell) = months.get_mut(usize::from(month.month().saturating_sub(1))) {
            cell.yen = cell.yen.saturating_add(yen);
            cell.count = cell.count.saturating_add(1);
        }
    }
    let mut years_of: BTreeMap<usize, BTreeMap<u16, [bool; 12]>> = BTreeMap::new();
    for ((person, _), years) in &sums {
        for year in years.keys() {
            years_of.entry(*person).or_default().entry(*year).or_insert_with(|| {
                std::array::from_fn(|at| {
                    let month = u8::try_from(at).ok().and_then(|at| YearMonth::new(*year, at.saturating_add(1)));
                    month.is_some_and(|month| has_arrived(*person, month))
                })
            });
        }
    }
    let mut lines = Vec::new();
    for ((person, kind), years) in sums {
        let Some(all_years) = years_of.get(&person) else { continue };
        let not_arrived = |year: u16| all_years.get(&year).map(|months| months.iter().filter(|has| !**has).count());
        let sum = |year: u16| -> i64 {
            years.get(&year).into_iter().flatten().fold(0, |sum: i64, month| sum.saturating_add(month.yen))
        };
        for (year, arrived) in all_years {
            let mut months = years.get(year).copied().unwrap_or_default();
            for (month, has_arrived) in months.iter_mut().zip(arrived) {
                month.has_arrived = *has_arrived;
            }
            let before = year.checked_sub(1).filter(|before| all_years.contains_key(before));
            let missing = not_arrived(*year).unwrap_or(0).saturating_add(before.and_then(not_arrived).unwrap_or(0));
            lines.push(ComparedYear {
                year: *year,
                person,
                kind,
                yen: sum(*year),
                count: months.iter().fold(0, |count, month| count.saturating_add(month.count)),
                difference_yen: before.map(|before| sum(*year).saturating_sub(sum(before))),
                months_not_arrived: u32::try_from(missing).unwrap_or(u32::MAX),
                months,
            });
        }
    }
    lines.sort_by_key(|line| (line.year, line.person, line.kind));
    lines
}

/// Writes the comparison as CSV: year, person, kind, sum, count, difference, twelve months. Months of which nothing is
/// known are `未着`, months without the notice but with payments of the user's own end in `（未着あり）`.
///
/// # Errors
/// [`ExportError`]; rows may be written before one.
pub fn write_comparison(
    lines: &[ComparedYear],
    people: &[Person],
    options: Options,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut table = Table::csv(out, options);
    table
        .plain("年,対象者,診療区分,合計,件数,前年差,未着の月数,1月,2月,3月,4月,5月,6月,7月,8月,9月,10月,11月,12月")
        .end()?;
    for line in lines {
        let person = people.get(line.person).map_or("", |person| person.nickname.as_str());
        table.number(i64::from(line.year)).text(person).text(line.kind.japanese()).number(line.yen);
        table.number(i64::from(line.count));
        match line.difference_yen {
            Some(yen) => table.number(yen),
            None => table.plain(""),
        };
        table.number(i64::from(line.months_not_arrived));
        for month in &line.months {
            match (month.is_missing(), month.has_arrived) {
                (true, _) => table.plain("未着"),
                (false, true) => table.number(month.yen),
                (false, false) => table.joined(&[&month.yen.to_string(), "（未着あり）"]),
            };
        }
        table.end()?;
    }
    table.finish()
}
