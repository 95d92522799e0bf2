//! Sealed answers over real TLS: what is agreed on, what stands on the wire, and every way a seal can be wrong.

use std::collections::BTreeSet;

use kazasu::base64url;
use kazasu::fhir::{ConsentKind, ConsentTerms, ConsentTo, SuspensionReason};
use kazasu::qualify::{Access, DEFAULT_SCOPE, PayloadEncryption, RecordKind, Settings, Suspension};
use kazasu::session::Qualified;
use kazasu::time::{CalendarDate, Clock};
use kazasu::{Error, error::ResourceFault};
use kazasu_card_sim::Profile;
use kazasu_flows::{Stage, card};
use kazasu_sandbox::{Exchange, Options, Sandbox, SealMode, Switch};
use serde_json::Value;

fn sandbox(seal: SealMode, clock_offset_s: i64) -> Sandbox {
    kazasu_sandbox::start(Options { seal, clock_offset_s, capture: true, ..Options::default() }).expect("loopback")
}

/// A stage whose client knows the signing key and asks for every record too.
fn stage_with(sandbox: Sandbox, switches: &[&str], change: impl FnOnce(&mut Settings)) -> Stage {
    for switch in switches {
        sandbox.arm(switch.parse::<Switch>().expect("a switch"));
    }
    let kids = sandbox.signer_kids();
    Stage::of(sandbox, |settings| {
        let scopes = RecordKind::ALL.map(RecordKind::scope).join(" ");
        settings.scope = Some(format!("{DEFAULT_SCOPE} {scopes}"));
        settings.signer_kids = kids;
        change(settings);
    })
}

fn stage(seal: SealMode, switches: &[&str]) -> Stage {
    stage_with(sandbox(seal, 0), switches, |_| ())
}

fn qualify(stage: &Stage) -> Result<Qualified, Error> {
    stage.qualify(&card(Profile::Today, 1), 1)
}

/// What was asked of the token endpoint.
fn token_exchanges(stage: &Stage) -> Vec<Exchange> {
    stage.sandbox.exchanges().into_iter().filter(|exchange| exchange.path == "/token").collect()
}

/// What was asked of the FHIR server with a token.
fn fhir_exchanges(stage: &Stage) -> Vec<Exchange> {
    let asked = |exchange: &Exchange| exchange.path.starts_with("/r4/") && exchange.proof.is_some();
    stage.sandbox.exchanges().into_iter().filter(asked).collect()
}

fn claims(proof: &str) -> Value {
    let payload = proof.split('.').nth(1).and_then(base64url::decode).expect("a payload");
    serde_json::from_slice(&payload).expect("JSON")
}

fn fetched_keys(stage: &Stage) -> u64 {
    stage.sandbox.counters().by_route.get("GET /jwks.json").copied().unwrap_or_default()
}

#[test]
fn eligibility_and_records_come_sealed_where_the_server_requires_it() {
    let stage = stage(SealMode::Required, &[]);
    let mut signed = stage.sign(&card(Profile::Today, 1), 1).expect("signs");
    let qualified = signed.finish().expect("an answer");
    assert!(qualified.sealed && !qualified.eligibility.insurances().is_empty());
    let mut access = signed.into_access().expect("a token");
    assert!(access.is_sealed());
    let read: Vec<usize> =
        RecordKind::ALL.map(|kind| access.records(kind, None).expect("records").records.len()).into();
    assert!(read.iter().all(|count| *count > 0), "{read:?}");
    assert_eq!(stage.sandbox.counters().connections, 1, "one connection for all of it");
    assert_eq!(fetched_keys(&stage), 1);
}

