//! The text-input support application.

use crate::{SELECT_ISD, SELECT_JPKI, card, hex, say, today, transcript};
use kazasu_card_sim::{ApplicationKind, Card, Config, Pin, Profile, cv_authorities};
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest, Sha256};

pub(crate) const SELECT_TEXT: &str = "00A4040C0AD3921000310001010408";
const VERIFY_A: &str = "002000940C313233343536373839303138";
const VERIFY_B: &str = "002000950E3032303430353230333530313233";

fn text(config: Config) -> Card {
    let mut card = card(config);
    transcript(&mut card, &[(SELECT_TEXT, "9000")]);
    card
}

/// The whole file in one extended read.
pub(crate) fn read(card: &mut Card, id: u16) -> Vec<u8> {
    let answer = card.process(&[0x00, 0xB0, 0x80 | id as u8, 0x00, 0x00, 0x00, 0x00]);
    answer.strip_suffix(&[0x90, 0x00]).unwrap_or_else(|| panic!("{id:04X}: {answer:02X?}")).to_vec()
}

/// The RSA key with this modulus.
pub(crate) fn public_key(modulus: &[u8]) -> RsaPublicKey {
    let modulus = BoxedUint::from_be_slice(modulus, 2048).expect("2,048 bits");
    RsaPublicKey::new(modulus, BoxedUint::from(65_537_u64)).expect("an RSA key")
}

/// Checks a CV certificate of 568 bytes with the authority it names, and returns the key it certifies.
pub(crate) fn certified_key(certificate: &[u8], authority: &str) -> RsaPublicKey {
    let (body, signature) = (&certificate[10..307], &certificate[312..568]);
    let (id, modulus) = cv_authorities().into_iter().find(|(id, _)| body.starts_with(id)).expect("an authority");
    assert!(id.starts_with(authority.as_bytes()));
    let verified = public_key(&modulus).verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(body), signature);
    verified.expect("the authority signed it");
    public_key(&body[41..297])
}

#[test]
fn my_number_and_attributes_have_the_published_bytes() {
    let mut card = text(Config { record_filler: 0, ..today() });
    transcript(&mut card, &[("00A4020C020011", "9000"), ("002000800431323334", "9000"), ("00A4020C020001", "9000")]);
    transcript(&mut card, &[("00B0000011", "FF100C313233343536373839303138FFFF9000")]);
    let attributes = "FF205CDF2108000E00200050005BDF220FE8A68BE69CACE38080E88AB1E5AD90DF232DE69DB1E4BAACE983BDE58D83E4BBA3\
                      E794B0E58CBAE8A68BE69CACE794BAEFBC91EFBC8DEFBC92EFBC8DEFBC93DF24083139393030343035DF2501329000";
    transcript(&mut card, &[("00A4020C020002", "9000"), ("00B0000000", attributes)]);
    let mut card = text(today());
    transcript(&mut card, &[(VERIFY_B, "9000")]);
    let padded = read(&mut card, 0x0002);
    assert_eq!((padded.len(), &padded[95..]), (95 + 16, &[0xFF; 16][..]), "filler by default");
}

#[test]
fn every_secret_opens_its_files_and_no_others() {
    let files = ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"];
    let open_after = |verify: Option<&str>| -> Vec<&str> {
        let mut card = text(today());
        if let Some(verify) = verify {
            transcript(&mut card, &[(verify, "9000")]);
        }
        let opens = |id: &&str| {
            transcript(&mut card, &[(&format!("00A4020C02{id}"), "9000")]);
            match say(&mut card, "00B0000001").as_str() {
                "6982" => false,
                answer => answer.len() == 6,
            }
        };
        files.into_iter().filter(opens).collect()
    };
    assert_eq!(open_after(None), ["0004", "0005"]);
    assert_eq!(open_after(Some("0020009104 31323334")), files);
    assert_eq!(open_after(Some(VERIFY_A)), ["0001", "0003", "0004", "0005", "0006", "0007", "0008"]);
    assert_eq!(open_after(Some(VERIFY_B)), ["0002", "0003", "0004", "0005", "0006", "0007", "0008"]);
}

