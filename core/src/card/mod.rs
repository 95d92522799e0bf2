//! The My Number card: open it, then one application at a time.
//!
//! ```text
//! Card ─┬─ Jpki ─────── Certificate ── signature, CMS
//!       ├─ TextInput ── Attributes ─┐
//!       └─ Surface ──── Face ───────┴─ Proof (CV certificates)
//! ```

pub mod attributes;
pub mod certificate;
#[cfg(feature = "diagnostics")]
pub mod cms;
mod cv_authorities;
pub mod cv_certificate;
pub mod doctor;
pub mod face;
pub mod field;
mod issuer;
#[cfg(feature = "photo")]
mod jpeg2000;
pub mod jpki;
#[cfg(feature = "photo")]
pub mod photo;
pub mod pin;
mod profile;
mod proof;
mod raw_rsa;
mod record;
mod signature;
mod surface;
mod text_input;
pub mod token_info;
pub mod unfinished;
mod verify;

pub use attributes::{Attributes, CardDate, Sex};
pub use certificate::{CardRoots, Certificate, CertificateState};
pub use cv_certificate::{CvAuthorities, CvCertificate};
pub use face::{BirthDateRecord, Face};
pub use field::{Field, OtherField};
pub use issuer::Issuer;
pub use jpki::{Disclosure, Jpki, KeyKind};
pub use pin::{
    BirthDateNumber, LastAttempt, SignaturePassword, TextInputPin, UserAuthenticationPin, VerificationNumberB,
};
pub use profile::{Application, Generation};
pub use proof::{Genuine, Proof, ProofGap, Verification};
pub use surface::Surface;
pub use text_input::TextInput;
pub use token_info::{CertificateAvailability, TokenInfo};
pub use unfinished::UnfinishedRead;
pub use verify::PinAttempts;

use crate::error::{CardFault, Error, PinKind};
use crate::iso7816::channel::ins;
use crate::iso7816::read::ReadLength;
use crate::iso7816::{CardCapabilities, CardTransport, Channel, ReadProgress, StatusWord};

/// How the link to the card was protected: what happened, never what was hoped for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChannelReport {
    /// The kind of channel.
    pub kind: ChannelKind,
    /// How the chip was shown to be no copy.
    pub chip_proof: ChipProof,
}

/// Kind of channel between SDK and card.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChannelKind {
    /// No encryption on the contactless interface: today's card offers none.
    Plain,
}

/// How the chip was shown to be no copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChipProof {
    /// Not shown.
    None,
    /// It signed a fresh challenge with the key of its certificate.
    CertKeyChallenge,
    /// It signed a fresh challenge with the internal key of the application that was read, which the municipality
    /// certified.
    InternalKeyChallenge,
}

impl ChannelKind {
    /// Wire name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "Plain",
        }
    }
}

impl ChipProof {
    /// Wire name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::CertKeyChallenge => "CertKeyChallenge",
            Self::InternalKeyChallenge => "InternalKeyChallenge",
        }
    }
}

/// A card in the field. It ends with the link: open a new one after the card has moved.
pub struct Card<'t> {
    channel: Channel<'t>,
    unfinished: Option<UnfinishedRead>,
}

impl<'t> Card<'t> {
    /// Takes the link; sends nothing. `capabilities` are what this card has shown before, or the default.
    pub fn new(transport: &'t mut dyn CardTransport, capabilities: CardCapabilities) -> Self {
        Self { channel: Channel::new(transport, capabilities), unfinished: None }
    }

    /// Tells `watcher` how far reads have come, after every kilobyte at most.
    ///
    /// Without a watcher a file comes in as few exchanges as card and link allow, one for a photo; with one, in steps.
    #[must_use]
    pub fn watched_by(mut self, watcher: &'t mut dyn FnMut(ReadProgress)) -> Self {
        self.channel.watch(watcher);
        self
    }

    /// Goes on with a certificate that a lost link cut off, if this is the same card.
    #[must_use]
    pub fn resuming(mut self, unfinished: Option<UnfinishedRead>) -> Self {
        self.unfinished = unfinished;
        self
    }

    /// What a lost link left of the certificate that was being read, for [`Card::resuming`] after the next tap. Files
    /// behind a PIN are never resumed.
    pub fn take_unfinished(&mut self) -> Option<UnfinishedRead> {
        self.unfinished.take()
    }

