//! Devices and servers whose clocks are years off: each cause has its own text, and nothing is said of a card by a clock
//! that is wrong.

use std::sync::Arc;
use std::time::Duration;

use kazasu::guidance::{Language, text};
use kazasu::qualify::{Access, DEFAULT_SCOPE, RecordKind, Settings};
use kazasu::session::{self, Warning};
use kazasu::time::{BUILT, Clock, UnixMillis};
use kazasu::{Cancellation, Error};
use kazasu_card_sim::Profile;
use kazasu_flows::peer::{self, Peer};
use kazasu_flows::trust::{Trust, new_key, server_of};
use kazasu_flows::{Stage, card, client, code, figures, key, member, start_sandbox};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

const DAY_MS: i64 = 86_400_000;
const YEAR_MS: i64 = 365 * DAY_MS;

/// A device whose clock says this.
struct Says(UnixMillis);

impl Clock for Says {
    fn now(&self) -> UnixMillis {
        self.0
    }

    fn sleep(&self, _duration: Duration, _cancellation: &Cancellation) {}
}

/// A certificate, a server's key, and settings; each row has one thing wrong at most, the clock aside.
struct Server {
    trust: Trust,
    certificate: Vec<u8>,
    own_key: Option<KeyPair>,
    pins_not_after: &'static str,
}

impl Server {
    fn new(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let trust = Trust::new();
        let certificate = trust.issue(&trust.key, change);
        Self { trust, certificate, own_key: None, pins_not_after: "2099-12-31" }
    }

    /// What a device comes to whose clock says `at`.
    fn met_by(&self, at: UnixMillis) -> &'static str {
        let (begun, bytes) = self.meets(at);
        let told = code(begun).unwrap_or("handled");
        assert!(told == "handled" || bytes == 0, "a server that is refused hears nothing");
        told
    }

    /// The same, and how many bytes of HTTP the server heard.
    fn meets(&self, at: UnixMillis) -> (Result<(), Error>, usize) {
        let config = Arc::new(server_of(self.certificate.clone(), self.own_key.as_ref().unwrap_or(&self.trust.key)));
        let peer = Peer::start(move |stream, heard| {
            let mut link = peer::accept(stream, &config)?;
            while let Some(asked) = heard.request(&mut link)? {
                peer::answer_well(&mut link, &asked)?;
            }
            Ok(())
        });
        let pins_not_after = self.pins_not_after.to_owned();
        let settings = Settings { pins_not_after, ..self.trust.settings(peer.port) };
        let begun = session::begin(client(&settings, Arc::new(Says(at))).expect("settings"), member());
        (begun.map(drop), peer.bytes())
    }
}

/// Valid for 90 days, the first of them 20 days after the build.
fn of_90_days(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2026, 11, 21), date_time_ymd(2027, 2, 19));
}

fn of_20_years(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2046, 1, 1));
}

fn over_before_the_build(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 2, 1));
}

#[test]
fn each_cause_has_its_own_code_whatever_the_clock_says() {
    let truth = BUILT.plus_ms(40 * DAY_MS);
    let clocks = [
        ("1970", UnixMillis(0)),
        ("-20 years", truth.plus_ms(-20 * YEAR_MS)),
        ("-1 year", truth.plus_ms(-YEAR_MS)),
        ("right", truth),
        ("+80 days", truth.plus_ms(80 * DAY_MS)),
        ("+1 year", truth.plus_ms(YEAR_MS)),
        ("+20 years", truth.plus_ms(20 * YEAR_MS)),
    ];
    let good = "handled";
    let stranger = || {
        let server = Server::new(of_90_days);
        Server { trust: Trust::new(), own_key: Some(server.trust.key), ..server }
    };
    let unpinned = || {
        let (server, own_key) = (Server::new(of_90_days), new_key());
        Server { certificate: server.trust.issue(&own_key, of_90_days), own_key: Some(own_key), ..server }
    };
    let elsewhere = || {
        Server::new(|params| {
            of_90_days(params);
            params.subject_alt_names = vec![rcgen::SanType::DnsName("other.example".try_into().expect("a name"))];
        })
    };
    let never_signs = || {
        Server::new(|params| {
            of_90_days(params);
            params.key_usages = vec![rcgen::KeyUsagePurpose::KeyEncipherment];
        })
    };
    let with_pins_until = |pins_not_after| Server { pins_not_after, ..Server::new(of_20_years) };
    let rows = [
        (
            "certificate of 90 days",
            Server::new(of_90_days),
            ["KZ-A04", "KZ-A04", "KZ-A04", good, "KZ-T03", "KZ-A04", "KZ-A04"],
        ),
        ("certificate of 20 years", Server::new(of_20_years), [good, good, good, good, good, good, "KZ-A04"]),
        ("pins until 2027-06-30", with_pins_until("2027-06-30"), [good, good, good, good, good, "KZ-T04", "KZ-A04"]),
        ("certificate over before the build", Server::new(over_before_the_build), ["KZ-T03"; 7]),
        ("unknown authority", stranger(), ["KZ-T03"; 7]),
        ("key not pinned", unpinned(), ["KZ-T03"; 7]),
        ("another host", elsewhere(), ["KZ-T03"; 7]),
        ("key that may not sign", never_signs(), ["KZ-T03"; 7]),
    ];
    figures::row(&format!(
        "| {:<34} | {} |",
        "server, by the device's clock",
        clocks.map(|(name, _)| format!("{name:>9}")).join(" | ")
    ));
    for (name, server, expected) in rows {
        let told = clocks.map(|(_, at)| server.met_by(at));
        figures::row(&format!("| {name:<34} | {} |", told.map(|code| format!("{code:>9}")).join(" | ")));
        assert_eq!(told, expected, "{name}");
    }
}

