//! Any bytes get an answer.

use crate::{SELECT_JPKI, hex, text_input::SELECT_TEXT, today};
use kazasu_card_sim::{Card, Config, Pin, Profile};
use proptest::prelude::*;

fn command() -> impl Strategy<Value = Vec<u8>> {
    let likely = prop::sample::select(vec![
        0x20u8, 0x24, 0x2A, 0x32, 0x84, 0x88, 0xA2, 0xA4, 0xAE, 0xB0, 0xB2, 0xC0, 0xCA, 0xFC, 0x00,
    ]);
    let header = (prop::sample::select(vec![0x00u8, 0x80, 0x0C, 0xFF]), likely, any::<u8>(), any::<u8>());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        (header, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|((cla, ins, p1, p2), mut body)| {
            if let [length, rest @ ..] = body.as_mut_slice() {
                *length = rest.len() as u8;
            }
            [vec![cla, ins, p1, p2], body].concat()
        }),
        prop::sample::select(vec![SELECT_JPKI, SELECT_TEXT, "00A4020C020018", "00A4020C020011", "002000800431323334"])
            .prop_map(hex),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_command_panics_or_stays_without_answer(
        commands in prop::collection::vec(command(), 1..60),
        profile in prop::sample::select(Profile::ALL.to_vec()),
        procedure_bytes: bool,
        first_command_6f00: bool,
    ) {
        let config = Config { profile, procedure_bytes, first_command_6f00, ..today() };
        let mut card = Card::new(config).expect("a card");
        for command in commands {
            let before = Pin::ALL.map(|pin| card.attempts_left(pin));
            let answer = card.process(&command);
            prop_assert!(answer.len() >= 2);
            let sw = u16::from_be_bytes([answer[answer.len() - 2], answer[answer.len() - 1]]);
            prop_assert!(answer.len() == 2 || sw == 0x9000 || sw >> 8 == 0x61, "{sw:04X}");
            let after = Pin::ALL.map(|pin| card.attempts_left(pin));
            prop_assert!(after == before || command.get(1) == Some(&0x20));
        }
    }
}
