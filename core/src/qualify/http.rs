//! HTTP over the pinned TLS connection: one agent per qualification, bounded answers, no redirects.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::ClientConfig;
use ureq::http;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::Connector;

use super::limits::TimeLimits;
use super::message::{Failure, Reply, Request};
use super::proxy::{Dialler, Proxy};
use super::server_clock::ServerClock;
use super::tls;
use super::tls_transport::{Silent, TlsConnector, Wire};
use crate::cancellation::{Cancellation, POLL};
use crate::error::{ConnectionFault, Error, ResourceFault};
use crate::random;
use crate::text::shown_within;

/// Largest answer of a FHIR server, in bytes.
pub(crate) const MAX_RESOURCE: u64 = 8 << 20;
/// Largest metadata, nonce or token answer, in bytes.
pub(crate) const MAX_ANSWER: u64 = 64 << 10;
/// How long a connection may stay open while the user looks for the card.
const MAX_IDLE: Duration = Duration::from_secs(600);
/// Characters of a URL in the log: a server may have chosen it.
const LONGEST_LOGGED: usize = 400;

/// How the servers are reached.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) limits: TimeLimits,
    pub(crate) proxy: Option<Proxy>,
}

/// The connections of one qualification.
pub(crate) struct HttpClient {
    route: Route,
    language: &'static str,
    cancellation: Mutex<Cancellation>,
    /// Replaced after a cancelled request, which shuts its own down.
    agent: Mutex<ureq::Agent>,
    wire: Arc<Wire>,
    /// What the answers told of the server's clock.
    pub(crate) server_clock: ServerClock,
}

impl HttpClient {
    pub(crate) fn new(route: Route, language: &'static str, cancellation: Cancellation) -> Self {
        let wire = Arc::default();
        let agent = Mutex::new(new_agent(&route, &wire));
        Self {
            route,
            language,
            cancellation: Mutex::new(cancellation),
            agent,
            wire,
            server_clock: ServerClock::default(),
        }
    }

    /// What ends the request under way and refuses those to come.
    pub(crate) fn cancellation(&self) -> Cancellation {
        lock(&self.cancellation).clone()
    }

    /// For the requests to come.
    pub(crate) fn set_cancellation(&self, cancellation: Cancellation) {
        *lock(&self.cancellation) = cancellation;
    }

    /// How long a request may take.
    pub(crate) fn time_of(&self, request: &Request) -> Duration {
        self.route.limits.of(request.patience)
    }

    /// Sends one request and reads the whole answer. Blocks for at most the request's time, or until cancelled.
    ///
    /// One that the caller may repeat goes out on a connection that is open, if there is one, and leaves it early if that
    /// seems to have died: the failure is then a reset. One that cannot be repeated goes out on a new connection.
    pub(crate) fn send(&self, request: &Request, may_repeat: bool) -> Result<Reply, Failure> {
        let cancellation = self.cancellation();
        if cancellation.is_cancelled() {
            return Err(Error::Cancelled.into());
        }
        if !may_repeat {
            self.forget_connections();
        }
        let may_hurry = may_repeat && !self.wire.is_slow.load(Ordering::SeqCst);
        self.wire.may_hurry.store(may_hurry, Ordering::SeqCst);
        let outcome = self.send_unless(&cancellation, request);
        // The wire keeps identifiers out of URLs, so that a URL may be logged.
        let uri = || shown_within(&request.uri, LONGEST_LOGGED).into_owned();
        match &outcome {
            Ok(reply) => log::debug!("{}: {}", uri(), reply.status),
            Err(_) => log::debug!("{}: no answer", uri()),
        }
        outcome
    }

