//! Servers that must be refused, servers that misbehave, and what the SDK makes of each: one row, one code.
//!
//! A server that is refused hears no HTTP at all. `tests/interop/test_tls.py` has other TLS stacks play some of these.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kazasu::qualify::{OnPinsExpired, Pinning, Settings};
use kazasu::session;
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::heap::{self, Counting};
use kazasu_flows::openssl::{self, Odd};
use kazasu_flows::peer::{self, Asked, DISCOVERY, Link, Peer};
use kazasu_flows::trust::{Trust, for_loopback, new_key, pin_of_key, server_of};
use kazasu_flows::{Stage, VirtualClock, card, client, member, pin_of, start_sandbox, tap};
use rcgen::{KeyUsagePurpose, date_time_ymd};
use rustls::{ContentType, HandshakeKind, ServerConfig};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// `begin` succeeded.
const HANDLED: &str = "handled";

/// What is played, the code it must give, and what plays it and tells the code it gave.
type Row = (&'static str, &'static str, fn() -> String);

const ROWS: &[Row] = &[
    ("pinned key", HANDLED, || refused(|_, _| ())),
    ("backup pin", HANDLED, || meets(|trust| server_of(trust.issue(&trust.backup, |_| ()), &trust.backup))),
    ("pin no longer in the set", "KZ-T03", || {
        refused(|trust, settings| settings.pins = vec![pin_of_key(&trust.backup), pin_of_key(&new_key())])
    }),
    ("pin set expired", "KZ-T04", || refused(|_, settings| settings.pins_not_after = "2026-01-31".to_owned())),
    ("pin set expired, web_pki", "handled, pinning expired", qualifies_without_pins),
    ("pin set expired, web_pki, unknown authority", "KZ-T03", || {
        refused(|_, settings| {
            let stranger = Trust::new().settings(0);
            (settings.tls_roots, settings.on_pins_expired) = (stranger.tls_roots, OnPinsExpired::WebPki);
            settings.pins_not_after = "2026-01-31".to_owned();
        })
    }),
    ("expired", "KZ-T03", || {
        meets(|trust| server_of(trust.issue(&trust.key, |p| p.not_after = date_time_ymd(2026, 2, 1)), &trust.key))
    }),
    ("not yet valid", "KZ-T03", || {
        meets(|trust| server_of(trust.issue(&trust.key, |p| p.not_before = date_time_ymd(2040, 1, 1)), &trust.key))
    }),
    ("wrong host", "KZ-T03", || {
        meets(|trust| {
            let other = |p: &mut rcgen::CertificateParams| {
                p.subject_alt_names = vec![rcgen::SanType::DnsName("other.example".try_into().expect("a name"))];
            };
            server_of(trust.issue(&trust.key, other), &trust.key)
        })
    }),
    ("certificate for clients", "KZ-T03", || {
        meets(|trust| {
            let other = |p: &mut rcgen::CertificateParams| {
                p.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
            };
            server_of(trust.issue(&trust.key, other), &trust.key)
        })
    }),
    ("key usage: keyEncipherment", "KZ-T03", || usage(&[KeyUsagePurpose::KeyEncipherment])),
    ("key usage: keyAgreement", "KZ-T03", || usage(&[KeyUsagePurpose::KeyAgreement])),
    ("key usage: contentCommitment", "KZ-T03", || usage(&[KeyUsagePurpose::ContentCommitment])),
    ("key usage: that of an authority", "KZ-T03", || usage(&[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign])),
    ("key usage: digitalSignature", HANDLED, || usage(&[KeyUsagePurpose::DigitalSignature])),
    ("key usage: digitalSignature, keyEncipherment", HANDLED, || {
        usage(&[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment])
    }),
    ("no key usage", HANDLED, || usage(&[])),
    ("self-signed, pinned key", "KZ-T03", || {
        meets(|trust| {
            let lone = for_loopback().self_signed(&trust.key).expect("signs");
            server_of(lone.der().to_vec(), &trust.key)
        })
    }),
    ("unknown authority of the same name", "KZ-T03", || {
        meets(|trust| server_of(Trust::new().issue(&trust.key, |_| ()), &trust.key))
    }),
    ("TLS 1.2 only", "KZ-T02", || s_server("tls12", &Odd { key: P256, hash: "-sha256", server: &["-tls1_2"] })),
    ("TLS 1.2 with renegotiation", "KZ-T02", || {
        let server = &["-tls1_2", "-legacy_renegotiation", "-client_renegotiation"];
        s_server("renegotiation", &Odd { key: P256, hash: "-sha256", server })
    }),
    ("RSA-1024", "KZ-T03", || {
        s_server("rsa1024", &Odd { key: &["rsa:1024"], hash: "-sha256", server: &["-cipher", "DEFAULT@SECLEVEL=0"] })
    }),
    ("SHA-1", "KZ-T03", || {
        s_server("sha1", &Odd { key: P256, hash: "-sha1", server: &["-cipher", "DEFAULT@SECLEVEL=0"] })
    }),
    ("as the four before, nothing wrong", HANDLED_BY_S_SERVER, || {
        s_server("well", &Odd { key: P256, hash: "-sha256", server: &["-tls1_3", "-www"] })
    }),
    ("0-RTT offered", "handled, each handshake full", never_resumes),
    ("KeyUpdate in the middle of an answer", HANDLED, || {
        plays(DISCOVERY, |link, asked| {
            link.conn.refresh_traffic_keys().map_err(io::Error::other)?;
            peer::answer_well(link, asked)
        })
    }),
    ("HelloRequest", "KZ-T01", || injects(ContentType::Handshake, &[0, 0, 0, 0])),
    ("ClientHello from the server", "KZ-T01", || injects(ContentType::Handshake, &[1, 0, 0, 0])),
    ("TLS record of an unknown type", "KZ-T01", || injects(ContentType::Unknown(99), &[0; 8])),
    ("alert of an unknown level", "KZ-T01", || injects(ContentType::Alert, &[9, 9])),
    ("closed at the handshake", "KZ-T01", || begins(&Trust::new(), Peer::start(|_, _| Ok(())), |_| ())),
    ("no TLS", "KZ-T03", || {
        begins(
            &Trust::new(),
            Peer::start(|mut link, _| {
                let _ = link.read(&mut [0; 512]);
                peer::answer(&mut link, 200, "{}")
            }),
            |_| (),
        )
    }),
    ("body cut off, close_notify", "KZ-T01", || plays(DISCOVERY, |link, _| cut(link, "Content-Length: 99", true))),
    ("body cut off, no close_notify", "KZ-T01", || plays(DISCOVERY, |link, _| cut(link, "Content-Length: 99", false))),
    ("chunk cut off, close_notify", "KZ-T01", || {
        plays(DISCOVERY, |link, _| cut(link, "Transfer-Encoding: chunked", true))
    }),
    ("body without length, no close_notify", "KZ-T01", || plays(DISCOVERY, |link, _| cut(link, "X: y", false))),
    ("body without length, connection reset", "KZ-T01", || plays(DISCOVERY, |link, _| reset(link))),
    ("one byte a second, for ever", "KZ-T05", || plays(DISCOVERY, |link, _| drip(link))),
    ("1 GB", "KZ-D04", || plays(DISCOVERY, |link, _| pour(link, "Content-Length: 1000000000\r\n\r\n", &[b' '; 4096]))),
    ("1 GB in chunks", "KZ-D04", || {
        let chunk = [b"1000\r\n", &[b' '; 4096][..], b"\r\n"].concat();
        plays(DISCOVERY, move |link, _| pour(link, "Transfer-Encoding: chunked\r\n\r\n", &chunk))
    }),
    ("header without end", "KZ-D04", || plays(DISCOVERY, |link, _| pour(link, "X: ", &[b'y'; 4096]))),
    ("gzip, not asked for", "KZ-D01", || {
        plays(DISCOVERY, |link, asked| {
            assert_eq!(asked.header("accept-encoding"), None);
            gzip_bomb(link)
        })
    }),
    ("redirect of the metadata", "KZ-T03, the other heard nothing", || redirects(DISCOVERY)),
    ("redirect of the nonce", "KZ-T03, the other heard nothing", || redirects("/nonce")),
    ("redirect of the token", "KZ-T03, the other heard nothing", || redirects("/token")),
];

