//! The surface application (券面事項確認AP): what is printed on the card, as signed pictures.

use crate::{
    SimError,
    application::{Application, Change, File, PinFile, PinFormat},
    application_kind::ApplicationKind,
    card_keys,
    card_verifiable::{self, SURFACE, key_id},
    config::Config,
    keys::PrivateKey,
    people::Person,
    printed::{Printed, photo},
    text_input::filled,
    tlv_writer::{field, with_offsets},
};
use sha2::{Digest, Sha256};

/// 生年月日: the birth date in era years, opens the birth date record alone.
pub(crate) const BIRTH_DATE: u16 = 0x0011;
/// 照合番号B: birth date, year of expiry, security code.
pub(crate) const VERIFICATION_NUMBER_B: u16 = 0x0012;
/// 照合番号A: the My Number.
pub(crate) const VERIFICATION_NUMBER_A: u16 = 0x0013;
/// The key that P2 = 00 of the signing command means.
const INTERNAL_KEY: u16 = 0x001A;

/// Writes and signs the files:
///
/// ```text
/// 0001 birth date           (0011)        0011 birth date, 10 tries (how many a real card gives is not known)
/// 0002 the printed face     (A, B)        0012 照合番号B, 10 tries
/// 0003 basic information    (free)        0013 照合番号A, 10 tries
/// 0004 CV certificate       (free)        001A signing key  (free)
/// 0005 printed My Number    (A)
/// 0006 16 × FF              (A, B)
/// ```
pub(crate) fn build(config: &Config, person: &Person, printed: &Printed) -> Result<Application, SimError> {
    let either: &[u16] = &[VERIFICATION_NUMBER_A, VERIFICATION_NUMBER_B];
    let key = card_keys::key("face-001A")?;
    let public_key = card_keys::public_key(&key);
    let subject = key_id(&format!("{}21", person.municipality), "000", 0);
    let face = face(config, person, printed, &public_key)?;
    let secret = |value: &str| PinFile::new(PinFormat::Other, Some(value), 10, Change::Never);
    let files = vec![
        File::binary(0x0001, birth_date(config, person, &public_key)?, &[BIRTH_DATE]),
        File::binary(0x0002, filled(&face, config.record_filler), either),
        File::binary(0x0003, basic_information(person), &[]),
        File::binary(0x0004, card_verifiable::certificate(SURFACE, subject, SIGNER)?, &[]),
        File::binary(0x0005, my_number(printed, &public_key)?, &[VERIFICATION_NUMBER_A]),
        File::binary(0x0006, vec![0xFF; 16], either),
        File::pin(BIRTH_DATE, secret(&person.era_birth_date())),
        File::pin(VERIFICATION_NUMBER_B, secret(&person.verification_number_b())),
        File::pin(VERIFICATION_NUMBER_A, secret(person.my_number())),
        File::key(INTERNAL_KEY, PrivateKey::Rsa(key), &[]),
        File::sealed(0x001C),
        File::sealed(0x001E),
    ];
    Ok(Application { kind: ApplicationKind::Surface, files, default_key: Some(INTERNAL_KEY) })
}

/// EF 0001, 547 bytes: birth date and public key, and a signature over these two fields.
fn birth_date(config: &Config, person: &Person, public_key: &[u8]) -> Result<Vec<u8>, SimError> {
    let birth_date = config.field(ApplicationKind::Surface, 0xDF11, person.birth_date.as_bytes());
    let fields = [birth_date, field(0xDF12, public_key)].concat();
    let signature = field(0xDF13, &card_keys::sign(SIGNER, &fields)?);
    Ok(field(0xFF10, &[fields, signature].concat()))
}

/// EF 0002: nine fields behind a table of their offsets.
///
/// The signature DF28 covers three digests at once: of DF22‖DF23‖DF24, of DF25‖DF26 and of DF27, over whole fields.
/// Expiry date and security code come after it and are not signed, nor is a field more, which stands in no table.
fn face(config: &Config, person: &Person, printed: &Printed, public_key: &[u8]) -> Result<Vec<u8>, SimError> {
    let field = |tag, value: &[u8]| config.field(ApplicationKind::Surface, tag, value);
    let holder =
        [field(0xDF22, person.birth_date.as_bytes()), field(0xDF23, person.sex.as_bytes()), field(0xDF24, public_key)];
    let images = [field(0xDF25, &printed.name_image), field(0xDF26, &printed.address_image)];
    let photo = field(0xDF27, photo());
    let digests = [holder.concat(), images.concat(), photo.clone()].map(Sha256::digest).concat();
    let signature = field(0xDF28, &card_keys::sign_digests(SIGNER, &digests)?);
    let unsigned = [field(0xDF29, person.card_expiry.as_bytes()), field(0xDF2A, &printed.security_code_image)];
    let fields: Vec<Vec<u8>> = holder.into_iter().chain(images).chain([photo, signature]).chain(unsigned).collect();
    Ok(with_offsets(0xFF20, 0xDF21, &fields, &config.extra_field(ApplicationKind::Surface, 0xDF2B)))
}

/// EF 0003, 320 bytes. What the last 256 bytes are for is not known.
fn basic_information(person: &Person) -> Vec<u8> {
    let opaque = (0..8_u8).flat_map(|n| Sha256::digest([b"kazasu-card-sim DF35".as_slice(), &[n]].concat()));
    let block = key_id("9900025", "001", 0).into_iter().chain(opaque).collect::<Vec<u8>>();
    let fields = [
        field(0xDF31, &[0x06, 0x03, 0x0E, 0x01]),
        field(0xDF32, &key_id("9000024", "001", 0)),
        field(0xDF33, &[0x00]),
        field(0xDF34, person.municipality.as_bytes()),
        field(0xDF35, &block),
    ];
    field(0xFF30, &fields.concat())
}

/// EF 0005: the printed My Number and the public key, and a signature over these two fields.
fn my_number(printed: &Printed, public_key: &[u8]) -> Result<Vec<u8>, SimError> {
    let fields = [field(0xDF41, &printed.my_number_image), field(0xDF42, public_key)].concat();
    let signature = field(0xDF43, &card_keys::sign(SIGNER, &fields)?);
    Ok(field(0xFF40, &[fields, signature].concat()))
}

/// The municipality key that EF 0004 certifies.
const SIGNER: &str = "municipality-21";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{people, profile::Profile, test_support::hex};

    #[test]
    fn files_have_the_published_sizes_and_headers() {
        let person = people::person(1).expect("person 1");
        let public_key = card_keys::public_key(&card_keys::key("face-001A").expect("a key"));
        let config = Config::new(Profile::Today, 1);
        let record = birth_date(&config, person, &public_key).expect("signed");
        assert_eq!((record.len(), &record[..8]), (547, &hex("FF1082021E DF1108")[..]));
        let basic = basic_information(person);
        assert_eq!((basic.len(), &basic[..8]), (320, &hex("FF3082013B DF3104")[..]));
        let face = face(&config, person, &Printed::of(person).expect("printed"), &public_key).expect("signed");
        assert_eq!(face[5..14], hex("DF2112 001A 0025 0029"));
        assert!((12_000..16_000).contains(&face.len()), "{}", face.len());
    }
}
