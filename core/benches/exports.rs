//! Rows a second and memory of the tables for 10,000, 100,000 and 1,000,000 rows, and a CSV of the same bytes that is only
//! copied. `cargo bench -p kazasu --no-default-features --features export --bench exports`
//!
//! Fails under 500,000 rows a second, or where memory grows with the number of rows. `EXPORTS_BENCH_MIN` sets another
//! floor for slow machines.

#![allow(clippy::arithmetic_side_effects, clippy::expect_used)]

use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use kazasu::export::{
    CheckMethod, Encoding, HouseholdOptions, Options, QualificationRow, Unencodable, write_history, write_money_forward,
};
use kazasu::insurance::{ExpenseKind, Payment, Person, YearMonth};
use kazasu::time::{CalendarDate, UnixMillis};

/// Resident memory in KiB: the most since the last [`reset_peak`]; 0 where there is no `/proc` of Linux.
fn peak_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

fn reset_peak() {
    // "5" sets the peak back to what is resident now (proc(5)).
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Where the bytes go: each block is copied, as into a file's buffers.
struct Sink {
    block: Vec<u8>,
    bytes: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.block.clear();
        self.block.extend_from_slice(bytes);
        self.bytes += black_box(&self.block).len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn history(row: u32) -> QualificationRow {
    QualificationRow {
        source_id: "cer-20261120-0001".into(),
        row,
        checked_at: UnixMillis(1_795_137_305_000 + i64::from(row) * 1000),
        person: "花子".into(),
        is_dependent: Some(true),
        insurer_number: Some("06139992".into()),
        insurer: Some("見本健康保険組合".into()),
        validity_code: Some("1".into()),
        validity: Some("有効".into()),
        copay_percent: Some(30),
        limit_category: Some("A03".into()),
        acquired: Some(CalendarDate { year: 2024, month: 4, day: 1 }),
        lost: None,
        method: CheckMethod::Card,
        proof: Some("K7Q2-9M4D-13XA".into()),
        code: None,
    }
}

fn payment(row: u32) -> Payment {
    Payment {
        source_id: "eob-202610-01".into(),
        row,
        person: 0,
        kind: ExpenseKind::MedicalOutpatient,
        institution: "みほん内科クリニック".into(),
        treatment_month: YearMonth::new(2026, 10),
        paid_on: None,
        receipt_yen: None,
        notice_yen: Some(1785),
        reimbursed_yen: 0,
        total_cost_yen: Some(5950),
    }
}

/// Seconds, bytes written and KiB of resident memory at the most, besides what was there before.
fn measured(work: impl FnOnce(&mut dyn Write)) -> (f64, usize, usize) {
    let mut sink = Sink { block: Vec::with_capacity(128 * 1024), bytes: 0 };
    reset_peak();
    let before = peak_kib();
    let start = Instant::now();
    work(&mut sink);
    let seconds = start.elapsed().as_secs_f64();
    (seconds, sink.bytes, peak_kib().saturating_sub(before))
}

fn main() -> ExitCode {
    let floor: f64 = std::env::var("EXPORTS_BENCH_MIN").ok().and_then(|text| text.parse().ok()).unwrap_or(500_000.0);
    let people = [Person { nickname: "花子".into(), name: None, shares_livelihood: true }];
    let file = |encoding| Options { encoding, unencodable: Unencodable::Refuse };
    let mut is_fine = true;
    println!("| layout | rows | rows/s | peak KiB | MB | copy of the same bytes | ratio |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (layout, encoding) in
        [("E1", Encoding::Utf8Bom), ("E1", Encoding::Cp932), ("E2", Encoding::Utf8Bom), ("E2", Encoding::Cp932)]
    {
        let mut peaks = Vec::new();
        for rows in [10_000_u32, 100_000, 1_000_000] {
            let options =
                HouseholdOptions { file: file(encoding), people: &people, include_names: false, account: None };
            let (seconds, bytes, peak) = measured(|out| match layout {
                "E1" => drop(write_history((0..rows).map(history), file(encoding), out).expect("written")),
                _ => drop(write_money_forward((0..rows).map(payment), &options, out).expect("written")),
            });
            // Blocks of the same size, copied twice as above: into the writer's block and into the sink.
            let source = vec![b'x'; 64 * 1024];
            let (copied, _, _) = measured(|out| {
                let mut block = Vec::with_capacity(source.len());
                for _ in 0..bytes / source.len() + 1 {
                    block.clear();
                    block.extend_from_slice(black_box(&source));
                    out.write_all(&block).expect("written");
                }
            });
            let rate = f64::from(rows) / seconds;
            is_fine &= rate >= floor;
            peaks.push(peak);
            println!(
                "| {layout} {} | {rows} | {rate:.0} | {} | {:.1} | {:.2} ms | {:.0} |",
                encoding.name(),
                peak,
                bytes as f64 / 1e6,
                copied * 1000.0,
                seconds / copied
            );
        }
        // Pages differ a little from run to run; a table of a million rows kept in memory would have 100 MB.
        is_fine &= peaks.iter().max() <= peaks.iter().min().map(|least| least + 1024).as_ref();
    }
    println!("{}", if is_fine { "passed" } else { "FAILED: too slow, or memory grows" });
    if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
