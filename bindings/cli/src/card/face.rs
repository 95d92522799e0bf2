//! `kazasu card face`.

use std::io::IsTerminal;

use kazasu::card::photo::Photo;
use kazasu::card::{Card, Face, Verification};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::PinKind;
use kazasu::iso7816::{ReadPhase, ReadProgress};
use serde_json::json;

use super::attributes::{date, sex};
use super::{last_attempt, look, proof};
use crate::args::{FaceArguments, Global};
use crate::failure::Failure;
use crate::files::Destination;
use crate::link;
use crate::output::Output;
use crate::secrets::Secrets;

pub(super) fn run(arguments: &FaceArguments, global: &Global, output: Output) -> Result<(), Failure> {
    let open = |file: &Option<_>| file.as_deref().map(Destination::replacing).transpose();
    let files =
        (Destination::replacing(&arguments.output)?, open(&arguments.name_image)?, open(&arguments.address_image)?);
    let look = look::before(PinKind::VerificationNumberB, global, output)?;
    let number = Secrets::new(global.pin_stdin, output).verification_number_b(look)?;
    let mut transport = link::open(global, output)?;
    let mut progress = |step: ReadProgress| show(step, output);
    let mut card = Card::new(&mut *transport, look.capabilities);
    // Steps cost exchanges; nobody sees them in a pipe.
    if std::io::stderr().is_terminal() && !output.json {
        card = card.watched_by(&mut progress);
    }
    let mut surface = card.select_surface()?;
    let face = if arguments.verify {
        let authorities = proof::authorities()?;
        let verification = Verification::full(&authorities, SignatureVerifier::ring());
        surface.face_with_proof(number, last_attempt(global), verification)?
    } else {
        surface.face(number, last_attempt(global))?
    };
    drop(transport);
    if arguments.verify {
        proof::insist(&face.proof, "face")?;
    }
    let photo = Photo::decode(&face.photo_jp2)?;
    files.0.write(&png_of(&photo)?)?;
    for (file, image) in [(files.1, &face.name_png), (files.2, &face.address_png)] {
        if let Some(file) = file {
            file.write(image)?;
        }
    }
    print(&face, &photo, arguments, output);
    Ok(())
}

fn print(face: &Face, photo: &Photo, arguments: &FaceArguments, output: Output) {
    let size = format!("{} × {}", photo.width, photo.height);
    output.line(output.say("券面", "Face of the card"));
    output.field(output.say("顔写真", "Photo"), &format!("{} ({size})", arguments.output.display()));
    output.field(output.say("生年月日", "Birth date"), &date(face.birth_date));
    output.field(output.say("性別", "Sex"), sex(face.sex, output));
    let unsigned = output.say("（署名の対象外）", " (not signed)");
    output.field(
        output.say("カードの有効期限", "Card valid until"),
        &format!("{}{unsigned}", date(face.unsigned_expiry)),
    );
    proof::print(&face.proof, output);
    output.object(&json!({
        "photo": arguments.output.display().to_string(),
        "width": photo.width,
        "height": photo.height,
        "birth_date": date(face.birth_date),
        "sex": face.sex.name(),
        "unsigned_expiry": date(face.unsigned_expiry),
        "proof": proof::to_json(&face.proof),
    }));
}

/// One line that is written over, on standard error.
fn show(step: ReadProgress, output: Output) {
    match step.phase {
        ReadPhase::Reading => {
            let percent = step.fraction() * 100.0;
            output.begin(&format!("\r{} {percent:3.0} %", output.say("読み取り中", "Reading")));
        }
        ReadPhase::Checking => output.begin(&format!("\r{}        \n", output.say("確認中", "Checking"))),
        ReadPhase::Pin => {}
    }
}

fn png_of(photo: &Photo) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, photo.width, photo.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&photo.rgba))
        .map_err(|error| Failure::usage(format!("PNG: {error}")))?;
    Ok(bytes)
}
