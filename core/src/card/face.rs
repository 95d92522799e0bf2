//! What is printed on the card, as its surface application holds it.

use super::attributes::{CardDate, Sex};
use super::cv_certificate::parse_key;
use super::proof::{Proof, RecordSigner};
use super::raw_rsa;
use super::record::Fields;
use crate::crypto::{PublicKey, sha256_of};
use crate::error::{CardFault, Error};
use crate::secret::opaque_debug;

/// DigestInfo of SHA-256 that claims 96 bytes: three digests in a row. No standard has it; the card does.
const THREE_DIGESTS_INFO: [u8; 19] =
    [0x30, 0x71, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x60];
const FACE: &str = "face";
const BIRTH_DATE: &str = "birth date";

/// The printed face of the card. Images are as the card holds them; nothing here has decoded them.
#[derive(Clone, Eq, PartialEq)]
pub struct Face {
    /// Birth date.
    pub birth_date: CardDate,
    /// Sex.
    pub sex: Sex,
    /// The name as printed: a PNG with one bit for each pixel.
    pub name_png: Vec<u8>,
    /// The address as printed: a PNG with one bit for each pixel.
    pub address_png: Vec<u8>,
    /// The photo: JPEG 2000 in a JP2 file.
    pub photo_jp2: Vec<u8>,
    /// The last day of the card. **Not signed**, whatever `proof` says: decide nothing by it.
    pub unsigned_expiry: CardDate,
    /// The security code as printed, a PNG. **Not signed**, whatever `proof` says.
    pub unsigned_security_code_png: Vec<u8>,
    /// Whether the signed fields are genuine.
    pub proof: Proof,
}

opaque_debug!(Face);

/// The birth date alone.
#[derive(Clone, Eq, PartialEq)]
pub struct BirthDateRecord {
    /// Birth date.
    pub birth_date: CardDate,
    /// Whether it is genuine.
    pub proof: Proof,
}

opaque_debug!(BirthDateRecord);

/// EF 0002, parsed.
pub(super) struct FaceFile<'a> {
    /// Public half of the chip's own key.
    pub(super) chip_key: PublicKey,
    digests: [[u8; 32]; 3],
    signature: &'a [u8; 256],
    birth_date: CardDate,
    sex: Sex,
    name_png: &'a [u8],
    address_png: &'a [u8],
    photo_jp2: &'a [u8],
    unsigned_expiry: CardDate,
    unsigned_security_code_png: &'a [u8],
}

impl<'a> FaceFile<'a> {
    /// Reads EF 0002. The offsets are not signed, so they must fit exactly.
    ///
    /// ```text
    /// FF20 82hhll { DF21 12 offsets · DF22 birth date · DF23 sex · DF24 chip key · DF25 name · DF26 address · DF27 photo ·
    ///               DF28 signature · DF29 expiry · DF2A security code }  filler
    /// ```
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Error> {
        let malformed = CardFault::Malformed { what: FACE };
        let mut fields = Fields::open(file, 0xFF20, FACE)?;
        let (offsets, _) = fields.take_exact::<18>(0xDF21)?;
        fields.check_offsets(offsets)?;
        let (birth_date, first) = fields.take_exact::<8>(0xDF22)?;
        let ([sex], second) = fields.take_exact::<1>(0xDF23)?;
        let third = fields.take(0xDF24)?;
        let name = fields.take(0xDF25)?;
        let address = fields.take(0xDF26)?;
        let photo = fields.take(0xDF27)?;
        let (signature, _) = fields.take_exact::<256>(0xDF28)?;
        let (expiry, _) = fields.take_exact::<8>(0xDF29)?;
        let security_code = fields.take(0xDF2A)?;
        fields.finish()?;
        Ok(Self {
            chip_key: parse_key(third.value).ok_or(malformed)?,
            digests: [
                sha256_of([first.whole, second.whole, third.whole]),
                sha256_of([name.whole, address.whole]),
                sha256_of([photo.whole]),
            ],
            signature,
            birth_date: CardDate::parse(birth_date).ok_or(malformed)?,
            sex: Sex::parse(*sex).ok_or(malformed)?,
            name_png: name.value,
            address_png: address.value,
            photo_jp2: photo.value,
            unsigned_expiry: CardDate::parse(expiry).ok_or(malformed)?,
            unsigned_security_code_png: security_code.value,
        })
    }

    /// Checks the signature over the three digests.
    pub(super) fn check(&self, signer: &RecordSigner) -> Result<(), Error> {
        let info = [&THREE_DIGESTS_INFO[..], self.digests.as_flattened()].concat();
        let genuine = raw_rsa::recovers(signer.key(), self.signature, &info);
        if genuine { Ok(()) } else { Err(CardFault::NotGenuine { what: FACE }.into()) }
    }

    pub(super) fn with_proof(&self, proof: Proof) -> Face {
        Face {
            birth_date: self.birth_date,
            sex: self.sex,
            name_png: self.name_png.to_vec(),
            address_png: self.address_png.to_vec(),
            photo_jp2: self.photo_jp2.to_vec(),
            unsigned_expiry: self.unsigned_expiry,
            unsigned_security_code_png: self.unsigned_security_code_png.to_vec(),
            proof,
        }
    }
}

impl Face {
    /// Reads the content of EF 0002 of the surface application, as a dump holds it; proves nothing.
    ///
    /// # Errors
    /// [`Error::Card`] for anything else.
    pub fn parse(file: &[u8]) -> Result<Self, Error> {
        Ok(FaceFile::parse(file)?.with_proof(Proof::NOT_ASKED))
    }
}

/// EF 0001, parsed.
pub(super) struct BirthDateFile<'a> {
    pub(super) birth_date: CardDate,
    /// Public half of the chip's own key.
    pub(super) chip_key: PublicKey,
    signed: Vec<u8>,
    signature: &'a [u8; 256],
}

impl<'a> BirthDateFile<'a> {
    /// Reads EF 0001: `FF10 82021E { DF11 08 birth date · DF12 820109 chip key · DF13 820100 signature }`, signed over the
    /// first two objects.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Error> {
        let malformed = CardFault::Malformed { what: BIRTH_DATE };
        let mut fields = Fields::open(file, 0xFF10, BIRTH_DATE)?;
        let (birth_date, first) = fields.take_exact::<8>(0xDF11)?;
        let second = fields.take(0xDF12)?;
        let (signature, _) = fields.take_exact::<256>(0xDF13)?;
        fields.finish()?;
        Ok(Self {
            birth_date: CardDate::parse(birth_date).ok_or(malformed)?,
            chip_key: parse_key(second.value).ok_or(malformed)?,
            signed: [first.whole, second.whole].concat(),
            signature,
        })
    }

    /// Checks the signature.
    pub(super) fn check(&self, signer: &RecordSigner) -> Result<(), Error> {
        signer.check_record(&self.signed, self.signature, BIRTH_DATE)
    }
}
