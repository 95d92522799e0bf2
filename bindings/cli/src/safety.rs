//! `kazasu safety`: 安心利用10カ条, evaluated over facts that an app would measure or ask.

use std::io::Read;

use kazasu::guidance::Language;
use kazasu::safety::{Evidence, Facts, Last, Outcome, Report, evaluate};
use kazasu::store::{Member, SecretKind};
use kazasu::time::{CalendarDate, Clock, SystemClock};
use serde_json::{Map, Value, json};

use crate::args::{Global, SafetyArguments};
use crate::failure::Failure;
use crate::family::Family;
use crate::log;
use crate::output::{Output, hanging};

/// Largest file read, in bytes.
const MAX_FILE: u64 = 64 << 10;

pub(crate) fn run(arguments: &SafetyArguments, global: &Global, output: Output) -> Result<(), Failure> {
    let today = CalendarDate::in_japan(SystemClock.now().not_before_build());
    let mut object = Map::new();
    // What the store knows comes first; the file and the answers say more.
    if let Some(mut family) = Family::open_if_there(global)? {
        object = of_store(&mut family, &arguments.answer, today)?;
        family.close()?;
    } else if !arguments.answer.is_empty() {
        return Err(Failure::usage("--answer is kept in the store: kazasu member add makes one"));
    }
    if let Some(path) = &arguments.facts {
        let fault = |detail: &dyn std::fmt::Display| Failure::usage(format!("{}: {detail}", path.display()));
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(|error| fault(&error))?;
        file.take(MAX_FILE).read_to_end(&mut bytes).map_err(|error| fault(&error))?;
        object.extend(serde_json::from_slice::<Map<String, Value>>(&bytes).map_err(|error| fault(&error))?);
    }
    let facts = facts_from(&object).map_err(|name| Failure::usage(format!("{name}: unknown, or not of its form")))?;
    print(&evaluate(&facts, today), output);
    Ok(())
}

/// What the log and the secrets tell, and what the user has answered so far.
fn of_store(family: &mut Family, answers: &[String], today: CalendarDate) -> Result<Map<String, Value>, Failure> {
    let kept = family.store.remembered(None, ANSWERS)?.unwrap_or_default();
    let mut object: Map<String, Value> = serde_json::from_slice(&kept).unwrap_or_default();
    for answer in answers {
        let (name, value) = answer.split_once('=').ok_or_else(|| Failure::usage("--answer NAME=VALUE"))?;
        object.insert(name.to_owned(), answered(value));
        if name == "card_was_lent" {
            object.insert("lending_answered_on".to_owned(), today.to_string().into());
        }
    }
    facts_from(&object).map_err(|name| Failure::usage(format!("--answer {name}: unknown, or not of its form")))?;
    if !answers.is_empty() {
        family.store.remember(None, ANSWERS, Value::from(object.clone()).to_string().as_bytes())?;
    }
    let seen = log::last_seen(family)?;
    let opened = seen.map_or_else(|| "never".to_owned(), |(day, _)| day.to_string());
    object.insert("log_opened".to_owned(), opened.into());
    let unseen = family.store.log_len().saturating_sub(seen.map_or(0, |(_, entries)| entries));
    object.insert("unseen_entries".to_owned(), unseen.into());
    let members = family.store.members()?;
    let can_stop = |member: &Member| Ok(family.store.secret(member.id, SecretKind::Access)?.is_some());
    let all: Result<Vec<bool>, Failure> = members.iter().map(can_stop).collect();
    object.insert("has_suspension_token".to_owned(), all?.into_iter().all(|can| can).into());
    Ok(object)
}

/// Name of the setting with the user's answers.
const ANSWERS: &str = "safety_answers";

fn answered(value: &str) -> Value {
    match value {
        "yes" => true.into(),
        "no" => false.into(),
        text => text.parse::<u32>().map_or_else(|_| text.into(), Value::from),
    }
}