#[test]
fn signatures_lead_from_the_authority_to_number_attributes_and_chip() {
    let mut card = text(today());
    transcript(&mut card, &[("0020009104 31323334", "9000")]);
    let signer = certified_key(&read(&mut card, 0x0004), "9000033");
    let integrity = read(&mut card, 0x0003);
    assert_eq!((integrity.len(), &integrity[..5]), (336, &hex("FF3082014B")[..]));
    let (digests, signature) = (&integrity[5..75], &integrity[80..]);
    let published = "A2AEF2D5D76AA692F97CF3463ED1CFC4746ABAD481827B954D6D035738DDBB72";
    assert_eq!(Sha256::digest(digests).to_vec(), hex(published));
    signer.verify(Pkcs1v15Sign::new::<Sha256>(), &hex(published), signature).expect("the municipality signed it");
    let chip = read(&mut card, 0x0007);
    assert_eq!((chip.len(), &chip[..5]), (536, &hex("FF50820213")[..]));
    let signed = signer.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&chip[5..275]), &chip[280..]);
    signed.expect("the municipality signed it");
    // The default key signs without a PIN, in a card that was just powered on.
    let mut card = text(today());
    let digest_info = hex(crate::DIGEST_INFO_ABC);
    let answer = card.process(&[&[0x80, 0x2A, 0x00, 0x00, 0x33], digest_info.as_slice(), &[0x00]].concat());
    let signature = answer.strip_suffix(&[0x90, 0x00]).expect("9000");
    let key = public_key(&chip[19..275]);
    key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest("abc"), signature).expect("the chip signed it");
    let by_identifier = card.process(&[&[0x80, 0x2A, 0x00, 0x93, 0x33], digest_info.as_slice(), &[0x00]].concat());
    assert_eq!(by_identifier, answer);
}

#[test]
fn basic_information_has_its_odd_lengths() {
    let content = read(&mut text(today()), 0x0005);
    assert_eq!(content.len(), 164);
    assert_eq!(content[..12], hex("FF4082009F DF4104 01030E01"));
    assert_eq!(content[12..31], hex("DF4210 39303030303334 0805 303031 00000000"));
    assert_eq!(content[31..36], hex("DF43820080"));
    assert_eq!(content[68..], [0xFF; 96]);
}

#[test]
fn the_pin_is_changed_and_printed_numbers_are_not() {
    transcript(
        &mut text(today()),
        &[
            ("00200091", "63C3"),
            ("0024019104 35363738", "6982"),
            ("0020009104 31323334", "9000"),
            ("0024019105 3536373839", "6A80"),
            ("8032009104 35363738", "6985"),
            ("0024019104 35363738", "9000"),
            ("0020009104 31323334", "63C2"),
            ("0020009104 35363738", "9000"),
            (VERIFY_A, "9000"),
            ("0024019404 35363738", "6985"),
            ("00200092", "63C0"),
            ("0020009204 31323334", "6984"),
        ],
    );
}

#[test]
fn tries_are_counted_apart() {
    let mut card = text(today());
    transcript(
        &mut card,
        &[
            ("0020009401 30", "63C9"),
            ("0020009501 30", "63C9"),
            ("0020009501 30", "63C8"),
            ("0020009101 30", "63C2"),
            ("00A4040C0AD3921000310001010402", "9000"),
            ("00200093", "63CA"),
            ("00200092", "63CA"),
            ("00200091", "63CA"),
        ],
    );
    let tries = Pin::ALL.map(|pin| card.attempts_left(pin));
    assert_eq!(tries, [3, 5, 2, 9, 8, 10, 10, 10, 3, 3]);
    card.set_attempts(Pin::TextInputVerificationNumberB, 0);
    transcript(&mut card, &[(SELECT_TEXT, "9000"), ("00200095", "63C0"), (VERIFY_B, "6984")]);
    card.reset_pins().expect("no state file");
    assert_eq!(Pin::ALL.map(|pin| card.attempts_left(pin)), [3, 5, 3, 10, 10, 10, 10, 10, 3, 3]);
}

