//! What gives access in a member's name, and what the app remembers of its own.

use super::{Store, member_id, mirror};
use crate::error::KazasuError;

mirror! {
    /// Kinds of secrets, one of each for a member.
    SecretKind of kazasu::store::SecretKind {
        /// The device key's name in the platform's key store.
        DeviceKey,
        /// A saved access: its tokens.
        Access,
        /// A stop of the card that waits for the network.
        Suspension,
    }
}

#[uniffi::export]
impl Store {
    /// Keeps a secret, in place of the one before. Wipe your own copy.
    pub fn save_secret(&self, member: String, kind: SecretKind, secret: &[u8]) -> Result<(), KazasuError> {
        let member = member_id(&member)?;
        self.with(|store| store.save_secret(member, kind.into(), secret))
    }

    /// A secret that was kept. Wipe it after use.
    pub fn secret(&self, member: String, kind: SecretKind) -> Result<Option<Vec<u8>>, KazasuError> {
        let member = member_id(&member)?;
        let secret = self.with(|store| store.secret(member, kind.into()))?;
        Ok(secret.map(|secret| secret.to_vec()))
    }

    /// Deletes a secret; tells whether there was one.
    pub fn delete_secret(&self, member: String, kind: SecretKind) -> Result<bool, KazasuError> {
        let member = member_id(&member)?;
        self.with(|store| store.delete_secret(member, kind.into()))
    }

    /// Remembers a value of the app's own for a member, or for the installation. `name` has 1 to 48 bytes.
    pub fn remember(&self, member: Option<String>, name: String, value: &[u8]) -> Result<(), KazasuError> {
        let member = member.as_deref().map(member_id).transpose()?;
        self.with(|store| store.remember(member, &name, value))
    }

    /// What was remembered.
    pub fn remembered(&self, member: Option<String>, name: String) -> Result<Option<Vec<u8>>, KazasuError> {
        let member = member.as_deref().map(member_id).transpose()?;
        self.with(|store| store.remembered(member, &name))
    }
}
