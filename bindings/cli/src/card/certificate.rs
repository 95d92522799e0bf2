//! `kazasu card certificate`.

use std::path::Path;

use kazasu::card::{Card, Certificate, Disclosure, Issuer, Jpki, KeyKind};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::{CardFault, PinKind};
use kazasu::iso7816::CardCapabilities;
use kazasu::time::{CalendarDate, Clock, SystemClock};
use serde_json::{Value, json};

use super::look::{self, Look};
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
    let (certificate, issuer) = match (kind, ca) {
        (_, true) => authority(key_of(kind), global, output)?,
        (CertificateKind::Sign, false) => signature(checks_issuer, global, output)?,
        (CertificateKind::Auth, false) => authentication(checks_issuer, global, output)?,
    };
    match (file, destination) {
        (Some(file), Some(destination)) => {
            let is_der = file.extension().is_some_and(|extension| extension == "der");
            let bytes = if is_der { certificate.der().to_vec() } else { pem::encode(certificate.der()).into_bytes() };
            destination.write(&bytes)?;
        }
        _ => output.lines(pem::encode(certificate.der()).lines()),
    }
    if !output.json {
        output.note(format!("{}: {}", output.say("有効期限", "Valid until"), valid_until(&certificate, output)));
        output.note(format!("{}: {}", output.say("発行者", "Issuer"), issuer_text(issuer, "--issuer", output)));
        output.note(output.say(
            "失効: 未確認（認定を受けた検証者だけが確認できます）",
            "Revocation: not checked (only accredited verifiers may ask)",
        ));
    }
    let mut object = to_json(&certificate, issuer);
    object["kind"] = if kind == CertificateKind::Auth { "auth" } else { "sign" }.into();
    object["authority"] = ca.into();
    if file.is_some() {
        object["pem"] = Value::Null;
    }
    output.object(&object);
    Ok(())
}

pub(super) fn to_json(certificate: &Certificate, issuer: Option<Issuer>) -> Value {
    json!({
        "algorithm": certificate.key().algorithm().name(),
        "not_after": CalendarDate::in_japan(certificate.not_after()).to_string(),
        "expired": is_expired(certificate),
        "issuer": issuer.map_or("not_verified", Issuer::name),
        "pem": pem::encode(certificate.der()),
    })
}

/// Whether it is over by now; `None` where the clock of this computer says a time that cannot be.
pub(super) fn is_expired(certificate: &Certificate) -> Option<bool> {
    let now = SystemClock.now();
    now.is_plausible().then(|| now > certificate.not_after())
}

/// The last day, and whether that is over.
pub(super) fn valid_until(certificate: &Certificate, output: Output) -> String {
    let mark = if is_expired(certificate) == Some(true) { output.say("（期限切れ）", " (expired)") } else { "" };
    format!("{}{mark}", CalendarDate::in_japan(certificate.not_after()))
}

/// A certificate, and who issued it as far as that was checked; `None` where it was and could not be verified.
type Checked = (Certificate, Option<Issuer>);

const fn key_of(kind: CertificateKind) -> KeyKind {
    match kind {
        CertificateKind::Auth => KeyKind::UserAuthentication,
        CertificateKind::Sign => KeyKind::Signature,
    }
}

fn authority(of: KeyKind, global: &Global, output: Output) -> Result<Checked, Failure> {
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let authority = card.select_jpki()?.authority_certificate(of)?;
    let issuer = told(authority.check_root(SignatureVerifier::ring()))?;
    Ok((authority, issuer))
}

fn signature(checks_issuer: bool, global: &Global, output: Output) -> Result<Checked, Failure> {
    let look = look::before(PinKind::Signature, global, output)?;
    let password = Secrets::new(global.pin_stdin, output).signature(look)?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, look.capabilities);
    let mut jpki = card.select_jpki()?;
    output.note(output.say(
        "この証明書には氏名・住所・生年月日・性別が含まれます。",
        "This certificate carries name, address, birth date and sex.",
    ));
    let disclosure = Disclosure::NameAddressBirthDateSex;
    let certificate = jpki.signature_certificate(password, global.last_attempt(), disclosure)?;
    checked(&mut jpki, certificate, KeyKind::Signature, checks_issuer)
}

/// The authentication certificate; a phone wants the PIN first, and nobody types while the card is held.
fn authentication(checks_issuer: bool, global: &Global, output: Output) -> Result<Checked, Failure> {
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let mut jpki = card.select_jpki()?;
    if let Some(certificate) = jpki.authentication_certificate()? {
        return checked(&mut jpki, certificate, KeyKind::UserAuthentication, checks_issuer);
    }
    let secrets = Secrets::new(global.pin_stdin, output);
    if global.pin_stdin {
        let pin = secrets.user_authentication(Look::default())?;
        jpki.verify_user_authentication(pin, global.last_attempt())?;
        return opened(&mut jpki, checks_issuer);
    }
    drop(transport);
    let look = look::before(PinKind::UserAuthentication, global, output)?;
    let pin = secrets.user_authentication(look)?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, look.capabilities);
    let mut jpki = card.select_jpki()?;
    jpki.verify_user_authentication(pin, global.last_attempt())?;
    opened(&mut jpki, checks_issuer)
}

/// The authentication certificate once the PIN was right.
fn opened(jpki: &mut Jpki<'_, '_>, checks_issuer: bool) -> Result<Checked, Failure> {
    let certificate = jpki.authentication_certificate()?.ok_or(CardFault::Malformed { what: "certificate" })?;
    checked(jpki, certificate, KeyKind::UserAuthentication, checks_issuer)
}

fn checked(
    jpki: &mut Jpki<'_, '_>,
    certificate: Certificate,
    key: KeyKind,
    checks_issuer: bool,
) -> Result<Checked, Failure> {
    let issuer = if checks_issuer {
        told(jpki.check_issuer(&certificate, key, SignatureVerifier::ring()))?
    } else {
        Some(Issuer::NotChecked)
    };
    Ok((certificate, issuer))
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
pub(super) fn told(checked: Result<Issuer, kazasu::Error>) -> Result<Option<Issuer>, Failure> {
    match checked {
        Err(kazasu::Error::Card(_)) => Ok(None),
        checked => Ok(Some(checked?)),
    }
}
