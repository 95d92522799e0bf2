//! The text-input support application (券面事項入力補助AP): My Number, the four attributes and their proof.

use crate::{
    SimError,
    application::{Application, Change, File, PinFile, PinFormat},
    application_kind::ApplicationKind,
    card_keys,
    card_verifiable::{self, TEXT_INPUT, key_id},
    config::Config,
    keys::PrivateKey,
    people::Person,
    tlv_writer::{field, with_offsets},
};
use sha2::{Digest, Sha256};

/// Text-input support PIN.
pub(crate) const PIN: u16 = 0x0011;
/// 照合番号A: the My Number.
pub(crate) const VERIFICATION_NUMBER_A: u16 = 0x0014;
/// 照合番号B: birth date, year of expiry, security code.
pub(crate) const VERIFICATION_NUMBER_B: u16 = 0x0015;
/// The key that P2 = 00 of the signing command means.
const INTERNAL_KEY: u16 = 0x0013;
/// A reference that ships blocked; nobody knows what for.
const BLOCKED_REFERENCE: u16 = 0x0012;

/// Writes and signs the files:
///
/// ```text
/// 0001 My Number            (PIN, A)      0007 public key of 0013, signed  (PIN, A, B)
/// 0002 four attributes      (PIN, B)      0008 16 × FF                     (PIN, A, B)
/// 0003 digests, signature   (PIN, A, B)   0011 PIN, 3 tries     0012 blocked
/// 0004 CV certificate       (free)        0013 signing key      (free)
/// 0005 basic information    (free)        0014 照合番号A, 10 tries
/// 0006 key for session keys (PIN, A, B)   0015 照合番号B, 10 tries
/// ```
pub(crate) fn build(config: &Config, person: &Person) -> Result<Application, SimError> {
    let any: &[u16] = &[PIN, VERIFICATION_NUMBER_A, VERIFICATION_NUMBER_B];
    let my_number = my_number(person.my_number());
    let attributes = attributes(config, person);
    let subject = key_id(&format!("{}31", person.municipality), "000", 0);
    let session_key = card_keys::public_key(&*card_keys::key("text-0006")?);
    let secret = |value: &str, max_attempts| PinFile::new(PinFormat::Other, Some(value), max_attempts, Change::Never);
    let pin = PinFile::new(PinFormat::FourDigits, Some(&person.pins.text_input), 3, Change::ReferenceData);
    let files = vec![
        File::binary(0x0001, my_number.clone(), &[PIN, VERIFICATION_NUMBER_A]),
        File::binary(0x0002, filled(&attributes, config.record_filler), &[PIN, VERIFICATION_NUMBER_B]),
        File::binary(0x0003, integrity(&my_number, &attributes)?, any),
        File::binary(0x0004, card_verifiable::certificate(TEXT_INPUT, subject, SIGNER)?, &[]),
        File::binary(0x0005, basic_information(), &[]),
        File::binary(0x0006, field(0xA1, &session_key), any),
        File::binary(0x0007, signed_public_key()?, any),
        File::binary(0x0008, vec![0xFF; 16], any),
        File::sealed(0x0010),
        File::pin(PIN, pin),
        File::pin(BLOCKED_REFERENCE, PinFile::new(PinFormat::Other, None, 3, Change::Never)),
        File::key(INTERNAL_KEY, PrivateKey::Rsa(card_keys::key("text-0013")?), &[]),
        File::pin(VERIFICATION_NUMBER_A, secret(person.my_number(), 10)),
        File::pin(VERIFICATION_NUMBER_B, secret(&person.verification_number_b(), 10)),
        File::sealed(0x001C),
        File::sealed(0x001E),
    ];
    Ok(Application { kind: ApplicationKind::TextInput, files, default_key: Some(INTERNAL_KEY) })
}

/// EF 0001, 17 bytes: `FF10 0C` and twelve digits, then two bytes of filler that its digest includes.
fn my_number(digits: &str) -> Vec<u8> {
    filled(&field(0xFF10, digits.as_bytes()), 2)
}

