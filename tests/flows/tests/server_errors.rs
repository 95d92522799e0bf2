//! Every way the server can fail, and the code the SDK makes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kazasu::error::AuthorizationFault;
use kazasu::fhir::Freshness;
use kazasu::jose::dpop::{DeviceKey, DeviceKeyError, SoftwareDeviceKey};
use kazasu::qualify::{OnPinsExpired, Pinning};
use kazasu::session::{self, Member, Warning};
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::peer::{self, Peer};
use kazasu_flows::trust::{Trust, server_of};
use kazasu_flows::{Stage, VirtualClock, card, pin_of, start_sandbox, tap};
use rustls::ContentType;

#[test]
fn every_switch_of_the_sandbox_gives_its_code() {
    let table = [
        ("nonce-short", "KZ-A01"),
        ("nonce-padded", "KZ-A01"),
        ("nonce-malformed", "KZ-D01"),
        ("nonce-oversized-body", "KZ-D04"),
        ("nonce-redirect", "KZ-T03"),
        ("nonce-429", "KZ-T06"),
        ("nonce-503", "KZ-T07"),
        ("discovery-malformed", "KZ-D01"),
        ("discovery-wrong-issuer", "KZ-U01"),
        ("discovery-oversized", "KZ-D04"),
        ("token-malformed", "KZ-D01"),
        ("token-oversized", "KZ-D04"),
        ("token-bearer", "KZ-A07"),
        ("token-redirect", "KZ-T03"),
        ("token-html", "KZ-Q01"),
        ("token-429", "KZ-T06"),
        ("token-503", "KZ-T07"),
        ("token-invalid-request", "KZ-A02"),
        ("token-nonce-expired", "KZ-A03"),
        ("token-nonce-reused", "KZ-A03"),
        ("token-clock-skew", "KZ-A04"),
        ("token-bad-signature", "KZ-A05"),
        ("token-bad-chain", "KZ-A05"),
        ("token-wrong-certificate", "KZ-A05"),
        ("token-certificate-expired", "KZ-C06"),
        ("token-certificate-revoked", "KZ-C07"),
        ("suspended", "KZ-S01"),
        ("not-registered", "KZ-Q06"),
        ("not-linked", "KZ-Q07"),
        ("invalid-scope", "KZ-A06"),
        ("invalid-client", "KZ-A08"),
        ("submit-malformed", "KZ-D01"),
        ("submit-oversized", "KZ-D04"),
        ("submit-deep", "KZ-D04"),
        ("submit-my-number", "KZ-D05"),
        ("foreign", "KZ-D08"),
        ("submit-redirect", "KZ-T03"),
        ("submit-429", "KZ-T06"),
        ("submit-503", "KZ-T07"),
        ("submit-500", "KZ-Q01"),
        ("submit-502", "KZ-Q01"),
        ("submit-504", "KZ-T05"),
        ("submit-html", "KZ-Q01"),
        ("tls-other-key", "KZ-T03"),
        ("tls-wrong-name", "KZ-T03"),
        ("tls-expired", "KZ-T03"),
        ("tls-untrusted", "KZ-T03"),
    ];
    for (switch, code) in table {
        let stage = Stage::with_switches(&[switch]);
        let card = card(Profile::Today, 1);
        let error = stage.qualify(&card, 1).err().unwrap_or_else(|| panic!("{switch} went unnoticed"));
        assert_eq!(error.code(), code, "{switch}: {error:?}");
        let before_tap = ["nonce", "discovery", "tls"].iter().any(|name| switch.starts_with(name));
        let exchanges = card.lock().expect("card").counters().exchanges;
        assert_eq!(exchanges == 0, before_tap, "{switch}: {exchanges} exchanges");
    }
    println!("{} misbehaving servers", table.len());
}

