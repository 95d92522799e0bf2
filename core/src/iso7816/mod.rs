//! Smart cards in general (ISO/IEC 7816-4), nothing Japanese.

mod apdu;
pub mod channel;
mod status;
pub mod tlv;
mod trace;
mod transport;

pub use apdu::{Command, Response};
pub use channel::{CardCapabilities, Channel};
pub use status::StatusWord;
pub use trace::{Exchange, TracedTransport};
pub use transport::{CardTransport, TransportError, TransportLimits};
