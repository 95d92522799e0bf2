//! 一時利用停止 as a Task: made without the card, by a token that can do nothing else.

use serde_json::{Value, json};

use crate::access::Caller;
use crate::conditional::{self, code};
use crate::http::Answer;
use crate::outcome::{Issue, NAMESPACE};
use crate::state::Server;
use crate::switches::SwitchName;
use crate::task;
use crate::time::{self, UnixSeconds};

/// Code of the task kind.
pub(crate) const KIND: &str = "card-suspension";

/// Suspends the caller, or answers with the Task that did; 202 while it is not confirmed. That Task carries the name of each
/// request that it answers, so that every app can tell it for its own.
pub(crate) fn create(server: &Server, caller: &Caller, mut body: Value) -> Result<Answer, Answer> {
    let person = caller.person.number;
    let now = server.clock.now();
    let tasks = server.written.all(person, task::KIND.name);
    let known = tasks.into_iter().rev().find(is_standing);
    if let Some(known) = known {
        let known = also_named(server, person, known, &body);
        let confirmed = known["status"] == "completed";
        let answer = conditional::stored(server, 200, &known, "suspended already");
        return Ok(if confirmed { answer } else { unconfirmed(&answer) });
    }
    if server.switches.takes(SwitchName::SuspensionUnconfirmed) {
        body["lastModified"] = time::rfc3339(now).into();
        let created = server.written.create(person, "task", body, now);
        return Ok(unconfirmed(&conditional::stored(server, 202, &created, "")));
    }
    complete(server, person, &mut body);
    let created = server.written.create(person, "task", body, now);
    Ok(conditional::stored(server, 201, &created, "suspended"))
}

fn also_named(server: &Server, person: u8, known: Value, asked: &Value) -> Value {
    let id = known["id"].as_str().unwrap_or_default();
    let names = asked["identifier"].as_array().cloned().unwrap_or_default();
    let updated = server.written.update(person, (task::KIND.name, id), server.clock.now(), |stored| {
        if let Some(known) = stored["identifier"].as_array_mut() {
            let new: Vec<Value> = names.into_iter().filter(|name| !known.contains(name)).collect();
            known.extend(new);
        }
        Ok::<(), Issue>(())
    });
    updated.and_then(Result::ok).unwrap_or(known)
}

/// Confirms a suspension that was not confirmed when it was asked for.
pub(crate) fn move_on(server: &Server, person: u8, task: &mut Value) {
    if task["status"] == "requested" && !server.switches.takes(SwitchName::TaskPending) {
        complete(server, person, task);
    }
}

/// Cancels a suspension when it is lifted.
pub(crate) fn lift(task: &mut Value) -> Result<(), Issue> {
    if code(&task["code"], "task-kind") == Some(KIND) {
        task["status"] = "cancelled".into();
    }
    Ok(())
}

/// What the stop covers: the value of discovery's `kz_suspension_effect`.
pub(crate) fn effect(server: &Server) -> String {
    let value = server.switches.value(SwitchName::SuspensionEffect);
    value.unwrap_or_else(|| "provider-account".to_owned())
}

/// Whether a task is a suspension that was not lifted.
fn is_standing(task: &Value) -> bool {
    code(&task["code"], "task-kind") == Some(KIND) && task["status"] != "cancelled"
}

fn complete(server: &Server, person: u8, task: &mut Value) {
    let now = server.clock.now();
    server.set_member(person, |member| {
        member.suspended = true;
        member.stopped_at = Some(now);
    });
    let effect = effect(server);
    let system = format!("{NAMESPACE}/CodeSystem/suspension-effect");
    let mut output = vec![json!({
        "type": { "text": "suspension-effect" },
        "valueCoding": { "system": system, "code": effect },
    })];
    if effect == "jpki-official" {
        output.push(json!({ "type": { "text": "official-reference" }, "valueString": "SIM-STOP-0001" }));
    }
    task["status"] = "completed".into();
    task["lastModified"] = time::rfc3339(now).into();
    task["output"] = Value::Array(output);
}

/// The OperationOutcome of KZ-S02 in place of the Task, which its `Location` names.
fn unconfirmed(stored: &Answer) -> Answer {
    let answer = Answer::from(Issue::NOT_CONFIRMED);
    let location = stored.headers.iter().find(|(name, _)| *name == "location");
    location.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value.clone()))
}

/// Seconds after a stop in which the token that made it may still ask what became of it.
pub(crate) const ASK_AGAIN_S: UnixSeconds = 24 * 3600;
