//! The named kinds of card.

use crate::{SELECT_JPKI, VERIFY_1234, card, hex, jpki, transcript};
use kazasu_card_sim::{ApplicationKind, Card, Config, Pin, Profile};

fn named(name: &str) -> Config {
    Config::named(name, 1).expect("a known profile")
}

fn selects(card: &mut Card, kind: ApplicationKind) -> bool {
    card.process(&[&[0x00, 0xA4, 0x04, 0x0C, 0x0A], kind.aid().as_slice()].concat()) == [0x90, 0x00]
}

#[test]
fn profiles_are_found_by_name() {
    for profile in Profile::ALL {
        assert_eq!(Config::named(profile.name(), 2), Ok(Config::new(profile, 2)));
    }
    let faulty = named("today+forged-text+exchange=1:flip-bit=9+ins=20:drop-after");
    assert!(faulty.forged_text && faulty.faults.len() == 2);
    assert!(Config::named("today+tomorrow:drop", 1).expect_err("unknown").contains("ins=20:drop-after"));
    assert!(Config::named("tomorrow", 1).expect_err("unknown").contains("no-sfi"));
}

#[test]
fn every_profile_has_its_applications() {
    for profile in Profile::ALL {
        let mut card = card(Config::new(profile, 1));
        let expected = match profile {
            Profile::NotJpki => vec![],
            Profile::Phone | Profile::PhoneIos | Profile::Old => vec![ApplicationKind::Jpki],
            _ => ApplicationKind::ALL.to_vec(),
        };
        let found: Vec<_> = ApplicationKind::ALL.into_iter().filter(|kind| selects(&mut card, *kind)).collect();
        assert_eq!(found, expected, "{profile}");
        assert_eq!(card.attempts_left(Pin::TextInput), if expected.len() == 5 { 3 } else { 0 });
    }
}

#[test]
fn an_iphone_differs_from_an_android_phone_in_its_label() {
    for (name, label) in [("phone", "4A504B494150475053455"), ("phone-ios", "4A504B494150494F53544")] {
        let mut card = jpki(named(name));
        assert!(crate::say(&mut card, "00B086000F").starts_with(label), "{name}");
        transcript(&mut card, &[("00B08A0002", "6982"), ("0020009804 31323334", "9000"), ("00B08A0002", "30829000")]);
        transcript(&mut card, &[("80FC0000", "9000"), ("00B08A0002", "6982"), ("80FC0100", "6A86")]);
        transcript(&mut card, &[("00A4040C07A0000001510000", "9000"), ("00CA00F000", "6A88")]);
    }
}

#[test]
fn no_short_identifiers_and_no_extended_lengths_are_profiles_too() {
    transcript(&mut jpki(named("no-sfi")), &[("00B0860001", "6A86"), ("00B0000001", "6986")]);
    transcript(&mut jpki(named("no-extended")), &[("00B08600000001", "6700"), ("00B0860001", "4A9000")]);
}

#[test]
fn a_strict_card_forgives_nothing() {
    let mut card = jpki(named("strict"));
    transcript(
        &mut card,
        &[
            ("00A4020C020018", "9000"),
            ("00200080", "63C3"),
            ("0020008000", "6700"),
            (VERIFY_1234, "9000"),
            (SELECT_JPKI, "9000"),
            ("802A009701AA00", "6982"),
            ("00A4040C05D392F00026", "6A82"),
        ],
    );
    card.set_attempts(Pin::UserAuthentication, 0);
    transcript(&mut card, &[("0020009804 31323334", "6983")]);
}

#[test]
fn a_card_can_come_without_the_signature_certificate() {
    let mut card = jpki(Config { without_signature_certificate: true, ..named("today") });
    transcript(
        &mut card,
        &[
            ("00B0880000", "008F009000"),
            ("00A4020C020001", "6A82"),
            ("0020009B", "63C0"),
            ("0020009B06414243313233", "6984"),
            ("00B0820002", "30829000"),
        ],
    );
    assert_eq!(card.signature_certificate(), None);
}

#[test]
fn a_signature_can_take_its_time() {
    let mut card = jpki(Config { slow_signature_ms: 60, ..named("today") });
    transcript(&mut card, &[("0020009804 31323334", "9000")]);
    let started = std::time::Instant::now();
    assert_eq!(card.process(&hex("802A009701AA00")).len(), 258);
    assert!(started.elapsed() >= std::time::Duration::from_millis(60));
}
