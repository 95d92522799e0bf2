//! `kazasu card attributes` and `kazasu card birth-date`.

use kazasu::card::{Attributes, Card, CardDate, Sex, Verification};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::PinKind;
use serde_json::{Value, json};

use super::field::{self, Gaps};
use super::{last_attempt, look, proof};
use crate::args::Global;
use crate::failure::Failure;
use crate::link;
use crate::output::Output;
use crate::secrets::Secrets;

pub(super) fn run(verify: bool, global: &Global, output: Output) -> Result<(), Failure> {
    let look = look::before(PinKind::TextInput, global, output)?;
    let pin = Secrets::new(global.pin_stdin, output).text_input(look)?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, look.capabilities);
    let mut text_input = card.select_text_input()?;
    let attributes = if verify {
        let authorities = proof::authorities()?;
        let verification = Verification::full(&authorities, SignatureVerifier::ring());
        text_input.attributes_with_proof(pin, last_attempt(global), verification)?
    } else {
        text_input.attributes(pin, last_attempt(global))?
    };
    drop(transport);
    if verify {
        proof::insist(&attributes.proof, "attributes")?;
    }
    print(&attributes, output);
    output.object(&to_json(&attributes));
    Ok(())
}

pub(super) fn print(attributes: &Attributes, output: Output) {
    output.line(output.say("基本4情報", "Attributes"));
    output.field(output.say("氏名", "Name"), &field::text(&attributes.name, String::clone, output));
    output.field(output.say("住所", "Address"), &field::text(&attributes.address, String::clone, output));
    output.field(output.say("生年月日", "Birth date"), &field::text(&attributes.birth_date, date, output));
    output.field(output.say("性別", "Sex"), &field::text(&attributes.sex, |known| sex(*known, output), output));
    field::print_others(&attributes.others, "", output);
    proof::print(&attributes.proof, output);
}

pub(super) fn to_json(attributes: &Attributes) -> Value {
    let mut gaps = Gaps::default();
    let mut object = json!({
        "name": gaps.value("name", &attributes.name, |name| json!(name)),
        "address": gaps.value("address", &attributes.address, |address| json!(address)),
        "birth_date": gaps.value("birth_date", &attributes.birth_date, |known| json!(date(known))),
        "sex": gaps.value("sex", &attributes.sex, |sex| json!(sex.name())),
        "proof": proof::to_json(&attributes.proof),
    });
    gaps.note_in(&mut object, "other_fields", &attributes.others);
    object
}

pub(super) fn birth_date(global: &Global, output: Output) -> Result<(), Failure> {
    let look = look::before(PinKind::BirthDate, global, output)?;
    let number = Secrets::new(global.pin_stdin, output).birth_date(look)?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, look.capabilities);
    let mut surface = card.select_surface()?;
    let authorities = proof::authorities()?;
    let verification = Verification::full(&authorities, SignatureVerifier::ring());
    let record = surface.birth_date_with_proof(number, last_attempt(global), verification)?;
    drop(transport);
    proof::insist(&record.proof, "birth date")?;
    output.field(output.say("生年月日", "Birth date"), &field::text(&record.birth_date, date, output));
    field::print_others(&record.unsigned_others, field::not_signed(output), output);
    proof::print(&record.proof, output);
    let mut gaps = Gaps::default();
    let known = gaps.value("birth_date", &record.birth_date, |known| json!(date(known)));
    let mut object = json!({"birth_date": known, "proof": proof::to_json(&record.proof)});
    gaps.note_in(&mut object, "unsigned_other_fields", &record.unsigned_others);
    output.object(&object);
    Ok(())
}

/// `YYYY-MM-DD`, or the card's eight digits where month or day is unknown.
pub(super) fn date(date: &CardDate) -> String {
    date.to_calendar().map_or_else(|| date.digits().to_owned(), |date| date.to_string())
}

pub(super) fn sex(sex: Sex, output: Output) -> String {
    let words = match sex {
        Sex::Male => output.say("男", "male"),
        Sex::Female => output.say("女", "female"),
        Sex::NotApplicable => output.say("適用不能", "not applicable"),
        Sex::Unknown => output.say("不明", "unknown"),
    };
    words.to_owned()
}
