//! `kazasu export`: the expense notice of マイナポータル for household tools and the tax office, without card and server.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use kazasu::export::{
    Encoding, ExportKind, HouseholdOptions, MAX_NOTICE_BYTES, NoticeImport, Options, TaxFinding, TaxForm, Unencodable,
    unencodable, write_household, write_money_forward, write_tax_form, write_zaim,
};
use kazasu::insurance::{Payment, Person};
use serde_json::{Value, json};

use crate::args::{ExportArguments, FileEncoding, Layout};
use crate::failure::Failure;
use crate::output::Output;
use crate::tax_form::{Filled, fill};

/// Longest list of characters shown.
const MOST_CHARACTERS: usize = 20;

pub(crate) fn run(arguments: &ExportArguments, output: Output) -> Result<(), Failure> {
    let bytes = read(&arguments.from, MAX_NOTICE_BYTES)?;
    let notice = NoticeImport::parse(&bytes, 0, &arguments.nickname)?;
    let people =
        [Person { nickname: arguments.nickname.clone(), name: arguments.name.clone(), shares_livelihood: true }];
    let kind = match arguments.layout {
        Layout::MoneyForward => ExportKind::MoneyForward,
        Layout::Zaim => ExportKind::Zaim,
        Layout::Household => ExportKind::Household,
        Layout::TaxForm if arguments.template.is_some() => ExportKind::TaxFormWorkbook,
        Layout::TaxForm => ExportKind::TaxForm,
    };
    let file = Options {
        encoding: arguments.encoding.map_or(kind.default_encoding(), Encoding::from),
        unencodable: if arguments.replace { Unencodable::Replace } else { Unencodable::Refuse },
    };
    if !arguments.replace && kind != ExportKind::TaxFormWorkbook {
        refuse_unencodable(&notice.payments, &people, file.encoding)?;
    }
    let mut content = Vec::new();
    let mut findings: Vec<Value> =
        notice.findings.iter().map(|one| json!({"finding": one.name(), "line": one.line()})).collect();
    let rows = match arguments.layout {
        Layout::TaxForm => tax_form(arguments, &notice.payments, &people, file, &mut content, &mut findings)?,
        layout => {
            let options =
                HouseholdOptions { file, people: &people, include_names: arguments.include_names, account: None };
            let written = match layout {
                Layout::MoneyForward => write_money_forward(&notice.payments, &options, &mut content)?,
                Layout::Zaim => write_zaim(&notice.payments, &options, &mut content)?,
                Layout::Household | Layout::TaxForm => write_household(&notice.payments, &options, &mut content)?,
            };
            if written.without_amount > 0 {
                findings.push(json!({"finding": "without_amount", "payments": written.without_amount}));
            }
            written.rows
        }
    };
    write(&arguments.output, &content)?;
    output.line(format!("{} {rows}", output.say("書き出した行", "Rows written:")));
    if kind == ExportKind::MoneyForward {
        output.line(output.say(
            "マネーフォワード ME 自体に CSV の取り込みはありません。他の取り込みツールや表計算で使えます。",
            "MoneyForward ME itself takes no CSV; other import tools and spreadsheets read it.",
        ));
    }
    output.line(output.say(
        "金額は医療費通知の窓口相当負担額です。領収書と違うことがあります。",
        "Amounts are those of the notice and may differ from receipts.",
    ));
    for finding in &findings {
        output.note(format!("{} {}", output.say("確認:", "Please check:"), words(finding, output)));
    }
    output.object(&json!({
        "kind": kind.name(), "rows": rows, "encoding": file.encoding.name(), "findings": findings,
        "read": {"payments": notice.payments.len(), "encoding": notice.encoding.name(), "insurer": notice.insurer},
    }));
    Ok(())
}

