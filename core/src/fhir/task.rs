//! Task: 利用登録 and 一時利用停止, which take their time (wire contract §12).

use serde_json::{Value, json};

use super::resource::{DataDate, date, resource, words};
use super::{NAMESPACE, code_in, id_system, items, text};
use crate::time::UnixMillis;

resource!(
    /// Something the server has been asked to do.
    Task, "Task", "task"
);

/// [`Task::kind`] of a 利用登録.
pub(crate) const REGISTRATION: &str = "insurance-registration";
/// [`Task::kind`] of a 一時利用停止.
const SUSPENSION: &str = "card-suspension";

/// How far a registration has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RegistrationState {
    /// 受付済.
    Accepted,
    /// 資格照合中.
    Matching,
    /// 保険者登録待ち.
    WaitingInsurer,
    /// 登録完了.
    Completed,
    /// 差戻し: [`Task::reason`] says why; a new registration is needed.
    Returned,
    /// 取下げ.
    Withdrawn,
    /// 処理エラー: a new registration is needed.
    Failed,
    /// A state this version does not know, still open.
    Unknown,
}

impl RegistrationState {
    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Matching => "matching",
            Self::WaitingInsurer => "waiting-insurer",
            Self::Completed => "completed",
            Self::Returned => "returned",
            Self::Withdrawn => "withdrawn",
            Self::Failed => "error",
            Self::Unknown => "unknown",
        }
    }

    /// Nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Returned | Self::Withdrawn | Self::Failed)
    }
}

/// What a stop covers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SuspensionEffect {
    /// This app's access; the official line has to be called.
    AppOnly,
    /// The account at this provider; the official line has to be called.
    ProviderAccount,
    /// The card: the operator forwarded the stop to the official desk, which gave this reference.
    Official {
        /// The desk's reference, if it came along.
        reference: Option<String>,
    },
}

impl SuspensionEffect {
    /// The code on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AppOnly => "app-only",
            Self::ProviderAccount => "provider-account",
            Self::Official { .. } => "jpki-official",
        }
    }

    /// What `code` claims; the least for one that is not known or is missing.
    pub fn of(code: Option<&str>, reference: Option<&str>) -> Self {
        match code {
            Some("jpki-official") => Self::Official { reference: reference.map(str::to_owned) },
            Some("provider-account") => Self::ProviderAccount,
            _ => Self::AppOnly,
        }
    }
}

impl Task {
    /// Code of its kind: `insurance-registration` or `card-suspension`; unknown ones as received.
    pub fn kind(&self) -> Option<&str> {
        code_in(self.0.get("code")?, Some(&format!("{NAMESPACE}/CodeSystem/task-kind")))
    }

    /// FHIR's status.
    pub fn status(&self) -> Option<&str> {
        text(&self.0, "status")
    }

    /// How far a registration has come: by its business status, else by FHIR's.
    pub fn registration_state(&self) -> RegistrationState {
        let system = format!("{NAMESPACE}/CodeSystem/registration-status");
        let business = self.0.get("businessStatus").and_then(|status| code_in(status, Some(&system)));
        match (business, self.status()) {
            (Some("accepted"), _) | (None, Some("requested")) => RegistrationState::Accepted,
            (Some("matching"), _) | (None, Some("in-progress")) => RegistrationState::Matching,
            (Some("waiting-insurer"), _) | (None, Some("on-hold")) => RegistrationState::WaitingInsurer,
            (Some("completed"), _) | (None, Some("completed")) => RegistrationState::Completed,
            (Some("returned"), _) | (None, Some("rejected")) => RegistrationState::Returned,
            (Some("withdrawn"), _) | (None, Some("cancelled")) => RegistrationState::Withdrawn,
            (Some("error"), _) | (None, Some("failed")) => RegistrationState::Failed,
            _ => RegistrationState::Unknown,
        }
    }

    /// How far it has come, in the server's words: plain text.
    pub fn state_words(&self) -> Option<&str> {
        words(self.0.get("businessStatus")?)
    }

    /// 受付番号, as it stands; never built or taken apart.
    pub fn receipt(&self) -> Option<&str> {
        super::identifier(&self.0, "receipt")
    }

    /// Why it was returned or has failed, in the server's words: plain text.
    pub fn reason(&self) -> Option<&str> {
        words(self.0.get("statusReason")?)
    }

    /// When it was asked for.
    pub fn authored_on(&self) -> Option<DataDate> {
        date(&self.0, "authoredOn")
    }

    /// What a stop covers, once it is done.
    pub fn suspension_effect(&self) -> Option<SuspensionEffect> {
        let of = |name: &str| items(&self.0, "output").find(|output| output.get("type").and_then(words) == Some(name));
        let coding = of("suspension-effect")?.get("valueCoding")?;
        let reference = of("official-reference").and_then(|output| text(output, "valueString"));
        Some(SuspensionEffect::of(text(coding, "code"), reference))
    }

    /// The server's version of it, which a withdrawal names.
    pub fn version(&self) -> Option<&str> {
        text(self.0.get("meta")?, "versionId")
    }

    /// The same task, withdrawn.
    pub fn to_withdrawn(&self) -> Value {
        let mut withdrawn = self.0.clone();
        if let Some(members) = withdrawn.as_object_mut() {
            members.insert("status".to_owned(), "cancelled".into());
        }
        withdrawn
    }
}

/// Why a card is to be stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SuspensionReason {
    /// 紛失.
    Lost,
    /// 盗難.
    Stolen,
    /// 暗証番号漏えい.
    PinLeaked,
    /// 端末紛失.
    DeviceLost,
}

