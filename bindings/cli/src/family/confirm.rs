//! `kazasu member confirm`: the server calls a member's card by another id than before, and a person says whose it is.

use kazasu::session::Member as SessionMember;
use kazasu::store::{CheckedBy, Contact};
use serde_json::json;

use super::keeper::{Keeper, MemberKeeper};
use super::look;
use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::tap;
use crate::{access, ask};

pub(super) fn run(nickname: &str, yes: bool, global: &Global, output: Output) -> Result<(), Failure> {
    ask::can_ask(yes)?;
    let mut keeper = MemberKeeper::open(global, nickname)?;
    let mut settings = tap::settings(global)?;
    access::ask_for(&mut settings, &access::ALL_SCOPES);
    keeper.prepare(&mut settings);
    access::no_stop_waits(&keeper)?;
    // A server that has renamed somebody is not the one to say who it is: the card does.
    let shown = look::read_name(global, output)?;
    // Whoever the server says it is: the card is the one registered, and a person looks.
    let member = SessionMember { patient: None, ..keeper.member(&settings)? };
    let mut signed = tap::sign_with(&settings, member, global, output).map_err(|failed| *failed)?;
    let qualified = tap::ask(&mut signed, output)?;
    let candidate = look::candidate(&signed, shown, &qualified.eligibility);
    look::show(&candidate, &qualified.eligibility, true, output);
    let question = output.say("この方で間違いありませんか", "Is this the right person?");
    if !yes && !ask::agrees(question, output)? {
        output.object(&json!({"confirmed": null}));
        return Ok(());
    }
    let check = super::check(CheckedBy::Card, &Ok(qualified));
    let contact = Contact { check: Some(&check), is_confirmed: true, ..Contact::default() };
    keeper.keep_contact(Some(&mut signed.into_access()?), contact)?;
    keeper.family.close()?;
    output.line(format!("{}: {nickname}", output.say("確認しました", "Confirmed")));
    output.object(&json!({"confirmed": nickname}));
    Ok(())
}
