//! Exactly the JOSE forms the wire uses.

pub mod dpop;
pub mod jws;
pub mod thumbprint;

pub use dpop::{DeviceKey, DeviceKeyError};
pub use jws::SigningInput;
