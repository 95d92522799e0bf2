//! The link to the card, implemented by the app's NFC code.

use std::sync::Arc;

use kazasu::error::{LinkEnd as CoreEnd, TransportError as Core};
use kazasu::iso7816;

/// A half-duplex link to one contactless card.
#[uniffi::export(with_foreign)]
pub trait CardTransport: Send + Sync {
    /// Sends one command APDU and returns the response APDU, status word included. Blocks until the card answers.
    ///
    /// Implementations neither retry nor log, and close the link when the user cancels: the pending call then ends with
    /// `Cancelled`, and every later one with `NotSent`: a PIN in a command counts as unused only then.
    fn transceive(&self, command: Vec<u8>) -> Result<Vec<u8>, TransportError>;

    /// The longest APDUs this link carries.
    fn limits(&self) -> Result<TransportLimits, TransportError>;
}

/// The longest APDUs a link carries, in bytes, headers and status word included: 261 and 258 where it is to send short ones
/// only, because the phone or reader fails at longer ones.
#[derive(Clone, Copy, Debug, uniffi::Record)]
pub struct TransportLimits {
    /// Longest command APDU; 261 for short APDUs.
    pub max_command: u32,
    /// Longest response APDU; 258 for short APDUs.
    pub max_response: u32,
}

/// Why the link to the card failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error, uniffi::Error)]
pub enum TransportError {
    /// The card left the field.
    #[error("the card left the field")]
    TagLost,
    /// No card came, or the card did not answer in time.
    #[error("no answer from a card in time")]
    Timeout,
    /// NFC is absent or switched off.
    #[error("NFC is absent or off")]
    Unavailable,
    /// The user or the app closed the link. The card may have seen the command.
    #[error("the link was closed")]
    Cancelled,
    /// The link was over before the command was sent: the card has certainly not seen it.
    #[error("{end}; the command was not sent")]
    NotSent {
        /// How the link had ended.
        end: LinkEnd,
    },
    /// Anything else.
    #[error("the reader failed: {detail}")]
    Failed {
        /// What the platform said, without APDU contents.
        detail: String,
    },
}

/// How a link was over before a command was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum LinkEnd {
    /// The card had left the field.
    TagLost,
    /// The time for it was over.
    Timeout,
    /// NFC was gone or switched off.
    Unavailable,
    /// The user or the app had closed it.
    Cancelled,
}

impl std::fmt::Display for LinkEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        CoreEnd::from(*self).fmt(f)
    }
}

impl From<LinkEnd> for CoreEnd {
    fn from(end: LinkEnd) -> Self {
        match end {
            LinkEnd::TagLost => Self::TagLost,
            LinkEnd::Timeout => Self::Timeout,
            LinkEnd::Unavailable => Self::Unavailable,
            LinkEnd::Cancelled => Self::Cancelled,
        }
    }
}

impl From<CoreEnd> for LinkEnd {
    fn from(end: CoreEnd) -> Self {
        match end {
            CoreEnd::TagLost => Self::TagLost,
            CoreEnd::Timeout => Self::Timeout,
            CoreEnd::Unavailable => Self::Unavailable,
            CoreEnd::Cancelled => Self::Cancelled,
        }
    }
}

impl From<uniffi::UnexpectedUniFFICallbackError> for TransportError {
    /// An exception the app did not declare; its text may hold anything and is dropped.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { detail: "unexpected exception in CardTransport".to_owned() }
    }
}

impl From<TransportError> for Core {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::TagLost => Self::TagLost,
            TransportError::Timeout => Self::Timeout,
            TransportError::Unavailable => Self::Unavailable,
            TransportError::Cancelled => Self::Cancelled,
            TransportError::NotSent { end } => Self::NotSent { end: end.into() },
            TransportError::Failed { detail } => Self::Failed { detail },
        }
    }
}

impl From<Core> for TransportError {
    fn from(error: Core) -> Self {
        match error {
            Core::TagLost => Self::TagLost,
            Core::Timeout => Self::Timeout,
            Core::Unavailable => Self::Unavailable,
            Core::Cancelled => Self::Cancelled,
            Core::NotSent { end } => Self::NotSent { end: end.into() },
            Core::Failed { detail } => Self::Failed { detail },
        }
    }
}

/// A foreign link as the core wants it.
pub(crate) struct Link(pub(crate) Arc<dyn CardTransport>);

impl iso7816::CardTransport for Link {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, Core> {
        Ok(self.0.transceive(command.to_vec())?)
    }

    fn limits(&self) -> iso7816::TransportLimits {
        match self.0.limits() {
            Ok(limits) => iso7816::TransportLimits {
                max_command: limits.max_command as usize,
                max_response: limits.max_response as usize,
            },
            Err(_) => iso7816::TransportLimits::SHORT,
        }
    }
}
