//! A simulated card in a virtual PC/SC reader (vpcd).
//!
//! The card is the TCP client; being connected is being inserted. Each message is a two-byte big-endian length and a
//! body. A body of one byte is a control byte: `00` power off, `01` power on, `02` reset, none of which is answered, and
//! `04`, answered with the ATR. Longer bodies are command APDUs, answered with the response APDU.

use crate::{
    card::Card,
    config::ATR_CONTACT,
    fault::{FaultAt, Link},
    transport::lock,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// Lets a card lie in the virtual reader until the daemon closes the connection or `stop` says so.
///
/// Blocks. `stop` is asked several times a second.
///
/// # Errors
/// When no daemon is reached within five seconds, or the connection breaks in another way than being closed.
pub fn serve_vpcd(address: impl ToSocketAddrs, card: Card, stop: impl Fn() -> bool) -> io::Result<()> {
    VpcdServer::new(Arc::new(Mutex::new(card))).run(address, stop, |_| {}).map(drop)
}

/// A virtual reader slot with faults and an observer.
#[derive(Debug)]
pub struct VpcdServer {
    card: Arc<Mutex<Card>>,
    link: Link,
}

/// Why [`VpcdServer::run`] ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// The daemon closed the connection.
    Closed,
    /// A fault took the card out of the reader.
    Lost,
    /// The caller's `stop` said so.
    Stopped,
}

/// What an observer of [`VpcdServer::run`] is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// The card lies in the reader at this address.
    Connected(SocketAddr),
    /// One command was answered.
    Exchange(Exchange),
}

/// One exchange, without its bodies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exchange {
    /// Instruction byte; 00 when the command had none.
    pub ins: u8,
    /// Length of the command in bytes.
    pub command_len: usize,
    /// Length of the answer in bytes, status word included; `None` when it was lost.
    pub response_len: Option<usize>,
    /// Status word, when at least two bytes were answered.
    pub sw: Option<u16>,
}

impl VpcdServer {
    /// A slot for this card. The card can be inspected meanwhile through the same handle.
    pub fn new(card: Arc<Mutex<Card>>) -> Self {
        Self { card, link: Link::default() }
    }

    /// Arms a fault. Exchanges are counted from each power-on or reset.
    #[must_use]
    pub fn with_fault(mut self, fault: FaultAt) -> Self {
        self.link.arm(fault);
        self
    }

    /// Inserts the card and answers until the connection ends. See [`serve_vpcd`].
    ///
    /// # Errors
    /// As [`serve_vpcd`].
    pub fn run(
        &mut self,
        address: impl ToSocketAddrs,
        stop: impl Fn() -> bool,
        mut observe: impl FnMut(Event),
    ) -> io::Result<Ending> {
        let Some(stream) = connect(address, &stop)? else { return Ok(Ending::Stopped) };
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(POLL))?;
        observe(Event::Connected(stream.peer_addr()?));
        let ending = self.converse(&stream, &stop, &mut observe);
        lock(&self.card).power_off();
        ending
    }

    fn converse(
        &mut self,
        stream: &TcpStream,
        stop: &impl Fn() -> bool,
        observe: &mut impl FnMut(Event),
    ) -> io::Result<Ending> {
        let mut inbox = Vec::new();
        loop {
            let message = match receive(stream, &mut inbox, stop)? {
                Received::Message(message) => message,
                Received::Ended(ending) => return Ok(ending),
            };
            let answer = match *message.as_slice() {
                [] => continue,
                [control] => match self.control(control) {
                    Some(answer) => answer,
                    None => continue,
                },
                ref command => {
                    let answer = self.link.exchange(&self.card, command).ok();
                    observe(Event::Exchange(Exchange::new(command, answer.as_deref())));
                    // An empty message would make the daemon wait for ever, so it counts as a lost card.
                    match answer.filter(|answer| !answer.is_empty()) {
                        Some(answer) => answer,
                        None => return Ok(Ending::Lost),
                    }
                }
            };
            let length = u16::try_from(answer.len()).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
            (&*stream).write_all(&[&length.to_be_bytes(), answer.as_slice()].concat())?;
        }
    }

    fn control(&mut self, control: u8) -> Option<Vec<u8>> {
        let mut card = lock(&self.card);
        match control {
            CONTROL_OFF => card.power_off(),
            CONTROL_ON => card.power_on(),
            CONTROL_RESET => card.warm_reset(),
            CONTROL_ATR => {
                let atr = card.config().atr.as_slice();
                return Some(if atr.is_empty() { ATR_CONTACT } else { atr }.to_vec());
            }
            _ => {}
        }
        if matches!(control, CONTROL_ON | CONTROL_RESET) {
            self.link.restart();
        }
        None
    }
}

impl Exchange {
    fn new(command: &[u8], answer: Option<&[u8]>) -> Self {
        Self {
            ins: command.get(1).copied().unwrap_or_default(),
            command_len: command.len(),
            response_len: answer.map(<[u8]>::len),
            sw: answer.and_then(|answer| answer.last_chunk()).map(|sw| u16::from_be_bytes(*sw)),
        }
    }
}

enum Received {
    Message(Vec<u8>),
    Ended(Ending),
}

/// Waits for one whole message; bytes of the next one stay in `inbox`.
fn receive(mut stream: &TcpStream, inbox: &mut Vec<u8>, stop: &impl Fn() -> bool) -> io::Result<Received> {
    loop {
        if let Some((length, rest)) = inbox.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length));
            if rest.len() >= length {
                return Ok(Received::Message(inbox.drain(..2 + length).skip(2).collect()));
            }
        }
        if stop() {
            return Ok(Received::Ended(Ending::Stopped));
        }
        acknowledge_quickly(stream);
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(Received::Ended(Ending::Closed)),
            Ok(length) => inbox.extend_from_slice(&buffer[..length]),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Received::Ended(Ending::Closed)),
            Err(error) => return Err(error),
        }
    }
}

/// The daemon writes length and body separately, so a delayed acknowledgement costs 40 ms per command. Linux forgets the
/// option after a while; it is set again before every read.
fn acknowledge_quickly(stream: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(stream).set_tcp_quickack(true);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
}

/// Connects, waiting a few seconds for a daemon that is still starting; `None` when stopped meanwhile.
fn connect(address: impl ToSocketAddrs, stop: &impl Fn() -> bool) -> io::Result<Option<TcpStream>> {
    let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
    let started = Instant::now();
    loop {
        match TcpStream::connect(addresses.as_slice()) {
            Ok(stream) => return Ok(Some(stream)),
            Err(_) if stop() => return Ok(None),
            Err(error) if started.elapsed() > CONNECT_PATIENCE => return Err(error),
            Err(_) => thread::sleep(POLL),
        }
    }
}

const CONTROL_OFF: u8 = 0x00;
const CONTROL_ON: u8 = 0x01;
const CONTROL_RESET: u8 = 0x02;
const CONTROL_ATR: u8 = 0x04;
const POLL: Duration = Duration::from_millis(100);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
