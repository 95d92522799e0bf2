//! What a failed tap teaches the next: a link that is lost in an extended length does without, one accident is forgiven, and a
//! habit is remembered.

use kazasu::Error;
use kazasu::card::{Card, LastAttempt};
use kazasu::iso7816::{
    CardCapabilities, CardTransport, ExtendedDoubt, LinkEnd, TracedTransport, TransportError, TransportLimits,
};
use kazasu::session::{self, Member};
use kazasu_card_sim::{Fault, FaultAt, Profile, SimTransport, When};
use kazasu_flows::{SharedCard, Stage, card, figures, member, pin_of, tap};

const LOST: FaultAt = FaultAt { when: When::EveryExtended, fault: Fault::Drop };

/// Taps once for the certificate: exchanges, or `None` where the link was lost; and what is known then.
fn read(chip: &SharedCard, fault: Option<FaultAt>, before: CardCapabilities) -> (Option<u32>, CardCapabilities) {
    let mut exchanges = 0;
    let link = fault.into_iter().fold(SimTransport::tap(chip.clone()), SimTransport::with_fault);
    let mut link = TracedTransport::new(link, |_| exchanges += 1);
    let mut card = Card::new(&mut link, before);
    let read = card.select_jpki().and_then(|mut jpki| jpki.authentication_certificate());
    let known = card.capabilities();
    drop(link);
    match read {
        Ok(certificate) => (certificate.map(|_| exchanges), known),
        Err(error) => {
            assert_eq!(error.code(), "KZ-C01", "{error}");
            (None, known)
        }
    }
}

fn taps(faults: &[Option<FaultAt>], mut known: CardCapabilities) -> (Vec<Option<u32>>, CardCapabilities) {
    let chip = card(Profile::Today, 1);
    let taps = faults.iter().map(|fault| {
        let (exchanges, after) = read(&chip, *fault, known);
        known = after;
        exchanges
    });
    (taps.collect(), known)
}

#[test]
fn one_lost_card_costs_one_slow_tap() {
    let accident = [Some(LOST), None, None, None];
    let proven = CardCapabilities { extended_length: Some(true), ..CardCapabilities::default() };
    for before in [CardCapabilities::default(), proven] {
        let (exchanges, known) = taps(&accident, before);
        figures::row(&format!("certificate, card lost once in an extended length: {exchanges:?} exchanges"));
        assert_eq!(exchanges, [None, Some(8), Some(2), Some(2)]);
        let healthy = CardCapabilities { short_ef: Some(true), extended_length: Some(true), extended_doubt: None };
        assert_eq!(known, healthy, "nothing is left of it");
    }
}

#[test]
fn a_link_that_breaks_each_time_costs_two_taps_ever() {
    let (exchanges, known) = taps(&[Some(LOST); 8], CardCapabilities::default());
    figures::row(&format!("certificate, link lost in every extended length: {exchanges:?} exchanges"));
    assert_eq!(exchanges, [[None, Some(8), None].as_slice(), &[Some(8); 5]].concat());
    assert_eq!((known.extended_length, known.extended_doubt), (Some(false), None));
    // Where extended lengths have worked once, on another phone perhaps, it takes one more.
    let proven = CardCapabilities { extended_length: Some(true), ..CardCapabilities::default() };
    let (exchanges, known) = taps(&[Some(LOST); 10], proven);
    assert_eq!(exchanges.iter().filter(|tap| tap.is_none()).count(), 3);
    assert_eq!(known.extended_length, Some(false));
}

#[test]
fn accidents_with_good_taps_between_them_add_up_to_nothing() {
    let clumsy = [Some(LOST), None, None].repeat(4);
    let (exchanges, known) = taps(&clumsy, CardCapabilities::default());
    assert_eq!(exchanges, [None, Some(8), Some(2)].repeat(4));
    assert_eq!((known.extended_length, known.extended_doubt), (Some(true), None));
}

