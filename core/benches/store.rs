//! What an entry of the log costs as the store grows: appended, looked through, on the disk; and what opening costs.
//!
//! `cargo bench -p kazasu --bench store --features software-key [-- LARGEST]`, a million entries if absent. Fails when the
//! cost of an entry is not the same within a fifth at every size, or opening at 100,000 entries takes over 20 ms.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a program of its own"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kazasu::Cancellation;
use kazasu::crypto::SignatureVerifier;
use kazasu::store::{Event, FileKeys, Limits, LogVerdict, Store, StoreSettings};
use kazasu::time::{Clock, UnixMillis};
use rustix::time::{ClockId, clock_gettime};

/// Entries of a transaction that is measured, of which there are [`RUNS`] where they fit: ten checkpoints' worth, so that each
/// has ten signatures.
const BATCH: u64 = 640;
const RUNS: u64 = 9;
/// Stores of up to [`LARGEST_SINGLE`] entries are made so often, for the same number of runs.
const TIMES: usize = 9;
/// Entries of a transaction that is not.
const LARGE_BATCH: u64 = 1000;
/// Entries appended one by one, each with the disk's consent.
const SINGLE: u32 = 200;
/// Sizes above this are not appended one by one.
const LARGEST_SINGLE: u64 = 10_000;
const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
const MOST: f64 = 1.2;
const OPENING_MS: f64 = 20.0;

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_795_137_303_000)
    }

    fn sleep(&self, _: Duration, _: &Cancellation) {}
}

fn settings(folder: &Path) -> StoreSettings {
    let keys = FileKeys::create(&folder.join("keys")).expect("keys");
    StoreSettings {
        path: folder.join("family.kazasu"),
        log_key: Arc::new(keys.make_log_key().expect("a log key")),
        key_wrapper: Arc::new(keys),
        clock: Arc::new(Stopped),
        verifier: SignatureVerifier::ring(),
        anchor: None,
        is_anchor_kept: false,
        limits: Limits::default(),
    }
}

/// What the processor has spent on this thread: other programs and the disk do not count.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.try_into().expect("positive"), now.tv_nsec.try_into().expect("positive"))
}

/// The least of some runs: what else the machine does is not the store's.
fn least(runs: u64, mut work: impl FnMut() -> Duration) -> Duration {
    (0..runs).map(|_| work()).min().expect("runs")
}

struct Row {
    entries: u64,
    append_us: f64,
    verify_us: f64,
    open_ms: f64,
    bytes: f64,
    single_ms: Option<f64>,
}

fn append(store: &mut Store, entries: u64) {
    store.append_log_all((0..entries).map(|_| (Event::LogRead, None))).expect("appends");
}

fn measure(folder: &Path, entries: u64) -> Row {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder");
    let mut store = Store::create(settings(folder)).expect("makes it");
    let empty = fs::metadata(folder.join("family.kazasu")).expect("there").len();
    // The last of them are measured: what an entry costs in a log of this size.
    let runs = RUNS.min(entries / BATCH);
    let filled = entries - BATCH * runs;
    while store.log_len() < filled {
        let missing = filled - store.log_len();
        append(&mut store, LARGE_BATCH.min(missing));
    }
    let appended = least(runs, || {
        let start = cpu();
        append(&mut store, BATCH);
        cpu().saturating_sub(start)
    });
    let len = store.log_len();
    store.close().expect("closes");
    // Opened anew each time: small logs would otherwise lie in the cache, large ones do not fit.
    let verified = least(if entries > 100_000 { 2_u64 } else { 5 }, || {
        let store = Store::open(settings(folder)).expect("opens");
        let start = cpu();
        assert!(matches!(store.verify_log(), Ok(LogVerdict::Whole { .. })));
        cpu().saturating_sub(start)
    });
    let opened = least(5, || {
        let start = Instant::now();
        let store = Store::open(settings(folder)).expect("opens");
        let opened = start.elapsed();
        drop(store);
        opened
    });
    let mut store = Store::open(settings(folder)).expect("opens");
    let single_ms = (entries <= LARGEST_SINGLE).then(|| {
        let start = Instant::now();
        for _ in 0..SINGLE {
            store.append_log(Event::LogRead, None, Ok(())).expect("appends");
        }
        start.elapsed().as_secs_f64() * 1000.0 / f64::from(SINGLE)
    });
    store.compact().expect("compacts");
    drop(store);
    let bytes = fs::metadata(folder.join("family.kazasu")).expect("there").len().saturating_sub(empty);
    let each = |duration: Duration, number: u64| duration.as_secs_f64() * 1e6 / number as f64;
    Row {
        entries,
        append_us: each(appended, BATCH),
        verify_us: each(verified, len),
        open_ms: opened.as_secs_f64() * 1000.0,
        bytes: bytes as f64 / len as f64,
        single_ms,
    }
}

fn main() {
    let largest = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000_u64);
    let folder: PathBuf = std::env::temp_dir().join(format!("kazasu-bench-{}", std::process::id()));
    println!(
        "| entries | append CPU µs, by {BATCH} | append ms, one by one | verify CPU µs | open ms | bytes, compacted |\n|--:|--:|--:|--:|--:|--:|"
    );
    let mut rows = Vec::new();
    for entries in SIZES.into_iter().filter(|size| *size <= largest) {
        let times = if entries <= LARGEST_SINGLE { TIMES } else { 1 };
        let measured = (0..times).map(|_| measure(&folder, entries));
        let row = measured.min_by(|a, b| a.append_us.total_cmp(&b.append_us)).expect("measured");
        let single = row.single_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2}"));
        println!(
            "| {} | {:.2} | {single} | {:.2} | {:.2} | {:.1} |",
            row.entries, row.append_us, row.verify_us, row.open_ms, row.bytes
        );
        rows.push(row);
    }
    let _ = fs::remove_dir_all(&folder);
    let ratio = |value: fn(&Row) -> f64| {
        let values = rows.iter().map(value);
        values.clone().fold(f64::MIN, f64::max) / values.fold(f64::MAX, f64::min)
    };
    let (append, verify, bytes) = (ratio(|row| row.append_us), ratio(|row| row.verify_us), ratio(|row| row.bytes));
    println!("| dearest to cheapest | {append:.2} | | {verify:.2} | | {bytes:.2} |");
    let opening = rows.iter().find(|row| row.entries == 100_000).map_or(0.0, |row| row.open_ms);
    let within = append <= MOST && verify <= MOST && bytes <= MOST && opening <= OPENING_MS;
    if !within {
        println!("over the budget: {MOST} for each ratio, {OPENING_MS} ms to open 100,000 entries");
        std::process::exit(1);
    }
}