const P256: &[&str] = &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
/// `s_server` has no metadata.
const HANDLED_BY_S_SERVER: &str = "KZ-D01";
const NOT_RUN: &str = "not run";

#[test]
fn every_server_of_the_matrix_gives_its_code() {
    memory_stays_flat();
    let workers: Vec<_> =
        ROWS.iter().map(|(name, expected, play)| (name, expected, std::thread::spawn(*play))).collect();
    let (mut right, mut run) = (0, 0);
    println!("| server | expected | got |\n|---|---|---|");
    for (name, expected, worker) in workers {
        let got = worker.join().unwrap_or_else(|_| "panic".to_owned());
        println!("| {name} | {expected} | {got} |");
        run += usize::from(got != NOT_RUN);
        right += usize::from(got == *expected);
    }
    println!("| {right} of {run} servers | | |");
    assert_eq!(right, run);
}

/// Before any other row, as it counts what both ends take: much less than any of the bodies.
fn memory_stays_flat() {
    for name in ["pinned key", "1 GB", "1 GB in chunks", "header without end", "gzip, not asked for"] {
        let (_, _, play) = ROWS.iter().find(|(row, ..)| *row == name).expect("a row");
        let peak = heap::peak_of(|| drop(play()));
        println!("{name}: {peak} bytes of memory at most");
        assert!(peak < 2_000_000, "{name}: {peak}");
    }
}

