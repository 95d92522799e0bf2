//! The text-input application (券面事項入力補助AP): the four attributes and their proof. The My Number is never read.

use super::attributes::{Attributes, AttributesFile};
use super::cv_certificate::Signer;
use super::file::read;
use super::pin::{LastAttempt, TextInputPin};
use super::profile::ef::text_input as ef;
use super::proof::{self, Proof, RecordSigner, Verification};
use super::verify::{self, PinAttempts};
use crate::error::{Error, PinKind};
use crate::iso7816::read::ReadLength;
use crate::iso7816::{Channel, ReadPhase};

/// Attributes have 100 to 500 bytes; an address has 200 characters at most.
const ATTRIBUTES: ReadLength = ReadLength::Object { usual: 512, max: 4096 };
/// Digests, certificate and chip key have 336, 568 and 536 bytes.
const PROOF: ReadLength = ReadLength::Object { usual: 600, max: 2048 };

/// The text-input application while it is selected.
pub struct TextInput<'c, 't> {
    channel: &'c mut Channel<'t>,
}

impl<'c, 't> TextInput<'c, 't> {
    pub(super) fn new(channel: &'c mut Channel<'t>) -> Self {
        Self { channel }
    }

    /// Asks for the tries left of its PIN; costs none. One exchange; two or three without short EF identifiers.
    ///
    /// # Errors
    /// [`Error::Card`] for a status word that says nothing about tries.
    pub fn attempts_left(&mut self) -> Result<PinAttempts, Error> {
        verify::attempts_left(self.channel, PinKind::TextInput)
    }

    /// Looks at the PIN before it is asked for, as [`super::Jpki::look`].
    ///
    /// # Errors
    /// [`Error::PinBlocked`], [`Error::LastAttempt`]; otherwise as [`TextInput::attempts_left`].
    pub fn look(&mut self, last_attempt: LastAttempt) -> Result<PinAttempts, Error> {
        self.attempts_left()?.permit(last_attempt)
    }

    /// Sends the PIN once and reads the four attributes. Three exchanges, after one to select the application. The
    /// result's proof says that nobody asked for one.
    ///
    /// # Errors
    /// Those of the PIN, as for [`super::Jpki::verify_user_authentication`], and [`Error::Card`].
    pub fn attributes(&mut self, pin: TextInputPin, last_attempt: LastAttempt) -> Result<Attributes, Error> {
        verify::verify(self.channel, &pin, last_attempt, &mut false)?;
        Attributes::parse(&read(self.channel, ef::ATTRIBUTES, ATTRIBUTES)?)
    }

    /// Sends the PIN once, reads the four attributes and proves them: the municipality's certificate, its signature over
    /// the digests, the digest of the attributes, and a fresh signature by the chip, which no copy of the files can make.
    /// Seven exchanges, after one to select the application.
    ///
    /// # Errors
    /// As [`TextInput::attributes`]; [`crate::error::CardFault::NotGenuine`] when something contradicts a signature, and
    /// [`crate::error::CardFault::BadSignature`] when the chip does not have its key.
    pub fn attributes_with_proof(
        &mut self,
        pin: TextInputPin,
        last_attempt: LastAttempt,
        verification: Verification<'_>,
    ) -> Result<Attributes, Error> {
        verify::verify(self.channel, &pin, last_attempt, &mut false)?;
        let file = read(self.channel, ef::ATTRIBUTES, ATTRIBUTES)?;
        let attributes = AttributesFile::parse(&file)?;
        let digests = read(self.channel, ef::SIGNED_DIGESTS, PROOF)?;
        let certificate = read(self.channel, ef::CV_CERTIFICATE, PROOF)?;
        self.channel.report(ReadPhase::Checking, 0, 0);
        let signer = match RecordSigner::check(&certificate, Signer::TextInput, verification)? {
            Ok(signer) => signer,
            Err(gap) => return Ok(attributes.with_proof(Proof::NotVerifiable(gap))),
        };
        proof::check_attributes(&digests, attributes.signed(), &signer)?;
        let chip_key = proof::check_chip_key(&read(self.channel, ef::CHIP_KEY, PROOF)?, &signer)?;
        Ok(attributes.with_proof(signer.conclude(self.channel, Some(&chip_key))?))
    }

    /// Replaces the PIN, as [`super::Jpki::change_user_authentication`].
    ///
    /// # Errors
    /// As there.
    pub fn change_pin(
        &mut self,
        current: TextInputPin,
        new: TextInputPin,
        last_attempt: LastAttempt,
    ) -> Result<(), Error> {
        verify::change(self.channel, &current, &new, last_attempt)
    }
}
