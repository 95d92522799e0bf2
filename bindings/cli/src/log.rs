//! `kazasu log`: the access log of this computer.

use std::path::Path;

use kazasu::store::{Event, LogDamage, LogEntry, LogVerdict, Member};
use kazasu::time::CalendarDate;
use serde_json::{Value, json};

use crate::args::{Global, Lang, LogCommand};
use crate::failure::Failure;
use crate::family::Family;
use crate::files::Destination;
use crate::output::{COLUMNS, Output, fitted, padded, shown};

pub(crate) fn run(command: &LogCommand, global: &Global, output: Output) -> Result<(), Failure> {
    match command {
        LogCommand::List { limit } => list(*limit, global, output),
        LogCommand::Verify => verify(global, output),
        LogCommand::Export { output: file } => write_csv(file, global, output),
    }
}

fn list(limit: u32, global: &Global, output: Output) -> Result<(), Failure> {
    let mut family = Family::open(global)?;
    let members = family.store.members()?;
    let entries = family.store.log_entries(None, limit)?;
    for entry in &entries {
        let words = entry.event.words(output.lang != Lang::En);
        let words = padded(words, 22);
        let time = entry.at.to_rfc3339();
        let time = time.get(..19).unwrap_or(&time).replace('T', " ");
        output.line(
            fitted(&format!("{time}  {words}{:<6}  {}", entry.result, shown(nickname(entry, &members))), COLUMNS)
                .trim_end(),
        );
    }
    output.line(format!("{} {}", output.say("全件数", "Entries in all:"), family.store.log_len()));
    let listed: Vec<Value> = entries.iter().map(|entry| to_json(entry, &members)).collect();
    output.object(&json!({"entries": listed, "total": family.store.log_len()}));
    family.store.mark_log_read()?;
    family.close()
}

/// The day on which the log was last looked at, and how many entries it had.
pub(crate) fn last_seen(family: &Family) -> Result<Option<(CalendarDate, u64)>, Failure> {
    Ok(family.store.log_last_read()?.map(|(at, entries)| (CalendarDate::in_japan(at), entries)))
}

fn nickname<'a>(entry: &LogEntry, members: &'a [Member]) -> &'a str {
    let member = members.iter().find(|member| Some(member.id) == entry.member);
    member.map_or("", |member| &member.profile.nickname)
}

fn to_json(entry: &LogEntry, members: &[Member]) -> Value {
    json!({
        "n": entry.n,
        "at": entry.at.to_rfc3339(),
        "event": entry.event.name(),
        "result": entry.result,
        "member": Some(nickname(entry, members)).filter(|nickname| !nickname.is_empty()),
        "hash": hex(&entry.link),
    })
}

fn verify(global: &Global, output: Output) -> Result<(), Failure> {
    let mut family = Family::open(global)?;
    match family.store.verify()? {
        LogVerdict::Whole { entries, checkpoints } => {
            output.line(output.say("保存データと記録は書かれたままです", "Store and log are as they were written"));
            output.field(output.say("記録", "Entries"), &entries.to_string());
            output.field(output.say("署名", "Signatures"), &checkpoints.to_string());
            output.object(&json!({"whole": true, "entries": entries, "checkpoints": checkpoints}));
            family.close()
        }
        LogVerdict::Broken { n, what } => {
            let (ja, en) = match what {
                LogDamage::Missing => ("ここから抜けています", "is missing"),
                LogDamage::Changed => ("書き換えられています", "was changed"),
                LogDamage::Checkpoint => ("署名と合いません", "differs from the signature"),
                LogDamage::End => ("末尾が合いません", "is not the end that was written"),
            };
            output.line(match output.lang {
                Lang::En => format!("Entry {n} {en}"),
                _ => format!("{n}番目の記録が{ja}"),
            });
            output.object(&json!({"whole": false, "first_broken": n}));
            Err(kazasu::error::StoreFault::Damaged { what: "log" }.into())
        }
    }
}

/// CSV of every entry: the hash of each is that of its contents and of all before it.
fn write_csv(file: &Path, global: &Global, output: Output) -> Result<(), Failure> {
    let mut family = Family::open(global)?;
    let destination = Destination::new(file)?;
    family.store.append_log(Event::Exported, None, Ok(()))?;
    let members = family.store.members()?;
    let mut csv = String::from("n,at,event,result,member,hash\r\n");
    let last = family.store.log_len();
    family.store.visit_log(1, last, |entry| {
        let (at, who) = (entry.at.to_rfc3339(), quoted(nickname(&entry, &members)));
        let (n, event, hash) = (entry.n, entry.event.name(), hex(&entry.link));
        csv += &format!("{n},{at},{event},{},{who},{hash}\r\n", entry.result);
        Ok(())
    })?;
    destination.write(csv.as_bytes())?;
    let written = match output.say("ja", "en") {
        "ja" => format!("記録を書き出しました: {last}件"),
        _ => format!("Log written: {last} entries"),
    };
    output.line(written);
    output.object(&json!({"file": file.display().to_string(), "entries": last}));
    family.close()
}

/// A nickname as a CSV cell on one line that no spreadsheet takes for a formula.
fn quoted(text: &str) -> String {
    let text = shown(text);
    let guard = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if text.is_empty() { String::new() } else { format!("\"{guard}{}\"", text.replace('"', "\"\"")) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
