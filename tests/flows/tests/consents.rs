//! Consent over TLS: one by one, once however often it is sent, and withdrawn in the version that was read.

use kazasu::fhir::{Consent, ConsentKind, ConsentTerms, ConsentTo};
use kazasu::qualify::Access;
use kazasu::time::CalendarDate;
use kazasu_flows::{Stage, code, key};

const NOTICE: &str = "ZrAgvl6m69odGi5kOC7GnVKRodjR3s4Wbc8nu9J6WXE";
const POLICY: &str = "https://hoken.example/policy/2026-11-01";

fn access(stage: &Stage) -> Access {
    stage.access(1, &key()).expect("qualifies")
}

fn terms(access: &Access, to: ConsentTo<'static>) -> ConsentTerms<'static> {
    let start = CalendarDate::in_japan(access.server_time());
    ConsentTerms { to, start, end: start.years_later(1), notice_sha256: NOTICE, policy: POLICY }
}

/// Gives a consent of this kind.
fn give(access: &mut Access, kind: ConsentKind) -> Consent {
    let terms = terms(access, ConsentTo::Providers(kind));
    let request = access.prepare_consent(&terms).expect("possible terms");
    access.give_consent(&request).expect("given")
}

fn active(access: &mut Access) -> Vec<String> {
    let today = CalendarDate::in_japan(access.server_time());
    let consents = access.consents().expect("consents");
    let active = consents.iter().filter(|consent| consent.is_active_on(today));
    let mut kinds: Vec<String> = active.filter_map(|consent| consent.kind().map(str::to_owned)).collect();
    kinds.sort();
    kinds
}

#[test]
fn consents_are_given_one_by_one_and_withdrawn() {
    let stage = Stage::with_every_scope(&[]);
    let mut access = access(&stage);
    assert_eq!(active(&mut access), [""; 0], "by default nothing is shared");
    let medication = give(&mut access, ConsentKind::Medication);
    assert_eq!((medication.kind(), medication.status()), (Some("medication"), Some("active")));
    assert_eq!(medication.notice_sha256(), Some(NOTICE));
    give(&mut access, ConsentKind::Checkup);
    assert_eq!(active(&mut access), ["checkup", "medication"]);
    let withdrawn = access.withdraw_consent(&medication).expect("withdrawn");
    assert_eq!(withdrawn.status(), Some("inactive"));
    assert_eq!(active(&mut access), ["checkup"]);
}

#[test]
fn every_type_of_consent_is_taken() {
    let stage = Stage::with_every_scope(&[]);
    let mut access = access(&stage);
    for kind in ConsentKind::ALL {
        assert_eq!(give(&mut access, *kind).kind(), Some(kind.code()));
    }
    let share = ConsentTo::Family { related_person: "rp-1", resource_types: &["Coverage", "MedicationDispense"] };
    let request = access.prepare_consent(&terms(&access, share)).expect("possible terms");
    assert_eq!(access.give_consent(&request).expect("given").kind(), Some("family-share"));
    assert_eq!(active(&mut access).len(), ConsentKind::ALL.len() + 1);
}

#[test]
fn a_lost_answer_makes_no_second_consent() {
    let stage = Stage::with_every_scope(&["write-drop:4"]);
    let mut access = access(&stage);
    let terms = terms(&access, ConsentTo::Providers(ConsentKind::Medication));
    let request = access.prepare_consent(&terms).expect("possible terms");
    assert_eq!(code(access.give_consent(&request)), Some("KZ-T01"), "three answers are lost");
    access.give_consent(&request).expect("the fourth and its repetition");
    assert_eq!(stage.sandbox.counters().writes, 1);
    assert_eq!(access.consents().expect("consents").len(), 1);
}

#[test]
fn a_consent_that_changed_meanwhile_is_read_again_before_it_is_withdrawn() {
    let stage = Stage::with_every_scope(&[]);
    let mut here = access(&stage);
    let mut there = access(&stage);
    let seen = give(&mut here, ConsentKind::Medication);
    let id = seen.id().expect("an id").to_owned();
    // On another device it is withdrawn first.
    let same = there.consent(&id).expect("the same person");
    there.withdraw_consent(&same).expect("withdrawn");
    assert_eq!(code(here.withdraw_consent(&seen)), Some("KZ-D03"));
    let now = here.consent(&id).expect("as it stands");
    assert_eq!(now.status(), Some("inactive"), "what the person is asked about anew");
}

#[test]
fn refusals_have_their_codes() {
    for (switch, expected) in
        [("write-503", "KZ-T07"), ("write-outcome=KZ-D02", "KZ-D02"), ("write-malformed", "KZ-D01")]
    {
        let stage = Stage::with_every_scope(&[switch]);
        let mut access = access(&stage);
        let request = access.prepare_consent(&terms(&access, ConsentTo::Providers(ConsentKind::Test))).expect("terms");
        assert_eq!(code(access.give_consent(&request)), Some(expected), "{switch}");
    }
    let stage = Stage::with_every_scope(&[]);
    let mut access = access(&stage);
    let bare = Consent::new(serde_json::json!({"resourceType": "Consent", "id": "../x"})).expect("a consent");
    assert_eq!(code(access.withdraw_consent(&bare)), Some("KZ-U01"), "nothing is sent for what no server stored");
    assert_eq!(code(access.consent("../Patient/1")), Some("KZ-U01"));
}
