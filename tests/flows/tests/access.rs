//! What a tap leaves behind: tokens that are renewed, saved, taken up again, given up, and never cross members.

use std::sync::Arc;

use kazasu::error::Error;
use kazasu::fhir::StoredCoverage;
use kazasu::jose::dpop::DeviceKey;
use kazasu::qualify::{Access, Feature, RecordKind, SavedAccess};
use kazasu::session::check_new_member;
use kazasu_card_sim::Profile;
use kazasu_flows::{Stage, card, code, key};

const MINUTES_6: u32 = 360;

fn stage() -> Stage {
    Stage::with_every_scope(&[])
}

fn access(stage: &Stage, person: u8, key: &Arc<dyn DeviceKey>) -> Access {
    stage.access(person, key).expect("qualifies")
}

fn expenses(access: &mut Access) -> Result<usize, Error> {
    access.records(RecordKind::Expense, None).map(|found| found.records.len())
}

#[test]
fn a_token_that_is_over_is_renewed_without_a_tap() {
    let stage = stage();
    let mut access = access(&stage, 1, &key());
    for _ in 0..4 {
        // How many they are may change at midnight in Japan.
        assert!(expenses(&mut access).expect("renewed") > 50);
        stage.wait(MINUTES_6);
    }
    let counters = stage.sandbox.counters();
    assert_eq!((counters.assertions_accepted, counters.tokens_issued), (1, 4));
}

#[test]
fn a_token_that_the_server_ends_early_is_renewed_once() {
    let stage = stage();
    let mut access = access(&stage, 1, &key());
    stage.arm("records-token-expired:1");
    expenses(&mut access).expect("renewed");
    stage.arm("records-token-expired");
    assert_eq!(code(expenses(&mut access)), Some("KZ-A10"), "not for ever");
    assert_eq!(stage.sandbox.counters().tokens_issued, 3);
}

#[test]
fn after_a_day_only_a_tap_helps() {
    let stage = stage();
    let mut access = access(&stage, 1, &key());
    stage.wait(25 * 3600);
    let requests = stage.sandbox.counters().requests;
    assert_eq!(code(expenses(&mut access)), Some("KZ-A10"));
    assert_eq!(stage.sandbox.counters().requests, requests, "nothing is sent with a token known to be over");
}

#[test]
fn what_is_saved_is_taken_up_again_with_its_key_only() {
    let stage = stage();
    let (hers, his) = (key(), key());
    let mut first = access(&stage, 1, &hers);
    let saved = first.take_unsaved().expect("a key").expect("new");
    assert!(first.take_unsaved().expect("a key").is_none(), "nothing new");
    stage.wait(MINUTES_6);

    let resume = |key: &Arc<dyn DeviceKey>, saved: &SavedAccess| {
        Access::resume(Arc::clone(&stage.client), Arc::clone(key), saved)
    };
    let mut second = resume(&hers, &saved).expect("hers");
    expenses(&mut second).expect("records");
    assert!(second.take_unsaved().expect("a key").is_some(), "the refresh token has rotated");
    assert_eq!(second.patient(), first.patient());

    let requests = stage.sandbox.counters().requests;
    assert_eq!(code(resume(&his, &saved)), Some("KZ-U01"), "another member's key");
    let elsewhere = self::stage();
    assert_eq!(code(Access::resume(Arc::clone(&elsewhere.client), hers, &saved)), Some("KZ-U01"), "another server");
    for bytes in [&b""[..], b"{}", &saved.as_bytes()[1..], br#"{"format":2}"#] {
        assert_eq!(code(resume(&his, &SavedAccess::from_bytes(bytes.to_vec()))), Some("KZ-U01"));
    }
    assert_eq!(stage.sandbox.counters().requests, requests, "refused before anything is sent");
    assert_eq!(format!("{saved:?}"), "SavedAccess { .. }");
}

#[test]
fn a_rotated_token_used_by_two_ends_both() {
    let stage = stage();
    let hers = key();
    let mut first = access(&stage, 1, &hers);
    let saved = first.take_unsaved().expect("a key").expect("new");
    first.refresh().expect("renewed");
    stage.wait(MINUTES_6);
    // A copy of the tokens, as a thief or a restored backup has them.
    let mut copy = Access::resume(Arc::clone(&stage.client), hers, &saved).expect("reads");
    assert_eq!(code(expenses(&mut copy)), Some("KZ-A10"));
    assert_eq!(code(expenses(&mut first)), Some("KZ-A10"), "the family was revoked");
}

