//! What people do with a card alone, once with the SDK and once with the [judge](crate::short_reader).

use kazasu::Error;
use kazasu::card::{Card, CardDate, Disclosure, LastAttempt, SignaturePassword, cms};
use kazasu::crypto::SignatureVerifier;
use kazasu::time::{Clock, SystemClock};
use kazasu_card_sim::ApplicationKind;
use sha2::{Digest, Sha256};

use crate::short_reader::ShortReader;
use crate::{number_b, pin, pin_of, text_input_pin_of};

/// One job. What it gives is the same each time, so that a wrong result is seen.
pub struct Job {
    /// As the command line calls it.
    pub name: &'static str,
    /// By the SDK.
    pub run: fn(&mut Card<'_>) -> Result<String, Error>,
    /// By the judge.
    pub judge: fn(&mut ShortReader<'_>) -> Option<Vec<u8>>,
    /// How many PINs it takes, each of which is sent once.
    pub pins: u32,
}

/// Every job.
pub const JOBS: [Job; 9] = [
    Job { name: "authenticate", run: authenticate, judge: judge_authenticate, pins: 1 },
    // None of its own; a card that says "6982" is taken at its word, as a phone is, and gets its PIN.
    Job { name: "certificate", run: certificate, judge: judge_certificate, pins: 1 },
    Job { name: "attributes", run: attributes, judge: judge_attributes, pins: 1 },
    Job { name: "face", run: face, judge: judge_face, pins: 1 },
    Job { name: "sign", run: sign, judge: judge_sign, pins: 1 },
    Job { name: "pin-change", run: pin_change, judge: judge_pin_change, pins: 1 },
    Job { name: "pin-status", run: pin_status, judge: judge_pin_status, pins: 0 },
    Job { name: "info", run: info, judge: judge_info, pins: 0 },
    Job { name: "read", run: read, judge: judge_read, pins: 3 },
];

/// The job of this name.
///
/// # Panics
/// Where there is none.
pub fn job(name: &str) -> &'static Job {
    JOBS.iter().find(|job| job.name == name).expect("a job")
}

/// What long data are compared by.
fn digest(bytes: &[u8]) -> String {
    format!("{:x?}", Sha256::digest(bytes))
}

fn authenticate(card: &mut Card<'_>) -> Result<String, Error> {
    let mut jpki = card.select_jpki()?;
    let before = jpki.authentication_certificate()?;
    jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse)?;
    let certificate = match before {
        Some(certificate) => certificate,
        None => jpki.authentication_certificate()?.ok_or(Error::NotMyNumberCard)?,
    };
    let signature = jpki.sign_challenge(certificate.key(), b"challenge", SignatureVerifier::ring())?;
    Ok(format!("{} {}", digest(certificate.der()), digest(&signature)))
}

fn certificate(card: &mut Card<'_>) -> Result<String, Error> {
    let mut jpki = card.select_jpki()?;
    let certificate = match jpki.authentication_certificate()? {
        Some(certificate) => certificate,
        None => {
            jpki.verify_user_authentication(pin_of(1), LastAttempt::Refuse)?;
            jpki.authentication_certificate()?.ok_or(Error::NotMyNumberCard)?
        }
    };
    Ok(digest(certificate.der()))
}

fn attributes(card: &mut Card<'_>) -> Result<String, Error> {
    let read = card.select_text_input()?.attributes(text_input_pin_of(1), LastAttempt::Refuse)?;
    let fields = [
        read.name.known().map(String::as_str),
        read.address.known().map(String::as_str),
        read.birth_date.known().map(CardDate::digits),
    ];
    Ok(format!("{fields:?}"))
}

fn face(card: &mut Card<'_>) -> Result<String, Error> {
    let read = card.select_surface()?.face(number_b(), LastAttempt::Refuse)?;
    let pictures = [&read.name_png, &read.photo_jp2].map(|picture| picture.known().map(|bytes| digest(bytes)));
    Ok(format!("{:?} {pictures:?}", read.birth_date.known().map(CardDate::digits)))
}

