//! SELECT and READ BINARY, by profile.

use crate::{SELECT_ISD, SELECT_JPKI, VERIFY_1234, card, hex, jpki, say, today, transcript};
use kazasu_card_sim::{Card, Config, Profile, authority};

/// The whole of the current EF in short reads, until the card says that the offset is outside.
fn read_current(card: &mut Card) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let [high, low] = u16::try_from(content.len()).expect("below 32 KiB").to_be_bytes();
        let answer = card.process(&[0x00, 0xB0, high, low, 0x00]);
        match answer.split_last_chunk::<2>() {
            Some((data, [0x90, 0x00])) => content.extend_from_slice(data),
            Some(([], [0x6B, 0x00])) => return content,
            other => panic!("{other:02X?}"),
        }
    }
}

#[test]
fn selection_follows_the_rules() {
    transcript(
        &mut card(today()),
        &[
            ("00A40000", "6A86"),
            ("00A4020C020006", "6A82"),
            ("00B0000000", "6986"),
            ("00A4040C0AD3921000310001010403", "6A82"),
            ("00A4040C0AD3921000310001010101", "6A82"),
            ("00A4040C04D392F000", "6A82"),
            ("00A4040C05D392F00026", "9000"),
            ("00A4040C0BD392F00026010000000100", "6A82"),
            ("00A40000", "9000"),
            ("00A4000C023F00", "6A82"),
            ("00A4020C022F10", "6A82"),
            ("00A4020C020006", "9000"),
            ("00A4020C020007", "6A82"),
            ("00B0000004", "4A504B499000"),
            ("00A4020C0100", "6700"),
            ("00A4040D0AD392F000260100000001", "6A86"),
            ("00A4080C020006", "6A86"),
            (SELECT_ISD, "9000"),
            ("00B0000004", "6986"),
        ],
    );
}

#[test]
fn file_control_information_comes_when_asked_for_with_room() {
    transcript(
        &mut card(today()),
        &[
            ("00A404000AD392F00026010000000100", "6F0C840AD392F0002601000000019000"),
            ("00A404000AD392F000260100000001", "9000"),
            ("00A4040C0AD392F00026010000000100", "9000"),
            ("00A4020002000600", "6F04830200069000"),
            ("00A40200020006", "9000"),
            ("00B0000004", "4A504B499000"),
        ],
    );
}

#[test]
fn reading_stops_at_the_end_of_the_file() {
    let mut card = jpki(today());
    transcript(
        &mut card,
        &[
            ("00A4020C020008", "9000"),
            ("00B0000000", "8F8F009000"),
            ("00B0000200", "009000"),
            ("00B0000300", "6B00"),
            ("00B0FFFF00", "6A86"),
            ("00B07FFF00", "6B00"),
            ("00B00000", "6700"),
            ("00B000000100", "6700"),
            ("00B088010000", "6700"),
            ("00B0880100", "8F009000"),
            ("00B088000000 00", "8F8F009000"),
            ("00B0880300", "6B00"),
            ("00B0870000", "6A82"),
            ("00B0850000", "6982"),
            ("00B0800000", "6A86"),
            ("00B0970000", "6981"),
            ("00B0810000", "6982"),
        ],
    );
    transcript(&mut card, &[("00B0860000", &say(&mut jpki(today()), "00B0860000"))]);
    assert_eq!(say(&mut card, "00B000001F").len(), 2 * 0x1F + 4, "a short identifier made 0006 current");
}

#[test]
fn certificate_files_hold_the_certificate_and_filler() {
    let mut card = jpki(today());
    let certificates = authority::certificates();
    transcript(&mut card, &[("00A4020C02000A", "9000")]);
    let content = read_current(&mut card);
    assert_eq!(content.len(), 1_900);
    let (certificate, filler) = content.split_at(card.authentication_certificate().len());
    assert_eq!(certificate, card.authentication_certificate());
    assert!(filler.iter().all(|byte| *byte == 0));
    for (select, authority) in [("00A4020C02000B", &certificates[0]), ("00A4020C020002", &certificates[2])] {
        transcript(&mut card, &[(select, "9000")]);
        let content = read_current(&mut card);
        assert_eq!((content.len(), content.starts_with(authority)), (1_900, true));
    }
    transcript(&mut card, &[("00A4020C020001", "9000"), ("00B0000000", "6982"), ("0020009B06414243313233", "9000")]);
    let answer = card.process(&hex("00B08100000000"));
    assert_eq!(answer.len(), 1_902);
    assert!(answer.starts_with(card.signature_certificate().expect("a signature certificate")));
}

#[test]
fn a_phone_shows_its_certificate_after_the_pin_only() {
    transcript(
        &mut jpki(Config::new(Profile::Phone, 1)),
        &[
            ("00B086000F", "4A504B494150475053 45544F4B454E9000".replace(' ', "").as_str()),
            ("00A4020C02000A", "9000"),
            ("00B0000004", "6982"),
            ("00B08B0002", "30829000"),
            ("00A4020C020018", "9000"),
            (VERIFY_1234, "9000"),
            ("00B08A0002", "30829000"),
        ],
    );
}

#[test]
fn the_old_card_shows_its_label_and_nothing_else() {
    let mut card = jpki(Config::new(Profile::Old, 1));
    transcript(&mut card, &[("00A4020C020006", "9000"), ("00B000000F", "4A504B494150494343544F4B454E209000")]);
    for id in ["0001", "0002", "0008", "000A", "000B", "0017", "0018", "001A", "001B"] {
        transcript(&mut card, &[(&format!("00A4020C02{id}"), "6A82")]);
    }
}

#[test]
fn a_card_without_jpki_says_so() {
    transcript(&mut card(Config::new(Profile::NotJpki, 1)), &[(SELECT_JPKI, "6A82"), (SELECT_ISD, "9000")]);
}

#[test]
fn unknown_commands_change_nothing() {
    transcript(
        &mut jpki(today()),
        &[
            ("00A4020C020008", "9000"),
            ("00CA004200", "6A88"),
            ("00CB3FFF00", "6D00"),
            ("002C0080", "6D00"),
            ("00C0000010", "6D00"),
            ("002A9E9A0100", "6D00"),
            ("80CA9F7F00", "6D00"),
            ("8020008004 31323334", "6D00"),
            ("0184000008", "6881"),
            ("8184000008", "6881"),
            ("8384000008", "6881"),
            ("0C84000008", "6882"),
            ("0884000008", "6882"),
            ("B0A4000000", "6E00"),
            ("FFCA000000", "6E00"),
            ("00A40400FF", "6A82"),
            ("00", "6700"),
            ("00A404", "6700"),
            ("00A4040C0AD392", "6700"),
            ("00B0000000", "8F8F009000"),
        ],
    );
}

#[test]
fn challenges_are_random_and_at_most_256_bytes() {
    let mut card = card(today());
    let answers = [card.process(&hex("0084000008")), card.process(&hex("0084000008"))];
    assert!(answers.iter().all(|answer| answer.len() == 10 && answer.ends_with(&[0x90, 0x00])));
    assert_ne!(answers[0], answers[1]);
    assert_eq!(card.process(&hex("0084000000")).len(), 258);
    transcript(&mut card, &[("00840000000101", "6985"), ("00840000", "6700"), ("0084010008", "6A86")]);
}
