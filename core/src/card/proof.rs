//! Whether what was read is what a municipality wrote: the chain from a CV authority down to a record.

use super::cv_certificate::{CvAuthorities, CvCertificate, Signer, parse_key};
use super::record::Fields;
use super::{ChipProof, signature};
use crate::crypto::{PublicKey, SignatureVerifier, sha256};
use crate::error::{CardFault, Error};
use crate::iso7816::Channel;
use crate::random;

/// Length of a challenge for the chip's own key, in bytes.
const CHALLENGE_LEN: usize = 32;

/// How data from the card are to be proven.
#[derive(Clone, Copy, Debug)]
pub struct Verification<'a> {
    /// Who may certify municipalities.
    pub authorities: &'a CvAuthorities,
    /// Checks the signatures.
    pub verifier: SignatureVerifier,
    /// Have the chip sign a fresh challenge too: a copy of the files cannot. One exchange more.
    pub challenge_chip: bool,
}

impl<'a> Verification<'a> {
    /// Everything that can be proven.
    pub const fn full(authorities: &'a CvAuthorities, verifier: SignatureVerifier) -> Self {
        Self { authorities, verifier, challenge_chip: true }
    }
}

/// What is known about the origin of data from the card.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Proof {
    /// Every signature fits, up to a known authority.
    Genuine(Genuine),
    /// Nothing is known, for this reason. Data that contradicts its signature is an error, never this.
    NotVerifiable(ProofGap),
}

impl Proof {
    /// Nobody asked for a proof.
    pub(super) const NOT_ASKED: Self = Self::NotVerifiable(ProofGap::NotAsked);

    /// Whether it is [`Proof::Genuine`].
    pub const fn is_genuine(&self) -> bool {
        matches!(self, Self::Genuine(_))
    }
}

/// Proven data.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Genuine {
    /// Code of the municipality that signed, five digits.
    pub municipality: String,
    /// Whether the chip that was read is the one the municipality wrote, and not a copy of its files.
    pub chip_proof: ChipProof,
    /// The authority is one of test cards.
    pub test_card: bool,
}

/// Why data could not be verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProofGap {
    /// It was not asked for.
    NotAsked,
    /// No authority known here has issued the municipality's certificate.
    UnknownAuthority,
    /// The record lacks its signature, or the key by which the chip would show that it is no copy.
    Incomplete,
}

impl ProofGap {
    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::UnknownAuthority => "unknown_authority",
            Self::Incomplete => "incomplete",
        }
    }
}

/// The key that signs records on this card, and who vouches for it.
pub(super) struct RecordSigner {
    key: PublicKey,
    verifier: SignatureVerifier,
    challenge_chip: bool,
    genuine: Genuine,
}

impl RecordSigner {
    /// Checks EF 0004 against the authorities; the inner error is an authority that is not known.
    pub(super) fn check(
        file: &[u8],
        signer: Signer,
        verification: Verification<'_>,
    ) -> Result<Result<Self, ProofGap>, Error> {
        let certificate = CvCertificate::parse(file).ok_or(CardFault::Malformed { what: "CV certificate" })?;
        let Some(authority) = verification.authorities.find(certificate.issuer()) else {
            return Ok(Err(ProofGap::UnknownAuthority));
        };
        let municipality = certificate.check(authority, signer, verification.verifier);
        let municipality = municipality.ok_or(CardFault::NotGenuine { what: "CV certificate" })?;
        let genuine = Genuine { municipality, chip_proof: ChipProof::None, test_card: authority.test };
        Ok(Ok(Self {
            key: certificate.key().clone(),
            verifier: verification.verifier,
            challenge_chip: verification.challenge_chip,
            genuine,
        }))
    }

    /// The key itself, for the one signature no ordinary check fits.
    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Checks an RSA signature with SHA-256 over `message` (PKCS #1 v1.5).
    pub(super) fn check_record(&self, message: &[u8], signature: &[u8], what: &'static str) -> Result<(), Error> {
        let genuine = self.verifier.verify_jose(&self.key, message, signature);
        if genuine { Ok(()) } else { Err(CardFault::NotGenuine { what }.into()) }
    }

    /// All records fit. Has the chip sign a fresh challenge with the key that the records carry, where that was asked
    /// for, and tells the outcome.
    pub(super) fn conclude(self, channel: &mut Channel<'_>, chip_key: Option<&PublicKey>) -> Result<Proof, Error> {
        if !self.challenge_chip {
            return Ok(Proof::Genuine(self.genuine));
        }
        let Some(chip_key) = chip_key else { return Ok(Proof::NotVerifiable(ProofGap::Incomplete)) };
        let challenge = random::generate_bytes::<CHALLENGE_LEN>()?;
        signature::sign(channel, None, chip_key, &challenge, self.verifier)?;
        Ok(Proof::Genuine(Genuine { chip_proof: ChipProof::InternalKeyChallenge, ..self.genuine }))
    }
}

/// EF 0003 of the text-input application: `FF30 { DF31 20 … · DF32 20 … · DF33 820100 signature }`, signed over the
/// first two objects. DF31 is the digest of the My Number's file, which is never read.
pub(super) fn check_attributes(digests: &[u8], attributes: &[u8], signer: &RecordSigner) -> Result<(), Error> {
    const WHAT: &str = "signed digests";
    let mut fields = Fields::open(digests, 0xFF30, WHAT)?;
    let (_, first) = fields.take_exact::<32>(0xDF31)?;
    let (digest, second) = fields.take_exact::<32>(0xDF32)?;
    let (signature, _) = fields.take_exact::<256>(0xDF33)?;
    fields.finish()?;
    signer.check_record(&[first.whole, second.whole].concat(), signature, WHAT)?;
    if sha256(attributes) == *digest { Ok(()) } else { Err(CardFault::NotGenuine { what: "attributes" }.into()) }
}

/// EF 0007 of the text-input application: `FF50 { DF51 key · DF52 820100 signature }`; the chip's own key.
pub(super) fn check_chip_key(file: &[u8], signer: &RecordSigner) -> Result<PublicKey, Error> {
    const WHAT: &str = "chip key";
    let mut fields = Fields::open(file, 0xFF50, WHAT)?;
    let key = fields.take(0xDF51)?;
    let (signature, _) = fields.take_exact::<256>(0xDF52)?;
    fields.finish()?;
    signer.check_record(key.whole, signature, WHAT)?;
    parse_key(key.value).ok_or_else(|| CardFault::Malformed { what: WHAT }.into())
}
