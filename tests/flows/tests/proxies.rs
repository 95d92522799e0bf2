//! Proxies that connect, refuse and misbehave: one row, one code. `tests/interop/test_proxy.py` has a real one.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use kazasu::Error;
use kazasu::error::ConnectionFault;
use kazasu::qualify::{Settings, TimeLimits};
use kazasu::session;
use kazasu_flows::peer::{self, Heard, Peer};
use kazasu_flows::trust::{Trust, server_of};
use kazasu_flows::{VirtualClock, client, figures, member};

/// What nobody but the proxy can resolve (RFC 6761, 6.4).
const NAME: &str = "server.invalid";
const LIMITS: TimeLimits = TimeLimits {
    connect: Duration::from_secs(1),
    tls: Duration::from_secs(2),
    answer: Duration::from_secs(1),
    total: Duration::from_secs(15),
};

/// Reads the request to connect: everything up to the empty line.
fn asked(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Joins both ends until one of them closes.
fn tunnel(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || io::copy(&mut from, &mut to));
    let (mut from, mut to) = (server, client);
    io::copy(&mut from, &mut to).map(drop)
}

/// A server that only the proxy reaches, and what `begin` comes to through it.
fn through(
    play: impl Fn(&mut TcpStream, u16) -> io::Result<bool> + Send + Sync + 'static,
) -> (Result<(), Error>, usize) {
    let trust = Trust::new();
    let certificate = trust.issue(&trust.key, |params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName(NAME.try_into().expect("a name"))];
    });
    let config = Arc::new(server_of(certificate, &trust.key));
    let server = Peer::start(move |stream, heard: &Heard| {
        let mut link = peer::accept(stream, &config)?;
        while let Some(asked) = heard.request(&mut link)? {
            peer::answer_well(&mut link, &asked)?;
        }
        Ok(())
    });
    let port = server.port;
    let proxy = Peer::start(move |mut stream, _| {
        let head = asked(&mut stream)?;
        assert_eq!(head, format!("CONNECT {NAME}:{port} HTTP/1.1\r\nHost: {NAME}:{port}\r\n\r\n"));
        if play(&mut stream, port)? {
            tunnel(stream, TcpStream::connect(("127.0.0.1", port))?)?;
        }
        Ok(())
    });
    let at = format!("https://{NAME}:{port}");
    let settings = Settings {
        fhir_base: format!("{at}/r4"),
        issuer: at,
        proxy: Some(format!("127.0.0.1:{}", proxy.port)),
        limits: LIMITS,
        ..trust.settings(port)
    };
    let client = client(&settings, Arc::new(VirtualClock::default())).expect("settings");
    (session::begin(client, member()).map(drop), server.bytes())
}

/// Sends these bytes and closes.
fn says(bytes: &'static [u8]) -> (Result<(), Error>, usize) {
    through(move |client, _| client.write_all(bytes).map(|()| false))
}

/// Sends these bytes and connects.
fn connects_after(bytes: &'static [u8]) -> (Result<(), Error>, usize) {
    through(move |client, _| client.write_all(bytes).map(|()| true))
}

/// The same again and again, this long apart.
fn pours(begins: &'static [u8], part: &'static [u8], apart: Duration) -> (Result<(), Error>, usize) {
    through(move |client, _| {
        client.write_all(begins)?;
        loop {
            client.write_all(part)?;
            std::thread::sleep(apart);
        }
    })
}

const fn refused(status: Option<u16>) -> Result<(), Error> {
    Err(Error::Connection(ConnectionFault::Proxy { status }))
}

#[test]
fn every_proxy_of_the_table_gives_its_code() {
    type Play = fn() -> (Result<(), Error>, usize);
    let not_proven = || Err(ConnectionFault::ServerCertificate.into());
    let rows: [(&str, Result<(), Error>, Play); 18] = [
        ("connects, and knows the name", Ok(()), || connects_after(b"HTTP/1.1 200 Connection established\r\n\r\n")),
        ("HTTP/1.0, headers", Ok(()), || connects_after(b"HTTP/1.0 200 OK\r\nVia: x\r\nContent-Length: 9\r\n\r\n")),
        ("204", Ok(()), || connects_after(b"HTTP/1.1 204 x\r\n\r\n")),
        ("407", refused(Some(407)), || says(b"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n")),
        ("403", refused(Some(403)), || says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno.\n")),
        ("502", refused(Some(502)), || says(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")),
        ("redirect", refused(Some(302)), || says(b"HTTP/1.1 302 x\r\nLocation: https://portal.example/\r\n\r\n")),
        ("100", refused(Some(100)), || says(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")),
        ("garbage", refused(None), || says(b"\x16\x03\x03\x00\x02\x02\x28\r\n\r\n")),
        ("SSH", refused(None), || says(b"SSH-2.0-x\r\n")),
        ("closes at once", refused(None), || says(b"")),
        ("cut off", refused(None), || says(b"HTTP/1.1 200 OK\r\nVia:")),
        ("never answers", refused(None), || {
            through(|client, _| {
                peer::wait_for_the_end(client);
                Ok(false)
            })
        }),
        ("header without end", refused(None), || pours(b"HTTP/1.1 200 OK\r\nX: ", &[b'y'; 4096], Duration::ZERO)),
        ("headers without end", refused(None), || pours(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", Duration::ZERO)),
        ("a byte each 0.2 s", refused(None), || pours(b"HTTP/1.1 200 OK\r\n", b"x", Duration::from_millis(200))),
        ("200, then plain text", not_proven(), || {
            says(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        }),
        ("200, then a server of its own", not_proven(), || {
            through(|client, _| {
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                let stranger = Trust::new();
                let config = Arc::new(server_of(stranger.issue(&stranger.key, |_| ()), &stranger.key));
                peer::accept(client.try_clone()?, &config).map(|_| false)
            })
        }),
    ];
    figures::row("| proxy | code | |");
    for (name, expected, play) in rows {
        let (met, heard) = play();
        let told = met.as_ref().err().map_or_else(String::new, Error::to_string);
        figures::row(&format!("| {name} | {} | {told} |", met.as_ref().err().map_or("handled", Error::code)));
        assert_eq!(met, expected, "{name}");
        assert!(expected.is_ok() || heard == 0, "{name}: {heard} bytes of HTTP were heard");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_told_as_the_proxy() {
    let trust = Trust::new();
    // Bound and closed again: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound").port();
    for proxy in [format!("127.0.0.1:{port}"), "proxy.invalid:3128".to_owned()] {
        let settings = Settings { proxy: Some(proxy.clone()), ..trust.settings(port) };
        let client = client(&settings, Arc::new(VirtualClock::default())).expect("settings");
        assert_eq!(session::begin(client, member()).map(drop), refused(None), "{proxy}");
    }
}
