//! What JSON from a server may take: however it is built, at most 64 MiB at once and, from a mebibyte on, at most eight times
//! what was received. The server is a process of its own; it speaks real TLS and sends real pages.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use kazasu::Error;
use kazasu::fhir::Record;
use kazasu::jose::dpop::DeviceKey;
use kazasu::qualify::{Access, Language, QualifyClient, RecordKind, Records, SavedAccess, Settings};
use kazasu::session::{self, Member};
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::heap::{self, Counting};
use kazasu_flows::shapes::SHAPES;
use kazasu_flows::trust::Trust;
use kazasu_flows::{card, figures, key, pin_of, tap};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MIB: usize = 1 << 20;
const LIMIT: usize = 64 * MIB;
const RATIO: f64 = 8.0;

struct Server {
    process: Child,
    settings: Settings,
    sent: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_worst-json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let said: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
        let port = said["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port");
        let mut settings = Trust::new().settings(port);
        settings.tls_roots = vec![Base64::decode_vec(said["root"].as_str().expect("a root")).expect("base64")];
        settings.pins =
            said["pins"].as_array().expect("pins").iter().map(|p| p.as_str().expect("a pin").into()).collect();
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sent);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                counter.fetch_add(line.parse().unwrap_or(0), Ordering::SeqCst);
            }
        });
        Self { process, settings, sent }
    }

    /// A client of the server that sends `shape` at `place`.
    fn client(&self, place: &str, shape: &str, bytes: usize, pages: usize) -> Arc<QualifyClient> {
        let fhir_base = format!("{}/{place}/{}/{bytes}/{pages}/r4", self.settings.issuer, shape.replace(' ', "_"));
        let settings = Settings { fhir_base, ..self.settings.clone() };
        Arc::new(QualifyClient::with_ring(&settings, Language::Japanese).expect("settings"))
    }

    /// The access that one tap leaves.
    fn access(&self, key: &Arc<dyn DeviceKey>) -> SavedAccess {
        let client = self.client("beside", "numbers", 0, 1);
        let awaiting = session::begin(client, Member::new(Arc::clone(key))).expect("begins");
        let mut signed = tap(awaiting, &mut SimTransport::tap(card(Profile::Today, 1)), pin_of(1)).expect("signs");
        signed.finish().expect("an answer");
        signed.into_access().expect("access").take_unsaved().expect("a key").expect("new")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// One test at a time: the heap is that of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// The stage of every row.
struct Bench {
    _alone: MutexGuard<'static, ()>,
    server: Server,
    key: Arc<dyn DeviceKey>,
    over: Vec<String>,
    /// The highest peak, and the highest ratio from a mebibyte on, each with its row.
    highest: [(f64, String); 2],
}

impl Bench {
    fn new() -> Self {
        println!(
            "| place | shape | pages | outcome | bytes received | peak heap | ratio |\n|---|---|--:|---|--:|--:|--:|"
        );
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Self { _alone: alone, server: Server::start(), key: key(), over: Vec::new(), highest: Default::default() }
    }

    /// One row: what `work` takes beside this server, and what came of it.
    fn row<T>(
        &mut self,
        (place, shape, bytes, pages): (&str, &str, usize, usize),
        work: impl FnOnce(&mut Access) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let client = self.server.client(place, shape, bytes, pages);
        // Tokens last five minutes, all rows together longer.
        let saved = self.server.access(&self.key);
        std::thread::sleep(Duration::from_millis(50));
        let before = self.server.sent.load(Ordering::SeqCst);
        let mut outcome = None;
        let peak = heap::peak_of(|| {
            let access = Access::resume(client, Arc::clone(&self.key), &saved);
            outcome = Some(access.and_then(|mut access| work(&mut access)));
        });
        std::thread::sleep(Duration::from_millis(50));
        let received = self.server.sent.load(Ordering::SeqCst) - before;
        let outcome = outcome.expect("worked");
        let ratio = peak as f64 / received as f64;
        let told = outcome.as_ref().map_or_else(|error| error.code(), |_| "taken");
        let row = format!("| {place} | {shape} | {pages} | {told} | {received} | {peak} | {ratio:.1} |");
        println!("{row}");
        let counted = if received >= MIB { ratio } else { 0.0 };
        for (highest, value) in self.highest.iter_mut().zip([peak as f64, counted]) {
            if value > highest.0 {
                *highest = (value, row.clone());
            }
        }
        if peak > LIMIT || (received >= MIB && ratio > RATIO) {
            self.over.push(row);
        }
        outcome
    }
}

/// Every shape with `KAZASU_WORST=all`, else those that came out worst.
fn chosen() -> impl Iterator<Item = &'static str> {
    let is_all = std::env::var("KAZASU_WORST").is_ok_and(|value| value == "all");
    let worst = ["small objects", "deep objects", "deep arrays", "one long string"];
    SHAPES.into_iter().filter(move |shape| is_all || worst.contains(shape))
}

