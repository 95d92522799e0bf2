//! What a JPEG 2000 stream asks of a decoder, read before a decoder sees it (ISO/IEC 15444-1:2019, Annexes A, B and I).
//!
//! Two hundred bytes can promise sixteen gigapixels in a million tiles. Photos of cards are one small tile of one or three
//! components, and nothing else is decoded: what is refused here costs a walk over the markers.

/// Longest side accepted, in pixels; photos of cards have 378 × 472.
const MAX_SIDE: u32 = 1024;
/// A photo halves into nothing after ten levels; encoders take five.
const MAX_LEVELS: u8 = 10;
/// Quality layers; encoders take 1 to 12.
const MAX_LAYERS: u16 = 32;
/// Code-blocks of all components, once for each layer.
const MAX_BLOCKS: u64 = 65_536;
/// Precincts of all components, once for each layer: packets.
const MAX_PACKETS: u64 = 16_384;
/// Bit planes of a sub-band; eight bits need 10 to 17.
const MAX_BIT_PLANES: u16 = 20;
/// Samples of all components, once for each bit plane: three times as often the decoder may go through them, over whatever
/// few bytes (D.3). A photo of a card has two million; a megapixel in colour has twelve planes of three.
const MAX_WORK: u64 = 36 << 20;
/// Boxes of one level of a JP2 file; a photo's has 4 to 8.
const MAX_BOXES: usize = 32;

/// A stream that may be decoded.
pub(super) struct Checked<'a> {
    /// From SOC on, without the boxes around it.
    pub(super) codestream: &'a [u8],
    pub(super) width: u32,
    pub(super) height: u32,
    /// One or three.
    pub(super) components: u8,
    /// The three are luminance and chrominance (sYCC), and not red, green and blue.
    pub(super) is_ycc: bool,
}

/// Looks at a JP2 file or a bare codestream; `None` for what is damaged or no photo of a card.
pub(super) fn check(data: &[u8]) -> Option<Checked<'_>> {
    let (codestream, is_ycc) = if data.starts_with(&[0xFF, marker::SOC]) { (data, false) } else { unwrap(data)? };
    let size = Stream { rest: codestream, size: Size::default(), planes: 0 }.check()?;
    Some(Checked {
        codestream,
        width: size.width,
        height: size.height,
        components: size.components,
        is_ycc: is_ycc && size.components == 3,
    })
}

/// Finds the codestream in a JP2 file, and whether its colours are sYCC (Annex I).
fn unwrap(file: &[u8]) -> Option<(&[u8], bool)> {
    const SIGNATURE: &[u8] = b"\0\0\0\x0CjP  \r\n\x87\n";
    let mut boxes = Boxes(file.strip_prefix(SIGNATURE)?);
    let mut is_ycc = false;
    for _ in 0..MAX_BOXES {
        match boxes.next()? {
            (b"jp2h", header) => is_ycc = is_ycc_by(header)?,
            (b"jp2c", codestream) => return Some((codestream, is_ycc)),
            _ => {}
        }
    }
    None
}

/// Reads the header box. A palette, or channels of another order than the components', would change what is seen: refused.
fn is_ycc_by(header: &[u8]) -> Option<bool> {
    let mut boxes = Boxes(header);
    let mut colours = None;
    for _ in 0..MAX_BOXES {
        if boxes.0.is_empty() {
            return Some(colours == Some(18));
        }
        match boxes.next()? {
            (b"pclr" | b"cdef", _) => return None,
            // METH 1: a number; of several, the first that is known counts (I.5.3.3).
            (b"colr", [1, _, _, number @ ..]) => {
                colours = colours.or(number.first_chunk().map(|n| u32::from_be_bytes(*n)))
            }
            _ => {}
        }
    }
    None
}

/// Boxes one after the other: `length 4 · type 4 · content`; a length of 1 stands for eight bytes more, 0 for the rest.
struct Boxes<'a>(&'a [u8]);

