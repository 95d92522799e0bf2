//! Where one person's device key and tokens are kept: the file of `--keep`, or the store for `--member`.

use std::sync::Arc;

use kazasu::Error;
use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::qualify::assertion::Purpose;
use kazasu::qualify::{Access, SavedAccess, SavedSuspension, Settings};
use kazasu::session::{Member as SessionMember, Signed};
use kazasu::store::{Contact, Event, Member, Role, SecretKind, ServerPatient};

use super::Family;
use crate::args::Global;
use crate::failure::Failure;
use crate::keep::Kept;

/// What a command needs of wherever it is kept. Each change is written at once.
pub(crate) trait Keeper {
    /// Whose card is asked for at this server, with the device key.
    fn member(&self, settings: &Settings) -> Result<SessionMember, Failure>;
    /// What this person agreed to send along.
    fn prepare(&self, _: &mut Settings) {}
    /// What a tap has shown of the card.
    fn tapped(&mut self, signed: &Signed) -> Result<(), Failure>;
    /// A tap that did not succeed.
    fn failed(&mut self, failure: &Failure) -> Result<(), Failure>;
    /// The tokens.
    fn access(&self) -> Result<Option<SavedAccess>, Failure>;
    /// Keeps the tokens, where they are new, and what the server told besides: whose they are, and the time; tells what was
    /// done with it, where somebody keeps a log.
    fn keep_access(&mut self, access: &mut Access, done: Option<Event>) -> Result<(), Failure>;
    /// A stop that waits for the network.
    fn suspension(&self) -> Result<Option<SavedSuspension>, Failure>;
    /// Forgets everything but what the stop needs.
    fn begin_stop(&mut self, suspension: &SavedSuspension) -> Result<(), Failure>;
    /// The stop is done: forgets the rest.
    fn end_stop(&mut self) -> Result<(), Failure>;
    /// Tells what was done and how it ended, where somebody keeps a log.
    fn tell(&mut self, _: Event, _: Result<(), &Error>) -> Result<(), Failure> {
        Ok(())
    }
    /// Closes what is open.
    fn close(self: Box<Self>) -> Result<(), Failure> {
        Ok(())
    }
}

/// The keeper the options name, if any.
pub(crate) fn chosen(global: &Global) -> Result<Option<Box<dyn Keeper>>, Failure> {
    Ok(match (&global.member, &global.keep) {
        (Some(nickname), _) => Some(Box::new(MemberKeeper::open(global, nickname)?)),
        (None, Some(path)) => Some(Box::new(Kept::open(path)?)),
        (None, None) => None,
    })
}

/// A member of the family in the store.
pub(crate) struct MemberKeeper {
    pub(crate) family: Family,
    pub(crate) member: Member,
}

impl MemberKeeper {
    /// The member with this nickname.
    pub(crate) fn open(global: &Global, nickname: &str) -> Result<Self, Failure> {
        let family = Family::open(global)?;
        let member = family.find(nickname)?;
        Ok(Self { family, member })
    }

    /// Keeps what a contact with the server brought, all of it or nothing: the access, where there is one, and `contact`.
    pub(crate) fn keep_contact(&mut self, access: Option<&mut Access>, contact: Contact<'_>) -> Result<(), Failure> {
        let Some(access) = access else { return Ok(self.family.store.keep_contact(self.member.id, contact)?) };
        let (saved, issuer) = (access.take_unsaved()?, access.issuer().to_owned());
        let patient = ServerPatient { issuer, patient: access.patient().to_owned() };
        let contact = Contact {
            access: saved.as_ref().map(SavedAccess::as_bytes),
            patient: Some(&patient),
            server_time: access.confirmed_time(),
            ..contact
        };
        Ok(self.family.store.keep_contact(self.member.id, contact)?)
    }

    fn key(&self) -> Result<SoftwareDeviceKey, Failure> {
        let key = self.family.store.secret(self.member.id, SecretKind::DeviceKey)?;
        let key = key.and_then(|bytes| SoftwareDeviceKey::from_bytes(&bytes));
        key.ok_or_else(|| {
            Failure::usage("this member's access was stopped").advise(
                "この方の利用は停止されています。kazasu member add でカードを登録し直してください",
                "This person's access was stopped. Please register the card again with: kazasu member add",
            )
        })
    }
}

