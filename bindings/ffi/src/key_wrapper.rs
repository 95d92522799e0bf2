//! The device's key store, which the family's store is locked by.

use std::sync::Arc;

use kazasu::store as core;
use zeroize::Zeroizing;

/// Wraps the master keys of a store under keys that never leave the platform's key store.
///
/// Each alias names one key-encrypting key. Calls block and may ask the user to unlock the device. Implementations neither
/// log nor keep what they are given, overwrite it when they are done, and leave keys out of device backups.
#[uniffi::export(with_foreign)]
pub trait KeyWrapper: Send + Sync {
    /// Makes the key of `alias`, in place of one that may be left from an interrupted call, and encrypts `key` (32 bytes)
    /// under it. The answer is at most 1 KiB.
    fn wrap(&self, alias: String, key: Vec<u8>) -> Result<Vec<u8>, KeyStoreError>;

    /// Decrypts what `wrap` gave for the same alias.
    fn unwrap(&self, alias: String, wrapped: Vec<u8>) -> Result<Vec<u8>, KeyStoreError>;

    /// Deletes the key of `alias` for good; a key that is gone already is no error.
    fn delete(&self, alias: String) -> Result<KeyDeletion, KeyStoreError>;
}

/// What deleting a key is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum KeyDeletion {
    /// Hardware has forgotten the key.
    Complete,
    /// The key was overwritten; what a flash controller or a backup keeps is beyond reach.
    BestEffort,
}

/// Why the key store refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error, uniffi::Error)]
pub enum KeyStoreError {
    /// The device is locked, or the user must authenticate first.
    #[error("the key store is locked")]
    Locked,
    /// No such key, or another one than the key was wrapped by. What was wrapped stays shut for good.
    #[error("the key is gone")]
    Missing,
    /// Anything else.
    #[error("the key store failed: {detail}")]
    Failed {
        /// What the platform said; nothing personal.
        detail: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for KeyStoreError {
    /// An exception the app did not declare; its text may hold anything and is dropped.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { detail: "unexpected exception in KeyWrapper".to_owned() }
    }
}

impl From<KeyStoreError> for core::KeyStoreError {
    fn from(error: KeyStoreError) -> Self {
        match error {
            KeyStoreError::Locked => Self::Locked,
            KeyStoreError::Missing => Self::Missing,
            KeyStoreError::Failed { detail } => Self::Failed { detail },
        }
    }
}

/// A foreign key store as the core wants it.
pub(crate) struct Wrapper(pub(crate) Arc<dyn KeyWrapper>);

impl core::KeyWrapper for Wrapper {
    fn wrap(&self, alias: &str, key: &[u8]) -> Result<Vec<u8>, core::KeyStoreError> {
        Ok(self.0.wrap(alias.to_owned(), key.to_vec())?)
    }

    fn unwrap(&self, alias: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, core::KeyStoreError> {
        Ok(Zeroizing::new(self.0.unwrap(alias.to_owned(), wrapped.to_vec())?))
    }

    fn delete(&self, alias: &str) -> Result<core::Deletion, core::KeyStoreError> {
        Ok(match self.0.delete(alias.to_owned())? {
            KeyDeletion::Complete => core::Deletion::Final,
            KeyDeletion::BestEffort => core::Deletion::BestEffort,
        })
    }
}
