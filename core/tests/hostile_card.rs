//! Cards that lie: every answer is bounded, typed and free of panics.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use kazasu::Error;
use kazasu::card::{
    Card, CvAuthorities, KeyKind, LastAttempt, TextInputPin, UserAuthenticationPin, Verification, VerificationNumberB,
};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::CardFault;
use kazasu::iso7816::{CardCapabilities, CardTransport, TransportError, TransportLimits};
use proptest::prelude::*;

/// A card that answers by a function of the command.
struct Liar<F> {
    answer: F,
    exchanges: usize,
}

impl<F: FnMut(&[u8]) -> Vec<u8>> CardTransport for Liar<F> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.exchanges += 1;
        assert!(self.exchanges < 10_000, "no end in sight");
        Ok((self.answer)(command))
    }

    fn limits(&self) -> TransportLimits {
        TransportLimits::EXTENDED
    }
}

/// Reads the authentication certificate from a card whose READ BINARY is `read`.
fn certificate_from(read: impl FnMut(&[u8]) -> Vec<u8>) -> (Result<(), Error>, usize) {
    let mut read = read;
    let mut card = Liar {
        answer: |command: &[u8]| if command[1] == 0xA4 { vec![0x90, 0x00] } else { read(command) },
        exchanges: 0,
    };
    let result = Card::new(&mut card, CardCapabilities::default())
        .select_jpki()
        .and_then(|mut jpki| jpki.authentication_certificate())
        .map(|_| ());
    (result, card.exchanges)
}

fn ok(mut data: Vec<u8>) -> Vec<u8> {
    data.extend([0x90, 0x00]);
    data
}

#[test]
fn lengths_near_four_gigabytes_are_refused_at_once() {
    for header in [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0x30, 0x82, 0xff, 0xff], &[0x30, 0x82, 0x10, 0x01]] {
        let (result, exchanges) = certificate_from(|_| ok(header.to_vec()));
        assert_eq!(result.expect_err("refused").code(), "KZ-C10", "{header:02X?}");
        assert_eq!(exchanges, 2, "{header:02X?}");
    }
}

#[test]
fn a_card_that_never_stops_handing_out_pieces_is_cut_off() {
    let (result, exchanges) =
        certificate_from(|command| if command[1] == 0xC0 { vec![0xAA, 0x61, 0x10] } else { vec![0x61, 0x10] });
    assert_eq!(result.expect_err("refused").code(), "KZ-C10");
    assert!(exchanges < 2100, "{exchanges}");
    let (result, exchanges) = certificate_from(|_| vec![0x61, 0x10]);
    assert_eq!(result.expect_err("refused").code(), "KZ-C10");
    assert!(exchanges < 10, "{exchanges}");
}

#[test]
fn wrong_length_hints_do_not_loop() {
    let (result, exchanges) = certificate_from(|_| vec![0x6C, 0x10]);
    assert_eq!(result.expect_err("refused").code(), "KZ-C10");
    assert!(exchanges < 10, "{exchanges}");
}

#[test]
fn more_than_was_asked_for_is_refused() {
    let (result, _) = certificate_from(|_| ok(vec![0x30; 4000]));
    assert_eq!(result.expect_err("refused"), CardFault::TooLong.into());
}

#[test]
fn a_file_that_ends_too_early_is_refused() {
    let mut first = true;
    let (result, exchanges) = certificate_from(|_| {
        let answer = if first { vec![0x30, 0x82, 0x06, 0x00] } else { Vec::new() };
        first = false;
        ok(answer)
    });
    assert_eq!(result.expect_err("refused").code(), "KZ-C10");
    assert_eq!(exchanges, 3);
}

