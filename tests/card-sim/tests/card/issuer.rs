//! The issuer security domain and what surrounds the applications.

use crate::{SELECT_ISD, SELECT_JPKI, card, hex, say, text_input::public_key, today, transcript};
use kazasu_card_sim::{Config, Profile, cv_authorities};
use rsa::Pkcs1v15Sign;
use sha2::{Digest, Sha256};

#[test]
fn data_objects_answer_after_power_on_and_in_the_issuer_security_domain() {
    let mut card = card(today());
    let objects = [
        ("00CA004200", "39303030303230 0805 303031 000000A8 9000"),
        ("00CA004500", "303132333435363738393031323334 9000"),
        ("00CA00F000", "3133313031 9000"),
        ("00CA00F200", "3230333530343035 9000"),
        ("00CA00F700", "31333130313330 0805 303032 00000098 9000"),
        ("00CA5F5100", "E000FF8131FE4514 9000"),
        ("00CA00F800", "6700"),
        ("00CA7F2100", "6700"),
        ("00CA00F1 00", "6A88"),
        ("00CA00F004", "6700"),
        ("00CA00F0", "6700"),
    ];
    for select in [None, Some(SELECT_ISD)] {
        if let Some(select) = select {
            transcript(&mut card, &[(SELECT_JPKI, "9000"), (select, "9000")]);
        }
        for (command, answer) in objects {
            transcript(&mut card, &[(command, &answer.replace(' ', ""))]);
        }
    }
    assert!(say(&mut card, "00CA006600").starts_with("732E06072A864886FC6B01"));
    transcript(&mut card, &[(SELECT_JPKI, "9000"), ("00CA00F000", "6A88"), ("00CA5F5100", "E000FF8131FE45149000")]);
}

#[test]
fn the_certificate_chain_hangs_on_the_issuer_authority() {
    let mut card = card(today());
    let mut object = |command: &str| {
        let answer = card.process(&hex(command));
        assert_eq!(answer.len(), 577);
        assert_eq!(answer[..12], hex("4D0A42105F20105F49820109"));
        (answer[17..314].to_vec(), answer[319..575].to_vec())
    };
    let (upper, upper_signature) = object("00CA00F8000000");
    let (lower, lower_signature) = object("00CA7F21000000");
    let (id, modulus) = cv_authorities().remove(2);
    assert_eq!((&upper[..16], &upper[16..32]), (&id[..], &lower[..16]));
    assert_eq!(lower[16..32], hex("30303030303530 0805 303031 00000040"));
    let sha256 = Pkcs1v15Sign::new::<Sha256>;
    public_key(&modulus).verify(sha256(), &Sha256::digest(&upper), &upper_signature).expect("the authority signed it");
    let municipality = public_key(&upper[41..]);
    municipality.verify(sha256(), &Sha256::digest(&lower), &lower_signature).expect("the municipality signed it");
}

#[test]
fn data_objects_can_be_replaced_and_removed() {
    let data_objects = [(0x00F0, b"99999".to_vec()), (0x7F21, Vec::new()), (0x00FF, vec![1])].into();
    transcript(
        &mut card(Config { data_objects, ..today() }),
        &[("00CA00F000", "39393939399000"), ("00CA7F21000000", "6A88"), ("00CA00FF00", "019000")],
    );
}

#[test]
fn the_one_file_beside_the_applications_cannot_be_read() {
    transcript(
        &mut card(today()),
        &[
            ("00A4020C02001E", "9000"),
            ("00B0000000", "6981"),
            ("00B2010400", "6981"),
            ("00B09E0000", "6986"),
            ("00A4020C022F10", "6A82"),
            ("00A4020C022F11", "6A82"),
            ("00A4000C023F00", "6A82"),
        ],
    );
}

#[test]
fn administrative_commands_are_refused_as_measured() {
    let certificate = "AA".repeat(307);
    let mut card = card(today());
    transcript(
        &mut card,
        &[
            ("80FC0000", "6700"),
            ("80A2000001AA", "6700"),
            (&format!("80A20000000133{certificate}"), "6A86"),
            (&format!("80A200B6000133{certificate}"), "6A86"),
            ("80AE000001AA", "66F1"),
            ("002C0080", "6D00"),
            ("0088009901AA00", "6986"),
            ("80320080", "6986"),
        ],
    );
}

#[test]
fn partial_names_match_in_the_order_of_the_card() {
    let mut card = card(today());
    transcript(&mut card, &[("00A4040C05D392100031", "9000"), ("00B2010C01", "019000")]);
    transcript(
        &mut card,
        &[("00A4040C09D39210003100010104", "9000"), ("00B2010C01", "6A82"), ("00B2011401", "019000")],
    );
    transcript(&mut card, &[("00A4040005D392F00026 00", "6F0C840AD392F0002601000000019000")]);
    transcript(&mut card, &[("00A4040C05A000000151", "9000"), ("00CA00F000", "31333130319000")]);
    let strict = Config::new(Profile::Strict, 1);
    transcript(
        &mut crate::card(strict),
        &[("00A4040C09D392F0002601000000", "6A82"), ("00A4040C05A000000151", "6A82"), (SELECT_ISD, "9000")],
    );
}
