//! Who issued a certificate of the card, as far as that was checked.

use super::Certificate;
use super::certificate::is_jpki_root;
use super::jpki::{Jpki, KeyKind};
use crate::crypto::SignatureVerifier;
use crate::error::{CardFault, Error};

/// Who issued a certificate, as far as that was checked. A certificate that contradicts its issuer's signature, as one with
/// a flipped bit does, is an error and never this. Nothing here tells of revocation: only accredited verifiers may ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Issuer {
    /// Nobody looked: a signature may fit the key in the certificate, and the certificate be wrong.
    NotChecked,
    /// The authority whose certificate lies on the card, one of JPKI's six by its fingerprint.
    JpkiRoot,
    /// The authority whose certificate lies on the card, and nobody known: a test card, or a forgery as a whole.
    UnknownRoot,
}

impl Issuer {
    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotChecked => "not_checked",
            Self::JpkiRoot => "jpki_root",
            Self::UnknownRoot => "unknown_root",
        }
    }
}

impl Certificate {
    /// Checks the signatures: that of `authority` under this certificate, and its own under itself, as a root has it.
    ///
    /// # Errors
    /// [`CardFault::NotGenuine`] when either does not fit.
    pub fn check_issuer(&self, authority: &Self, verifier: SignatureVerifier) -> Result<Issuer, Error> {
        if !self.is_issued_by(authority, verifier) {
            return Err(CardFault::NotGenuine { what: "certificate" }.into());
        }
        authority.check_root(verifier)
    }

    /// Checks that this is the certificate of a root: one of JPKI's six, or signed by itself.
    ///
    /// # Errors
    /// [`CardFault::NotGenuine`] for anything else.
    pub fn check_root(&self, verifier: SignatureVerifier) -> Result<Issuer, Error> {
        if is_jpki_root(self.der()) {
            Ok(Issuer::JpkiRoot)
        } else if self.is_issued_by(self, verifier) {
            Ok(Issuer::UnknownRoot)
        } else {
            Err(CardFault::NotGenuine { what: "certificate of the authority" }.into())
        }
    }
}

impl Jpki<'_, '_> {
    /// Reads the authority's certificate from the card and checks that it issued `certificate`. One exchange, more where the
    /// link or the card wants short reads.
    ///
    /// # Errors
    /// [`CardFault::NotGenuine`] when a signature does not fit, another [`Error::Card`] when the authority's certificate
    /// cannot be read: then nothing was checked.
    pub fn check_issuer(
        &mut self,
        certificate: &Certificate,
        of: KeyKind,
        verifier: SignatureVerifier,
    ) -> Result<Issuer, Error> {
        certificate.check_issuer(&self.authority_certificate(of)?, verifier)
    }
}
