//! The configuration file of a backend.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kazasu::qualify::{Notice, PayloadEncryption, Settings, TimeLimits};
use serde::Deserialize;

use crate::failure::Failure;
use crate::{files, pem};

/// The file as it is written; paths are relative to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuer: String,
    fhir_base: String,
    client_id: String,
    tls_roots: Vec<PathBuf>,
    card_roots: Vec<PathBuf>,
    pins: Vec<String>,
    pins_not_after: String,
    notice: FileNotice,
    scope: Option<String>,
    #[serde(default)]
    consents: Vec<String>,
    redirect_uri: Option<String>,
    #[serde(default)]
    payload_encryption: FilePayloadEncryption,
    #[serde(default)]
    signer_kids: Vec<String>,
    #[serde(default)]
    time_limits: FileTimeLimits,
    proxy: Option<String>,
}

/// In milliseconds; what is absent is as for everybody.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTimeLimits {
    connect_ms: Option<u32>,
    tls_ms: Option<u32>,
    answer_ms: Option<u32>,
    total_ms: Option<u32>,
}

impl From<FileTimeLimits> for TimeLimits {
    fn from(file: FileTimeLimits) -> Self {
        let usual = Self::default();
        let or = |ms: Option<u32>, usual| ms.map_or(usual, |ms| Duration::from_millis(ms.into()));
        Self {
            connect: or(file.connect_ms, usual.connect),
            tls: or(file.tls_ms, usual.tls),
            answer: or(file.answer_ms, usual.answer),
            total: or(file.total_ms, usual.total),
        }
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FilePayloadEncryption {
    Off,
    #[default]
    WhenRequired,
    Require,
}

impl From<FilePayloadEncryption> for PayloadEncryption {
    fn from(wanted: FilePayloadEncryption) -> Self {
        match wanted {
            FilePayloadEncryption::Off => Self::Off,
            FilePayloadEncryption::WhenRequired => Self::WhenRequired,
            FilePayloadEncryption::Require => Self::Require,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileNotice {
    id: String,
    text: String,
}

/// Largest configuration read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Reads the file and the certificates it names.
pub(crate) fn read(path: &Path) -> Result<Settings, Failure> {
    let bytes = files::read_within(path, MAX_FILE)?;
    let file: File =
        serde_json::from_slice(&bytes).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let read_all = |names: &[PathBuf]| -> Result<Vec<Vec<u8>>, Failure> {
        let read = |name: &PathBuf| pem::read_certificates(&folder.join(name));
        Ok(names.iter().map(read).collect::<Result<Vec<_>, _>>()?.concat())
    };
    Ok(Settings {
        tls_roots: read_all(&file.tls_roots)?,
        card_roots: read_all(&file.card_roots)?,
        issuer: file.issuer,
        fhir_base: file.fhir_base,
        client_id: file.client_id,
        pins: file.pins,
        pins_not_after: file.pins_not_after,
        notice: Notice { id: file.notice.id, text: file.notice.text },
        scope: file.scope,
        consents: file.consents,
        redirect_uri: file.redirect_uri,
        payload_encryption: file.payload_encryption.into(),
        signer_kids: file.signer_kids,
        limits: file.time_limits.into(),
        proxy: file.proxy,
        ..Settings::default()
    })
}