#[test]
fn passing_faults_are_overcome_without_a_second_tap() {
    let switches = [
        "nonce-503:1",
        "token-drop:1",
        "token-429:1",
        "token-503:2",
        "submit-drop:1",
        "submit-502:2",
        "submit-429:1",
        "use-dpop-nonce",
        "require-wrapped",
        "discovery-missing",
        "tls-backup-key",
    ];
    for switch in switches {
        let stage = Stage::with_switches(&[switch]);
        let card = card(Profile::Today, 1);
        stage.qualify(&card, 1).unwrap_or_else(|error| panic!("{switch}: {error:?}"));
        assert_eq!(card.lock().expect("card").counters().verify_with_data, 1, "{switch}");
    }
}

#[test]
fn retry_after_is_waited_for_to_the_second() {
    let stage = Stage::with_switches(&["submit-429:1=7"]);
    stage.qualify(&card(Profile::Today, 1), 1).expect("qualifies");
    assert_eq!(stage.clock.slept(), [Duration::from_secs(7)]);
}

#[test]
fn a_long_retry_after_is_told_and_not_waited_for() {
    let stage = Stage::with_switches(&["token-503=3600"]);
    let error = stage.qualify(&card(Profile::Today, 1), 1).expect_err("maintenance");
    assert_eq!((error.code(), error.retry_after()), ("KZ-T07", Some(Duration::from_secs(3600))));
    assert!(stage.clock.slept().is_empty());
}

#[test]
fn a_lost_token_answer_is_asked_for_again_with_the_same_assertion() {
    let stage = Stage::new();
    let mut signed = stage.sign(&card(Profile::Today, 1), 1).expect("signs");
    // More often than the SDK repeats by itself.
    stage.sandbox.arm("token-drop:3".parse().expect("a switch"));
    assert_eq!(signed.finish().expect_err("no answer").code(), "KZ-T01");
    signed.finish().expect("the same assertion within a minute");
    assert_eq!(stage.sandbox.counters().nonces, 1);
}

#[test]
fn after_a_minute_the_same_assertion_is_not_sent_again() {
    let stage = Stage::new();
    let mut signed = stage.sign(&card(Profile::Today, 1), 1).expect("signs");
    stage.sandbox.arm("token-drop:3".parse().expect("a switch"));
    signed.finish().expect_err("no answer");
    stage.clock.advance(60_001);
    assert_eq!(signed.finish().expect_err("too late"), AuthorizationFault::NonceRejected.into());
}

#[test]
fn a_lost_eligibility_answer_keeps_the_token() {
    let stage = Stage::new();
    let mut signed = stage.sign(&card(Profile::Today, 1), 1).expect("signs");
    stage.sandbox.arm("submit-drop:3".parse().expect("a switch"));
    assert_eq!(signed.finish().expect_err("no answer").code(), "KZ-T01");
    signed.finish().expect("the same question");
    let counters = stage.sandbox.counters();
    assert_eq!(counters.assertions_accepted, 1, "no second assertion");
    assert_eq!((counters.submits, counters.submits_repeated), (1, 3), "asked once, repeated by its key");
}

/// A device key that becomes another one after the first proof.
struct ChangingKey {
    first: SoftwareDeviceKey,
    second: SoftwareDeviceKey,
    signatures: AtomicU32,
}

impl DeviceKey for ChangingKey {
    fn public_key(&self) -> Result<Vec<u8>, DeviceKeyError> {
        if self.signatures.load(Ordering::SeqCst) == 0 { self.first.public_key() } else { self.second.public_key() }
    }

    fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, DeviceKeyError> {
        let first = self.signatures.fetch_add(1, Ordering::SeqCst) == 0;
        if first { self.first.sign_sha256(message) } else { self.second.sign_sha256(message) }
    }
}

