//! The key of this device, kept by the platform.

use std::sync::Arc;

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

fn refused(error: DeviceKeyError) -> dpop::DeviceKeyError {
    dpop::DeviceKeyError(error.to_string())
}