/// EF 0002: name, address, birth date and sex behind a table of their offsets. A field more stands in no table.
fn attributes(config: &Config, person: &Person) -> Vec<u8> {
    let field = |tag, value: &str| config.field(ApplicationKind::TextInput, tag, value.as_bytes());
    let fields = [
        field(0xDF22, &person.name),
        field(0xDF23, &person.address),
        field(0xDF24, &person.birth_date),
        field(0xDF25, &person.sex),
    ];
    with_offsets(0xFF20, 0xDF21, &fields, &config.extra_field(ApplicationKind::TextInput, 0xDF26))
}

/// EF 0003: SHA-256 of all of EF 0001 and of EF 0002 from DF22 to DF25, and a signature over these two fields.
fn integrity(my_number: &[u8], attributes: &[u8]) -> Result<Vec<u8>, SimError> {
    let digests = digests(my_number, attributes);
    let signature = card_keys::sign(SIGNER, &digests)?;
    Ok(field(0xFF30, &[digests, field(0xDF33, &signature)].concat()))
}

fn digests(my_number: &[u8], attributes: &[u8]) -> Vec<u8> {
    // The table is `DF21 08` and eight bytes; before it stands the outer header of three or five bytes.
    let header = if attributes[2] == 0x82 { 5 } else { 3 };
    let fields = &attributes[header + 11..];
    [field(0xDF31, &Sha256::digest(my_number)), field(0xDF32, &Sha256::digest(fields))].concat()
}

/// EF 0005, 164 bytes. What the last 128 bytes are for is not known: 32 bytes and filler.
fn basic_information() -> Vec<u8> {
    let opaque = filled(&Sha256::digest("kazasu-card-sim DF43"), 96);
    let fields =
        [field(0xDF41, &[0x01, 0x03, 0x0E, 0x01]), field(0xDF42, &key_id("9000034", "001", 0)), field(0xDF43, &opaque)];
    field(0xFF40, &fields.concat())
}

/// EF 0007: the public half of 0013, and a signature over its field.
fn signed_public_key() -> Result<Vec<u8>, SimError> {
    let key = field(0xDF51, &card_keys::public_key(&*card_keys::key("text-0013")?));
    let signature = field(0xDF52, &card_keys::sign(SIGNER, &key)?);
    Ok(field(0xFF50, &[key, signature].concat()))
}

/// Content followed by filler.
pub(crate) fn filled(content: &[u8], filler: usize) -> Vec<u8> {
    [content, &vec![0xFF; filler]].concat()
}

/// The municipality key that EF 0004 certifies.
const SIGNER: &str = "municipality-31";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{people, profile::Profile, test_support::hex};

    fn today() -> Config {
        Config::new(Profile::Today, 1)
    }

    #[test]
    fn the_first_persons_files_have_the_published_bytes() {
        let person = people::person(1).expect("person 1");
        let (my_number, attributes) = (my_number("123456789018"), attributes(&today(), person));
        assert_eq!(my_number, hex("FF100C313233343536373839303138FFFF"));
        let expected = "FF205CDF2108000E00200050005BDF220FE8A68BE69CACE38080E88AB1E5AD90DF232DE69DB1E4BAACE983BDE58D83\
                        E4BBA3E794B0E58CBAE8A68BE69CACE794BAEFBC91EFBC8DEFBC92EFBC8DEFBC93DF24083139393030343035DF25\
                        0132";
        assert_eq!(attributes, hex(expected));
        let digests = digests(&my_number, &attributes);
        let expected = "DF3120C60C415D94405F03E9C454A8BAE073837D2C619925196526852FE61D9C58422D\
                        DF322096F1496DF3E50B3F2F0A756E472EF8A453169EC2465D03E8673B00D5D0353399";
        assert_eq!(digests, hex(expected));
        let digest = "A2AEF2D5D76AA692F97CF3463ED1CFC4746ABAD481827B954D6D035738DDBB72";
        assert_eq!(Sha256::digest(&digests).to_vec(), hex(digest));
    }

    #[test]
    fn files_have_the_published_sizes() {
        let person = people::person(1).expect("person 1");
        let my_number = my_number("123456789018");
        assert_eq!(integrity(&my_number, &attributes(&today(), person)).expect("signed").len(), 336);
        let basic = basic_information();
        assert_eq!((basic.len(), &basic[..5]), (164, &hex("FF4082009F")[..]));
        assert_eq!(signed_public_key().expect("signed").len(), 536);
        assert_eq!(field(0xA1, &[0; 265]).len(), 269);
    }
}
