//! The signing command with every kind of key.

use crate::{DIGEST_INFO_ABC, VERIFY_1234, hex, jpki, today, transcript};
use kazasu_card_sim::{Card, Config, Profile};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey, pkcs8::DecodePublicKey};
use sha2::{Digest, Sha256, Sha384};
use x509_cert::der::{Decode, Encode};

fn public_key_info(certificate: &[u8]) -> Vec<u8> {
    let certificate = x509_cert::Certificate::from_der(certificate).expect("a certificate");
    certificate.tbs_certificate().subject_public_key_info().to_der().expect("its key")
}

#[track_caller]
fn signature(card: &mut Card, command: &str) -> Vec<u8> {
    let answer = card.process(&hex(command));
    answer.strip_suffix(&[0x90, 0x00]).unwrap_or_else(|| panic!("{answer:02X?}")).to_vec()
}

#[test]
fn sha256_of_abc_is_signed_byte_for_byte() {
    let mut card = jpki(today());
    transcript(&mut card, &[("00A4020C020018", "9000"), (VERIFY_1234, "9000"), ("00A4020C020017", "9000")]);
    let signed = signature(&mut card, &format!("802A008033{DIGEST_INFO_ABC}00"));
    assert_eq!(signed.len(), 256);
    let key = RsaPublicKey::from_public_key_der(&public_key_info(card.authentication_certificate())).expect("RSA");
    key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest("abc"), &signed).expect("verifies");
    // T=0 readers leave Le away; repeats, short identifiers and the other schemes give the same bytes.
    let hash = &DIGEST_INFO_ABC[38..].replace(' ', "");
    for command in [
        format!("802A008033{DIGEST_INFO_ABC}"),
        format!("802A009733{DIGEST_INFO_ABC}00"),
        format!("802A0097000033{DIGEST_INFO_ABC}0000"),
        format!("802A029720{hash}00"),
        "802A0397 03 616263 00".to_owned(),
    ] {
        assert_eq!(signature(&mut card, &command), signed, "{command}");
    }
    let bare = signature(&mut card, "802A019703 616263 00");
    key.verify(Pkcs1v15Sign::new_unprefixed(), &Sha256::digest("abc"), &bare).expect("verifies");
    for command in [format!("802A049720{hash}00"), "802A059703 616263 00".to_owned()] {
        let pss = signature(&mut card, &command);
        key.verify(Pss::<Sha256>::new(), &Sha256::digest("abc"), &pss).expect("verifies");
    }
}

#[test]
fn the_signature_key_needs_the_signature_password() {
    let mut card = jpki(today());
    let command = format!("802A009A33{DIGEST_INFO_ABC}00");
    transcript(&mut card, &[("00200098 0431323334", "9000"), (&command, "6982"), ("0020009B06414243313233", "9000")]);
    let signed = signature(&mut card, &command);
    let certificate = card.signature_certificate().expect("a signature certificate").to_vec();
    let key = RsaPublicKey::from_public_key_der(&public_key_info(&certificate)).expect("RSA");
    key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest("abc"), &signed).expect("verifies");
}

#[test]
fn bad_input_is_refused() {
    let mut card = jpki(today());
    let of_length = |scheme: &str, length: usize| format!("802A{scheme}97{length:02X}{}00", "AA".repeat(length));
    transcript(&mut card, &[("802A0080 01AA00", "6986"), ("802A009701AA00", "6982"), ("0020009804 31323334", "9000")]);
    transcript(
        &mut card,
        &[
            ("802A0097", "6985"),
            ("802A009700", "6985"),
            (&of_length("00", 246), "6700"),
            (&of_length("02", 31), "6985"),
            (&of_length("04", 33), "6985"),
            (&of_length("06", 32), "6A86"),
            ("802A000001AA00", "6A86"),
            ("802A009801AA00", "6981"),
            ("802A008A01AA00", "6981"),
            ("802A008701AA00", "6A82"),
            ("802A008501AA00", "6981"),
            ("802A009701AA20", "6700"),
            ("002A009701AA00", "6D00"),
        ],
    );
    assert_eq!(signature(&mut card, &of_length("00", 245)).len(), 256);
}

#[test]
fn p256_answers_der() {
    let mut card = jpki(Config::new(Profile::NextP256, 1));
    let hash = Sha256::digest("abc");
    let hash_hex = &DIGEST_INFO_ABC[38..];
    let command = format!("802A009720{hash_hex}00");
    transcript(&mut card, &[(&command, "6982"), ("0020009804 31323334", "9000"), ("802A009703AABBCC00", "6985")]);
    let signed = signature(&mut card, &command);
    let key = p256::ecdsa::VerifyingKey::from_public_key_der(&public_key_info(card.authentication_certificate()));
    let der = p256::ecdsa::DerSignature::try_from(signed.as_slice()).expect("DER");
    key.expect("P-256").verify_prehash(&hash, &der).expect("verifies");
    transcript(&mut card, &[(&format!("802A029720{hash_hex}00"), "6A86")]);
}

#[test]
fn p384_answers_two_numbers() {
    let mut card = jpki(Config::new(Profile::NextP384, 2));
    let hash = Sha384::digest("abc");
    let mut command = hex("802A009730");
    command.extend_from_slice(&hash);
    command.push(0);
    transcript(&mut card, &[("0020009804 32333435", "9000")]);
    let answer = card.process(&command);
    let signed = p384::ecdsa::Signature::from_slice(answer.strip_suffix(&[0x90, 0x00]).expect("9000")).expect("r‖s");
    assert_eq!(answer.len(), 98);
    let key = p384::ecdsa::VerifyingKey::from_public_key_der(&public_key_info(card.authentication_certificate()));
    key.expect("P-384").verify_prehash(&hash, &signed).expect("verifies");
}

#[test]
fn a_wrong_signature_does_not_verify() {
    let mut card = jpki(Config { wrong_signature: true, ..today() });
    transcript(&mut card, &[("0020009804 31323334", "9000")]);
    let signed = signature(&mut card, &format!("802A009733{DIGEST_INFO_ABC}00"));
    let key = RsaPublicKey::from_public_key_der(&public_key_info(card.authentication_certificate())).expect("RSA");
    assert!(key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest("abc"), &signed).is_err());
}
