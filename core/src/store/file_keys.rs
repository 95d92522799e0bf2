//! [`KeyWrapper`] of desktops: one file for each key, readable by its owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::cipher::{Key, decrypt, encrypt, lp};
use super::file::{name_of_partial, partial_suffix};
use super::key_wrapper::{Deletion, KeyStoreError, KeyWrapper};
use crate::error::{Error, StoreFault};
use crate::jose::dpop::SoftwareDeviceKey;
use crate::random;

const KEY_LEN: usize = 32;
const LOG_KEY: &str = "log-key";
/// What programs keep beside the keys: the newest checkpoint.
const ANCHOR: &str = "anchor";
/// Beginning of every alias.
const ALIAS: &str = "kazasu-";

/// Keys in a folder of their own (0700), one file each (0600).
///
/// Whoever can read the folder can open the store: a desktop without a key store has nothing better. Deleting a key is
/// [`Deletion::BestEffort`].
pub struct FileKeys {
    folder: PathBuf,
}

impl FileKeys {
    /// Makes the folder if need be: for a store that is about to be made.
    ///
    /// # Errors
    /// As [`FileKeys::open`]; [`StoreFault::Io`] when it cannot be made.
    pub fn create(folder: &Path) -> Result<Self, Error> {
        if !folder.exists() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            // Lasting before a store depends on what lies in it.
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            made.and_then(|()| File::open(parent)?.sync_all())
                .map_err(|_| StoreFault::Io { detail: "the folder of keys cannot be made" })?;
        }
        Self::open(folder)
    }

    /// Takes the folder of a store that is there.
    ///
    /// # Errors
    /// [`StoreFault::KeyMissing`] when there is none; [`Error::Usage`] when others can read it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let metadata = fs::metadata(folder).map_err(|error| match error.kind() {
            ErrorKind::NotFound => StoreFault::KeyMissing,
            _ => StoreFault::Io { detail: "the folder of keys cannot be read" },
        })?;
        if metadata.mode() & 0o077 != 0 {
            return Err(Error::usage(format!("{}: others can read it; chmod 700 it", folder.display())));
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// The key that signs checkpoints of the log.
    ///
    /// # Errors
    /// [`StoreFault::KeyMissing`] when there is none; [`Error::DeviceKey`] when the file cannot be read.
    pub fn log_key(&self) -> Result<SoftwareDeviceKey, Error> {
        SoftwareDeviceKey::from_bytes(&*self.read(LOG_KEY)?).ok_or(StoreFault::KeyMissing.into())
    }

    /// Draws that key, for a store that is about to be made: never for one that is there. One that is left from a store
    /// that was about to be made serves again.
    ///
    /// # Errors
    /// [`Error::DeviceKey`] when the file cannot be read or written.
    pub fn make_log_key(&self) -> Result<SoftwareDeviceKey, Error> {
        if self.path(LOG_KEY).exists() {
            return self.log_key();
        }
        let key = SoftwareDeviceKey::generate()?;
        self.write(LOG_KEY, &key.to_bytes())?;
        Ok(key)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(&self, name: &str) -> Result<Key, KeyStoreError> {
        let mut file = match File::open(self.path(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(KeyStoreError::Missing),
            file => file.map_err(failed)?,
        };
        if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
            return Err(KeyStoreError::Failed { detail: "others can read the key file; chmod 600 it".to_owned() });
        }
        let mut key = Key::default();
        file.read_exact(&mut *key).map_err(|_| KeyStoreError::Missing)?;
        Ok(key)
    }

    /// Replaces the file at once: a crash leaves the old one or the new one.
    fn write(&self, name: &str, key: &[u8]) -> Result<(), KeyStoreError> {
        let suffix = partial_suffix().map_err(|_| no_randomness())?;
        let partial = self.path(&format!("{name}{suffix}"));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial).map_err(failed)?;
        let written = file.write_all(key).and_then(|()| file.sync_all());
        if let Err(error) = written.and_then(|()| fs::rename(&partial, self.path(name))) {
            let _ = fs::remove_file(&partial);
            return Err(failed(error));
        }
        self.sync_folder()
    }

    /// Overwrites and removes a key.
    fn remove(&self, name: &str) -> Result<(), KeyStoreError> {
        let path = self.path(name);
        match OpenOptions::new().write(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            file => {
                let mut file = file.map_err(failed)?;
                file.write_all(&[0; KEY_LEN]).and_then(|()| file.sync_all()).map_err(failed)?;
            }
        }
        fs::remove_file(&path).map_err(failed)?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> Result<(), KeyStoreError> {
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

impl KeyWrapper for FileKeys {
    fn wrap(&self, alias: &str, key: &[u8]) -> Result<Vec<u8>, KeyStoreError> {
        let secret = Key::new(random::generate_bytes().map_err(|_| no_randomness())?);
        let nonce = random::generate_bytes().map_err(|_| no_randomness())?;
        let wrapped = encrypt(&secret, &nonce, &associated(alias), key)
            .map_err(|error| KeyStoreError::Failed { detail: error.to_string() })?;
        self.write(alias, &*secret)?;
        Ok(wrapped)
    }

    fn unwrap(&self, alias: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        decrypt(&self.read(alias)?, &associated(alias), wrapped).ok_or(KeyStoreError::Missing)
    }

    fn delete(&self, alias: &str) -> Result<Deletion, KeyStoreError> {
        self.remove(alias)?;
        Ok(Deletion::BestEffort)
    }

    /// Files on their way to their names, and the key of a renewal that did not come to its end.
    fn tidy(&self, store: &str, epoch: u32) {
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        for name in names.filter_map(|name| name.into_string().ok()) {
            let of_store = |name: &str| Some(name.strip_prefix(store)?.parse::<u32>().ok()? > epoch);
            let is_partial =
                name_of_partial(&name).is_some_and(|of| of == LOG_KEY || of == ANCHOR || of.starts_with(ALIAS));
            if is_partial || of_store(&name) == Some(true) {
                let _ = self.remove(&name); // the next time
            }
        }
    }
}

fn associated(alias: &str) -> Vec<u8> {
    [lp(b"kek/v1"), lp(alias.as_bytes())].concat()
}

fn no_randomness() -> KeyStoreError {
    KeyStoreError::Failed { detail: "the operating system gives no randomness".to_owned() }
}

/// Which kind of failure, without the path.
fn failed(error: std::io::Error) -> KeyStoreError {
    KeyStoreError::Failed { detail: error.kind().to_string() }
}
