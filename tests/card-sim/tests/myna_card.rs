//! An independent reader, the crate `myna-card`, judges the simulated card; and the published files of a real JPKI test
//! card, played by the simulation, are what it accepts too.

use kazasu_card_sim::{Card, Config, Profile, cv_authorities};
use myna_card::{
    CardVerifiableCertificate, Certificate, Command, Error, MasterFile, Pin, Retries, ShortEfId, TokenType, Transmit,
    ap::{
        common::CommonAp,
        jpki::{JpkiAp, SignatureScheme},
        juki::JukiAp,
        surface::SurfaceAp,
        text::{self, TextAp},
    },
    data::{Date, ImageFormat, RsaPublicKey, Sex, sha256, sha256_digest_info, verification_code_b},
};
use std::path::PathBuf;

/// The simulated card as the reader's link.
struct Link(Card);

impl Transmit for Link {
    fn transmit(&mut self, command: &[u8]) -> myna_card::Result<Vec<u8>> {
        Ok(self.0.process(command))
    }
}

type Reader = myna_card::Card<Link>;

fn reader(config: Config) -> Reader {
    myna_card::Card::new(Link(Card::new(config).expect("a card")))
}

fn today() -> Config {
    Config::new(Profile::Today, 1)
}

fn pin(text: &str) -> Pin {
    Pin::new(text).expect("a PIN")
}

fn date(text: &str) -> Date {
    Date::parse(text.as_bytes()).expect("a date")
}

/// The simulator's CV key that the certificate names.
fn authority(certificate: &CardVerifiableCertificate) -> RsaPublicKey {
    let found = cv_authorities().into_iter().find(|(id, _)| id == certificate.issuer_key_id.as_bytes());
    RsaPublicKey { exponent: vec![0x01, 0x00, 0x01], modulus: found.expect("a simulated authority").1 }
}

/// The certified key, once the certificate is verified with the simulator's authority.
fn certified(certificate: CardVerifiableCertificate) -> RsaPublicKey {
    certificate.verify_with(&authority(&certificate)).expect("the authority signed it");
    let official = certificate.verify();
    assert!(matches!(official, Err(Error::UnknownCertificateAuthority(_))), "never an official authority");
    certificate.public_key
}

#[test]
fn the_text_input_application_is_read_and_proved() {
    let mut card = reader(today());
    let mut application = TextAp::select(&mut card).expect("selected");
    assert!(matches!(application.read_my_number(), Err(Error::Status(status)) if status.value() == 0x6982));
    application.verify_pin(&pin("1234")).expect("verified");
    assert_eq!(application.read_my_number().expect("a number").as_str(), "123456789018");
    let attributes = application.read_attributes().expect("attributes");
    assert_eq!(attributes.name, "見本\u{3000}花子");
    assert_eq!(attributes.address, "東京都千代田区見本町１－２－３");
    assert_eq!((attributes.birth_date, attributes.sex), (date("19900405"), Sex::Female));

    let certificate = application.read_certificate().expect("a certificate");
    assert_eq!(certificate.issuer_key_id.to_string(), "9000033/001");
    assert_eq!(certificate.subject_key_id.to_string(), "1310131/000");
    let signer = certified(certificate);
    let integrity = application.read_integrity_record().expect("digests");
    integrity.verify(&signer).expect("the municipality signed them");
    assert!(integrity.matches_my_number_file(&application.read_my_number_file().expect("a file")));
    let attributes_file = application.read_ef(text::ef::ATTRIBUTES).expect("a file");
    assert!(integrity.matches_attributes_file(&attributes_file).expect("a file"));

    let chip = application.read_signed_public_key().expect("a key");
    chip.verify(&signer).expect("the municipality signed it");
    let signature = application.sign(b"challenge").expect("signed");
    chip.public_key.verify_pkcs1_sha256(b"challenge", &signature).expect("the chip signed it");
    assert_eq!(application.read_session_key_public_key().expect("a key").public_key.bits(), 2048);

    let basic = application.read_ap_basic_data().expect("basic data");
    assert_eq!(basic.identification.to_bytes(), [0x01, 0x03, 0x0E, 0x01]);
    assert_eq!(basic.public_key_id.to_string(), "9000034/001");
    assert!(basic.digest().is_some(), "32 bytes and filler");
}

