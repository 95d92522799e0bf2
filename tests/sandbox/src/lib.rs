//! The reference backend for developers: an OAuth authorization server and a FHIR R4 server on one TLS 1.3 port,
//! with ten synthetic people.
//!
//! It speaks the wire contract of the SDK at conformance levels L0 to L4 and shares no code with the SDK, so that a
//! mistake on one side shows on the other. Every error and many misbehaviours can be switched on: see [`SwitchName`].
//!
//! ```
//! let sandbox = kazasu_sandbox::start(kazasu_sandbox::Options::default())?;
//! assert!(sandbox.fhir_base().starts_with("https://127.0.0.1:"));
//! sandbox.stop();
//! # Ok::<(), std::io::Error>(())
//! ```

mod access;
mod admin;
mod assertion;
mod authorization;
mod authorize;
mod bundle;
mod capture;
mod certificate;
mod client_assertion;
mod codes;
mod conditional;
mod config;
mod consent;
mod counters;
mod coverage;
mod discovery;
mod dpop;
mod eligibility;
mod exchange;
mod form;
mod grants;
mod html;
mod http;
mod idempotency;
mod inquiry;
mod jwe;
mod jws;
mod listener;
mod log;
mod login_page;
mod misbehave;
mod modes;
mod nonce;
mod outcome;
mod people;
mod pushed;
mod random;
mod rate_limit;
mod recent;
mod recording;
mod records;
mod registration;
mod revoke;
mod rewrite;
mod seal;
mod search;
mod server;
mod state;
mod suspension;
mod switches;
mod sync;
mod task;
mod template;
mod time;
mod tls;
mod token;
mod upstream;
mod whole_file;
mod written;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

pub use crate::capture::Exchange;
pub use crate::counters::Counters;
pub use crate::log::LogTarget;
pub use crate::modes::{Mode, UnknownMode};
pub use crate::rewrite::Rewriter;
pub use crate::seal::SealMode;
pub use crate::switches::{Switch, SwitchName, UnknownSwitch};

use crate::listener::{ConnectionHandle, TlsListener};
use crate::state::Server;
use crate::time::Day;
use crate::tls::Identity;

/// How the server is to run.
#[derive(Debug)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Switches armed from the start.
    pub switches: Vec<Switch>,
    /// File that keeps over a restart what was written, who is suspended, used nonces and idempotency outcomes.
    pub state: Option<PathBuf>,
    /// Port of the admin page on 127.0.0.1, 0 for a free one; without, there is no page.
    pub admin: Option<u16>,
    /// Existing folder that every FHIR body received and answered is written to.
    pub record: Option<PathBuf>,
    /// Where the log lines go.
    pub log: LogTarget,
    /// Seconds by which the server's clock is ahead.
    pub clock_offset_s: i64,
    /// Registered clients; the first is named in the client configuration.
    pub client_ids: Vec<String>,
    /// The modes that discovery offers and the token endpoint accepts.
    pub modes: Vec<Mode>,
    /// Base of a FHIR server that keeps the resources in place of the synthetic ones.
    pub fhir_base: Option<String>,
    /// The authorities that a FHIR server with https is trusted by, in DER.
    pub fhir_roots_der: Vec<Vec<u8>>,
    /// Where mode OIDC sends the browser afterwards: an https URL without a fragment.
    pub redirect_uri: String,
    /// Whether answers of the FHIR server and tokens are sealed (L4).
    pub seal: SealMode,
    /// Keep every exchange in memory, for [`Sandbox::exchanges`].
    pub capture: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            switches: Vec::new(),
            state: None,
            admin: None,
            record: None,
            log: LogTarget::Silent,
            clock_offset_s: 0,
            client_ids: vec!["jp.example.kazasu-demo".to_owned()],
            modes: vec![Mode::Card],
            fhir_base: None,
            fhir_roots_der: Vec::new(),
            redirect_uri: "https://app.kazasu.example/callback".to_owned(),
            seal: SealMode::Off,
            capture: false,
        }
    }
}

/// A running server; it stops when dropped.
pub struct Sandbox {
    address: SocketAddr,
    admin_url: Option<String>,
    server: Arc<Server>,
    tls_root_der: Vec<u8>,
    pins: Vec<String>,
    runtime: Option<Runtime>,
}

