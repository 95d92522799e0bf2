//! A server that sends the worst JSON there is, as a process of its own: its memory is not the client's.
//!
//! Says how it is reached in one line of JSON, then the length of every body it sends, until its input ends. What it sends
//! is chosen by the client's FHIR base: `https://127.0.0.1:PORT/PLACE/SHAPE/BYTES/PAGES/r4`, spaces written as `_`.

use std::io::{self, Write};

use base64ct::{Base64, Encoding};
use kazasu_flows::peer::{self, Asked, Link, Peer};
use kazasu_flows::shapes::{self, PATIENT};
use kazasu_flows::trust::Trust;
use serde_json::json;

fn main() {
    let trust = Trust::new();
    let config = trust.server();
    let server = Peer::start(move |stream, heard| {
        let mut link = peer::accept(stream, &config)?;
        while let Some(asked) = heard.request(&mut link)? {
            answer(&mut link, &asked)?;
        }
        Ok(())
    });
    let settings = trust.settings(server.port);
    let root = Base64::encode_string(&settings.tls_roots[0]);
    println!("{}", json!({"port": server.port, "root": root, "pins": settings.pins}));
    let _ = io::stdin().lines().count();
}

fn answer(link: &mut Link, asked: &Asked) -> io::Result<()> {
    let origin = format!("https://{}", asked.header("host").unwrap_or_default());
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let parts: Vec<String> = path.trim_start_matches('/').split('/').map(|part| part.replace('_', " ")).collect();
    let number = query.strip_prefix("page=").and_then(|page| page.parse().ok()).unwrap_or(0_usize);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts[..] {
        ["nonce"] => {
            send(link, 200, r#"{"nonce":"grsUKmVPhUi-bUjaMS5InxrVs51hSBtjkJx0yDxMWxg","expires_in":300}"#.to_owned())
        }
        ["token"] => send(
            link,
            200,
            json!({"access_token": "mF_9.B5f-4.1JqM", "token_type": "DPoP", "expires_in": 600, "patient": PATIENT,
                "scope": "patient/ExplanationOfBenefit.rs"})
            .to_string(),
        ),
        [place, shape, bytes, pages, "r4", ref rest @ ..] => {
            let size: usize = bytes.parse().unwrap_or(0);
            let base = format!("{origin}/{place}/{}/{bytes}/{pages}/r4", shape.replace(' ', "_"));
            let with = |start: &str| format!("{{{start},\"x\":{}}}", shapes::shape(shape, size));
            match (place, rest) {
                ("metadata", [_, "smart-configuration"]) => send(link, 200, with(&metadata(&origin))),
                (_, [_, "smart-configuration"]) => send(link, 200, format!("{{{}}}", metadata(&origin))),
                ("capability", ["metadata"]) => {
                    send(link, 200, with(r#""resourceType":"CapabilityStatement","fhirVersion":"4.0.1""#))
                }
                ("error", [.., "$submit"]) => send(
                    link,
                    400,
                    with(r#""resourceType":"OperationOutcome","issue":[{"severity":"error","code":"structure"}]"#),
                ),
                (_, [.., "$submit"]) => {
                    let patient = format!(r#""patient":{{"reference":"Patient/{PATIENT}"}}"#);
                    send(
                        link,
                        200,
                        with(&format!(
                            r#""resourceType":"CoverageEligibilityResponse","outcome":"complete",{patient}"#
                        )),
                    )
                }
                _ => {
                    let count: usize = pages.parse().unwrap_or(1);
                    let next = (number + 1 < count).then(|| format!("{base}/ExplanationOfBenefit?page={}", number + 1));
                    send(link, 200, shapes::page(&base, place, shape, size, number, next.as_deref()))
                }
            }
        }
        _ => send(link, 404, "{}".to_owned()),
    }
}

/// The members of the metadata, without braces.
fn metadata(origin: &str) -> String {
    let json = json!({"issuer": origin, "token_endpoint": format!("{origin}/token"),
        "nonce_endpoint": format!("{origin}/nonce"),
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]});
    json.to_string().trim_start_matches('{').trim_end_matches('}').to_owned()
}

/// In chunks, so that the client learns the length at the end.
fn send(link: &mut Link, status: u16, body: String) -> io::Result<()> {
    println!("{}", body.len());
    write!(link, "HTTP/1.1 {status} -\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    for chunk in body.as_bytes().chunks(32 << 10) {
        write!(link, "{:x}\r\n", chunk.len())?;
        link.write_all(chunk)?;
        link.write_all(b"\r\n")?;
    }
    link.write_all(b"0\r\n\r\n")?;
    link.flush()
}
