//! `kazasu card read`: everything in one link.

use kazasu::card::photo::Photo;
use kazasu::card::{Attributes, Card, Certificate, Face, Issuer, KeyKind, PinAttempts, Verification};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::PinKind;
use kazasu::iso7816::CardCapabilities;
use serde_json::json;

use super::face::Files;
use super::look::{self, Look};
use super::{attributes, certificate, face, pins, proof};
use crate::args::{Global, ReadArguments};
use crate::failure::Failure;
use crate::files::Destination;
use crate::output::Output;
use crate::secrets::Secrets;
use crate::{link, prompt};

/// What was read; nothing of it is printed unless all of it could be.
struct Read {
    /// `None` on a phone, which wants the PIN first, and who issued it as far as that was checked.
    certificate: Option<(Certificate, Option<Issuer>)>,
    attributes: Option<Attributes>,
    face: Option<Face>,
    tries: Vec<PinAttempts>,
}

pub(super) fn run(arguments: &ReadArguments, global: &Global, output: Output) -> Result<(), Failure> {
    let file = arguments.output.as_deref().map(Destination::replacing).transpose()?;
    let looks = if arguments.all { look(global, output)? } else { [Look::default(); 2] };
    let secrets = Secrets::new(global.pin_stdin, output);
    let secrets = match arguments.all {
        true => Some((secrets.text_input(looks[0])?, secrets.verification_number_b(looks[1])?)),
        false => None,
    };
    let authorities = proof::authorities()?;
    let verification = arguments.verify.then(|| Verification::full(&authorities, SignatureVerifier::ring()));
    let last = global.last_attempt();

    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, looks[1].capabilities);
    let certificate = read_certificate(&mut card, arguments.verify)?;
    let (mut attributes, mut face) = (None, None);
    if let Some((pin, number)) = secrets {
        let mut text_input = card.select_text_input()?;
        attributes = Some(match verification {
            Some(verification) => text_input.attributes_with_proof(pin, last, verification)?,
            None => text_input.attributes(pin, last)?,
        });
        let mut surface = card.select_surface()?;
        face = Some(match verification {
            Some(verification) => surface.face_with_proof(number, last, verification)?,
            None => surface.face(number, last)?,
        });
    }
    // At the end: a right PIN has its tries back.
    let read = Read { certificate, attributes, face, tries: card.attempts_left()? };
    drop(transport);
    if let (true, Some(attributes), Some(face)) = (arguments.verify, &read.attributes, &read.face) {
        proof::insist(&attributes.proof, "attributes")?;
        proof::insist(&face.proof, "face")?;
    }
    let photo = read.face.as_ref().and_then(|face| Photo::decode(face.photo_jp2.known()?).ok());
    if let Some((file, photo)) = file.zip(photo.as_ref()) {
        file.write(&face::png_of(photo)?)?;
    }
    let files = Files { photo: arguments.output.as_deref(), name: false, address: false };
    print(&read, photo.as_ref(), files, output);
    output.object(&json!({
        "certificate": read.certificate.as_ref().map(|(found, issuer)| certificate::to_json(found, *issuer)),
        "attributes": read.attributes.as_ref().map(attributes::to_json),
        "face": read.face.as_ref().map(|face| face::to_json(face, photo.as_ref(), files)),
        "tries": pins::to_json(&read.tries),
    }));
    Ok(())
}

/// Looks at both numbers in one link, before either is typed.
fn look(global: &Global, output: Output) -> Result<[Look; 2], Failure> {
    if global.pin_stdin {
        return Ok([Look::default(); 2]);
    }
    prompt::can_ask()?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let mut looked = |kind| -> Result<Look, Failure> {
        let attempts = Some(look::ask(&mut card, kind, global)?);
        Ok(Look { attempts, capabilities: card.capabilities() })
    };
    Ok([looked(PinKind::TextInput)?, looked(PinKind::VerificationNumberB)?])
}

fn read_certificate(
    card: &mut Card<'_>,
    checks_issuer: bool,
) -> Result<Option<(Certificate, Option<Issuer>)>, Failure> {
    let mut jpki = card.select_jpki()?;
    let Some(found) = jpki.authentication_certificate()? else { return Ok(None) };
    let issuer = if checks_issuer {
        certificate::told(jpki.check_issuer(&found, KeyKind::UserAuthentication, SignatureVerifier::ring()))?
    } else {
        Some(Issuer::NotChecked)
    };
    Ok(Some((found, issuer)))
}

fn print(read: &Read, photo: Option<&Photo>, files: Files<'_>, output: Output) {
    output.line(output.say("利用者証明用電子証明書", "Authentication certificate"));
    match &read.certificate {
        None => output.line(output.say("  暗証番号の入力後に読めます", "  can be read after the PIN")),
        Some((found, issuer)) => {
            output.field(output.say("有効期限", "Valid until"), &certificate::valid_until(found, output));
            let issuer = certificate::issuer_text(*issuer, "--verify", output);
            output.field(output.say("発行者", "Issuer"), &issuer);
        }
    }
    if let Some(attributes) = &read.attributes {
        attributes::print(attributes, output);
    }
    if let Some(face) = &read.face {
        face::print(face, photo, files, output);
    }
    pins::print(&read.tries, output);
}
