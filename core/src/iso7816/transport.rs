//! The link to one card, as the platform supplies it.

pub use crate::error::{LinkEnd, TransportError};

/// A half-duplex link to one contactless card.
pub trait CardTransport {
    /// Sends one command APDU and returns the response APDU, status word included.
    ///
    /// Blocks until the card answers. Implementations neither retry, log nor call back into this crate.
    ///
    /// # Errors
    /// [`TransportError::TagLost`] once the card has left the field; the link is then over. [`TransportError::NotSent`] only
    /// where it is certain that the card has not seen the command: a PIN in it then counts as unused.
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError>;

    /// The longest APDUs this link carries. The default, [`TransportLimits::SHORT`], is what every reader and phone can do;
    /// [`ShortTransport`] says so for a link that claims more than it keeps.
    fn limits(&self) -> TransportLimits {
        TransportLimits::SHORT
    }
}

impl<T: CardTransport + ?Sized> CardTransport for &mut T {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        (**self).transceive(command)
    }

    fn limits(&self) -> TransportLimits {
        (**self).limits()
    }
}

impl<T: CardTransport + ?Sized> CardTransport for Box<T> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        (**self).transceive(command)
    }

    fn limits(&self) -> TransportLimits {
        (**self).limits()
    }
}

/// A link that is to carry short APDUs only, whatever it says of itself: for readers and phones that break at longer ones.
pub struct ShortTransport<T>(pub T);

impl<T: CardTransport> CardTransport for ShortTransport<T> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.0.transceive(command)
    }

    fn limits(&self) -> TransportLimits {
        let (own, short) = (self.0.limits(), TransportLimits::SHORT);
        TransportLimits {
            max_command: own.max_command.min(short.max_command),
            max_response: own.max_response.min(short.max_response),
        }
    }
}

/// The longest APDUs a link carries, in bytes, headers and status word included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TransportLimits {
    /// Longest command APDU.
    pub max_command: usize,
    /// Longest response APDU.
    pub max_response: usize,
}

impl TransportLimits {
    /// Short APDUs only (ISO/IEC 7816-4:2020, 5.2): 261 bytes out, 258 bytes back.
    pub const SHORT: Self = Self { max_command: 261, max_response: 258 };
    /// Extended APDUs (ISO/IEC 7816-4:2020, 5.2): 65,544 bytes out, 65,538 bytes back.
    pub const EXTENDED: Self = Self { max_command: 65_544, max_response: 65_538 };
}
