//! Every wait for a server ends when it is cancelled, whatever the server withholds.
//!
//! Nothing is timed: each server would withhold its answer for ever, and a witness that nobody cancels has begun to wait
//! before, with the shortest of all timeouts. What ends before the witness was not ended by a timeout.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use kazasu::jose::dpop::{DeviceKey, DeviceKeyError, SoftwareDeviceKey};
use kazasu::qualify::QualifyClient;
use kazasu::session::{self, AwaitingTap, Member, Signed};
use kazasu::time::{Clock, SystemClock, UnixMillis};
use kazasu::{Cancellation, Error};
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::peer::{self, Asked, DISCOVERY, Heard, Link, Peer};
use kazasu_flows::trust::Trust;
use kazasu_flows::{VirtualClock, card, client, member, pin_of, tap};

/// Only a test that has failed waits for so long.
const FOR_EVER: Duration = Duration::from_secs(20);

/// What the server tells the test.
#[derive(Debug, Eq, PartialEq)]
enum Event {
    /// It withholds what the client waits for.
    Holding,
    /// The client has closed the connection on which it was withheld.
    Closed,
}

fn next(events: &Receiver<Event>) -> Event {
    events.recv_timeout(FOR_EVER).expect("an event")
}

/// Withholds everything from now on.
fn hold(link: &mut impl Read, events: &Sender<Event>) {
    let _ = events.send(Event::Holding);
    peer::wait_for_the_end(link);
    let _ = events.send(Event::Closed);
}

/// A server as it should be, but for what `odd` does with a request; `odd` tells whether it did anything.
fn server(trust: &Trust, odd: impl Fn(&mut Link, &Asked) -> io::Result<bool> + Send + Sync + 'static) -> Peer {
    let config = trust.server();
    Peer::start(move |stream, heard| {
        let mut link = peer::accept(stream, &config)?;
        while let Some(asked) = heard.request(&mut link)? {
            if !odd(&mut link, &asked)? {
                peer::answer_well(&mut link, &asked)?;
            }
        }
        Ok(())
    })
}

fn client_of(trust: &Trust, peer: &Peer, clock: Arc<dyn Clock>) -> Arc<QualifyClient> {
    client(&trust.settings(peer.port), clock).expect("settings")
}

/// A call that waits for a handshake until it times out.
struct Witness(Receiver<Error>);

impl Witness {
    fn start() -> Self {
        let peer = Peer::start(|mut stream, _| {
            peer::wait_for_the_end(&mut stream);
            Ok(())
        });
        let client = client_of(&Trust::new(), &peer, Arc::new(SystemClock));
        let (ended, end) = mpsc::channel();
        thread::spawn(move || session::begin(client, member()).err().map(|error| ended.send(error)));
        while peer.connections() == 0 {
            thread::yield_now();
        }
        Self(end)
    }

    fn still_waits(&self) {
        assert_eq!(self.0.try_recv().err(), Some(mpsc::TryRecvError::Empty), "a timeout was faster");
    }
}

/// Cancels `begin` once the server withholds something. What it ended with.
fn cancel_begin(client: Arc<QualifyClient>, ready: impl FnOnce(), closed: impl FnOnce()) -> Error {
    let witness = Witness::start();
    let cancellation = Cancellation::default();
    let (ended, end) = mpsc::channel();
    thread::spawn({
        let cancellation = cancellation.clone();
        move || ended.send(session::begin(client.cancelled_by(cancellation), member()).err())
    });
    ready();
    // By now the client waits for what comes next, or the test shows less than it could.
    thread::sleep(Duration::from_millis(50));
    assert!(end.try_recv().is_err(), "the server still withholds its answer");
    cancellation.cancel();
    let error = end.recv_timeout(FOR_EVER).expect("an end").expect("no session");
    closed();
    witness.still_waits();
    error
}

/// The server holds; the call ends, and then the connection.
fn begin_is_cancelled(client: Arc<QualifyClient>, events: &Receiver<Event>) {
    let (holding, closed) = (|| assert_eq!(next(events), Event::Holding), || assert_eq!(next(events), Event::Closed));
    let error = cancel_begin(client, holding, closed);
    assert_eq!((error.code(), &error), ("KZ-U03", &Error::Cancelled));
}

