//! My Number card to health-insurance eligibility.
//!
//! [`session`] is what an app calls: [`session::begin`] talks to the server, [`session::AwaitingTap::tap`] to the card,
//! [`session::Signed::finish`] to the server again. Below it, data flow upwards through the modules:
//!
//! ```text
//! CardTransport ─ iso7816 ─ card ─┐
//!                     jose, fhir ─┴─ qualify ─ session
//!                            └────── insurance, store ─ export
//! ```
//!
//! Everything blocks; nothing here keeps global state or logs contents (libraries below do: [`logging`]). Threads are
//! started for HTTP requests alone, one for each, so that a [`Cancellation`] can end every wait. Clock, crypto provider,
//! trust roots and the link to the card are handed in.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod base64url;
mod cancellation;
pub mod card;
pub mod crypto;
pub mod error;
#[cfg(feature = "export")]
pub mod export;
pub mod fhir;
pub mod guidance;
pub mod insurance;
pub mod iso7816;
pub mod jose;
mod json;
pub mod logging;
#[cfg(feature = "net")]
pub mod qualify;
mod random;
pub mod safety;
mod secret;
#[cfg(feature = "net")]
pub mod session;
#[cfg(feature = "store")]
pub mod store;
pub mod text;
pub mod time;

pub use cancellation::Cancellation;
pub use error::Error;

/// Features of this build that no shipped app has: simulated cards pass, arbitrary bytes are signed, keys lie in memory.
///
/// Cargo joins the features that any crate of one build asks for, so that an app can come to have one without asking. A crate
/// that must not then does not compile: `const _: () = assert!(kazasu::TEST_FEATURES.is_empty());`
pub const TEST_FEATURES: &[&str] = &[
    #[cfg(feature = "diagnostics")]
    "diagnostics",
    #[cfg(feature = "simulator")]
    "simulator",
    #[cfg(feature = "software-key")]
    "software-key",
];
