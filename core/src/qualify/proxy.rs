//! A TCP connection to the server, or to a proxy that makes one (CONNECT; RFC 9110, 9.3.6).
//!
//! What goes through the proxy is TLS to the server, proven as without one: the proxy learns host, port and amounts. It
//! looks the server's name up. Nothing is taken from the environment: a proxy is set or there is none.

use std::io::{self, Read, Write};
use std::time::Duration;

use rustls::pki_types::ServerName;
use ureq::http::Uri;
use ureq::unversioned::transport::time::{Duration as Span, Instant};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout, TcpConnector, TransportAdapter};

use crate::error::{ConnectionFault, Error};

/// Largest head of a proxy's answer, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// An HTTP proxy, by name and port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Proxy {
    uri: Uri,
    host: String,
    port: u16,
}

impl Proxy {
    /// Reads `HOST:PORT`; an IPv6 address stands in brackets. What it holds is not repeated: it may be a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if text.contains('@') {
            return Err(Error::usage("the proxy is given with a user or password, which is not supported"));
        }
        Self::read(text).ok_or_else(|| Error::usage("the proxy is not of the form HOST:PORT"))
    }

    fn read(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_right = match (ServerName::try_from(bare.unwrap_or(host)).ok()?, bare) {
            (ServerName::IpAddress(address), bare) => std::net::IpAddr::from(address).is_ipv6() == bare.is_some(),
            (_, bare) => bare.is_none(),
        };
        let uri: Uri = format!("http://{host}:{port}/").parse().ok()?;
        is_right.then(|| Self { uri, host: host.to_owned(), port })
    }

    /// As the HTTP client wants to know it, so that it leaves the server's name to the proxy.
    pub(crate) fn for_ureq(&self) -> Option<ureq::Proxy> {
        ureq::Proxy::builder(ureq::ProxyProtocol::Http).host(&self.host).port(self.port).build().ok()
    }
}

/// Opens the TCP connection of each TLS connection.
#[derive(Debug)]
pub(crate) struct Dialler {
    pub(crate) proxy: Option<Proxy>,
    /// How long opening may take, and the proxy's answer again.
    pub(crate) limit: Duration,
}

impl Connector<()> for Dialler {
    type Out = <TcpConnector as Connector<()>>::Out;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>, ureq::Error> {
        match &self.proxy {
            None => open(details, details.uri, details.addrs.clone(), self.limit),
            Some(proxy) => self.connect_by(proxy, details).map(Some).map_err(|status| {
                // Whatever is wrong between here and the proxy, it is not the server.
                ureq::Error::Other(Box::new(ConnectionFault::Proxy { status }))
            }),
        }
    }
}

impl Dialler {
    /// A connection through the proxy; the status with which it refuses, if it said one.
    fn connect_by(
        &self,
        proxy: &Proxy,
        details: &ConnectionDetails,
    ) -> Result<<Self as Connector<()>>::Out, Option<u16>> {
        let time = left(details, self.limit);
        let addresses = details.resolver.resolve(&proxy.uri, details.config, time).map_err(|_| None)?;
        let opened = open(details, &proxy.uri, addresses, self.limit).map_err(|_| None)?;
        let mut link = TransportAdapter::new(opened.ok_or(None)?, details.current_time.clone());
        link.set_timeout(left(details, self.limit));
        let host = details.uri.host().ok_or(None)?;
        let port = details.uri.port_u16().unwrap_or(443);
        let asked = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
        link.write_all(asked.as_bytes()).map_err(|_| None)?;
        let head = read_head(&mut link).map_err(|_| None)?;
        match status_of(&head) {
            // Bytes behind the head are the server's, and TLS will judge them.
            Some(200..=299) => Ok(link.into_inner()),
            status => Err(status),
        }
    }
}