impl<'a> Boxes<'a> {
    fn next(&mut self) -> Option<(&'a [u8; 4], &'a [u8])> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (content, after) = match u32::from_be_bytes(*length) {
            0 => (rest, &[][..]),
            1 => {
                let (length, rest) = rest.split_first_chunk::<8>()?;
                rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length).checked_sub(16)?).ok()?)?
            }
            length => rest.split_at_checked(usize::try_from(length.checked_sub(8)?).ok()?)?,
        };
        self.0 = after;
        Some((kind, content))
    }
}

/// Second bytes of markers (Table A.2); the first is FF.
mod marker {
    pub(super) const SOC: u8 = 0x4F;
    pub(super) const SIZ: u8 = 0x51;
    pub(super) const COD: u8 = 0x52;
    pub(super) const COC: u8 = 0x53;
    pub(super) const TLM: u8 = 0x55;
    pub(super) const PLT: u8 = 0x58;
    pub(super) const QCD: u8 = 0x5C;
    pub(super) const QCC: u8 = 0x5D;
    pub(super) const CRG: u8 = 0x63;
    pub(super) const COM: u8 = 0x64;
    pub(super) const SOT: u8 = 0x90;
    pub(super) const SOD: u8 = 0x93;
    pub(super) const EOC: u8 = 0xD9;
}

#[derive(Clone, Copy, Default)]
struct Size {
    width: u32,
    height: u32,
    components: u8,
}

/// Walks over the markers. Every length must be the one that its content has: a decoder that goes by the content and one
/// that goes by the length then see the same stream.
struct Stream<'a> {
    rest: &'a [u8],
    size: Size,
    /// The most bit planes of any sub-band so far.
    planes: u16,
}

impl<'a> Stream<'a> {
    fn check(mut self) -> Option<Size> {
        self.expect(marker::SOC)?;
        self.expect(marker::SIZ)?;
        self.size = size(self.segment()?)?;
        let (mut style, mut own_styles, mut is_quantised) = (None, [None; 3], false);
        while !self.is_at(marker::SOT) {
            match self.marker()? {
                marker::COD => style = Some(Style::default_of(self.segment()?, self.size)?),
                marker::COC => {
                    let (component, own) = Style::own(self.segment()?)?;
                    *own_styles.get_mut(usize::from(component)).filter(|_| component < self.size.components)? =
                        Some(own);
                }
                marker::QCD => {
                    self.quantisation()?;
                    is_quantised = true;
                }
                marker::QCC => self.own_quantisation()?,
                marker::COM | marker::TLM | marker::CRG => drop(self.segment()?),
                // Progression changes, packed headers, regions of interest, capabilities: no photo of a card has them.
                _ => return None,
            }
        }
        let (layers, style) = style.filter(|_| is_quantised)?;
        let (mut blocks, mut packets) = (0_u64, 0_u64);
        for own in own_styles.iter().take(usize::from(self.size.components)) {
            let (of_blocks, precincts) = own.unwrap_or(style).counts(self.size)?;
            blocks = blocks.checked_add(of_blocks.checked_mul(layers.into())?)?;
            packets = packets.checked_add(precincts.checked_mul(layers.into())?)?;
        }
        (blocks <= MAX_BLOCKS && packets <= MAX_PACKETS).then_some(())?;
        self.tile_parts()?;
        let samples =
            u64::from(self.size.width.checked_mul(self.size.height)?).checked_mul(self.size.components.into())?;
        let work = samples.checked_mul(self.planes.into())?;
        (work <= MAX_WORK).then_some(self.size)
    }

    /// The parts of the one tile (A.4.2): `SOT Lsot 10 · Isot · Psot 4 · TPsot · TNsot`, markers, SOD, data.
    fn tile_parts(&mut self) -> Option<()> {
        while self.is_at(marker::SOT) {
            let part = self.rest;
            self.marker()?;
            let [0, 0, length @ .., _, _] = *self.segment()?.first_chunk::<8>()? else { return None };
            let length = match usize::try_from(u32::from_be_bytes(length)).ok()? {
                0 => part.len(),
                length => length,
            };
            let (_, after) = part.split_at_checked(length)?;
            loop {
                match self.marker()? {
                    marker::SOD => break,
                    marker::QCD => self.quantisation()?,
                    marker::QCC => self.own_quantisation()?,
                    marker::COM | marker::PLT => drop(self.segment()?),
                    // A tile with another coding style than the image is not looked at twice.
                    _ => return None,
                }
            }
            // The header ends within its part.
            (self.rest.len() >= after.len()).then_some(())?;
            self.rest = after;
        }
        (self.rest.is_empty() || self.is_at(marker::EOC)).then_some(())
    }

