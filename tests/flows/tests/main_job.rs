//! The main job, for every generation of cards and every row of the eligibility table.

use std::time::Duration;

use kazasu::fhir::{InvalidReason, Qualification};
use kazasu::iso7816::TracedTransport;
use kazasu::session::{self, Member, TapStep};
use kazasu_card_sim::{Config, Profile, SimTransport};
use kazasu_flows::{Stage, card, card_of, member, pin_of, tap};

/// The person whose answer takes its time.
const PENDING: u8 = 7;

#[test]
fn every_generation_qualifies_over_one_connection() {
    for profile in [Profile::Today, Profile::NextP256, Profile::NextP384, Profile::Phone] {
        let stage = Stage::new();
        let qualified = stage.qualify(&card(profile, 1), 1).expect("qualifies");
        let insurance = qualified.eligibility.primary().expect("an insurance");
        assert_eq!(qualified.eligibility.qualification(), Qualification::Valid, "{profile}");
        assert_eq!(insurance.copay_percent(), Some(30));
        let limit = insurance.limit_category().expect("consent was given");
        assert_eq!((limit.code, limit.display), ("A03", Some("区分ウ")));
        assert!(qualified.test_card, "{profile}: a simulated card says so");
        assert!(qualified.warnings.is_empty(), "{profile}: {:?}", qualified.warnings);
        let counters = stage.sandbox.counters();
        assert_eq!((counters.assertions_accepted, counters.connections), (1, 1), "{profile}");
    }
}

#[test]
fn every_person_gets_the_row_of_the_table() {
    let stage = Stage::new();
    let rows = [
        (1, Qualification::Valid, None),
        (2, Qualification::Invalid(InvalidReason::Lost), Some("KZ-Q04")),
        (3, Qualification::Invalid(InvalidReason::Replaced), Some("KZ-Q05")),
        (4, Qualification::NotFound, Some("KZ-Q02")),
        (5, Qualification::Multiple, Some("KZ-Q03")),
        (6, Qualification::Unregistered, None),
        (7, Qualification::Pending, None),
        (9, Qualification::Valid, None),
        (10, Qualification::Valid, None),
    ];
    for (person, expected, code) in rows {
        let answer = stage.qualify(&card(Profile::Today, person), person).expect("an answer").eligibility;
        assert_eq!(answer.qualification(), expected, "person {person}");
        assert_eq!(answer.qualification().code(), code, "person {person}");
    }
    let failed = stage.qualify(&card(Profile::Today, 8), 8).expect_err("the upstream fails");
    assert_eq!(failed.code(), "KZ-Q01", "a failed look-up is no answer");
}

#[test]
fn a_replaced_insurance_shows_the_new_one_first() {
    let stage = Stage::new();
    let answer = stage.qualify(&card(Profile::Today, 3), 3).expect("an answer").eligibility;
    let insurances = answer.insurances();
    assert_eq!(insurances.len(), 2);
    let primary = answer.primary().and_then(|insurance| insurance.coverage()).expect("a coverage");
    assert!(answer.primary().is_some_and(|insurance| insurance.is_valid()));
    assert_ne!(primary.insurer_number(), insurances[0].coverage().expect("a coverage").insurer_number());
}

#[test]
fn the_tap_takes_five_exchanges_and_no_network() {
    let stage = Stage::new();
    let awaiting = stage.begin().expect("begins");
    let requests = stage.sandbox.counters().requests;
    let mut instructions = Vec::new();
    let mut steps = Vec::new();
    let mut transport = TracedTransport::new(SimTransport::tap(card(Profile::Today, 1)), |exchange| {
        instructions.push(exchange.ins);
    });
    let signed = awaiting.tap(&mut transport, pin_of(1), Default::default(), &mut |step| steps.push(step));
    let mut signed = signed.map_err(|failed| failed.error).expect("signs");
    drop(transport);
    assert_eq!(instructions, [0xA4, 0xB0, 0x20, 0x20, 0x2A], "SELECT, READ, tries left, VERIFY, sign");
    use TapStep::{CardFound, CertificateChecked, PinVerified, Signed};
    assert_eq!(steps, [CardFound, CertificateChecked, PinVerified, Signed]);
    assert_eq!(stage.sandbox.counters().requests, requests, "no request while the card is there");
    signed.finish().expect("an answer");
    assert_eq!(stage.sandbox.counters().requests, requests + 2, "two round trips after the tap");
}