impl Keeper for MemberKeeper {
    fn member(&self, settings: &Settings) -> Result<SessionMember, Failure> {
        Ok(SessionMember {
            device_key: Arc::new(self.key()?),
            certificate: Some(self.member.card.certificate.clone()),
            patient: self.member.patient_at(&settings.issuer).map(str::to_owned),
            purpose: purpose(self.member.profile.role),
            capabilities: self.member.card.capabilities,
        })
    }

    fn prepare(&self, settings: &mut Settings) {
        settings.consents.clone_from(&self.member.profile.consents);
    }

    fn tapped(&mut self, signed: &Signed) -> Result<(), Failure> {
        self.family.store.set_card(self.member.id, signed.certificate().der(), signed.capabilities())?;
        Ok(())
    }

    fn failed(&mut self, failure: &Failure) -> Result<(), Failure> {
        if let Some(capabilities) = failure.capabilities() {
            self.family.store.set_capabilities(self.member.id, capabilities)?;
        }
        let error = failure.error();
        let of_pin =
            matches!(error, Error::WrongPin { .. } | Error::PinBlocked { .. } | Error::VerifyUnanswered { .. });
        if of_pin {
            self.tell(Event::PinFailed, Err(error))?;
        }
        Ok(())
    }

    fn access(&self) -> Result<Option<SavedAccess>, Failure> {
        let saved = self.family.store.secret(self.member.id, SecretKind::Access)?;
        Ok(saved.map(|saved| SavedAccess::from_bytes(saved.to_vec())))
    }

    fn keep_access(&mut self, access: &mut Access, done: Option<Event>) -> Result<(), Failure> {
        let told = done.map(|event| (event, Ok(())));
        self.keep_contact(Some(access), Contact { told, ..Contact::default() })
    }

    fn suspension(&self) -> Result<Option<SavedSuspension>, Failure> {
        let saved = self.family.store.secret(self.member.id, SecretKind::Suspension)?;
        Ok(saved.map(|saved| SavedSuspension::from_bytes(saved.to_vec())))
    }

    fn begin_stop(&mut self, suspension: &SavedSuspension) -> Result<(), Failure> {
        Ok(self.family.store.begin_stop(self.member.id, suspension.as_bytes())?)
    }

    fn end_stop(&mut self) -> Result<(), Failure> {
        Ok(self.family.store.end_stop(self.member.id)?)
    }

    fn tell(&mut self, event: Event, result: Result<(), &Error>) -> Result<(), Failure> {
        Ok(self.family.store.append_log(event, Some(self.member.id), result)?)
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        self.family.close()
    }
}

/// Whose request it is.
pub(super) fn purpose(role: Role) -> Purpose {
    if role == Role::Own { Purpose::Own } else { Purpose::Family }
}

impl Keeper for Kept {
    fn member(&self, settings: &Settings) -> Result<SessionMember, Failure> {
        let patient = self.access.as_ref().and_then(|access| access.patient_at(&settings.issuer));
        Ok(SessionMember { patient, ..SessionMember::new(Arc::new(self.key()?)) })
    }

    fn tapped(&mut self, _: &Signed) -> Result<(), Failure> {
        Ok(())
    }

    fn failed(&mut self, _: &Failure) -> Result<(), Failure> {
        Ok(())
    }

    fn access(&self) -> Result<Option<SavedAccess>, Failure> {
        Ok(self.access.as_ref().map(|access| SavedAccess::from_bytes(access.as_bytes().to_vec())))
    }

    fn keep_access(&mut self, access: &mut Access, _: Option<Event>) -> Result<(), Failure> {
        let Some(saved) = access.take_unsaved()? else { return Ok(()) };
        self.access = Some(saved);
        self.write()
    }

    fn suspension(&self) -> Result<Option<SavedSuspension>, Failure> {
        Ok(self.suspension.as_ref().map(|saved| SavedSuspension::from_bytes(saved.as_bytes().to_vec())))
    }

    fn begin_stop(&mut self, suspension: &SavedSuspension) -> Result<(), Failure> {
        self.access = None;
        self.suspension = Some(SavedSuspension::from_bytes(suspension.as_bytes().to_vec()));
        self.write()
    }

    fn end_stop(&mut self) -> Result<(), Failure> {
        self.delete()
    }
}
