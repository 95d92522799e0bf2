//! Exactly the JOSE forms the wire uses.

#[cfg(feature = "net")]
pub(crate) mod client_assertion;
#[cfg(feature = "sealed")]
mod concat_kdf;
pub mod dpop;
#[cfg(feature = "sealed")]
pub mod jwe;
pub mod jws;
#[cfg(feature = "sealed")]
pub mod sealed;
#[cfg(feature = "sealed")]
pub mod signers;
pub mod thumbprint;

pub use dpop::{DeviceKey, DeviceKeyError};
pub use jws::SigningInput;
