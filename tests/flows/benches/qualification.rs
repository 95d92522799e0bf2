//! What one qualification costs this process: CPU beside the card's and the server's, memory, requests.
//!
//! `cargo bench -p kazasu-flows --bench qualification [-- NUMBER]`, 200 if absent. The server is a process of its own, the
//! card is not: what it computes is measured and taken off. Ratios are to one bare TLS handshake with one request.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use kazasu::iso7816::{CardTransport, TransportError, TransportLimits};
use kazasu::qualify::{Language, Notice, QualifyClient, Settings};
use kazasu::session;
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::heap::{self, Counting};
use kazasu_flows::{SharedCard, browser, card, member, pin_of, tap};
use kazasu_sandbox::{LogTarget, Options};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SERVER: &str = "--server";

/// CPU that this process has used, all threads together.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.try_into().expect("positive"), now.tv_nsec.try_into().expect("positive"))
}

/// A card whose computing is counted.
struct Timed {
    card: SimTransport,
    spent: Duration,
}

impl CardTransport for Timed {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let before = cpu();
        let answer = self.card.transceive(command);
        self.spent += cpu() - before;
        answer
    }

    fn limits(&self) -> TransportLimits {
        self.card.limits()
    }
}

/// The server's side: says how it is reached, then a line for each request, until its input ends.
fn serve() {
    let options = Options { log: LogTarget::Callback(Box::new(|_| println!("request"))), ..Options::default() };
    let sandbox = kazasu_sandbox::start(options).expect("loopback");
    let base64 = |der: &[u8]| Base64::encode_string(der);
    let card_roots: Vec<String> = sandbox.card_roots_der().iter().map(|der| base64(der)).collect();
    println!(
        "{}",
        json!({"issuer": sandbox.issuer(), "fhir_base": sandbox.fhir_base(), "pins": sandbox.pins(),
            "pins_not_after": sandbox.pins_not_after(), "tls_root": base64(sandbox.tls_root_der()), "card_roots": card_roots})
    );
    let _ = std::io::stdin().lines().count();
}

struct Server {
    process: Child,
    settings: Settings,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process =
            Command::new(program).arg(SERVER).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let first = lines.find_map(|line| line.ok().filter(|line| line.starts_with('{'))).expect("its addresses");
        let said: Value = serde_json::from_str(&first).expect("JSON");
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        std::thread::spawn(move || {
            for _ in lines {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { process, settings: settings(&said), requests }
    }

    fn root(&self) -> &[u8] {
        &self.settings.tls_roots[0]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn settings(said: &Value) -> Settings {
    let text = |name: &str| said[name].as_str().expect(name).to_owned();
    let der = |value: &Value| Base64::decode_vec(value.as_str().expect("text")).expect("base64");
    let list = |name: &str| said[name].as_array().expect(name).clone();
    Settings {
        issuer: text("issuer"),
        fhir_base: text("fhir_base"),
        client_id: "jp.example.kazasu-demo".to_owned(),
        tls_roots: vec![der(&said["tls_root"])],
        card_roots: list("card_roots").iter().map(der).collect(),
        pins: list("pins").iter().map(|pin| pin.as_str().expect("a pin").to_owned()).collect(),
        pins_not_after: text("pins_not_after"),
        notice: Notice {
            id: "bench-1".to_owned(), text: "資格情報を、測定のために表示します。".to_owned()
        },
        ..Settings::default()
    }
}

/// One qualification: CPU of the SDK, CPU of the card, wall time.
fn qualify(client: &Arc<QualifyClient>, card: &SharedCard) -> [Duration; 3] {
    let (start, wall) = (cpu(), Instant::now());
    let awaiting = session::begin(Arc::clone(client), member()).expect("begins");
    let mut link = Timed { card: SimTransport::tap(Arc::clone(card)), spent: Duration::ZERO };
    let mut signed = tap(awaiting, &mut link, pin_of(1)).expect("signs");
    signed.finish().expect("an answer");
    [cpu() - start - link.spent, link.spent, wall.elapsed()]
}

/// Median and 95th percentile, in milliseconds.
fn spread(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    (at(50), at(95))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == SERVER) {
        return serve();
    }
    let number = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(200_usize);
    let server = Server::start();
    let client = Arc::new(QualifyClient::with_ring(&server.settings, Language::Japanese).expect("settings"));
    let card = card(Profile::Today, 1);
    let memory = heap::peak_of(|| {
        qualify(&client, &card);
    });
    let metadata = format!("{}/.well-known/smart-configuration", server.settings.fhir_base);
    let bare = |_| {
        let start = cpu();
        browser::get(server.root(), &metadata);
        cpu() - start
    };
    let (bare, _) = spread((0..number).map(bare).collect());

    std::thread::sleep(Duration::from_millis(200));
    let before = server.requests.load(Ordering::SeqCst);
    let runs: Vec<[Duration; 3]> = (0..number).map(|_| qualify(&client, &card)).collect();
    std::thread::sleep(Duration::from_millis(200));
    let requests = server.requests.load(Ordering::SeqCst) - before;

    let mut out = std::io::stdout().lock();
    let mut row = |name: &str, (median, p95): (f64, f64)| {
        writeln!(out, "| {name} | {median:.2} | {p95:.2} | {:.2} |", median / bare).expect("stdout");
    };
    println!(
        "| {number} qualifications | median ms | p95 ms | to a bare handshake ({bare:.2} ms) |\n|---|--:|--:|--:|"
    );
    row("SDK, CPU beside card and server", spread(runs.iter().map(|run| run[0]).collect()));
    row("simulated card, CPU", spread(runs.iter().map(|run| run[1]).collect()));
    row("everything, wall", spread(runs.iter().map(|run| run[2]).collect()));
    // Discovery and nonce come before the tap.
    let each = requests as f64 / number as f64;
    println!(
        "| requests each | {each:.2} | of these after the tap {:.2} | peak heap {} kB |",
        each - 2.0,
        memory / 1000
    );
}
