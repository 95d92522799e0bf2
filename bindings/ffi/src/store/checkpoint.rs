//! What the log ends with, signed.

use kazasu::store as core;

/// A signed statement of how far the log went. Nothing personal or secret.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Checkpoint {
    /// What to keep elsewhere and to hand to `StoreSettings.anchor`.
    pub bytes: Vec<u8>,
    /// Entries of the log.
    pub entries: u64,
    /// When it was made, milliseconds since 1970.
    pub at_unix_ms: i64,
}

impl From<&core::Checkpoint> for Checkpoint {
    fn from(core: &core::Checkpoint) -> Self {
        Self { bytes: core.to_bytes(), entries: core.entries(), at_unix_ms: core.at().0 }
    }
}
