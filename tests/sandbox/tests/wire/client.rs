//! HTTP/1.1 over TLS 1.3, one connection for each request.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use kazasu_sandbox::Sandbox;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

pub(crate) struct Client {
    address: SocketAddr,
    config: Arc<ClientConfig>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(sandbox.tls_root_der().to_vec())).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address: sandbox.address(), config: Arc::new(config) }
    }

    pub(crate) fn connect(&self) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let stream = TcpStream::connect(self.address)?;
        // Head and body are two writes: without this the second waits for an acknowledgement.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
        let mut stream = self.connect()?;
        write_request(&mut stream, method, path, headers, body, true)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Reply::parse(&bytes)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"").unwrap()
    }

    pub(crate) fn post(&self, path: &str) -> Reply {
        self.send("POST", path, &[], b"").unwrap()
    }
}

pub(crate) fn write_request(
    stream: &mut impl Write,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    close: bool,
) -> io::Result<()> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n", body.len());
    if close {
        head += "Connection: close\r\n";
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

impl Reply {
    pub(crate) fn parse(bytes: &[u8]) -> io::Result<Self> {
        let cut = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let head = std::str::from_utf8(&bytes[..cut]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let reply = Self { status, headers, body: bytes[cut + 4..].to_vec() };
        let length = reply.header("content-length").map(|length| length.parse::<usize>().unwrap());
        if length.is_some_and(|length| length != reply.body.len() && status != 304) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(reply)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status, `error` and `card_error` of an OAuth error.
    pub(crate) fn oauth_error(&self) -> (u16, String, Option<String>) {
        let body = self.json();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        (self.status, text("error").unwrap_or_default(), text("card_error"))
    }

    /// Status, issue code and `KZ-…` code of an OperationOutcome.
    pub(crate) fn outcome(&self) -> (u16, String, String) {
        let body = self.json();
        assert_eq!(body["resourceType"], "OperationOutcome", "{body}");
        let issue = &body["issue"][0];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (self.status, text(&issue["code"]), text(&issue["details"]["coding"][0]["code"]))
    }
}
