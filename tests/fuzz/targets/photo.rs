//! JPEG 2000, as a JP2 file or a bare codestream.
#![no_main]

use kazasu_fuzz::decode_within_bounds;
use kazasu_fuzz::heap::Counting;
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fuzz_target!(|input: &[u8]| decode_within_bounds(input));
