//! A server that a test plays byte by byte.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::crypto::cipher::OutboundPlainMessage;
use rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConfig, ServerConnection, StreamOwned,
    SupportedCipherSuite,
};
use serde_json::json;

/// The server's end of a TLS connection.
pub type Link = StreamOwned<ServerConnection, TcpStream>;

/// A listening server. Its threads end with the process.
pub struct Peer {
    /// Of loopback.
    pub port: u16,
    heard: Arc<Heard>,
}

/// What the server has heard.
#[derive(Default)]
pub struct Heard {
    connections: AtomicUsize,
    bytes: AtomicUsize,
    requests: Mutex<Vec<Asked>>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Such as `/nonce`.
    pub path: String,
    /// Everything before the body.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Asked {
    /// The value of a header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Peer {
    /// Runs `script` on a thread for each connection; its failures are the client's business.
    pub fn start(script: impl Fn(TcpStream, &Heard) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let heard = Arc::new(Heard::default());
        let (script, shared) = (Arc::new(script), Arc::clone(&heard));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (script, shared) = (Arc::clone(&script), Arc::clone(&shared));
                std::thread::spawn(move || script(stream, &shared));
            }
        });
        Self { port, heard }
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.heard.connections.load(Ordering::SeqCst)
    }

    /// Bytes inside TLS so far, which is bytes of HTTP.
    pub fn bytes(&self) -> usize {
        self.heard.bytes.load(Ordering::SeqCst)
    }

    /// Requests so far to this path.
    pub fn requests(&self, path: &str) -> Vec<Asked> {
        let requests = self.heard.requests.lock().expect("requests");
        requests.iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

impl Heard {
    /// Reads one request; `None` when the client has closed the connection.
    pub fn request(&self, link: &mut impl Read) -> io::Result<Option<Asked>> {
        let (mut text, mut part) = (Vec::new(), [0; 4096]);
        loop {
            let count = link.read(&mut part)?;
            self.bytes.fetch_add(count, Ordering::SeqCst);
            text.extend_from_slice(&part[..count]);
            if let Some(asked) = parse(&text) {
                self.requests.lock().expect("requests").push(asked.clone());
                return Ok(Some(asked));
            }
            if count == 0 {
                return Ok(None);
            }
        }
    }
}

fn parse(text: &[u8]) -> Option<Asked> {
    let text = String::from_utf8_lossy(text);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let path = head.split(' ').nth(1)?.to_owned();
    let asked = Asked { path, head: head.to_owned(), body: body.to_owned() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap_or(0));
    (body.len() >= length).then_some(asked)
}

/// The server's side of the handshake.
pub fn accept(stream: TcpStream, config: &Arc<ServerConfig>) -> io::Result<Link> {
    let conn = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut link = StreamOwned::new(conn, stream);
    while link.conn.is_handshaking() {
        link.conn.complete_io(&mut link.sock)?;
    }
    Ok(link)
}

/// Says nothing until the client has closed the connection.
pub fn wait_for_the_end(link: &mut impl Read) {
    let mut part = [0; 4096];
    while link.read(&mut part).is_ok_and(|count| count > 0) {}
}

/// Sends one record of this content, encrypted as it should be, and nothing more. The server's configuration must have
/// `enable_secret_extraction`.
pub fn inject(link: Link, kind: ContentType, content: &[u8]) -> io::Result<()> {
    let Some(SupportedCipherSuite::Tls13(suite)) = link.conn.negotiated_cipher_suite() else { unreachable!() };
    let Link { conn, mut sock } = link;
    let (sequence, secrets) = conn.dangerous_extract_secrets().map_err(io::Error::other)?.tx;
    let (key, iv) = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => unreachable!(),
    };
    let record = OutboundPlainMessage { typ: kind, version: ProtocolVersion::TLSv1_2, payload: content.into() };
    let sealed = suite.aead_alg.encrypter(key, iv).encrypt(record, sequence).map_err(io::Error::other)?;
    sock.write_all(&sealed.encode())?;
    wait_for_the_end(&mut sock);
    Ok(())
}

/// Sends a JSON answer.
pub fn answer(link: &mut impl Write, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(link, "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")?;
    link.flush()
}

/// Answers as a server should that has metadata and nonces and lets nobody in: `KZ-Q07` at the token endpoint.
pub fn answer_well(link: &mut impl Write, asked: &Asked) -> io::Result<()> {
    let origin = format!("https://{}", asked.header("host").unwrap_or_default());
    let metadata = json!({
        "issuer": origin,
        "token_endpoint": format!("{origin}/token"),
        "nonce_endpoint": format!("{origin}/nonce"),
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
    });
    match asked.path.as_str() {
        "/nonce" => answer(link, 200, r#"{"nonce":"grsUKmVPhUi-bUjaMS5InxrVs51hSBtjkJx0yDxMWxg","expires_in":300}"#),
        "/token" => answer(link, 403, r#"{"error":"access_denied","card_error":"not_linked"}"#),
        DISCOVERY => answer(link, 200, &metadata.to_string()),
        _ => answer(link, 404, "{}"),
    }
}

/// The first path that is asked for.
pub const DISCOVERY: &str = "/r4/.well-known/smart-configuration";
