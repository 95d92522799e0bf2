//! JPEG 2000, as a JP2 file or a bare codestream.
#![no_main]

use kazasu::card::photo::Photo;
use kazasu_fuzz::check_photo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(photo) = Photo::decode(input) {
        check_photo(&photo);
    }
});
