//! A link of TCP between client and sandbox that a test can break as networks do.
//!
//! ```text
//! client → 127.0.0.1:PORT, the relay → 127.0.0.5:PORT, the sandbox
//! ```

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kazasu_sandbox::{LogTarget, Options, Sandbox};

/// The link. Its threads end with its connections.
pub struct Relay {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    pairs: Mutex<Vec<Pair>>,
    connections: AtomicUsize,
    /// What the next connections wait before the server's first byte passes.
    delay_ms: AtomicU64,
}

/// A connection of the client and the one that was made for it.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    silent: Arc<Silence>,
}

/// What no longer passes.
#[derive(Default)]
struct Silence {
    requests: AtomicBool,
    answers: AtomicBool,
}

/// What becomes of the connections that are open; new ones are as good as ever.
#[derive(Clone, Copy, Debug)]
pub enum Break {
    /// Nothing passes any more, and nobody is told: the phone has another network.
    Silence,
    /// What the client sends arrives; what the server answers does not.
    SilentAnswers,
    /// Closed by the other side (FIN).
    Close,
    /// Reset (RST).
    Reset,
}

impl Break {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Silence, Self::SilentAnswers, Self::Close, Self::Reset];
}

/// A sandbox behind a relay.
pub fn sandbox_behind_relay() -> (Sandbox, Relay) {
    behind_relay(|_| ())
}

/// A sandbox of these options behind a relay.
pub fn behind_relay(change: impl FnOnce(&mut Options)) -> (Sandbox, Relay) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    let listen = SocketAddr::from(([127, 0, 0, 5], port));
    let mut options = Options { log: LogTarget::Silent, listen, ..Options::default() };
    change(&mut options);
    let sandbox = kazasu_sandbox::start(options).expect("the same port of another address");
    (sandbox, Relay::start(listener, listen))
}

impl Relay {
    fn start(listener: TcpListener, to: SocketAddr) -> Self {
        let shared = Arc::new(Shared::default());
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                _ = kept.connect(client, to);
            }
        });
        Self { shared }
    }

    /// Breaks what is open.
    pub fn break_all(&self, how: Break) {
        let mut pairs = self.shared.pairs.lock().expect("pairs");
        for pair in pairs.iter() {
            let keeps_requests = matches!(how, Break::SilentAnswers | Break::Close);
            pair.silent.requests.store(!keeps_requests, Ordering::SeqCst);
            pair.silent.answers.store(!matches!(how, Break::Close), Ordering::SeqCst);
            match how {
                Break::Silence | Break::SilentAnswers => {}
                Break::Close => _ = pair.client.shutdown(Shutdown::Both),
                Break::Reset => {
                    _ = socket2::SockRef::from(&pair.client).set_linger(Some(Duration::ZERO));
                    // The threads end, and the reset goes out with the last handle.
                    _ = pair.client.shutdown(Shutdown::Read);
                    _ = pair.server.shutdown(Shutdown::Both);
                }
            }
        }
        if matches!(how, Break::Reset) {
            pairs.clear();
        }
    }

    /// From now on, so long passes on each new connection until the server's first byte does.
    pub fn delay_first_byte(&self, delay: Duration) {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.shared.delay_ms.store(delay_ms, Ordering::SeqCst);
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn connect(&self, client: TcpStream, to: SocketAddr) -> io::Result<()> {
        let server = TcpStream::connect(to)?;
        let silent = Arc::new(Silence::default());
        let delay = Duration::from_millis(self.delay_ms.load(Ordering::SeqCst));
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
        let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
        let (up, down) = (Arc::clone(&silent), Arc::clone(&silent));
        std::thread::spawn(move || pass(from_client, to_server, &up.requests, Duration::ZERO));
        std::thread::spawn(move || pass(from_server, to_client, &down.answers, delay));
        self.pairs.lock().expect("pairs").push(Pair { client, server, silent });
        self.connections.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Passes on what comes until it is told to be silent; the sockets then stay open, and what comes is lost.
fn pass(mut from: TcpStream, mut to: TcpStream, silent: &AtomicBool, delay: Duration) {
    let mut part = [0; 16 << 10];
    let mut wait = Some(delay);
    while let Ok(count @ 1..) = from.read(&mut part) {
        std::thread::sleep(wait.take().unwrap_or_default());
        if !silent.load(Ordering::SeqCst) && to.write_all(&part[..count]).is_err() {
            break;
        }
    }
    if !silent.load(Ordering::SeqCst) {
        _ = to.shutdown(Shutdown::Both);
    }
}
