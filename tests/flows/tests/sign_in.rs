//! The other two modes: a card's assertion that is exchanged, and a sign-in in the browser without any card.

use std::sync::Arc;

use kazasu::error::Error;
use kazasu::fhir::Qualification;
use kazasu::jose::dpop::DeviceKey;
use kazasu::qualify::{Access, DEFAULT_SCOPE, RecordKind, SignIn};
use kazasu_card_sim::Profile;
use kazasu_flows::{Stage, browser, card, code, key};
use kazasu_sandbox::{Mode, Options, Sandbox};

const REDIRECT: &str = "https://app.kazasu.example/callback";

fn stage(mode: Mode, switches: &[&str]) -> Stage {
    let sandbox = kazasu_sandbox::start(Options { modes: vec![mode], ..Options::default() }).expect("loopback");
    let scope = format!("{DEFAULT_SCOPE} {} offline_access", RecordKind::Expense.scope());
    let stage = Stage::of(sandbox, |settings| {
        settings.scope = Some(scope);
        settings.redirect_uri = Some(REDIRECT.to_owned());
    });
    switches.iter().for_each(|switch| stage.arm(switch));
    with_client_key(stage, key())
}

/// The same stage, whose client signs in with this key where the server exchanges assertions.
fn with_client_key(mut stage: Stage, client_key: Arc<dyn DeviceKey>) -> Stage {
    stage.client = Arc::new((*stage.client).clone().with_client_key(client_key));
    stage
}

fn begin(stage: &Stage, key: &Arc<dyn DeviceKey>) -> Result<SignIn, Error> {
    SignIn::begin(Arc::clone(&stage.client), Arc::clone(key))
}

/// What the browser is sent back with when this is chosen on the page.
fn choose(sandbox: &Sandbox, sign_in: &SignIn, choice: &str) -> String {
    let (location, page) = browser::open(sandbox, &format!("{}&person={choice}", sign_in.url()));
    location.unwrap_or_else(|| panic!("no redirect: {page}"))
}

fn signed_in(stage: &Stage, key: &Arc<dyn DeviceKey>) -> Access {
    let sign_in = begin(stage, key).expect("begins");
    let redirect = choose(&stage.sandbox, &sign_in, "1");
    sign_in.redeem(&redirect).expect("signs in")
}

#[test]
fn a_server_that_exchanges_assertions_qualifies() {
    let stage = stage(Mode::Exchange, &[]);
    let qualified = stage.qualify(&card(Profile::Today, 1), 1).expect("qualifies");
    assert_eq!(qualified.eligibility.qualification(), Qualification::Valid);
    // A lost answer is asked for again, with the same assertion and a fresh sign-in of the device.
    stage.arm("token-drop:2");
    stage.qualify(&card(Profile::Today, 2), 2).expect("qualifies");
    let counters = stage.sandbox.counters();
    assert_eq!(counters.nonces, 2, "no second tap");
    let mut access = stage.access(1, &key()).expect("qualifies");
    stage.wait(360);
    access.records(RecordKind::Expense, None).expect("renewed");
}

/// What proves which installation asks is nothing that a member's tokens are bound to: neither the same key nor none at all.
#[test]
fn an_exchange_needs_a_client_key_that_is_no_device_key() {
    let stage = stage(Mode::Exchange, &[]);
    let hers = key();
    assert!(stage.access(1, &hers).is_ok());
    let asked = stage.sandbox.counters().nonces;
    let stage = with_client_key(stage, Arc::clone(&hers));
    assert_eq!(code(stage.access(1, &hers)), Some("KZ-U01"));
    assert!(stage.access(1, &key()).is_ok(), "as for another member's");
    let sandbox = kazasu_sandbox::start(Options { modes: vec![Mode::Exchange], ..Options::default() });
    let without = Stage::of(sandbox.expect("loopback"), |_| ());
    assert_eq!(code(without.begin()), Some("KZ-U01"));
    assert_eq!((stage.sandbox.counters().nonces - asked, without.sandbox.counters().nonces), (1, 0), "before the tap");
}

#[test]
fn a_sign_in_needs_no_card_and_leaves_the_same_access() {
    let stage = stage(Mode::Oidc, &[]);
    let key = key();
    let mut access = signed_in(&stage, &key);
    assert_eq!(access.eligibility().expect("an answer").qualification(), Qualification::Valid);
    assert!(!access.records(RecordKind::Expense, None).expect("records").records.is_empty());
    stage.wait(360);
    assert_eq!(access.eligibility().expect("renewed").qualification(), Qualification::Valid);
    let saved = access.take_unsaved().expect("a key").expect("tokens");
    Access::resume(Arc::clone(&stage.client), key, &saved).expect("the same tokens as after a tap");
    assert_eq!(stage.sandbox.counters().assertions_accepted, 0);
}

