//! The table of applications and files a card holds (ISO/IEC 7816-4, 7.2: DF, EF, internal EF).

use crate::{application_kind::ApplicationKind, keys::PrivateKey};

/// One application (DF) with its files.
pub(crate) struct Application {
    /// Which one it is, with its DF name.
    pub(crate) kind: ApplicationKind,
    /// Its files. Identifiers are 0001–001E, so that the low five bits are the short identifier.
    pub(crate) files: Vec<File>,
    /// The key that P2 = 00 of the signing command means, if the application has one.
    pub(crate) default_key: Option<u16>,
}

impl Application {
    pub(crate) fn file(&self, id: u16) -> Option<&File> {
        self.files.iter().find(|file| file.id == id)
    }

    pub(crate) fn pin(&self, id: u16) -> Option<&PinFile> {
        self.file(id).and_then(|file| match &file.body {
            Body::Pin(pin) => Some(pin),
            _ => None,
        })
    }

    pub(crate) fn pin_mut(&mut self, id: u16) -> Option<&mut PinFile> {
        self.pins_mut().find(|(file, _)| *file == id).map(|(_, pin)| pin)
    }

    /// The PINs of the application with the identifiers of their files.
    pub(crate) fn pins_mut(&mut self) -> impl Iterator<Item = (u16, &mut PinFile)> {
        self.files.iter_mut().filter_map(|file| match &mut file.body {
            Body::Pin(pin) => Some((file.id, pin)),
            _ => None,
        })
    }

    /// Puts a transparent EF, or the only record of a record-structured one, in place of what is there.
    ///
    /// A file keeps its condition; one that was not there, or was an internal EF, is free to read.
    pub(crate) fn replace(&mut self, id: u16, content: &[u8]) {
        let content = content.to_vec();
        match self.files.iter_mut().find(|file| file.id == id) {
            Some(File { body: Body::Binary { content: old, .. }, .. }) => *old = content,
            Some(File { body: Body::Records(records), .. }) => *records = vec![content],
            Some(file) => *file = File::binary(id, content, &[]),
            None => self.files.push(File::binary(id, content, &[])),
        }
    }

    /// Whether a file with this condition may be used now.
    pub(crate) fn allows(&self, opened_by: &[u16]) -> bool {
        opened_by.is_empty() || opened_by.iter().any(|id| self.pin(*id).is_some_and(|pin| pin.verified))
    }
}

/// One file of an application.
pub(crate) struct File {
    pub(crate) id: u16,
    pub(crate) body: Body,
}

impl File {
    /// A transparent EF.
    pub(crate) fn binary(id: u16, content: Vec<u8>, opened_by: &'static [u16]) -> Self {
        Self { id, body: Body::Binary { content, opened_by } }
    }

    /// A record-structured EF, free to read.
    pub(crate) fn records(id: u16, records: Vec<Vec<u8>>) -> Self {
        Self { id, body: Body::Records(records) }
    }

    /// A PIN.
    pub(crate) fn pin(id: u16, pin: PinFile) -> Self {
        Self { id, body: Body::Pin(pin) }
    }

    /// A key of the signing command.
    pub(crate) fn key(id: u16, key: PrivateKey, opened_by: &'static [u16]) -> Self {
        Self { id, body: Body::Key { key, opened_by, usage: KeyUsage::Sign } }
    }

    /// A key of INTERNAL AUTHENTICATE that needs no PIN.
    pub(crate) fn authentication_key(id: u16, key: PrivateKey) -> Self {
        Self { id, body: Body::Key { key, opened_by: &[], usage: KeyUsage::Authenticate } }
    }

    /// An internal EF that is known to exist and nothing else.
    pub(crate) fn sealed(id: u16) -> Self {
        Self { id, body: Body::Sealed }
    }

    /// A transparent EF that nothing opens.
    pub(crate) fn never_readable(id: u16) -> Self {
        Self::binary(id, Vec::new(), &[NO_PIN])
    }
}

/// What a file is.
pub(crate) enum Body {
    /// A transparent EF, readable once one of the PINs in `opened_by` is verified; always, when that list is empty.
    Binary { content: Vec<u8>, opened_by: &'static [u16] },
    /// A record-structured EF, always readable. Records are numbered from 1.
    Records(Vec<Vec<u8>>),
    /// An internal EF with a reference to compare with.
    Pin(PinFile),
    /// An internal EF with a private key, usable under the same condition as a binary file.
    Key { key: PrivateKey, opened_by: &'static [u16], usage: KeyUsage },
    /// An internal EF of unknown purpose: it can be selected and nothing more.
    Sealed,
}

/// Which command a key is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyUsage {
    /// The signing command, `80 2A`.
    Sign,
    /// INTERNAL AUTHENTICATE, `00 88`.
    Authenticate,
}

/// A PIN with its try counter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PinFile {
    pub(crate) format: PinFormat,
    /// The value the card was issued with; `None` when the holder never set one, and the file is blocked.
    pub(crate) issued: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) attempts_left: u8,
    pub(crate) max_attempts: u8,
    pub(crate) change: Change,
    /// Security status: lost when power or the application goes.
    pub(crate) verified: bool,
}

impl PinFile {
    pub(crate) fn new(format: PinFormat, value: Option<&str>, max_attempts: u8, change: Change) -> Self {
        let value = value.map(|text| text.as_bytes().to_vec());
        let attempts_left = if value.is_some() { max_attempts } else { 0 };
        Self { format, issued: value.clone(), value, attempts_left, max_attempts, change, verified: false }
    }

    /// Back to what the card was issued with.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            value: self.issued.clone(),
            attempts_left: if self.issued.is_some() { self.max_attempts } else { 0 },
            verified: false,
            ..self.clone()
        };
    }
}

/// Which command changes a PIN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// CHANGE REFERENCE DATA, `00 24`.
    ReferenceData,
    /// CHANGE KEY, `80 32`.
    Key,
    /// None: what is printed on the card stays as it is.
    Never,
}

/// Which values a PIN may be changed to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PinFormat {
    /// Exactly four digits.
    FourDigits,
    /// 6–16 of `A–Z 0–9`.
    Password,
    /// Printed data, never changed.
    Other,
}

impl PinFormat {
    pub(crate) fn accepts(self, value: &[u8]) -> bool {
        match self {
            Self::FourDigits => value.len() == 4 && value.iter().all(u8::is_ascii_digit),
            Self::Other => false,
            Self::Password => {
                (6..=16).contains(&value.len()) && value.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            }
        }
    }
}

/// No file has this identifier, so no PIN opens what names it.
const NO_PIN: u16 = 0x0000;