#[test]
fn while_the_handshake_is_not_answered() {
    let (events, told) = mpsc::channel();
    let peer = Peer::start(move |mut stream: TcpStream, _: &Heard| {
        stream.read_exact(&mut [0; 5])?;
        hold(&mut stream, &events);
        Ok(())
    });
    begin_is_cancelled(client_of(&Trust::new(), &peer, Arc::new(SystemClock)), &told);
}

#[test]
fn while_there_is_no_answer() {
    let (events, told) = mpsc::channel();
    let trust = Trust::new();
    let peer = server(&trust, move |link, _| {
        hold(link, &events);
        Ok(true)
    });
    begin_is_cancelled(client_of(&trust, &peer, Arc::new(SystemClock)), &told);
    assert_eq!((peer.requests(DISCOVERY).len(), peer.connections()), (1, 1));
}

#[test]
fn in_the_middle_of_a_body() {
    let (events, told) = mpsc::channel();
    let trust = Trust::new();
    let peer = server(&trust, move |link, _| {
        link.write_all(b"HTTP/1.1 200 -\r\nContent-Length: 1000\r\n\r\n{\"issuer\":")?;
        hold(link, &events);
        Ok(true)
    });
    begin_is_cancelled(client_of(&trust, &peer, Arc::new(SystemClock)), &told);
    assert_eq!(peer.connections(), 1);
}

#[test]
fn in_the_middle_of_a_body_that_only_the_end_of_the_connection_ends() {
    let (events, told) = mpsc::channel();
    let trust = Trust::new();
    let peer = server(&trust, move |link, _| {
        link.write_all(b"HTTP/1.1 200 -\r\n\r\n{}")?;
        hold(link, &events);
        Ok(true)
    });
    // Not `KZ-D01`, which half of an answer would give.
    begin_is_cancelled(client_of(&trust, &peer, Arc::new(SystemClock)), &told);
}

/// The clock of the operating system, which tells when someone sleeps.
struct Telling(Sender<Event>);

impl Clock for Telling {
    fn now(&self) -> UnixMillis {
        SystemClock.now()
    }

    fn sleep(&self, duration: Duration, cancellation: &Cancellation) {
        let _ = self.0.send(Event::Holding);
        SystemClock.sleep(duration, cancellation);
    }
}

#[test]
fn while_a_retry_after_runs() {
    let (events, told) = mpsc::channel();
    let trust = Trust::new();
    let clock = Arc::new(Telling(events.clone()));
    let peer = server(&trust, move |link, _| {
        link.write_all(b"HTTP/1.1 503 -\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n")?;
        peer::wait_for_the_end(link);
        let _ = events.send(Event::Closed);
        Ok(true)
    });
    begin_is_cancelled(client_of(&trust, &peer, clock), &told);
    assert_eq!((peer.requests(DISCOVERY).len(), peer.connections()), (1, 1), "asked once");
}

