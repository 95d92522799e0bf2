//! A certificate that a lost link cut off.

use super::profile::ef;
use crate::iso7816::channel::CutOff;
use crate::secret::opaque_debug;

/// What tells one card from another, in bytes: serial number, issuer and dates of its authentication certificate.
pub const CERTIFICATE_HEAD: usize = 256;

/// The first bytes of a certificate file, kept over a lost link. Good for the same card only, which is told by the head
/// of its authentication certificate: serial number, issuer and key lie there. Holds nothing that is behind a PIN.
#[derive(Clone)]
pub struct UnfinishedRead {
    /// First bytes of the authentication certificate of the card it was read from.
    pub(super) head: Vec<u8>,
    pub(super) file: CutOff,
}

opaque_debug!(UnfinishedRead);

impl UnfinishedRead {
    /// Keeps what was read of the authentication certificate itself, if that is enough to know the card again.
    pub(super) fn of_authentication_certificate(file: CutOff) -> Option<Self> {
        let head = file.data.get(..CERTIFICATE_HEAD)?.to_vec();
        (file.ef == ef::AUTHENTICATION_CERTIFICATE).then_some(Self { head, file })
    }

    /// Bytes that need not be read again.
    pub fn saved(&self) -> usize {
        self.file.data.len()
    }
}
