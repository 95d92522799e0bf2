//! The key of this device, kept by the platform.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kazasu::jose::dpop;

/// A P-256 key in the platform's key store: one per member, issuer and installation, not exportable, not backed up.
#[uniffi::export(with_foreign)]
pub trait DeviceKey: Send + Sync {
    /// The public point, uncompressed: `04 ‖ x ‖ y`, 65 bytes.
    fn public_key(&self) -> Result<Vec<u8>, DeviceKeyError>;

    /// ECDSA with SHA-256 over `message`, DER encoded, as Android Keystore and Secure Enclave return it.
    fn sign_sha256(&self, message: Vec<u8>) -> Result<Vec<u8>, DeviceKeyError>;
}

/// The key store refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error, uniffi::Error)]
pub enum DeviceKeyError {
    /// Locked, missing or damaged.
    #[error("{detail}")]
    Failed {
        /// What the platform said; nothing personal.
        detail: String,
    },
    /// There is no such key, and none is made here.
    #[error("there is no such key")]
    Missing,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for DeviceKeyError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { detail: "unexpected exception in DeviceKey".to_owned() }
    }
}

/// A foreign key as the core wants it.
pub(crate) struct Key(pub(crate) Arc<dyn DeviceKey>);

impl dpop::DeviceKey for Key {
    fn public_key(&self) -> Result<Vec<u8>, dpop::DeviceKeyError> {
        self.0.public_key().map_err(refused)
    }

    fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, dpop::DeviceKeyError> {
        self.0.sign_sha256(message.to_vec()).map_err(refused)
    }
}

/// The key that signs the log of a store. One that is missing is told apart from one that fails.
pub(crate) struct LogKey {
    key: Arc<dyn DeviceKey>,
    is_missing: AtomicBool,
}

impl LogKey {
    pub(crate) const fn new(key: Arc<dyn DeviceKey>) -> Self {
        Self { key, is_missing: AtomicBool::new(false) }
    }

    /// Whether it was missing when it was asked.
    pub(crate) fn is_missing(&self) -> bool {
        self.is_missing.load(Ordering::Acquire)
    }

    fn refused(&self, error: DeviceKeyError) -> dpop::DeviceKeyError {
        self.is_missing.store(matches!(error, DeviceKeyError::Missing), Ordering::Release);
        refused(error)
    }
}

impl dpop::DeviceKey for LogKey {
    fn public_key(&self) -> Result<Vec<u8>, dpop::DeviceKeyError> {
        self.key.public_key().map_err(|error| self.refused(error))
    }

    fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, dpop::DeviceKeyError> {
        self.key.sign_sha256(message.to_vec()).map_err(|error| self.refused(error))
    }
}

fn refused(error: DeviceKeyError) -> dpop::DeviceKeyError {
    dpop::DeviceKeyError(error.to_string())
}
