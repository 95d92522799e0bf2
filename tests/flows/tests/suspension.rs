//! 一時利用停止: no card, no network at first, one stop however often it is sent, and nobody else's.

use std::sync::Arc;

use kazasu::fhir::{SuspensionEffect, SuspensionReason};
use kazasu::jose::dpop::DeviceKey;
use kazasu::qualify::{OFFICIAL_LINES, RecordKind, SavedAccess, Suspension};
use kazasu::time::{Clock, SystemClock};
use kazasu_flows::{Stage, code, key};

/// What the app has stored for `person` after a tap.
fn registered(stage: &Stage, person: u8, key: &Arc<dyn DeviceKey>) -> SavedAccess {
    stage.access(person, key).expect("qualifies").take_unsaved().expect("a key").expect("tokens")
}

fn prepare(saved: &SavedAccess) -> Suspension {
    let now = SystemClock.now();
    Suspension::prepare(saved, SuspensionReason::Lost, Some(now), now).expect("prepared")
}

#[test]
fn a_lost_card_is_stopped_without_it_and_after_the_network_came_back() {
    let stage = Stage::with_every_scope(&[]);
    let (hers, his) = (key(), key());
    // The means to stop a card come with the tap and outlive the tokens renewed since.
    let mut access = stage.access(1, &hers).expect("qualifies");
    access.refresh().expect("renewed");
    let saved = access.take_unsaved().expect("a key").expect("tokens");
    let mut other = stage.access(2, &his).expect("qualifies");
    // A month later the card is lost, in a tunnel.
    stage.wait(30 * 86_400);
    let cards = stage.sandbox.counters().assertions_accepted;
    let waiting = prepare(&saved).to_saved();
    drop(saved);

    let mut suspension = Suspension::restore(&waiting).expect("restored");
    let client = Arc::clone(&stage.client);
    let suspended = suspension.send(client, Arc::clone(&hers)).expect("stopped");
    assert!(suspended.is_confirmed);
    assert_eq!(suspended.effect, SuspensionEffect::ProviderAccount);
    assert_eq!(stage.sandbox.counters().assertions_accepted, cards, "no card");
    assert_eq!(code(stage.access(1, &key())), Some("KZ-S01"), "her access is stopped");
    assert_eq!(code(other.refresh()), Some("KZ-A10"), "his has ended by time");
    stage.access(2, &his).expect("his is not stopped");
    assert_eq!(OFFICIAL_LINES[0].number, "0120-95-0178");
}

#[test]
fn a_stop_that_is_not_confirmed_is_asked_about() {
    let stage = Stage::with_every_scope(&["suspension-unconfirmed:1", "task-pending:1"]);
    let hers = key();
    let mut suspension = prepare(&registered(&stage, 1, &hers));
    let send = |suspension: &mut Suspension| suspension.send(Arc::clone(&stage.client), Arc::clone(&hers));
    let first = send(&mut suspension).expect("an answer");
    assert!(!first.is_confirmed && first.task.is_none());
    // The app is closed and opened meanwhile.
    let mut suspension = Suspension::restore(&suspension.to_saved()).expect("restored");
    assert!(!send(&mut suspension).expect("an answer").is_confirmed);
    assert!(send(&mut suspension).expect("an answer").is_confirmed);
    assert_eq!(stage.sandbox.counters().writes, 1);
}

#[test]
fn lost_answers_and_repetition_make_one_stop() {
    let stage = Stage::with_every_scope(&["write-drop:3"]);
    let hers = key();
    let saved = registered(&stage, 1, &hers);
    let mut suspension = prepare(&saved);
    let client = || Arc::clone(&stage.client);
    assert_eq!(code(suspension.send(client(), Arc::clone(&hers))), Some("KZ-T01"));
    assert!(suspension.send(client(), Arc::clone(&hers)).expect("an answer").is_confirmed);
    assert_eq!(stage.sandbox.counters().writes, 1);
    // Killed before the stop was deleted here: it is sent again, and is the same.
    let mut suspension = Suspension::restore(&suspension.to_saved()).expect("restored");
    assert!(suspension.send(client(), Arc::clone(&hers)).expect("an answer").is_confirmed);
    assert_eq!(stage.sandbox.counters().writes, 1);
    suspension.give_up();
    assert_eq!(code(prepare(&saved).send(client(), hers)), Some("KZ-A10"));
}

#[test]
fn the_means_of_a_stop_can_do_nothing_else_and_need_their_key() {
    let stage = Stage::with_every_scope(&[]);
    let (hers, his) = (key(), key());
    let saved = registered(&stage, 1, &hers);
    let mut suspension = prepare(&saved);
    let requests = stage.sandbox.counters().requests;
    assert_eq!(code(suspension.send(Arc::clone(&stage.client), his)), Some("KZ-U01"));
    let elsewhere = Stage::with_every_scope(&[]);
    assert_eq!(code(suspension.send(Arc::clone(&elsewhere.client), Arc::clone(&hers))), Some("KZ-U01"));
    assert_eq!(stage.sandbox.counters().requests, requests, "refused before anything is sent");
    // After log-out the stop is still possible, and records are not.
    let mut access = stage.access(1, &hers).expect("qualifies");
    access.revoke().expect("logged out");
    let kept = access.take_unsaved().expect("a key").expect("changed");
    assert_eq!(code(access.records(RecordKind::Expense, None)), Some("KZ-A10"));
    assert!(prepare(&kept).send(Arc::clone(&stage.client), hers).expect("an answer").is_confirmed);
}

#[test]
fn what_it_covers_is_told_as_the_server_says() {
    for (switch, name) in
        [("suspension-effect=app-only", "app-only"), ("suspension-effect=jpki-official", "jpki-official")]
    {
        let stage = Stage::with_every_scope(&[switch]);
        let hers = key();
        let mut suspension = prepare(&registered(&stage, 1, &hers));
        let suspended = suspension.send(Arc::clone(&stage.client), hers).expect("an answer");
        assert_eq!(suspended.effect.name(), name);
        if let SuspensionEffect::Official { reference } = suspended.effect {
            assert!(reference.is_some());
        }
    }
}
