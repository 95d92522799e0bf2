//! `kazasu card face`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use kazasu::card::photo::Photo;
use kazasu::card::{Card, Face, Field, Verification};
use kazasu::crypto::SignatureVerifier;
use kazasu::error::PinKind;
use kazasu::iso7816::{ReadPhase, ReadProgress};
use serde_json::{Value, json};

use super::attributes::{date, sex};
use super::field::{self, Gaps};
use super::{look, proof};
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
    differ([Some(&arguments.output), arguments.name_image.as_ref(), arguments.address_image.as_ref()])?;
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
        surface.face_with_proof(number, global.last_attempt(), verification)?
    } else {
        surface.face(number, global.last_attempt())?
    };
    drop(transport);
    if arguments.verify {
        proof::insist(&face.proof, "face")?;
    }
    let photo = face.photo_jp2.known().and_then(|jp2| Photo::decode(jp2).ok());
    if let Some(photo) = &photo {
        files.0.write(&png_of(photo)?)?;
    }
    for (file, image) in [(files.1, &face.name_png), (files.2, &face.address_png)] {
        if let Some((file, image)) = file.zip(image.known()) {
            file.write(image)?;
        }
    }
    let files = Files {
        photo: Some(&arguments.output),
        name: arguments.name_image.is_some(),
        address: arguments.address_image.is_some(),
    };
    print(&face, photo.as_ref(), files, output);
    output.object(&to_json(&face, photo.as_ref(), files));
    Ok(())
}

/// No picture takes the place of another.
fn differ(files: [Option<&PathBuf>; 3]) -> Result<(), Failure> {
    let mut places = Vec::new();
    // Devices take both.
    let is_device = |file: &PathBuf| file.metadata().is_ok_and(|metadata| !metadata.is_file());
    for file in files.into_iter().flatten().filter(|file| !is_device(file)) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let place = (folder.canonicalize().unwrap_or_else(|_| folder.to_owned()), file.file_name());
        if places.contains(&place) {
            return Err(Failure::usage(format!("{}: named for two pictures", file.display())));
        }
        places.push(place);
    }
    Ok(())
}

/// What was asked for as files.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) photo: Option<&'a Path>,
    pub(super) name: bool,
    pub(super) address: bool,
}

pub(super) fn print(face: &Face, photo: Option<&Photo>, files: Files<'_>, output: Output) {
    output.line(output.say("券面", "Face of the card"));
    output.field(output.say("顔写真", "Photo"), &photo_line(face, photo, files, output));
    for (is_wanted, image, name) in [
        (files.name, &face.name_png, output.say("氏名の画像", "Image of the name")),
        (files.address, &face.address_png, output.say("住所の画像", "Image of the address")),
    ] {
        if is_wanted && image.known().is_none() {
            output.field(name, no_image(image, output));
        }
    }
    output.field(output.say("生年月日", "Birth date"), &field::text(&face.birth_date, date, output));
    output.field(output.say("性別", "Sex"), &field::text(&face.sex, |known| sex(*known, output), output));
    let unsigned = field::not_signed(output);
    let mark = if face.unsigned_expiry.is_not_on_card() { "" } else { unsigned };
    let expiry = field::text(&face.unsigned_expiry, date, output);
    output.field(output.say("カードの有効期限", "Card valid until"), &format!("{expiry}{mark}"));
    field::print_others(&face.unsigned_others, unsigned, output);
    proof::print(&face.proof, output);
}

fn photo_line(face: &Face, photo: Option<&Photo>, files: Files<'_>, output: Output) -> String {
    let Some(photo) = photo else { return no_image(&face.photo_jp2, output).to_owned() };
    let size = format!("{} × {}", photo.width, photo.height);
    files.photo.map_or(size.clone(), |file| format!("{} ({size})", file.display()))
}

/// Why no file was written.
fn no_image(image: &Field<Vec<u8>>, output: Output) -> &'static str {
    if image.is_not_on_card() {
        field::not_on_card(output)
    } else {
        output.say("画像として読めません（ファイルなし）", "no picture that can be read (no file written)")
    }
}

pub(super) fn to_json(face: &Face, photo: Option<&Photo>, files: Files<'_>) -> Value {
    let mut gaps = Gaps::default();
    for (name, image) in
        [("photo", &face.photo_jp2), ("name_image", &face.name_png), ("address_image", &face.address_png)]
    {
        let is_decoded = name != "photo" || photo.is_some();
        if image.is_not_on_card() {
            gaps.not_on_card(name);
        } else if image.known().is_none() || !is_decoded {
            gaps.unreadable(name, None);
        }
    }
    let mut object = json!({
        "photo": photo.and(files.photo).map(|file| file.display().to_string()),
        "width": photo.map(|photo| photo.width),
        "height": photo.map(|photo| photo.height),
        "birth_date": gaps.value("birth_date", &face.birth_date, |known| json!(date(known))),
        "sex": gaps.value("sex", &face.sex, |sex| json!(sex.name())),
        "unsigned_expiry": gaps.value("unsigned_expiry", &face.unsigned_expiry, |known| json!(date(known))),
        "proof": proof::to_json(&face.proof),
    });
    gaps.note_in(&mut object, "unsigned_other_fields", &face.unsigned_others);
    object
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

pub(super) fn png_of(photo: &Photo) -> Result<Vec<u8>, Failure> {
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
