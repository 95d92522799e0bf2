//! The transport and the faults on it.

use crate::{SELECT_JPKI, hex, today};
use kazasu::iso7816::{CardTransport, TransportError, TransportLimits};
use kazasu_card_sim::{Card, Config, Fault, FaultAt, Pin, SimTransport, When};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

fn shared(config: Config) -> Arc<Mutex<Card>> {
    Arc::new(Mutex::new(Card::new(config).expect("a card")))
}

fn tap(card: &Arc<Mutex<Card>>, faults: &[(When, Fault)]) -> SimTransport {
    faults.iter().fold(SimTransport::tap(Arc::clone(card)), |transport, &(when, fault)| {
        transport.with_fault(FaultAt { when, fault })
    })
}

const VERIFY_WRONG: &str = "00200098 0430303030";

#[test]
fn a_tap_powers_the_card_and_the_end_of_it_takes_the_power() {
    let card = shared(today());
    let mut transport = tap(&card, &[]);
    assert_eq!(transport.limits(), TransportLimits::EXTENDED);
    assert_eq!(transport.transceive(&hex(SELECT_JPKI)), Ok(hex("9000")));
    drop(transport);
    let mut transport = tap(&card, &[]);
    assert_eq!(transport.transceive(&hex("00200098")), Ok(hex("6986")), "nothing is selected after a new tap");
    assert_eq!(tap(&shared(Config { extended: false, ..today() }), &[]).limits(), TransportLimits::SHORT);
}

#[test]
fn a_card_lost_before_the_command_has_not_executed_it() {
    let card = shared(today());
    let mut transport = tap(&card, &[(When::Ins(0x20), Fault::Drop)]);
    assert_eq!(transport.transceive(&hex(SELECT_JPKI)), Ok(hex("9000")));
    assert_eq!(transport.transceive(&hex(VERIFY_WRONG)), Err(TransportError::TagLost));
    assert_eq!(transport.transceive(&hex(SELECT_JPKI)), Err(TransportError::TagLost), "lost until tapped again");
    let mut again = tap(&card, &[]);
    drop(transport);
    assert_eq!(again.transceive(&hex(SELECT_JPKI)), Ok(hex("9000")));
    assert_eq!(again.transceive(&hex("00200098")), Ok(hex("63C3")), "the old link no longer touches the card");
}

#[test]
fn a_card_lost_after_the_command_has_counted_the_try_and_forgotten_the_pin() {
    let card = shared(today());
    let mut transport = tap(&card, &[(When::Exchange(1), Fault::DropAfter)]);
    assert_eq!(transport.transceive(&hex(SELECT_JPKI)), Ok(hex("9000")));
    assert_eq!(transport.transceive(&hex(VERIFY_WRONG)), Err(TransportError::TagLost));
    let card = card.lock().expect("not poisoned");
    assert_eq!(card.attempts_left(Pin::UserAuthentication), 2);
    assert_eq!((card.counters().exchanges, card.counters().verify_with_data), (2, 1));
}

#[test]
fn answers_can_be_replaced_cut_and_bent() {
    let card = shared(today());
    let faults = [
        (When::Exchange(0), Fault::StatusWord(0x6F00)),
        (When::Exchange(2), Fault::Truncate(1)),
        (When::Exchange(3), Fault::FlipBit(0)),
        (When::Exchange(4), Fault::FlipBit(40 + 39)),
        (When::Exchange(5), Fault::Truncate(0)),
        (When::Ins(0x84), Fault::Delay(30)),
    ];
    let mut transport = tap(&card, &faults);
    let mut say = |command: &str| transport.transceive(&hex(command)).expect("an answer");
    assert_eq!(say(SELECT_JPKI), hex("6F00"));
    assert_eq!(say(SELECT_JPKI), hex("9000"));
    assert_eq!(say("00B0880003"), hex("8F"));
    assert_eq!(say("00B0880003"), hex("0F8F009000"));
    assert_eq!(say("00B0880003"), hex("8F8F009001"), "counted around the end");
    assert_eq!(say("00B0880003"), hex(""));
    let started = Instant::now();
    assert_eq!(say("0084000001").len(), 3);
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert_eq!(say("00B0880003"), hex("8F8F009000"), "every fault happens once");
    assert_eq!(card.lock().expect("not poisoned").counters().ins(0xA4), 1, "the first SELECT never reached the card");
}

