//! 利用登録 as a Task: a receipt number at once, and progress whenever somebody looks.

use serde_json::{Value, json};

use crate::conditional::{code, system};
use crate::outcome::Issue;
use crate::random;
use crate::state::Server;
use crate::switches::SwitchName;
use crate::task::concept;
use crate::time::{self, Day, UnixSeconds};

/// Code of the task kind.
pub(crate) const KIND: &str = "insurance-registration";

/// A row of the table of states: `Task.status`, `registration-status` and its Japanese.
type State = (&'static str, &'static str, &'static str);

const ACCEPTED: State = ("requested", "accepted", "受付済");
const MATCHING: State = ("in-progress", "matching", "資格照合中");
const WAITING: State = ("on-hold", "waiting-insurer", "保険者登録待ち");
const COMPLETED: State = ("completed", "completed", "登録完了");
const RETURNED: State = ("rejected", "returned", "差戻し");
const WITHDRAWN: State = ("cancelled", "withdrawn", "取下げ");
const FAILED: State = ("failed", "error", "処理エラー");

/// Puts a new registration into its first state and gives it a receipt number.
pub(crate) fn begin(task: &mut Value) {
    let receipt = json!({ "system": system("receipt"), "value": random::receipt() });
    match task["identifier"].as_array_mut() {
        Some(identifiers) => {
            // The server alone gives receipts.
            identifiers.retain(|identifier| identifier["system"] != receipt["system"]);
            identifiers.push(receipt);
        }
        None => task["identifier"] = json!([receipt]),
    }
    enter(task, ACCEPTED);
}

/// The next state: accepted, matching, waiting for the insurer, matching again, completed.
pub(crate) fn move_on(server: &Server, task: &mut Value) {
    let state = code(&task["businessStatus"], "registration-status").unwrap_or_default();
    let is_open = ["accepted", "matching", "waiting-insurer"].contains(&state);
    if !is_open || server.switches.takes(SwitchName::TaskPending) {
        return;
    }
    let version = task["meta"]["versionId"].as_str().and_then(|version| version.parse::<u64>().ok());
    // Accepted, matching and waiting are the versions 1 to 3.
    let waited = version.is_some_and(|version| version > 3);
    let next = match state {
        "accepted" => MATCHING,
        "matching" if server.switches.takes(SwitchName::RegistrationReturned) => {
            task["statusReason"] =
                json!({ "text": "氏名の表記が保険者の記録と一致しません。保険者に確認してください。" });
            RETURNED
        }
        "matching" if server.switches.takes(SwitchName::RegistrationError) => FAILED,
        "matching" if waited => COMPLETED,
        "matching" => WAITING,
        _ => MATCHING,
    };
    enter(task, next);
    task["lastModified"] = time::rfc3339(server.clock.now()).into();
}

/// Withdraws a registration that has not ended.
pub(crate) fn withdraw(task: &mut Value) -> Result<(), Issue> {
    let state = code(&task["businessStatus"], "registration-status").unwrap_or_default();
    match state {
        "accepted" | "matching" | "waiting-insurer" => enter(task, WITHDRAWN),
        "withdrawn" => {}
        _ => return Err(Issue::INVALID_ELEMENT.described("the task has ended or is no registration")),
    }
    Ok(())
}

/// A registration that a person began at a kiosk, whose printed receipt number can be typed in.
pub(crate) fn of_kiosk(patient: &str, receipt: &str, now: UnixSeconds) -> Value {
    let day = Day::at(now).plus_days(-1);
    let at = time::rfc3339(day.start() + 14 * 3600);
    let mut task = json!({
        "resourceType": "Task",
        "identifier": [{ "system": system("receipt"), "value": receipt }],
        "intent": "order",
        "code": concept("task-kind", KIND, "健康保険証利用登録"),
        "for": { "reference": format!("Patient/{patient}") },
        "authoredOn": at,
        "lastModified": at,
        "input": [{ "type": { "text": "channel" }, "valueString": "kiosk" }],
    });
    enter(&mut task, ACCEPTED);
    task
}

fn enter(task: &mut Value, (status, code, display): State) {
    task["status"] = status.into();
    task["businessStatus"] = concept("registration-status", code, display);
}
