//! What is printed on the card, as its surface application holds it.

use super::attributes::{CardDate, Sex};
use super::cv_certificate::parse_key;
use super::field::{Field, OtherField};
use super::proof::{Proof, RecordSigner};
use super::raw_rsa;
use super::record::{Fields, Objects};
use crate::crypto::{PublicKey, sha256_of};
use crate::error::{CardFault, Error};
use crate::secret::opaque_debug;

/// DigestInfo of SHA-256 that claims 96 bytes: three digests in a row. No standard has it; the card does.
const THREE_DIGESTS_INFO: [u8; 19] =
    [0x30, 0x71, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x60];
const FACE: &str = "face";
const BIRTH_DATE: &str = "birth date";
/// What each of the three digests is made of, whole objects: birth date, sex and key; name and address; photo.
const DIGESTED: [&[u16]; 3] = [&[0xDF22, 0xDF23, 0xDF24], &[0xDF25, 0xDF26], &[0xDF27]];
const KNOWN: &[u16] = &[0xDF22, 0xDF23, 0xDF24, 0xDF25, 0xDF26, 0xDF27, 0xDF28, 0xDF29, 0xDF2A];

/// The printed face of the card. Images are as the card holds them; nothing here has decoded them. Each field may be
/// missing or not understood: cards of children below one have no photo.
#[derive(Clone, Eq, PartialEq)]
pub struct Face {
    /// Birth date.
    pub birth_date: Field<CardDate>,
    /// Sex.
    pub sex: Field<Sex>,
    /// The name as printed: a PNG with one bit for each pixel.
    pub name_png: Field<Vec<u8>>,
    /// The address as printed: a PNG with one bit for each pixel.
    pub address_png: Field<Vec<u8>>,
    /// The photo: JPEG 2000 in a JP2 file.
    pub photo_jp2: Field<Vec<u8>>,
    /// The last day of the card. **Not signed**, whatever `proof` says: decide nothing by it.
    pub unsigned_expiry: Field<CardDate>,
    /// The security code as printed, a PNG. **Not signed**, whatever `proof` says.
    pub unsigned_security_code_png: Field<Vec<u8>>,
    /// Fields that are not known here, in the order of the card; at most 24. **Not signed**, whatever `proof` says.
    pub unsigned_others: Vec<OtherField>,
    /// Whether the signed fields are genuine.
    pub proof: Proof,
}

opaque_debug!(Face);

/// The birth date alone.
#[derive(Clone, Eq, PartialEq)]
pub struct BirthDateRecord {
    /// Birth date.
    pub birth_date: Field<CardDate>,
    /// Fields that are not known here, in the order of the card; at most 24. **Not signed**, whatever `proof` says.
    pub unsigned_others: Vec<OtherField>,
    /// Whether it is genuine.
    pub proof: Proof,
}

opaque_debug!(BirthDateRecord);

/// EF 0002, parsed.
pub(super) struct FaceFile<'a>(Objects<'a>);

impl<'a> FaceFile<'a> {
    /// Reads EF 0002. The offsets are not signed, so they must fit. A field may be missing, and one not known here may stand
    /// among the nine.
    ///
    /// ```text
    /// FF20 82hhll { DF21 12 offsets · DF22 birth date · DF23 sex · DF24 chip key · DF25 name · DF26 address · DF27 photo ·
    ///               DF28 signature · DF29 expiry · DF2A security code }  filler
    /// ```
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Error> {
        let mut fields = Fields::open(file, 0xFF20, FACE)?;
        let offsets = fields.take(0xDF21)?;
        let objects = fields.objects()?;
        objects.check_offsets(offsets.value, KNOWN, FACE)?;
        Ok(Self(objects))
    }

    /// Public half of the chip's own key, if the record has one.
    pub(super) fn chip_key(&self) -> Option<PublicKey> {
        parse_key(self.0.value(0xDF24)?)
    }

    /// Checks the signature over the three digests, each of what the record has of its objects; `false` if there is none.
    pub(super) fn check(&self, signer: &RecordSigner) -> Result<bool, Error> {
        let Some(signature) = signature(self.0, 0xDF28) else { return Ok(false) };
        let digests = DIGESTED.map(|tags| sha256_of(self.0.whole(tags)));
        let info = [&THREE_DIGESTS_INFO[..], digests.as_flattened()].concat();
        let genuine = raw_rsa::recovers(signer.key(), signature, &info);
        if genuine { Ok(true) } else { Err(CardFault::NotGenuine { what: FACE }.into()) }
    }

    pub(super) fn with_proof(&self, proof: Proof) -> Face {
        let image = |tag| self.0.field(tag, |value| Some(value.to_vec()));
        Face {
            birth_date: CardDate::field(self.0, 0xDF22),
            sex: Sex::field(self.0, 0xDF23),
            name_png: image(0xDF25),
            address_png: image(0xDF26),
            photo_jp2: image(0xDF27),
            unsigned_expiry: CardDate::field(self.0, 0xDF29),
            unsigned_security_code_png: image(0xDF2A),
            unsigned_others: self.0.others(KNOWN),
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
pub(super) struct BirthDateFile<'a>(Objects<'a>);

impl<'a> BirthDateFile<'a> {
    /// Reads EF 0001: `FF10 82021E { DF11 08 birth date · DF12 820109 chip key · DF13 820100 signature }`, signed over the
    /// first two objects.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Error> {
        Ok(Self(Fields::open(file, 0xFF10, BIRTH_DATE)?.objects()?))
    }

    pub(super) fn with_proof(&self, proof: Proof) -> BirthDateRecord {
        let unsigned_others = self.0.others(&[0xDF11, 0xDF12, 0xDF13]);
        BirthDateRecord { birth_date: CardDate::field(self.0, 0xDF11), unsigned_others, proof }
    }

    /// Public half of the chip's own key, if the record has one.
    pub(super) fn chip_key(&self) -> Option<PublicKey> {
        parse_key(self.0.value(0xDF12)?)
    }

    /// Checks the signature; `false` if there is none.
    pub(super) fn check(&self, signer: &RecordSigner) -> Result<bool, Error> {
        let Some(signature) = signature(self.0, 0xDF13) else { return Ok(false) };
        let signed: Vec<&[u8]> = self.0.whole(&[0xDF11, 0xDF12]).collect();
        signer.check_record(&signed.concat(), signature, BIRTH_DATE)?;
        Ok(true)
    }
}

/// The signature of a record, if there is one.
fn signature(objects: Objects<'_>, tag: u16) -> Option<&[u8; 256]> {
    objects.value(tag)?.try_into().ok()
}
