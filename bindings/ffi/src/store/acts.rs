//! Acts of several rows: each is kept wholly or not at all.

use kazasu::fhir::Eligibility;
use kazasu::store as core;
use kazasu::time::UnixMillis;
use zeroize::Zeroizing;

use super::history::CheckedBy;
use super::member::{Profile, Registered};
use super::patient::ServerPatient;
use super::{Store, member_id};
use crate::error::KazasuError;
use crate::session::TapResult;

/// One check of the eligibility.
#[derive(Clone, uniffi::Record)]
pub struct Check {
    /// When, milliseconds since 1970.
    pub at_unix_ms: i64,
    /// How.
    pub checked_by: CheckedBy,
    /// `OK` or the code of what came instead.
    pub result: String,
    /// `Session.answer_json`, where there was an answer.
    #[uniffi(default = None)]
    pub answer_json: Option<String>,
}

/// What a contact with a server brought, as far as it brought it.
#[derive(Clone, uniffi::Record)]
pub struct Contact {
    /// A check of the eligibility.
    #[uniffi(default = None)]
    pub check: Option<Check>,
    /// `Session.confirmed_time_unix_ms`.
    #[uniffi(default = None)]
    pub server_time_unix_ms: Option<i64>,
    /// `Session.server_patient`: kept at the first contact; another one than before fails with `Resource` (`KZ-D08`),
    /// and nothing is kept.
    #[uniffi(default = None)]
    pub patient: Option<ServerPatient>,
    /// A person has looked at name and date of birth and confirmed that `patient` is this member.
    #[uniffi(default = false)]
    pub is_confirmed: bool,
    /// With `register`: the person holds the card again and gives up a stop of it that has not arrived.
    #[uniffi(default = false)]
    pub gives_up_stop: bool,
}

#[uniffi::export]
impl Store {
    /// Registers the card of a tap with everything that belongs to it. By calling it you say that a person has looked at name
    /// and date of birth of that card's holder and confirmed who it is. Fails as `confirm_and_add`; with `Resource` (`KZ-D08`)
    /// when a known card brings another patient id.
    ///
    /// `device_key` is the name of the member's key in the platform's key store, `access` what is kept of the access; each may
    /// be empty. Make the key before, under a random name. A key that `device_key_names` does not tell is left from a
    /// registration that did not come to its end: delete it.
    pub fn register(
        &self,
        candidate: TapResult,
        profile: Profile,
        patient: Option<ServerPatient>,
        contact: Contact,
        device_key: &[u8],
        access: &[u8],
    ) -> Result<Registered, KazasuError> {
        let secret = |bytes: &[u8]| (!bytes.is_empty()).then(|| Zeroizing::new(bytes.to_vec()));
        let candidate = core::Candidate {
            certificate: candidate.certificate,
            capabilities: candidate.capabilities.into(),
            name: None, // shown by the app
            birth_date: None,
        };
        let registration = core::Registration {
            patient: patient.map(Into::into),
            device_key: secret(device_key),
            access: secret(access),
            check: contact.check.map(entry).transpose()?,
            server_time: contact.server_time_unix_ms.map(UnixMillis),
            gives_up_stop: contact.gives_up_stop,
            ..core::Registration::new(candidate.confirm(), profile.into())
        };
        self.with(|store| store.register(registration)).map(Into::into)
    }

    /// Keeps what a contact with a server brought; `access` may be empty.
    pub fn keep_contact(&self, member: String, contact: Contact, access: &[u8]) -> Result<(), KazasuError> {
        let member = member_id(&member)?;
        let check = contact.check.map(entry).transpose()?;
        let patient = contact.patient.map(Into::into);
        let contact = core::Contact {
            check: check.as_ref(),
            patient: patient.as_ref(),
            is_confirmed: contact.is_confirmed,
            access: Some(access).filter(|access| !access.is_empty()),
            server_time: contact.server_time_unix_ms.map(UnixMillis),
            told: None,
        };
        self.with(|store| store.keep_contact(member, contact))
    }

    /// Keeps the id by which a server knows a member, at the first contact. Fails with `Resource` (`KZ-D08`) when another one
    /// is kept: keep nothing of that answer until a person has confirmed whose it is.
    pub fn pin_patient(&self, member: String, patient: ServerPatient) -> Result<(), KazasuError> {
        let member = member_id(&member)?;
        self.with(|store| store.pin_patient(member, &patient.issuer, &patient.patient))
    }

    /// Keeps another id in place of the one there is. By calling it you say that a person has looked at name and date of birth
    /// and confirmed that they are this member's.
    pub fn confirm_patient(&self, member: String, patient: ServerPatient) -> Result<(), KazasuError> {
        let member = member_id(&member)?;
        self.with(|store| store.confirm_patient(member, &patient.issuer, &patient.patient))
    }

    /// Prepares a stop of the card: keeps what it needs, and forgets the access.
    pub fn begin_stop(&self, member: String, suspension: &[u8]) -> Result<(), KazasuError> {
        let member = member_id(&member)?;
        self.with(|store| store.begin_stop(member, suspension))
    }

    /// Ends a stop that a server has confirmed: forgets the access and the name of the device key, and tells the log.
    pub fn end_stop(&self, member: String) -> Result<(), KazasuError> {
        let member = member_id(&member)?;
        self.with(|store| store.end_stop(member))
    }

    /// Forgets an access whose tokens were revoked, and tells the log.
    pub fn end_access(&self, member: String) -> Result<(), KazasuError> {
        let member = member_id(&member)?;
        self.with(|store| store.end_access(member))
    }

    /// The names of the device keys of all members. Keys of the app with another name belong to nobody.
    pub fn device_key_names(&self) -> Result<Vec<Vec<u8>>, KazasuError> {
        self.with(|store| {
            let members = store.members()?.into_iter();
            let names = members.map(|member| store.secret(member.id, core::SecretKind::DeviceKey));
            Ok(names.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().map(|name| name.to_vec()).collect())
        })
    }
}

fn entry(ffi: Check) -> Result<core::HistoryEntry, kazasu::Error> {
    let eligibility = ffi.answer_json.map(|json| Eligibility::parse(json.as_bytes())).transpose()?;
    Ok(core::HistoryEntry {
        at: UnixMillis(ffi.at_unix_ms),
        by: ffi.checked_by.into(),
        result: ffi.result,
        eligibility,
    })
}

impl From<core::Registered> for Registered {
    fn from(core: core::Registered) -> Self {
        match core {
            core::Registered::New(id) => Self::New { id: id.to_string() },
            core::Registered::Known(id) => Self::Known { id: id.to_string() },
        }
    }
}
