//! The device's own key store, which the master key of the store is wrapped by.

use zeroize::Zeroizing;

use crate::error::{Error, StoreFault};

/// Wraps the master keys of a store under keys that never leave the platform's key store: Android Keystore, Secure Enclave,
/// or on desktops `FileKeys` (feature `software-key`).
///
/// Each alias names one key-encrypting key. Calls block and may ask the user to unlock the device. Implementations neither
/// log nor keep what they are given, and leave keys and aliases out of device backups.
pub trait KeyWrapper: Send + Sync {
    /// Makes the key of `alias`, in place of one that may be left from an interrupted call, and encrypts `key` (32 bytes)
    /// under it. The answer is at most 1 KiB.
    ///
    /// # Errors
    /// [`KeyStoreError`] as the key store says.
    fn wrap(&self, alias: &str, key: &[u8]) -> Result<Vec<u8>, KeyStoreError>;

    /// Decrypts what [`KeyWrapper::wrap`] gave for the same alias.
    ///
    /// # Errors
    /// [`KeyStoreError::Missing`] when there is no such key, or it is another one.
    fn unwrap(&self, alias: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyStoreError>;

    /// Clears away what interrupted calls have left: keys of this store, whose aliases are `store` and a number, beyond
    /// `epoch`. Called when the store is opened, while nobody else has it. Does nothing where it is not needed:
    /// [`KeyWrapper::wrap`] replaces what is left.
    fn tidy(&self, store: &str, epoch: u32) {
        let _ = (store, epoch);
    }

    /// Deletes the key of `alias` for good; a key that is gone already is no error.
    ///
    /// # Errors
    /// [`KeyStoreError`] as the key store says.
    fn delete(&self, alias: &str) -> Result<Deletion, KeyStoreError>;
}

/// What deleting a key is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deletion {
    /// Hardware has forgotten the key.
    Final,
    /// The key was overwritten and unlinked; what a flash controller or a backup keeps is beyond reach.
    BestEffort,
}

/// Why the key store refused. `detail` is for developers and holds nothing personal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyStoreError {
    /// The device is locked, or the user must authenticate first.
    #[error("the key store is locked")]
    Locked,
    /// No such key, or another one than the key was wrapped by.
    #[error("the key is gone")]
    Missing,
    /// Anything else.
    #[error("the key store failed: {detail}")]
    Failed {
        /// What the platform said.
        detail: String,
    },
}

impl From<KeyStoreError> for Error {
    fn from(error: KeyStoreError) -> Self {
        match error {
            KeyStoreError::Locked => StoreFault::Locked.into(),
            KeyStoreError::Missing => StoreFault::KeyMissing.into(),
            KeyStoreError::Failed { detail } => Self::DeviceKey { detail },
        }
    }
}
