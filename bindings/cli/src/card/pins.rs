//! `kazasu card pin-status` and `kazasu card pin-change`.

use kazasu::card::{Card, PinAttempts};
use kazasu::error::PinKind;
use kazasu::iso7816::CardCapabilities;
use kazasu::safety::{self, Holder};
use kazasu::time::CalendarDate;
use serde_json::{Value, json};

use super::look;
use crate::args::{ChangeablePin, Global, PinChangeArguments};
use crate::failure::Failure;
use crate::link;
use crate::output::Output;
use crate::secrets::Secrets;

pub(super) fn status(global: &Global, output: Output) -> Result<(), Failure> {
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let found = card.attempts_left()?;
    print(&found, output);
    output.object(&to_json(&found));
    Ok(())
}

/// Each PIN with its tries; a child's card has no signature password, a phone certificates only.
fn each(found: &[PinAttempts]) -> impl Iterator<Item = (PinKind, Option<&PinAttempts>)> {
    PinKind::ALL.into_iter().map(|kind| (kind, found.iter().find(|attempts| attempts.kind == kind)))
}

pub(super) fn print(found: &[PinAttempts], output: Output) {
    output.line(output.say("暗証番号の残り回数", "Tries left"));
    for (kind, attempts) in each(found) {
        let text = match attempts {
            None => output.say("なし", "none").to_owned(),
            Some(attempts) => {
                let left = attempts.attempts_left.map_or("?".to_owned(), |left| left.to_string());
                format!("{left} / {}", attempts.max_attempts)
            }
        };
        output.field(name(kind, output), &text);
    }
}

pub(super) fn to_json(found: &[PinAttempts]) -> Value {
    let json = |attempts: &PinAttempts| json!({"attempts_left": attempts.attempts_left, "max_attempts": attempts.max_attempts});
    each(found).map(|(kind, attempts)| (kind.name().to_owned(), attempts.map_or(Value::Null, json))).collect()
}

fn name(kind: PinKind, output: Output) -> &'static str {
    match kind {
        PinKind::UserAuthentication => output.say("利用者証明用", "User authentication"),
        PinKind::Signature => output.say("署名用", "Signature"),
        PinKind::TextInput => output.say("券面事項入力補助用", "Text input"),
        PinKind::VerificationNumberB => output.say("照合番号B", "Number B (printed)"),
        PinKind::BirthDate => output.say("生年月日", "Birth date (printed)"),
    }
}

pub(super) fn change(arguments: &PinChangeArguments, global: &Global, output: Output) -> Result<(), Failure> {
    let birth_date = arguments
        .birth_date
        .as_deref()
        .map(|text| CalendarDate::parse(text).ok_or_else(|| Failure::usage("--birth-date: YYYY-MM-DD")));
    let holder = Holder { birth_date: birth_date.transpose()?, phone: arguments.phone.as_deref() };
    let check = |new: &[u8]| {
        if !arguments.accept_guessable && safety::is_guessable_secret(new, holder) {
            return Err(Failure::usage(output.say(
                "推測されやすい暗証番号です（--accept-guessable で許可。送信していません）",
                "this PIN is easy to guess; --accept-guessable permits it; nothing was sent",
            )));
        }
        Ok(())
    };
    let secrets = Secrets::new(global.pin_stdin, output);
    let last = global.last_attempt();
    let kind = match arguments.kind {
        ChangeablePin::Auth => PinKind::UserAuthentication,
        ChangeablePin::Sign => PinKind::Signature,
        ChangeablePin::Text => PinKind::TextInput,
    };
    let look = look::before(kind, global, output)?;
    // Both are entered, and looked at, before the card gets anything.
    match arguments.kind {
        ChangeablePin::Auth => {
            let (current, new) = (secrets.user_authentication(look)?, secrets.new_user_authentication(&check)?);
            let mut transport = link::open(global, output)?;
            let mut card = Card::new(&mut *transport, look.capabilities);
            card.select_jpki()?.change_user_authentication(current, new, last)?;
        }
        ChangeablePin::Sign => {
            let (current, new) = (secrets.signature(look)?, secrets.new_signature(&check)?);
            let mut transport = link::open(global, output)?;
            let mut card = Card::new(&mut *transport, look.capabilities);
            card.select_jpki()?.change_signature_password(current, new, last)?;
        }
        ChangeablePin::Text => {
            let (current, new) = (secrets.text_input(look)?, secrets.new_text_input(&check)?);
            let mut transport = link::open(global, output)?;
            let mut card = Card::new(&mut *transport, look.capabilities);
            card.select_text_input()?.change_pin(current, new, last)?;
        }
    }
    output.line(format!("{}: {}", output.say("変更しました", "Changed"), name(kind, output)));
    output.object(&json!({"changed": kind.name()}));
    Ok(())
}