#[test]
fn a_session_hands_out_what_a_failed_tap_has_shown_and_nothing_of_other_cards() {
    let stage = Stage::new();
    let chip = card(Profile::Today, 1);
    let begin = |member: Member| session::begin(stage.client.clone(), member).expect("begins");
    let mut link = SimTransport::tap(chip.clone()).with_fault(LOST);
    let failed = begin(member()).tap(&mut link, pin_of(1), Default::default(), &mut |_| ()).err().expect("lost");
    assert!(failed.pin.is_some(), "not sent");
    let known = failed.awaiting.capabilities();
    assert_eq!(known.extended_doubt, Some(ExtendedDoubt::Suspended));
    // Another session, days later, over the same link.
    let mut link = SimTransport::tap(chip.clone()).with_fault(LOST);
    let signed = tap(begin(Member { capabilities: known, ..member() }), &mut link, pin_of(1)).expect("signs in short");
    assert_eq!(signed.capabilities().extended_doubt, Some(ExtendedDoubt::OnTrial));
    drop(link);

    let certificate = Some(signed.certificate().der().to_vec());
    let registered = Member { certificate, capabilities: signed.capabilities(), ..member() };
    let mut link = SimTransport::tap(card(Profile::NoSfi, 2));
    let refused = begin(registered).tap(&mut link, pin_of(1), Default::default(), &mut |_| ()).err().expect("another");
    assert_eq!(refused.error.code(), "KZ-C12");
    assert_eq!(refused.awaiting.capabilities(), signed.capabilities());
}

/// A link that answers some commands itself.
struct Odd<F> {
    inner: SimTransport,
    answer: F,
}

impl<F: FnMut(&[u8]) -> Option<Result<Vec<u8>, TransportError>>> CardTransport for Odd<F> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        (self.answer)(command).unwrap_or_else(|| self.inner.transceive(command))
    }

    fn limits(&self) -> TransportLimits {
        self.inner.limits()
    }
}

/// VERIFY that is refused by the short identifier is not sent again in the same tap: the user enters the PIN anew, and then
/// the card gets it in the plain form.
#[test]
fn a_pin_refused_in_one_form_goes_by_the_other_at_the_next_entry() {
    for status in [0x6D00_u16, 0x6A86, 0x6700, 0x6F00, 0x6985] {
        let chip = card(Profile::Today, 1);
        let mut known = CardCapabilities::default();
        let mut sent = 0;
        let mut verify = || {
            let answer = |command: &[u8]| {
                let carries_pin = command[1] == 0x20 && command.len() > 5;
                sent += u32::from(carries_pin);
                (carries_pin && command[3] > 0x80).then(|| Ok(status.to_be_bytes().to_vec()))
            };
            let mut link = Odd { inner: SimTransport::tap(chip.clone()), answer };
            let mut card = Card::new(&mut link, known);
            let verified =
                card.select_jpki().and_then(|mut jpki| jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse));
            known = card.capabilities();
            verified
        };
        assert!(matches!(verify(), Err(Error::VerifyUnanswered { .. })), "{status:04X}");
        assert_eq!(verify(), Ok(()), "{status:04X}");
        assert_eq!(sent, 2, "once for each entry");
    }
}

#[test]
fn a_link_that_the_caller_closes_is_told_as_closed_and_not_held_against_it() {
    for told in [TransportError::Cancelled, TransportError::NotSent { end: LinkEnd::Cancelled }] {
        let mut closed = false;
        let answer = |command: &[u8]| {
            if closed {
                return Some(Err(told.clone()));
            }
            closed = command.len() == 7;
            closed.then(|| Err(TransportError::Failed { detail: "closed".to_owned() }))
        };
        let mut link = Odd { inner: SimTransport::tap(card(Profile::Today, 1)), answer };
        let mut card = Card::new(&mut link, CardCapabilities::default());
        let read = card.select_jpki().and_then(|mut jpki| jpki.authentication_certificate());
        assert_eq!(read.err(), Some(Error::Transport(told.clone())));
        assert_eq!(card.capabilities(), CardCapabilities::default());
    }
}
