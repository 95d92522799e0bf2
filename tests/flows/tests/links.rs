//! Connections that die unnoticed, servers that are slow, handshakes that take their time: what a link costs, and that
//! nothing happens twice.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kazasu::Error;
use kazasu::fhir::{ConsentKind, ConsentTerms, ConsentTo};
use kazasu::jose::dpop::DeviceKey;
use kazasu::qualify::{Access, DEFAULT_SCOPE, QualifyClient, RecordKind, Settings, SignIn, TimeLimits};
use kazasu::session::{self, Member, Signed};
use kazasu::time::{CalendarDate, Clock, SystemClock};
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::relay::{Break, Relay, sandbox_behind_relay};
use kazasu_flows::trust::Trust;
use kazasu_flows::{browser, card, client, code, figures, key, pin_of, settings, tap};
use kazasu_sandbox::{Mode, Sandbox, Switch};

/// As for everybody, but for what a dead connection costs: tests wait for it often.
const LIMITS: TimeLimits = TimeLimits {
    connect: Duration::from_secs(5),
    tls: Duration::from_secs(10),
    answer: Duration::from_secs(1),
    total: Duration::from_secs(15),
};

/// A sandbox behind a relay, and a client with the clock of this computer.
struct Line {
    sandbox: Sandbox,
    relay: Relay,
    client: Arc<QualifyClient>,
}

impl Line {
    fn with(limits: TimeLimits) -> Self {
        let (sandbox, relay) = sandbox_behind_relay();
        let records = RecordKind::ALL.map(RecordKind::scope).join(" ");
        let mut settings = settings(&sandbox);
        settings.scope =
            Some(format!("{DEFAULT_SCOPE} {records} patient/Consent.crus patient/Task.crus offline_access"));
        settings.limits = limits;
        let client = client(&settings, Arc::new(SystemClock)).expect("settings");
        Self { sandbox, relay, client }
    }

    fn arm(&self, switch: &str) {
        self.sandbox.arm(switch.parse::<Switch>().expect("a switch"));
    }

    fn sign(&self, key: &Arc<dyn DeviceKey>) -> Result<Signed, Error> {
        let awaiting = session::begin(Arc::clone(&self.client), Member::new(Arc::clone(key)))?;
        tap(awaiting, &mut SimTransport::tap(card(Profile::Today, 1)), pin_of(1))
    }

    fn access(&self) -> Access {
        let mut signed = self.sign(&key()).expect("signs");
        signed.finish().expect("qualifies");
        signed.into_access().expect("after finish")
    }

    /// Requests to this route so far.
    fn asked(&self, route: &str) -> u64 {
        self.sandbox.counters().by_route.get(route).copied().unwrap_or_default()
    }
}

/// What it was, and how long it took.
fn timed<T>(case: &str, run: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let made = run();
    figures::row(&format!("| {case:<58} | {:6.2} s |", began.elapsed().as_secs_f64()));
    made
}

/// The phone changes networks between the nonce and the tap: with the limits that everybody has.
#[test]
fn a_connection_that_died_before_the_tap_is_replaced() {
    let line = Line::with(TimeLimits::default());
    let mut signed = line.sign(&key()).expect("signs");
    line.relay.break_all(Break::Silence);
    timed("died between begin and finish, default limits", || signed.finish()).expect("qualifies");
    let counters = line.sandbox.counters();
    assert_eq!((counters.assertions_accepted, counters.tokens_issued, counters.submits), (1, 1, 1));
    assert_eq!((counters.submits_repeated, counters.nonces, line.relay.connections()), (0, 1, 2));
}

#[test]
fn however_a_connection_ends_the_answer_comes_once() {
    for how in Break::ALL {
        let line = Line::with(LIMITS);
        let mut signed = line.sign(&key()).expect("signs");
        line.relay.break_all(how);
        timed(&format!("{how:?} before the token"), || signed.authorize()).expect("a token");
        let counters = line.sandbox.counters();
        // Where the request arrived, the same assertion got a fresh token in place of the first (wire contract 4.5).
        let arrived = u64::from(matches!(how, Break::SilentAnswers));
        assert_eq!(counters.tokens_issued, 1 + arrived, "{how:?}");
        assert_eq!((counters.nonces, counters.assertions_refused), (1, 0), "{how:?}");

        line.relay.break_all(how);
        timed(&format!("{how:?} before the question"), || signed.finish()).expect("qualifies");
        let counters = line.sandbox.counters();
        assert_eq!((counters.submits, counters.submits_repeated), (1, arrived), "{how:?}");
        assert_eq!(counters.tokens_issued, 1 + arrived, "{how:?}: no other token");
    }
}

#[test]
fn reading_writing_and_renewing_go_on_over_a_new_connection() {
    for how in [Break::Silence, Break::SilentAnswers] {
        let line = Line::with(LIMITS);
        let mut access = line.access();
        let arrived = u64::from(matches!(how, Break::SilentAnswers));

        line.relay.break_all(how);
        let found = timed(&format!("{how:?} before records"), || access.records(RecordKind::Immunization, None));
        assert!(!found.expect("records").records.is_empty());

        line.relay.break_all(how);
        timed(&format!("{how:?} before a refresh"), || access.refresh()).expect("renewed");

        let start = CalendarDate::in_japan(SystemClock.now());
        let to = ConsentTo::Providers(ConsentKind::Medication);
        let notice_sha256 = &"n".repeat(43);
        let terms = ConsentTerms { to, start, end: start.years_later(1), notice_sha256, policy: "urn:x" };
        let request = access.prepare_consent(&terms).expect("in order");
        line.relay.break_all(how);
        timed(&format!("{how:?} before a consent"), || access.give_consent(&request)).expect("given");
        let counters = line.sandbox.counters();
        assert_eq!((counters.writes, counters.writes_repeated), (1, arrived), "{how:?}");
        assert_eq!(access.consents().expect("read").len(), 1, "{how:?}");
    }
}

