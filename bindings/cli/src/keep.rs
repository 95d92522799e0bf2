//! `--keep FILE`: the device key and the tokens of one person, so that later commands need no card.
//!
//! The file is readable by its owner alone and worth as much as the access itself.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::qualify::{SavedAccess, SavedSuspension};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files::{self, failure};

/// Largest file read, in bytes.
const MAX_FILE: u64 = 64 << 10;
const FORMAT: u64 = 1;

/// What one person's file holds.
pub(crate) struct Kept {
    path: PathBuf,
    key: Zeroizing<Vec<u8>>,
    pub(crate) access: Option<SavedAccess>,
    /// A stop that waits for the network; nothing else is kept beside it.
    pub(crate) suspension: Option<SavedSuspension>,
}

impl Kept {
    /// What is in the file, or a new key for a file that does not exist yet.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::new(path),
            file => file.map_err(|error| failure(path, &error))?,
        };
        let metadata = file.metadata().map_err(|error| failure(path, &error))?;
        if metadata.mode() & 0o077 != 0 {
            return Err(Failure::usage(format!("{}: others can read it; chmod 600 it", path.display())));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX_FILE).read_to_end(&mut bytes).map_err(|error| failure(path, &error))?;
        Self::parse(path, &bytes).ok_or_else(|| Failure::usage(format!("{}: no file of --keep", path.display())))
    }

    fn new(path: &Path) -> Result<Self, Failure> {
        let key = SoftwareDeviceKey::generate()?.to_bytes();
        Ok(Self { path: path.to_owned(), key, access: None, suspension: None })
    }

    fn parse(path: &Path, bytes: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(bytes).ok()?;
        let part = |name: &str| Base64::decode_vec(json.get(name)?.as_str()?).ok();
        (json.get("format")?.as_u64()? == FORMAT).then_some(())?;
        let key = Zeroizing::new(part("key")?);
        SoftwareDeviceKey::from_bytes(&key)?;
        let access = part("access").map(SavedAccess::from_bytes);
        let suspension = part("suspension").map(SavedSuspension::from_bytes);
        Some(Self { path: path.to_owned(), key, access, suspension })
    }

    /// The device key.
    pub(crate) fn key(&self) -> Result<SoftwareDeviceKey, Failure> {
        SoftwareDeviceKey::from_bytes(&self.key).ok_or_else(|| Failure::usage("the key of --keep is damaged"))
    }

    /// Writes the file anew, complete or not at all.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let encode = |bytes: &[u8]| Base64::encode_string(bytes);
        let json = json!({
            "format": FORMAT,
            "key": encode(&self.key),
            "access": self.access.as_ref().map(|access| encode(access.as_bytes())),
            "suspension": self.suspension.as_ref().map(|suspension| encode(suspension.as_bytes())),
        });
        let text = Zeroizing::new(json.to_string());
        files::write(&self.path, text.as_bytes())
    }

    /// Deletes the file, key and all.
    pub(crate) fn delete(&mut self) -> Result<(), Failure> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failure(&self.path, &error)),
            _ => Ok(()),
        }
    }
}
