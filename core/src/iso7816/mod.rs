//! Smart cards in general (ISO/IEC 7816-4), nothing Japanese.

mod apdu;
mod capabilities;
pub(crate) mod channel;
mod progress;
pub(crate) mod read;
mod status;
pub(crate) mod tlv;
mod trace;
mod transport;

pub(crate) use apdu::{Command, Response};
pub use capabilities::{CardCapabilities, ExtendedDoubt};
pub(crate) use channel::Channel;
pub use progress::{ReadPhase, ReadProgress};
pub(crate) use status::StatusWord;
#[cfg(fuzzing)]
pub use tlv::walk;
pub use trace::{Exchange, TracedTransport};
pub use transport::{CardTransport, LinkEnd, ShortTransport, TransportError, TransportLimits};
