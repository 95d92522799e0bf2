//! Nothing that names a person stands in a URL, in a log line, or in what a debugger prints.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use kazasu::fhir::{ConsentKind, ConsentTerms, ConsentTo, SuspensionReason};
use kazasu::qualify::{Notice, RecordKind, Suspension};
use kazasu::time::CalendarDate;
use kazasu_card_sim::people;
use kazasu_flows::{Stage, code, key};

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// One line of the log.
#[derive(Clone)]
struct Line {
    /// Target and text.
    text: String,
    /// Whether `kazasu::logging` lets it into a log.
    passes: bool,
}

/// Takes everything that the SDK and its libraries log, at `trace`.
struct Listener;

impl log::Log for Listener {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let passes = kazasu::logging::is_free_of_contents(record.metadata());
        LINES.lock().expect("lines").push(Line { text: format!("{} {}", record.target(), record.args()), passes });
    }

    fn flush(&self) {}
}

#[test]
fn no_identifier_stands_in_any_url_or_log_line() {
    log::set_logger(&Listener).expect("the only logger");
    log::set_max_level(log::LevelFilter::Trace);
    let stage = Stage::with_every_scope(&["records-503:1", "write-drop:1"]);
    let key = key();
    let mut access = stage.access(1, &key).expect("qualifies");
    let mut secrets = BTreeSet::from(["1234".to_owned(), access.patient().to_owned()]);
    for kind in RecordKind::ALL {
        let found = access.records(kind, None).expect("records");
        secrets.extend(found.records.iter().filter_map(|record| record.title().map(str::to_owned)));
    }
    let start = CalendarDate::in_japan(access.server_time());
    let to = ConsentTo::Providers(ConsentKind::Medication);
    let terms = ConsentTerms { to, start, end: start, notice_sha256: &"n".repeat(43), policy: "urn:x" };
    let request = access.prepare_consent(&terms).expect("terms");
    let consent = access.give_consent(&request).expect("given");
    access.withdraw_consent(&consent).expect("withdrawn");
    let request = access.prepare_registration(&Notice { id: "n".into(), text: "x".into() }).expect("randomness");
    let receipt = access.register(&request).expect("registered").receipt().expect("a receipt").to_owned();
    access.registration(&receipt).expect("an answer");
    secrets.insert(receipt);
    access.refresh().expect("renewed");
    let saved = access.take_unsaved().expect("a key").expect("new");
    let json: serde_json::Value = serde_json::from_slice(saved.as_bytes()).expect("JSON");
    for token in ["/access_token", "/refresh/token", "/suspension/token"] {
        secrets.insert(json["token"].pointer(token).and_then(|token| token.as_str()).expect("a token").to_owned());
    }
    secrets.insert(json["jkt"].as_str().expect("a thumbprint").to_owned());
    let now = access.server_time();
    let mut suspension = Suspension::prepare(&saved, SuspensionReason::Lost, None, now).expect("prepared");
    suspension.send(Arc::clone(&stage.client), key).expect("stopped");
    let person = people::person(1).expect("person 1");
    secrets.extend([person.name.to_string(), person.birth_date.to_string()]);

    // A copy: the server's threads log on.
    let heard = LINES.lock().expect("lines").clone();
    let lines: Vec<_> = heard.iter().filter(|line| line.passes).map(|line| &line.text).collect();
    let ours = lines.iter().filter(|line| line.starts_with("kazasu")).count();
    assert!(ours > 10, "the listener hears: {ours}");
    for secret in &secrets {
        // A four-digit PIN may be part of another number.
        let found =
            lines.iter().find(|line| if secret == "1234" { is_word(line, secret) } else { line.contains(secret) });
        assert!(found.is_none(), "{secret}: {found:?}");
    }
    // Bytes are logged in rows of sixteen, which only together hold a secret. The listener hears what must not pass:
    // otherwise nothing would be shown by its absence.
    let rows = |passes| heard.iter().filter(|line| line.passes == passes).map(tail).collect::<String>();
    let (told, kept) = (rows(true), rows(false));
    for secret in secrets.iter().filter(|secret| *secret != "1234") {
        assert!(!told.contains(secret), "{secret} in rows of bytes");
    }
    assert!(kept.contains(access.patient()) && kept.contains("POST./"), "the libraries log bytes at trace");
    for route in stage.sandbox.counters().by_route.keys() {
        assert!(!route.contains('?') && !secrets.iter().any(|secret| route.contains(secret)), "{route}");
    }
    let kept_out = heard.len() - lines.len();
    println!(
        "{} log lines, {ours} of ours, {kept_out} kept out, {} things that name the person",
        heard.len(),
        secrets.len()
    );
}

/// The sixteen characters at the end of a row of bytes.
fn tail(line: &Line) -> &str {
    line.text.get(line.text.len().saturating_sub(16)..).unwrap_or_default()
}

fn is_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word)
}

#[test]
fn what_a_server_tells_the_user_stays_text() {
    let stage = Stage::with_every_scope(&["outcome-html"]);
    let mut signed = stage.sign(&kazasu_flows::card(kazasu_card_sim::Profile::Today, 1), 1).expect("signs");
    assert_eq!(signed.server_text(), None);
    assert_eq!(code(signed.finish()), Some("KZ-Q06"));
    let text = signed.server_text().expect("a text");
    assert!(text.contains('<') && text.chars().count() <= 400, "as it was sent: {text}");
    stage.sandbox.disarm_all();
    signed.finish().expect("an answer");
    assert_eq!(signed.server_text(), None);
}
