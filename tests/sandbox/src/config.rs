//! The client configuration that fits this server.

use std::io;
use std::path::Path;

use base64ct::{Base64, Encoding};
use serde_json::json;

use crate::grants::{COVERAGE_READ, ELIGIBILITY_CREATE, ELIGIBILITY_READ, OFFLINE_ACCESS};
use crate::{Sandbox, whole_file};

impl Sandbox {
    /// Writes a client configuration to `file`, and the authorities as PEM files beside it.
    ///
    /// The PEM files bear the name of `file` before their own, and are named relative to it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_config(&self, file: &Path) -> io::Result<()> {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("sandbox");
        let folder = file.parent().unwrap_or(Path::new(""));
        let write_pem = |name: String, der: &[u8]| -> io::Result<String> {
            whole_file::write(&folder.join(&name), pem(der).as_bytes())?;
            Ok(name)
        };
        let tls_root = write_pem(format!("{stem}-tls-root.pem"), self.tls_root_der())?;
        let card_roots: Vec<String> = (1..)
            .zip(self.card_roots_der())
            .map(|(number, der)| write_pem(format!("{stem}-card-root-{number}.pem"), &der))
            .collect::<io::Result<_>>()?;
        let mut config = json!({
            "issuer": self.issuer(),
            "fhir_base": self.fhir_base(),
            "client_id": self.client_id(),
            "tls_roots": [tls_root],
            "card_roots": card_roots,
            "pins": self.pins(),
            "pins_not_after": self.pins_not_after(),
            "notice": { "id": NOTICE_ID, "text": NOTICE_TEXT },
            "scope": SCOPES.join(" "),
            "consents": ["limit-certificate"],
        });
        // Readers of the file refuse members they do not know, so one that only mode OIDC needs is left out elsewhere.
        if let Some(redirect_uri) = self.redirect_uri() {
            config["redirect_uri"] = redirect_uri.into();
        }
        if !self.signer_kids().is_empty() {
            config["signer_kids"] = self.signer_kids().into();
        }
        let text = serde_json::to_string_pretty(&config)? + "\n";
        whole_file::write(file, text.as_bytes())
    }
}

/// A certificate in the textual encoding of RFC 7468.
fn pem(der: &[u8]) -> String {
    let text = Base64::encode_string(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for start in (0..text.len()).step_by(64) {
        pem.push_str(&text[start..text.len().min(start + 64)]);
        pem.push('\n');
    }
    pem + "-----END CERTIFICATE-----\n"
}

/// What the notice below is about at least; a client asks for more when it shows more.
const SCOPES: &[&str] = &[ELIGIBILITY_CREATE, ELIGIBILITY_READ, COVERAGE_READ, OFFLINE_ACCESS];
const NOTICE_ID: &str = "2026-11-01";
const NOTICE_TEXT: &str =
    "資格情報、薬剤情報及び医療費通知情報を、本人の確認、家計管理及び医療費控除の準備のために表示します。";
