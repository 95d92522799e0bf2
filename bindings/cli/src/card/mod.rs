//! `kazasu card …`: the card alone, without a server.

mod attributes;
mod authenticate;
mod certificate;
mod doctor;
mod face;
mod info;
mod pins;
mod proof;
mod sign;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use kazasu::card::LastAttempt;

use crate::args::{CardCommand, Global};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(command: &CardCommand, global: &Global, output: Output) -> Result<(), Failure> {
    match command {
        CardCommand::Info => info::run(global, output),
        CardCommand::PinStatus => pins::status(global, output),
        CardCommand::PinChange(arguments) => pins::change(arguments, global, output),
        CardCommand::Certificate { kind, ca, output: file } => {
            certificate::run(*kind, *ca, file.as_deref(), global, output)
        }
        CardCommand::Attributes { verify } => attributes::run(*verify, global, output),
        CardCommand::Face(arguments) => face::run(arguments, global, output),
        CardCommand::BirthDate => attributes::birth_date(global, output),
        CardCommand::Sign(arguments) => sign::run(arguments, global, output),
        CardCommand::Authenticate { challenge, cached_certificate } => {
            authenticate::run(challenge, cached_certificate.as_deref(), global, output)
        }
        CardCommand::Doctor { output: file, yes } => doctor::run(file.as_deref(), *yes, global, output),
    }
}

/// The permission of `--allow-last-try`.
pub(crate) fn last_attempt(global: &Global) -> LastAttempt {
    if global.allow_last_try { LastAttempt::Allow } else { LastAttempt::Refuse }
}

/// A file for a result, opened before anybody is asked for a PIN. Nothing is left of a new one when the result never comes.
pub(crate) struct Destination {
    path: PathBuf,
    file: File,
    /// Made by this program, and still without the result.
    is_hollow: bool,
}

impl Destination {
    fn open(path: &Path) -> Result<Self, Failure> {
        Self::open_with(path, OpenOptions::new())
    }

    /// One that only its owner can read, where it is new.
    pub(crate) fn open_private(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.mode(0o600);
        Self::open_with(path, options)
    }

    fn open_with(path: &Path, mut options: OpenOptions) -> Result<Self, Failure> {
        let (file, is_hollow) = match options.write(true).create_new(true).open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (options.create_new(false).open(path), false),
            made => (made, true),
        };
        let file = file.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        Ok(Self { path: path.to_owned(), file, is_hollow })
    }

    pub(crate) fn write(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let is_file = self.file.metadata().is_ok_and(|metadata| metadata.is_file());
        let emptied = if is_file { self.file.set_len(0) } else { Ok(()) };
        let written = emptied.and_then(|()| self.file.write_all(bytes)).and_then(|()| self.file.flush());
        written.map_err(|error| Failure::usage(format!("{}: {error}", self.path.display())))?;
        self.is_hollow = false;
        Ok(())
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        if self.is_hollow {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
