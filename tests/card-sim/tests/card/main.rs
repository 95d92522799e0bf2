//! The simulated card from outside: bytes in, bytes out.

mod certificates;
mod common;
mod faults;
mod files;
mod hostile;
mod issuer;
mod pins;
mod profiles;
mod signatures;
mod state;
mod surface;
mod switches;
mod text_input;
mod vpcd;

use kazasu_card_sim::{Card, Config, Profile};
use std::fmt::Write;

/// Bytes from hex digits; spaces are ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hex digit") as u8;
    digits.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// The answer in hex.
fn say(card: &mut Card, command: &str) -> String {
    let answer = card.process(&hex(command));
    answer.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").expect("writing to a string");
        text
    })
}

/// Sends commands and compares the whole answers.
#[track_caller]
fn transcript(card: &mut Card, exchanges: &[(&str, &str)]) {
    for (number, (command, answer)) in exchanges.iter().enumerate() {
        assert_eq!(say(card, command), *answer, "exchange {number}: {command}");
    }
}

fn today() -> Config {
    Config::new(Profile::Today, 1)
}

fn card(config: Config) -> Card {
    let mut card = Card::new(config).expect("a card");
    card.power_on();
    card
}

/// A card with the JPKI application current.
fn jpki(config: Config) -> Card {
    let mut card = card(config);
    transcript(&mut card, &[(SELECT_JPKI, "9000")]);
    card
}

const SELECT_JPKI: &str = "00A4040C0AD392F000260100000001";
const SELECT_ISD: &str = "00A4040C07A0000001510000";
const VERIFY_1234: &str = "002000800431323334";
const DIGEST_INFO_ABC: &str = "3031300D060960864801650304020105000420\
                               BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