#[test]
fn leaving_the_application_closes_its_files() {
    let mut card = text(today());
    for away in [SELECT_JPKI, SELECT_ISD] {
        transcript(&mut card, &[("0020009104 31323334", "9000"), (SELECT_TEXT, "9000")]);
        assert_eq!(read(&mut card, 0x0001).len(), 17, "selected again, still open");
        transcript(&mut card, &[(away, "9000"), (SELECT_TEXT, "9000"), ("00B0810000", "6982")]);
    }
}

#[test]
fn session_keys_and_secure_messaging_are_refused_as_cards_do_that_have_none() {
    transcript(
        &mut text(today()),
        &[
            ("80AE000001AA", "6982"),
            (VERIFY_A, "9000"),
            ("80AE000001AA", "6982"),
            ("0020009104 31323334", "9000"),
            ("80AE000001AA", "66F1"),
            ("08B0810000", "69FC"),
            ("0CB0810000", "6987"),
            (SELECT_JPKI, "9000"),
            ("80AE000001AA", "6982"),
            ("08B0860000", "69FC"),
            ("00A4040C0AD3921000310001010402", "9000"),
            ("80AE000001AA", "66F1"),
            ("08B0830000", "6882"),
        ],
    );
}

#[test]
fn a_long_address_takes_three_length_bytes_everywhere() {
    let mut card = text(Config { long_address: true, record_filler: 0, ..today() });
    transcript(&mut card, &[(VERIFY_B, "9000")]);
    let attributes = read(&mut card, 0x0002);
    assert_eq!((attributes[2], &attributes[5..10]), (0x82, &hex("DF21080010")[..]));
    assert_eq!(attributes[34..37], hex("DF2382"));
    let certificate = card.signature_certificate().expect("a certificate").to_vec();
    assert!(certificate.windows(9).any(|window| window == "団地北".as_bytes()), "the certificate says the same");
    assert_ne!(Some(certificate.as_slice()), crate::card(today()).signature_certificate());
}

#[test]
fn files_can_be_given_other_contents() {
    let kind = ApplicationKind::TextInput;
    let config =
        today().with_file(kind, 0x0001, *b"other").with_file(kind, 0x000F, [1, 2]).with_file(kind, 0x0013, [3]);
    transcript(
        &mut text(config),
        &[
            ("00B0810000", "6982"),
            ("00B08F0000", "01029000"),
            ("00B0930000", "039000"),
            ("802A000001AA00", "6981"),
            ("0020009104 31323334", "9000"),
            ("00B0810000", "6F746865729000"),
        ],
    );
    let without = Config { without_applications: vec![kind], ..today() };
    transcript(&mut card(without.with_file(kind, 0x0001, [1])), &[(SELECT_TEXT, "6A82"), (SELECT_JPKI, "9000")]);
}

#[test]
fn reads_can_be_short_and_files_endless() {
    let limited = Config { read_limit: Some(1), ..today() };
    transcript(&mut text(limited), &[("00B0850000", "FF9000"), ("00B0850100", "409000"), ("00B08500000000", "FF9000")]);
    let endless = Config { endless_files: true, ..today() };
    let mut card = text(endless);
    transcript(&mut card, &[("00A4020C020005", "9000"), ("00B07FFE02", "FFFF9000")]);
    assert_eq!(card.process(&hex("00B00000000000")).len(), 65_535);
    transcript(&mut card, &[("00B0000003", "FF40829000")]);
}

#[test]
fn the_other_people_have_their_own_secrets() {
    let mut card = text(Config::new(Profile::Today, 9));
    transcript(
        &mut card,
        &[
            ("002000910439303133", "9000"),
            ("002000940C393939393939393939393936", "9000"),
            ("002000950E3139313130353230333130393031", "9000"),
        ],
    );
    assert_eq!(read(&mut card, 0x0001), [b"\xFF\x10\x0C999999999996".as_slice(), &[0xFF; 2]].concat());
}
