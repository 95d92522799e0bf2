//! EF 0002 of the surface application, with its photo.
#![no_main]

use kazasu::card::Face;
use kazasu::card::photo::Photo;
use kazasu_fuzz::{check_photo, lies_within};
use libfuzzer_sys::fuzz_target;

/// Longest photo that is decoded, in bytes. That of the card has 12,000 and takes a hundred times as long as a small one.
const DECODED: usize = 4096;

fuzz_target!(|input: &[u8]| {
    let parsed = Face::parse(input);
    assert!(parsed == Face::parse(input));
    let Ok(face) = parsed else {
        return;
    };
    let images = [&face.name_png, &face.address_png, &face.photo_jp2, &face.unsigned_security_code_png];
    assert!(images.iter().map(|image| image.len()).sum::<usize>() <= input.len());
    assert!(images.iter().all(|image| lies_within(image, input)));
    assert!(face.birth_date.digits().len() == 8 && face.unsigned_expiry.digits().len() == 8);
    assert!(!face.proof.is_genuine());
    if face.photo_jp2.len() <= DECODED
        && let Ok(photo) = Photo::decode(&face.photo_jp2)
    {
        check_photo(&photo);
    }
});
