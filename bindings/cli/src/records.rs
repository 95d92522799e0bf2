//! `kazasu records`: health records of the card's holder, newest first.

use kazasu::fhir::{AccessEntry, DataDate, Dispense, Expense, Immunization, Observation, Precision, Record, timeline};
use kazasu::guidance;
use kazasu::qualify::{Access, AllRecords, RecordKind};
use kazasu::store::{Query, RecordKey, Saved};
use kazasu::time::CalendarDate;
use serde_json::{Value, json};

use crate::access;
use crate::args::{Global, KindOfRecord, Lang, RecordsArguments};
use crate::duplicates;
use crate::failure::Failure;
use crate::family::{MemberKeeper, needs_member};
use crate::output::{COLUMNS, Output, fitted, shown, width};

/// Pairs of possibly the same medicine that are shown to people.
const MOST_PAIRS: usize = 5;

pub(crate) fn run(arguments: &RecordsArguments, global: &Global, output: Output) -> Result<(), Failure> {
    let since = arguments
        .since
        .as_deref()
        .map(|text| CalendarDate::parse(text).ok_or_else(|| Failure::usage("--since: YYYY-MM-DD")))
        .transpose()?;
    let kinds: Vec<RecordKind> = match arguments.kind.as_slice() {
        [] => RecordKind::ALL.to_vec(),
        chosen => chosen.iter().map(|kind| kind_of(*kind)).collect(),
    };
    if arguments.stored && global.member.is_none() {
        return Err(needs_member("records --stored needs --member NICKNAME"));
    }
    if let Some(nickname) = &global.member {
        return run_for_member(nickname, &kinds, since, arguments.stored, global, output);
    }
    let scopes: Vec<&str> = kinds.iter().map(|kind| kind.scope()).collect();
    let found = access::with(&scopes, global, output, |access| read(access, &kinds, since))?;
    print(&found, output);
    output.object(&to_json(&found));
    Ok(())
}

/// Keeps what the server has, unless only what is kept is asked for, and shows it.
fn run_for_member(
    nickname: &str,
    kinds: &[RecordKind],
    since: Option<CalendarDate>,
    stored: bool,
    global: &Global,
    output: Output,
) -> Result<(), Failure> {
    let mut keeper = MemberKeeper::open(global, nickname)?;
    let id = keeper.member.id;
    let mut saved = None;
    let (mut is_partial, mut foreign) = (false, Vec::new());
    if !stored {
        let found = access::with_keeper(&mut keeper, global, output, |access| read(access, kinds, since));
        let found = found.inspect_err(|failure| {
            if failure.code().starts_with("KZ-T") {
                output.note(output.say(
                    "保存済みの記録は --stored で見られます。",
                    "What was received before is shown with --stored.",
                ));
            }
        })?;
        (is_partial, foreign) = (found.is_partial, found.foreign);
        saved = Some(keeper.family.store.put_records(id, &found.records)?);
    }
    let types = kinds.iter().map(|kind| type_of(*kind)).collect();
    let query = Query { types, from: since, ..Query::default() };
    let page = keeper.family.store.records(id, &query, MOST_RECORDS)?;
    let unread: Vec<RecordKey> = page.records.iter().filter(|one| one.is_unread).map(|one| one.key).collect();
    is_partial |= page.next.is_some();
    let found = Found { records: page.records.into_iter().map(|one| one.record).collect(), is_partial, foreign };
    print(&found, output);
    let new = unread.len();
    output.line(format!("{} {new}", output.say("うち未読", "New among them:")));
    let mut object = to_json(&found);
    object["unread"] = new.into();
    if let Some(Saved { new, changed, unchanged }) = saved {
        object["saved"] = json!({"new": new, "changed": changed, "unchanged": unchanged});
    }
    output.object(&object);
    keeper.family.store.mark_read(id, Some(&unread))?;
    keeper.family.close()
}

/// Most records of the store that one command shows.
const MOST_RECORDS: u32 = 10_000;

const fn type_of(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Expense => Expense::TYPE,
        RecordKind::Medication => Dispense::TYPE,
        RecordKind::Immunization => Immunization::TYPE,
        RecordKind::Checkup => Observation::TYPE,
        RecordKind::AccessLog => AccessEntry::TYPE,
    }
}

/// What was found, in one list.
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    is_partial: bool,
    /// Kinds in whose answer somebody else's records stood.
    foreign: Vec<RecordKind>,
}

/// Reads these kinds, newest first.
pub(crate) fn read(access: &mut Access, kinds: &[RecordKind], since: Option<CalendarDate>) -> Result<Found, Failure> {
    let AllRecords { records, is_partial, foreign } = access.all_records(kinds, since)?;
    Ok(Found { records: timeline(records.into_iter().collect()), is_partial, foreign })
}