#[test]
fn printed_numbers_open_the_text_input_application_in_part() {
    let mut card = reader(today());
    let mut application = TextAp::select(&mut card).expect("selected");
    application.verify_code_a(&pin("123456789018")).expect("verified");
    assert!(application.read_my_number().is_ok() && application.read_attributes().is_err());
    let mut card = reader(today());
    let mut application = TextAp::select(&mut card).expect("selected");
    let code = verification_code_b(date("19900405"), 2035, b"0123").expect("a number");
    application.verify_code_b(&code).expect("verified");
    assert!(application.read_my_number().is_err() && application.read_attributes().is_ok());
}

#[test]
fn the_surface_application_is_read_and_proved() {
    let mut card = reader(today());
    let mut application = SurfaceAp::select(&mut card).expect("selected");
    let signer = certified(application.read_certificate().expect("a certificate"));
    application.verify_birth_date(&pin("020405")).expect("verified");
    let age = application.read_age_record().expect("a record");
    age.verify(&signer).expect("the municipality signed it");
    assert_eq!(age.birth_date, date("19900405"));
    assert!(application.read_card_face().is_err());

    let code = verification_code_b(date("19900405"), 2035, b"0123").expect("a number");
    application.verify_code_b(&code).expect("verified");
    let face = application.read_card_face().expect("a face");
    face.verify(&signer).expect("the municipality signed it");
    assert_eq!((face.birth_date, face.sex, face.expiry), (date("19900405"), Sex::Female, date("20350405")));
    let images = [&face.name_image, &face.address_image, &face.security_code_image];
    assert!(images.iter().all(|image| image.format == ImageFormat::Png));
    assert_eq!(face.photo.format, ImageFormat::Jpeg2000);
    assert!(application.read_my_number_image().is_err());

    application.verify_code_a(&pin("123456789018")).expect("verified");
    let number = application.read_my_number_image().expect("an image");
    number.verify(&signer).expect("the municipality signed it");
    assert_eq!(number.image.format, ImageFormat::Png);
    assert!(number.public_key == face.public_key && number.public_key == age.public_key);
    let signature = application.sign(b"challenge").expect("signed");
    face.public_key.verify_pkcs1_sha256(b"challenge", &signature).expect("the chip signed it");

    let basic = application.read_ap_basic_data().expect("basic data");
    assert_eq!(
        (basic.identification.to_bytes(), basic.municipality_code.as_str()),
        ([0x06, 0x03, 0x0E, 0x01], "13101")
    );
    assert_eq!(basic.encrypted_reference_number.key_id.to_string(), "9900025/001");
}

#[test]
fn a_changed_face_is_not_accepted() {
    let mut card = reader(today());
    let mut application = SurfaceAp::select(&mut card).expect("selected");
    application.verify_code_a(&pin("123456789018")).expect("verified");
    let mut content = application.read_ef(0x0002).expect("a file");
    let photo = content.windows(4).position(|window| window == b"jp2c").expect("a code stream");
    content[photo + 100] ^= 0x01;
    let kind = kazasu_card_sim::ApplicationKind::Surface;
    let mut card = reader(today().with_file(kind, 0x0002, content));
    let mut application = SurfaceAp::select(&mut card).expect("selected");
    application.verify_code_a(&pin("123456789018")).expect("verified");
    let signer = certified(application.read_certificate().expect("a certificate"));
    let face = application.read_card_face().expect("still in form");
    assert!(matches!(face.verify(&signer), Err(Error::SignatureInvalid(_))));
}

#[test]
fn records_and_internal_authentication_answer() {
    let mut card = reader(today());
    let mut common = CommonAp::select(&mut card).expect("selected");
    let info = common.read_card_info().expect("a record");
    assert_eq!((info.serial.as_str(), info.municipality_code.as_str()), ("012345678901234", "13101"));
    assert_eq!((info.prefecture_code(), info.expiry), ("13", date("20350405")));
    let reference = common.read_record(0x0002, 1).expect("a record");
    assert_eq!(common.internal_authenticate(b"challenge").expect("signed").len(), 256);
    assert_eq!(common.internal_authenticate(&[7; 255]).expect("signed").len(), 256);
    common.change_pin(&pin("1234"), &pin("5678")).expect("changed");
    assert!(matches!(common.verify_pin(&pin("1234")), Err(Error::PinIncorrect { retries: Some(2) })));
    common.verify_pin(&pin("5678")).expect("verified");
    let mut juki = JukiAp::select(&mut card).expect("selected");
    assert_eq!(juki.read_record(0x0002, 1).expect("a record"), reference);
    assert_eq!(juki.pin_retries().expect("tries"), Retries::Remaining(3));
    juki.change_pin(&pin("1234"), &pin("5678")).expect("changed");
    juki.verify_pin(&pin("5678")).expect("verified");
}

