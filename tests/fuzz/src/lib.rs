//! What the fuzz targets share: a card that answers from the input, the flows it is asked through, and what must hold.

pub mod answers;
pub mod family;
pub mod flows;
pub mod guard;
#[path = "../../flows/src/heap.rs"]
pub mod heap;
#[path = "../../flows/src/jpeg2000.rs"]
pub mod jpeg2000;
pub mod sealed;
pub mod verifier;

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use kazasu::card::photo::Photo;
use kazasu::card::{CardDate, Field, OtherField};

/// Everything a card sends or signs fits into this many bytes.
pub const LARGEST: usize = 65_536;

/// Whether `part` lies within `whole`.
pub fn lies_within(part: &[u8], whole: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}

/// What must hold for every field of a record: a value is as `is_right` has it, and what was not understood stands in the
/// input, as a whole or in parts, and is shown as something that acts on nothing.
pub fn check_field<T>(field: &Field<T>, input: &[u8], is_right: impl FnOnce(&T) -> bool) {
    match field {
        Field::Read(value) => assert!(is_right(value)),
        Field::NotOnCard => {}
        Field::Unreadable(bytes) => {
            assert!(!bytes.is_empty() && (bytes.len() <= input.len() + 24 * 3));
            assert!(!field.unreadable().is_some_and(|shown| shown.chars().any(char::is_control)));
        }
    }
}

/// What must hold for fields that nobody knows.
pub fn check_others(others: &[OtherField], input: &[u8]) {
    assert!(others.len() <= 24 && others.iter().all(|other| lies_within(&other.value, input)));
    assert!(others.iter().all(|other| !other.shown().chars().any(char::is_control)));
}

/// Whether a date is one, and in the input.
pub fn is_date(date: &CardDate, input: &[u8]) -> bool {
    let digits = date.digits();
    let fits = date.to_calendar().is_none_or(|day| day.to_string().replace('-', "") == digits);
    fits && digits.len() == 8
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && lies_within(digits.as_bytes(), input)
}

/// Bytes that decoding a picture takes at most.
const PICTURE: usize = 32 << 20;

/// Decodes a picture, which must be right and not large; libFuzzer looks at the time. The program counts by [`heap::Counting`].
pub fn decode_within_bounds(input: &[u8]) {
    let started = Instant::now();
    let peak = heap::peak_of(|| {
        if let Ok(photo) = Photo::decode(input) {
            check_photo(&photo);
        }
    });
    assert!(peak <= PICTURE, "{peak} bytes");
    note_worst(peak, started.elapsed().as_millis(), input.len());
}

/// Tells on standard error of an input that took more time or memory than any before it.
fn note_worst(peak: usize, ms: u128, len: usize) {
    static WORST: Mutex<(usize, u128)> = Mutex::new((0, 0));
    let mut worst = WORST.lock().unwrap_or_else(PoisonError::into_inner);
    if peak > worst.0 || ms > worst.1 {
        *worst = (worst.0.max(peak), worst.1.max(ms));
        eprintln!("worst so far: {} bytes, {} ms; this one of {len} bytes: {peak} bytes, {ms} ms", worst.0, worst.1);
    }
}

/// What must hold for every picture that was decoded.
pub fn check_photo(photo: &Photo) {
    assert!((1..=1024).contains(&photo.width) && (1..=1024).contains(&photo.height));
    assert_eq!(photo.rgba.len(), photo.width as usize * photo.height as usize * 4);
    assert!(photo.rgba.chunks_exact(4).all(|pixel| pixel[3] == u8::MAX));
}
