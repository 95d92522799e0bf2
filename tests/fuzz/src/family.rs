//! A small store with fixed keys, which the target `store_file` changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kazasu::Cancellation;
use kazasu::crypto::SignatureVerifier;
use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::store::{Deletion, KeyStoreError, KeyWrapper, Limits, StoreSettings};
use kazasu::time::{Clock, UnixMillis};
use zeroize::Zeroizing;

/// The store as `seeds` made it, behind the byte that says that it is taken as it comes.
pub static WHOLE: &[u8] = include_bytes!("../corpus/store_file/whole");

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixMillis {
        crate::flows::NOW
    }

    fn sleep(&self, _: Duration, _: &Cancellation) {}
}

/// A key store that hides nothing and keeps nothing: what the file says is unwrapped to itself.
struct Open;

impl KeyWrapper for Open {
    fn wrap(&self, _: &str, key: &[u8]) -> Result<Vec<u8>, KeyStoreError> {
        Ok(key.to_vec())
    }

    fn unwrap(&self, _: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        Ok(Zeroizing::new(wrapped.to_vec()))
    }

    fn delete(&self, _: &str) -> Result<Deletion, KeyStoreError> {
        Ok(Deletion::Final)
    }
}

/// How it is opened.
pub fn settings(path: &Path) -> StoreSettings {
    StoreSettings {
        path: path.to_owned(),
        key_wrapper: Arc::new(Open),
        log_key: Arc::new(SoftwareDeviceKey::from_bytes(&[7; 32]).expect("a scalar")),
        clock: Arc::new(Stopped),
        verifier: SignatureVerifier::ring(),
        anchor: None,
        is_anchor_kept: false,
        limits: Limits::default(),
    }
}

/// A file of this process, in memory where the system has a folder for it.
pub fn path(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    folder.join(format!("kazasu-fuzz-{}-{name}", std::process::id()))
}
