//! Certificates in files: PEM or DER in, PEM out.

use std::path::Path;

use base64ct::{Base64, Encoding};

use crate::failure::Failure;
use crate::files;

/// Largest file read, in bytes: some hundred authorities.
const MAX_FILE: u64 = 1 << 20;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Every certificate of a PEM file, or the one of a DER file.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let bytes = files::read_within(path, MAX_FILE)?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains(BEGIN) => text,
        _ => return Ok(vec![bytes]),
    };
    text.split(BEGIN)
        .skip(1)
        .map(|part| {
            let body: String = part.split(END).next().unwrap_or_default().split_whitespace().collect();
            Base64::decode_vec(&body).map_err(|_| Failure::usage(format!("{}: broken PEM", path.display())))
        })
        .collect()
}

/// PEM with lines of 64 characters (RFC 7468).
pub(crate) fn encode(der: &[u8]) -> String {
    let body = Base64::encode_string(der);
    let lines: Vec<&str> = (0..body.len()).step_by(64).map(|at| &body[at..body.len().min(at + 64)]).collect();
    format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let der: Vec<u8> = (0..200).collect();
        let file = std::env::temp_dir().join(format!("kazasu-pem-{}.pem", std::process::id()));
        std::fs::write(&file, encode(&der).repeat(2)).expect("written");
        let read = read_certificates(&file);
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(read.expect("read"), [der.clone(), der]);
    }
}