/// The code with which `begin` ends.
fn begins(trust: &Trust, peer: Peer, change: impl FnOnce(&mut Settings)) -> String {
    let mut settings = trust.settings(peer.port);
    change(&mut settings);
    let client = client(&settings, Arc::new(VirtualClock::default())).expect("settings");
    session::begin(client, member()).err().map_or(HANDLED, |error| error.code()).to_owned()
}

/// A server as it should be, but for what `odd` does at one path.
fn server(
    config: ServerConfig,
    path: &'static str,
    odd: impl Fn(&mut Link, &Asked) -> io::Result<()> + Send + Sync + 'static,
) -> Peer {
    let config = Arc::new(config);
    Peer::start(move |stream, heard| {
        let mut link = peer::accept(stream, &config)?;
        while let Some(asked) = heard.request(&mut link)? {
            if asked.path == path { odd(&mut link, &asked) } else { peer::answer_well(&mut link, &asked) }?;
        }
        Ok(())
    })
}

/// A trusted server that is odd at one path.
fn plays(path: &'static str, odd: impl Fn(&mut Link, &Asked) -> io::Result<()> + Send + Sync + 'static) -> String {
    let trust = Trust::new();
    let config = server_of(trust.issue(&trust.key, |_| ()), &trust.key);
    begins(&trust, server(config, path, odd), |_| ())
}

/// A server with this TLS, settings that trust another: refused before it has heard anything.
fn meets(config: fn(&Trust) -> ServerConfig) -> String {
    let trust = Trust::new();
    let config = config(&trust);
    unheard(&trust, config, |_| ())
}

/// A server whose certificate has this key usage (RFC 8446, 4.4.2.2); an empty one has none.
fn usage(usages: &[KeyUsagePurpose]) -> String {
    let trust = Trust::new();
    let certificate = trust.issue(&trust.key, |params| params.key_usages = usages.to_vec());
    unheard(&trust, server_of(certificate, &trust.key), |_| ())
}

/// A server as it should be, settings changed.
fn refused(change: fn(&Trust, &mut Settings)) -> String {
    let trust = Trust::new();
    let config = server_of(trust.issue(&trust.key, |_| ()), &trust.key);
    unheard(&trust, config, |settings| change(&trust, settings))
}

/// As [`begins`]; a server that is refused must not have heard any HTTP.
fn unheard(trust: &Trust, config: ServerConfig, change: impl FnOnce(&mut Settings)) -> String {
    let peer = server(config, "", |_, _| Ok(()));
    let mut settings = trust.settings(peer.port);
    change(&mut settings);
    let client = client(&settings, Arc::new(VirtualClock::default())).expect("settings");
    match session::begin(client, member()) {
        Ok(_) => HANDLED.to_owned(),
        Err(error) if peer.bytes() == 0 => error.code().to_owned(),
        Err(error) => format!("{}, but {} bytes of HTTP were heard", error.code(), peer.bytes()),
    }
}

/// As [`unheard`], played by OpenSSL.
fn s_server(name: &str, odd: &Odd) -> String {
    if !openssl::is_installed() {
        return NOT_RUN.to_owned();
    }
    let trust = Trust::new();
    let server = openssl::Server::start(&trust, name, odd);
    let mut settings = trust.settings(server.port);
    settings.pins[0].clone_from(&server.pin);
    let client = client(&settings, Arc::new(VirtualClock::default())).expect("settings");
    let code = session::begin(client, member()).err().map_or(HANDLED, |error| error.code());
    let heard = server.end();
    match heard.contains("GET ") || heard.contains("HTTP") {
        true => format!("{code}, but HTTP was heard"),
        false => code.to_owned(),
    }
}

