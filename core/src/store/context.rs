//! What a store is opened with, and keeps while it is open.

use std::path::PathBuf;
use std::sync::Arc;

use super::chain::{Checkpoint, LogId};
use super::key_wrapper::KeyWrapper;
use crate::crypto::{PublicKey, SignatureVerifier};
use crate::error::Error;
use crate::jose::dpop::{self, DeviceKey};
use crate::time::Clock;

/// What a store is made or opened with.
pub struct StoreSettings {
    /// The file. Leave it, and the keys, out of device backups.
    pub path: PathBuf,
    /// The device's key store.
    pub key_wrapper: Arc<dyn KeyWrapper>,
    /// Signs the log: a key of the device that serves nothing else.
    pub log_key: Arc<dyn DeviceKey>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Checks signatures of checkpoints.
    pub verifier: SignatureVerifier,
    /// The newest [`Checkpoint`] that was kept elsewhere: a store that is older is refused.
    pub anchor: Option<Checkpoint>,
    /// Whether one is kept from the store's first entry on: then a store with more than that and no anchor is refused.
    pub is_anchor_kept: bool,
    /// When keys are renewed.
    pub limits: Limits,
}

crate::secret::opaque_debug!(StoreSettings);

/// When keys are renewed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Rows sealed in one epoch: with random nonces, 2²⁸ keep the odds of a repeat below 2⁻⁴¹ for each table's key.
    pub writes_per_epoch: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { writes_per_epoch: 1 << 28 }
    }
}

/// What stays the same while the store is open.
pub(super) struct Context {
    pub(super) log: LogId,
    pub(super) log_key: Arc<dyn DeviceKey>,
    pub(super) log_public_key: PublicKey,
    pub(super) key_wrapper: Arc<dyn KeyWrapper>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) verifier: SignatureVerifier,
    pub(super) limits: Limits,
}

impl Context {
    pub(super) fn new(settings: &StoreSettings, log: LogId) -> Result<Self, Error> {
        Ok(Self {
            log,
            log_public_key: dpop::public_key(&*settings.log_key)?,
            log_key: Arc::clone(&settings.log_key),
            key_wrapper: Arc::clone(&settings.key_wrapper),
            clock: Arc::clone(&settings.clock),
            verifier: settings.verifier,
            limits: settings.limits,
        })
    }
}