#[test]
fn the_same_assertion_with_another_device_key_is_refused() {
    let stage = Stage::with_switches(&["token-drop:1"]);
    let key = || SoftwareDeviceKey::generate().expect("randomness");
    let changing = ChangingKey { first: key(), second: key(), signatures: AtomicU32::new(0) };
    let awaiting = session::begin(stage.client.clone(), Member::new(Arc::new(changing))).expect("begins");
    let link = &mut SimTransport::tap(card(Profile::Today, 1));
    let mut signed = tap(awaiting, link, pin_of(1)).expect("signs");
    let error = signed.finish().expect_err("another key");
    assert_eq!(error, AuthorizationFault::NonceRejected.into());
    assert_eq!(stage.sandbox.counters().tokens_issued, 1, "only the lost one");
}

#[test]
fn an_assertion_that_never_left_counts_until_its_life_is_over() {
    let Stage { sandbox, client, clock } = Stage::new();
    let awaiting = session::begin(client, kazasu_flows::member()).expect("begins");
    let mut signed = tap(awaiting, &mut SimTransport::tap(card(Profile::Today, 1)), pin_of(1)).expect("signs");
    sandbox.stop();
    assert_eq!(signed.finish().expect_err("nobody listens").code(), "KZ-T01");
    clock.advance(61_000);
    assert_eq!(signed.finish().expect_err("still nobody").code(), "KZ-T01", "no second tap is asked for");
    clock.advance(120_000);
    assert_eq!(signed.finish().expect_err("too old"), AuthorizationFault::NonceRejected.into());
}

#[test]
fn an_assertion_answered_by_a_broken_record_counts_as_sent() {
    let trust = Trust::new();
    let mut config = server_of(trust.issue(&trust.key, |_| ()), &trust.key);
    config.enable_secret_extraction = true;
    let config = Arc::new(config);
    let peer = Peer::start(move |stream, heard| {
        let mut link = peer::accept(stream, &config)?;
        while let Some(asked) = heard.request(&mut link)? {
            if asked.path == "/token" {
                return peer::inject(link, ContentType::Handshake, &[0, 0, 0, 0]);
            }
            peer::answer_well(&mut link, &asked)?;
        }
        Ok(())
    });
    let clock = Arc::new(VirtualClock::default());
    let client = kazasu_flows::client(&trust.settings(peer.port), clock.clone()).expect("settings");
    let awaiting = session::begin(client, kazasu_flows::member()).expect("begins");
    let mut signed = tap(awaiting, &mut SimTransport::tap(card(Profile::Today, 1)), pin_of(1)).expect("signs");
    assert_eq!(signed.finish().expect_err("no answer").code(), "KZ-T01");
    clock.advance(60_001);
    assert_eq!(signed.finish().expect_err("too old"), AuthorizationFault::NonceRejected.into());
}

#[test]
fn a_slow_entry_renews_the_nonce_and_an_old_one_is_not_signed() {
    let stage = Stage::new();
    let mut awaiting = stage.begin().expect("begins");
    stage.clock.advance(271_000);
    let card = card(Profile::Today, 1);
    let failed = awaiting
        .tap(&mut SimTransport::tap(card.clone()), pin_of(1), Default::default(), &mut |_| ())
        .err()
        .expect("less than 30 s are left");
    assert_eq!(failed.error.code(), "KZ-A03");
    assert_eq!(card.lock().expect("card").counters().exchanges, 0, "the card was not touched");
    awaiting = failed.awaiting;
    awaiting.renew().expect("a new nonce");
    assert_eq!(stage.sandbox.counters().nonces, 2);
    let pin = failed.pin.expect("not sent, so it may be used");
    tap(awaiting, &mut SimTransport::tap(card), pin).expect("signs");
}

#[test]
fn a_wrong_device_clock_is_corrected_and_told() {
    let stage = Stage::of(start_sandbox(2 * 86_400), |_| ());
    let qualified = stage.qualify(&card(Profile::Today, 1), 1).expect("qualifies by the server's clock");
    assert!(qualified.warnings.contains(&Warning::DeviceClock), "{:?}", qualified.warnings);
    assert_eq!(qualified.eligibility.freshness(qualified.answered_at), Freshness::Current);
}