#[test]
fn data_objects_and_their_certificate_chain_answer() {
    let mut card = reader(today());
    TextAp::select(&mut card).expect("selected");
    let mut master = MasterFile::select(&mut card).expect("selected");
    assert_eq!(master.data_object(0x00F0).expect("an object"), b"13101");
    assert_eq!(master.data_object(0x00F2).expect("an object"), b"20350405");
    assert_eq!(master.data_object(0x0045).expect("an object"), b"012345678901234");
    let chain = master.certificate_chain().expect("a chain");
    let [upper, lower] = chain.as_slice() else { panic!("two certificates") };
    assert_eq!((upper.issuer_key_id.to_string().as_str(), lower.subject_key_id.number()), ("9000020/001", "0000050"));
    assert_eq!(master.data_object(0x00F7).expect("an object"), upper.subject_key_id.as_bytes());
    upper.verify_with(&authority(upper)).expect("the authority signed it");
    assert_eq!(lower.issuer_key_id, upper.subject_key_id);
    lower.verify_with(&upper.public_key).expect("the municipality signed it");
    let without = Config { data_objects: [(0x7F21, Vec::new())].into(), ..today() };
    let mut card = reader(without);
    assert_eq!(MasterFile::new(&mut card).certificate_chain().expect("a chain").len(), 1);
    assert_eq!(card.contact_atr().expect("an ATR"), kazasu_card_sim::ATR_CONTACT);
    assert_eq!(card.get_challenge(256).expect("random").len(), 256);
}

#[test]
fn jpki_certificates_and_token_information_are_read() {
    let mut card = reader(today());
    let mut jpki = JpkiAp::select(&mut card).expect("selected");
    assert_eq!(jpki.read_token_type().expect("a label"), TokenType::Card);
    let token = jpki.read_token_info().expect("160 bytes");
    assert_eq!((token.model.as_str(), token.has_flag(0x0000_0400)), ("E16R01NJ", true));
    let present = jpki.read_certificate_availability().expect("three bytes");
    assert!(present.has_sign_certificate() && present.has_auth_certificate());
    let authentication = jpki.read_auth_certificate().expect("a certificate");
    let issuer = jpki.read_auth_ca_certificate().expect("a certificate");
    authentication.verify_signature(&issuer).expect("the authority signed it");
    assert_eq!(authentication.issuer(), issuer.subject());
    assert!(jpki.read_sign_certificate_der().is_err());
    jpki.verify_sign_pin(&pin("ABC123")).expect("verified");
    let signature = jpki.read_sign_certificate().expect("a certificate");
    signature.verify_signature(&jpki.read_sign_ca_certificate().expect("a certificate")).expect("signed");
    assert!(signature.verify_signature(&issuer).is_err(), "another authority");
    for (profile, token) in [(Profile::Phone, TokenType::Android), (Profile::PhoneIos, TokenType::IPhone)] {
        let mut card = reader(Config::new(profile, 1));
        assert_eq!(JpkiAp::select(&mut card).expect("selected").read_token_type().expect("a label"), token);
    }
}

