//! `kazasu export`: files for household tools, the tax office, calendars and readers of FHIR, from the family's store or,
//! without card, server and store, from the expense notice of マイナポータル.

mod deduction;
mod findings;
mod source;
mod stored;
mod tables;
mod workbook;

pub(crate) use findings::show as show_findings;

use kazasu::export::{Encoding, ExportKind, Options, Unencodable};
use kazasu::store::Event;
use serde_json::{Value, json};

use crate::args::{ExportArguments, FileEncoding, Global, Layout};
use crate::failure::Failure;
use crate::family::Family;
use crate::files::Destination;
use crate::output::Output;
use deduction::Estimate;
use source::Source;

pub(crate) fn run(arguments: &ExportArguments, global: &Global, output: Output) -> Result<(), Failure> {
    let kind = kind_of(arguments);
    let of_tax_form = arguments.income.is_some() || arguments.keep_twice || arguments.shorten;
    if of_tax_form && arguments.layout != Layout::TaxForm {
        return Err(Failure::usage("--income, --keep-twice and --shorten are for tax-form"));
    }
    let file = Destination::new(&arguments.output)?;
    let mut export = Export {
        arguments,
        kind,
        file: Options {
            encoding: arguments.encoding.map_or(kind.default_encoding(), Encoding::from),
            unencodable: if arguments.replace { Unencodable::Replace } else { Unencodable::Refuse },
        },
        findings: Vec::new(),
        estimate: None,
        content: Vec::new(),
    };
    let written = export.collect(global);
    findings::show(&export.findings, output);
    let (rows, read) = written?;
    file.write(&export.content)?;
    output.line(format!("{} {rows}", output.say("書き出した行:", "Rows written:")));
    findings::print_notes(kind, output);
    let mut object = json!({
        "kind": kind.name(), "rows": rows, "encoding": export.file.encoding.name(), "findings": export.findings,
        "read": read,
    });
    if arguments.layout == Layout::TaxForm {
        object["deduction"] = export.estimate.as_ref().map_or(Value::Null, Estimate::to_json);
    }
    if let Some(estimate) = &export.estimate {
        estimate.print(output);
    }
    output.object(&object);
    Ok(())
}

impl Export<'_> {
    /// Fills the content; tells the rows, and what was read.
    fn collect(&mut self, global: &Global) -> Result<(u64, Value), Failure> {
        let (arguments, export) = (self.arguments, self);
        let (rows, read) = match &arguments.from {
            Some(notice) => {
                let source = Source::of_notice(notice, arguments)?;
                export.findings.clone_from(&source.findings);
                (export.payments(&source)?, source.read)
            }
            None => {
                let mut family = Family::open(global)?;
                let members = family.find_all(&chosen(arguments, global))?;
                let rows = export.of_members(&family, &members)?;
                // Told before the file is there: what has left is in the log.
                let only = members.first().filter(|_| members.len() == 1).map(|member| member.id);
                family.store.append_log(Event::Exported, only, Ok(()))?;
                family.close()?;
                (rows, json!({"members": members.len()}))
            }
        };
        Ok((rows, read))
    }
}

/// One export in the making.
struct Export<'a> {
    arguments: &'a ExportArguments,
    kind: ExportKind,
    file: Options,
    /// For the user to look at.
    findings: Vec<Value>,
    /// 試算, with the tax form.
    estimate: Option<Estimate>,
    content: Vec<u8>,
}

/// `--member` of this command, which may be given more than once, or the one before it.
fn chosen(arguments: &ExportArguments, global: &Global) -> Vec<String> {
    if arguments.of.is_empty() { global.member.iter().cloned().collect() } else { arguments.of.clone() }
}

fn kind_of(arguments: &ExportArguments) -> ExportKind {
    match arguments.layout {
        Layout::MoneyForward => ExportKind::MoneyForward,
        Layout::Zaim => ExportKind::Zaim,
        Layout::Household => ExportKind::Household,
        Layout::TaxForm if arguments.template.is_some() => ExportKind::TaxFormWorkbook,
        Layout::TaxForm => ExportKind::TaxForm,
        Layout::Comparison => ExportKind::Comparison,
        Layout::History => ExportKind::History,
        Layout::Bundle => ExportKind::Bundle,
        Layout::Calendar => ExportKind::Calendar,
    }
}

impl From<FileEncoding> for Encoding {
    fn from(encoding: FileEncoding) -> Self {
        match encoding {
            FileEncoding::Utf8Bom => Self::Utf8Bom,
            FileEncoding::Utf8 => Self::Utf8,
            FileEncoding::Cp932 => Self::Cp932,
        }
    }
}