fn tax_form(
    arguments: &ExportArguments,
    payments: &[Payment],
    people: &[Person],
    file: Options,
    content: &mut Vec<u8>,
    findings: &mut Vec<Value>,
) -> Result<u64, Failure> {
    if arguments.name.is_none() {
        return Err(Failure::usage("--name: the tax form needs the real name"));
    }
    let years: BTreeSet<u16> = payments.iter().filter_map(|payment| Some(payment.treatment_month?.year())).collect();
    let year = match (arguments.year, years.iter().collect::<Vec<_>>().as_slice()) {
        (Some(year), _) => year,
        (None, [year]) => **year,
        (None, _) => return Err(Failure::usage("--year: the notice has several years or none")),
    };
    let form = TaxForm::collect(payments, people, year, &|_| None)?;
    findings.extend(form.findings.iter().map(tax_finding));
    let problems = form.problems();
    if !problems.is_empty() {
        let list: Vec<String> = problems.iter().take(5).map(|problem| tax_finding(problem).to_string()).collect();
        return Err(Failure::usage(format!("the tax form would not be taken: {}", list.join(", "))));
    }
    match &arguments.template {
        Some(template) => {
            let template = read(template, 17 << 20)?;
            let filled = if arguments.replace_rows { Filled::Replace } else { Filled::Refuse };
            *content = fill(&template, &form.rows, filled)?;
        }
        None => write_tax_form(&form, file, content)?,
    }
    Ok(u64::try_from(form.rows.len()).unwrap_or(u64::MAX))
}

/// A finding for machines. Rows are those of the form, from 9.
fn tax_finding(finding: &TaxFinding) -> Value {
    match finding {
        TaxFinding::LeftOut { reason, .. } => json!({"finding": "left_out", "reason": reason.name()}),
        TaxFinding::Clipped { .. } => json!({"finding": "clipped"}),
        TaxFinding::Grouped { rows } => json!({"finding": "grouped", "rows": rows}),
        TaxFinding::Mend { row, problem } => json!({"finding": problem.name(), "row": row + 9}),
        TaxFinding::TooManyRows { rows } => json!({"finding": "too_many_rows", "rows": rows}),
    }
}

/// A finding for people.
fn words(finding: &Value, output: Output) -> String {
    let name = finding["finding"].as_str().unwrap_or_default();
    let (ja, en) = match name {
        "amount_mismatch" => ("総額が内訳の合計と合いません", "the total is not the sum of its parts"),
        "sum_differs" => ("合計が明細と合いません", "a sum is not that of its lines"),
        "no_sums" => {
            ("合計がありません。ファイルが途中で切れていないか確かめてください", "the file has no sums: is it whole?")
        }
        "unreadable" => ("読み取れない値があります", "a value cannot be read"),
        "incomplete" => ("診療年月か金額がありません", "a month or an amount is missing"),
        "unknown_kind" => ("未知の診療区分です", "a kind of care is not known"),
        "my_number_dropped" => ("個人番号の疑いがある値を除きました", "what looks like a My Number was left out"),
        "left_out" => ("医療費控除の対象として書き出していません", "not written into the tax form"),
        "grouped" => {
            ("995行を超えるため、人・病院・区分ごとに合計しました", "over 995 rows: added up by person and institution")
        }
        _ => (name, name),
    };
    match finding["line"].as_u64() {
        Some(line) => format!("{} ({} {line})", output.say(ja, en), output.say("行", "line")),
        None => output.say(ja, en).to_owned(),
    }
}

/// Before anything is written the user sees every character at once.
fn refuse_unencodable(payments: &[Payment], people: &[Person], encoding: Encoding) -> Result<(), Failure> {
    let institutions = payments.iter().map(|payment| payment.institution.as_str());
    let names = people.iter().flat_map(|person| [Some(person.nickname.as_str()), person.name.as_deref()]).flatten();
    let missing = unencodable(institutions.chain(names), encoding);
    if missing.is_empty() {
        return Ok(());
    }
    let shown: String = missing.iter().take(MOST_CHARACTERS).collect();
    let count = missing.len();
    Err(Failure::usage(format!("{} lacks {count} characters: {shown}; --replace writes 〓", encoding.name())))
}

/// A file of at most `most` bytes.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// A new file; one that is there is not written over, as it may be the template or an earlier export.
fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(path).map_err(failed)?);
    file.write_all(content).and_then(|()| file.flush()).map_err(failed)
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