/// In whatever form a card says that there is no more: what its own header promised is missing, and nothing is made of the rest.
#[test]
fn a_record_that_ends_before_its_header_says_is_never_taken_for_whole() {
    let endings = [vec![0x90, 0x00], vec![0x6B, 0x00], vec![0x62, 0x82], vec![0x6C, 0x00], vec![0x61, 0x00]];
    for ending in endings {
        for (first, last) in [(200, vec![0x90, 0x00]), (200, vec![0x62, 0x82]), (2, vec![0x90, 0x00])] {
            let mut left = vec![0x30; first];
            left[0] = 0x30;
            left[1..].iter_mut().zip([0x82, 0x06, 0x00]).for_each(|(byte, header)| *byte = header);
            let (result, exchanges) = certificate_from(|_| match std::mem::take(&mut left) {
                bytes if bytes.is_empty() => ending.clone(),
                bytes => [bytes, last.clone()].concat(),
            });
            let told = result.expect_err("refused");
            assert_eq!(told.code(), "KZ-C10", "{first} bytes, {last:02X?}, then {ending:02X?}: {told}");
            assert!(exchanges < 12, "{first} bytes, then {ending:02X?}: {exchanges} exchanges");
        }
    }
}

#[test]
fn one_byte_at_a_time_is_slow_but_ends() {
    let (result, exchanges) = certificate_from(|command| {
        let first = command[2] == 0x8A;
        ok(if first { vec![0x30, 0x82, 0x0F, 0xF0] } else { vec![0x00] })
    });
    assert_eq!(result.expect_err("no certificate").code(), "KZ-C10");
    assert!(exchanges <= 4100, "{exchanges}");
}

#[test]
fn an_answer_without_status_word_is_a_lost_card() {
    for answer in [vec![], vec![0x90]] {
        let (result, _) = certificate_from(|_| answer.clone());
        assert_eq!(result.expect_err("lost").code(), "KZ-C01");
    }
}

/// Without a provider no signature is ever right, which is all the same here.
fn verifier() -> SignatureVerifier {
    #[cfg(feature = "ring")]
    return SignatureVerifier::ring();
    #[cfg(not(feature = "ring"))]
    SignatureVerifier::new(&[])
}

proptest! {
    #[test]
    fn random_answers_end_in_a_typed_error_and_one_verify(
        answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..40),
        friendly in any::<u64>(),
    ) {
        let mut at = 0;
        let mut verifies = 0;
        let mut card = Liar {
            answer: |command: &[u8]| {
                if command[1] == 0x20 && command.len() > 5 {
                    verifies += 1;
                }
                let mut answer = answers[at % answers.len()].clone();
                // Half of the answers look well so that the flow gets further.
                if friendly >> (at % 64) & 1 == 1 {
                    answer.extend(if command[1] == 0x20 && command.len() == 4 { [0x63, 0xC3] } else { [0x90, 0x00] });
                }
                at += 1;
                answer
            },
            exchanges: 0,
        };
        let authorities = CvAuthorities::national();
        let verification = Verification::full(&authorities, verifier());
        let mut opened = Card::new(&mut card, CardCapabilities::default());
        if let Ok(mut jpki) = opened.select_jpki() {
            let _ = jpki.token_info();
            let _ = jpki.certificate_availability();
            let _ = jpki.attempts_left(KeyKind::Signature);
            let _ = jpki.authentication_certificate();
            let pin = UserAuthenticationPin::parse(b"1234").expect("four digits");
            let _ = jpki.verify_user_authentication(pin, LastAttempt::Refuse);
        }
        if let Ok(mut text_input) = opened.select_text_input() {
            let pin = TextInputPin::parse(b"1234").expect("four digits");
            let _ = text_input.attributes_with_proof(pin, LastAttempt::Refuse, verification);
        }
        if let Ok(mut surface) = opened.select_surface() {
            let number = VerificationNumberB::parse(b"02040520350123").expect("fourteen digits");
            let _ = surface.face_with_proof(number, LastAttempt::Refuse, verification);
        }
        let _ = opened.attempts_left();
        let _ = opened.examine(&mut |_| {});
        prop_assert!(verifies <= 3, "one for each entry");
    }
}
