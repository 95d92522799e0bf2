//! Servers that rustls would refuse to be, played by `openssl s_server`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

use crate::trust::Trust;

/// What an OpenSSL server has and does.
pub struct Odd {
    /// Arguments of `openssl req -newkey`, such as `rsa:1024`.
    pub key: &'static [&'static str],
    /// Such as `-sha256`.
    pub hash: &'static str,
    /// Arguments of `openssl s_server`.
    pub server: &'static [&'static str],
}

/// A running `s_server`, which ends with this value.
pub struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    folder: PathBuf,
    /// Of loopback.
    pub port: u16,
    /// The pin of its key.
    pub pin: String,
}

/// Whether there is an OpenSSL.
pub fn is_installed() -> bool {
    Command::new("openssl")
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

impl Server {
    /// Has the authority certify a new key, and starts the server. `name` is that of a folder.
    pub fn start(trust: &Trust, name: &str, odd: &Odd) -> Self {
        let folder = std::env::temp_dir().join(format!("kazasu-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (root, authority_key) = trust.authority();
        fs::write(folder.join("ca.der"), root).expect("writes");
        fs::write(folder.join("ca-key.der"), authority_key).expect("writes");
        fs::write(folder.join("extensions"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
            .expect("writes");
        let run = |arguments: &[&str]| {
            let done = Command::new("openssl").args(arguments).current_dir(&folder).output().expect("openssl");
            assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
            done.stdout
        };
        let request = ["req", "-new", "-nodes", "-subj", "/CN=server", "-keyout", "key.pem", "-out", "request.pem"];
        run(&[&request[..], &["-newkey"], odd.key].concat());
        let sign =
            ["x509", "-req", "-in", "request.pem", "-out", "server.pem", "-days", "30", "-extfile", "extensions"];
        let authority = ["-CA", "ca.der", "-CAkey", "ca-key.der", "-CAcreateserial", odd.hash];
        run(&[&sign[..], &authority].concat());
        let spki = run(&["pkey", "-in", "key.pem", "-pubout", "-outform", "der"]);
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "key.pem"])
            .args(odd.server)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let port = port_in(&mut output);
        Self { child, output, folder, port, pin: Base64::encode_string(&Sha256::digest(spki)) }
    }

    /// Ends the server. What it wrote: what it received, and what it tells of its connections.
    pub fn end(mut self) -> String {
        let _ = self.child.kill();
        let mut written = Vec::new();
        let _ = self.output.read_to_end(&mut written);
        String::from_utf8_lossy(&written).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// From a line such as `ACCEPT 127.0.0.1:35003`.
fn port_in(output: &mut impl BufRead) -> u16 {
    let mut line = String::new();
    while !line.starts_with("ACCEPT") {
        line.clear();
        assert_ne!(output.read_line(&mut line).expect("text"), 0, "s_server did not start");
    }
    line.trim().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}
