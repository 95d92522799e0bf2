//! PINs: sent once, never the last try without permission, never to the wrong card.

use kazasu::Error;
use kazasu::card::{LastAttempt, UserAuthenticationPin};
use kazasu_card_sim::{Config, Pin, Profile, SimTransport};
use kazasu_flows::{SharedCard, Stage, card, card_of, pin, pin_of};

fn try_pin(stage: &Stage, card: &SharedCard, digits: &str, last: LastAttempt) -> Result<(), Error> {
    let awaiting = stage.begin()?;
    let tapped = awaiting.tap(&mut SimTransport::tap(card.clone()), pin(digits), last, &mut |_| ());
    tapped.map(drop).map_err(|failed| failed.error)
}

#[test]
fn a_wrong_pin_costs_one_try_and_says_how_many_are_left() {
    let stage = Stage::new();
    let card = card(Profile::Today, 1);
    let error = try_pin(&stage, &card, "9999", LastAttempt::Refuse).expect_err("wrong");
    assert_eq!((error.code(), error.attempts_left()), ("KZ-C04", Some(2)));
    let card = card.lock().expect("card");
    assert_eq!(card.counters().verify_with_data, 1);
    assert_eq!(card.attempts_left(Pin::UserAuthentication), 2);
}

#[test]
fn the_last_try_is_guarded_until_it_is_permitted() {
    let stage = Stage::new();
    let card = card(Profile::Today, 1);
    card.lock().expect("card").set_attempts(Pin::UserAuthentication, 1);
    let error = try_pin(&stage, &card, "1234", LastAttempt::Refuse).expect_err("guarded");
    assert_eq!(error.code(), "KZ-C09");
    assert_eq!(card.lock().expect("card").counters().verify_with_data, 0, "nothing was sent");
    try_pin(&stage, &card, "1234", LastAttempt::Allow).expect("permitted and right");
    assert_eq!(card.lock().expect("card").attempts_left(Pin::UserAuthentication), 3);
}

#[test]
fn a_permitted_last_try_that_is_wrong_blocks() {
    let stage = Stage::new();
    for blocked_as_6983 in [false, true] {
        let card = card_of(Config { blocked_as_6983, ..Config::new(Profile::Today, 1) });
        card.lock().expect("card").set_attempts(Pin::UserAuthentication, 1);
        let error = try_pin(&stage, &card, "9999", LastAttempt::Allow).expect_err("wrong");
        assert_eq!((error.code(), error.attempts_left()), ("KZ-C05", Some(0)));
        let sent = card.lock().expect("card").counters().verify_with_data;
        let error = try_pin(&stage, &card, "1234", LastAttempt::Allow).expect_err("blocked");
        assert_eq!(error.code(), "KZ-C05");
        assert_eq!(card.lock().expect("card").counters().verify_with_data, sent, "nothing more was sent");
    }
}

#[test]
fn what_is_no_my_number_card_gets_no_pin() {
    let stage = Stage::new();
    for profile in [Profile::NotJpki, Profile::Old] {
        let card = card(profile, 1);
        let error = try_pin(&stage, &card, "1234", LastAttempt::Refuse).expect_err("not a My Number card");
        assert_eq!(error.code(), "KZ-C03", "{profile}");
        assert_eq!(card.lock().expect("card").counters().verify_with_data, 0, "{profile}");
    }
}

#[test]
fn a_pin_of_the_wrong_form_never_becomes_a_pin() {
    assert_eq!(UserAuthenticationPin::parse("１２３４".as_bytes()).err().map(|e| e.code()), Some("KZ-C11"));
}

#[test]
fn a_card_that_fails_its_first_command_is_asked_once_more() {
    let stage = Stage::new();
    let card = card_of(Config { first_command_6f00: true, ..Config::new(Profile::Today, 1) });
    stage.qualify(&card, 1).expect("qualifies");
}

#[test]
fn a_card_that_uses_procedure_bytes_is_understood() {
    let stage = Stage::new();
    let card = card_of(Config { procedure_bytes: true, ..Config::new(Profile::Today, 1) });
    stage.qualify(&card, 1).expect("qualifies");
    assert_eq!(card.lock().expect("card").counters().verify_with_data, 1);
}

