//! Acts of several rows, each of them one transaction: who is killed in the middle has done nothing.

use zeroize::Zeroizing;

use super::event::Event;
use super::history::HistoryEntry;
use super::keys::{Holder, MemberId, row_key};
use super::member::{self, Card, Confirmed, LARGEST_CERTIFICATE, Member, Profile, Registered};
use super::patient::{self, ServerPatient};
use super::schema::Table;
use super::secrets::SecretKind;
use super::{Store, Tx};
use crate::error::{Error, StoreFault};
use crate::time::UnixMillis;

/// What registering keeps.
pub struct Registration {
    /// Whose card it is.
    pub confirmed: Confirmed,
    /// What the user says.
    pub profile: Profile,
    /// Whom the server calls them.
    pub patient: Option<ServerPatient>,
    /// The DPoP key: its scalar on desktops, its name in the key store on phones.
    ///
    /// Make the key before, under a random name: a key that no member of the store names is left from a registration that
    /// did not come to its end, and may be deleted.
    pub device_key: Option<Zeroizing<Vec<u8>>>,
    /// The tokens bound to that key.
    pub access: Option<Zeroizing<Vec<u8>>>,
    /// The first check.
    pub check: Option<HistoryEntry>,
    /// The server's time, as of [`Store::confirm_clock`].
    pub server_time: Option<UnixMillis>,
    /// The person, who holds the card again, gives up a stop of it that has not arrived. Without, a known card changes nothing
    /// of one that waits.
    pub gives_up_stop: bool,
}

crate::secret::opaque_debug!(Contact<'_>, Registration);

impl Registration {
    /// A card and a profile, and nothing of a server.
    pub const fn new(confirmed: Confirmed, profile: Profile) -> Self {
        let (patient, device_key, access, check, server_time) = (None, None, None, None, None);
        Self { confirmed, profile, patient, device_key, access, check, server_time, gives_up_stop: false }
    }

    pub(super) fn contact(&self) -> Contact<'_> {
        Contact {
            check: self.check.as_ref(),
            access: self.access.as_ref().map(|access| access.as_slice()),
            server_time: self.server_time,
            ..Contact::default()
        }
    }
}

/// What a contact with a server brought, as far as it brought it.
#[derive(Clone, Copy, Default)]
pub struct Contact<'a> {
    /// A check of the eligibility.
    pub check: Option<&'a HistoryEntry>,
    /// The tokens, in place of those that are kept.
    pub access: Option<&'a [u8]>,
    /// The server's time, as of [`Store::confirm_clock`].
    pub server_time: Option<UnixMillis>,
    /// Whom the server calls them: kept at the first contact, and refused when it is another one than before.
    pub patient: Option<&'a ServerPatient>,
    /// A person has looked at name and date of birth and confirmed that `patient` is this member, whatever was kept before.
    pub is_confirmed: bool,
    /// What was done there and how it ended, for the log.
    pub told: Option<(Event, Result<(), &'a Error>)>,
}

impl Store {
    /// [`Store::register`] with nothing of a server.
    ///
    /// # Errors
    /// As [`Store::register`].
    pub fn add_member(&mut self, confirmed: Confirmed, profile: Profile) -> Result<Registered, Error> {
        self.register(Registration::new(confirmed, profile))
    }