fn expenses(access: &mut Access) -> Result<Records, Error> {
    access.records(RecordKind::Expense, None)
}

#[test]
fn nothing_a_server_sends_takes_more_than_64_mib_or_eight_times_its_length() {
    let mut bench = Bench::new();
    let most = 8 * MIB - 4096;
    for shape in chosen() {
        for (place, bytes, pages) in
            [("one", MIB / 8 * 9, 1), ("one", most, 1), ("one", MIB, 40), ("many", MIB, 40), ("beside", MIB, 2)]
        {
            let _ = bench.row((place, shape, bytes, pages), expenses);
        }
        for (place, bytes) in [("submit", MIB / 8 * 9), ("error", 200_000)] {
            let refused = bench.row((place, shape, bytes, 1), Access::eligibility);
            assert!(place != "error" || refused.is_err());
        }
        let _ = bench.row(("metadata", shape, 60_000, 1), |_| Ok(()));
    }
    for shape in ["small objects", "one long string"] {
        let _ = bench.row(("submit", shape, most, 1), Access::eligibility);
        let _ = bench.row(("error", shape, most, 1), Access::eligibility);
        let _ = bench.row(("capability", shape, most, 1), |access| access.capability_statement().cloned());
    }
    for shape in ["empty objects", "numbers", "small objects"] {
        let _ = bench.row(("entries", shape, most, 1), expenses);
    }
    for pages in [1, 40] {
        let tiny = bench.row(("tiny", "numbers", MIB, pages), expenses).expect("records");
        assert!(tiny.is_partial && tiny.records.len() == 2_000);
    }
    let _ = bench.row(("beside", "small objects", most, 8), expenses);
    figures::row("| worst JSON: place | shape | pages | outcome | bytes received | peak heap | ratio |");
    bench.highest.iter().for_each(|(_, row)| figures::row(row));
    assert!(bench.over.is_empty(), "{:#?}", bench.over);
}

#[test]
fn two_thousand_honest_records_arrive_whole() {
    let mut bench = Bench::new();
    let found = bench.row(("notices", "honest", 0, 40), expenses).expect("records");
    assert!(!found.is_partial && found.records.len() == 2_000);
    let mut ids: Vec<String> = Vec::new();
    let one_by_one = heap::peak_of(|| {
        for record in &found.records {
            let Record::Expense(expense) = record else { panic!("{record:?}") };
            ids.push(expense.id().expect("an id").to_owned());
        }
    });
    let mut all = Vec::new();
    let together = heap::peak_of(|| all.extend(found.records));
    println!("read one by one: {one_by_one} bytes; collected: {together} bytes");
    assert_eq!(ids, (0..2_000).map(|n| format!("eob-{n}")).collect::<Vec<_>>());
    assert!(all.len() == 2_000 && together <= LIMIT);
    assert!(bench.over.is_empty(), "{:#?}", bench.over);
}
