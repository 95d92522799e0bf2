//! EF 0002 of the surface application, with its photo.
#![no_main]

use kazasu::card::Face;
use kazasu::card::photo::Photo;
use kazasu_fuzz::{check_field, check_others, check_photo, is_date, lies_within};
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
    assert!(images.iter().filter_map(|image| image.known()).map(Vec::len).sum::<usize>() <= input.len());
    images.iter().for_each(|image| check_field(image, input, |image| lies_within(image, input)));
    for date in [&face.birth_date, &face.unsigned_expiry] {
        check_field(date, input, |date| is_date(date, input));
    }
    check_field(&face.sex, input, |sex| !sex.name().is_empty());
    check_others(&face.unsigned_others, input);
    assert!(!face.proof.is_genuine());
    if let Some(jp2) = face.photo_jp2.known().filter(|jp2| jp2.len() <= DECODED)
        && let Ok(photo) = Photo::decode(jp2)
    {
        check_photo(&photo);
    }
});