/// One path leads to the FHIR server: what is written, polled and stopped goes over it too.
#[test]
fn so_does_everything_else_behind_the_token() {
    let stage = stage_with(sandbox(SealMode::Required, 0), &[], |settings| {
        let scope = settings.scope.take().unwrap_or_default();
        settings.scope = Some(format!("{scope} patient/Consent.crus patient/Task.crus offline_access"));
    });
    let mut signed = stage.sign(&card(Profile::Today, 7), 7).expect("signs");
    let pending = signed.finish().expect("queued");
    assert!(signed.await_answer(&pending).expect("an answer").sealed);

    let key = kazasu_flows::key();
    let mut access = stage.access(1, &key).expect("qualifies");
    let start = CalendarDate::in_japan(access.server_time());
    let to = ConsentTo::Providers(ConsentKind::Medication);
    let end = start.years_later(1);
    let terms = ConsentTerms { to, start, end, notice_sha256: &"n".repeat(43), policy: "urn:x" };
    let request = access.prepare_consent(&terms).expect("terms");
    let consent = access.give_consent(&request).expect("given");
    access.withdraw_consent(&consent).expect("withdrawn");
    let coverages = access.unconfirmed_coverages().expect("coverages");
    let known = coverages.first().expect("one");
    assert!(access.changed_coverage(known).expect("an answer").is_none());
    assert_eq!(fhir_exchanges(&stage).last().map(|last| last.status), Some(200), "in full: 304 could be anybody's");
    let saved = access.take_unsaved().expect("a key").expect("tokens");
    let now = stage.clock.now();
    let mut stop = Suspension::prepare(&saved, SuspensionReason::Lost, Some(now), now).expect("prepared");
    assert!(stop.send(std::sync::Arc::clone(&stage.client), key).expect("stopped").is_confirmed);

    let (answers, tokens) = (fhir_exchanges(&stage), token_exchanges(&stage));
    assert!(answers.len() >= 6 && tokens.len() >= 3, "{} and {}", answers.len(), tokens.len());
    let answers = [answers, tokens].concat();
    for answer in answers.iter().filter(|answer| answer.status < 300) {
        assert_eq!(answer.body.split(|byte| *byte == b'.').count(), 5, "{}", answer.path);
    }
}

#[test]
fn nothing_of_an_answer_stands_in_clear_inside_tls() {
    let clear = stage(SealMode::Off, &[]);
    qualify(&clear).expect("an answer");
    let sealed = stage(SealMode::Required, &[]);
    qualify(&sealed).expect("an answer");
    let body = |exchanges: Vec<Exchange>| {
        let found = exchanges.into_iter().find(|exchange| exchange.status == 200).expect("an answer");
        String::from_utf8(found.body).expect("text")
    };
    for (clear, sealed, words) in [
        (fhir_exchanges(&clear), fhir_exchanges(&sealed), ["resourceType", "Coverage", "見本", "06139992"]),
        (token_exchanges(&clear), token_exchanges(&sealed), ["access_token", "p-7f3a91", "DPoP", "refresh"]),
    ] {
        let (clear, sealed) = (body(clear), body(sealed));
        let seen = words.iter().filter(|word| clear.contains(**word)).count();
        assert!(seen >= 3, "the words are those of the answer: {seen}");
        let decoded: Vec<u8> = sealed.split('.').flat_map(|part| base64url::decode(part).expect("base64url")).collect();
        let decoded = String::from_utf8_lossy(&decoded);
        for word in words {
            assert!(!sealed.contains(word) && !decoded.contains(word), "{word}");
        }
        assert_eq!(sealed.split('.').count(), 5);
    }
}

#[test]
fn each_request_brings_a_key_of_its_own() {
    let stage = stage(SealMode::Required, &["submit-502:2", "token-503:1", "token-drop:1", "use-dpop-nonce"]);
    let mut signed = stage.sign(&card(Profile::Today, 1), 1).expect("signs");
    signed.finish().expect("an answer");
    signed.into_access().expect("a token").records(RecordKind::Checkup, None).expect("records");
    let exchanges = [token_exchanges(&stage), fhir_exchanges(&stage)].concat();
    let proofs: Vec<Value> = exchanges.iter().filter_map(|e| e.proof.as_deref()).map(claims).collect();
    let keys: BTreeSet<String> = proofs.iter().map(|proof| proof["enc_jwk"].to_string()).collect();
    assert!(proofs.len() >= 7, "token refused, lost, granted; question refused, answered; records: {}", proofs.len());
    assert_eq!(keys.len(), proofs.len(), "no key twice, retries included");
    for proof in &proofs {
        let members: Vec<&String> = proof["enc_jwk"].as_object().expect("a key").keys().collect();
        assert_eq!(members, ["crv", "kty", "x", "y"], "public members only");
    }
}