    /// Registers a confirmed card, with a key of its own, at the end of the list, in one transaction with everything that
    /// belongs to it.
    ///
    /// A card that is a member's already brings what this member lacks: a device key with its access, the patient id; and
    /// the check is kept. The profile stays as it was.
    ///
    /// # Errors
    /// [`Error::TooManyMembers`] before anything is written; [`Error::Usage`] for a nickname that is or looks taken, or shows
    /// nothing; [`Error::MyNumberSuspected`]; `KZ-D08` when a known card brings another patient id; [`Error::Store`].
    pub fn register(&mut self, registration: Registration) -> Result<Registered, Error> {
        let members = self.members()?;
        if let Some(known) = members.iter().find(|member| member.has_card(&registration.confirmed.certificate)) {
            return self.repair(known.clone(), &registration);
        }
        self.check_room()?;
        if registration.confirmed.certificate.len() > LARGEST_CERTIFICATE {
            return Err(Error::usage("the certificate is too large"));
        }
        let profile = member::checked(registration.profile.clone(), None, &members)?;
        let id = MemberId::generate()?;
        let order = members.iter().map(|member| member.order).max().map_or(0, |last| last.saturating_add(1));
        let registered_at = self.context.clock.now();
        let Confirmed { certificate, capabilities } = &registration.confirmed;
        let card = Card { certificate: certificate.clone(), capabilities: *capabilities, first_seen: registered_at };
        let (other_cards, patients) = (Vec::new(), Vec::new());
        let mut member = Member { id, order, profile, card, other_cards, patients, registered_at };
        if let Some(patient) = &registration.patient {
            patient::pin(&mut member.patients, patient)?;
        }
        let holder = Holder::Member(id);
        // Not with the new key in the ring: it would be kept although the member may not be.
        self.renew_when_due()?;
        self.ring.add(holder)?;
        let added = self.write_in_epoch(|tx| {
            tx.put_raw(Table::Keys, holder.bytes(), &tx.ring.wrap(holder)?)?;
            tx.put_member(&member)?;
            tx.log(Event::MemberAdded, Some(id), Ok(()), 0)?;
            if let Some(device_key) = &registration.device_key {
                tx.put_secret(id, SecretKind::DeviceKey, device_key)?;
            }
            tx.keep_contact(id, registration.contact())
        });
        if let Err(error) = added {
            self.ring.remove(holder);
            return Err(error);
        }
        Ok(Registered::New(id))
    }

    /// Gives a member who is known what they lack.
    fn repair(&mut self, mut member: Member, registration: &Registration) -> Result<Registered, Error> {
        let id = member.id;
        let is_pinned = match &registration.patient {
            Some(patient) => patient::pin(&mut member.patients, patient)?,
            None => false,
        };
        let needs_key = self.needs_device_key(id, registration)?;
        let device_key = registration.device_key.as_ref().filter(|_| needs_key);
        // Tokens are bound to their key.
        let contact = Contact { access: None, ..registration.contact() };
        if !is_pinned && device_key.is_none() && contact.check.is_none() && contact.server_time.is_none() {
            return Ok(Registered::Known(id));
        }
        self.write(|tx| {
            if is_pinned || device_key.is_some() {
                tx.put_member(&member)?;
                tx.log(Event::MemberChanged, Some(id), Ok(()), 0)?;
            }
            if let Some(device_key) = device_key {
                tx.put_secret(id, SecretKind::DeviceKey, device_key)?;
                tx.remove_secret(id, SecretKind::Access)?;
                tx.remove_secret(id, SecretKind::Suspension)?;
                return tx.keep_contact(id, registration.contact());
            }
            tx.keep_contact(id, contact)
        })?;
        Ok(Registered::Known(id))
    }

    /// Keeps what a contact with a server brought, and tells the log.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; `KZ-D08` when the
    /// server calls the member by another id than before: nothing is kept; [`Error::Store`]; [`Error::DeviceKey`] when the
    /// log key refuses.
    pub fn keep_contact(&mut self, member: MemberId, contact: Contact<'_>) -> Result<(), Error> {
        let known = self.member(member)?;
        let is_new = |one: &&ServerPatient| known.patient_at(&one.issuer) != Some(&one.patient);
        match (Contact { patient: contact.patient.filter(is_new), ..contact }) {
            Contact { check: None, access: None, told: None, patient: None, server_time, .. } => {
                server_time.map_or(Ok(()), |server_time| self.confirm_clock(server_time).map(drop))
            }
            contact => self.write(|tx| tx.keep_contact(member, contact)),
        }
    }

    /// Keeps the id by which a server knows a member, at the first contact. Every later contact is compared with it.
    ///
    /// # Errors
    /// `KZ-D08` when another id is kept for this issuer: nothing is changed, and nothing of that answer
    /// may be kept, until a person has confirmed whose it is ([`Store::confirm_patient`]). [`Error::Usage`] for a member who
    /// is not registered, and for texts that are empty or over 512 bytes; [`Error::Store`].
    pub fn pin_patient(&mut self, id: MemberId, issuer: &str, patient: &str) -> Result<(), Error> {
        let patient = ServerPatient { issuer: issuer.to_owned(), patient: patient.to_owned() };
        self.keep_contact(id, Contact { patient: Some(&patient), ..Contact::default() })
    }

