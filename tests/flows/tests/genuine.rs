//! Every byte of what a municipality signed: one flipped bit is noticed. Played with published dumps of a test card.

use std::collections::BTreeMap;
use std::ops::Range;

use kazasu::Error;
use kazasu::card::{Card, Certificate, LastAttempt, Proof, Verification};
use kazasu::crypto::SignatureVerifier;
use kazasu::iso7816::{CardCapabilities, CardTransport, TransportError, TransportLimits};
use kazasu_card_sim::{Config, Profile, SimTransport};
use kazasu_flows::{
    SharedCard, authorities, card_of, dumps, number_b, text_input_pin_of, told, told_date, told_image, told_text,
};

/// A test card as its dumps tell it. It has no private keys.
fn dumped_card() -> SharedCard {
    card_of(Config::new(Profile::Today, 1).with_dumps(dumps::folder()).expect("dumps"))
}

/// Flips one bit of one file on its way to the reader.
struct Flipped {
    inner: SimTransport,
    short_identifier: u8,
    at: Option<usize>,
}

impl CardTransport for Flipped {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut answer = self.inner.transceive(command)?;
        if let Some(at) = self.at
            && command[1] == 0xB0
            && command[2] == 0x80 | self.short_identifier
        {
            assert!(at + 2 < answer.len(), "the whole file comes in one answer");
            answer[at] ^= 1 << (at % 8);
        }
        Ok(answer)
    }

    fn limits(&self) -> TransportLimits {
        self.inner.limits()
    }
}

/// What a reader makes of the file; comparable.
type Read = fn(&mut Flipped) -> Result<(String, Proof), Error>;

fn attributes(link: &mut Flipped) -> Result<(String, Proof), Error> {
    let authorities = authorities();
    let records = Verification { challenge_chip: false, ..Verification::full(&authorities, SignatureVerifier::ring()) };
    let mut card = Card::new(link, CardCapabilities::default());
    let read = card.select_text_input()?.attributes_with_proof(text_input_pin_of(1), LastAttempt::Refuse, records)?;
    let sex = told(&read.sex, |sex| sex.name().to_owned());
    let details = [told_text(&read.name), told_text(&read.address), told_date(&read.birth_date), sex];
    Ok((details.join(" "), read.proof))
}

fn face(link: &mut Flipped) -> Result<(String, Proof), Error> {
    let authorities = authorities();
    let records = Verification { challenge_chip: false, ..Verification::full(&authorities, SignatureVerifier::ring()) };
    let mut card = Card::new(link, CardCapabilities::default());
    let read = card.select_surface()?.face_with_proof(number_b(), LastAttempt::Refuse, records)?;
    let images = [&read.name_png, &read.address_png, &read.photo_jp2, &read.unsigned_security_code_png];
    let images = images.map(told_image).join(" ");
    let sex = told(&read.sex, |sex| sex.name().to_owned());
    let details = [told_date(&read.birth_date), sex, images, told_date(&read.unsigned_expiry)];
    Ok((details.join(" "), read.proof))
}

#[test]
fn the_dumps_of_a_test_card_are_genuine() {
    for read in [attributes as Read, face] {
        let mut link = Flipped { inner: SimTransport::tap(dumped_card()), short_identifier: 0, at: None };
        let (details, proof) = read(&mut link).expect("reads");
        let Proof::Genuine(genuine) = proof else { panic!("{proof:?}") };
        assert_eq!((genuine.municipality.as_str(), genuine.test_card), ("13221", true));
        assert!(!details.is_empty());
    }
}

#[test]
fn a_card_made_of_copied_files_does_not_pass_for_the_chip() {
    let authorities = authorities();
    let full = Verification::full(&authorities, SignatureVerifier::ring());
    let chip = dumped_card();
    let mut link = SimTransport::tap(chip.clone());
    let mut card = Card::new(&mut link, CardCapabilities::default());
    let text = card
        .select_text_input()
        .and_then(|mut text| text.attributes_with_proof(text_input_pin_of(1), LastAttempt::Refuse, full));
    assert_eq!(text.err().map(|error| error.to_string()).as_deref(), Some("the card's signature does not verify"));
    let face =
        card.select_surface().and_then(|mut surface| surface.face_with_proof(number_b(), LastAttempt::Refuse, full));
    assert_eq!(face.err().map(|error| error.to_string()).as_deref(), Some("the card's signature does not verify"));
}

#[test]
fn test_cards_are_not_believed_in_production() {
    let national = kazasu::card::CvAuthorities::national();
    let verification = Verification::full(&national, SignatureVerifier::ring());
    let mut link = SimTransport::tap(dumped_card());
    let mut card = Card::new(&mut link, CardCapabilities::default());
    let mut text = card.select_text_input().expect("selects");
    let read = text.attributes_with_proof(text_input_pin_of(1), LastAttempt::Refuse, verification).expect("reads");
    assert!(matches!(read.proof, Proof::NotVerifiable(kazasu::card::ProofGap::UnknownAuthority)));
}