#[test]
fn every_wrong_seal_gives_its_code() {
    let table = [
        ("seal-plain", "KZ-X01"),
        ("seal-other-request", "KZ-X02"),
        ("seal-old", "KZ-X02"),
        ("seal-old=62", "KZ-X02"),
        ("seal-forwarded", "KZ-X02"),
        ("seal-signed-before", "KZ-X02"),
        ("seal-signed-before=1", "KZ-X02"),
        ("seal-no-apv", "KZ-X02"),
        ("seal-no-iat", "KZ-X02"),
        ("seal-other-host", "KZ-X01"),
        ("seal-off-curve", "KZ-X01"),
        ("seal-alg", "KZ-X01"),
        ("seal-alg=dir", "KZ-X01"),
        ("seal-enc", "KZ-X01"),
        ("seal-zip", "KZ-X01"),
        ("seal-encrypted-key", "KZ-X01"),
        ("seal-tag", "KZ-X01"),
        ("seal-oversize", "KZ-X01"),
        ("seal-unsigned", "KZ-X01"),
        ("seal-wrong-kid", "KZ-X01"),
        ("seal-bad-signature", "KZ-X01"),
        ("keys-missing", "KZ-X01"),
    ];
    for (switch, code) in table {
        let stage = stage(SealMode::Required, &[]);
        let arm = || stage.sandbox.arm(switch.parse().expect("a switch"));
        let card = card(Profile::Today, 1);
        let mut signed = stage.sign(&card, 1).expect("signs");
        if switch != "keys-missing" {
            signed.authorize().expect("a token");
            arm();
            let error = signed.finish().err().unwrap_or_else(|| panic!("{switch} went unnoticed"));
            assert_eq!(error.code(), code, "{switch}: {error:?}");
            stage.sandbox.disarm_all();
            assert!(signed.finish().expect("the same question").sealed, "{switch}");
        }
        // A token is far shorter than what a seal may be, and has a bound of its own.
        let code = if switch == "seal-oversize" { "KZ-D04" } else { code };
        arm();
        let mut signed = stage.sign(&card, 1).expect("signs");
        let error = signed.authorize().err().unwrap_or_else(|| panic!("{switch} of a token went unnoticed"));
        assert_eq!(error.code(), code, "{switch} of a token: {error:?}");
        stage.sandbox.disarm_all();
        // Signing keys are fetched once more in a session, and no oftener.
        if switch != "keys-missing" {
            assert!(signed.finish().expect("the same assertion, another key").sealed, "{switch}");
        }
    }
    println!("{} wrong seals of answers and of tokens", table.len());
}

/// Asks for one thing as a person with a card; `before` comes right before the request for it.
type Ask = fn(&Stage, u8, &dyn Fn()) -> Result<(), Error>;

fn ask_for_token(stage: &Stage, person: u8, before: &dyn Fn()) -> Result<(), Error> {
    let mut signed = stage.sign(&card(Profile::Today, person), person)?;
    before();
    signed.authorize()
}

fn ask_for_eligibility(stage: &Stage, person: u8, before: &dyn Fn()) -> Result<(), Error> {
    let mut signed = stage.sign(&card(Profile::Today, person), person)?;
    signed.authorize()?;
    before();
    signed.finish().map(drop)
}

fn access(stage: &Stage, person: u8) -> Result<Access, Error> {
    let mut signed = stage.sign(&card(Profile::Today, person), person)?;
    signed.authorize()?;
    signed.into_access()
}

fn ask_for_records(stage: &Stage, person: u8, before: &dyn Fn()) -> Result<(), Error> {
    let mut access = access(stage, person)?;
    before();
    access.records(RecordKind::Immunization, None).map(drop)
}

