//! Small pictures with big promises: what they cost is bounded before a decoder sees them.

use std::time::Instant;

use kazasu::card::photo::Photo;
use kazasu_flows::heap::{self, Counting};
use kazasu_flows::jpeg2000::{Stream, boxed, jp2, segment};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// For a stream that is refused, beside its error.
const REFUSED: usize = 4096;
/// For one that is decoded: a megapixel of three colours as numbers of four bytes, two copies of one of them, and the result.
const DECODED: usize = 32 << 20;

/// Streams that no card has, each with more promises than bytes.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let photo = Stream::photo;
    let large = || Stream::of(1024, 1024);
    let sized = |size| Stream { size, ..photo() };
    let small_precincts =
        |exponents: u8, levels: u8| Stream { precincts: vec![exponents; usize::from(levels) + 1], levels, ..large() };
    let poc = segment(0x5F, &[0, 0, 0, 1, 6, 0, 4].repeat(2000));
    let deep = Stream { levels: 32, ..large() };
    let coc = segment(0x53, &[&[0, 1][..], &small_precincts(0x11, 5).style()].concat());
    let streams = [
        ("a million tiles", sized([1024, 1024, 0, 0, 1, 1, 0, 0])),
        ("65,536 tiles", sized([1024, 1024, 0, 0, 4, 4, 0, 0])),
        ("sixteen gigapixels", sized([u32::MAX, u32::MAX, 0, 0, u32::MAX, u32::MAX, 0, 0])),
        ("a line of four gigapixels", sized([u32::MAX, 1, 0, 0, u32::MAX, 1, 0, 0])),
        ("a thousand pixels at the end of the grid", sized([u32::MAX, 1024, u32::MAX - 1024, 0, u32::MAX, 1024, 0, 0])),
        ("tiles that begin before the image", sized([378, 472, 100, 100, 200, 472, 99, 0])),
        ("16,384 components", Stream { components: vec![[7, 1, 1]; 16_384], ..large() }),
        ("256 components", Stream { components: vec![[7, 1, 1]; 256], ..large() }),
        ("four components", Stream { components: vec![[7, 1, 1]; 4], ..photo() }),
        ("38 bits a sample", Stream { components: vec![[37, 1, 1]], ..photo() }),
        ("nine bits a sample", Stream { components: vec![[8, 1, 1]], ..photo() }),
        ("samples with a sign", Stream { components: vec![[0x87, 1, 1]], ..photo() }),
        ("one sample for 255 × 255 pixels", Stream { components: vec![[7, 255, 255]], ..photo() }),
        ("chroma of half the sides", Stream { components: vec![[7, 1, 1], [7, 2, 2], [7, 2, 2]], ..photo() }),
        ("65,535 layers", Stream { layers: 65_535, ..large() }),
        ("32 layers of 4 × 4 blocks", Stream { layers: 32, block: [0, 0], ..large() }.in_colour()),
        ("32 layers of 16 × 16 blocks", Stream { layers: 32, block: [2, 2], ..large() }.in_colour()),
        ("32 levels", deep.clone()),
        ("32 levels of 1 × 1 precincts", Stream { precincts: vec![0x11; 33], ..deep }),
        ("a million precincts", small_precincts(0x11, 0)),
        ("a million precincts by position", Stream { progression: 3, ..small_precincts(0x11, 5) }),
        ("precincts of 8 × 8 and 32 layers", Stream { layers: 32, ..small_precincts(0x33, 5) }.in_colour()),
        ("precincts of a component alone", Stream { more: coc.clone(), ..large() }),
        (
            "another coding style in the tile",
            Stream {
                more_in_tile: segment(0x52, &[1, 3, 0, 32, 0, 5, 0, 0, 0, 1, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11]),
                ..large()
            },
        ),
        ("another style of a component in the tile", Stream { more_in_tile: coc, ..large() }),
        ("two thousand progressions", Stream { more: poc.clone(), ..large() }),
        ("two thousand progressions in the tile", Stream { more_in_tile: poc, ..large() }),
        ("packed packet headers", Stream { more: segment(0x60, &[0; 4000]), ..large() }),
        ("58 passes over noise, in colour", Stream { bits: (5, 16), ..large() }.in_colour().with_passes(58, 16)),
        ("13 bit planes of a megapixel in colour", Stream { bits: (2, 12), ..large() }.in_colour()),
        ("38 bit planes", Stream { bits: (7, 31), ..large() }.with_passes(94, 0)),
        ("a region of interest of 37 planes", Stream { more: segment(0x5E, &[0, 0, 37]), ..large() }),
        ("a kind of block coder of another part", Stream { style: 64, ..photo() }),
    ];
    let mut inputs: Vec<(&'static str, Vec<u8>)> = streams.map(|(name, stream)| (name, stream.write())).into();
    let fine = photo().write();
    let palette = boxed(b"pclr", &[&[0x04, 0x00, 4, 7, 7, 7, 7][..], &[9; 4096]].concat());
    inputs.extend([
        ("a palette", jp2(17, &fine, &palette)),
        ("a million boxes", [jp2(17, b"", b""), boxed(b"free", b"").repeat(1000)].concat()),
        ("a box beyond the file", jp2(17, &fine, b"\xFF\xFF\xFF\xFFfree")),
        ("a box of sixteen exabytes", jp2(17, &fine, b"\0\0\0\x01free\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")),
        ("a box shorter than its header", jp2(17, &fine, b"\0\0\0\x07free")),
        ("a file without codestream", jp2(17, b"", b"")),
        ("a stream that is cut off", fine[..fine.len() - 10].to_vec()),
        ("half a stream", fine[..60].to_vec()),
    ]);
    inputs
}