#[test]
fn a_narrower_scope_is_told() {
    let kept = "patient/CoverageEligibilityRequest.c";
    let stage = Stage::with_switches(&[&format!("token-narrow-scope={kept}")]);
    let warnings = stage.qualify(&card(Profile::Today, 1), 1).expect("eligibility is granted").warnings;
    let missing_scopes = vec!["patient/CoverageEligibilityResponse.rs".to_owned(), "patient/Coverage.rs".to_owned()];
    assert_eq!(warnings, [Warning::ScopeNarrowed { missing_scopes }]);
}

#[test]
fn an_expired_pin_set_may_be_let_go_and_the_result_says_so() {
    let stage = Stage::of(start_sandbox(0), |settings| {
        settings.pins_not_after = "2026-01-31".to_owned();
        settings.on_pins_expired = OnPinsExpired::WebPki;
    });
    let qualified = stage.qualify(&card(Profile::Today, 1), 1).expect("qualifies");
    assert_eq!(qualified.pinning, Pinning::Expired);
}

#[test]
fn a_wrapped_question_keeps_its_key_when_the_answer_is_lost() {
    let stage = Stage::with_switches(&["require-wrapped"]);
    let mut signed = stage.sign(&card(Profile::Today, 1), 1).expect("signs");
    stage.sandbox.arm("submit-drop:3".parse().expect("a switch"));
    signed.finish().expect_err("no answer");
    signed.finish().expect("the same question");
    assert_eq!(stage.sandbox.counters().submits, 1, "asked once");
}

#[test]
fn a_server_that_always_wants_another_dpop_nonce_is_asked_twice() {
    let stage = Stage::with_switches(&["invalid-dpop-proof"]);
    let error = stage.qualify(&card(Profile::Today, 1), 1).expect_err("refused");
    assert_eq!(error.code(), "KZ-A09");
}

#[test]
fn nothing_personal_shows_in_debug_output() {
    let stage = Stage::new();
    let card = card(Profile::Today, 1);
    let mut signed = stage.sign(&card, 1).expect("signs");
    let certificate = format!("{:?} {:?}", signed.certificate(), signed.certificate().key());
    let qualified = signed.finish().expect("an answer");
    let insurance = qualified.eligibility.primary().expect("an insurance");
    let shown = format!(
        "{certificate} {qualified:?} {insurance:?} {:?} {:?}",
        insurance.coverage(),
        insurance.limit_category()
    );
    for datum in ["06139992", "見本", "００１２３４", "A03", "p-7f3a91", "[48, 130", "Patient"] {
        assert!(!shown.contains(datum), "{datum} in {shown}");
    }
    let error = stage.qualify(&kazasu_flows::card(Profile::Today, 8), 8).expect_err("upstream");
    assert!(!format!("{error:?} {error}").contains("SAMPLE"));
}

#[test]
fn an_expired_pin_set_stops_before_any_connection() {
    let sandbox = start_sandbox(0);
    let stage = Stage::of(sandbox, |settings| settings.pins_not_after = "2026-01-31".to_owned());
    assert_eq!(stage.begin().err().map(|error| error.code()), Some("KZ-T04"));
    assert_eq!(stage.sandbox.counters().connections, 0);
}

#[test]
fn an_unpinned_server_sees_no_request() {
    let stage = Stage::with_switches(&["tls-other-key"]);
    assert_eq!(stage.begin().err().map(|error| error.code()), Some("KZ-T03"));
    assert_eq!(stage.sandbox.counters().requests, 0);
}

#[test]
fn a_server_that_is_gone_is_no_network() {
    let stage = Stage::new();
    let client = stage.client.clone();
    stage.sandbox.stop();
    let error = session::begin(client, kazasu_flows::member()).err().expect("nobody listens");
    assert_eq!(error.code(), "KZ-T01");
}
