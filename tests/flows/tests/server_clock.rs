//! The server's time: metadata out of a cache, servers and devices whose clocks differ, and dates that are none.

use std::sync::Arc;

use kazasu::fhir::SuspensionReason;
use kazasu::qualify::{Access, RecordKind, SavedAccess, Suspension};
use kazasu::time::{Clock, SystemClock};
use kazasu_card_sim::Profile;
use kazasu_flows::{Stage, card, code, key};

/// A person who tapped a minute ago: the means of every call without a card, and the key.
fn registered(stage: &Stage) -> (SavedAccess, Arc<dyn kazasu::jose::dpop::DeviceKey>) {
    let hers = key();
    let saved = stage.access(1, &hers).expect("qualifies").take_unsaved().expect("a key").expect("tokens");
    (saved, hers)
}

/// How often the server was asked for a token so far.
fn token_requests(stage: &Stage) -> u64 {
    stage.sandbox.counters().by_route.get("POST /token").copied().unwrap_or_default()
}

/// Everything that needs no card: tokens renewed, records, log-out, and the stop of a lost card.
fn do_without_a_card(stage: &Stage, case: &str) {
    let (saved, hers) = registered(stage);
    let resume = || Access::resume(Arc::clone(&stage.client), Arc::clone(&hers), &saved);
    let mut access = resume().expect("metadata");
    access.refresh().unwrap_or_else(|error| panic!("{case}: refresh: {error}"));
    assert!(!access.records(RecordKind::Immunization, None).expect("records").records.is_empty(), "{case}");
    assert!(access.confirmed_time().is_some(), "{case}");
    let mut suspension =
        Suspension::prepare(&saved, SuspensionReason::Lost, None, SystemClock.now()).expect("prepared");
    let stopped = suspension.send(Arc::clone(&stage.client), Arc::clone(&hers));
    assert!(stopped.unwrap_or_else(|error| panic!("{case}: stop: {error}")).is_confirmed, "{case}");
    stage.sandbox.resume(1);
}

#[test]
fn metadata_from_a_cache_cost_nothing() {
    for switch in ["discovery-cached", "discovery-aged", "discovery-cached=86400", "discovery-aged=86400"] {
        let stage = Stage::with_every_scope(&[switch]);
        let (saved, hers) = registered(&stage);
        let before = token_requests(&stage);
        let mut access = Access::resume(Arc::clone(&stage.client), hers, &saved).expect("metadata");
        assert_eq!(access.confirmed_time(), None, "{switch}: a cache confirms nothing");
        access.refresh().expect("renewed");
        assert_eq!(token_requests(&stage) - before, 1, "{switch}: at the first try");
        do_without_a_card(&stage, switch);
    }
}

#[test]
fn a_wrong_device_clock_costs_one_refusal_where_a_cache_hides_the_time() {
    for switch in ["discovery-cached", "discovery-aged", "levels=L0+L1+L2+L3"] {
        for offset_s in [-7_200, 7_200] {
            let stage = Stage::with_every_scope(&[switch]);
            // The device's clock is off; the server's is right.
            stage.clock.advance(-offset_s * 1000);
            let case = format!("{switch}, server {offset_s} s ahead");
            let (saved, hers) = registered(&stage);
            let before = token_requests(&stage);
            let mut access = Access::resume(Arc::clone(&stage.client), hers, &saved).expect("metadata");
            access.refresh().unwrap_or_else(|error| panic!("{case}: {error}"));
            let spent = token_requests(&stage) - before;
            assert!(spent <= 2, "{case}: {spent}");
            println!("{case}: {spent} token requests");
            let truth = SystemClock.now();
            assert!(access.server_time().ms_since(truth).abs() < 5_000, "{case}");
            assert!(access.confirmed_time().expect("confirmed").ms_since(truth).abs() < 5_000, "{case}");
            do_without_a_card(&stage, &case);
        }
    }
}

#[test]
fn a_clock_that_changes_under_an_open_access_is_learnt_from_the_refusal() {
    let stage = Stage::with_every_scope(&[]);
    let (saved, hers) = registered(&stage);
    let mut access = Access::resume(Arc::clone(&stage.client), hers, &saved).expect("metadata");
    access.refresh().expect("renewed");
    // The person sets the clock: back, so that the FHIR server refuses first; then ahead, so that the token has ended.
    for minutes in [-45, 90] {
        stage.clock.advance(minutes * 60_000);
        let found = access.records(RecordKind::Immunization, None);
        assert!(!found.unwrap_or_else(|error| panic!("{minutes} min: {error}")).records.is_empty());
    }
}

#[test]
fn dates_that_are_none_change_nothing() {
    for date in ["", "=Fri, 31 Dec 9999 23:59:59 GMT", "=soon", "=-1", "=Thu, 20 Nov 1986 00:00:00 GMT"] {
        let stage = Stage::with_every_scope(&[&format!("wrong-date{date}")]);
        let qualified = stage.qualify(&card(Profile::Today, 1), 1).unwrap_or_else(|error| panic!("{date}: {error}"));
        assert_eq!(qualified.warnings, [], "{date}");
        let (saved, hers) = registered(&stage);
        let mut access = Access::resume(Arc::clone(&stage.client), hers, &saved).expect("metadata");
        access.refresh().expect("renewed");
        assert_eq!(access.confirmed_time(), None, "{date}");
        assert!(access.server_time().ms_since(SystemClock.now()).abs() < 5_000, "{date}");
    }
}

/// An hour off, from the server itself: believed, found out by the next refusal, and forgotten.
#[test]
fn one_bad_date_does_not_spoil_the_rest() {
    let wrong = httpdate::fmt_http_date(std::time::SystemTime::now() - std::time::Duration::from_secs(3_600));
    let stage = Stage::with_every_scope(&[]);
    let (saved, hers) = registered(&stage);
    let mut access = Access::resume(Arc::clone(&stage.client), hers, &saved).expect("metadata");
    for times in 1..=3 {
        stage.arm(&format!("wrong-date:1={wrong}"));
        access.refresh().expect("renewed, with a wrong date");
        let found = access.records(RecordKind::Immunization, None);
        assert!(!found.unwrap_or_else(|error| panic!("{times}: {error}")).records.is_empty());
        assert!(access.server_time().ms_since(SystemClock.now()).abs() < 5_000, "{times}");
    }
}

/// A date would make an expired certificate valid, if it had a say in that.
#[test]
fn no_date_makes_an_expired_certificate_good() {
    let then = httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_768_435_200));
    let stage = Stage::with_every_scope(&[]);
    let (saved, hers) = registered(&stage);
    stage.arm(&format!("wrong-date={then}"));
    stage.arm("tls-expired");
    let refused = Access::resume(Arc::clone(&stage.client), hers, &saved);
    assert_eq!(code(refused), Some("KZ-T03"));
}

/// The card's signature over its times cannot be made again without the card; the next tap has the right ones.
#[test]
fn after_a_tap_with_wrong_times_the_next_one_has_them_right() {
    let wrong = httpdate::fmt_http_date(std::time::SystemTime::now() - std::time::Duration::from_secs(3_600));
    let stage = Stage::with_switches(&["discovery-cached"]);
    let chip = card(Profile::Today, 1);
    stage.arm(&format!("wrong-date:2={wrong}"));
    let mut signed = stage.sign(&chip, 1).expect("metadata and nonce an hour off, and signed so");
    assert_eq!(code(signed.finish()), Some("KZ-A04"));
    stage.qualify(&chip, 1).expect("the next tap works");
    assert_eq!(chip.lock().expect("card").counters().verify_with_data, 2, "no PIN was sent in between");
}