/// A TCP connection to one of these addresses.
fn open(
    details: &ConnectionDetails,
    uri: &Uri,
    addrs: ureq::unversioned::resolver::ResolvedSocketAddrs,
    limit: Duration,
) -> Result<Option<<Dialler as Connector<()>>::Out>, ureq::Error> {
    let details = ConnectionDetails {
        uri,
        addrs,
        config: details.config,
        request_level: details.request_level,
        resolver: details.resolver,
        now: (details.current_time)(),
        timeout: left(details, limit),
        current_time: details.current_time.clone(),
        run_connector: details.run_connector.clone(),
        register_shutdown: details.register_shutdown.clone(),
    };
    TcpConnector::default().connect(&details, None)
}

/// This much time from now, and no more than is left of the request's.
pub(crate) fn left(details: &ConnectionDetails, limit: Duration) -> NextTimeout {
    let spent = match ((details.current_time)(), details.now) {
        (Instant::Exact(now), Instant::Exact(began)) => now.saturating_duration_since(began),
        _ => Duration::ZERO,
    };
    let after = details.timeout.after.saturating_sub(spent).min(limit);
    NextTimeout { after: Span::Exact(after), ..details.timeout }
}

/// Everything up to the empty line, and not a byte more.
fn read_head(link: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if head.len() >= MAX_HEAD || link.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend_from_slice(&byte);
    }
    Ok(head)
}

/// The status of `HTTP/1.1 200 …` (RFC 9112, 4).
fn status_of(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.1 ").or_else(|| head.strip_prefix(b"HTTP/1.0 "))?;
    let (digits, behind) = rest.split_at_checked(3)?;
    let is_number = digits.iter().all(u8::is_ascii_digit) && matches!(behind.first(), Some(b' ' | b'\r'));
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_read_and_nothing_else() {
        for right in ["proxy.example:8080", "127.0.0.1:3128", "[::1]:3128", "localhost:1", "p:65535"] {
            let proxy = Proxy::parse(right).expect(right);
            assert_eq!(format!("{}:{}", proxy.host, proxy.port), right);
            assert!(proxy.for_ureq().is_some(), "{right}");
        }
        for wrong in [
            "",
            "proxy.example",
            "proxy.example:",
            ":8080",
            "proxy.example:0",
            "proxy.example:65536",
            "proxy.example:80 80",
            "http://proxy.example:8080",
            "proxy.example:8080/",
            "proxy .example:8080",
            "::1:3128",
            "[proxy.example]:3128",
            "[127.0.0.1]:3128",
            "プロキシ:3128",
        ] {
            assert_eq!(Proxy::parse(wrong).expect_err(wrong).code(), "KZ-U01", "{wrong}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for given in ["http://hanako:s3cret@proxy.example:8080", "hanako:s3cret@proxy.example:8080", "@p:1"] {
            let refused = Proxy::parse(given).expect_err(given).to_string();
            assert!(refused.contains("not supported") && !refused.contains("s3cret") && !refused.contains("hanako"));
        }
    }

    #[test]
    fn the_status_is_read_from_the_first_line() {
        for (head, status) in [
            (&b"HTTP/1.1 200 Connection established\r\n\r\n"[..], Some(200)),
            (b"HTTP/1.0 407 Proxy Authentication Required\r\nX: y\r\n\r\n", Some(407)),
            (b"HTTP/1.1 502\r\n\r\n", Some(502)),
            (b"HTTP/1.1 2000 x\r\n\r\n", None),
            (b"HTTP/1.1 +20 x\r\n\r\n", None),
            (b"HTTP/2 200\r\n\r\n", None),
            (b"<html>\r\n\r\n", None),
            (b"HTTP/1.1 20", None),
        ] {
            assert_eq!(status_of(head), status, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn a_head_ends_where_it_ends() {
        let mut rest = &b"HTTP/1.1 200 x\r\n\r\n\x16\x03"[..];
        read_head(&mut rest).expect("a head");
        assert_eq!(rest, b"\x16\x03", "what follows is for TLS");
        assert!(read_head(&mut io::repeat(b'x')).is_err(), "without end");
        assert!(read_head(&mut &b"HTTP/1.1 200 x\r\n"[..]).is_err(), "cut off");
    }
}
