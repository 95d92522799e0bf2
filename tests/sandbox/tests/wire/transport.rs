//! Below HTTP: protocol version, certificates, connections, the log.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64ct::{Base64, Encoding};
use der::{Decode, Encode};
use kazasu_sandbox::{LogTarget, Options, Switch, SwitchName};
use rustls::CertificateError;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;

use crate::card::random_id;
use crate::client::write_request;
use crate::device::{inquiry, started, started_with};

#[test]
fn tls_1_2_is_refused() {
    let (sandbox, _device) = started();
    let connect = |version: &str| {
        Command::new("openssl")
            .args(["s_client", version, "-connect", &sandbox.address().to_string()])
            .stdin(Stdio::null())
            .output()
    };
    let Ok(output) = connect("-tls1_2") else { return eprintln!("openssl is not installed: not tested") };
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("protocol version"), "{output:?}");
    assert!(connect("-tls1_3").unwrap().status.success());
}

/// Completes a handshake and gives the pin of the served key.
fn served_pin(device: &crate::device::Device) -> std::io::Result<String> {
    let mut stream = device.client.connect()?;
    write_request(&mut stream, "GET", "/jwks.json", &[], b"", true)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let leaf = Certificate::from_der(&stream.conn.peer_certificates().unwrap()[0]).unwrap();
    let spki = leaf.tbs_certificate().subject_public_key_info().to_der().unwrap();
    Ok(Base64::encode_string(&Sha256::digest(spki)))
}

#[test]
fn pins_are_those_of_the_served_and_the_backup_key() {
    let (sandbox, device) = started();
    let pins = sandbox.pins();
    assert_eq!(served_pin(&device).unwrap(), pins[0]);
    sandbox.arm(Switch::times(SwitchName::TlsBackupKey, 1));
    assert_eq!(served_pin(&device).unwrap(), pins[1]);
    sandbox.arm(Switch::times(SwitchName::TlsOtherKey, 1));
    assert!(!pins.contains(&served_pin(&device).unwrap()));
    assert_eq!(served_pin(&device).unwrap(), pins[0]);
}

#[test]
fn wrong_certificates_are_noticed_by_a_careful_client() {
    let (sandbox, device) = started();
    for name in [SwitchName::TlsWrongName, SwitchName::TlsExpired, SwitchName::TlsUntrusted] {
        sandbox.arm(Switch::times(name, 1));
        let error = served_pin(&device).unwrap_err();
        let error = error.get_ref().unwrap().downcast_ref::<rustls::Error>().unwrap();
        let rustls::Error::InvalidCertificate(error) = error else { panic!("{name}: {error}") };
        let noticed = match name {
            SwitchName::TlsWrongName => matches!(error, CertificateError::NotValidForNameContext { .. }),
            SwitchName::TlsExpired => matches!(error, CertificateError::ExpiredContext { .. }),
            _ => matches!(error, CertificateError::BadSignature | CertificateError::UnknownIssuer),
        };
        assert!(noticed, "{name}: {error:?}");
    }
    assert!(served_pin(&device).is_ok());
}

#[test]
fn connection_is_kept_alive() {
    let (sandbox, device) = started();
    let mut stream = device.client.connect().unwrap();
    for _ in 0..3 {
        write_request(&mut stream, "GET", "/jwks.json", &[], b"", false).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"{\"keys\":[]}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
    }
    let counters = sandbox.counters();
    assert_eq!((counters.connections, counters.requests), (1, 3));
}

#[test]
fn log_has_a_line_for_each_request_and_nothing_personal() {
    let lines = Arc::new(Mutex::new(Vec::<String>::new()));
    let log = LogTarget::Callback(Box::new({
        let lines = Arc::clone(&lines);
        move |line| lines.lock().unwrap().push(line.to_owned())
    }));
    let (sandbox, device) = started_with(Options { log, ..Options::default() });
    let token = device.sign_in(2);
    device.submit(&token, &random_id(), &inquiry(&token, &[]));
    let access = token["access_token"].as_str().unwrap();
    device.call("GET", "/r4/Coverage/cov-02", access, &[], "").unwrap();
    device.client.get("/r4/Patient/p-c20b5e");
    device.token("abc");
    let found = device.search(&token, "ExplanationOfBenefit", "patient=Patient/p-c20b5e&_count=30").json();
    crate::records::follow(&device, &token, &found).unwrap();
    let given = device.create(&token, "Consent", &[], &crate::consent::consent(&token, "medication")).json();
    device.get(&token, &format!("/r4/Consent/{}", given["id"].as_str().unwrap()), &[]);
    let lines = lines.lock().unwrap().clone();
    let listening: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        (&listening["issuer"], &listening["fhir_base"]),
        (&sandbox.issuer().into(), &sandbox.fhir_base().into())
    );
    assert_eq!(
        lines[1..],
        [
            "POST /nonce 200 nonce issued",
            "POST /token 200 assertion accepted",
            "POST /r4/CoverageEligibilityRequest/$submit 200 complete KZ-Q04",
            "GET /r4/Coverage/<id> 200 read",
            "GET - 404 no such resource KZ-U01",
            "POST /token 400 assertion is not a JWS KZ-A05",
            &format!("POST /r4/ExplanationOfBenefit/_search 200 {} found", found["total"]),
            "GET /r4/ExplanationOfBenefit 200 next page",
            "POST /r4/Consent 201 consent given",
            "GET /r4/Consent/<id> 200 read",
        ]
    );
}

#[test]
fn stopped_server_no_longer_listens() {
    let (sandbox, device) = started();
    let address = sandbox.address();
    let _idle = device.client.connect().unwrap();
    sandbox.stop();
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(std::net::TcpListener::bind(address).is_ok());
}