/// The main job with an expired pin set that the integrator lets lapse.
fn qualifies_without_pins() -> String {
    let stage = Stage::of(start_sandbox(0), |settings| {
        settings.pins_not_after = "2026-01-31".to_owned();
        settings.on_pins_expired = OnPinsExpired::WebPki;
    });
    match stage.qualify(&card(Profile::Today, 1), 1) {
        Ok(qualified) if qualified.pinning == Pinning::Expired => "handled, pinning expired".to_owned(),
        Ok(_) => HANDLED.to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

/// Tickets that allow early data, and a new connection for each request.
fn never_resumes() -> String {
    static FULL: AtomicU32 = AtomicU32::new(0);
    static OTHER: AtomicU32 = AtomicU32::new(0);
    let trust = Trust::new();
    let mut config = server_of(trust.issue(&trust.key, |_| ()), &trust.key);
    config.max_early_data_size = 16_384;
    config.send_tls13_tickets = 2;
    let config = Arc::new(config);
    let peer = Peer::start(move |stream, heard| {
        let mut link = peer::accept(stream, &config)?;
        let early = link.conn.early_data().is_some();
        let full = link.conn.handshake_kind() == Some(HandshakeKind::Full) && !early;
        if full { &FULL } else { &OTHER }.fetch_add(1, Ordering::SeqCst);
        match heard.request(&mut link)? {
            Some(asked) => peer::answer_well(&mut link, &asked),
            None => Ok(()),
        }
    });
    let code = begins(&trust, peer, |_| ());
    match (FULL.load(Ordering::SeqCst), OTHER.load(Ordering::SeqCst)) {
        (2.., 0) => format!("{code}, each handshake full"),
        (full, other) => format!("{code}, {full} full handshakes, {other} others"),
    }
}

/// A record that does not belong there instead of an answer. What `begin` makes of it.
fn injects(kind: ContentType, content: &'static [u8]) -> String {
    let trust = Trust::new();
    let mut config = server_of(trust.issue(&trust.key, |_| ()), &trust.key);
    config.enable_secret_extraction = true;
    let config = Arc::new(config);
    let peer = Peer::start(move |stream, heard| {
        let mut link = peer::accept(stream, &config)?;
        heard.request(&mut link)?;
        peer::inject(link, kind, content)
    });
    begins(&trust, peer, |_| ())
}

/// Half of an answer, then the end of the connection.
fn cut(link: &mut Link, header: &str, notify: bool) -> io::Result<()> {
    write!(link, "HTTP/1.1 200 -\r\n{header}\r\n\r\n")?;
    if header.starts_with("Transfer-Encoding") {
        link.write_all(b"40\r\n")?;
    }
    link.write_all(b"{}")?;
    if notify {
        link.conn.send_close_notify();
        link.flush()?;
    }
    link.sock.shutdown(std::net::Shutdown::Both)?;
    Err(io::ErrorKind::BrokenPipe.into())
}

/// Half of an answer, then a reset.
fn reset(link: &mut Link) -> io::Result<()> {
    link.write_all(b"HTTP/1.1 200 -\r\n\r\n{}")?;
    std::thread::sleep(std::time::Duration::from_millis(100));
    socket2::SockRef::from(&link.sock).set_linger(Some(std::time::Duration::ZERO))?;
    Err(io::ErrorKind::BrokenPipe.into())
}

/// An answer, one byte a second.
fn drip(link: &mut Link) -> io::Result<()> {
    link.write_all(b"HTTP/1.1 200 -\r\nContent-Length: 1000\r\n\r\n")?;
    loop {
        link.write_all(b" ")?;
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

/// The same again and again, up to a gigabyte.
fn pour(link: &mut Link, begins: &str, part: &[u8]) -> io::Result<()> {
    write!(link, "HTTP/1.1 200 -\r\n{begins}")?;
    for _ in 0..1_000_000_000 / part.len() {
        link.write_all(part)?;
    }
    Ok(())
}

/// 60 kB that are 9 MB of zeros, with the right headers.
fn gzip_bomb(link: &mut Link) -> io::Result<()> {
    let body = zeros_in_gzip(36_000);
    write!(link, "HTTP/1.1 200 -\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len())?;
    link.write_all(&body)?;
    link.flush()
}

/// One zero and so many repetitions of 258 of it, in a block of fixed codes (RFC 1951, 3.2.6); no checksum.
fn zeros_in_gzip(repetitions: usize) -> Vec<u8> {
    let (last_block_of_fixed_codes, zero, repeat) = ("110", "00110000", "1100010100000");
    let bits = last_block_of_fixed_codes.to_owned() + zero + &repeat.repeat(repetitions);
    let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | (bit - b'0'));
    let header = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3];
    header.into_iter().chain(bits.as_bytes().chunks(8).map(byte)).collect()
}

/// A redirect at this path to another server, which is trusted too.
fn redirects(path: &'static str) -> String {
    let trust = Trust::new();
    let config = || server_of(trust.issue(&trust.key, |_| ()), &trust.key);
    let other = server(config(), "", |_, _| Ok(()));
    let port = other.port;
    let peer = server(config(), path, move |link, asked| {
        let target = format!("https://127.0.0.1:{port}{}", asked.path);
        write!(link, "HTTP/1.1 307 -\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n")?;
        link.flush()
    });
    let client = client(&trust.settings(peer.port), Arc::new(VirtualClock::default())).expect("settings");
    let finished = session::begin(client, member())
        .and_then(|awaiting| tap(awaiting, &mut SimTransport::tap(card(Profile::Today, 1)), pin_of(1))?.finish());
    let code = finished.err().map_or(HANDLED, |error| error.code());
    match other.connections() {
        0 => format!("{code}, the other heard nothing"),
        count => format!("{code}, the other heard {count} connections"),
    }
}
