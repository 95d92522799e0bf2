//! TLS over each TCP connection; ureq's own connector could neither pin nor fix the version.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::transport::time::Duration as Span;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use super::limits::TimeLimits;
use super::proxy::left;

/// What the connections of one client share.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// How often bytes of HTTP were handed to any of them.
    pub(crate) writes: AtomicU64,
    /// The request under way may be repeated, so that a used connection has [`TimeLimits::answer`] to show that it lives.
    pub(crate) may_hurry: AtomicBool,
    /// Even on a new connection an answer took longer than that: the server is slow, and nothing is dead.
    pub(crate) is_slow: AtomicBool,
}

/// Nothing came on a used connection in the time that it has for the first byte of an answer.
#[derive(Debug, thiserror::Error)]
#[error("a used connection is silent")]
pub(crate) struct Silent;

/// Wraps each TCP connection in TLS.
#[derive(Debug)]
pub(crate) struct TlsConnector {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) limits: TimeLimits,
    pub(crate) wire: Arc<Wire>,
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = TlsTransport;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<TlsTransport>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        let host = details.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ureq::Error::HostNotFound)?;
        let mut conn = ClientConnection::new(Arc::clone(&self.config), name)?;
        let mut sock = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        sock.set_timeout(left(details, self.limits.tls));
        while conn.is_handshaking() {
            conn.complete_io(&mut sock)?;
        }
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        let stream = StreamOwned { conn, sock };
        let (wire, answer) = (Arc::clone(&self.wire), self.limits.answer);
        Ok(Some(TlsTransport { buffers, stream, wire, answer, is_used: false, asked: None }))
    }
}

pub(crate) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    wire: Arc<Wire>,
    /// How long a used connection may be silent.
    answer: Duration,
    /// An answer has come on it.
    is_used: bool,
    /// When the request was written whose answer has not begun.
    asked: Option<Instant>,
}

impl TlsTransport {
    /// The time for the first byte of an answer, if it is less than that.
    fn hurried(&self, timeout: NextTimeout) -> Option<NextTimeout> {
        let asked = self.asked.filter(|_| self.is_used && self.wire.may_hurry.load(Ordering::SeqCst))?;
        let left = self.answer.saturating_sub(asked.elapsed());
        (left < *timeout.after).then_some(NextTimeout { after: Span::Exact(left), ..timeout })
    }

    /// The answer has begun.
    fn hear(&mut self) {
        let is_late = self.asked.take().is_some_and(|asked| asked.elapsed() > self.answer);
        if is_late && !self.is_used {
            self.wire.is_slow.store(true, Ordering::SeqCst);
        }
        self.is_used = true;
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.wire.writes.fetch_add(1, Ordering::SeqCst);
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output).map_err(after_handshake)?;
        self.asked = Some(Instant::now());
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let hurried = self.hurried(timeout);
        self.stream.sock.set_timeout(hurried.unwrap_or(timeout));
        let amount = match self.stream.read(self.buffers.input_append_buf()) {
            Ok(amount) => amount,
            Err(error) => match after_handshake(error) {
                ureq::Error::Timeout(_) if hurried.is_some() => return Err(ureq::Error::Other(Box::new(Silent))),
                error => return Err(error),
            },
        };
        if amount > 0 {
            self.hear();
        }
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

/// An end without close_notify may be the work of an attacker (RFC 8446, 6.1), but ureq takes it, and a reset, for the
/// end of a body without length: hence another kind of error. And nothing that rustls finds fault with after the
/// handshake says anything of certificate or version.
fn after_handshake(error: io::Error) -> ureq::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, UnexpectedEof};
    match error.kind() {
        _ if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => io::Error::from(InvalidData).into(),
        UnexpectedEof | ConnectionAborted | ConnectionReset => io::Error::from(BrokenPipe).into(),
        _ => error.into(),
    }
}

impl std::fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsTransport")
    }
}