#[test]
fn tokens_of_somebody_else_are_not_taken() {
    let stage = stage();
    let mut access = access(&stage, 1, &key());
    let patient = access.patient().to_owned();
    stage.arm("refresh-other-patient:1");
    assert_eq!(code(access.refresh()), Some("KZ-D08"));
    assert_eq!(access.patient(), patient);
}

#[test]
fn after_log_out_the_tokens_are_worth_nothing() {
    let stage = stage();
    let hers = key();
    let mut access = access(&stage, 1, &hers);
    let stolen = access.take_unsaved().expect("a key").expect("new");
    stage.arm("revoke-503");
    assert_eq!(code(access.revoke()), Some("KZ-T07"));
    stage.sandbox.disarm_all();
    access.revoke().expect("second try");
    assert_eq!(code(expenses(&mut access)), Some("KZ-A10"));
    let mut thief = Access::resume(Arc::clone(&stage.client), hers, &stolen).expect("reads");
    assert_eq!(code(expenses(&mut thief)), Some("KZ-A10"));
}

#[test]
fn a_sixth_member_is_refused_before_anything_is_sent() {
    let stage = stage();
    assert_eq!(code((0..5).try_for_each(check_new_member)), None);
    for registered in [5, 6, u32::MAX] {
        assert_eq!(code(check_new_member(registered)), Some("KZ-D06"), "{registered}");
    }
    assert_eq!(stage.sandbox.counters().connections, 0);
}

/// Signs, and takes a token without a question.
fn authorized(stage: &Stage) -> Access {
    let mut signed = stage.sign(&card(Profile::Today, 1), 1).expect("signs");
    signed.authorize().expect("a token");
    signed.into_access().expect("a token")
}

#[test]
fn what_the_server_does_not_offer_is_not_asked_for() {
    let every = [Feature::Records, Feature::Consents, Feature::Tasks];
    let stage = stage();
    let full = access(&stage, 1, &key());
    assert!(every.into_iter().all(|feature| full.offers(feature)));

    let stage = Stage::with_every_scope(&["levels=L0"]);
    let mut signed = stage.sign(&card(Profile::Today, 1), 1).expect("signs");
    assert_eq!(code(signed.finish()), Some("KZ-U01"), "no eligibility");
    let mut bare = authorized(&stage);
    assert!(!every.into_iter().any(|feature| bare.offers(feature)));
    let requests = stage.sandbox.counters().requests;
    assert_eq!(code(expenses(&mut bare)), Some("KZ-U01"));
    assert_eq!(code(bare.consents()), Some("KZ-U01"));
    assert_eq!(code(bare.registrations()), Some("KZ-U01"));
    assert_eq!(stage.sandbox.counters().requests, requests, "nothing was sent");
}

#[test]
fn stored_coverages_are_read_and_read_again_only_if_they_changed() {
    let stage = Stage::with_every_scope(&["levels=L0"]);
    let mut access = authorized(&stage);
    let coverages = access.unconfirmed_coverages().expect("coverages");
    let first = coverages.first().expect("one");
    assert_eq!(first.insurer_name(), Some("見本健康保険組合"));
    assert!(access.changed_coverage(first).expect("an answer").is_none(), "304");
    let mut older = first.as_json().clone();
    older["meta"]["versionId"] = "0".into();
    let older = StoredCoverage::new(older).expect("a coverage");
    let changed = access.changed_coverage(&older).expect("an answer").expect("another version");
    assert_eq!(changed.as_json(), first.as_json());
}

#[test]
fn what_the_server_says_of_itself_is_read_once_and_must_be_r4() {
    let stage = stage();
    let mut here = access(&stage, 1, &key());
    let requests = stage.sandbox.counters().requests;
    for _ in 0..2 {
        let statement = here.capability_statement().expect("R4");
        assert!(statement.has_submit() && statement.can("create", "Consent"));
    }
    assert_eq!(stage.sandbox.counters().requests, requests + 1);
    stage.arm("metadata-old-version");
    assert_eq!(code(access(&stage, 1, &key()).capability_statement()), Some("KZ-U01"));
}