#[test]
fn the_request_tells_nobody_who_signs_in() {
    let stage = stage(Mode::Oidc, &[]);
    let first = begin(&stage, &key()).expect("begins");
    let second = begin(&stage, &key()).expect("begins");
    assert_ne!(first.url(), second.url());
    // Pushed: the URL has a name for the request and the client's, and nothing else.
    let query = first.url().split_once('?').expect("a query").1;
    let names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    assert_eq!(format!("{first:?}"), "SignIn { .. }");
}

#[test]
fn only_the_answer_to_this_request_is_taken() {
    for (switch, expected) in [
        ("oidc-wrong-iss", Some("KZ-D01")),
        ("oidc-no-iss", Some("KZ-D01")),
        ("oidc-wrong-state", Some("KZ-D01")),
        ("oidc-no-state", Some("KZ-D01")),
        ("oidc-error=access_denied", Some("KZ-A11")),
        ("oidc-error=temporarily_unavailable", Some("KZ-T07")),
        ("oidc-error=something_new", Some("KZ-A02")),
        ("oidc-code-reused", Some("KZ-A02")),
    ] {
        let stage = stage(Mode::Oidc, &[switch]);
        let sign_in = begin(&stage, &key()).expect("begins");
        let redirect = choose(&stage.sandbox, &sign_in, "1");
        assert_eq!(code(sign_in.redeem(&redirect)), expected, "{switch}");
    }
}

#[test]
fn the_browser_may_write_the_way_back_in_another_form() {
    let stage = stage(Mode::Oidc, &[]);
    for form in ["https://APP.kazasu.example/callback", "HTTPS://app.kazasu.example:443/callback"] {
        let sign_in = begin(&stage, &key()).expect("begins");
        let redirect = choose(&stage.sandbox, &sign_in, "1").replace(REDIRECT, form);
        assert_eq!(code(sign_in.redeem(&redirect)), None, "{form}");
    }
}

#[test]
fn answers_from_elsewhere_reach_no_server() {
    let stage = stage(Mode::Oidc, &[]);
    let good = {
        let sign_in = begin(&stage, &key()).expect("begins");
        choose(&stage.sandbox, &sign_in, "1")
    };
    let sign_in = begin(&stage, &key()).expect("begins");
    let doubled = format!("{}&code=other", choose(&stage.sandbox, &sign_in, "1"));
    assert_eq!(code(sign_in.redeem(&doubled)), Some("KZ-D01"), "two codes");
    let requests = || stage.sandbox.counters().by_route.get("POST /token").copied();
    for foreign in [
        good.as_str(), // of another sign-in
        &good.replace("app.kazasu.example", "app.kazasu.example.evil.example"),
        &good.replace("https://", "http://"),
        &good.replace("/callback?", "/callback/../other?"),
        &format!("{good}#x"),
        "https://app.kazasu.example/callback",
        "https://app.kazasu.example/callback?",
        "https://app.kazasu.example/callback?code",
        "",
        &format!("{REDIRECT}?{}", "x=1&".repeat(5000)),
    ] {
        let sign_in = begin(&stage, &key()).expect("begins");
        assert_eq!(code(sign_in.redeem(foreign)), Some("KZ-D01"), "{foreign:.80}");
    }
    assert_eq!(requests(), None);
}

#[test]
fn a_refusal_and_a_stop_are_told_apart() {
    let stage = stage(Mode::Oidc, &[]);
    let sign_in = begin(&stage, &key()).expect("begins");
    let redirect = choose(&stage.sandbox, &sign_in, "refuse");
    assert_eq!(code(sign_in.redeem(&redirect)), Some("KZ-A11"));
    stage.sandbox.suspend(1);
    let sign_in = begin(&stage, &key()).expect("begins");
    let redirect = choose(&stage.sandbox, &sign_in, "1");
    assert_eq!(code(sign_in.redeem(&redirect)), Some("KZ-S01"));
}

#[test]
fn pushing_has_its_faults_and_each_mode_refuses_the_other() {
    for (switch, expected) in [("oidc-par-503=120", "KZ-T07"), ("oidc-par-malformed", "KZ-D01")] {
        assert_eq!(code(begin(&stage(Mode::Oidc, &[switch]), &key())), Some(expected), "{switch}");
    }
    assert!(begin(&stage(Mode::Oidc, &["oidc-par-required"]), &key()).is_ok());
    assert_eq!(code(begin(&stage(Mode::Card, &[]), &key())), Some("KZ-U01"), "no page");
    assert_eq!(code(stage(Mode::Oidc, &[]).begin()), Some("KZ-U01"), "no card");
}
