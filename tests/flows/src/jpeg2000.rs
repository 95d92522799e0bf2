//! Writes small JPEG 2000 streams that promise much (ISO/IEC 15444-1, Annex A). A right one is a photo of a card; change its
//! numbers from there.

/// The numbers of a stream.
#[derive(Clone)]
pub struct Stream {
    /// Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz.
    pub size: [u32; 8],
    /// Depth less one, and the sampling distances across and down, of each component.
    pub components: Vec<[u8; 3]>,
    /// Quality layers.
    pub layers: u16,
    /// Progression order, 0 to 4.
    pub progression: u8,
    /// Decomposition levels.
    pub levels: u8,
    /// Exponents of the code-blocks' sides, less two.
    pub block: [u8; 2],
    /// Exponents of the precincts' sides, height in the upper half; none for those of 2¹⁵.
    pub precincts: Vec<u8>,
    /// Style of the code-blocks.
    pub style: u8,
    /// Guard bits, and the exponent of every sub-band.
    pub bits: (u8, u8),
    /// Marker segments before the tile, as they are.
    pub more: Vec<u8>,
    /// Likewise in the header of the tile-part.
    pub more_in_tile: Vec<u8>,
    /// What follows SOD.
    pub data: Vec<u8>,
}

impl Stream {
    /// A grey photo of a card's size, without a pixel in it.
    pub fn photo() -> Self {
        Self::of(378, 472)
    }

    /// Grey, of one tile.
    pub fn of(width: u32, height: u32) -> Self {
        Self {
            size: [width, height, 0, 0, width, height, 0, 0],
            components: vec![[7, 1, 1]],
            layers: 1,
            progression: 0,
            levels: 5,
            block: [4, 4],
            precincts: Vec::new(),
            style: 0,
            bits: (2, 8),
            more: Vec::new(),
            more_in_tile: Vec::new(),
            data: vec![0; 32],
        }
    }

    /// Three components without subsampling.
    #[must_use]
    pub fn in_colour(mut self) -> Self {
        self.components = vec![[7, 1, 1]; 3];
        self
    }

    /// One packet for all code-blocks of an image without levels, each of which has so many coding passes over `each` bytes.
    #[must_use]
    pub fn with_passes(mut self, passes: u32, each: u32) -> Self {
        self.levels = 0;
        let side = |length: u32, exponent: u8| length.div_ceil(1 << (exponent + 2));
        let (across, down) = (side(self.size[0], self.block[0]), side(self.size[1], self.block[1]));
        self.data = self.components.iter().flat_map(|_| packet(across, down, passes, each)).collect();
        self
    }

    /// As [`Stream::with_passes`], where there are so few code-blocks that their packet is short.
    #[must_use]
    pub fn with_passes_if_few(self, passes: u32, each: u32) -> Self {
        let is_small =
            self.size[..2].iter().all(|side| *side <= 4096) && self.block.iter().all(|exponent| *exponent >= 2);
        if is_small { self.with_passes(passes, each) } else { self }
    }

    /// The codestream.
    pub fn write(&self) -> Vec<u8> {
        let mut siz = vec![0, 0];
        siz.extend(self.size.iter().flat_map(|number| number.to_be_bytes()));
        siz.extend(u16::try_from(self.components.len()).expect("few").to_be_bytes());
        siz.extend(self.components.concat());
        let [high, low] = self.layers.to_be_bytes();
        let mct = u8::from(self.components.len() == 3);
        let cod =
            [&[u8::from(!self.precincts.is_empty()), self.progression, high, low, mct][..], &self.style()].concat();
        let (guard, exponent) = self.bits;
        let bands = 1 + 3 * usize::from(self.levels);
        let qcd = [&[guard << 5][..], &vec![exponent << 3; bands]].concat();
        let header = [self.more_in_tile.as_slice(), &[0xFF, 0x93], &self.data].concat();
        let length = u32::try_from(12 + header.len()).expect("short").to_be_bytes();
        let sot = [&[0, 0][..], &length, &[0, 1]].concat();
        let segments = [segment(0x51, &siz), segment(0x52, &cod), segment(0x5C, &qcd), self.more.clone()];
        [&[0xFF, 0x4F][..], &segments.concat(), &segment(0x90, &sot), &header, &[0xFF, 0xD9]].concat()
    }

    /// What COD and COC end with.
    pub fn style(&self) -> Vec<u8> {
        [&[self.levels, self.block[0], self.block[1], self.style, 1][..], &self.precincts].concat()
    }
}

/// A marker with its segment.
pub fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).expect("short").to_be_bytes();
    [&[0xFF, marker][..], &length, content].concat()
}

/// A JP2 file around a codestream, with this number of a colour space.
pub fn jp2(colours: u32, codestream: &[u8], more_in_header: &[u8]) -> Vec<u8> {
    let ihdr = boxed(b"ihdr", &[0; 14]);
    let colr = boxed(b"colr", &[&[1, 0, 0][..], &colours.to_be_bytes()].concat());
    let header = boxed(b"jp2h", &[ihdr, colr, more_in_header.to_vec()].concat());
    let first = [boxed(b"jP  ", b"\r\n\x87\n"), boxed(b"ftyp", b"jp2 \0\0\0\0jp2 ")].concat();
    [first, header, boxed(b"jp2c", codestream)].concat()
}

/// A box of a JP2 file.
pub fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&u32::try_from(content.len() + 8).expect("short").to_be_bytes()[..], kind, content].concat()
}

/// A packet (B.9, B.10) that includes every code-block of one precinct.
fn packet(across: u32, down: u32, passes: u32, each: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(1, 1);
    let mut seen = std::collections::BTreeSet::new();
    for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
        // Both tag trees say 0 everywhere: a one for every node that was not asked for before.
        let depth = (0..).find(|level| across.div_ceil(1 << level) <= 1 && down.div_ceil(1 << level) <= 1).unwrap_or(0);
        let new = (0..=depth).filter(|level| seen.insert((*level, y >> level, x >> level))).count();
        for _ in 0..2 * new {
            bits.push(1, 1);
        }
        match passes {
            0..=5 => bits.push(0b10, 2),
            6..=36 => bits.push(0b1111 << 5 | (passes - 6), 9),
            _ => bits.push(0x1FF << 7 | (passes - 37), 16),
        }
        let passes = if passes <= 5 { 2 } else { passes };
        bits.push(0, 1);
        bits.push(each, 3 + passes.ilog2());
    }
    let mut data = bits.finish();
    let blocks = across * down * each;
    // Noise that never looks like a marker.
    data.extend((0..blocks).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x7F));
    data
}

/// Bits of packet headers: after FF the next byte has only seven.
struct Bits {
    bytes: Vec<u8>,
    byte: u8,
    free: u32,
}

impl Default for Bits {
    fn default() -> Self {
        Self { bytes: Vec::new(), byte: 0, free: 8 }
    }
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            self.free -= 1;
            self.byte |= u8::try_from((value >> at) & 1).expect("a bit") << self.free;
            if self.free == 0 {
                self.free = if self.byte == 0xFF { 7 } else { 8 };
                self.bytes.push(std::mem::take(&mut self.byte));
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.push(self.byte);
        self.bytes
    }
}
