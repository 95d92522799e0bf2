//! Whose card was read: shown to a person before anything is kept.

use kazasu::card::{Card, CardDate};
use kazasu::error::PinKind;
use kazasu::fhir::Eligibility;
use kazasu::session::Signed;
use kazasu::store::Candidate;
use kazasu::time::CalendarDate;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::secrets::Secrets;
use crate::{card, link};

/// Name and date of birth, as the card tells them.
pub(super) type Shown = (Option<String>, Option<CalendarDate>);

/// Whose card was read: as the card says, where it was asked, else as the server does.
pub(super) fn candidate(signed: &Signed, (name, birth_date): Shown, eligibility: &Eligibility) -> Candidate {
    Candidate {
        certificate: signed.certificate().der().to_vec(),
        capabilities: signed.capabilities(),
        name: name.or_else(|| eligibility.patient_name().map(str::to_owned)),
        birth_date: birth_date.or_else(|| eligibility.birth_date()),
    }
}

/// Name and date of birth from the card's text-input application. They are shown and not kept.
pub(super) fn read_name(global: &Global, output: Output) -> Result<Shown, Failure> {
    let look = card::look::before(PinKind::TextInput, global, output)?;
    let pin = Secrets::new(global.pin_stdin, output).text_input(look)?;
    link::wait(global, output)?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, look.capabilities);
    let attributes = card.select_text_input()?.attributes(pin, global.last_attempt())?;
    // What is not understood stands for nobody: it is as if the card did not tell.
    Ok((attributes.name.known().cloned(), attributes.birth_date.known().and_then(CardDate::to_calendar)))
}

/// Tells whose card it was; `card_told` where the card was asked for it.
pub(super) fn show(candidate: &Candidate, eligibility: &Eligibility, card_told: bool, output: Output) {
    output.note(output.say("読み取ったカードの方", "Whose card this is"));
    let unknown = if card_told {
        output.say("カードから読み取れません", "not to be read from the card")
    } else {
        output.say("不明（--show-name で確認）", "unknown (--show-name tells)")
    };
    let row = |ja: &str, en: &str, value: Option<String>| {
        output.note_field(output.say(ja, en), &value.unwrap_or_else(|| unknown.to_owned()));
    };
    row("氏名", "Name", candidate.name.clone());
    row("生年月日", "Birth date", candidate.birth_date.map(|date| date.to_string()));
    let coverage = eligibility.primary().and_then(|insurance| insurance.coverage());
    if let Some(insurer) = coverage.and_then(|coverage| coverage.insurer_name()) {
        row("保険者", "Insurer", Some(insurer.to_owned()));
    }
}