#[test]
fn an_answer_can_be_replaced_after_the_command_was_executed() {
    let card = shared(today());
    let mut transport = tap(&card, &[(When::Ins(0x20), Fault::StatusWordAfter(0x6581))]);
    assert_eq!(transport.transceive(&hex(SELECT_JPKI)), Ok(hex("9000")));
    assert_eq!(transport.transceive(&hex(VERIFY_WRONG)), Ok(hex("6581")));
    assert_eq!(transport.transceive(&hex("00200098")), Ok(hex("63C2")), "the try was counted");
}

#[test]
fn a_fault_can_stay() {
    let card = shared(today());
    let faults = [(When::EveryIns(0xB0), Fault::StatusWord(0x6C03)), (When::Always, Fault::Delay(1))];
    let mut transport = tap(&card, &faults);
    assert_eq!(transport.transceive(&hex(SELECT_JPKI)), Ok(hex("9000")));
    for _ in 0..3 {
        assert_eq!(transport.transceive(&hex("00B0880003")), Ok(hex("6C03")));
    }
    assert_eq!(transport.transceive(&hex("00200098")), Ok(hex("63C3")));
    assert_eq!(card.lock().expect("not poisoned").counters().ins(0xB0), 0);
}

#[test]
fn a_transport_can_move_to_another_thread() {
    let mut transport = tap(&shared(today()), &[]);
    let answer = std::thread::spawn(move || transport.transceive(&hex(SELECT_JPKI))).join().expect("no panic");
    assert_eq!(answer, Ok(hex("9000")));
}

#[test]
fn an_old_link_does_not_touch_a_card_that_was_tapped_again() {
    let card = shared(today());
    let mut old = tap(&card, &[]);
    let mut new = tap(&card, &[]);
    assert_eq!(new.transceive(&hex(SELECT_JPKI)), Ok(hex("9000")));
    assert_eq!(old.transceive(&hex(SELECT_JPKI)), Err(TransportError::TagLost));
    drop(old);
    assert_eq!(new.transceive(&hex("00200098")), Ok(hex("63C3")), "still selected");
}

#[test]
fn a_card_or_its_reader_can_refuse_a_form_of_command() {
    let card = shared(today());
    let faults =
        [(When::EveryExtended, Fault::StatusWord(0x6F00)), (When::EveryShortEf(Some(0x20)), Fault::StatusWord(0x6D00))];
    let mut transport = tap(&card, &faults);
    let mut say = |command: &str| transport.transceive(&hex(command)).expect("an answer");
    assert_eq!(say(SELECT_JPKI), hex("9000"));
    for _ in 0..2 {
        assert_eq!(say("00B08800000003"), hex("6F00"));
        assert_eq!(say("00200098"), hex("6D00"));
    }
    assert_eq!(say("00B0880003"), hex("8F8F009000"));
    assert_eq!(say("00A4020C020018"), hex("9000"));
    assert_eq!(say("00200080"), hex("63C3"));
}

#[test]
fn an_answer_can_stay_out_or_come_with_a_warning_and_the_card_stays() {
    let card = shared(today());
    let mut transport =
        tap(&card, &[(When::Exchange(1), Fault::Unanswered), (When::Exchange(2), Fault::StatusWordWithData(0x6282))]);
    assert_eq!(transport.transceive(&hex(SELECT_JPKI)), Ok(hex("9000")));
    assert_eq!(transport.transceive(&hex(VERIFY_WRONG)), Err(TransportError::Timeout));
    assert_eq!(transport.transceive(&hex("00B0880003")), Ok(hex("8F8F006282")));
    assert_eq!(transport.transceive(&hex("00200098")), Ok(hex("63C3")), "the PIN never arrived");
}
