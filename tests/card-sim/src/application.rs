//! The table of applications and files a card holds (ISO/IEC 7816-4, 7.2: DF, EF, internal EF).

use crate::keys::PrivateKey;

/// One application (DF) with its files.
pub(crate) struct Application {
    /// Name in state files.
    pub(crate) name: &'static str,
    /// The DF name by which it is selected.
    pub(crate) aid: &'static [u8],
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

/// What a file is.
pub(crate) enum Body {
    /// A transparent EF, readable once one of the PINs in `opened_by` is verified; always, when that list is empty.
    Binary { content: Vec<u8>, opened_by: &'static [u16] },
    /// An internal EF with a reference to compare with.
    Pin(PinFile),
    /// An internal EF with a private key, usable under the same condition as a binary file.
    Key { key: PrivateKey, opened_by: &'static [u16] },
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
    /// Security status: lost when power or the application goes.
    pub(crate) verified: bool,
}

impl PinFile {
    pub(crate) fn new(format: PinFormat, value: Option<&str>, max_attempts: u8) -> Self {
        let value = value.map(|text| text.as_bytes().to_vec());
        let attempts_left = if value.is_some() { max_attempts } else { 0 };
        Self { format, issued: value.clone(), value, attempts_left, max_attempts, verified: false }
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

/// Which values a PIN may be changed to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PinFormat {
    /// Exactly four digits.
    FourDigits,
    /// 6–16 of `A–Z 0–9`.
    Password,
}

impl PinFormat {
    pub(crate) fn accepts(self, value: &[u8]) -> bool {
        match self {
            Self::FourDigits => value.len() == 4 && value.iter().all(u8::is_ascii_digit),
            Self::Password => {
                (6..=16).contains(&value.len()) && value.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            }
        }
    }
}