/// The operator forgot to renew it: no network and no clock is to blame, and nobody is in between.
#[test]
fn a_right_server_whose_certificate_is_over_is_told_apart_from_a_wrong_one() {
    use kazasu::error::ConnectionFault::{CertificateDates, PinMismatch, ServerCertificate};
    let at = |ms| BUILT.plus_ms(40 * DAY_MS).plus_ms(ms);
    let over = Server::new(of_90_days);
    let fault = |server: &Server, at| match server.meets(at).0.expect_err("refused") {
        Error::Connection(fault) => fault,
        other => panic!("{other}"),
    };
    assert_eq!(fault(&over, at(80 * DAY_MS)), CertificateDates);
    assert_eq!(fault(&Server::new(over_before_the_build), at(0)), CertificateDates);
    let unpinned = Server { own_key: Some(new_key()), ..Server::new(of_90_days) };
    let own_key = unpinned.own_key.as_ref().expect("a key");
    let unpinned = Server { certificate: unpinned.trust.issue(own_key, of_90_days), ..unpinned };
    assert_eq!(fault(&unpinned, at(0)), PinMismatch);
    assert_eq!(fault(&unpinned, at(80 * DAY_MS)), PinMismatch, "over, and not pinned: not the right one");
    let stranger = Server { trust: Trust::new(), ..Server::new(of_90_days) };
    let stranger = Server { certificate: Trust::new().issue(&stranger.trust.key, of_90_days), ..stranger };
    assert_eq!(fault(&stranger, at(80 * DAY_MS)), ServerCertificate);
    let told = |fault: kazasu::error::ConnectionFault| text(&fault.into(), Language::English);
    assert!(told(CertificateDates).contains("tell the provider") && told(PinMismatch).contains("public Wi-Fi"));
}

/// A sandbox, and a client whose pins outlast every clock here.
fn stage() -> Stage {
    Stage::of(start_sandbox(0), |settings| {
        settings.pins_not_after = "2099-12-31".to_owned();
        let records = RecordKind::Immunization.scope();
        settings.scope = Some(format!("{DEFAULT_SCOPE} {records} offline_access"));
    })
}

#[test]
fn a_device_whose_clock_is_years_off_qualifies_by_the_servers_time() {
    for years in [-56, -20, -1, 1, 18] {
        let stage = stage();
        stage.clock.advance(years * YEAR_MS);
        let qualified = stage.qualify(&card(Profile::Today, 1), 1).unwrap_or_else(|error| panic!("{years}: {error}"));
        assert_eq!(qualified.warnings, [Warning::DeviceClock], "{years}");
        assert!(qualified.answered_at.is_plausible(), "{years}");
    }
}

/// A server that does not tell the time refuses what is signed by a clock years off: to start again would not help.
#[test]
fn without_a_servers_time_the_clock_is_to_blame() {
    for years in [-20, 18] {
        let stage = stage();
        let hers = key();
        let saved = stage.access(1, &hers).expect("qualifies").take_unsaved().expect("a key").expect("tokens");
        stage.arm("wrong-date=soon");
        stage.clock.advance(years * YEAR_MS);
        let mut resumed = Access::resume(Arc::clone(&stage.client), hers, &saved).expect("metadata");
        assert_eq!(code(resumed.refresh()), Some("KZ-A04"), "{years}: a token");
        assert_eq!(code(resumed.records(RecordKind::Immunization, None)), Some("KZ-A04"), "{years}: records");
        // By the one clock the card has not begun, by the other it is over: neither is said.
        assert_eq!(code(stage.qualify(&card(Profile::Today, 1), 1)), Some("KZ-A04"), "{years}: a tap");
    }
}

#[test]
fn a_servers_date_says_nothing_of_the_card() {
    let chip = card(Profile::Today, 1);
    for (date, expected) in [
        ("Mon, 20 Nov 2006 00:00:00 GMT", None),
        ("Tue, 20 Nov 2046 00:00:00 GMT", None),
        // Nine years ahead might be: but then the device's clock is as doubtful.
        ("Tue, 20 Nov 2035 00:00:00 GMT", Some("KZ-A04")),
    ] {
        let stage = Stage::with_switches(&[&format!("wrong-date={date}")]);
        let met = stage.sign(&chip, 1);
        assert_eq!(code(met), expected, "{date}");
    }
    assert_eq!(chip.lock().expect("card").counters().verify_with_data, 2, "no PIN where nothing could be signed");
}

#[test]
fn what_was_saved_is_used_whatever_the_clock_says_later() {
    let stage = stage();
    let hers = key();
    let saved = stage.access(1, &hers).expect("qualifies").take_unsaved().expect("a key").expect("tokens");
    for years in [-20, 38] {
        stage.clock.advance(years * YEAR_MS);
        let mut access = Access::resume(Arc::clone(&stage.client), Arc::clone(&hers), &saved).expect("metadata");
        let found = access.records(RecordKind::Immunization, None);
        assert!(!found.unwrap_or_else(|error| panic!("{years}: {error}")).records.is_empty());
    }
}

/// Tokens that came while the clock was behind are not over when it is set right.
#[test]
fn tokens_of_a_wrong_clock_last() {
    let stage = stage();
    let hers = key();
    stage.clock.advance(-20 * YEAR_MS);
    let saved = stage.access(1, &hers).expect("qualifies").take_unsaved().expect("a key").expect("tokens");
    stage.clock.advance(20 * YEAR_MS);
    let mut access = Access::resume(Arc::clone(&stage.client), hers, &saved).expect("metadata");
    access.refresh().expect("renewed without a tap");
}
