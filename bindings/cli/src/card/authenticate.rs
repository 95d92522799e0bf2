//! `kazasu card authenticate`: a diagnostic.

use std::path::Path;

use kazasu::card::{Card, Certificate, CertificateState, Issuer, Jpki, KeyKind};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::{CardFault, CertificateFault, ConnectionFault, PinKind};
use kazasu::time::{Clock, SystemClock};
use serde_json::json;

use super::certificate::{is_expired, issuer_text, valid_until};
use super::look;
use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Output, padded};
use crate::secrets::Secrets;
use crate::{link, pem};

pub(super) fn run(
    challenge: &str,
    cached: Option<&Path>,
    checks_issuer: bool,
    global: &Global,
    output: Output,
) -> Result<(), Failure> {
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
    let look = look::before(PinKind::UserAuthentication, global, output)?;
    let pin = Secrets::new(global.pin_stdin, output).user_authentication(look)?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, look.capabilities);
    let mut jpki = card.select_jpki()?;
    let before_pin = match cached {
        Some(certificate) => Some(certificate),
        None => jpki.authentication_certificate()?,
    };
    // Before the PIN, where the card gives its certificate before: a wrong one costs no try.
    let mut issuer = Issuer::NotChecked;
    if let Some(certificate) = before_pin.as_ref().filter(|_| checks_issuer) {
        issuer = checked(&mut jpki, certificate)?;
    }
    jpki.verify_user_authentication(pin, global.last_attempt())?;
    let certificate = match before_pin {
        Some(certificate) => certificate,
        None => {
            let read = jpki.authentication_certificate()?.ok_or(CardFault::Malformed { what: "certificate" })?;
            if checks_issuer {
                issuer = checked(&mut jpki, &read)?;
            }
            read
        }
    };
    let signature = jpki.sign_challenge(certificate.key(), &challenge, SignatureVerifier::ring())?;
    drop(transport);
    let signature = kazasu::base64url::encode(&signature);
    let algorithm = certificate.key().algorithm().name();
    output.line(match issuer {
        Issuer::NotChecked => {
            output.say("署名は検証済み、証明書は未確認です", "Signed: signature verified, certificate not checked")
        }
        Issuer::JpkiRoot | Issuer::UnknownRoot => {
            output.say("署名と証明書を検証しました", "Signed: signature and certificate verified")
        }
    });
    output.field(output.say("アルゴリズム", "Algorithm"), algorithm);
    output.field(output.say("有効期限", "Valid until"), &valid_until(&certificate, output));
    output.field(output.say("発行者", "Issuer"), &issuer_text(Some(issuer), "--ca", output));
    // On one line, to be copied.
    output.line(format!("  {}{signature}", padded(output.say("署名", "Signature"), 22)));
    output.lines(pem::encode(certificate.der()).lines());
    output.object(&json!({
        "algorithm": algorithm,
        "signature": signature,
        "certificate": pem::encode(certificate.der()),
        "verified": true,
        "expired": is_expired(&certificate),
        "issuer": issuer.name(),
    }));
    Ok(())
}

/// Who issued the certificate, which is of use today: by its dates and by a clock that can be right, as for a signature.
fn checked(jpki: &mut Jpki<'_, '_>, certificate: &Certificate) -> Result<Issuer, Failure> {
    let now = SystemClock.now();
    if !now.is_plausible() {
        return Err(kazasu::Error::from(ConnectionFault::DeviceClock).into());
    }
    if certificate.state(now)? == CertificateState::Grace {
        return Err(CertificateFault::Expired.into());
    }
    Ok(jpki.check_issuer(certificate, KeyKind::UserAuthentication, SignatureVerifier::ring())?)
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