/// How flipped bytes came out, by part of the file.
#[derive(Default)]
struct Tally {
    noticed: usize,
    unsigned: usize,
}

/// Flips each byte of a file and sorts the outcomes; bytes outside `unsigned` must all be noticed.
fn flip_each(name: &str, read: Read, short_identifier: u8, len: usize, unsigned: &[Range<usize>]) -> Tally {
    let chip = dumped_card();
    let link = |at| Flipped { inner: SimTransport::tap(chip.clone()), short_identifier, at };
    let (expected, _) = read(&mut link(None)).expect("the file as it is");
    let mut tally = Tally::default();
    for at in 0..len {
        match read(&mut link(Some(at))) {
            Err(error) => {
                assert_eq!(error.code(), "KZ-C10", "{name}, byte {at}: {error}");
                tally.noticed += 1;
            }
            Ok((_, Proof::NotVerifiable(_))) => tally.noticed += 1,
            Ok((details, Proof::Genuine(_))) => {
                let allowed = unsigned.iter().any(|range| range.contains(&at));
                assert!(allowed, "{name}: the flipped byte {at} was not noticed ({})", details == expected);
                tally.unsigned += 1;
            }
        }
    }
    tally
}

/// Where the object at the start of a file ends.
fn end_of_record(file: &[u8]) -> usize {
    match file[2] {
        0x82 => 5 + usize::from(u16::from_be_bytes([file[3], file[4]])),
        short => 3 + usize::from(short),
    }
}

#[test]
fn a_flipped_bit_in_any_signed_byte_of_a_record_is_noticed() {
    let mut table = BTreeMap::new();
    let text = dumps::read("text-0002.bin");
    let filler = end_of_record(&text)..text.len();
    table.insert("TEXT 0002", flip_each("TEXT 0002", attributes, 0x02, text.len(), &[filler]));
    for (name, dump, id) in [("TEXT 0003", "text-0003.bin", 0x03), ("TEXT 0004", "text-0004.bin", 0x04)] {
        table.insert(name, flip_each(name, attributes, id, dumps::read(dump).len(), &[]));
    }
    table.insert("TEXT 0007", flip_each("TEXT 0007", attributes, 0x07, dumps::read("text-0007.bin").len(), &[]));
    let surface = dumps::read("surface-0002.bin");
    // The eighth offset is that of DF29: expiry, and security code after it, are not signed.
    let table_at = 8;
    let expiry = usize::from(u16::from_be_bytes([surface[table_at + 14], surface[table_at + 15]]));
    assert_eq!(surface[expiry..expiry + 2], [0xDF, 0x29]);
    let unsigned = expiry..surface.len();
    table.insert("FACE 0002", flip_each("FACE 0002", face, 0x02, surface.len(), &[unsigned]));
    table.insert("FACE 0004", flip_each("FACE 0004", face, 0x04, dumps::read("surface-0004.bin").len(), &[]));
    println!("file        noticed  not signed");
    for (name, tally) in &table {
        println!("{name:<12}{:>7}  {:>10}", tally.noticed, tally.unsigned);
    }
    assert_eq!(table["TEXT 0003"].noticed, 336);
    assert!(table["FACE 0002"].noticed > 2_800, "{}", table["FACE 0002"].noticed);
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_certificate_is_noticed() {
    let verifier = SignatureVerifier::ring();
    let parse = |der: &[u8]| Certificate::parse(der);
    println!("certificate              bytes  noticed");
    for (name, issuer) in [
        ("jpki-auth-cert.der", "jpki-auth-ca-cert.der"),
        ("jpki-sign-cert.der", "jpki-sign-ca-cert.der"),
        ("jpki-auth-ca-cert.der", "jpki-auth-ca-cert.der"),
        ("jpki-sign-ca-cert.der", "jpki-sign-ca-cert.der"),
    ] {
        let (der, issuer) = (dumps::read(name), parse(&dumps::read(issuer)).expect("an authority"));
        assert!(parse(&der).expect("a certificate").is_issued_by(&issuer, verifier), "{name}");
        let noticed = (0..der.len()).filter(|at| {
            let mut flipped = der.clone();
            flipped[*at] ^= 1 << (at % 8);
            !parse(&flipped).is_some_and(|certificate| certificate.is_issued_by(&issuer, verifier))
        });
        let noticed = noticed.count();
        println!("{name:<25}{:>5}  {noticed:>7}", der.len());
        assert_eq!(noticed, der.len(), "{name}");
    }
}