/// The dearest streams that are no less than photos.
fn dear() -> Vec<(&'static str, Vec<u8>)> {
    let large = || Stream::of(1024, 1024);
    let streams = [
        ("a photo of nothing", Stream::photo()),
        ("a megapixel of nothing", large()),
        ("in colour", large().in_colour()),
        ("in colour, ten levels", Stream { levels: 10, ..large() }.in_colour()),
        (
            "in colour, as many layers and blocks as there may be",
            Stream { layers: 15, block: [3, 3], ..large() }.in_colour(),
        ),
        ("58 passes over nothing", Stream { bits: (5, 16), ..large() }.with_passes(58, 0)),
        ("34 passes over noise, in colour", Stream { bits: (5, 8), ..large() }.in_colour().with_passes(34, 16)),
        ("58 passes over more noise", Stream { bits: (5, 16), ..large() }.with_passes(58, 110)),
        (
            "58 passes over noise, in colour",
            Stream { bits: (5, 16), ..Stream::of(792, 792) }.in_colour().with_passes(58, 64),
        ),
    ];
    streams.map(|(name, stream)| (name, stream.write())).into()
}

/// Peak heap in bytes and milliseconds of decoding, and whether there was a picture.
fn cost(input: &[u8]) -> (usize, u128, bool) {
    let (started, mut decoded) = (Instant::now(), false);
    let peak = heap::peak_of(|| decoded = Photo::decode(input).is_ok());
    (peak, started.elapsed().as_millis(), decoded)
}

/// One test, as nothing else may run beside it.
#[test]
fn what_a_picture_costs_is_bounded() {
    // Once before measuring, so that what is made once is there.
    let (peak, ms, decoded) = cost(kazasu_card_sim::photo());
    println!("{peak:>9} bytes at most, {ms:>5} ms: the photo of the card, {} bytes", kazasu_card_sim::photo().len());
    assert!(decoded && peak <= 8 << 20);
    for (name, input) in hostile() {
        let (peak, ms, decoded) = cost(&input);
        println!("{peak:>9} bytes at most, {ms:>5} ms: {name}, {} bytes", input.len());
        assert!(!decoded, "{name} is no photo");
        assert!(peak <= REFUSED, "{name}: {peak}");
    }
    for (name, input) in dear() {
        let (peak, ms, decoded) = cost(&input);
        println!("{peak:>9} bytes at most, {ms:>5} ms: {name}, {} bytes, {decoded}", input.len());
        assert!(peak <= DECODED, "{name}: {peak}");
    }
}