/// Facts by the names of their fields; the name of one that cannot be.
fn facts_from(object: &Map<String, Value>) -> Result<Facts, String> {
    let mut facts = Facts::default();
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let day = || value.as_str().and_then(CalendarDate::parse);
        let last = || if value == "never" { Some(Last::Never) } else { day().map(Last::On) };
        let count = || value.as_u64().and_then(|count| u32::try_from(count).ok());
        let is_read = match name.as_str() {
            "pin_is_guessable" => set(&mut facts.pin_is_guessable, value.as_bool()),
            "pin_checked_on" => set(&mut facts.pin_checked_on, day()),
            "card_was_lent" => set(&mut facts.card_was_lent, value.as_bool()),
            "lending_answered_on" => set(&mut facts.lending_answered_on, day()),
            "unknown_accesses" => set(&mut facts.unknown_accesses, count()),
            "app_is_current" => set(&mut facts.app_is_current, value.as_bool()),
            "pins_until" => set(&mut facts.pins_until, day()),
            "os_patch" => set(&mut facts.os_patch, day()),
            "network_is_open" => set(&mut facts.network_is_open, value.as_bool()),
            "has_suspension_token" => set(&mut facts.has_suspension_token, value.as_bool()),
            "suspension_token_until" => set(&mut facts.suspension_token_until, day()),
            "official_number_taps" => set(&mut facts.official_number_taps, count()),
            "drill" => set(&mut facts.drill, last()),
            "pins_differ" => set(&mut facts.pins_differ, value.as_bool()),
            "reads" => set(&mut facts.reads, count()),
            "broken_reads" => set(&mut facts.broken_reads, count()),
            "log_opened" => set(&mut facts.log_opened, last()),
            "unseen_entries" => set(&mut facts.unseen_entries, count()),
            "unknown_institutions" => set(&mut facts.unknown_institutions, count()),
            "pin_entered_from_link" => set(&mut facts.pin_entered_from_link, value.as_bool()),
            "opens_verified_links_only" => set(&mut facts.opens_verified_links_only, value.as_bool()),
            "notices_fetched" => set(&mut facts.notices_fetched, last()),
            "notices_are_opened" => set(&mut facts.notices_are_opened, value.as_bool()),
            _ => false,
        };
        if !is_read {
            return Err(name.clone());
        }
    }
    Ok(facts)
}

fn set<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    *field = value;
    field.is_some()
}

fn print(report: &Report, output: Output) {
    let language = Language::from(output.lang);
    let score = report.score();
    for found in report.findings {
        let (number, title) = (found.item.number(), found.item.title(language));
        output.line(format!("{number:>2} {}  {title}", mark(found.outcome, language)));
        if found.outcome != Outcome::Pass {
            output.lines(hanging("     ", found.item.reason(language)));
            output.lines(hanging("     → ", found.item.action(language)));
        }
    }
    let (passed, known, unknown) = (score.passed, score.known, score.unknown);
    output.line(match language {
        Language::Japanese => format!("{known}項目のうち{passed}項目ができています（不明{unknown}項目）"),
        Language::English => format!("{passed} of {known} are kept ({unknown} not known)"),
        Language::EasyJapanese => format!("{known}のうち{passed}ができています（わからないもの{unknown}）"),
    });
    let findings = report.findings.iter().map(|found| {
        json!({
            "number": found.item.number(),
            "name": found.item.name(),
            "outcome": outcome(found.outcome),
            "evidence": evidence(found.evidence),
            "title": found.item.title(language),
            "action": found.item.action(language),
        })
    });
    let findings: Vec<Value> = findings.collect();
    output.object(&json!({"findings": findings, "passed": passed, "known": known, "unknown": unknown}));
}

fn mark(outcome: Outcome, language: Language) -> &'static str {
    match outcome {
        Outcome::Pass => language.choose("○ できています", "ok     ", "○ できています"),
        Outcome::Warn => language.choose("△ ご確認ください", "look   ", "△ 見てください"),
        Outcome::Fail => language.choose("× 対応してください", "mend   ", "× なおしてください"),
        Outcome::Unknown => language.choose("？ 不明", "unknown", "？ わかりません"),
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::Fail => "fail",
        Outcome::Unknown => "unknown",
    }
}

fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Measured => "measured",
        Evidence::Inferred => "inferred",
        Evidence::SelfDeclared => "self_declared",
        Evidence::NotCheckable => "not_checkable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_by_name_and_strange_ones_refused() {
        let read = |json: Value| facts_from(json.as_object().expect("an object"));
        let facts = read(
            json!({"reads": 10, "broken_reads": 3, "drill": "never", "os_patch": "2026-11-01", "network_is_open": null}),
        );
        let facts = facts.expect("facts");
        assert_eq!((facts.reads, facts.broken_reads, facts.drill), (Some(10), Some(3), Some(Last::Never)));
        assert_eq!((facts.os_patch, facts.network_is_open), (CalendarDate::parse("2026-11-01"), None));
        for strange in
            [json!({"pin": "1234"}), json!({"reads": -1}), json!({"drill": "2026-02-30"}), json!({"pins_differ": 1})]
        {
            assert!(read(strange.clone()).is_err(), "{strange}");
        }
    }
}