fn ask_for_tasks(stage: &Stage, person: u8, before: &dyn Fn()) -> Result<(), Error> {
    let mut access = access(stage, person)?;
    before();
    access.registrations().map(drop)
}

fn ask_for_renewal(stage: &Stage, person: u8, before: &dyn Fn()) -> Result<(), Error> {
    let mut access = access(stage, person)?;
    before();
    access.refresh()
}

/// Whoever was given an answer has what the server signed, and can seal it to another request with fresh keys and the right
/// header: person 1's to person 2, to person 1 at once and a minute later. Neither those that say for whom and when they were
/// signed are taken, nor those that do not.
#[test]
fn what_was_signed_for_one_request_is_good_for_no_other() {
    let asks: [(&str, Ask); 5] = [
        ("token", ask_for_token),
        ("eligibility", ask_for_eligibility),
        ("records", ask_for_records),
        ("tasks", ask_for_tasks),
        ("renewed token", ask_for_renewal),
    ];
    let mut refused = 0;
    for signed_for in [&[][..], &["seal-no-apv", "seal-no-iat"]] {
        for (person, seconds) in [(2, 0), (1, 0), (1, 61)] {
            for (what, ask) in asks {
                let stage = stage_with(sandbox(SealMode::Required, 0), &[], |settings| {
                    let scope = settings.scope.take().unwrap_or_default();
                    settings.scope = Some(format!("{scope} patient/Task.crus offline_access"));
                });
                let case = format!("{what} signed with {signed_for:?}, for person {person} {seconds} s later");
                // Whatever becomes of it with person 1: they have it.
                let _ = ask(&stage, 1, &|| signed_for.iter().for_each(|switch| stage.arm(switch)));
                stage.sandbox.disarm_all();
                stage.wait(seconds);
                let replayed = ask(&stage, person, &|| stage.arm("seal-replayed"));
                assert_eq!(replayed, Err(ResourceFault::SealedForAnother.into()), "{case}");
                stage.sandbox.disarm_all();
                ask(&stage, person, &|| ()).unwrap_or_else(|error| panic!("{case}, then asked again: {error}"));
                refused += 1;
            }
        }
    }
    println!("{refused} answers that were signed for other requests: KZ-X02 each");
}

#[test]
fn records_are_held_to_it_too() {
    for (switch, fault) in
        [("seal-plain", ResourceFault::NotSealed), ("seal-other-request", ResourceFault::SealedForAnother)]
    {
        let stage = stage(SealMode::Required, &[]);
        let mut signed = stage.sign(&card(Profile::Today, 1), 1).expect("signs");
        signed.finish().expect("an answer");
        stage.sandbox.arm(switch.parse().expect("a switch"));
        let mut access = signed.into_access().expect("a token");
        assert_eq!(access.records(RecordKind::Checkup, None).err(), Some(fault.into()), "{switch}");
    }
}

#[test]
fn a_seal_that_fails_once_can_be_asked_for_again() {
    let stage = stage(SealMode::Required, &["seal-tag:1"]);
    let card = card(Profile::Today, 1);
    let mut signed = stage.sign(&card, 1).expect("signs");
    assert_eq!(signed.finish().err(), Some(ResourceFault::NotSealed.into()));
    assert!(signed.finish().expect("the same question").sealed);
    assert_eq!(card.lock().expect("card").counters().verify_with_data, 1);
}

#[test]
fn a_minute_is_allowed_and_clocks_may_differ() {
    let stage_ = stage(SealMode::Required, &["seal-old=55"]);
    qualify(&stage_).expect("an answer");
    let ahead = stage_with(sandbox(SealMode::Required, 7200), &[], |_| ());
    assert!(qualify(&ahead).expect("by the server's clock").sealed);
}