impl SuspensionReason {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::PinLeaked => "pin-leaked",
            Self::DeviceLost => "device-lost",
        }
    }

    /// In words.
    pub const fn japanese(self) -> &'static str {
        match self {
            Self::Lost => "紛失",
            Self::Stolen => "盗難",
            Self::PinLeaked => "暗証番号漏えい",
            Self::DeviceLost => "端末紛失",
        }
    }
}

/// 利用登録 of the person of the token. `request` is a new UUID, also the `Idempotency-Key`.
pub fn registration_task(request: &str, patient: &str, notice_sha256: &str, now: UnixMillis) -> Value {
    let person = json!({"reference": format!("Patient/{patient}")});
    json!({
        "resourceType": "Task",
        "identifier": [{"system": id_system("client-request"), "value": request}],
        "status": "requested",
        "intent": "order",
        "code": concept("task-kind", REGISTRATION, "健康保険証利用登録"),
        "for": person,
        "requester": person,
        "authoredOn": now.to_rfc3339(),
        "input": [
            {"type": {"text": "channel"}, "valueString": "app"},
            {"type": {"text": "notice-sha256"}, "valueString": notice_sha256},
        ],
    })
}

/// 一時利用停止. `request` is a new UUID, also the `Idempotency-Key`; `last_seen` is when the card was last there.
pub fn suspension_task(
    request: &str,
    patient: &str,
    reason: SuspensionReason,
    last_seen: Option<UnixMillis>,
    now: UnixMillis,
) -> Value {
    let mut task = json!({
        "resourceType": "Task",
        "identifier": [{"system": id_system("client-request"), "value": request}],
        "status": "requested",
        "intent": "order",
        "priority": "stat",
        "code": concept("task-kind", SUSPENSION, "一時利用停止"),
        "reasonCode": concept("suspension-reason", reason.code(), reason.japanese()),
        "for": {"reference": format!("Patient/{patient}")},
        "authoredOn": now.to_rfc3339(),
    });
    if let (Some(seen), Some(members)) = (last_seen, task.as_object_mut()) {
        let input = json!([{"type": {"text": "last-seen"}, "valueDateTime": seen.to_rfc3339()}]);
        members.insert("input".to_owned(), input);
    }
    task
}

fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({"coding": [{"system": format!("{NAMESPACE}/CodeSystem/{system}"), "code": code, "display": display}]})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMillis {
        UnixMillis::parse_rfc3339(text).expect("an instant")
    }

    fn vector(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn the_suspension_of_the_wire_contract() {
        let expected = vector(include_str!("../../../tests/vectors/wire/task_suspension.json"));
        let made = suspension_task(
            "f0d9a5a4-0b6e-4f2c-8b0c-3b4f58a1c002",
            "p-7f3a91",
            SuspensionReason::Lost,
            Some(at("2026-11-20T18:00:00+09:00")),
            at("2026-11-20T21:05:00+09:00"),
        );
        assert_eq!(made, expected);
    }

    #[test]
    fn a_registration_asks_what_the_stored_one_shows() {
        let stored = vector(include_str!("../../../tests/vectors/wire/task_registration.json"));
        let hash = "ZrAgvl6m69odGi5kOC7GnVKRodjR3s4Wbc8nu9J6WXE";
        let made = registration_task(
            "b7b9f5d2-3f65-4a35-8d1c-cc5a4f7e2a11",
            "p-7f3a91",
            hash,
            at("2026-11-20T10:30:00+09:00"),
        );
        for same in ["intent", "code", "for", "requester", "authoredOn", "input"] {
            assert_eq!(made[same], stored[same], "{same}");
        }
        assert_eq!(made["identifier"][0], stored["identifier"][0]);
        let task = Task::new(stored).expect("a task");
        assert_eq!(task.receipt(), Some("2611-0420-7781"));
        assert_eq!(task.registration_state(), RegistrationState::Matching);
        assert_eq!(task.state_words(), Some("資格照合中"));
        assert_eq!(task.kind(), Some("insurance-registration"));
    }

    #[test]
    fn every_row_of_the_table_of_states() {
        let rows = [
            ("requested", "accepted", RegistrationState::Accepted),
            ("in-progress", "matching", RegistrationState::Matching),
            ("on-hold", "waiting-insurer", RegistrationState::WaitingInsurer),
            ("completed", "completed", RegistrationState::Completed),
            ("rejected", "returned", RegistrationState::Returned),
            ("cancelled", "withdrawn", RegistrationState::Withdrawn),
            ("failed", "error", RegistrationState::Failed),
            ("draft", "new-thing", RegistrationState::Unknown),
        ];
        for (status, business, expected) in rows {
            let task = |business: Option<&str>| {
                let mut task = json!({"resourceType": "Task", "status": status});
                if let Some(business) = business {
                    task["businessStatus"] = concept("registration-status", business, "x");
                }
                Task::new(task).expect("a task").registration_state()
            };
            assert_eq!((task(Some(business)), task(None)), (expected, expected), "{status}");
        }
    }

    #[test]
    fn a_stop_claims_no_more_than_it_says() {
        let effect = |code: &str| {
            let output = json!([{"type": {"text": "suspension-effect"}, "valueCoding": {"code": code}},
                {"type": {"text": "official-reference"}, "valueString": "R-1"}]);
            Task::new(json!({"resourceType": "Task", "output": output})).expect("a task").suspension_effect()
        };
        assert_eq!(effect("app-only"), Some(SuspensionEffect::AppOnly));
        assert_eq!(effect("provider-account"), Some(SuspensionEffect::ProviderAccount));
        assert_eq!(effect("jpki-official"), Some(SuspensionEffect::Official { reference: Some("R-1".to_owned()) }));
        assert_eq!(effect("everything"), Some(SuspensionEffect::AppOnly), "an unknown claim is the least one");
    }
}