/// In namespaces of its own this test runs itself once more, where the one name server answers nothing.
#[test]
#[cfg(target_os = "linux")]
fn while_the_name_is_not_resolved() {
    const INSIDE: &str = "KAZASU_SILENT_NAME_SERVER";
    if std::env::var_os(INSIDE).is_some() {
        return inside_while_the_name_is_not_resolved();
    }
    let folder = std::env::temp_dir().join(format!("kazasu-names-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("resolv.conf"), "nameserver 127.0.0.1\n").expect("writes");
    std::fs::write(folder.join("nsswitch.conf"), "hosts: dns\n").expect("writes");
    let script = "ip link set lo up && mount --bind resolv.conf /etc/resolv.conf \
                  && mount --bind nsswitch.conf /etc/nsswitch.conf || exit 77; \
                  exec \"$0\" --exact while_the_name_is_not_resolved";
    let done = std::process::Command::new("unshare")
        .args(["-rmn", "sh", "-c", script])
        .arg(std::env::current_exe().expect("this test"))
        .current_dir(&folder)
        .env(INSIDE, "1")
        .output();
    let _ = std::fs::remove_dir_all(&folder);
    match done {
        Ok(done) if done.status.success() => {}
        Ok(done) if done.status.code() == Some(101) => panic!("{}", String::from_utf8_lossy(&done.stdout)),
        other => println!("not run: this machine refuses namespaces: {other:?}"),
    }
}

#[cfg(target_os = "linux")]
fn inside_while_the_name_is_not_resolved() {
    let names = std::net::UdpSocket::bind("127.0.0.1:53").expect("a port of this namespace's own");
    let mut settings = Trust::new().settings(443);
    settings.issuer = "https://silent.example".to_owned();
    settings.fhir_base = "https://silent.example/r4".to_owned();
    let client = client(&settings, Arc::new(SystemClock)).expect("settings");
    let asked = || {
        names.recv(&mut [0; 512]).expect("a question");
    };
    assert_eq!(cancel_begin(client, asked, || ()), Error::Cancelled);
}

/// A listener whose backlog is full drops the first packet of every connection.
#[test]
#[cfg(target_os = "linux")]
fn while_the_connection_is_not_accepted() {
    use socket2::{Domain, Socket, Type};
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("loopback");
    listener.listen(0).expect("listens");
    let address = listener.local_addr().expect("bound").as_socket().expect("an address");
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        queue.push(stream);
    }
    let client = client(&Trust::new().settings(address.port()), Arc::new(SystemClock)).expect("settings");
    let connecting = || {
        while !is_connecting(address.port()) {
            thread::yield_now();
        }
    };
    let error = cancel_begin(client, connecting, || ());
    assert_eq!(error, Error::Cancelled);
}

/// Whether any socket has asked this port for a connection and had no answer: state 02 of proc_net_tcp(5).
#[cfg(target_os = "linux")]
fn is_connecting(port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("a table of sockets");
    let remote = format!(":{port:04X}");
    table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .any(|row| row.get(2).is_some_and(|address| address.ends_with(&remote)) && row.get(3) == Some(&"02"))
}

#[test]
fn what_is_cancelled_beforehand_connects_to_nobody() {
    let trust = Trust::new();
    let peer = server(&trust, |_, _| Ok(false));
    let cancellation = Cancellation::default();
    cancellation.cancel();
    let client = client_of(&trust, &peer, Arc::new(SystemClock));
    let error = session::begin(client.cancelled_by(cancellation), member()).err();
    assert_eq!((error, peer.connections()), (Some(Error::Cancelled), 0));
}

/// A device key whose user, asked for a fingerprint, cancels the call instead and then gives it.
struct Hesitating {
    key: SoftwareDeviceKey,
    cancels: Cancellation,
    signatures: AtomicU32,
}

impl DeviceKey for Hesitating {
    fn public_key(&self) -> Result<Vec<u8>, DeviceKeyError> {
        self.key.public_key()
    }

    fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, DeviceKeyError> {
        self.signatures.fetch_add(1, Ordering::SeqCst);
        self.cancels.cancel();
        self.key.sign_sha256(message)
    }
}

#[test]
fn what_is_cancelled_while_the_device_key_signs_is_not_sent() {
    let trust = Trust::new();
    let peer = server(&trust, |_, _| Ok(false));
    let client = client_of(&trust, &peer, Arc::new(SystemClock));
    let key = SoftwareDeviceKey::generate().expect("randomness");
    let cancels = Cancellation::default();
    let key = Arc::new(Hesitating { key, cancels: cancels.clone(), signatures: AtomicU32::new(0) });
    let mut signed = sign(session::begin(client.cancelled_by(cancels), Member::new(key.clone())).expect("begins"));
    assert_eq!(signed.finish().expect_err("cancelled"), Error::Cancelled);
    assert_eq!(key.signatures.load(Ordering::SeqCst), 1);
    assert_eq!(signed.finish().expect_err("stays cancelled"), Error::Cancelled);
    assert_eq!(key.signatures.load(Ordering::SeqCst), 1, "the key is not asked for nothing");
    assert_eq!(peer.requests("/token").len(), 0);
}

/// A session that has signed, at a server that withholds its first answer at the token endpoint, or the handshake for it.
struct AtToken {
    peer: Peer,
    events: Receiver<Event>,
    clock: Arc<VirtualClock>,
    signed: Signed,
}

fn sign(awaiting: AwaitingTap) -> Signed {
    tap(awaiting, &mut SimTransport::tap(card(Profile::Today, 1)), pin_of(1)).expect("signs")
}

impl AtToken {
    fn new(peer: impl FnOnce(&Trust, Sender<Event>) -> Peer) -> Self {
        let (told, events) = mpsc::channel();
        let trust = Trust::new();
        let peer = peer(&trust, told);
        let clock = Arc::new(VirtualClock::default());
        let awaiting = session::begin(client_of(&trust, &peer, clock.clone()), member()).expect("begins");
        Self { peer, events, clock, signed: sign(awaiting) }
    }

    fn holding_the_answer() -> Self {
        Self::new(|trust, events| {
            let first = std::sync::Once::new();
            server(trust, move |link, asked| {
                let mut held = false;
                if asked.path == "/token" {
                    first.call_once(|| {
                        hold(link, &events);
                        held = true;
                    });
                }
                Ok(held)
            })
        })
    }

    fn holding_the_handshake() -> Self {
        Self::new(|trust, events| {
            let config = trust.server();
            let connections = AtomicU32::new(0);
            Peer::start(move |mut stream, heard| {
                if connections.fetch_add(1, Ordering::SeqCst) == 1 {
                    stream.read_exact(&mut [0; 5])?;
                    hold(&mut stream, &events);
                    return Ok(());
                }
                let mut link = peer::accept(stream, &config)?;
                while let Some(asked) = heard.request(&mut link)? {
                    peer::answer_well(&mut link, &asked)?;
                    if asked.path == "/nonce" {
                        // The next request needs a connection of its own.
                        break;
                    }
                }
                Ok(())
            })
        })
    }

    /// Cancels `finish` while the server holds, and gives the session a fresh handle.
    fn cancel_finish(&mut self) {
        let witness = Witness::start();
        let cancellation = self.signed.cancellation();
        let (signed, events) = (&mut self.signed, &self.events);
        thread::scope(|scope| {
            let finish = scope.spawn(|| signed.finish());
            assert_eq!(next(events), Event::Holding);
            cancellation.cancel();
            assert_eq!(finish.join().expect("no panic").expect_err("cancelled"), Error::Cancelled);
        });
        assert_eq!(next(&self.events), Event::Closed);
        witness.still_waits();
        assert_eq!(self.signed.finish().expect_err("stays cancelled"), Error::Cancelled);
        self.signed.set_cancellation(Cancellation::default());
    }
}

#[test]
fn a_cancelled_assertion_is_sent_again_within_a_minute() {
    let mut at = AtToken::holding_the_answer();
    at.cancel_finish();
    assert_eq!(at.peer.requests("/token").len(), 1, "nothing more while cancelled");
    at.clock.advance(59_000);
    assert_eq!(at.signed.finish().expect_err("the server's answer").code(), "KZ-Q07");
    let sent = at.peer.requests("/token");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].body, sent[1].body, "the same assertion");
    assert_ne!(sent[0].header("dpop"), sent[1].header("dpop"), "with a new proof");
    assert_eq!(at.peer.requests("/nonce").len(), 1);
}

