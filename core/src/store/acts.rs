//! Acts of several rows, each of them one transaction: who is killed in the middle has done nothing.

use zeroize::Zeroizing;

use super::event::Event;
use super::history::HistoryEntry;
use super::keys::{Holder, MemberId};
use super::member::{Confirmed, Profile, ServerPatient};
use super::schema::Table;
use super::secrets::{SecretKind, key};
use super::{Store, Tx};
use crate::error::Error;
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
}

crate::secret::opaque_debug!(Contact<'_>, Registration);

impl Registration {
    /// A card and a profile, and nothing of a server.
    pub const fn new(confirmed: Confirmed, profile: Profile) -> Self {
        let (patient, device_key, access, check, server_time) = (None, None, None, None, None);
        Self { confirmed, profile, patient, device_key, access, check, server_time }
    }

    pub(super) fn contact(&self) -> Contact<'_> {
        Contact {
            check: self.check.as_ref(),
            access: self.access.as_ref().map(|access| access.as_slice()),
            server_time: self.server_time,
            told: None,
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
    /// What was done there and how it ended, for the log.
    pub told: Option<(Event, Result<(), &'a Error>)>,
}

impl Store {
    /// Keeps what a contact with a server brought, and tells the log.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`]; [`Error::DeviceKey`] when the log key refuses.
    pub fn keep_contact(&mut self, member: MemberId, contact: Contact<'_>) -> Result<(), Error> {
        self.ring.card_key(Holder::Member(member))?;
        match contact {
            Contact { check: None, access: None, told: None, server_time } => {
                server_time.map_or(Ok(()), |server_time| self.confirm_clock(server_time).map(drop))
            }
            contact => self.write(|tx| tx.keep_contact(member, contact)),
        }
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
        Ok(registration.device_key.is_some() && !is_usable && !has(SecretKind::Suspension)?)
    }
}

impl Tx<'_> {
    pub(super) fn keep_contact(&mut self, member: MemberId, contact: Contact<'_>) -> Result<(), Error> {
        if let Some(server_time) = contact.server_time {
            self.confirm_clock(server_time)?;
        }
        if let Some(access) = contact.access {
            self.put_secret(member, SecretKind::Access, access)?;
        }
        if let Some(check) = contact.check {
            self.add_history(member, check)?;
        }
        contact.told.map_or(Ok(()), |(event, result)| self.log(event, Some(member), result, 0))
    }

    pub(super) fn put_secret(&mut self, member: MemberId, kind: SecretKind, secret: &[u8]) -> Result<(), Error> {
        let holder = Holder::Member(member);
        self.put(holder, Table::Secrets, &key(holder, kind.name()), secret)
    }

    pub(super) fn remove_secret(&mut self, member: MemberId, kind: SecretKind) -> Result<(), Error> {
        let holder = Holder::Member(member);
        self.ring.card_key(holder)?;
        self.remove(Table::Secrets, &key(holder, kind.name())).map(drop)
    }
}