    /// Runs the request on a thread of its own: a caller who cancels leaves, whatever the request waits for. Nothing else
    /// would do for a name being resolved, which no system lets one interrupt.
    fn send_unless(&self, cancellation: &Cancellation, request: &Request) -> Result<Reply, Failure> {
        let writes_before = self.wire.writes.load(Ordering::SeqCst);
        let (sender, receiver) = mpsc::sync_channel(1);
        let (agent, language, request) = (lock(&self.agent).clone(), self.language, request.clone());
        let timeout = self.time_of(&request);
        let work = move || {
            // Nobody listens where the caller has cancelled.
            let _ = sender.send(exchange(&agent, language, &request, timeout));
        };
        let spawned = thread::Builder::new().name("kazasu-http".to_owned()).spawn(work);
        spawned.map_err(|_| Error::Internal { detail: "no thread for a request" })?;
        let (error, is_reset) = loop {
            match receiver.recv_timeout(POLL) {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(cause)) if !cancellation.is_cancelled() => break cause,
                Err(RecvTimeoutError::Timeout) if !cancellation.is_cancelled() => {}
                Err(RecvTimeoutError::Disconnected) => break (Error::Internal { detail: "a request panicked" }, false),
                Ok(Err(_)) | Err(RecvTimeoutError::Timeout) => {
                    self.close_connections();
                    break (Error::Cancelled, false);
                }
            }
        };
        if is_reset {
            // What ended one connection, as another network does, has mostly ended the others.
            self.forget_connections();
        }
        let may_have_arrived = self.wire.writes.load(Ordering::SeqCst) != writes_before;
        Err(Failure { error, is_reset, may_have_arrived })
    }

    /// Ends reading and writing on every connection at once; one that is only being opened is closed before any request
    /// goes out on it. Nothing is sent after this returns.
    fn close_connections(&self) {
        self.forget_connections().shutdown();
    }

    /// The next request goes out on a new connection; what had the old ones.
    fn forget_connections(&self) -> ureq::Agent {
        std::mem::replace(&mut *lock(&self.agent), new_agent(&self.route, &self.wire))
    }
}

/// No code that holds these locks panics halfway through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn new_agent(route: &Route, wire: &Arc<Wire>) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .https_only(true)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .save_redirect_history(false)
        .proxy(route.proxy.as_ref().and_then(Proxy::for_ureq))
        .no_delay(true)
        .max_idle_age(MAX_IDLE)
        .max_idle_connections(2)
        .max_idle_connections_per_host(1)
        .user_agent(format!("Kazasu/{} ({})", env!("CARGO_PKG_VERSION"), std::env::consts::OS))
        .build();
    let dialler = Dialler { proxy: route.proxy.clone(), limit: route.limits.connect };
    let tls = TlsConnector { config: Arc::clone(&route.tls), limits: route.limits, wire: Arc::clone(wire) };
    let connector = ().chain(dialler).chain(tls);
    ureq::Agent::with_parts(config, connector, DefaultResolver::default())
}

fn exchange(
    agent: &ureq::Agent,
    language: &'static str,
    request: &Request,
    timeout: Duration,
) -> Result<Reply, (Error, bool)> {
    let request_id = random::generate_uuid().map_err(|error| (error, false))?;
    let mut builder = http::Request::builder()
        .method(request.method.name())
        .uri(&request.uri)
        .header("accept", request.accept)
        .header("accept-language", language)
        .header("x-request-id", request_id);
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    let outcome = match &request.body {
        Some(body) => builder
            .header("content-type", body.content_type)
            .body(&body.bytes[..])
            .map_err(ureq::Error::Http)
            .and_then(|ready| run(agent, ready, request, timeout)),
        None => builder.body(()).map_err(ureq::Error::Http).and_then(|ready| run(agent, ready, request, timeout)),
    };
    outcome.map_err(|error| cause_of(&error))
}

fn run(
    agent: &ureq::Agent,
    ready: http::Request<impl ureq::AsSendBody>,
    request: &Request,
    timeout: Duration,
) -> Result<Reply, ureq::Error> {
    let ready = agent.configure_request(ready).timeout_global(Some(timeout)).build();
    let mut response = agent.run(ready)?;
    let mut body = response.body_mut().with_config().limit(request.max_body).read_to_vec()?;
    // It grew by doubling; what is made of it is measured by its length.
    body.shrink_to_fit();
    Ok(Reply { status: response.status().as_u16(), headers: response.headers().clone(), body })
}

/// The cause, and whether the connection broke.
fn cause_of(error: &ureq::Error) -> (Error, bool) {
    let error = match error {
        ureq::Error::Rustls(error) => tls::fault_of(error).into(),
        ureq::Error::Timeout(_) => ConnectionFault::Timeout.into(),
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => ResourceFault::TooLarge.into(),
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => ResourceFault::Malformed { what: "HTTP" }.into(),
        ureq::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => tls::fault_of(error).into(),
            None if error.kind() == std::io::ErrorKind::TimedOut => ConnectionFault::Timeout.into(),
            None => return (ConnectionFault::Unreachable.into(), is_reset(error.kind())),
        },
        ureq::Error::Other(inner) if inner.is::<Silent>() => return (ConnectionFault::Timeout.into(), true),
        ureq::Error::Other(inner) => match inner.downcast_ref::<ConnectionFault>() {
            Some(fault) => (*fault).into(),
            None => ConnectionFault::Unreachable.into(),
        },
        _ => ConnectionFault::Unreachable.into(),
    };
    (error, false)
}

fn is_reset(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