/// A code counts once, so that nothing can be repeated: it never goes out on a connection that waited for the browser.
#[test]
fn a_code_is_redeemed_on_a_new_connection() {
    let (sandbox, relay) = kazasu_flows::relay::behind_relay(|options| options.modes = vec![Mode::Oidc]);
    let mut settings = settings(&sandbox);
    settings.redirect_uri = Some("https://app.kazasu.example/callback".to_owned());
    let client = client(&settings, Arc::new(SystemClock)).expect("settings");
    let sign_in = SignIn::begin(client, key()).expect("begins");
    let (location, page) = browser::open(&sandbox, &format!("{}&person=1", sign_in.url()));
    let location = location.unwrap_or_else(|| panic!("no redirect: {page}"));
    relay.break_all(Break::Silence);
    timed("Silence before a code is redeemed", || sign_in.redeem(&location)).map(drop).expect("signs in");
    assert_eq!(sandbox.counters().by_route.get("POST /token"), Some(&1), "sent once");
}

/// Nothing is dead: the answer only takes longer than a used connection may be silent.
#[test]
fn a_slow_server_is_served_right_and_asked_no_more_than_needed() {
    // The question is at work when it comes again: 409 until it is done.
    let line = Line::with(LIMITS);
    let mut signed = line.sign(&key()).expect("signs");
    line.arm("submit-slow=4000");
    timed("question answered after 4 s", || signed.finish()).expect("qualifies");
    let counters = line.sandbox.counters();
    assert_eq!((counters.submits, counters.submits_repeated, counters.tokens_issued), (1, 1, 1), "one question");
    assert!(line.asked("POST /r4/CoverageEligibilityRequest/$submit") > 2, "and it was asked for while it was at work");

    let line = Line::with(LIMITS);
    let mut signed = line.sign(&key()).expect("signs");
    line.arm("slow:2=2000");
    timed("token after 2 s", || signed.finish()).expect("qualifies");
    let counters = line.sandbox.counters();
    assert_eq!((counters.submits, counters.nonces), (1, 1), "one tap");
    assert_eq!(counters.assertions_accepted, 2, "the second of them is the one that counts");

    // It has shown that it is slow: nothing is sent twice any more.
    let mut access = signed.into_access().expect("after finish");
    let before = line.sandbox.counters().requests;
    line.arm("slow:1=2000");
    access.refresh().expect("renewed");
    assert_eq!(line.sandbox.counters().requests - before, 1);
}

/// TLS that answers after 5.5 s, as small servers do that wake up first: TCP alone has 5 s.
#[test]
fn a_slow_handshake_has_a_limit_of_its_own() {
    let line = Line::with(TimeLimits::default());
    line.relay.delay_first_byte(Duration::from_millis(5500));
    timed("TLS answers after 5.5 s, default limits", || line.sign(&key())).map(drop).expect("the nonce");

    for (tls_ms, expected) in [(300, Some("KZ-T05")), (3000, None)] {
        let line = Line::with(TimeLimits { tls: Duration::from_millis(tls_ms), ..LIMITS });
        line.relay.delay_first_byte(Duration::from_millis(1000));
        let met = timed(&format!("TLS answers after 1 s, limit {tls_ms} ms"), || line.sign(&key()));
        assert_eq!(code(met), expected, "{tls_ms}");
        assert_eq!(line.asked("POST /nonce"), u64::from(expected.is_none()));
    }
}

/// A port whose queue is full answers no SYN, as a firewall that drops does.
#[test]
fn a_connection_that_is_never_made_has_a_limit_of_its_own() {
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("loopback");
    full.listen(0).expect("listens");
    let address = full.local_addr().expect("bound").as_socket().expect("an address");
    let queued: Vec<_> = (0..8)
        .map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(100)))
        .take_while(Result::is_ok)
        .collect();
    assert!(queued.len() < 8, "the queue is full");
    let limits = TimeLimits { connect: Duration::from_millis(300), ..LIMITS };
    let client = client(&Settings { limits, ..Trust::new().settings(address.port()) }, Arc::new(SystemClock));
    let member = Member::new(key());
    let met = timed("TCP never answers, limit 300 ms", || session::begin(client.expect("settings"), member));
    assert_eq!(code(met), Some("KZ-T05"));
}

/// A total that is set holds for the whole request, whatever the parts may take.
#[test]
fn the_total_ends_every_part() {
    let line = Line::with(TimeLimits { total: Duration::from_millis(900), ..LIMITS });
    line.relay.delay_first_byte(Duration::from_secs(5));
    let met = timed("TLS answers after 5 s, total 0.6 s for metadata", || line.sign(&key()));
    assert_eq!(code(met), Some("KZ-T05"));
}
