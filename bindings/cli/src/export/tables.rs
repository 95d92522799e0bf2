//! Exports of payments: household layouts, the tax form, years compared.

use std::collections::BTreeSet;

use kazasu::export::{
    Encoding, ExportKind, HouseholdOptions, TaxForm, compare_years, unencodable, write_comparison, write_household,
    write_money_forward, write_tax_form, write_zaim,
};
use kazasu::insurance::Payment;
use serde_json::{Value, json};

use super::deduction::Deduction;
use super::source::Source;
use super::workbook::{Filled, fill};
use super::{Export, findings};
use crate::failure::Failure;
use crate::files;

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
                Err(Failure::usage("this layout needs the store").advise(
                    "この書き出しは --from では作れません。--from を外してください",
                    "This layout is made from the store. Please leave out --from.",
                ))
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

    /// `--year`, or the only one there is.
    fn tax_year(&self, source: &Source) -> Result<u16, Failure> {
        if let Some(year) = self.arguments.year {
            return Ok(year);
        }
        let year = |payment: &Payment| {
            payment.paid_on.map(|day| day.year).or_else(|| payment.treatment_month.map(|month| month.year()))
        };
        let years: BTreeSet<u16> = source.payments.iter().filter_map(year).collect();
        let list: Vec<String> = years.iter().map(u16::to_string).collect();
        match years.first() {
            Some(year) if years.len() == 1 => Ok(*year),
            Some(_) => Err(Failure::usage(format!("--year: {}", list.join(", ")))
                .advise("--year で年を一つ選んでください", "Please choose a year with --year.")),
            None => Err(Failure::usage("no payments").advise(
                "支払いがまだありません。先に取り込んでください",
                "There are no payments yet. Please take some in first.",
            )),
        }
    }

    /// The form needs the real name of everybody who is in it.
    fn refuse_nameless(&self, payments: &[&Payment], source: &Source, year: u16) -> Result<(), Failure> {
        let mut nameless = Vec::new();
        for (at, person) in source.people.iter().enumerate().filter(|(_, person)| person.name.is_none()) {
            let own = payments.iter().filter(|payment| payment.person == at).copied();
            if !TaxForm::collect(own, &source.people, year, &|_| None)?.rows.is_empty() {
                nameless.push(format!("--name {}=…", person.nickname));
            }
        }
        if nameless.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(nameless.join(" ")).advise(
            "様式には氏名が必要です。--name 呼び名=氏名 を付けてください",
            "The form needs real names. Please add --name NICKNAME=NAME.",
        ))
    }

    fn tax_form(&mut self, source: &Source) -> Result<u64, Failure> {
        let year = self.tax_year(source)?;
        let looked = Deduction::of(source, year, self.arguments)?;
        self.estimate = looked.estimate;
        let once = source.payments.iter().enumerate().filter(|(at, _)| !looked.twice.contains(at));
        let payments: Vec<&Payment> = once.map(|(_, payment)| payment).collect();
        self.refuse_nameless(&payments, source, year)?;
        let mut form = TaxForm::collect(payments, &source.people, year, &|_| None)?;
        self.findings.extend(looked.findings);
        if self.arguments.shorten {
            for row in &mut form.rows {
                row.name = cut(&row.name, MAX_NAME);
                row.institution = cut(&row.institution, MAX_INSTITUTION);
            }
        }
        self.findings.extend(form.findings.iter().map(findings::of_tax_form));
        let problems: Vec<Value> = form.problems().iter().map(findings::of_tax_form).collect();
        if let Some(first) = problems.first() {
            let fault = Failure::usage(format!(
                "the tax form would not be taken: {} of {} rows, first row {}: {}",
                problems.len(),
                form.rows.len(),
                first["row"],
                first["finding"].as_str().unwrap_or_default(),
            ));
            let is_long = |problem: &Value| problem["finding"].as_str().is_some_and(|name| name.ends_with("_too_long"));
            return Err(if problems.iter().all(is_long) {
                fault.advise(
                    "名称が様式に入りません。--shorten を付けると短くして書き出します",
                    "Names are too long for the form. --shorten cuts them.",
                )
            } else {
                fault.advise(
                    "様式に入らない行があります。内容を確かめてください",
                    "Some rows do not fit the form. Please look at them.",
                )
            });
        }
        match &self.arguments.template {
            Some(template) => {
                let template = files::read_beyond(template, LARGEST_WORKBOOK)?;
                let filled = if self.arguments.replace_rows { Filled::Replace } else { Filled::Refuse };
                self.content = fill(&template, &form.rows, filled)?;
            }
            None => write_tax_form(&form, self.file, &mut self.content)?,
        }
        Ok(u64::try_from(form.rows.len()).unwrap_or(u64::MAX))
    }
}

/// Characters that the form takes, counted as it does: UTF-16 code units.
const MAX_NAME: usize = 10;
const MAX_INSTITUTION: usize = 20;

/// The beginning of a text, of so many UTF-16 code units at most.
fn cut(text: &str, most: usize) -> String {
    let mut units = 0;
    text.chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= most
        })
        .collect()
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
    Err(Failure::usage(format!("{} lacks {count} characters: {shown}; --replace writes 〓", encoding.name())).advise(
        "この文字コードにない文字があります。--replace を付けると〓にします",
        "The encoding lacks some characters. --replace writes 〓 for them.",
    ))
}
