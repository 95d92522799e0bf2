//! The month of the build stands in the source, where nothing but a person moves it: it must not be forgotten.

use std::process::Command;

use kazasu::time::{BUILT, Clock, SystemClock, UnixMillis};

const DAY_MS: i64 = 86_400_000;

/// The time of the last commit; `None` outside a checkout.
fn committed() -> Option<UnixMillis> {
    let told = Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let told = told.ok().filter(|told| told.status.success())?;
    String::from_utf8(told.stdout).ok()?.trim().parse().ok().map(UnixMillis::from_seconds)
}

#[test]
fn it_is_the_first_of_a_month() {
    let text = BUILT.plus_ms(-9 * 3_600_000).to_rfc3339();
    assert!(text.ends_with("-01T00:00:00+09:00"), "midnight of the first, UTC: {text}");
}

#[test]
fn it_is_neither_ahead_of_the_source_nor_half_a_year_behind_it() {
    let Some(committed) = committed() else {
        println!("not run: this is no checkout");
        return;
    };
    let behind = committed.ms_since(BUILT);
    assert!((0..=183 * DAY_MS).contains(&behind), "set `kazasu::time::BUILT` to the month of this commit");
}

/// Or nobody could work with this version, on this computer either.
#[test]
fn the_clock_of_this_computer_is_believed() {
    assert!(SystemClock.now().is_plausible());
}
