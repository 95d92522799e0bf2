//! `kazasu register`: 健康保険証の利用登録, followed by its receipt.

use std::time::Duration;

use kazasu::fhir::{RegistrationState, Task};
use kazasu::qualify::{Access, Notice};
use serde_json::{Value, json};

use crate::args::{Global, RegisterArguments};
use crate::failure::Failure;
use crate::output::{Output, quoted, shown};
use crate::{access, ask};

const SCOPE: &str = "patient/Task.crus";
/// Pauses between looks at a registration that is followed: the last one goes on.
const PAUSES_S: [u64; 5] = [2, 4, 8, 16, 30];

pub(crate) fn run(arguments: &RegisterArguments, global: &Global, output: Output) -> Result<(), Failure> {
    if arguments.receipt.is_none() {
        ask::can_ask(arguments.yes)?;
    }
    let task = access::with(&[SCOPE], global, output, |access| {
        let Some(task) = first(access, arguments, output)? else { return Ok(None) };
        if arguments.withdraw {
            return Ok(Some(access.withdraw_registration(&task)?));
        }
        if arguments.follow { follow(access, task, output).map(Some) } else { Ok(Some(task)) }
    })?;
    if let Some(task) = &task {
        print(task, output);
    }
    output.object(&json!({"registration": task.as_ref().map(to_json)}));
    Ok(())
}

/// The registration of the receipt, or a new one.
fn first(access: &mut Access, arguments: &RegisterArguments, output: Output) -> Result<Option<Task>, Failure> {
    if let Some(receipt) = &arguments.receipt {
        let known = access.registration(receipt)?;
        return known.map(Some).ok_or_else(|| Failure::usage("no registration of this person has this receipt"));
    }
    // One that a crash kept from being told, or that was begun at a kiosk: another one would be a second application.
    if let Some(open) = access.registrations()?.into_iter().find(|task| is_open(task.registration_state())) {
        output.note(output.say("すでに申し込まれています。", "It has been applied for already."));
        return Ok(Some(open));
    }
    let text = "マイナンバーカードを健康保険証として利用するための登録を申し込みます。";
    output.notes(quoted(text));
    if !arguments.yes && !ask::agrees(output.say("申し込みますか", "Apply for it?"), output)? {
        return Ok(None);
    }
    let notice = Notice { id: "registration-1".to_owned(), text: text.to_owned() };
    let request = access.prepare_registration(&notice)?;
    Ok(Some(access.register(&request)?))
}

fn is_open(state: RegistrationState) -> bool {
    matches!(state, RegistrationState::Accepted | RegistrationState::Matching | RegistrationState::WaitingInsurer)
}

/// Looks at it until nothing more will happen.
fn follow(access: &mut Access, mut task: Task, output: Output) -> Result<Task, Failure> {
    let receipt = task.receipt().unwrap_or_default().to_owned();
    let mut pauses = PAUSES_S.into_iter().chain(std::iter::repeat(PAUSES_S[PAUSES_S.len() - 1]));
    let mut shown = None;
    while !task.registration_state().is_final() {
        let state = task.registration_state();
        if shown.replace(state) != Some(state) {
            output.note(format!("… {}", state_words(&task, output)));
        }
        std::thread::sleep(Duration::from_secs(pauses.next().unwrap_or(30)));
        task = access.registration(&receipt)?.ok_or_else(|| Failure::usage("the registration is gone"))?;
    }
    Ok(task)
}

pub(crate) fn print(task: &Task, output: Output) {
    output.line(output.say("健康保険証の利用登録", "Registration as insurance card"));
    output.field(output.say("受付番号", "Receipt"), task.receipt().unwrap_or("?"));
    output.field(output.say("状況", "State"), &state_words(task, output));
    if let Some(reason) = task.reason() {
        output.lines(quoted(reason));
    }
}

/// The state in this program's words; what it does not know in the server's.
fn state_words(task: &Task, output: Output) -> String {
    let (ja, en) = match task.registration_state() {
        RegistrationState::Accepted => ("受付済", "accepted"),
        RegistrationState::Matching => ("資格照合中", "being matched"),
        RegistrationState::WaitingInsurer => ("保険者登録待ち", "waiting for the insurer"),
        RegistrationState::Completed => ("登録完了", "completed"),
        RegistrationState::Returned => ("差戻し（内容を確認して再度申し込む）", "returned: correct it and apply again"),
        RegistrationState::Withdrawn => ("取下げ", "withdrawn"),
        RegistrationState::Failed => ("処理エラー（再度申し込む）", "failed: apply again"),
        RegistrationState::Unknown => return shown(task.state_words().unwrap_or("?")).into_owned(),
    };
    output.say(ja, en).to_owned()
}

fn to_json(task: &Task) -> Value {
    json!({
        "receipt": task.receipt(),
        "state": task.registration_state().name(),
        "final": task.registration_state().is_final(),
        "reason": task.reason(),
    })
}
