//! A certificate that a lost link cut off is read on from there, on the same card only.

use kazasu::card::{Card, UnfinishedRead};
use kazasu::iso7816::{CardCapabilities, TracedTransport, TransportLimits};
use kazasu::session;
use kazasu_card_sim::{Config, Fault, FaultAt, Profile, SimTransport, When};
use kazasu_flows::{SharedCard, Stage, card_of, member, pin_of, tap};

fn short_reads(person: u8) -> SharedCard {
    card_of(Config { extended: false, ..Config::new(Profile::Today, person) })
}

/// The card leaves during exchange number `at`.
fn cut_off(chip: &SharedCard, at: u32) -> Option<UnfinishedRead> {
    let fault = FaultAt { when: When::Exchange(at), fault: Fault::Drop };
    let mut link = SimTransport::tap(chip.clone()).with_fault(fault);
    let mut card = Card::new(&mut link, CardCapabilities::default());
    let read = card.select_jpki().and_then(|mut jpki| jpki.authentication_certificate());
    assert_eq!(read.err().map(|error| error.code()), Some("KZ-C01"));
    card.take_unfinished()
}

/// Reads the certificate, with what an earlier tap left; returns it and the number of exchanges.
fn read_on(chip: &SharedCard, unfinished: Option<UnfinishedRead>) -> (Vec<u8>, u32) {
    let mut exchanges = 0;
    let mut link = TracedTransport::new(SimTransport::tap(chip.clone()), |_| exchanges += 1);
    let mut card = Card::new(&mut link, CardCapabilities::default()).resuming(unfinished);
    let read = card.select_jpki().and_then(|mut jpki| jpki.authentication_certificate()).expect("reads");
    assert!(card.take_unfinished().is_none(), "nothing is left of a whole read");
    drop(card);
    drop(link);
    (read.expect("plastic").der().to_vec(), exchanges)
}

#[test]
fn a_cut_off_certificate_is_read_on_from_the_last_byte() {
    let chip = short_reads(1);
    let whole = chip.lock().expect("card").authentication_certificate().to_vec();
    let (_, from_the_start) = read_on(&chip, None);
    for at in 2..from_the_start {
        let unfinished = cut_off(&chip, at).expect("a whole first answer");
        assert_eq!(unfinished.saved(), 256 * (at as usize - 1));
        let (read, exchanges) = read_on(&chip, Some(unfinished));
        assert_eq!(read, whole);
        // SELECT, the head again, and what was missing.
        assert_eq!(exchanges, from_the_start - at + 2, "lost at exchange {at}");
    }
}

#[test]
fn another_card_is_read_from_its_start() {
    let unfinished = cut_off(&short_reads(1), 5);
    let other = short_reads(2);
    let (read, _) = read_on(&other, unfinished);
    assert_eq!(read, other.lock().expect("card").authentication_certificate());
}

#[test]
fn what_is_lost_again_is_kept_again() {
    let chip = short_reads(1);
    let unfinished = cut_off(&chip, 4);
    let fault = FaultAt { when: When::Exchange(1), fault: Fault::Drop };
    let mut link = SimTransport::tap(chip.clone()).with_fault(fault);
    let mut card = Card::new(&mut link, CardCapabilities::default()).resuming(unfinished);
    let read = card.select_jpki().and_then(|mut jpki| jpki.authentication_certificate());
    assert!(read.is_err());
    assert_eq!(card.take_unfinished().map(|unfinished| unfinished.saved()), Some(768));
}

#[test]
fn nothing_is_kept_of_a_certificate_behind_a_pin() {
    let chip = card_of(Config { extended: false, ..Config::new(Profile::Phone, 1) });
    // SELECT, tries left, VERIFY, and the third answer with the certificate.
    let fault = FaultAt { when: When::Exchange(5), fault: Fault::Drop };
    let mut link = SimTransport::tap(chip).with_fault(fault);
    let mut card = Card::new(&mut link, CardCapabilities::default());
    let mut jpki = card.select_jpki().expect("selects");
    jpki.verify_user_authentication(pin_of(1), Default::default()).expect("the right PIN");
    assert_eq!(jpki.authentication_certificate().err().map(|error| error.code()), Some("KZ-C01"));
    assert!(card.take_unfinished().is_none());
}

#[test]
fn a_session_reads_on_at_the_next_tap_and_sends_the_pin_once() {
    let stage = Stage::new();
    let chip = short_reads(1);
    let fault = FaultAt { when: When::Exchange(6), fault: Fault::Drop };
    let mut link = SimTransport::tap(chip.clone()).with_fault(fault);
    let awaiting = stage.begin().expect("begins");
    let failed = awaiting.tap(&mut link, pin_of(1), Default::default(), &mut |_| ()).err().expect("lost");
    drop(link);
    let mut exchanges = 0;
    let mut link = TracedTransport::new(SimTransport::tap(chip.clone()), |_| exchanges += 1);
    let pin = failed.pin.expect("not sent");
    let signed = failed.awaiting.tap(&mut link, pin, Default::default(), &mut |_| ());
    let mut signed = signed.map_err(|failed| failed.error).expect("signs");
    drop(link);
    assert!(signed.finish().is_ok());
    // SELECT, head, the two answers that were missing, tries left, VERIFY, sign.
    assert_eq!(exchanges, 7);
    assert_eq!(chip.lock().expect("card").counters().verify_with_data, 1);
}

#[test]
fn a_registered_card_is_known_again_over_a_link_of_very_short_answers() {
    // Some phones carry 253 bytes.
    let limits = TransportLimits { max_command: 253, max_response: 253 };
    let stage = Stage::new();
    let chip = short_reads(1);
    let registered = stage.sign(&chip, 1).expect("signs").certificate().der().to_vec();
    let member = session::Member { certificate: Some(registered), ..member() };
    let awaiting = session::begin(stage.client.clone(), member).expect("begins");
    let mut link = SimTransport::tap(chip).with_limits(limits);
    assert!(tap(awaiting, &mut link, pin_of(1)).is_ok());
}
