//! HTTP over the pinned TLS connection: one agent per qualification, bounded answers, no redirects.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::http;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, TcpConnector, Transport, TransportAdapter,
};

use super::tls;
use crate::error::{ConnectionFault, Error, ResourceFault};
use crate::random;
use crate::time::UnixMillis;

/// Largest answer of a FHIR server, in bytes.
pub(crate) const MAX_RESOURCE: u64 = 8 << 20;
/// Largest metadata, nonce or token answer, in bytes.
pub(crate) const MAX_ANSWER: u64 = 64 << 10;
/// How long a connection may stay open while the user looks for the card.
const MAX_IDLE: Duration = Duration::from_secs(600);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is done with the resource.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Method {
    #[default]
    Get,
    Post,
    Put,
}

impl Method {
    /// As it stands in the request line and in `htm` of a DPoP proof.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// One HTTP request.
#[derive(Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) body: Option<Body>,
    pub(crate) accept: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// From the first byte sent to the last byte received.
    pub(crate) timeout: Duration,
    /// Largest body accepted, in bytes.
    pub(crate) max_body: u64,
}

/// A request body with its type.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Body {
    /// A FHIR resource.
    pub(crate) fn fhir(resource: &serde_json::Value) -> Self {
        Self { content_type: "application/fhir+json", bytes: resource.to_string().into_bytes() }
    }

    /// Names and values as an HTML form has them.
    pub(crate) fn form(bytes: Vec<u8>) -> Self {
        Self { content_type: "application/x-www-form-urlencoded", bytes }
    }
}

/// A complete answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the answer says it is of this media type, parameters aside.
    pub(crate) fn has_media_type(&self, name: &str) -> bool {
        let essence = self.header("content-type").and_then(|value| value.split(';').next());
        essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(name))
    }

    /// `Retry-After` in seconds or as a date relative to `Date` (RFC 9110, 10.2.3).
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = httpdate::parse_http_date(text).ok()?;
        let now = httpdate::parse_http_date(self.header("date")?).ok()?;
        Some(until.duration_since(now).unwrap_or_default())
    }

    /// The server's clock (RFC 9110, 6.6.1).
    pub(crate) fn date(&self) -> Option<UnixMillis> {
        let date = httpdate::parse_http_date(self.header("date")?).ok()?;
        let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_secs()).ok().map(UnixMillis::from_seconds)
    }
}

/// Why there is no complete answer.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The connection broke before the answer was complete, so that a repetition is allowed.
    pub(crate) is_reset: bool,
    /// The server may have seen the request.
    pub(crate) may_have_arrived: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<Error> for Failure {
    /// A failure on this side, before anything was sent.
    fn from(error: Error) -> Self {
        Self { error, is_reset: false, may_have_arrived: false }
    }
}

/// The connections of one qualification.
pub(crate) struct HttpClient {
    agent: ureq::Agent,
    language: &'static str,
}

impl HttpClient {
    pub(crate) fn new(tls: Arc<ClientConfig>, language: &'static str) -> Self {
        let config = ureq::Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .save_redirect_history(false)
            .proxy(None)
            .no_delay(true)
            .max_idle_age(MAX_IDLE)
            .max_idle_connections(2)
            .max_idle_connections_per_host(1)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(format!("Kazasu/{} ({})", env!("CARGO_PKG_VERSION"), std::env::consts::OS))
            .build();
        let connector = ().chain(TcpConnector::default()).chain(TlsConnector(tls));
        Self { agent: ureq::Agent::with_parts(config, connector, DefaultResolver::default()), language }
    }

    /// Sends one request and reads the whole answer. Blocks for at most the request's timeout.
    pub(crate) fn send(&self, request: &Request) -> Result<Reply, Failure> {
        let request_id = random::generate_uuid()?;
        let mut builder = http::Request::builder()
            .method(request.method.name())
            .uri(&request.uri)
            .header("accept", request.accept)
            .header("accept-language", self.language)
            .header("x-request-id", request_id);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let outcome = match &request.body {
            Some(body) => builder
                .header("content-type", body.content_type)
                .body(&body.bytes[..])
                .map_err(ureq::Error::Http)
                .and_then(|ready| self.run(ready, request)),
            None => builder.body(()).map_err(ureq::Error::Http).and_then(|r| self.run(r, request)),
        };
        // The wire keeps identifiers out of URLs, so that a URL may be logged.
        match &outcome {
            Ok(reply) => log::debug!("{}: {}", request.uri, reply.status),
            Err(_) => log::debug!("{}: no answer", request.uri),
        }
        outcome.map_err(|error| failure_of(&error))
    }

    fn run(&self, ready: http::Request<impl ureq::AsSendBody>, request: &Request) -> Result<Reply, ureq::Error> {
        let ready = self.agent.configure_request(ready).timeout_global(Some(request.timeout)).build();
        let mut response = self.agent.run(ready)?;
        let body = response.body_mut().with_config().limit(request.max_body).read_to_vec()?;
        Ok(Reply { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }
}

fn failure_of(error: &ureq::Error) -> Failure {
    use std::io::ErrorKind;
    let before_sending = |fault: ConnectionFault| Failure::from(Error::from(fault));
    let perhaps_arrived = |error: Error| Failure { error, is_reset: false, may_have_arrived: true };
    match error {
        ureq::Error::Rustls(error) => before_sending(tls::fault_of(error)),
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
            before_sending(ConnectionFault::Timeout)
        }
        ureq::Error::Timeout(_) => perhaps_arrived(ConnectionFault::Timeout.into()),
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => before_sending(ConnectionFault::Unreachable),
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => {
            perhaps_arrived(ResourceFault::TooLarge.into())
        }
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
            perhaps_arrived(ResourceFault::Malformed { what: "HTTP" }.into())
        }
        ureq::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => before_sending(tls::fault_of(error)),
            None => match error.kind() {
                ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::NetworkDown
                | ErrorKind::AddrNotAvailable => before_sending(ConnectionFault::Unreachable),
                ErrorKind::TimedOut => perhaps_arrived(ConnectionFault::Timeout.into()),
                kind => Failure {
                    error: ConnectionFault::Unreachable.into(),
                    is_reset: is_reset(kind),
                    may_have_arrived: true,
                },
            },
        },
        _ => perhaps_arrived(ConnectionFault::Unreachable.into()),
    }
}

fn is_reset(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// Wraps each TCP connection in TLS; ureq's own connector could neither pin nor fix the version.
#[derive(Debug)]
struct TlsConnector(Arc<ClientConfig>);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = TlsTransport;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<TlsTransport>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        let host = details.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ureq::Error::HostNotFound)?;
        let mut conn = ClientConnection::new(Arc::clone(&self.0), name)?;
        let mut sock = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        sock.set_timeout(details.timeout);
        while conn.is_handshaking() {
            conn.complete_io(&mut sock)?;
        }
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(TlsTransport { buffers, stream: StreamOwned { conn, sock } }))
    }
}

struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
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

impl std::fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsTransport")
    }
}
