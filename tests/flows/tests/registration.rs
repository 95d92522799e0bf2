//! 利用登録 over TLS: asked for once, followed by its receipt.

use kazasu::fhir::RegistrationState;
use kazasu::qualify::{Access, Notice};
use kazasu_flows::{Stage, code, key};

fn access(stage: &Stage) -> Access {
    stage.access(1, &key()).expect("qualifies")
}

fn notice() -> Notice {
    Notice { id: "r-1".to_owned(), text: "健康保険証の利用登録をします。".to_owned() }
}

#[test]
fn a_registration_is_followed_by_its_receipt_until_it_is_done() {
    let stage = Stage::with_every_scope(&[]);
    let mut access = access(&stage);
    let request = access.prepare_registration(&notice()).expect("randomness");
    let task = access.register(&request).expect("accepted");
    assert_eq!(task.registration_state(), RegistrationState::Accepted);
    let receipt = task.receipt().expect("a receipt").to_owned();
    let mut states = Vec::new();
    while states.last() != Some(&RegistrationState::Completed) {
        assert!(states.len() < 8, "{states:?}");
        states.push(access.registration(&receipt).expect("an answer").expect("known").registration_state());
    }
    println!("{states:?}");
    assert!(states.contains(&RegistrationState::Matching) && states.contains(&RegistrationState::WaitingInsurer));
    assert_eq!(access.registrations().expect("tasks").len(), 1);
}

#[test]
fn a_lost_answer_makes_no_second_registration() {
    let stage = Stage::with_every_scope(&["write-drop:3"]);
    let mut access = access(&stage);
    let request = access.prepare_registration(&notice()).expect("randomness");
    assert_eq!(code(access.register(&request)), Some("KZ-T01"));
    let first = access.register(&request).expect("the fourth");
    let again = access.register(&request).expect("the same");
    assert_eq!(first.receipt(), again.receipt());
    assert_eq!(stage.sandbox.counters().writes, 1);
}

#[test]
fn a_returned_one_says_why_and_a_running_one_can_be_withdrawn() {
    let stage = Stage::with_every_scope(&["registration-returned"]);
    let mut access = access(&stage);
    let register = |access: &mut Access| {
        let request = access.prepare_registration(&notice()).expect("randomness");
        access.register(&request).expect("accepted")
    };
    let withdrawn = register(&mut access);
    let withdrawn = access.withdraw_registration(&withdrawn).expect("withdrawn");
    assert_eq!(withdrawn.registration_state(), RegistrationState::Withdrawn);
    let task = register(&mut access);
    let receipt = task.receipt().expect("a receipt").to_owned();
    let mut look = || access.registration(&receipt).expect("an answer").expect("known");
    look();
    let returned = look();
    assert_eq!(returned.registration_state(), RegistrationState::Returned);
    assert!(returned.reason().is_some_and(|reason| !reason.is_empty()));
    assert_eq!(code(access.withdraw_registration(&task)), Some("KZ-D03"), "it has moved on");
}

#[test]
fn receipts_of_others_and_of_nobody_are_not_found() {
    let stage = Stage::with_every_scope(&[]);
    let mut hers = access(&stage);
    let mut his = stage.access(2, &key()).expect("qualifies");
    let request = hers.prepare_registration(&notice()).expect("randomness");
    let receipt = hers.register(&request).expect("accepted").receipt().expect("a receipt").to_owned();
    assert!(his.registration(&receipt).expect("an answer").is_none());
    assert!(hers.registration("0000-0000-0000").expect("an answer").is_none());
    for bad in ["", "a b", "12345678901234567890123456789012x", "受付"] {
        assert_eq!(code(hers.registration(bad)), Some("KZ-U01"), "{bad}");
    }
}
