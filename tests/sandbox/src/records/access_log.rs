//! アクセスログ as AuditEvent: what institutions looked at, derived from the visits, and what the person changed here.

use serde_json::{Value, json};

use super::expense;
use super::tables::{self, Directory, INSTITUTION};
use crate::outcome::NAMESPACE;
use crate::people::Person;
use crate::time::{self, Day, UnixSeconds};

/// An access as the log shows it.
pub(crate) struct Access<'a> {
    pub(crate) id: String,
    /// Code of the code system `access-kind`.
    pub(crate) kind: AccessKind,
    pub(crate) recorded: UnixSeconds,
    /// 10-digit code; the person when absent.
    pub(crate) institution: Option<&'a str>,
    pub(crate) who: &'a str,
    pub(crate) device: &'a str,
}

/// Rows of the code system `access-kind`.
#[derive(Clone, Copy)]
pub(crate) enum AccessKind {
    Eligibility,
    MedicationViewed,
    EmergencyView,
    ConsentChanged,
}

impl AccessKind {
    fn coding(self) -> (&'static str, &'static str) {
        match self {
            Self::Eligibility => ("eligibility", "資格確認"),
            Self::MedicationViewed => ("medication-viewed", "薬剤情報の閲覧"),
            Self::EmergencyView => ("emergency-view", "救急時閲覧"),
            Self::ConsentChanged => ("consent-changed", "同意の変更"),
        }
    }

    /// HL7 v3 ActReason with what a person reads.
    fn purpose(self) -> (&'static str, &'static str) {
        match self {
            Self::Eligibility | Self::MedicationViewed => ("TREAT", "診療のため"),
            Self::EmergencyView => ("ETREAT", "救急診療のため"),
            Self::ConsentChanged => ("PATRQT", "本人の操作"),
        }
    }
}

impl Access<'_> {
    /// The access as a resource about `person`.
    pub(crate) fn resource(&self, person: &Person) -> Value {
        let (kind, display) = self.kind.coding();
        let (purpose, purpose_text) = self.kind.purpose();
        let mut who = json!({ "display": self.who });
        if let Some(code) = self.institution {
            who["identifier"] = json!({ "system": INSTITUTION, "value": code });
        }
        json!({
            "resourceType": "AuditEvent",
            "id": self.id,
            "meta": { "versionId": "1", "lastUpdated": time::rfc3339(self.recorded) },
            "type": { "system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest" },
            "subtype": [{
                "system": format!("{NAMESPACE}/CodeSystem/access-kind"), "code": kind, "display": display,
            }],
            "action": if matches!(self.kind, AccessKind::ConsentChanged) { "U" } else { "R" },
            "recorded": time::rfc3339(self.recorded),
            "outcome": "0",
            "purposeOfEvent": [{
                "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": purpose }],
                "text": purpose_text,
            }],
            "agent": [{
                "requestor": true,
                "type": { "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/extra-security-role-type", "code": "humanuser",
                }] },
                "who": who,
            }],
            "source": { "observer": { "display": "見本オンライン資格確認" } },
            "entity": [{
                "what": { "reference": format!("Patient/{}", person.patient) },
                "detail": [{ "type": "device-auth", "valueString": self.device }],
            }],
        })
    }
}

/// What institutions looked at by `now`.
pub(super) fn resources(person: &Person, now: UnixSeconds) -> Vec<Value> {
    let directory = Directory::read();
    let mut resources = Vec::new();
    for visit in expense::visits(person, Day::at(now)) {
        let institution = directory.institution(&visit.institution);
        // Who has no code has no reader either.
        let Some(code) = institution.code.as_deref() else { continue };
        let (_, digits) = tables::month_text(visit.month);
        let minutes = tables::vary(&format!("{}/{digits}/{}", person.number, visit.key()), (0, 120));
        let arrived = Day::of_month(visit.month).plus_days(visit.day - 1).start() + 9 * 3600 + minutes * 60;
        let kinds: &[AccessKind] = match visit.kind.code {
            "chozai" => &[AccessKind::Eligibility, AccessKind::MedicationViewed],
            "ika-nyuin" => &[AccessKind::Eligibility, AccessKind::EmergencyView],
            _ => &[AccessKind::Eligibility],
        };
        for (kind, (letter, after)) in kinds.iter().zip([("e", 0), ("v", 211)]) {
            let recorded = arrived + after;
            let access = Access {
                id: format!("ae-{:02}-{digits}-{}-{letter}", person.number, visit.key()),
                kind: *kind,
                recorded,
                institution: Some(code),
                who: &institution.name,
                device: "顔認証付きカードリーダー",
            };
            if recorded <= now {
                resources.push(access.resource(person));
            }
        }
    }
    resources
}