    /// Selects the JPKI application. One exchange; ends the verified state of every other application's PINs.
    ///
    /// # Errors
    /// [`Error::NotMyNumberCard`] when there is none, [`Error::Transport`] when the link broke.
    pub fn select_jpki(&mut self) -> Result<Jpki<'_, 't>, Error> {
        self.select(Application::Jpki)?;
        Ok(Jpki::new(&mut self.channel, &mut self.unfinished))
    }

    /// Selects the text-input application (券面事項入力補助AP). One exchange, otherwise as [`Card::select_jpki`].
    ///
    /// # Errors
    /// As [`Card::select_jpki`]: phones do not have this application.
    pub fn select_text_input(&mut self) -> Result<TextInput<'_, 't>, Error> {
        self.select(Application::TextInput)?;
        Ok(TextInput::new(&mut self.channel))
    }

    /// Selects the surface application (券面事項確認AP). One exchange, otherwise as [`Card::select_jpki`].
    ///
    /// # Errors
    /// As [`Card::select_jpki`]: phones do not have this application.
    pub fn select_surface(&mut self) -> Result<Surface<'_, 't>, Error> {
        self.select(Application::Surface)?;
        Ok(Surface::new(&mut self.channel))
    }

    /// Asks for each application of the card by selecting it; five exchanges. The last one selected stays so.
    ///
    /// # Errors
    /// [`Error::Transport`] when the link broke, [`Error::Card`] for a refusal that does not say that there is none.
    pub fn applications(&mut self) -> Result<Vec<Application>, Error> {
        let mut present = Vec::new();
        for application in Application::ALL {
            match self.select(application) {
                Ok(()) => present.push(application),
                Err(Error::NotMyNumberCard) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(present)
    }

    /// Asks for the tries left of every PIN this SDK uses; costs none. One exchange for each PIN and each application;
    /// what the card does not have is left out.
    ///
    /// # Errors
    /// [`Error::NotMyNumberCard`] without the JPKI application, [`Error::Card`] for an answer that says nothing about
    /// tries, [`Error::Transport`] when the link broke.
    pub fn attempts_left(&mut self) -> Result<Vec<PinAttempts>, Error> {
        let mut found = Vec::new();
        for application in Generation::MyNumberCard.applications() {
            match self.select(*application) {
                Ok(()) => {}
                Err(Error::NotMyNumberCard) if *application != Application::Jpki => continue,
                Err(error) => return Err(error),
            }
            for kind in PinKind::ALL.into_iter().filter(|kind| profile::pin(*kind).application == *application) {
                let attempts = match verify::attempts_left(&mut self.channel, kind) {
                    // A card without this PIN.
                    Err(Error::Card(CardFault::Status { status: 0x6A82 | 0x6A83 | 0x6A88, .. })) => continue,
                    attempts => attempts?,
                };
                if kind != PinKind::Signature || attempts.attempts_left != Some(0) || self.has_signature()? {
                    found.push(attempts);
                }
            }
        }
        Ok(found)
    }

    /// Whether there is a signature certificate, as far as the card tells: one without, such as a child's, tells of a locked
    /// password that nobody ever had. JPKI is selected.
    fn has_signature(&mut self) -> Result<bool, Error> {
        let told = Jpki::new(&mut self.channel, &mut self.unfinished).certificates_if_told()?;
        Ok(told.is_none_or(|available| available.signature))
    }

    /// What the card has shown so far; store it to save exchanges next time.
    pub fn capabilities(&self) -> CardCapabilities {
        self.channel.capabilities
    }

    fn select(&mut self, application: Application) -> Result<(), Error> {
        match self.channel.select_application(&application.aid())? {
            StatusWord::OK => Ok(()),
            StatusWord(0x6A82 | 0x6A86 | 0x6A81 | 0x6D00 | 0x6E00 | 0x6999) => Err(Error::NotMyNumberCard),
            status => Err(refused(ins::SELECT)(status)),
        }
    }
}

/// Reads a file that must be there and open.
fn read(channel: &mut Channel<'_>, ef: u16, length: ReadLength) -> Result<Vec<u8>, Error> {
    channel.read_open_ef(ef, length)?.map_err(refused(ins::READ_BINARY))
}

fn refused(ins: u8) -> impl Fn(StatusWord) -> Error {
    move |status| CardFault::Status { ins, status: status.0 }.into()
}
