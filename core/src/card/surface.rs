//! The surface application (券面事項確認AP): what is printed on the card, opened with numbers printed on it.

use super::cv_certificate::Signer;
use super::face::{BirthDateFile, BirthDateRecord, Face, FaceFile};
use super::file::read;
use super::pin::{BirthDateNumber, LastAttempt, VerificationNumberB};
use super::profile::{MAX_RECORD, ef::surface as ef};
use super::proof::{Proof, ProofGap, RecordSigner, Verification};
use super::verify::{self, PinAttempts};
use crate::error::{Error, PinKind};
use crate::iso7816::read::ReadLength;
use crate::iso7816::{Channel, ReadPhase};

/// The face has 3 kB without a photo and some 17 kB with one. All of it is asked for at once where that is carried.
const FACE: ReadLength = ReadLength::Object { usual: MAX_RECORD, max: MAX_RECORD };
/// Birth date and certificate have 547 and 568 bytes.
const SMALL: ReadLength = ReadLength::Object { usual: 600, max: 2048 };

/// The surface application while it is selected.
pub struct Surface<'c, 't> {
    channel: &'c mut Channel<'t>,
}

impl<'c, 't> Surface<'c, 't> {
    pub(super) fn new(channel: &'c mut Channel<'t>) -> Self {
        Self { channel }
    }

    /// Asks for the tries left of 照合番号B or of the birth-date number; costs none. One exchange; two or three without
    /// short EF identifiers.
    ///
    /// # Errors
    /// [`Error::Usage`] for a PIN of another application; [`Error::Card`] for a status word that says nothing about tries.
    pub fn attempts_left(&mut self, kind: PinKind) -> Result<PinAttempts, Error> {
        match kind {
            PinKind::VerificationNumberB | PinKind::BirthDate => verify::attempts_left(self.channel, kind),
            _ => Err(Error::usage("the surface application does not have this PIN")),
        }
    }

    /// Looks at either number before it is asked for, as [`super::Jpki::look`].
    ///
    /// # Errors
    /// [`Error::PinBlocked`], [`Error::LastAttempt`]; otherwise as [`Surface::attempts_left`].
    pub fn look(&mut self, kind: PinKind, last_attempt: LastAttempt) -> Result<PinAttempts, Error> {
        self.attempts_left(kind)?.permit(last_attempt)
    }

    /// Sends 照合番号B once and reads the face with its photo. Three exchanges, after one to select the application; more
    /// where a watcher or the link wants them shorter.
    ///
    /// # Errors
    /// Those of the PIN, as for [`super::Jpki::verify_user_authentication`], and [`Error::Card`].
    pub fn face(&mut self, number: VerificationNumberB, last_attempt: LastAttempt) -> Result<Face, Error> {
        verify::verify(self.channel, &number, last_attempt, &mut false)?;
        Face::parse(&read(self.channel, ef::FACE, FACE)?)
    }

    /// As [`Surface::face`], with proof by the municipality's signature and a fresh signature by the chip. Two exchanges
    /// more.
    ///
    /// # Errors
    /// As [`Surface::face`]; [`crate::error::CardFault::NotGenuine`] when something contradicts its signature, and
    /// [`crate::error::CardFault::BadSignature`] when the chip does not have its key.
    pub fn face_with_proof(
        &mut self,
        number: VerificationNumberB,
        last_attempt: LastAttempt,
        verification: Verification<'_>,
    ) -> Result<Face, Error> {
        verify::verify(self.channel, &number, last_attempt, &mut false)?;
        let file = read(self.channel, ef::FACE, FACE)?;
        let face = FaceFile::parse(&file)?;
        let proof = match self.signer(verification)? {
            Ok(signer) if face.check(&signer)? => signer.conclude(self.channel, face.chip_key().as_ref())?,
            Ok(_) => Proof::NotVerifiable(ProofGap::Incomplete),
            Err(gap) => Proof::NotVerifiable(gap),
        };
        Ok(face.with_proof(proof))
    }

    /// Sends the birth-date number once and reads the birth date alone, with proof: enough to check an age. Five
    /// exchanges, after one to select the application.
    ///
    /// # Errors
    /// As [`Surface::face_with_proof`].
    pub fn birth_date_with_proof(
        &mut self,
        number: BirthDateNumber,
        last_attempt: LastAttempt,
        verification: Verification<'_>,
    ) -> Result<BirthDateRecord, Error> {
        verify::verify(self.channel, &number, last_attempt, &mut false)?;
        let file = read(self.channel, ef::BIRTH_DATE, SMALL)?;
        let record = BirthDateFile::parse(&file)?;
        let proof = match self.signer(verification)? {
            Ok(signer) if record.check(&signer)? => signer.conclude(self.channel, record.chip_key().as_ref())?,
            Ok(_) => Proof::NotVerifiable(ProofGap::Incomplete),
            Err(gap) => Proof::NotVerifiable(gap),
        };
        Ok(record.with_proof(proof))
    }

    fn signer(&mut self, verification: Verification<'_>) -> Result<Result<RecordSigner, ProofGap>, Error> {
        let certificate = read(self.channel, ef::CV_CERTIFICATE, SMALL)?;
        self.channel.report(ReadPhase::Checking, 0, 0);
        RecordSigner::check(&certificate, Signer::Surface, verification)
    }
}
