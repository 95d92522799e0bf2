//! The family's encrypted store, with at most one call at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use kazasu::crypto::SignatureVerifier;
use kazasu::error::StoreFault;
use kazasu::store as core;
use kazasu::time::SystemClock;

use crate::device_key::{DeviceKey, LogKey};
use crate::error::KazasuError;
use crate::key_wrapper::{KeyWrapper, Wrapper};

mod acts;
mod checkpoint;
mod history;
mod log;
mod member;
mod patient;
mod payments;
mod records;
mod retention;
mod secrets;

pub use acts::{Check, Contact};
pub use checkpoint::Checkpoint;
pub use history::{CheckedBy, HistoryEntry, KeptEligibility};
pub use log::{AppEvent, LogDamage, LogEntry, LogEvent, LogVerdict, log_event_text};
pub use member::{Erasure, Profile, Registered, Role, StoredMember};
pub use patient::ServerPatient;
pub use payments::{ExpenseKind, Payment, PaymentSource, StoredPayment};
pub use records::{RecordPage, RecordQuery, RecordType, Saved, StoredRecord};
pub use retention::{Aging, Expiring, Retention, RetentionPolicy};
pub use secrets::SecretKind;

/// Where the store lies.
#[derive(Clone, Debug, uniffi::Record)]
pub struct StoreSettings {
    /// The file, in a folder that exists. Leave it out of device backups.
    pub path: String,
    /// `Checkpoint.bytes` of the newest checkpoint that was kept elsewhere: a store that is older is refused, and none is
    /// made in place of one that is gone.
    #[uniffi(default = None)]
    pub anchor: Option<Vec<u8>>,
    /// Whether the app keeps one from the first opening on: then a store with more than its first entry and no anchor is
    /// refused.
    #[uniffi(default = false)]
    pub is_anchor_kept: bool,
}

/// The family's encrypted store: at most five members, each with a key of their own. Blocking; a second call while one
/// runs fails with `Busy`, and so does opening a file that is open already.
#[derive(uniffi::Object)]
pub struct Store {
    open: Mutex<Option<core::Store>>,
}

#[uniffi::export]
impl Store {
    /// Opens the store, or makes it where there is no file and no anchor says that there was one.
    ///
    /// `log_key` signs the access log and serves nothing else. Make it when there is neither file nor anchor, and at no other
    /// time. Finishes what was interrupted, and renews keys that are 90 days old. Fails with `Store`: `Locked`, `KeyMissing`,
    /// `Damaged`, `RolledBack`, `Replaced`, `Newer`, `Io`; with `DeviceKey` when a key store fails.
    #[uniffi::constructor]
    pub fn open_or_create(
        settings: StoreSettings,
        key_wrapper: Arc<dyn KeyWrapper>,
        log_key: Arc<dyn DeviceKey>,
    ) -> Result<Arc<Self>, KazasuError> {
        let anchor = settings.anchor.as_deref().map(anchor).transpose()?;
        let log_key = Arc::new(LogKey::new(log_key));
        let settings = core::StoreSettings {
            path: PathBuf::from(settings.path),
            key_wrapper: Arc::new(Wrapper(key_wrapper)),
            log_key: Arc::clone(&log_key) as Arc<_>,
            clock: Arc::new(SystemClock),
            verifier: SignatureVerifier::ring(),
            anchor,
            is_anchor_kept: settings.is_anchor_kept,
            limits: core::Limits::default(),
        };
        // What cannot be looked at is opened, so that it tells why.
        let store = match settings.path.try_exists() {
            Ok(false) => core::Store::create(settings),
            Ok(true) | Err(_) => core::Store::open(settings),
        };
        let store = store.map_err(|error| if log_key.is_missing() { StoreFault::KeyMissing.into() } else { error })?;
        Ok(Arc::new(Self { open: Mutex::new(Some(store)) }))
    }

    /// Renews the master key. It happens by itself every 90 days; call it when the old key may have leaked.
    pub fn rotate(&self) -> Result<(), KazasuError> {
        self.with(core::Store::rotate)
    }

    /// Signs the log and closes the file; every later call fails with `Usage`. Keep the checkpoint elsewhere.
    ///
    /// A store that is let go without it is closed too, without the signature.
    pub fn sign_and_close(&self) -> Result<Checkpoint, KazasuError> {
        let store = self.lock()?.take().ok_or_else(closed)?;
        Ok((&store.close()?).into())
    }
}

impl Store {
    /// One call at a time.
    fn with<R>(&self, work: impl FnOnce(&mut core::Store) -> Result<R, kazasu::Error>) -> Result<R, KazasuError> {
        Ok(work(self.lock()?.as_mut().ok_or_else(closed)?)?)
    }

    fn lock(&self) -> Result<MutexGuard<'_, Option<core::Store>>, KazasuError> {
        match self.open.try_lock() {
            Ok(open) => Ok(open),
            Err(TryLockError::WouldBlock) => Err(KazasuError::Busy),
            Err(TryLockError::Poisoned(poisoned)) => {
                // After a panic memory and file may say different things: the file is right, once it is opened again.
                let mut open = poisoned.into_inner();
                *open = None;
                Ok(open)
            }
        }
    }
}

fn anchor(bytes: &[u8]) -> Result<core::Checkpoint, KazasuError> {
    let damaged = kazasu::Error::Store(StoreFault::Damaged { what: "anchor" });
    core::Checkpoint::from_bytes(bytes).ok_or_else(|| damaged.into())
}

fn member_id(text: &str) -> Result<core::MemberId, KazasuError> {
    core::MemberId::parse(text).ok_or_else(|| usage("not a member's id"))
}

fn closed() -> KazasuError {
    usage("the store is closed")
}

fn usage(detail: &str) -> KazasuError {
    KazasuError::Usage { detail: detail.to_owned() }
}

/// The same variants on both sides, in one direction or both.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of $core:path { $($(#[$variant_doc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl From<$core> for $name {
            fn from(core: $core) -> Self {
                use $core as Core;
                match core { $(Core::$variant => Self::$variant,)* }
            }
        }

        impl From<$name> for $core {
            fn from(ffi: $name) -> Self {
                use $core as Core;
                match ffi { $($name::$variant => Core::$variant,)* }
            }
        }
    };
}
use mirror;