/// A signature over the time too, so that only the certificate in it can be compared; the SDK has checked the rest.
fn sign(card: &mut Card<'_>) -> Result<String, Error> {
    let (disclosure, now) = (Disclosure::NameAddressBirthDateSex, SystemClock.now());
    let password = SignaturePassword::parse(b"abc123").expect("a password");
    let content = cms::Content::Attached(b"a document");
    let mut jpki = card.select_jpki()?;
    let cms = jpki.sign_document(password, LastAttempt::Refuse, disclosure, content, now, SignatureVerifier::ring())?;
    Ok(format!("{} bytes, {:?}", cms.cms.len(), cms.issuer))
}

fn pin_change(card: &mut Card<'_>) -> Result<String, Error> {
    card.select_jpki()?.change_user_authentication(pin_of(1), pin("8013"), LastAttempt::Refuse)?;
    Ok("changed".to_owned())
}

fn pin_status(card: &mut Card<'_>) -> Result<String, Error> {
    Ok(format!("{:?}", card.attempts_left()?))
}

fn info(card: &mut Card<'_>) -> Result<String, Error> {
    let applications = card.applications()?;
    let mut jpki = card.select_jpki()?;
    Ok(format!("{applications:?} {:?} {:?}", jpki.token_info()?, jpki.certificate_availability()?))
}

fn read(card: &mut Card<'_>) -> Result<String, Error> {
    Ok([certificate(card)?, attributes(card)?, face(card)?, pin_status(card)?].concat())
}

fn judge_authenticate(reader: &mut ShortReader<'_>) -> Option<Vec<u8>> {
    let certificate = judge_certificate(reader)?;
    reader.verify(0x0018, "1234")?;
    Some([certificate, reader.sign(0x0017, &[0x55; 51])?].concat())
}

fn judge_certificate(reader: &mut ShortReader<'_>) -> Option<Vec<u8>> {
    reader.application(ApplicationKind::Jpki)?;
    reader.object(0x000A)
}

fn judge_attributes(reader: &mut ShortReader<'_>) -> Option<Vec<u8>> {
    reader.application(ApplicationKind::TextInput)?;
    reader.verify(0x0011, "1234")?;
    reader.object(0x0002)
}

fn judge_face(reader: &mut ShortReader<'_>) -> Option<Vec<u8>> {
    reader.application(ApplicationKind::Surface)?;
    reader.verify(0x0012, "02040520350123")?;
    reader.object(0x0002)
}

fn judge_sign(reader: &mut ShortReader<'_>) -> Option<Vec<u8>> {
    reader.application(ApplicationKind::Jpki)?;
    reader.verify(0x001B, "ABC123")?;
    // The certificate of the authority too, with which the SDK checks the signer's.
    Some([reader.object(0x0001)?, reader.object(0x0002)?, reader.sign(0x001A, &[0x55; 51])?].concat())
}

fn judge_pin_change(reader: &mut ShortReader<'_>) -> Option<Vec<u8>> {
    reader.application(ApplicationKind::Jpki)?;
    reader.change(0x0018, "1234", "8013").map(|()| Vec::new())
}

fn judge_pin_status(reader: &mut ShortReader<'_>) -> Option<Vec<u8>> {
    reader.application(ApplicationKind::Jpki)?;
    let mut tries = vec![reader.tries(0x0018)?, reader.tries(0x001B)?];
    reader.application(ApplicationKind::TextInput)?;
    tries.push(reader.tries(0x0011)?);
    reader.application(ApplicationKind::Surface)?;
    tries.extend([reader.tries(0x0012)?, reader.tries(0x0011)?]);
    Some(tries)
}

fn judge_info(reader: &mut ShortReader<'_>) -> Option<Vec<u8>> {
    ApplicationKind::ALL.into_iter().try_for_each(|kind| reader.application(kind))?;
    Some([reader.bytes(0x0006, 160)?, reader.bytes(0x0008, 3)?].concat())
}

fn judge_read(reader: &mut ShortReader<'_>) -> Option<Vec<u8>> {
    let parts = [judge_certificate, judge_attributes, judge_face, judge_pin_status];
    parts.iter().map(|part| part(reader)).collect::<Option<Vec<_>>>().map(|parts| parts.concat())
}
