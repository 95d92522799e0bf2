//! JPEG 2000 whose numbers are chosen by the input, most of them near a bound, and which is whole besides: every size, count
//! and exponent that a header has, and what lies in the packets.
#![no_main]

use kazasu_fuzz::decode_within_bounds;
use kazasu_fuzz::heap::Counting;
use kazasu_fuzz::jpeg2000::{Stream, jp2, segment};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Sides and offsets that somebody may have thought of.
const SIZES: [u32; 16] = [0, 1, 2, 15, 16, 17, 64, 378, 472, 512, 1023, 1024, 1025, 65_536, 1 << 31, u32::MAX];

/// Reads the input a byte at a time; zeros follow it.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn up_to(&mut self, most: u8) -> u8 {
        self.byte() % (most + 1)
    }

    /// Likely one of [`SIZES`].
    fn size(&mut self) -> u32 {
        let byte = self.byte();
        if byte < 192 { SIZES[usize::from(byte % 16)] } else { u32::from(self.byte()) << (byte % 4) }
    }

    fn stream(&mut self) -> Stream {
        let options = self.byte();
        let (width, height) = (self.size(), self.size());
        // Most streams are of one tile without offsets, else none would be decoded.
        let mut size = [width, height, 0, 0, width, height, 0, 0];
        if options & 0x03 == 0 {
            size[2..].iter_mut().for_each(|number| *number = self.size());
        }
        let count = [1, 3, 1, 3, 1, 3, 2, 4][usize::from(options >> 2 & 0x07)];
        let mut component = || match self.byte() {
            byte @ 240.. => [byte, self.byte(), self.byte()],
            byte => [byte % 9, 1, 1],
        };
        let components = (0..count).map(|_| component()).collect();
        let levels = self.up_to(13);
        let precincts = if options & 0x20 != 0 { (0..=levels).map(|_| self.byte()).collect() } else { Vec::new() };
        let mut stream = Stream {
            size,
            components,
            layers: u16::from(self.up_to(34)),
            progression: self.up_to(5),
            levels,
            block: [self.up_to(9), self.up_to(9)],
            precincts,
            style: self.up_to(65),
            bits: (self.up_to(7), self.up_to(31)),
            more: Vec::new(),
            more_in_tile: Vec::new(),
            data: Vec::new(),
        };
        if options & 0x40 != 0 {
            let own = [&[self.up_to(3), u8::from(!stream.precincts.is_empty())][..], &stream.style()].concat();
            stream.more = segment([0x53, 0x5E, 0x5F, 0x64][usize::from(self.up_to(3))], &own);
        }
        match (options & 0x80 != 0, self.up_to(36), self.byte()) {
            (true, passes, each) => stream = stream.with_passes_if_few(u32::from(passes).max(1), u32::from(each % 32)),
            (false, ..) => stream.data = self.0.to_vec(),
        }
        stream
    }
}

fuzz_target!(|input: &[u8]| {
    let mut numbers = Numbers(input);
    let boxed = numbers.byte();
    let stream = numbers.stream().write();
    match boxed {
        0..128 => decode_within_bounds(&stream),
        colours => decode_within_bounds(&jp2(u32::from(colours % 20), &stream, b"")),
    }
});