#[test]
fn every_signature_scheme_verifies_with_both_keys() {
    let mut card = reader(today());
    let mut jpki = JpkiAp::select(&mut card).expect("selected");
    jpki.verify_auth_pin(&pin("1234")).expect("verified");
    jpki.verify_sign_pin(&pin("ABC123")).expect("verified");
    let (message, hash) = (b"message".as_slice(), sha256(b"message"));
    let schemes = [
        (SignatureScheme::Verbatim, sha256_digest_info(&hash)),
        (SignatureScheme::Sha256Bare, message.to_vec()),
        (SignatureScheme::PreHashedDigestInfo, hash.to_vec()),
        (SignatureScheme::Sha256DigestInfo, message.to_vec()),
        (SignatureScheme::PreHashedPss, hash.to_vec()),
        (SignatureScheme::Sha256Pss, message.to_vec()),
    ];
    for (scheme, data) in schemes {
        jpki.sign_with_auth_key_checked(scheme, &data).unwrap_or_else(|error| panic!("{scheme:?}: {error}"));
        jpki.sign_with_sign_key_checked(scheme, &data).unwrap_or_else(|error| panic!("{scheme:?}: {error}"));
    }
    let mut card = reader(Config { wrong_signature: true, ..today() });
    let mut jpki = JpkiAp::select(&mut card).expect("selected");
    jpki.verify_auth_pin(&pin("1234")).expect("verified");
    assert!(jpki.sign_with_auth_key_checked(SignatureScheme::Sha256DigestInfo, message).is_err());
}

#[test]
fn tries_are_told_wrong_pins_counted_and_blocked_ones_named() {
    let mut card = reader(today());
    let mut application = TextAp::select(&mut card).expect("selected");
    let tries = [text::ef::PIN, text::ef::CODE_A, text::ef::CODE_B, text::ef::BLOCKED_0012]
        .map(|key| application.retries(key).expect("tries"));
    assert_eq!(tries, [Retries::Remaining(3), Retries::Remaining(10), Retries::Remaining(10), Retries::Blocked]);
    application.change_pin(&pin("1234"), &pin("5678")).expect("changed");
    for expected in [Some(2), Some(1)] {
        let wrong = application.verify_pin(&pin("1234"));
        assert!(matches!(wrong, Err(Error::PinIncorrect { retries }) if retries == expected));
    }
    assert!(matches!(application.verify_pin(&pin("1234")), Err(Error::PinBlocked)));
    assert!(matches!(application.verify_pin(&pin("5678")), Err(Error::PinBlocked)));
    let mut jpki = JpkiAp::select(&mut card).expect("selected");
    assert_eq!(jpki.auth_pin_retries().expect("tries"), Retries::Remaining(3));
    assert_eq!(jpki.sign_pin_retries().expect("tries"), Retries::Remaining(5));
    jpki.change_sign_pin(&pin("ABC123"), &pin("NEWPASSWORD9")).expect("changed");
    jpki.verify_sign_pin(&pin("NEWPASSWORD9")).expect("verified");
    let surface = SurfaceAp::select(&mut card).expect("selected").retries(0x0011).expect("tries");
    assert_eq!(surface, Retries::Remaining(10));
    let number_image = ShortEfId::from_ef_id(0x0005).expect("short");
    let refused = card.read_binary_chunk_sfi(number_image, 0, 1);
    assert!(matches!(refused, Err(Error::Status(status)) if status.value() == 0x6982));
}

#[test]
fn session_keys_are_not_simulated() {
    let mut card = reader(today());
    TextAp::select(&mut card).expect("selected").verify_pin(&pin("1234")).expect("verified");
    let deliver = Command::with_data(0x80, 0xAE, 0x00, 0x00, vec![0x01; 256]);
    assert_eq!(card.call(&deliver).expect("an answer").status.value(), 0x66F1);
}

#[test]
fn the_reader_understands_the_card_of_every_person_and_in_every_mood() {
    let moods = [
        Config { procedure_bytes: true, ..today() },
        Config { read_limit: Some(100), ..today() },
        Config { long_address: true, record_filler: 0, ..today() },
        Config::new(Profile::NoSfi, 1),
        Config::new(Profile::NoExtended, 1),
        Config::new(Profile::Strict, 1),
    ];
    for config in moods.into_iter().chain((2..=10).map(|person| Config::new(Profile::Today, person))) {
        let (person, said) = (config.person, format!("{config:?}"));
        let text_pin = kazasu_card_sim::people::person(person).expect("a person").pins.text_input.clone();
        let mut card = reader(config);
        let mut application = TextAp::select(&mut card).expect("selected");
        application.verify_pin(&pin(&text_pin)).expect("verified");
        let number = application.read_my_number().unwrap_or_else(|error| panic!("{said}: {error}"));
        let attributes = application.read_attributes().unwrap_or_else(|error| panic!("{said}: {error}"));
        let signer = certified(application.read_certificate().expect("a certificate"));
        application.read_integrity_record().expect("digests").verify(&signer).expect("signed");
        let mut surface = SurfaceAp::select(&mut card).expect("selected");
        surface.verify_code_a(&number.as_verification_code_a().expect("digits")).expect("verified");
        let face = surface.read_card_face().unwrap_or_else(|error| panic!("{said}: {error}"));
        assert_eq!((face.birth_date, face.sex), (attributes.birth_date, attributes.sex));
        let signer = certified(surface.read_certificate().expect("a certificate"));
        face.verify(&signer).expect("signed");
    }
}

