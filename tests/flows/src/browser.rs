//! As much of a browser as a sign-in page needs: GET over TLS, and where it is sent on to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use kazasu_sandbox::Sandbox;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Opens `url` of the sandbox; its `Location`, and the whole answer.
pub fn open(sandbox: &Sandbox, url: &str) -> (Option<String>, String) {
    get(sandbox.tls_root_der(), url)
}

/// Opens `url` of a server that this root vouches for.
pub fn get(root_der: &[u8], url: &str) -> (Option<String>, String) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(root_der.to_vec())).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let rest = url.strip_prefix("https://").expect("https");
    let (authority, target) = rest.split_at(rest.find('/').expect("a path"));
    let host = authority.split(':').next().unwrap_or_default().to_owned();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from(host).expect("a host"));
    let socket = TcpStream::connect(authority).expect("the sandbox listens");
    let mut stream = StreamOwned::new(connection.expect("TLS"), socket);
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n").expect("sends");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let location = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
    });
    (location, answer)
}
