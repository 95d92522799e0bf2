//! Where a search goes on: links in every form that leads to the same place, and what is left of it when a page cannot be had.

use std::io;
use std::sync::Arc;

use kazasu::Error;
use kazasu::qualify::{Access, RecordKind, Records, Settings};
use kazasu::session;
use kazasu::time::SystemClock;
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::peer::{self, Asked, DISCOVERY, Link, Peer};
use kazasu_flows::shapes::{self, PATIENT};
use kazasu_flows::trust::Trust;
use kazasu_flows::{Stage, card, client, member, pin_of, start_sandbox, tap};

/// What the second page is: a status and a body.
type Second = fn() -> (u16, String);

fn well() -> (u16, String) {
    (200, shapes::page("https://x.example/r4", "notices", "", 0, 1, None))
}

/// A server whose first page has 50 notices and this link, `ORIGIN` and `PORT` in it replaced, and whose second is found
/// behind `page=2` wherever below `/r4` that is asked for.
fn serve(trust: &Trust, link: &'static str, second: Second) -> Peer {
    let config = trust.server();
    Peer::start(move |stream, heard| {
        let mut tls = peer::accept(stream, &config)?;
        while let Some(asked) = heard.request(&mut tls)? {
            answer(&mut tls, &asked, link, second)?;
        }
        Ok(())
    })
}

fn answer(tls: &mut Link, asked: &Asked, link: &str, second: Second) -> io::Result<()> {
    let host = asked.header("host").unwrap_or_default();
    let port = host.rsplit(':').next().unwrap_or_default();
    match asked.path.as_str() {
        "/token" => {
            let token =
                r#"{"access_token":"mF_9.B5f-4.1JqM","token_type":"DPoP","expires_in":300,"patient":"PATIENT"}"#;
            peer::answer(tls, 200, &token.replace("PATIENT", PATIENT))
        }
        "/r4/ExplanationOfBenefit/_search" => {
            let next = link.replace("ORIGIN", &format!("https://{host}")).replace("PORT", port);
            let next = Some(next.as_str()).filter(|next| !next.is_empty());
            peer::answer(tls, 200, &shapes::page("https://x.example/r4", "notices", "", 0, 0, next))
        }
        path if path.starts_with("/r4") && path.ends_with("page=2") => {
            let (status, body) = second();
            peer::answer(tls, status, &body)
        }
        "/nonce" | DISCOVERY => peer::answer_well(tls, asked),
        _ => peer::answer(tls, 500, "{}"),
    }
}

fn access(settings: &Settings) -> Access {
    let client = client(settings, Arc::new(SystemClock)).expect("settings");
    let awaiting = session::begin(client, member()).expect("begins");
    let mut signed = tap(awaiting, &mut SimTransport::tap(card(Profile::Today, 1)), pin_of(1)).expect("signs");
    // This server answers no eligibility questions; the token was given before.
    assert!(signed.finish().is_err());
    signed.into_access().expect("access")
}

fn expenses(link: &'static str, second: Second) -> (Result<Records, Error>, Peer) {
    let trust = Trust::new();
    let peer = serve(&trust, link, second);
    (access(&trust.settings(peer.port)).records(RecordKind::Expense, None), peer)
}

#[test]
fn a_link_is_followed_however_it_is_written() {
    for link in [
        "ORIGIN/r4/ExplanationOfBenefit?page=2",
        "HTTPS://127.0.0.1:PORT/r4?page=2",
        "ORIGIN/r4/?page=2",
        "//127.0.0.1:PORT/r4/ExplanationOfBenefit?page=2",
        "/r4/ExplanationOfBenefit?page=2",
        "?page=2",
        "_search?page=2",
    ] {
        let (found, peer) = expenses(link, well);
        let found = found.expect(link);
        assert_eq!((found.records.len(), found.is_partial), (100, false), "{link}");
        assert_eq!(peer.connections(), 1, "{link}");
    }
}

#[test]
fn what_was_read_is_kept_when_a_link_leads_elsewhere() {
    for link in [
        "https://evil.example/r4?page=2",
        "https://127.0.0.1/r4?page=2",
        "http://127.0.0.1:PORT/r4?page=2",
        "https://127.0.0.1:PORT@evil.example/r4?page=2",
        "//evil.example/r4?page=2",
        "/admin?page=2",
        "../../admin?page=2",
        "ORIGIN/r4/%2e%2e/admin?page=2",
        "ORIGIN/r4?page=2#x",
        "ftp:page=2",
    ] {
        let (found, peer) = expenses(link, well);
        let found = found.expect(link);
        assert_eq!((found.records.len(), found.is_partial), (50, true), "{link}");
        assert_eq!(peer.connections(), 1, "{link}");
    }
}

#[test]
fn what_was_read_is_kept_when_a_later_page_is_none() {
    let nones: [(&str, Second); 7] = [
        ("gone", || (410, "{}".to_owned())),
        ("not found", || (404, String::new())),
        ("HTML", || (200, "<html>".to_owned())),
        ("no searchset", || (200, r#"{"resourceType":"Bundle","type":"batch"}"#.to_owned())),
        ("cut off behind good entries", || (200, well().1.trim_end_matches("]}").to_owned())),
        ("a member twice", || (200, well().1.replacen(r#""status":"active""#, r#""status":"active","status":"x""#, 1))),
        ("too dear", || (200, shapes::page("x", "one", "small objects", 1 << 20, 1, None))),
    ];
    for (name, second) in nones {
        let (found, _) = expenses("?page=2", second);
        let found = found.expect(name);
        assert_eq!((found.records.len(), found.is_partial), (50, true), "{name}");
    }
}

#[test]
fn a_later_page_that_can_be_asked_for_again_is_an_error() {
    let number = || {
        let identifier =
            r#""status":"active","contained":[{"identifier":[{"system":"my-number","value":"123456789018"}]}]"#;
        (200, well().1.replacen(r#""status":"active""#, identifier, 1))
    };
    let errors: [(Second, &str); 4] = [
        (|| (500, "{}".to_owned()), "KZ-Q01"),
        (|| (401, "{}".to_owned()), "KZ-A10"),
        (|| (403, "{}".to_owned()), "KZ-A11"),
        (number, "KZ-D05"),
    ];
    for (second, code) in errors {
        let (found, _) = expenses("?page=2", second);
        assert_eq!(found.err().map(|error| error.code()), Some(code));
    }
}

#[test]
fn the_base_may_be_written_in_any_form() {
    let trust = Trust::new();
    let peer = serve(&trust, "ORIGIN/r4/ExplanationOfBenefit?page=2", well);
    for base in ["HTTPS://127.0.0.1:PORT/r4", "https://127.0.0.1:PORT/r4/", "https://127.0.0.1:PORT/r4//"] {
        let fhir_base = base.replace("PORT", &peer.port.to_string());
        let found = access(&Settings { fhir_base, ..trust.settings(peer.port) }).records(RecordKind::Expense, None);
        let found = found.expect(base);
        assert_eq!((found.records.len(), found.is_partial), (100, false), "{base}");
    }
}

#[test]
fn the_metadata_may_name_the_base_in_another_form() {
    let sandbox = start_sandbox(0);
    sandbox.arm("discovery-missing".parse().expect("a switch"));
    let stage = Stage::of(sandbox, |settings| settings.fhir_base = settings.fhir_base.replace("https", "HTTPS") + "/");
    stage.begin().expect("the same resource (RFC 9728, 3.3), however the settings write it");
}
