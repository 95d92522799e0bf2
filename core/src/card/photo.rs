//! The photo as pixels.

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image};

use crate::error::{CardFault, Error};
use crate::secret::opaque_debug;

/// Longest side accepted, in pixels; photos of cards have 378 × 472.
const MAX_SIDE: u32 = 1024;

/// A decoded photo: rows from the top, four bytes a pixel (red, green, blue, opaque).
#[derive(Clone, Eq, PartialEq)]
pub struct Photo {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `4 × width × height` bytes.
    pub rgba: Vec<u8>,
}

opaque_debug!(Photo);

impl Photo {
    /// Decodes the JPEG 2000 of [`super::Face::photo_jp2`], grey or RGB, of at most 1024 × 1024 pixels. Takes some
    /// milliseconds and some megabytes.
    ///
    /// # Errors
    /// [`Error::Card`] for anything else.
    pub fn decode(jp2: &[u8]) -> Result<Self, Error> {
        decode(jp2).ok_or_else(|| CardFault::Malformed { what: "photo" }.into())
    }
}

fn decode(jp2: &[u8]) -> Option<Photo> {
    let image = Image::new(jp2, &DecodeSettings::default()).ok()?;
    let (width, height) = (image.width(), image.height());
    if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
        return None;
    }
    let channels = match image.color_space() {
        ColorSpace::Gray => 1_usize,
        ColorSpace::RGB => 3,
        _ => return None,
    };
    let stride = channels.checked_add(usize::from(image.has_alpha()))?;
    let mut context = DecoderContext::default();
    let bytes = image.decode(&mut context).ok()?.data_u8();
    let pixels = usize::try_from(width.checked_mul(height)?).ok()?;
    if bytes.len() != pixels.checked_mul(stride)? {
        return None;
    }
    let rgba = bytes.chunks_exact(stride).flat_map(|pixel| match pixel {
        [red, green, blue, ..] => [*red, *green, *blue, u8::MAX],
        [grey, ..] => [*grey, *grey, *grey, u8::MAX],
        [] => [0; 4],
    });
    Some(Photo { width, height, rgba: rgba.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_refused() {
        for bytes in [&[][..], b"\0\0\0\x0cjP  \r\n\x87\n", &[0xFF, 0x4F, 0xFF, 0x51], &[0; 64]] {
            assert!(Photo::decode(bytes).is_err());
        }
    }
}