    fn quantisation(&mut self) -> Option<()> {
        self.planes = self.planes.max(bit_planes(self.segment()?)?);
        Some(())
    }

    fn own_quantisation(&mut self) -> Option<()> {
        let (component, rest) = self.segment()?.split_first()?;
        (*component < self.size.components).then_some(())?;
        self.planes = self.planes.max(bit_planes(rest)?);
        Some(())
    }

    fn is_at(&self, code: u8) -> bool {
        self.rest.starts_with(&[0xFF, code])
    }

    fn marker(&mut self) -> Option<u8> {
        let ([first, code], rest) = self.rest.split_first_chunk::<2>()?;
        self.rest = rest;
        (*first == 0xFF).then_some(*code)
    }

    fn expect(&mut self, code: u8) -> Option<()> {
        (self.marker()? == code).then_some(())
    }

    /// What follows a marker: `length 2 · content`; the length counts itself.
    fn segment(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length)).checked_sub(2)?;
        let (content, after) = rest.split_at_checked(length)?;
        self.rest = after;
        Some(content)
    }
}

/// SIZ (A.5.1): `Rsiz 2 · Xsiz 4 · Ysiz 4 · XOsiz 4 · YOsiz 4 · XTsiz 4 · YTsiz 4 · XTOsiz 4 · YTOsiz 4 · Csiz 2`, then for
/// each component depth − 1 and two sampling distances. No offsets, one tile, up to eight bits without sign, no subsampling.
fn size(segment: &[u8]) -> Option<Size> {
    let (_, rest) = segment.split_first_chunk::<2>()?;
    let (numbers, rest) = rest.split_first_chunk::<32>()?;
    let (components, rest) = rest.split_first_chunk::<2>()?;
    let mut numbers = numbers.as_chunks::<4>().0.iter().map(|number| u32::from_be_bytes(*number));
    let (width, height) = (numbers.next()?, numbers.next()?);
    let (left, top) = (numbers.next()?, numbers.next()?);
    let (tile_width, tile_height) = (numbers.next()?, numbers.next()?);
    let sides = 1..=MAX_SIDE;
    let one_tile = tile_width >= width && tile_height >= height;
    let no_offsets = left == 0 && top == 0 && numbers.all(|offset| offset == 0);
    let components = match u16::from_be_bytes(*components) {
        1 => 1,
        3 => 3,
        _ => return None,
    };
    let plain = rest.as_chunks::<3>().0.iter().all(|component| matches!(component, [0..8, 1, 1]));
    let fits = sides.contains(&width)
        && sides.contains(&height)
        && one_tile
        && no_offsets
        && plain
        && rest.len() == usize::from(components).checked_mul(3)?;
    fits.then_some(Size { width, height, components })
}

/// How one component is cut into resolutions, precincts and code-blocks (A.6.1, A.6.2).
#[derive(Clone, Copy)]
struct Style {
    levels: u8,
    /// Of width and height, as exponents of two.
    block: (u8, u8),
    /// Likewise, of each resolution; those of an image without precincts are 15.
    precincts: [(u8, u8); MAX_LEVELS as usize + 1],
}

impl Style {
    /// COD: `Scod · progression · layers 2 · component transformation`, then the style. With the number of layers.
    fn default_of(segment: &[u8], size: Size) -> Option<(u16, Self)> {
        let ([flags, progression, high, low, mct], rest) = segment.split_first_chunk::<5>()?;
        let layers = u16::from_be_bytes([*high, *low]);
        let fits = *flags < 8
            && *progression <= 4
            && (1..=MAX_LAYERS).contains(&layers)
            && (*mct == 0 || (*mct == 1 && size.components == 3));
        fits.then_some((layers, Self::parse(*flags, rest)?))
    }

