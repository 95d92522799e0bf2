//! The photo as pixels.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::jpeg2000::{self, Checked};
use crate::error::{CardFault, Error};
use crate::secret::opaque_debug;

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
    /// Decodes the JPEG 2000 of [`super::Face::photo_jp2`], grey or of three colours with up to eight bits each, of at most
    /// 1024 × 1024 pixels in one tile. What the stream asks for is looked at before anything is decoded; a card's own photo
    /// takes some milliseconds and some megabytes. Runs on the calling thread alone.
    ///
    /// # Errors
    /// [`Error::Card`] for anything else.
    pub fn decode(jp2: &[u8]) -> Result<Self, Error> {
        // A fault of the decoder is one of the picture, and never ends an app. What it has touched is dropped with it.
        let decoded = catch_unwind(AssertUnwindSafe(|| decode(jp2))).unwrap_or(None);
        decoded.ok_or_else(|| CardFault::Malformed { what: "photo" }.into())
    }
}

fn decode(jp2: &[u8]) -> Option<Photo> {
    let checked = jpeg2000::check(jp2)?;
    // The decoder gets what was looked at, and none of the boxes around it.
    let image = Image::new(checked.codestream, &DecodeSettings::default()).ok()?;
    let Checked { width, height, components, is_ycc, .. } = checked;
    if (image.width(), image.height()) != (width, height) {
        return None;
    }
    let mut context = DecoderContext::default();
    let bytes = image.decode(&mut context).ok()?.data_u8();
    drop(context);
    let pixels = usize::try_from(width.checked_mul(height)?).ok()?;
    let stride = usize::from(components);
    if bytes.len() != pixels.checked_mul(stride)? {
        return None;
    }
    let mut rgba = Vec::with_capacity(pixels.checked_mul(4)?);
    rgba.extend(bytes.chunks_exact(stride).flat_map(|pixel| match *pixel {
        [y, cb, cr] if is_ycc => rgb_of(y, cb, cr),
        [red, green, blue] => [red, green, blue, u8::MAX],
        [grey, ..] => [grey, grey, grey, u8::MAX],
        [] => [0; 4],
    }));
    Some(Photo { width, height, rgba })
}

/// sYCC as red, green, blue (IEC 61966-2-1, Amendment 1; ISO/IEC 15444-1, G.3).
fn rgb_of(y: u8, cb: u8, cr: u8) -> [u8; 4] {
    let [y, cb, cr] = [f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0];
    // Casts of floats end at 0 and 255.
    let byte = |value: f32| value.round() as u8;
    [byte(y + 1.402 * cr), byte(y - 0.344_136 * cb - 0.714_136 * cr), byte(y + 1.772 * cb), u8::MAX]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures of encoders, most of Pillow with OpenJPEG, and what a photo of a card may be.
    const PICTURES: [(&str, &[u8], bool); 14] = [
        ("the card's", include_bytes!("../../../tests/people/photo.jp2"), true),
        ("bare", include_bytes!("../../../tests/fuzz/corpus/photo/codestream.j2k"), true),
        ("one pixel", include_bytes!("../../../tests/fuzz/corpus/photo/grey-1x1.jp2"), true),
        ("lossy", include_bytes!("../../../tests/fuzz/corpus/photo/lossy.jp2"), true),
        ("three colours apart", include_bytes!("../../../tests/fuzz/corpus/photo/no-mct.jp2"), true),
        ("packet lengths", include_bytes!("../../../tests/fuzz/corpus/photo/plt.jp2"), true),
        ("precincts", include_bytes!("../../../tests/fuzz/corpus/photo/precincts.jp2"), true),
        ("in colour", include_bytes!("../../../tests/fuzz/corpus/photo/rgb-16.jp2"), true),
        ("grey", include_bytes!("../../../tests/fuzz/corpus/photo/grey-16.jp2"), true),
        ("transparent", include_bytes!("../../../tests/fuzz/corpus/photo/grey-alpha.jp2"), false),
        ("transparent colours", include_bytes!("../../../tests/fuzz/corpus/photo/rgba-12.jp2"), false),
        ("with offsets", include_bytes!("../../../tests/fuzz/corpus/photo/offset.jp2"), false),
        ("with a sign", include_bytes!("../../../tests/fuzz/corpus/photo/signed.jp2"), false),
        ("of tiles", include_bytes!("../../../tests/fuzz/corpus/photo/tiles.jp2"), false),
    ];

    #[test]
    fn what_is_no_picture_is_refused() {
        for bytes in [&[][..], b"\0\0\0\x0cjP  \r\n\x87\n", &[0xFF, 0x4F, 0xFF, 0x51], &[0; 64]] {
            assert!(Photo::decode(bytes).is_err());
        }
    }

    #[test]
    fn pictures_of_encoders_are_decoded_as_the_decoder_alone_does() {
        for (name, bytes, fits) in PICTURES {
            let photo = Photo::decode(bytes).ok();
            assert_eq!(photo.is_some(), fits, "{name}");
            let Some(photo) = photo else { continue };
            let image = Image::new(bytes, &DecodeSettings::default()).expect("a picture");
            assert_eq!((photo.width, photo.height), (image.width(), image.height()), "{name}");
            let mut context = DecoderContext::default();
            let expected = image.decode(&mut context).expect("decodes").data_u8();
            let channels = expected.len() / (photo.rgba.len() / 4);
            let expected = expected.chunks(channels).flat_map(|pixel| match *pixel {
                [red, green, blue] => [red, green, blue, 255],
                ref grey => [grey[0], grey[0], grey[0], 255],
            });
            assert!(photo.rgba.iter().copied().eq(expected), "{name}");
        }
    }

    #[test]
    fn luminance_and_chrominance_become_colours() {
        let colours = [(255, 128, 128), (0, 128, 128), (76, 85, 255), (150, 44, 21), (29, 255, 107)];
        let expected = [[255, 255, 255], [0, 0, 0], [254, 0, 0], [0, 255, 1], [0, 0, 254]];
        for ((y, cb, cr), [red, green, blue]) in colours.into_iter().zip(expected) {
            assert_eq!(rgb_of(y, cb, cr), [red, green, blue, 255]);
        }
    }

    #[test]
    fn a_picture_of_ycc_is_told_by_its_box() {
        let (_, rgb, _) = PICTURES[7];
        let at = rgb.windows(4).position(|window| window == b"colr").expect("a box") + 7;
        assert_eq!(rgb[at..at + 4], [0, 0, 0, 16]);
        let mut ycc = rgb.to_vec();
        ycc[at + 3] = 18;
        let (rgb, ycc) = (Photo::decode(rgb).expect("decodes"), Photo::decode(&ycc).expect("decodes"));
        let converted = rgb.rgba.chunks(4).flat_map(|pixel| rgb_of(pixel[0], pixel[1], pixel[2]));
        assert!(ycc.rgba.iter().copied().eq(converted) && ycc != rgb);
    }
}
