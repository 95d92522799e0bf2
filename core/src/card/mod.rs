//! The My Number card: open it, then one application at a time.

pub mod certificate;
pub mod jpki;
pub mod pin;
mod profile;
#[cfg(any(feature = "net", feature = "diagnostics"))]
mod signature;

pub use certificate::{CardRoots, Certificate, CertificateState};
pub use jpki::{Jpki, PinAttempts, TokenInfo};
pub use pin::{LastAttempt, SignaturePassword, UserAuthenticationPin};
pub use profile::{Application, Generation};

use crate::error::{CardFault, Error};
use crate::iso7816::channel::ins;
use crate::iso7816::{CardCapabilities, CardTransport, Channel, StatusWord};

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
        }
    }
}

/// A card in the field. It ends with the link: open a new one after the card has moved.
pub struct Card<'t> {
    channel: Channel<'t>,
}

impl<'t> Card<'t> {
    /// Takes the link; sends nothing. `capabilities` are what this card has shown before, or the default.
    pub fn new(transport: &'t mut dyn CardTransport, capabilities: CardCapabilities) -> Self {
        Self { channel: Channel::new(transport, capabilities) }
    }

    /// Selects the JPKI application. One exchange; ends the verified state of every other application's PINs.
    ///
    /// # Errors
    /// [`Error::NotMyNumberCard`] when there is none, [`Error::Transport`] when the link broke.
    pub fn select_jpki(&mut self) -> Result<Jpki<'_, 't>, Error> {
        match self.channel.select_application(&Application::Jpki.aid())? {
            StatusWord::OK => Ok(Jpki::new(&mut self.channel)),
            StatusWord(0x6A82 | 0x6A86 | 0x6A81 | 0x6D00 | 0x6E00 | 0x6999) => Err(Error::NotMyNumberCard),
            StatusWord(status) => Err(CardFault::Status { ins: ins::SELECT, status }.into()),
        }
    }

    /// Asks for each application of the card by selecting it; five exchanges. The last one selected stays so.
    ///
    /// # Errors
    /// [`Error::Transport`] when the link broke.
    pub fn applications(&mut self) -> Result<Vec<Application>, Error> {
        let mut present = Vec::new();
        for application in Application::ALL {
            if self.channel.select_application(&application.aid())?.is_ok() {
                present.push(application);
            }
        }
        Ok(present)
    }

    /// What the card has shown so far; store it to save exchanges next time.
    pub fn capabilities(&self) -> CardCapabilities {
        self.channel.capabilities
    }
}