#[test]
fn a_card_that_signs_something_else_is_caught() {
    let stage = Stage::new();
    for profile in [Profile::Today, Profile::NextP256, Profile::NextP384] {
        let card = card_of(Config { wrong_signature: true, ..Config::new(profile, 1) });
        let error = stage.qualify(&card, 1).expect_err("wrong signature");
        assert_eq!(error, Error::Card(kazasu::error::CardFault::BadSignature), "{profile}");
        assert_eq!(stage.sandbox.counters().assertions_refused, 0, "nothing left the device");
    }
}

#[test]
fn a_tap_that_failed_can_be_repeated_in_the_same_session() {
    let stage = Stage::new();
    let awaiting = stage.begin().expect("begins");
    let not_a_card = card(Profile::NotJpki, 1);
    let failed = awaiting
        .tap(&mut SimTransport::tap(not_a_card), pin_of(1), LastAttempt::Refuse, &mut |_| ())
        .err()
        .expect("not a My Number card");
    let mine = card(Profile::Today, 1);
    let signed = failed.awaiting.tap(&mut SimTransport::tap(mine), pin_of(1), LastAttempt::Refuse, &mut |_| ());
    signed.map_err(|failed| failed.error).expect("signs").finish().expect("an answer");
    assert_eq!(stage.sandbox.counters().nonces, 1, "one nonce sufficed");
}

/// Where the card lies on a reader, it is looked at before the PIN is typed.
#[test]
fn a_look_tells_what_a_tap_would_refuse_and_sends_no_pin() {
    let stage = Stage::new();
    let look = |awaiting: &mut kazasu::session::AwaitingTap, card: &SharedCard, last| {
        let before = card.lock().expect("card").counters().exchanges;
        let looked = awaiting.look(&mut SimTransport::tap(card.clone()), last);
        let card = card.lock().expect("card");
        assert_eq!(card.counters().verify_with_data, 0);
        (looked.map(|attempts| attempts.attempts_left), card.counters().exchanges - before)
    };
    let mine = card(Profile::Today, 1);
    let mut awaiting = stage.begin().expect("begins");
    assert_eq!(look(&mut awaiting, &mine, LastAttempt::Refuse), (Ok(Some(3)), 2));
    let not_a_card = card(Profile::NotJpki, 1);
    assert_eq!(look(&mut awaiting, &not_a_card, LastAttempt::Refuse).0, Err(Error::NotMyNumberCard));
    let kind = kazasu::error::PinKind::UserAuthentication;
    for (left, last, expected) in [
        (1, LastAttempt::Refuse, Err(Error::LastAttempt { kind })),
        (1, LastAttempt::Allow, Ok(Some(1))),
        (0, LastAttempt::Allow, Err(Error::PinBlocked { kind })),
    ] {
        mine.lock().expect("card").set_attempts(Pin::UserAuthentication, left);
        assert_eq!(look(&mut awaiting, &mine, last).0, expected, "{left} left, {last:?}");
    }
    // A registered member's card is compared too.
    let certificate = mine.lock().expect("card").authentication_certificate().to_vec();
    let member = kazasu::session::Member { certificate: Some(certificate), ..kazasu_flows::member() };
    let client =
        kazasu_flows::client(&kazasu_flows::settings(&stage.sandbox), std::sync::Arc::new(kazasu::time::SystemClock));
    let mut awaiting = kazasu::session::begin(client.expect("a client"), member).expect("begins");
    let other = card(Profile::Today, 2);
    assert_eq!(look(&mut awaiting, &other, LastAttempt::Refuse).0, Err(Error::OtherCard));
    mine.lock().expect("card").set_attempts(Pin::UserAuthentication, 3);
    assert_eq!(look(&mut awaiting, &mine, LastAttempt::Refuse), (Ok(Some(3)), 3));
    awaiting
        .tap(&mut SimTransport::tap(mine), pin_of(1), LastAttempt::Refuse, &mut |_| ())
        .map_err(|f| f.error)
        .expect("signs");
}
