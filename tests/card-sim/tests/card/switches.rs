//! The switches that bend the card.

use crate::{SELECT_ISD, SELECT_JPKI, VERIFY_1234, card, hex, jpki, today, transcript};
use kazasu_card_sim::{Config, Pin, SimError};

#[test]
fn the_first_command_can_fail() {
    let mut card = card(Config { first_command_6f00: true, ..today() });
    transcript(&mut card, &[(SELECT_JPKI, "6F00"), ("00B0860001", "6986"), (SELECT_JPKI, "9000")]);
    card.power_on();
    transcript(&mut card, &[(SELECT_JPKI, "6F00")]);
}

#[test]
fn short_identifiers_can_be_refused() {
    transcript(
        &mut jpki(Config { sfi: false, ..today() }),
        &[
            ("00B0860001", "6A86"),
            ("00200098", "6A86"),
            ("802A009701AA00", "6A86"),
            ("00240198", "6A86"),
            ("00A4020C020018", "9000"),
            ("00200080", "63C3"),
        ],
    );
}

#[test]
fn extended_lengths_can_be_refused() {
    transcript(
        &mut jpki(Config { extended: false, ..today() }),
        &[("00B08600000000", "6700"), ("0020009800000431323334", "6700"), ("00200098", "63C3")],
    );
}

#[test]
fn procedure_bytes_come_like_from_t0() {
    let mut card = card(Config { procedure_bytes: true, ..today() });
    transcript(
        &mut card,
        &[
            (SELECT_ISD, "9000"),
            ("00C0000000", "6985"),
            ("00A404000AD392F000260100000001", "610E"),
            ("00C0000000", "6C0E"),
            ("00C0000004", "6F0C840A610A"),
            ("00C000000A", "D392F0002601000000019000"),
            ("00C000000A", "6985"),
            ("00B0880000", "6C03"),
            ("00B0880003", "8F8F009000"),
            ("00B0880002", "8F8F9000"),
            ("0020009800", "63C3"),
            ("0020009804 31323334", "9000"),
            ("802A009701AA", "6100"),
            ("00B0880003", "8F8F009000"),
            ("00C0000000", "6985"),
            ("802A009701AA00", "6100"),
        ],
    );
    assert_eq!(card.process(&hex("00C0000000")).len(), 258);
}

#[test]
fn blocked_and_verified_pins_can_answer_otherwise() {
    let mut card = jpki(Config { blocked_as_6983: true, query_after_verify_9000: true, ..today() });
    transcript(
        &mut card,
        &[("00A4020C020018", "9000"), ("00200080", "63C3"), (VERIFY_1234, "9000"), ("00200080", "9000")],
    );
    card.set_attempts(Pin::UserAuthentication, 0);
    transcript(&mut card, &[("00200080", "63C0"), (VERIFY_1234, "6983")]);
}

#[test]
fn selecting_again_or_resetting_can_be_made_strict_or_lax() {
    let mut card = jpki(Config { strict_reselect: true, warm_reset_keeps_pins: true, ..today() });
    transcript(&mut card, &[("0020009804 31323334", "9000"), (SELECT_JPKI, "9000"), ("802A009701AA00", "6982")]);
    let mut card = jpki(Config { warm_reset_keeps_pins: true, ..today() });
    transcript(&mut card, &[("0020009804 31323334", "9000")]);
    card.warm_reset();
    transcript(&mut card, &[("802A009701AA00", "6986"), (SELECT_JPKI, "9000")]);
    assert_eq!(card.process(&hex("802A009701AA00")).len(), 258, "the PIN is still open");
    card.warm_reset();
    transcript(&mut card, &[(SELECT_ISD, "9000"), (SELECT_JPKI, "9000"), ("802A009701AA00", "6982")]);
}

#[test]
fn there_is_no_eleventh_person() {
    let error = kazasu_card_sim::Card::new(Config { person: 11, ..today() }).expect_err("ten people");
    assert!(matches!(error, SimError::UnknownPerson(11)));
}
