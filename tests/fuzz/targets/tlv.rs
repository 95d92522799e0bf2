//! BER-TLV, flat and nested: what every file of the card, EF.CardAccess included, is made of.
#![no_main]

use kazasu::iso7816::walk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let flat = walk(input, 0);
    let nested = walk(input, 6);
    // Each object has a header of at least two bytes of its own.
    assert!(flat <= nested && nested <= input.len() / 2);
    assert_eq!(nested, walk(input, 6));
});