fn print(found: &Found, output: Output) {
    for record in &found.records {
        output.line(fitted(&line(record, output), COLUMNS));
    }
    let count = found.records.len();
    output.line(format!("{} {count}", output.say("件数", "Records:")));
    if found.is_partial {
        output.note(output.say(
            "続きがあります。--since で期間を短くしてください。",
            "There is more: shorten the period with --since.",
        ));
    }
    for kind in &found.foreign {
        let text = guidance::text_of_code(FOREIGN, output.lang.into()).unwrap_or_default();
        output.note(format!("{FOREIGN} {}: {text}", kind_words(*kind, output)));
    }
    let pairs = duplicates::find(&found.records);
    duplicates::print(&pairs, MOST_PAIRS, output);
}

fn to_json(found: &Found) -> Value {
    let records: Vec<Value> = found.records.iter().map(record_json).collect();
    let pairs = duplicates::to_json(&duplicates::find(&found.records));
    let dropped: Vec<Value> = found.foreign.iter().map(|kind| json!({"kind": kind.name(), "code": FOREIGN})).collect();
    json!({"records": records, "is_partial": found.is_partial, "dropped": dropped, "duplicates": pairs})
}

/// An answer that was about somebody else.
const FOREIGN: &str = "KZ-D08";

fn kind_words(kind: RecordKind, output: Output) -> &'static str {
    let (ja, en) = match kind {
        RecordKind::Expense => ("医療費", "expenses"),
        RecordKind::Medication => ("薬", "medicines"),
        RecordKind::Immunization => ("予防接種", "vaccinations"),
        RecordKind::Checkup => ("特定健診", "check-ups"),
        RecordKind::AccessLog => ("閲覧", "access log"),
    };
    output.say(ja, en)
}

/// Date, source, what it is about, and the figure that matters most.
pub(crate) fn line(record: &Record, output: Output) -> String {
    let date = record.date().map_or_else(|| "----------".to_owned(), date);
    let title = shown(record.title().unwrap_or("?"));
    let detail = match record {
        Record::Expense(expense) => {
            let amounts = expense.amounts();
            let mark = if amounts.is_mismatch() {
                output.say("（内訳が合いません）", " (parts do not add up)")
            } else {
                ""
            };
            amounts.patient_equivalent.map_or(String::new(), |yen| format!("{yen} {}{mark}", output.say("円", "yen")))
        }
        Record::Dispense(dispense) => {
            dispense.days().map_or(String::new(), |days| format!("{days} {}", output.say("日分", "days")))
        }
        Record::Observation(observation) => observation.value().unwrap_or_default(),
        Record::Immunization(immunization) => immunization.lot().unwrap_or_default().to_owned(),
        Record::Access(access) => access.requestor().unwrap_or_default().to_owned(),
    };
    let source = source(record, output);
    let padding = if output.lang == Lang::En { 20_usize } else { 14 }.saturating_sub(width(source));
    format!("{date:<10}  {source}{:padding$}  {title}  {}", "", shown(&detail)).trim_end().to_owned()
}

fn date(date: DataDate) -> String {
    match date.precision {
        Precision::Day => date.date.to_string(),
        Precision::Month => format!("{:04}-{:02}", date.date.year, date.date.month),
    }
}

fn source(record: &Record, output: Output) -> &'static str {
    let (ja, en) = match record.source() {
        "expense_notice" => ("医療費", "expense"),
        "claim" => ("薬（レセプト）", "medicine (claim)"),
        "prescription" => ("薬（処方）", "medicine (prescribed)"),
        "dispense" => ("薬（調剤）", "medicine (dispensed)"),
        "immunization" => ("予防接種", "vaccination"),
        "specific_checkup" => ("特定健診", "check-up"),
        "access_log" => ("閲覧", "access"),
        _ => ("その他", "other"),
    };
    output.say(ja, en)
}

fn record_json(record: &Record) -> Value {
    let mut object = json!({
        "source": record.source(),
        "date": record.date().map(date),
        "title": record.title(),
    });
    if let Record::Expense(expense) = record {
        let amounts = expense.amounts();
        object["total_cost"] = amounts.total_cost.into();
        object["insurer_paid"] = amounts.insurer_paid.into();
        object["public_paid"] = amounts.public_paid.into();
        object["patient_equivalent"] = amounts.patient_equivalent.into();
        object["amount_mismatch"] = amounts.is_mismatch().into();
    }
    object
}

fn kind_of(kind: KindOfRecord) -> RecordKind {
    match kind {
        KindOfRecord::Expense => RecordKind::Expense,
        KindOfRecord::Medication => RecordKind::Medication,
        KindOfRecord::Immunization => RecordKind::Immunization,
        KindOfRecord::Checkup => RecordKind::Checkup,
        KindOfRecord::AccessLog => RecordKind::AccessLog,
    }
}