#[test]
fn keys_that_were_not_there_yet_are_fetched_once_more() {
    let later = stage(SealMode::Required, &["keys-missing:1"]);
    qualify(&later).expect("an answer");
    assert_eq!(fetched_keys(&later), 2);
    let never = stage(SealMode::Required, &["keys-missing"]);
    let mut signed = never.sign(&card(Profile::Today, 1), 1).expect("signs");
    for _ in 0..3 {
        assert_eq!(signed.finish().err(), Some(ResourceFault::NotSealed.into()));
    }
    assert_eq!(fetched_keys(&never), 2, "once a session");
    let stranger = stage(SealMode::Required, &["seal-wrong-kid"]);
    qualify(&stranger).expect_err("not pinned");
    assert_eq!(fetched_keys(&stranger), 1, "not for a key nobody pinned");
}

#[test]
fn errors_keep_their_codes() {
    for (switch, code) in [
        ("submit-500", "KZ-Q01"),
        ("submit-429", "KZ-T06"),
        ("submit-outcome=KZ-S01", "KZ-S01"),
        ("submit-outcome=KZ-Q02", "KZ-Q02"),
        ("submit-html", "KZ-Q01"),
    ] {
        let stage = stage(SealMode::Required, &[switch]);
        assert_eq!(qualify(&stage).err().map(|error| error.code()), Some(code), "{switch}");
    }
}

#[test]
fn passing_faults_are_overcome() {
    for switch in [
        "token-drop:1",
        "token-503:2",
        "submit-drop:1",
        "submit-502:2",
        "submit-429:1",
        "use-dpop-nonce",
        "require-wrapped",
    ] {
        let stage = stage(SealMode::Required, &[switch]);
        let qualified = qualify(&stage).unwrap_or_else(|error| panic!("{switch}: {error:?}"));
        assert!(qualified.sealed, "{switch}");
    }
}

#[test]
fn settings_and_server_have_to_agree_before_the_tap() {
    use PayloadEncryption::{Off, Require, WhenRequired};
    let table = [
        (SealMode::Off, Off, Ok(false)),
        (SealMode::Off, WhenRequired, Ok(false)),
        (SealMode::Off, Require, Err("KZ-U01")),
        (SealMode::Optional, Off, Ok(false)),
        (SealMode::Optional, WhenRequired, Ok(false)),
        (SealMode::Optional, Require, Ok(true)),
        (SealMode::Required, Off, Err("KZ-U01")),
        (SealMode::Required, WhenRequired, Ok(true)),
        (SealMode::Required, Require, Ok(true)),
    ];
    for (mode, wanted, expected) in table {
        let stage = stage_with(sandbox(mode, 0), &[], |settings| {
            settings.payload_encryption = wanted;
            if settings.signer_kids.is_empty() {
                settings.signer_kids = vec!["somebody".to_owned()];
            }
        });
        let card = card(Profile::Today, 1);
        let outcome = stage.qualify(&card, 1).map(|q| q.sealed).map_err(|error| error.code());
        assert_eq!(outcome, expected, "{mode:?} and {wanted:?}");
        let was_tapped = card.lock().expect("card").counters().exchanges > 0;
        assert_eq!(was_tapped, expected.is_ok(), "{mode:?} and {wanted:?}");
        for exchanges in [fhir_exchanges(&stage), token_exchanges(&stage)] {
            let mut asked = exchanges.iter().map(|e| !claims(e.proof.as_deref().unwrap_or(".."))["enc_jwk"].is_null());
            assert!(asked.all(|asked| asked == (expected == Ok(true))), "{mode:?} and {wanted:?}");
        }
    }
}

#[test]
fn without_pinned_keys_nothing_is_believed() {
    let stage = stage_with(sandbox(SealMode::Required, 0), &[], |settings| settings.signer_kids.clear());
    assert_eq!(stage.begin().err().map(|error| error.code()), Some("KZ-U01"));
    let settings = |sandbox: &Sandbox| Settings {
        payload_encryption: PayloadEncryption::Require,
        ..kazasu_flows::settings(sandbox)
    };
    let refused = kazasu_flows::client(&settings(&stage.sandbox), stage.clock.clone());
    assert_eq!(refused.err().map(|error| error.code()), Some("KZ-U01"));
}
