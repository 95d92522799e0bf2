//! `kazasu card certificate`.

use std::path::Path;

use kazasu::card::{Card, Certificate, Disclosure, Issuer, Jpki, KeyKind};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::CardFault;
use kazasu::iso7816::CardCapabilities;
use kazasu::time::{CalendarDate, Clock, SystemClock, UnixMillis};
use serde_json::json;

use super::last_attempt;
use crate::args::{CertificateKind, Global};
use crate::failure::Failure;
use crate::files::Destination;
use crate::output::Output;
use crate::secrets::Secrets;
use crate::{link, pem};

pub(super) fn run(
    kind: CertificateKind,
    ca: bool,
    checks_issuer: bool,
    file: Option<&Path>,
    global: &Global,
    output: Output,
) -> Result<(), Failure> {
    let destination = file.map(Destination::replacing).transpose()?;
    let secrets = Secrets::new(global.pin_stdin, output);
    let password = (kind == CertificateKind::Sign && !ca).then(|| secrets.signature()).transpose()?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let mut jpki = card.select_jpki()?;
    let key = match kind {
        CertificateKind::Auth => KeyKind::UserAuthentication,
        CertificateKind::Sign => KeyKind::Signature,
    };
    let certificate = match (password, ca) {
        (_, true) => jpki.authority_certificate(key)?,
        (Some(password), false) => {
            output.note(output.say(
                "この証明書には氏名・住所・生年月日・性別が含まれます。",
                "This certificate carries name, address, birth date and sex.",
            ));
            let disclosure = Disclosure::NameAddressBirthDateSex;
            jpki.signature_certificate(password, last_attempt(global), disclosure)?
        }
        (None, false) => authentication_certificate(&mut jpki, global, &secrets)?,
    };
    let issuer = match (ca, checks_issuer) {
        (true, _) => told(certificate.check_root(SignatureVerifier::ring()))?,
        (false, true) => told(jpki.check_issuer(&certificate, key, SignatureVerifier::ring()))?,
        (false, false) => Some(Issuer::NotChecked),
    };
    drop(transport);
    match (file, destination) {
        (Some(file), Some(destination)) => {
            let is_der = file.extension().is_some_and(|extension| extension == "der");
            let bytes = if is_der { certificate.der().to_vec() } else { pem::encode(certificate.der()).into_bytes() };
            destination.write(&bytes)?;
        }
        _ => output.lines(pem::encode(certificate.der()).lines()),
    }
    let not_after = CalendarDate::in_japan(certificate.not_after());
    if !output.json {
        output.note(format!("{}: {not_after}", output.say("有効期限", "Valid until")));
        output.note(format!("{}: {}", output.say("発行者", "Issuer"), issuer_text(issuer, "--issuer", output)));
        output.note(output.say(
            "失効: 未確認（認定を受けた検証者だけが確認できます）",
            "Revocation: not checked (only accredited verifiers may ask)",
        ));
    }
    output.object(&json!({
        "kind": if kind == CertificateKind::Auth { "auth" } else { "sign" },
        "authority": ca,
        "algorithm": certificate.key().algorithm().name(),
        "not_after": not_after.to_string(),
        "expired": is_expired(certificate.not_after(), SystemClock.now()),
        "issuer": issuer.map_or("not_verified", Issuer::name),
        "pem": file.is_none().then(|| pem::encode(certificate.der())),
    }));
    Ok(())
}

/// Whether it is over by now; `None` where the clock of this computer says a time that cannot be.
fn is_expired(not_after: UnixMillis, now: UnixMillis) -> Option<bool> {
    now.is_plausible().then(|| now > not_after)
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

/// Who issued the certificate, in words; `None` where that cannot be verified, and `option` is what checks it.
pub(super) fn issuer_text(issuer: Option<Issuer>, option: &str, output: Output) -> String {
    let text = match issuer {
        Some(Issuer::JpkiRoot) => {
            output.say("公的個人認証サービスの認証局（確認済み）", "an authority of JPKI (verified)")
        }
        Some(Issuer::UnknownRoot) => output
            .say("カード内の未知の認証局（テスト用カードなど）", "the card's own authority, unknown (a test card?)"),
        Some(Issuer::NotChecked) => output.say("未確認（{} で確認）", "not checked ({} checks it)"),
        None => output.say("確認できません", "cannot be verified"),
    };
    text.replace("{}", option)
}

/// The certificate was read: that its issuer cannot be verified is told, and is no failure.
fn told(checked: Result<Issuer, kazasu::Error>) -> Result<Option<Issuer>, Failure> {
    match checked {
        Err(kazasu::Error::Card(_)) => Ok(None),
        checked => Ok(Some(checked?)),
    }
}