    /// Keeps another id in place of the one there is, after a person has looked at name and date of birth and confirmed that
    /// they are this member's. The log tells of it.
    ///
    /// # Errors
    /// As [`Store::pin_patient`], without the comparison.
    pub fn confirm_patient(&mut self, id: MemberId, issuer: &str, patient: &str) -> Result<(), Error> {
        let patient = ServerPatient { issuer: issuer.to_owned(), patient: patient.to_owned() };
        self.write(|tx| tx.keep_patient(id, &patient, true))
    }

    /// Prepares a stop: keeps what it needs, and forgets the tokens.
    ///
    /// # Errors
    /// As [`Store::keep_contact`].
    pub fn begin_stop(&mut self, member: MemberId, suspension: &[u8]) -> Result<(), Error> {
        self.write(|tx| {
            tx.put_secret(member, SecretKind::Suspension, suspension)?;
            tx.remove_secret(member, SecretKind::Access)
        })
    }

    /// Ends a stop that a server has confirmed: forgets the device key with everything bound to it, and tells the log.
    ///
    /// # Errors
    /// As [`Store::keep_contact`].
    pub fn end_stop(&mut self, member: MemberId) -> Result<(), Error> {
        self.write(|tx| {
            for kind in [SecretKind::Suspension, SecretKind::Access, SecretKind::DeviceKey] {
                tx.remove_secret(member, kind)?;
            }
            tx.log(Event::Suspended, Some(member), Ok(()), 0)
        })
    }

    /// Forgets tokens that were revoked at the server, and tells the log.
    ///
    /// # Errors
    /// As [`Store::keep_contact`].
    pub fn end_access(&mut self, member: MemberId) -> Result<(), Error> {
        self.write(|tx| {
            tx.remove_secret(member, SecretKind::Access)?;
            tx.log(Event::SignedOut, Some(member), Ok(()), 0)
        })
    }

    /// Whether the device key of a registration is to be kept for a member who is known: they have none, or one without
    /// access. A stop that waits needs the one they have.
    pub(super) fn needs_device_key(&self, member: MemberId, registration: &Registration) -> Result<bool, Error> {
        let has = |kind| self.secret(member, kind).map(|secret| secret.is_some());
        let is_usable = has(SecretKind::DeviceKey)? && (has(SecretKind::Access)? || registration.access.is_none());
        let is_stopping = has(SecretKind::Suspension)? && !registration.gives_up_stop;
        Ok(registration.device_key.is_some() && !is_usable && !is_stopping)
    }
}

impl Tx<'_> {
    pub(super) fn keep_contact(&mut self, member: MemberId, contact: Contact<'_>) -> Result<(), Error> {
        if let Some(server_time) = contact.server_time {
            self.confirm_clock(server_time)?;
        }
        if let Some(patient) = contact.patient {
            self.keep_patient(member, patient, contact.is_confirmed)?;
        }
        if let Some(access) = contact.access {
            self.put_secret(member, SecretKind::Access, access)?;
        }
        if let Some(check) = contact.check {
            self.add_history(member, check)?;
        }
        contact.told.map_or(Ok(()), |(event, result)| self.log(event, Some(member), result, 0))
    }

    /// Keeps whom a server calls the member, another id than before only where a person has confirmed it; tells the log.
    pub(super) fn keep_patient(
        &mut self,
        id: MemberId,
        patient: &ServerPatient,
        is_confirmed: bool,
    ) -> Result<(), Error> {
        let damaged = StoreFault::Damaged { what: Table::Members.name() };
        let value = self.get(Holder::Member(id), Table::Members, &id.0)?;
        let mut member = value.and_then(|value| member::parse(id, &value)).ok_or(damaged)?;
        if is_confirmed {
            member.patients.retain(|one| one.issuer != patient.issuer);
        }
        if patient::pin(&mut member.patients, patient)? {
            self.put_member(&member)?;
            let event = if is_confirmed { Event::PatientConfirmed } else { Event::MemberChanged };
            self.log(event, Some(id), Ok(()), 0)?;
        }
        Ok(())
    }

    pub(super) fn put_secret(&mut self, member: MemberId, kind: SecretKind, secret: &[u8]) -> Result<(), Error> {
        let holder = Holder::Member(member);
        self.put(holder, Table::Secrets, &row_key(holder, kind.name()), secret)
    }

    pub(super) fn remove_secret(&mut self, member: MemberId, kind: SecretKind) -> Result<(), Error> {
        let holder = Holder::Member(member);
        self.ring.card_key(holder)?;
        self.remove(Table::Secrets, &row_key(holder, kind.name())).map(drop)
    }
}
