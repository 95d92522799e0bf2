//! `kazasu card …`: the card alone, without a server.

use std::path::Path;

use kazasu::card::{
    Card, CardRoots, Certificate, ChannelKind, ChipProof, Jpki, LastAttempt, certificate::is_jpki_root,
};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::{CardFault, PinKind};
use kazasu::iso7816::CardCapabilities;
use kazasu::time::{CalendarDate, Clock, SystemClock};
use serde_json::json;

use crate::args::{CardCommand, CertificateKind, Global};
use crate::failure::Failure;
use crate::output::Output;
use crate::secrets::Secrets;
use crate::{link, pem};

pub(crate) fn run(command: &CardCommand, global: &Global, output: Output) -> Result<(), Failure> {
    match command {
        CardCommand::Info => info(global, output),
        CardCommand::PinStatus => pin_status(global, output),
        CardCommand::Certificate { kind, ca, output: file } => certificate(*kind, *ca, file.as_deref(), global, output),
        CardCommand::Authenticate { challenge, cached_certificate } => {
            authenticate(challenge, cached_certificate.as_deref(), global, output)
        }
    }
}

/// The permission of `--allow-last-try`.
pub(crate) fn last_attempt(global: &Global) -> LastAttempt {
    if global.allow_last_try { LastAttempt::Allow } else { LastAttempt::Refuse }
}

fn info(global: &Global, output: Output) -> Result<(), Failure> {
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let applications: Vec<&str> = card.applications()?.iter().map(|application| application.name()).collect();
    let mut jpki = card.select_jpki()?;
    let token = jpki.token_info()?;
    let capabilities = card.capabilities();
    output.line(output.say("カードの情報", "Card"));
    output.field(output.say("種類", "Generation"), token.generation.name());
    output.field(output.say("ラベル", "Label"), &token.label);
    output.field(output.say("アプリケーション", "Applications"), &applications.join(", "));
    output.field(output.say("通信路", "Channel"), ChannelKind::Plain.name());
    output.object(&json!({
        "generation": token.generation.name(),
        "label": token.label,
        "applications": applications,
        "channel": {"kind": ChannelKind::Plain.name(), "chip_proof": ChipProof::None.name()},
        "short_ef": capabilities.short_ef,
    }));
    Ok(())
}

fn pin_status(global: &Global, output: Output) -> Result<(), Failure> {
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let mut jpki = card.select_jpki()?;
    output.line(output.say("暗証番号の残り回数", "Tries left"));
    let mut object = serde_json::Map::new();
    for (kind, name, ja, en) in [
        (PinKind::UserAuthentication, "user_authentication", "利用者証明用", "User authentication"),
        (PinKind::Signature, "signature", "署名用", "Signature"),
    ] {
        match jpki.attempts_left(kind) {
            Ok(attempts) => {
                let left = attempts.attempts_left.map_or("?".to_owned(), |left| left.to_string());
                let text = format!("{left} / {}", attempts.max_attempts);
                output.field(output.say(ja, en), &text);
                object.insert(
                    name.to_owned(),
                    json!({"attempts_left": attempts.attempts_left, "max_attempts": attempts.max_attempts}),
                );
            }
            // A child's card has no signature password.
            Err(kazasu::Error::Card(CardFault::Status { .. })) => {
                output.field(output.say(ja, en), output.say("なし", "none"));
                object.insert(name.to_owned(), serde_json::Value::Null);
            }
            Err(error) => return Err(error.into()),
        }
    }
    output.object(&object.into());
    Ok(())
}

fn certificate(
    kind: CertificateKind,
    ca: bool,
    file: Option<&Path>,
    global: &Global,
    output: Output,
) -> Result<(), Failure> {
    let secrets = Secrets::new(global.pin_stdin, output);
    let password = (kind == CertificateKind::Sign && !ca).then(|| secrets.signature()).transpose()?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let mut jpki = card.select_jpki()?;
    let pin_kind = match kind {
        CertificateKind::Auth => PinKind::UserAuthentication,
        CertificateKind::Sign => PinKind::Signature,
    };
    let certificate = match (password, ca) {
        (_, true) => jpki.authority_certificate(pin_kind)?,
        (Some(password), false) => jpki.signature_certificate(password, last_attempt(global))?,
        (None, false) => authentication_certificate(&mut jpki, global, &secrets)?,
    };
    let issuer = issuer(&mut jpki, &certificate, pin_kind, ca)?;
    drop(transport);
    match file {
        Some(file) => {
            let is_der = file.extension().is_some_and(|extension| extension == "der");
            let bytes = if is_der { certificate.der().to_vec() } else { pem::encode(certificate.der()).into_bytes() };
            std::fs::write(file, bytes).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
        }
        None => output.line(pem::encode(certificate.der()).trim_end()),
    }
    let not_after = CalendarDate::in_japan(certificate.not_after());
    if !output.json {
        output.note(format!("{}: {not_after}", output.say("有効期限", "Valid until")));
        output.note(format!("{}: {issuer}", output.say("発行者の確認", "Issuer")));
    }
    output.object(&json!({
        "kind": if kind == CertificateKind::Auth { "auth" } else { "sign" },
        "authority": ca,
        "algorithm": certificate.key().algorithm().name(),
        "not_after": not_after.to_string(),
        "expired": SystemClock.now() > certificate.not_after(),
        "issuer": issuer,
        "pem": file.is_none().then(|| pem::encode(certificate.der())),
    }));
    Ok(())
}

