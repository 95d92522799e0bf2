//! Exports of payments: household layouts, the tax form, years compared.

use std::collections::BTreeSet;

use kazasu::export::{
    Encoding, ExportKind, HouseholdOptions, TaxForm, compare_years, unencodable, write_comparison, write_household,
    write_money_forward, write_tax_form, write_zaim,
};
use serde_json::json;

use super::source::Source;
use super::workbook::{Filled, fill};
use super::{Export, findings};
use crate::failure::Failure;

/// Longest list of characters shown.
const MOST_CHARACTERS: usize = 20;
/// Largest workbook read, in bytes.
const LARGEST_WORKBOOK: usize = 17 << 20;

impl Export<'_> {
    /// Writes payments in the layout that was asked for and returns the number of rows.
    pub(super) fn payments(&mut self, source: &Source) -> Result<u64, Failure> {
        if !self.arguments.replace && self.kind != ExportKind::TaxFormWorkbook {
            let institutions = source.payments.iter().map(|payment| payment.institution.as_str());
            let people = source.people.iter();
            let names = people.flat_map(|one| [Some(one.nickname.as_str()), one.name.as_deref()]).flatten();
            refuse_unencodable(institutions.chain(names), self.file.encoding)?;
        }
        match self.kind {
            ExportKind::TaxForm | ExportKind::TaxFormWorkbook => self.tax_form(source),
            ExportKind::Comparison => self.comparison(source),
            ExportKind::MoneyForward | ExportKind::Zaim | ExportKind::Household => self.household(source),
            ExportKind::History | ExportKind::Bundle | ExportKind::Calendar => {
                Err(Failure::usage("this layout needs the store: leave out --from"))
            }
        }
    }

    fn household(&mut self, source: &Source) -> Result<u64, Failure> {
        let include_names = self.arguments.include_names;
        let options = HouseholdOptions { file: self.file, people: &source.people, include_names, account: None };
        let written = match self.kind {
            ExportKind::MoneyForward => write_money_forward(&source.payments, &options, &mut self.content)?,
            ExportKind::Zaim => write_zaim(&source.payments, &options, &mut self.content)?,
            _ => write_household(&source.payments, &options, &mut self.content)?,
        };
        for (finding, payments) in [("without_amount", written.without_amount), ("without_date", written.without_date)]
        {
            self.findings.extend((payments > 0).then(|| json!({"finding": finding, "payments": payments})));
        }
        Ok(written.rows)
    }

    fn comparison(&mut self, source: &Source) -> Result<u64, Failure> {
        let years = compare_years(&source.payments, &|person, month| source.has_arrived(person, month));
        write_comparison(&years, &source.people, self.file, &mut self.content)?;
        Ok(u64::try_from(years.len()).unwrap_or(u64::MAX))
    }

    fn tax_form(&mut self, source: &Source) -> Result<u64, Failure> {
        if let Some(nameless) = source.people.iter().find(|one| one.name.is_none() && one.shares_livelihood) {
            let nickname = &nameless.nickname;
            return Err(Failure::usage(format!("--name: the tax form needs the real name of {nickname}")));
        }
        let month = |payment: &kazasu::insurance::Payment| Some(payment.treatment_month?.year());
        let years: BTreeSet<u16> = source.payments.iter().filter_map(month).collect();
        let year = match (self.arguments.year, years.iter().collect::<Vec<_>>().as_slice()) {
            (Some(year), _) => year,
            (None, [year]) => **year,
            (None, _) => return Err(Failure::usage("--year: there are several years, or none")),
        };
        let form = TaxForm::collect(&source.payments, &source.people, year, &|_| None)?;
        self.findings.extend(form.findings.iter().map(findings::of_tax_form));
        let problems = form.problems();
        if !problems.is_empty() {
            let list = problems.iter().take(5).map(|problem| findings::of_tax_form(problem).to_string());
            let list: Vec<String> = list.collect();
            return Err(Failure::usage(format!("the tax form would not be taken: {}", list.join(", "))));
        }
        match &self.arguments.template {
            Some(template) => {
                let template = super::read(template, LARGEST_WORKBOOK)?;
                let filled = if self.arguments.replace_rows { Filled::Replace } else { Filled::Refuse };
                self.content = fill(&template, &form.rows, filled)?;
            }
            None => write_tax_form(&form, self.file, &mut self.content)?,
        }
        Ok(u64::try_from(form.rows.len()).unwrap_or(u64::MAX))
    }
}

/// Before anything is written the user sees every character at once.
pub(super) fn refuse_unencodable<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    encoding: Encoding,
) -> Result<(), Failure> {
    let missing = unencodable(texts, encoding);
    if missing.is_empty() {
        return Ok(());
    }
    let shown: String = missing.iter().take(MOST_CHARACTERS).collect();
    let count = missing.len();
    Err(Failure::usage(format!("{} lacks {count} characters: {shown}; --replace writes 〓", encoding.name())))
}
