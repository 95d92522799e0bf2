//! The common card and resident register applications: records, their PINs, INTERNAL AUTHENTICATE.

use crate::{card, hex, say, today, transcript};
use kazasu_card_sim::{ApplicationKind, Card, Config, Pin};

const SELECT_COMMON: &str = "00A4040C0AD3921000310001010100";
const SELECT_RESIDENT: &str = "00A4040C0AD3921000310001010401";
const IDENTITY: &str = "011C303132333435363738393031323334313331303132303335303430359000";

fn selected(select: &str, config: Config) -> Card {
    let mut card = card(config);
    transcript(&mut card, &[(select, "9000")]);
    card
}

#[test]
fn the_identity_record_has_the_published_bytes() {
    transcript(
        &mut selected(SELECT_COMMON, today()),
        &[
            ("00B2010C00", IDENTITY),
            ("00B2010400", IDENTITY),
            ("00B2010500", IDENTITY),
            ("00B2010D00", IDENTITY),
            ("00A4020C020001", "9000"),
            ("00B2010404", "011C30319000"),
            ("00B2020400", "6A83"),
            ("00B2000400", "6A83"),
            ("00B2020500", "6A83"),
            ("00B2010600", "6A86"),
            ("00B20104", "6700"),
            ("00B0000000", "6981"),
        ],
    );
}

#[test]
fn records_are_read_from_record_files_only() {
    transcript(
        &mut selected(SELECT_COMMON, today()),
        &[
            ("00B2010400", "6986"),
            ("00B2011C00", "6A82"),
            ("00B201CC00", "6981"),
            ("00B201E400", "6981"),
            ("00A4040C0AD392F000260100000001", "9000"),
            ("00B2014400", "6981"),
        ],
    );
    transcript(&mut selected(SELECT_COMMON, Config { sfi: false, ..today() }), &[("00B2010C00", "6A86")]);
    let single = Config { single_records_only: true, ..today() };
    transcript(&mut selected(SELECT_COMMON, single), &[("00B2010D00", "6A81"), ("00B2010400", IDENTITY)]);
    let other = today().with_file(ApplicationKind::Common, 0x0001, hex("0101AA"));
    transcript(&mut selected(SELECT_COMMON, other), &[("00B2010C00", "0101AA9000")]);
}

#[test]
fn both_applications_carry_the_same_key_reference() {
    let mut common = selected(SELECT_COMMON, today());
    let reference = say(&mut common, "00B2011400");
    assert_eq!(reference, "011039303030303430080530303100000000 9000".replace(' ', ""));
    transcript(&mut selected(SELECT_RESIDENT, today()), &[("00B2011400", &reference), ("00B2010C00", "6A82")]);
}

#[test]
fn their_pins_are_two_and_change_with_change_key() {
    for (select, pin, other) in
        [(SELECT_COMMON, Pin::Common, Pin::ResidentRegister), (SELECT_RESIDENT, Pin::ResidentRegister, Pin::Common)]
    {
        let mut card = selected(select, today());
        transcript(
            &mut card,
            &[
                ("00A4020C02001C", "9000"),
                ("00200080", "63C3"),
                ("803200800435363738", "6982"),
                ("002000800431323334", "9000"),
                ("002401800435363738", "6985"),
                ("8032008003353637", "6A80"),
                ("803201800435363738", "6A86"),
                ("803200800435363738", "9000"),
                ("002000800431323334", "63C2"),
            ],
        );
        assert_eq!((card.attempts_left(pin), card.attempts_left(other)), (2, 3));
        transcript(&mut card, &[("0020009C0435363738", "9000")]);
    }
}

#[test]
fn the_authentication_key_signs_challenges_without_a_pin_and_nothing_else() {
    let mut card = selected(SELECT_COMMON, today());
    let answer = card.process(&hex("0088009903 616263 00"));
    assert_eq!((answer.len(), &answer[256..]), (258, &[0x90, 0x00][..]));
    assert_eq!(card.process(&hex("0088009903 616263")), answer, "the same again, also without Le");
    assert_eq!(card.process(&[&hex("00880099FF")[..], &[7; 255], &[0]].concat()).len(), 258);
    transcript(
        &mut card,
        &[
            ("0088009900", "6700"),
            ("0088010003 616263 00", "6A86"),
            ("0088000003 616263 00", "6A86"),
            ("802A009901AA00", "6985"),
            ("802A000001AA00", "6A86"),
            ("0088009C03 616263 00", "6981"),
        ],
    );
    transcript(
        &mut card,
        &[
            ("00A4040C0AD3921000310001010408", "9000"),
            ("0088009303 616263 00", "6985"),
            ("00A4040C0AD392F000260100000001", "9000"),
            ("0088009703 616263 00", "6982"),
            ("0020009804 31323334", "9000"),
            ("0088009703 616263 00", "6985"),
        ],
    );
}
