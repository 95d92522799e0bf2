//! What gives access in a member's name: the device key where the platform has no key store, tokens, a prepared stop.

use zeroize::Zeroizing;

use super::Store;
use super::keys::{Holder, MemberId, row_key};
use super::schema::Table;
use crate::error::Error;

/// Kinds of secrets, one of each for a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretKind {
    /// The DPoP key: its scalar on desktops, its name in the key store on phones.
    DeviceKey,
    /// A saved access: its tokens.
    Access,
    /// A stop of the card that waits for the network.
    Suspension,
}

impl SecretKind {
    pub(super) const fn name(self) -> &'static [u8] {
        match self {
            Self::DeviceKey => b"device_key",
            Self::Access => b"access",
            Self::Suspension => b"suspension",
        }
    }
}

impl Store {
    /// Keeps a secret, in place of the one before.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`].
    pub fn save_secret(&mut self, member: MemberId, kind: SecretKind, secret: &[u8]) -> Result<(), Error> {
        self.write(|tx| tx.put_secret(member, kind, secret))
    }

    /// A secret that was kept.
    ///
    /// # Errors
    /// As [`Store::save_secret`].
    pub fn secret(&self, member: MemberId, kind: SecretKind) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let holder = Holder::Member(member);
        self.ring.card_key(holder)?;
        self.read(|view| view.get(holder, Table::Secrets, &row_key(holder, kind.name())))
    }

    /// Deletes a secret; tells whether there was one.
    ///
    /// # Errors
    /// As [`Store::save_secret`].
    pub fn delete_secret(&mut self, member: MemberId, kind: SecretKind) -> Result<bool, Error> {
        let holder = Holder::Member(member);
        self.ring.card_key(holder)?;
        self.write(|tx| tx.remove(Table::Secrets, &row_key(holder, kind.name())))
    }
}
