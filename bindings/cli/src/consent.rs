//! `kazasu consent`: what others may see, one thing at a time.

use kazasu::fhir::{Consent, ConsentKind, ConsentTerms, ConsentTo, DataDate, NAMESPACE};
use kazasu::qualify::{Access, Notice};
use kazasu::store::Event;
use kazasu::time::CalendarDate;
use serde_json::{Value, json};

use crate::args::{ConsentCommand, Global, KindOfConsent};
use crate::failure::Failure;
use crate::output::{Output, quoted};
use crate::{access, ask};

const SCOPE: &str = "patient/Consent.crus";

pub(crate) fn run(command: &ConsentCommand, global: &Global, output: Output) -> Result<(), Failure> {
    match command {
        ConsentCommand::List => list(global, output),
        ConsentCommand::Give { kind, until, yes } => give(*kind, until.as_deref(), *yes, global, output),
        ConsentCommand::Withdraw { kind, yes } => withdraw(*kind, *yes, global, output),
    }
}

fn list(global: &Global, output: Output) -> Result<(), Failure> {
    let (consents, today) = access::with(&[SCOPE], global, output, |access| Ok((access.consents()?, today(access))))?;
    output.line(output.say("提供への同意", "Consents"));
    for consent in consents.iter().filter(|consent| consent.is_active_on(today)) {
        output.field(consent.kind_words().unwrap_or("?"), &last_day(consent, output));
    }
    if !consents.iter().any(|consent| consent.is_active_on(today)) {
        output.line(output.say("  ありません（何も提供されません）", "  none: nothing is shared"));
    }
    output.object(&json!({"consents": consents.iter().map(|one| to_json(one, today)).collect::<Vec<_>>()}));
    Ok(())
}

fn give(kind: KindOfConsent, until: Option<&str>, yes: bool, global: &Global, output: Output) -> Result<(), Failure> {
    ask::can_ask(yes)?;
    let kind = kind.into();
    let until = until.map(|text| CalendarDate::parse(text).ok_or_else(|| Failure::usage("--until: YYYY-MM-DD")));
    let until = until.transpose()?;
    let given = access::changing(Event::ConsentChanged, &[SCOPE], global, output, |access| {
        let start = today(access);
        let end = until.unwrap_or_else(|| start.years_later(1));
        let notice = notice(kind, end);
        output.notes(quoted(&notice.text));
        if !yes && !ask::agrees(output.say("同意しますか", "Do you consent?"), output)? {
            return Ok(None);
        }
        let policy = format!("{NAMESPACE}/policy/{}", notice.id);
        let hash = notice.sha256();
        let to = ConsentTo::Providers(kind);
        let request =
            access.prepare_consent(&ConsentTerms { to, start, end, notice_sha256: &hash, policy: &policy })?;
        Ok(Some((access.give_consent(&request)?, start)))
    })?;
    report(given, output.say("同意しました", "Consent given"), output);
    Ok(())
}

fn withdraw(kind: KindOfConsent, yes: bool, global: &Global, output: Output) -> Result<(), Failure> {
    ask::can_ask(yes)?;
    let kind: ConsentKind = kind.into();
    let withdrawn = access::changing(Event::ConsentChanged, &[SCOPE], global, output, |access| {
        let today = today(access);
        let consents = access.consents()?;
        let of_kind = |one: &&Consent| one.kind() == Some(kind.code()) && one.is_active_on(today);
        let Some(mut consent) = consents.iter().find(of_kind).cloned() else {
            return Err(Failure::usage("there is no consent of this kind").advise(
                "この同意はありません。kazasu consent list で確かめてください",
                "There is no such consent. Please look at: kazasu consent list",
            ));
        };
        loop {
            output.note(format!("{} {}", kind.japanese(), last_day(&consent, output)));
            if !yes && !ask::agrees(output.say("同意を撤回しますか", "Withdraw this consent?"), output)? {
                return Ok(None);
            }
            match access.withdraw_consent(&consent) {
                // Changed on another device: what is withdrawn is what was seen, so it is shown again first.
                Err(error) if error.code() == "KZ-D03" && !yes => {
                    consent = access.consent(consent.id().unwrap_or_default())?;
                }
                outcome => return Ok(Some((outcome?, today))),
            }
        }
    })?;
    report(withdrawn, output.say("同意を撤回しました", "Consent withdrawn"), output);
    Ok(())
}

/// What the person agrees to, in full.
fn notice(kind: ConsentKind, end: CalendarDate) -> Notice {
    let text = format!("{end}まで、受診・調剤を受ける医療機関及び薬局への{}に同意します。", kind.japanese());
    Notice { id: "consent-1".to_owned(), text }
}

fn report(outcome: Option<(Consent, CalendarDate)>, done: &str, output: Output) {
    match outcome {
        Some((consent, today)) => {
            output.line(done);
            // Of a withdrawn one the last day that it had means nothing.
            let until = if consent.is_active_on(today) { last_day(&consent, output) } else { String::new() };
            output.field(consent.kind_words().unwrap_or("?"), &until);
            output.object(&json!({"consent": to_json(&consent, today)}));
        }
        None => output.object(&json!({"consent": null})),
    }
}

fn today(access: &Access) -> CalendarDate {
    CalendarDate::in_japan(access.server_time())
}

fn last_day(consent: &Consent, output: Output) -> String {
    let day = consent.end().map_or_else(|| "?".to_owned(), |end: DataDate| end.date.to_string());
    match output.say("ja", "en") {
        "ja" => format!("{day}まで"),
        _ => format!("until {day}"),
    }
}

fn to_json(consent: &Consent, today: CalendarDate) -> Value {
    json!({
        "kind": consent.kind(),
        "active": consent.is_active_on(today),
        "end": consent.end().map(|end| end.date.to_string()),
        "notice_sha256": consent.notice_sha256(),
    })
}
