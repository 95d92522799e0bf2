//! My Number card to health-insurance eligibility.

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
pub mod card;
pub mod crypto;
pub mod error;
pub mod fhir;
pub mod guidance;
pub mod insurance;
pub mod iso7816;
pub mod jose;
#[cfg(feature = "net")]
pub mod qualify;
mod random;
mod secret;
#[cfg(feature = "net")]
pub mod session;
pub mod time;

pub use error::Error;