#[test]
fn a_cancelled_assertion_that_was_sent_is_over_after_a_minute() {
    let mut at = AtToken::holding_the_answer();
    at.cancel_finish();
    at.clock.advance(60_001);
    assert_eq!(at.signed.finish().expect_err("too late").code(), "KZ-A03");
    assert_eq!(at.peer.requests("/token").len(), 1);
}

#[test]
fn a_cancelled_assertion_that_was_not_sent_keeps_its_life() {
    let mut at = AtToken::holding_the_handshake();
    at.cancel_finish();
    at.clock.advance(61_000);
    assert_eq!(at.signed.finish().expect_err("the server's answer").code(), "KZ-Q07");
    assert_eq!(at.peer.requests("/token").len(), 1);
}

#[test]
fn a_cancelled_renewal_leaves_the_session_as_it_was() {
    let trust = Trust::new();
    let peer = server(&trust, |_, _| Ok(false));
    let clock = Arc::new(VirtualClock::default());
    let member = Member::new(Arc::new(SoftwareDeviceKey::generate().expect("randomness")));
    let mut awaiting = session::begin(client_of(&trust, &peer, clock.clone()), member).expect("begins");
    clock.advance(271_000);
    awaiting.cancellation().cancel();
    assert_eq!(awaiting.renew().expect_err("cancelled"), Error::Cancelled);
    assert_eq!(peer.requests("/nonce").len(), 1);
    awaiting.set_cancellation(Cancellation::default());
    awaiting.renew().expect("a new nonce");
    assert_eq!(peer.requests("/nonce").len(), 2);
}
