//! HTTP to the FHIR server: bounded answers, no redirects, no proxy.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use serde_json::Value;
use ureq::http::{self, HeaderMap};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::http::{Answer, Request};
use crate::outcome::Issue;

/// The connections to one FHIR server.
pub(super) struct Client {
    agent: ureq::Agent,
    /// Without a slash at its end.
    base: String,
}

impl Client {
    pub(super) fn new(base: &str, roots: &[Vec<u8>]) -> io::Result<Self> {
        let base = base.trim_end_matches('/');
        let uri: http::Uri = base.parse().map_err(|_| refused("the FHIR base is not a URL"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") if !roots.is_empty() => {}
            Some("https") => return Err(refused("a FHIR base with https needs the authority that it is trusted by")),
            _ => return Err(refused("the FHIR base is neither http nor https")),
        }
        if uri.query().is_some() || base.contains(['#', '@']) {
            return Err(refused("the FHIR base has a query, a fragment or a password"));
        }
        let certificates: Vec<_> = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(certificates)))
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_global(Some(LIMIT))
            .user_agent(concat!("kazasu-sandbox/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.new_agent(), base: base.to_owned() })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// A call of a path below the base.
    pub(super) fn call(&self, method: &'static str, path: &str) -> Call<'_> {
        self.call_url(method, format!("{}{path}", self.base))
    }

    /// A call of a URL that is known to be the server's.
    pub(super) fn call_url(&self, method: &'static str, url: String) -> Call<'_> {
        let builder = http::Request::builder().method(method).uri(url).header("accept", "application/fhir+json");
        Call { client: self, builder, body: Vec::new() }
    }

    /// What follows the base in a URL of the server; `None` for any other URL.
    pub(super) fn below_base<'a>(&self, url: &'a str) -> Option<&'a str> {
        let rest = url.strip_prefix(&self.base)?;
        let inside = rest.is_empty() || rest.starts_with(['/', '?']);
        let path = rest.split('?').next().unwrap_or_default().to_ascii_lowercase();
        let climbs = path.split('/').any(|segment| [".", "..", "%2e", "%2e%2e", ".%2e", "%2e."].contains(&segment));
        (inside && !climbs).then_some(rest)
    }
}

fn refused(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

/// A request that is being put together.
pub(super) struct Call<'a> {
    client: &'a Client,
    builder: http::request::Builder,
    body: Vec<u8>,
}

impl Call<'_> {
    pub(super) fn with_body(mut self, media_type: &str, body: Vec<u8>) -> Self {
        self.builder = self.builder.header("content-type", media_type);
        self.body = body;
        self
    }

    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Copies what a client may say to the server itself. Token and proof stay here: they are for the sandbox.
    pub(super) fn copying(mut self, request: &Request) -> Self {
        for name in COPIED_HEADERS {
            if let Ok(Some(value)) = request.header(name) {
                self.builder = self.builder.header(*name, value);
            }
        }
        self
    }

    /// Sends the request and reads the whole answer; blocks for at most [`LIMIT`].
    pub(super) fn send(self) -> Result<Reply, Answer> {
        let request = self.builder.body(self.body).map_err(|_| UNREACHABLE)?;
        let mut response = self.client.agent.run(request).map_err(|error| fault_of(&error))?;
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let body = body.map_err(|error| fault_of(&error))?;
        Ok(Reply { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }
}

/// A complete answer of the FHIR server.
pub(super) struct Reply {
    pub(super) status: u16,
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as a resource.
    pub(super) fn resource(&self) -> Result<Value, Answer> {
        let resource: Option<Value> = serde_json::from_slice(&self.body).ok();
        let resource = resource.filter(|resource| resource["resourceType"].is_string());
        resource.ok_or_else(|| Issue::UPSTREAM.described("the FHIR server answered no FHIR JSON").into())
    }
}

fn fault_of(error: &ureq::Error) -> Answer {
    match error {
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => Issue::RESULT_TOO_LARGE.into(),
        ureq::Error::Timeout(_) => Issue::TIMEOUT.into(),
        _ => UNREACHABLE.into(),
    }
}

const UNREACHABLE: Issue = Issue::UPSTREAM.described("the FHIR server cannot be reached or is not trusted");
const COPIED_HEADERS: &[&str] = &["accept-language", "prefer", "x-request-id"];
/// The contract's bound for a body.
const MAX_ANSWER: u64 = 8 << 20;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Less than the 15 seconds that clients wait for a read, so that they are told.
const LIMIT: Duration = Duration::from_secs(12);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_below_the_base_are_the_servers() {
        let client = Client::new("http://127.0.0.1:8080/fhir/", &[]).unwrap();
        for (url, below) in [
            ("http://127.0.0.1:8080/fhir", Some("")),
            ("http://127.0.0.1:8080/fhir?_getpages=1", Some("?_getpages=1")),
            ("http://127.0.0.1:8080/fhir/Task/1", Some("/Task/1")),
            ("http://127.0.0.1:8080/fhirx/Task", None),
            ("http://127.0.0.1:8080/fhir/../admin", None),
            ("http://127.0.0.1:8080/fhir/%2E%2e/admin", None),
            ("http://127.0.0.1:8080/", None),
            ("http://127.0.0.1:80801/fhir/x", None),
            ("https://127.0.0.1:8080/fhir/x", None),
        ] {
            assert_eq!(client.below_base(url), below, "{url}");
        }
    }

    #[test]
    fn a_base_that_cannot_be_used_is_refused() {
        for base in
            ["", "x", "/fhir", "ftp://x/", "https://x/fhir", "http://x/?a=b", "http://a:b@x/fhir", "http://x/#a"]
        {
            assert!(Client::new(base, &[]).is_err(), "{base}");
        }
    }
}