    /// COC: `component · Scoc`, then the style.
    fn own(segment: &[u8]) -> Option<(u8, Self)> {
        let ([component, flags], rest) = segment.split_first_chunk::<2>()?;
        (*flags < 2).then_some((*component, Self::parse(*flags, rest)?))
    }

    /// `levels · block width − 2 · block height − 2 · style · wavelet`, then a byte for each resolution if flag 1 is set.
    fn parse(flags: u8, bytes: &[u8]) -> Option<Self> {
        let ([levels, width, height, style, wavelet], sizes) = bytes.split_first_chunk::<5>()?;
        let block = (width.checked_add(2)?, height.checked_add(2)?);
        let sides = 4..=10;
        // Table A.18, and no block below 16 × 16. Style bits from 64 on belong to other parts of the standard.
        let fits = *levels <= MAX_LEVELS
            && sides.contains(&block.0)
            && sides.contains(&block.1)
            && block.0.checked_add(block.1)? <= 12
            && *style < 64
            && *wavelet <= 1;
        let mut precincts = [(15, 15); MAX_LEVELS as usize + 1];
        let has_sizes = flags & 1 != 0;
        let resolutions = if has_sizes { usize::from(*levels).checked_add(1)? } else { 0 };
        for (to, from) in precincts.iter_mut().zip(sizes) {
            *to = (from & 0x0F, from >> 4);
        }
        (fits && sizes.len() == resolutions).then_some(Self { levels: *levels, block, precincts })
    }

    /// How many code-blocks and how many precincts one component of this size has (B.6, B.7).
    fn counts(self, size: Size) -> Option<(u64, u64)> {
        let (mut blocks, mut precincts) = (0_u64, 0_u64);
        for (resolution, exponents) in (0..=self.levels).zip(self.precincts) {
            let shift = u32::from(self.levels.checked_sub(resolution)?);
            let sides = (parts(size.width, shift)?, parts(size.height, shift)?);
            let here = parts(sides.0, exponents.0.into())?.checked_mul(parts(sides.1, exponents.1.into())?)?;
            precincts = precincts.checked_add(here.into())?;
            // Above the lowest resolution there are three sub-bands of half the sides, and precincts are halved with them.
            let (bands, half) = if resolution == 0 { (1, 0) } else { (3, 1) };
            let across = self.block.0.min(exponents.0.checked_sub(half)?);
            let down = self.block.1.min(exponents.1.checked_sub(half)?);
            let band = (parts(sides.0, half.into())?, parts(sides.1, half.into())?);
            let each = parts(band.0, across.into())?.checked_mul(parts(band.1, down.into())?)?;
            blocks = blocks.checked_add(u64::from(each).checked_mul(bands)?)?;
        }
        Some((blocks, precincts))
    }
}

/// How many parts of two to the power of `exponent` cover `length`.
fn parts(length: u32, exponent: u32) -> Option<u32> {
    Some(length.div_ceil(1_u32.checked_shl(exponent)?))
}

/// QCD and QCC (A.6.4): `guard bits 3 | kind 5`, then an exponent of one byte, or one exponent with mantissa of two, or
/// several of these. A sub-band has one bit plane less than its exponent and the guard bits say (Equation E-2).
fn bit_planes(bytes: &[u8]) -> Option<u16> {
    let (style, steps) = bytes.split_first()?;
    let bands = 1..=usize::from(MAX_LEVELS).checked_mul(3)?.checked_add(1)?;
    let (pairs, odd) = steps.as_chunks::<2>();
    let (fits, exponent) = match style & 0x1F {
        0 => (bands.contains(&steps.len()), steps.iter().map(|step| step >> 3).max()?),
        kind @ (1 | 2) => {
            let fits = odd.is_empty() && bands.contains(&pairs.len()) && (kind == 2 || pairs.len() == 1);
            (fits, pairs.iter().map(|[high, _]| high >> 3).max()?)
        }
        _ => return None,
    };
    let planes = u16::from(style >> 5).saturating_add(exponent.into()).saturating_sub(1);
    (fits && planes <= MAX_BIT_PLANES).then_some(planes)
}
