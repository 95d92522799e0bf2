//! VERIFY, the query for the tries left, and CHANGE REFERENCE DATA.

use crate::{SELECT_ISD, SELECT_JPKI, VERIFY_1234, card, jpki, today, transcript};
use kazasu_card_sim::{Card, Config, Pin, Profile};

#[test]
fn wrong_then_right_pin_and_blocked() {
    let mut card = card(today());
    transcript(
        &mut card,
        &[
            (SELECT_JPKI, "9000"),
            ("00A4020C020018", "9000"),
            ("00200080", "63C3"),
            ("002000800430303030", "63C2"),
            ("00200080", "63C2"),
            (VERIFY_1234, "9000"),
            ("00200080", "63C3"),
            ("002000800430303030", "63C2"),
            ("002000800430303030", "63C1"),
            ("002000800430303030", "63C0"),
            ("00200080", "63C0"),
            (VERIFY_1234, "6984"),
        ],
    );
    assert_eq!(card.attempts_left(Pin::UserAuthentication), 0);
    assert_eq!(card.attempts_left(Pin::Signature), 5);
    assert_eq!((card.counters().verify_with_data, card.counters().ins(0x20)), (6, 10));
    assert_eq!(card.log().last(), Some(&(0x20, 0x00, 0x80, 0x6984)));
}

#[test]
fn changing_the_pin_needs_the_old_one_verified() {
    let mut card = jpki(today());
    transcript(
        &mut card,
        &[
            ("00A4020C020018", "9000"),
            ("002401800435363738", "6982"),
            (VERIFY_1234, "9000"),
            ("0024018003353637", "6A80"),
            ("002401800435363741", "6A80"),
            ("00240180", "6A80"),
            ("002400800435363738", "6A86"),
            ("002401800435363738", "9000"),
            (VERIFY_1234, "63C2"),
            ("002401800439393939", "6982"),
            ("002000800435363738", "9000"),
            // By short identifier, the password accepts capitals and digits only.
            ("0020009B06414243313233", "9000"),
            ("0024019B06414263313233", "6A80"),
            ("0024019B054142433132", "6A80"),
            ("0024019B114142433132333132333132333132333132", "6A80"),
            ("0024019B0A5A5A5A5A5A5A39393939", "9000"),
            ("0020009B0A5A5A5A5A5A5A39393939", "9000"),
        ],
    );
    card.reset_pins().expect("no state file");
    transcript(&mut card, &[("0020009804 31323334", "9000"), ("0020009B06414243313233", "9000")]);
}

#[test]
fn a_failed_verify_closes_the_pin_and_wrong_lengths_cost_a_try() {
    let mut card = jpki(today());
    transcript(
        &mut card,
        &[
            ("00A4020C020018", "9000"),
            (VERIFY_1234, "9000"),
            ("0020008003313233", "63C2"),
            ("802A009704AABBCCDD00", "6982"),
            ("00200098053132333435", "63C1"),
        ],
    );
}

#[test]
fn pins_stay_open_in_their_application_only() {
    let mut card = jpki(today());
    let sign_refused = ("802A00970100 00", "6982");
    transcript(&mut card, &[("0020009804 31323334", "9000"), (SELECT_JPKI, "9000")]);
    assert_eq!(card.process(&crate::hex("802A0097010000")).len(), 258, "the same application again keeps the PIN");
    transcript(&mut card, &[("00A4040C0AD3921000310001010403", "6A82")]);
    assert_eq!(card.process(&crate::hex("802A0097010000")).len(), 258, "a failed SELECT changes nothing");
    transcript(&mut card, &[(SELECT_ISD, "9000"), (SELECT_JPKI, "9000"), sign_refused]);
    transcript(&mut card, &[("0020009804 31323334", "9000")]);
    card.power_off();
    card.power_on();
    transcript(&mut card, &[(SELECT_JPKI, "9000"), sign_refused, ("0020009804 31323334", "9000")]);
    card.warm_reset();
    transcript(&mut card, &[(SELECT_JPKI, "9000"), sign_refused]);
}

#[test]
fn the_query_also_comes_as_t0_sends_it() {
    transcript(&mut jpki(today()), &[("00A4020C020018", "9000"), ("0020008000", "63C3"), ("0020009B00", "63C5")]);
}

#[test]
fn references_that_are_no_pin_are_told_apart() {
    transcript(
        &mut jpki(today()),
        &[
            ("00200080", "6986"),
            ("00200000", "6A86"),
            ("00200180", "6A86"),
            ("0020009F", "6A86"),
            ("00200087", "6A82"),
            ("00200085", "6981"),
            ("0020009C", "6981"),
            ("0020008A", "6981"),
            ("00200097", "6981"),
        ],
    );
    transcript(&mut card(today()), &[("00200080", "6986"), ("00200098", "6986")]);
}

#[test]
fn a_child_has_no_signature_password_and_no_signature_certificate() {
    let mut card = jpki(Config::new(Profile::Today, 10));
    transcript(
        &mut card,
        &[
            ("00B0880003", "008F009000"),
            ("00A4020C020001", "6A82"),
            ("0020009B", "63C0"),
            ("0020009B06414243313233", "6984"),
            ("802A009A01AA00", "6982"),
            ("0020009804 31303233", "9000"),
        ],
    );
    assert_eq!(card.signature_certificate(), None);
}

#[test]
fn tries_can_be_set_from_outside_up_to_the_limit() {
    let mut card = jpki(today());
    card.set_attempts(Pin::UserAuthentication, 1);
    transcript(&mut card, &[("00200098", "63C1")]);
    card.set_attempts(Pin::UserAuthentication, 200);
    card.set_attempts(Pin::Signature, 0);
    transcript(&mut card, &[("00200098", "63C3"), ("0020009B", "63C0")]);
    let other = Card::new(Config::new(Profile::NotJpki, 1)).expect("a card");
    assert_eq!(other.attempts_left(Pin::UserAuthentication), 0);
}
