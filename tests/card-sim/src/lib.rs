//! A simulated My Number card (個人番号カード) with synthetic people, for tests and demonstrations.
//!
//! [`Card`] is the chip: bytes in, bytes out. [`SimTransport`] puts it into a program as a [`kazasu`] card transport;
//! [`serve_vpcd`] and the binary `kazasu-card-sim` put it into a virtual PC/SC reader. Certificates are issued when the
//! card is made, by authorities named JPKI-SIM that nothing but tests trusts.
//!
//! Built so far is the JPKI application in the profiles of [`Profile`]. SELECT of the text-input support, surface,
//! resident-register and common applications answers 6A82 until they are added to the application table.
//!
//! ```
//! use kazasu_card_sim::{Card, Config, Profile};
//! let mut card = Card::new(Config::new(Profile::Today, 1))?;
//! card.power_on();
//! assert_eq!(card.process(&[0x00, 0xA4, 0x04, 0x0C, 0x05, 0xD3, 0x92, 0xF0, 0x00, 0x26]), [0x90, 0x00]);
//! # Ok::<(), kazasu_card_sim::SimError>(())
//! ```

mod apdu;
mod application;
pub mod authority;
mod card;
mod certificate;
mod commands;
mod config;
mod counters;
mod der_writer;
mod error;
mod fault;
mod jpki;
mod keys;
pub mod people;
mod state;
#[cfg(test)]
mod test_support;
mod token_info;
mod transport;
mod vpcd;

pub use card::{Card, Pin};
pub use config::{ATR_CONTACT, ATR_CONTACTLESS, Config, Profile, Validity};
pub use counters::{Counters, LogEntry};
pub use error::SimError;
pub use fault::{Fault, FaultAt, When};
pub use transport::SimTransport;
pub use vpcd::{Ending, Event, Exchange, VpcdServer, serve_vpcd};
