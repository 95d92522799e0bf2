//! The card is pulled away at every exchange, before and after it has worked.

use kazasu::Error;
use kazasu::error::TransportError;
use kazasu_card_sim::{Config, Fault, FaultAt, Pin, Profile, SimTransport, When};
use kazasu_flows::{Stage, card_of, pin_of, tap};

/// Exchanges of a tap that succeeds.
fn exchanges(stage: &Stage, config: &Config) -> u32 {
    let card = card_of(config.clone());
    stage.sign(&card, 1).expect("signs");
    let card = card.lock().expect("card");
    card.counters().exchanges
}

fn configurations() -> Vec<(&'static str, Config)> {
    let today = Config::new(Profile::Today, 1);
    vec![
        ("today", today.clone()),
        ("phone", Config::new(Profile::Phone, 1)),
        ("next-p384", Config::new(Profile::NextP384, 1)),
        ("without short EF identifiers", Config { sfi: false, ..today.clone() }),
        ("without extended lengths", Config { extended: false, ..today.clone() }),
        ("with procedure bytes", Config { procedure_bytes: true, ..today }),
    ]
}

#[test]
fn a_lost_link_is_a_typed_error_and_never_a_second_verify() {
    let stage = Stage::new();
    let mut cases = 0;
    for (name, config) in configurations() {
        for k in 0..exchanges(&stage, &config) {
            for fault in [Fault::Drop, Fault::DropAfter] {
                let card = card_of(config.clone());
                let mut link = SimTransport::tap(card.clone()).with_fault(FaultAt { when: When::Exchange(k), fault });
                let error = tap(stage.begin().expect("begins"), &mut link, &pin_of(1)).err().expect("the link is lost");
                let at = format!("{name}, exchange {k}, {fault:?}");
                assert_eq!(error.code(), "KZ-C01", "{at}");
                let card = card.lock().expect("card");
                let sent = card.counters().verify_with_data;
                assert!(sent <= 1, "{at}: {sent} VERIFY");
                // The PIN was right, so a VERIFY that reached the card restored the tries.
                assert_eq!(card.attempts_left(Pin::UserAuthentication), 3, "{at}");
                let in_verify = matches!(error, Error::VerifyUnanswered { cause: TransportError::TagLost, .. });
                let lost_ins = card.log().last().map(|entry| (entry.0, sent));
                if in_verify && fault == Fault::DropAfter {
                    assert_eq!(lost_ins, Some((0x20, 1)), "{at}");
                }
                cases += 1;
            }
        }
    }
    println!("{cases} lost links, no second VERIFY");
    assert!(cases >= 2 * 5 * 6, "{cases}");
}

#[test]
fn a_lost_answer_to_a_wrong_pin_is_reported_as_a_try_that_may_be_used() {
    let stage = Stage::new();
    let config = Config::new(Profile::Today, 1);
    for (fault, left) in [(Fault::Drop, 3), (Fault::DropAfter, 2)] {
        let card = card_of(config.clone());
        // SELECT, READ, tries left, VERIFY.
        let mut link = SimTransport::tap(card.clone()).with_fault(FaultAt { when: When::Exchange(3), fault });
        let wrong = kazasu_flows::pin("9999");
        let error = tap(stage.begin().expect("begins"), &mut link, &wrong).err().expect("the link is lost");
        assert!(matches!(error, Error::VerifyUnanswered { .. }), "{error:?}");
        assert!(error.to_string().contains("one try may be used"));
        let card = card.lock().expect("card");
        assert_eq!(card.attempts_left(Pin::UserAuthentication), left);
        assert!(card.counters().verify_with_data <= 1);
    }
}

#[test]
fn answers_that_are_cut_flipped_or_refused_are_typed_errors() {
    let stage = Stage::new();
    let config = Config::new(Profile::Today, 1);
    let mut cases = 0;
    for k in 0..exchanges(&stage, &config) {
        let faults = [
            Fault::Truncate(0),
            Fault::Truncate(1),
            Fault::Truncate(2),
            Fault::Truncate(3),
            Fault::StatusWord(0x6F00),
            Fault::StatusWord(0x6982),
            Fault::StatusWord(0x6C10),
            Fault::StatusWord(0x6110),
            Fault::StatusWord(0x9000),
            Fault::FlipBit(9),
            Fault::FlipBit(100),
        ];
        for fault in faults {
            let card = card_of(config.clone());
            let mut link = SimTransport::tap(card.clone()).with_fault(FaultAt { when: When::Exchange(k), fault });
            let result = tap(stage.begin().expect("begins"), &mut link, &pin_of(1));
            let card = card.lock().expect("card");
            let at = format!("exchange {k}, {fault:?}: {:?}", result.as_ref().err());
            assert!(card.counters().verify_with_data <= 1, "{at}");
            if let Err(error) = &result {
                assert!(error.code().starts_with("KZ-C") || error.code() == "KZ-A05", "{at}");
            }
            cases += 1;
        }
    }
    println!("{cases} faulty answers, no second VERIFY, no panic");
}
