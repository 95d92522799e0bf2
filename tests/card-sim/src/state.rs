//! PIN values and tries that survive the program: the state file.

use crate::{SimError, application::Application, config::Config};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The contents of a state file. The PINs in it are those of synthetic people.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    person: u8,
    profile: String,
    /// By application and file, as in `jpki/0018`.
    pins: BTreeMap<String, SavedPin>,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct SavedPin {
    value: Option<String>,
    attempts_left: u8,
}

/// Where a card keeps its state.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    person: u8,
    profile: String,
}

impl StateFile {
    pub(crate) fn new(path: &Path, config: &Config) -> Self {
        Self { path: path.to_owned(), person: config.person, profile: config.profile.to_string() }
    }

    /// Puts what the file says into the applications; a missing file changes nothing.
    pub(crate) fn load(&self, applications: &mut [Application]) -> Result<(), SimError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(SimError::StateIo { path: self.path.clone(), source }),
        };
        let format = |detail: String| SimError::StateFormat { path: self.path.clone(), detail };
        // serde_json quotes no values in the errors of these types, so no PIN reaches the message.
        let saved: Saved = serde_json::from_str(&text)
            .map_err(|error| format(format!("not a state file (line {}, column {})", error.line(), error.column())))?;
        if (saved.person, &saved.profile) != (self.person, &self.profile) {
            let (path, Saved { person, profile, .. }) = (self.path.clone(), saved);
            return Err(SimError::StateOfAnotherCard { path, person, profile });
        }
        for application in applications {
            let name = application.kind.name();
            for (file, pin) in application.pins_mut() {
                let Some(saved) = saved.pins.get(&key(name, file)) else { continue };
                if saved.attempts_left > pin.max_attempts {
                    return Err(format(format!("{} has more tries than the card gives", key(name, file))));
                }
                pin.value = saved.value.as_ref().map(|value| value.clone().into_bytes());
                pin.attempts_left = saved.attempts_left;
            }
        }
        Ok(())
    }

    /// Replaces the file in one step, so that a crash leaves the old state or the new one.
    pub(crate) fn save(&self, applications: &mut [Application]) -> Result<(), SimError> {
        let mut pins = BTreeMap::new();
        for application in applications {
            let name = application.kind.name();
            for (file, pin) in application.pins_mut() {
                let value = pin.value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned());
                pins.insert(key(name, file), SavedPin { value, attempts_left: pin.attempts_left });
            }
        }
        let saved = Saved { person: self.person, profile: self.profile.clone(), pins };
        let write = || -> io::Result<()> {
            let text = serde_json::to_string_pretty(&saved)? + "\n";
            replace(&self.path, text.as_bytes())
        };
        write().map_err(|source| SimError::StateIo { path: self.path.clone(), source })
    }
}

/// Puts a new file, its owner's alone, in the place of what is at `path`: a link there is not followed.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let beside = path.with_file_name(format!(".kazasu-{:016x}.new", u64::from_ne_bytes(random)));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn key(application: &str, file: u16) -> String {
    format!("{application}/{file:04X}")
}
