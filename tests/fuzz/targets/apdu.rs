//! Whole flows with a card that answers anything. See `answers` for the form of an input, `guard` for what must hold.
#![no_main]

use std::cell::Cell;
use std::sync::LazyLock;

use kazasu_fuzz::answers::{self, Answers};
use kazasu_fuzz::flows::{self, Stage};
use libfuzzer_sys::fuzz_target;

static STAGE: LazyLock<Stage> = LazyLock::new(|| Stage::new(false));

fuzz_target!(|input: &[u8]| {
    let Some((head, rest)) = answers::head(input) else { return };
    let for_ever = head.options & flows::options::FOR_EVER != 0;
    let limits = flows::limits(head.options);
    let rest = Cell::new(rest);
    let tap = || Answers::new(&rest, limits, for_ever);
    STAGE.run(head.flow, head.options, tap(), tap);
});
