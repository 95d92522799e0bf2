//! What the fuzz targets share: a card that answers from the input, the flows it is asked through, and what must hold.

pub mod answers;
pub mod family;
pub mod flows;
pub mod guard;
pub mod sealed;
pub mod verifier;

use kazasu::card::photo::Photo;

/// Everything a card sends or signs fits into this many bytes.
pub const LARGEST: usize = 65_536;

/// Whether `part` lies within `whole`.
pub fn lies_within(part: &[u8], whole: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}

/// What must hold for every picture that was decoded.
pub fn check_photo(photo: &Photo) {
    assert!((1..=1024).contains(&photo.width) && (1..=1024).contains(&photo.height));
    assert_eq!(photo.rgba.len(), photo.width as usize * photo.height as usize * 4);
    assert!(photo.rgba.chunks_exact(4).all(|pixel| pixel[3] == u8::MAX));
}