/// The folder of the published files: they are in the package of `myna-card`.
///
/// Only this machine's platform is looked at, since packages of others may not have been downloaded.
fn dumps() -> PathBuf {
    let cargo = |arguments: &[&str]| {
        let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let output = std::process::Command::new(program)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let metadata = cargo(&["metadata", "--format-version", "1", "--offline", "--filter-platform", host]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|package| package["name"] == "myna-card").expect("a dev-dependency");
    PathBuf::from(package["manifest_path"].as_str().expect("a path")).with_file_name("tests").join("fixtures")
}

#[test]
fn the_published_files_of_a_test_card_verify_when_read_through_the_simulation() {
    for profile in [Profile::Today, Profile::NoExtended, Profile::Strict] {
        let config = Config::new(profile, 1).with_dumps(dumps()).expect("the published files");
        let mut card = reader(config);

        let mut text = TextAp::select(&mut card).expect("selected");
        text.verify_pin(&pin("1234")).expect("verified");
        let certificate = text.read_certificate().expect("a certificate");
        assert_eq!(certificate.issuer_key_id.to_string(), "6000033/001");
        certificate.verify().expect("the official test authority signed it");
        let signer = certificate.public_key;
        let integrity = text.read_integrity_record().expect("digests");
        integrity.verify(&signer).expect("signed");
        assert!(integrity.matches_my_number_file(&text.read_my_number_file().expect("a file")));
        let attributes_file = text.read_ef(text::ef::ATTRIBUTES).expect("a file");
        assert!(integrity.matches_attributes_file(&attributes_file).expect("a file"));
        let attributes = text.read_attributes().expect("attributes");
        text.read_signed_public_key().expect("a key").verify(&signer).expect("signed");
        let signature = text.sign(b"challenge").expect("signed");
        let chip = text.read_signed_public_key().expect("a key").public_key;
        assert!(chip.verify_pkcs1_sha256(b"challenge", &signature).is_err(), "played files have no key behind them");

        let mut surface = SurfaceAp::select(&mut card).expect("selected");
        surface.verify_code_a(&pin("123456789018")).expect("verified");
        surface.verify_birth_date(&pin("020405")).expect("verified");
        let certificate = surface.read_certificate().expect("a certificate");
        certificate.verify().expect("the official test authority signed it");
        let signer = certificate.public_key;
        let face = surface.read_card_face().expect("a face");
        face.verify(&signer).expect("signed");
        assert_eq!(face.birth_date, attributes.birth_date);
        surface.read_age_record().expect("a record").verify(&signer).expect("signed");
        surface.read_my_number_image().expect("an image").verify(&signer).expect("signed");
        assert_eq!(surface.read_ap_basic_data().expect("basic data").municipality_code, "13221");

        let mut jpki = JpkiAp::select(&mut card).expect("selected");
        jpki.verify_sign_pin(&pin("ABC123")).expect("verified");
        let pairs: [(Certificate, Certificate); 2] = [
            (jpki.read_auth_certificate().expect("leaf"), jpki.read_auth_ca_certificate().expect("authority")),
            (jpki.read_sign_certificate().expect("leaf"), jpki.read_sign_ca_certificate().expect("authority")),
        ];
        for (leaf, authority) in pairs {
            leaf.verify_signature(&authority).expect("signed");
        }

        let mut master = MasterFile::select(&mut card).expect("selected");
        if profile == Profile::NoExtended {
            assert!(master.certificate_chain().is_err(), "objects of 575 bytes need extended lengths");
        } else {
            let chain = master.certificate_chain().expect("a chain");
            assert_eq!(chain.len(), 2);
            CardVerifiableCertificate::verify_chain(&chain).expect("the official test authority signed it");
        }
    }
}