/// The authentication certificate; a phone wants the PIN first.
fn authentication_certificate(
    jpki: &mut Jpki<'_, '_>,
    global: &Global,
    secrets: &Secrets,
) -> Result<Certificate, Failure> {
    if let Some(certificate) = jpki.authentication_certificate()? {
        return Ok(certificate);
    }
    jpki.verify_user_authentication(secrets.user_authentication()?, last_attempt(global))?;
    jpki.authentication_certificate()?.ok_or_else(|| CardFault::Malformed { what: "certificate" }.into())
}

/// Whether the certificate chains to a JPKI root, read from the card and known by its fingerprint.
fn issuer(
    jpki: &mut Jpki<'_, '_>,
    certificate: &Certificate,
    kind: PinKind,
    is_authority: bool,
) -> Result<&'static str, Failure> {
    if is_authority {
        return Ok(if is_jpki_root(certificate.der()) { "jpki_root" } else { "unknown_root" });
    }
    let authority = match jpki.authority_certificate(kind) {
        Ok(authority) => authority,
        // The certificate was read; a card without its authority only leaves the question open.
        Err(kazasu::Error::Card(_)) => return Ok("not_verified"),
        Err(error) => return Err(error.into()),
    };
    let issued = CardRoots::parse([authority.der()])
        .is_ok_and(|roots| roots.contains_issuer_of(certificate, SignatureVerifier::ring()));
    Ok(match (issued, is_jpki_root(authority.der())) {
        (true, true) => "jpki_root",
        (true, false) => "unknown_root",
        (false, _) => "not_verified",
    })
}

fn authenticate(challenge: &str, cached: Option<&Path>, global: &Global, output: Output) -> Result<(), Failure> {
    let challenge = parse_hex(challenge).ok_or_else(|| Failure::usage("--challenge: not hexadecimal"))?;
    if !(8..=64).contains(&challenge.len()) {
        return Err(Failure::usage("--challenge: 8 to 64 bytes"));
    }
    let cached = cached
        .map(|file| {
            let certificates = pem::read_certificates(file)?;
            let parsed = certificates.first().and_then(|der| Certificate::parse(der));
            parsed.ok_or_else(|| Failure::usage("--cached-certificate: no certificate"))
        })
        .transpose()?;
    let pin = Secrets::new(global.pin_stdin, output).user_authentication()?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let mut jpki = card.select_jpki()?;
    let before_pin = match cached {
        Some(certificate) => Some(certificate),
        None => jpki.authentication_certificate()?,
    };
    jpki.verify_user_authentication(pin, last_attempt(global))?;
    let certificate = match before_pin {
        Some(certificate) => certificate,
        None => jpki.authentication_certificate()?.ok_or(CardFault::Malformed { what: "certificate" })?,
    };
    let signature = jpki.sign_challenge(certificate.key(), &challenge, SignatureVerifier::ring())?;
    drop(transport);
    let signature = kazasu::base64url::encode(&signature);
    let algorithm = certificate.key().algorithm().name();
    output.line(output.say("署名しました（証明書で検証済み）", "Signed, and verified with the certificate"));
    output.field(output.say("アルゴリズム", "Algorithm"), algorithm);
    output.field(output.say("署名", "Signature"), &signature);
    output.line(pem::encode(certificate.der()).trim_end());
    output.object(&json!({
        "algorithm": algorithm,
        "signature": signature,
        "certificate": pem::encode(certificate.der()),
        "verified": true,
    }));
    Ok(())
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pairs_of_hexadecimal_digits_are_bytes() {
        assert_eq!(parse_hex("00fFa1"), Some(vec![0x00, 0xff, 0xa1]));
        for bad in ["0", "+1", "0x", "é1", " 1"] {
            assert_eq!(parse_hex(bad), None, "{bad}");
        }
    }
}