/// Starts a server and returns once it listens.
///
/// # Errors
/// When the address cannot be bound, the state file cannot be read, or the redirect URI or FHIR base is none.
pub fn start(options: Options) -> io::Result<Sandbox> {
    authorization::check_redirect_uri(&options.redirect_uri)?;
    let listener = TcpListener::bind(options.listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let admin = options.admin.map(admin::bind).transpose()?;
    let admin_url = match &admin {
        Some(listener) => Some(format!("http://{}/", listener.local_addr()?)),
        None => None,
    };
    let switches = Arc::new(switches::Switches::default());
    let identity = Identity::generate(Arc::clone(&switches))?;
    let host = if address.is_ipv6() { "localhost" } else { "127.0.0.1" };
    let issuer = format!("https://{host}:{}", address.port());
    let server = Arc::new(Server::new(issuer, options, switches)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let entered = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let listener = TlsListener::start(listener, TlsAcceptor::from(identity.config), Arc::clone(&server))?;
    if let Some(listener) = admin {
        admin::start(listener, Arc::clone(&server))?;
    }
    drop(entered);
    let application =
        server::application(Arc::clone(&server)).into_make_service_with_connect_info::<ConnectionHandle>();
    runtime.spawn(async move { axum::serve(listener, application).await });
    let listening = serde_json::json!({ "issuer": server.issuer, "fhir_base": server.fhir_base });
    server.log.line(&listening.to_string());
    if let Some(url) = &admin_url {
        server.log.line(&format!("admin page {url}"));
    }
    let (tls_root_der, pins) = (identity.root_der, identity.pins);
    Ok(Sandbox { address, admin_url, server, tls_root_der, pins, runtime: Some(runtime) })
}

impl Sandbox {
    /// The address the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the admin page is, if there is one.
    pub fn admin_url(&self) -> Option<&str> {
        self.admin_url.as_deref()
    }

    /// The issuer of the authorization server.
    pub fn issuer(&self) -> &str {
        &self.server.issuer
    }

    /// The FHIR base URL.
    pub fn fhir_base(&self) -> &str {
        &self.server.fhir_base
    }

    /// The certificate of the TLS authority made for this run, in DER.
    pub fn tls_root_der(&self) -> &[u8] {
        &self.tls_root_der
    }

    /// The authorities that card certificates must chain to, in DER.
    pub fn card_roots_der(&self) -> Vec<Vec<u8>> {
        self.server.roots.der()
    }

    /// Base64 of SHA-256 over SubjectPublicKeyInfo: first of the served key, then of the backup key.
    pub fn pins(&self) -> Vec<String> {
        self.pins.clone()
    }

    /// The last day of the pins, as `YYYY-MM-DD`: a year from now.
    pub fn pins_not_after(&self) -> String {
        Day::at(self.server.clock.now()).plus_days(365).to_string()
    }

    /// Names of the keys that sign sealed answers; none unless answers are sealed.
    pub fn signer_kids(&self) -> Vec<String> {
        if self.server.seals.mode == SealMode::Off { Vec::new() } else { vec![self.server.seals.kid()] }
    }

    /// Everything that was asked and answered so far, if [`Options::capture`] says to keep it.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.server.capture.all()
    }

    /// Changes what is answered from now on, by path and JSON body, before it is sealed and signed; `None` leaves answers as
    /// they are. For tests that play a server which mixes people up.
    pub fn rewrite(&self, rewriter: Option<Rewriter>) {
        self.server.rewrite.set(rewriter);
    }

    /// Arms a switch, after those that are armed already.
    pub fn arm(&self, switch: Switch) {
        self.server.switches.arm(switch);
    }

    /// Disarms every switch.
    pub fn disarm_all(&self) {
        self.server.switches.disarm_all();
    }

    /// What the server has seen so far.
    pub fn counters(&self) -> Counters {
        self.server.counters()
    }

    /// Moves the server's clock ahead, so that what expires can be seen expiring.
    pub fn advance(&self, seconds: u32) {
        self.server.clock.advance(seconds.into());
    }

    /// Lifts the suspension of a person, as the municipality does with the card at hand.
    pub fn resume(&self, person: u8) {
        self.server.resume(person);
    }

    /// Suspends a person: their assertions, refreshes and calls are refused from now on.
    pub fn suspend(&self, person: u8) {
        self.server.set_member(person, |member| member.suspended = true);
        self.server.save();
    }

    /// Revokes the certificates of a person: their assertions and refreshes are refused from now on.
    pub fn revoke(&self, person: u8) {
        self.server.set_member(person, |member| member.revoked = true);
        self.server.save();
    }

    /// Stops listening, closes every connection and waits for the server's threads.
    pub fn stop(self) {
        drop(self);
    }

    fn redirect_uri(&self) -> Option<&str> {
        self.server.modes.contains(&Mode::Oidc).then_some(&self.server.redirect_uri)
    }

    fn client_id(&self) -> &str {
        self.server.client_ids.first().map_or("", String::as_str)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A runtime must not be shut down on a thread of another one, which the caller's may be.
            let stopper = std::thread::spawn(move || runtime.shutdown_timeout(STOP_LIMIT));
            drop(stopper.join());
        }
    }
}

const STOP_LIMIT: Duration = Duration::from_secs(1);