#[test]
fn a_registered_card_is_compared_before_any_pin() {
    let stage = Stage::new();
    let mine = card(Profile::Today, 1);
    let registered = stage.sign(&mine, 1).expect("signs").certificate().der().to_vec();
    let member = || Member { certificate: Some(registered.clone()), ..member() };
    let begin = || session::begin(stage.client.clone(), member()).expect("begins");

    let mut exchanges = 0;
    let mut transport = TracedTransport::new(SimTransport::tap(mine.clone()), |_| exchanges += 1);
    let mut signed = tap(begin(), &mut transport, pin_of(1)).expect("the same card");
    drop(transport);
    assert_eq!(exchanges, 5);
    assert_eq!(signed.finish().expect("an answer").eligibility.qualification(), Qualification::Valid);

    let other = card(Profile::Today, 2);
    let error = tap(begin(), &mut SimTransport::tap(other.clone()), pin_of(1)).err().expect("another card");
    assert_eq!(error.code(), "KZ-C12");
    let other = other.lock().expect("card");
    assert_eq!((other.counters().exchanges, other.counters().verify_with_data), (2, 0), "one exchange after SELECT");
}

#[test]
fn cards_without_short_identifiers_or_extended_lengths_qualify_too() {
    // (short EF identifiers, extended lengths, exchanges at the first tap, exchanges at the next): two more at most, once.
    for (sfi, extended, first, next) in [(true, false, 12, 11), (false, true, 9, 8), (false, false, 16, 14)] {
        let stage = Stage::new();
        let config = Config { sfi, extended, ..Config::new(Profile::Today, 1) };
        let chip = card_of(config);
        let mut member = member();
        for expected in [first, next] {
            let awaiting = session::begin(stage.client.clone(), member.clone()).expect("begins");
            let mut exchanges = 0;
            let limits = kazasu::iso7816::TransportLimits::EXTENDED;
            let link = SimTransport::tap(chip.clone()).with_limits(limits);
            let mut transport = TracedTransport::new(link, |_| exchanges += 1);
            let mut signed = tap(awaiting, &mut transport, pin_of(1)).expect("signs");
            drop(transport);
            assert!(signed.finish().is_ok());
            member.capabilities = signed.capabilities();
            println!("sfi {sfi}, extended {extended}: {exchanges} exchanges");
            assert!(exchanges <= expected, "sfi {sfi}, extended {extended}: {exchanges} > {expected}");
        }
        assert_eq!(chip.lock().expect("card").counters().verify_with_data, 2, "one VERIFY a tap");
    }
}

#[test]
fn an_answer_that_takes_its_time_is_waited_for() {
    let stage = Stage::new();
    let chip = card(Profile::Today, PENDING);
    let mut signed = stage.sign(&chip, PENDING).expect("signs");
    let pending = signed.finish().expect("an answer");
    assert_eq!(pending.eligibility.qualification(), Qualification::Pending);
    let answered = signed.await_answer(&pending).expect("an answer");
    assert_ne!(answered.eligibility.qualification(), Qualification::Pending);
    assert_eq!(stage.clock.slept(), [2, 4].map(Duration::from_secs), "the sandbox has it at the second look");
    let again = signed.await_answer(&answered).expect("the same");
    assert_eq!(again.eligibility.as_json(), answered.eligibility.as_json());

    stage.arm("poll-pending");
    let mut signed = stage.sign(&chip, PENDING).expect("signs");
    let pending = signed.finish().expect("an answer");
    let still = signed.await_answer(&pending).expect("no answer yet");
    assert_eq!(still.eligibility.qualification(), Qualification::Pending);
    assert_eq!(stage.clock.slept().iter().skip(2).sum::<Duration>(), Duration::from_secs(60));
}
