//! Smart cards in general (ISO/IEC 7816-4), nothing Japanese.

mod transport;

pub use transport::{CardTransport, TransportError, TransportLimits};
