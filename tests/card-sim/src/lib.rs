//! A simulated My Number card (個人番号カード) with synthetic people, for tests and demonstrations.
//!
//! [`Card`] is the chip: bytes in, bytes out. [`SimTransport`] puts it into a program as a [`kazasu`] card transport;
//! [`serve_vpcd`] and the binary `kazasu-card-sim` put it into a virtual PC/SC reader. Certificates are issued when the
//! card is made, by authorities named JPKI-SIM that nothing but tests trusts.
//!
//! A card has the five applications of [`ApplicationKind`] and the data objects of the issuer security domain, as its
//! [`Profile`] says; the switches of [`Config`] bend it. Session keys of the text-input support application are not
//! simulated: `80 AE` answers 66F1 there.
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
mod application_kind;
pub mod authority;
mod card;
mod card_keys;
mod card_verifiable;
mod certificate;
mod commands;
mod common;
mod config;
mod counters;
mod der_writer;
mod dumps;
mod end_of_file;
mod error;
mod fault;
mod issuer;
mod jpki;
mod keys;
mod oddity;
pub mod people;
mod pin;
mod printed;
mod profile;
mod state;
mod surface;
#[cfg(test)]
mod test_support;
mod text_input;
mod tlv_writer;
mod token_info;
mod transport;
mod vpcd;

pub use application_kind::ApplicationKind;
pub use card::Card;
pub use card_verifiable::cv_authorities;
pub use config::{ATR_CONTACT, ATR_CONTACTLESS, Config, Validity};
pub use counters::{Counters, LogEntry};
pub use end_of_file::EndOfFile;
pub use error::SimError;
pub use fault::{Fault, FaultAt, When};
pub use oddity::Oddity;
pub use pin::Pin;
pub use printed::photo;
pub use profile::Profile;
pub use transport::SimTransport;

/// What [`Config::forged_text`] adds: rows that look like those of a program, and characters that are not seen.
pub const FORGED_TEXT: &str =
    "\n  Name: Forged (checked)\r\n  氏名: 偽造\u{2028}\u{1b}[2K\u{9b}\u{202e}\u{200b}\u{ad}\u{3164}\u{feff}\u{e0041}";

pub use vpcd::{Ending, Event, Exchange, VpcdServer, serve_vpcd};
