//! Cards and readers that refuse in their own way: every status word of the classes 6xxx and 9xxx, at every exchange and for
//! every form of command. No panic, no wasted try, no wrong data, and success wherever the [judge](short_reader) has any.

use std::collections::BTreeMap;
use std::sync::Mutex;

use kazasu::card::Card;
use kazasu::iso7816::{CardCapabilities, CardTransport, TracedTransport, TransportLimits};
use kazasu_card_sim::{ApplicationKind, Config, EndOfFile, Fault, FaultAt, Pin, Profile, SimTransport, When};
use kazasu_flows::card_jobs::{JOBS, Job, job};
use kazasu_flows::short_reader::ShortReader;
use kazasu_flows::{SharedCard, card_of, figures};

/// Every status word of the two classes.
fn every_status() -> impl Iterator<Item = u16> + Clone {
    (0x6000..=0x6FFF).chain(0x9000..=0x9FFF)
}

/// Each first byte once, and of those that ISO/IEC 7816-4:2020, table 6 or cards of this family give a meaning, each meaning.
fn telling_statuses() -> Vec<u16> {
    let bare = (0x60..=0x6F).chain(0x90..=0x9F).map(|first| first << 8);
    let special = [
        0x6110, 0x6281, 0x6282, 0x6283, 0x62F1, 0x6381, 0x63C0, 0x63C1, 0x63C2, 0x63CF, 0x6581, 0x66F1, 0x6881, 0x6882,
        0x6883, 0x6981, 0x6982, 0x6983, 0x6984, 0x6985, 0x6986, 0x6987, 0x6999, 0x69FC, 0x6A80, 0x6A81, 0x6A82, 0x6A83,
        0x6A86, 0x6A88, 0x6C01, 0x6C10, 0x6CFF, 0x6FFF, 0x9001, 0x91AE,
    ];
    bare.chain(special).collect()
}

/// The four kinds of card, by what they take.
fn cards() -> Vec<(&'static str, Config)> {
    let today = Config::new(Profile::Today, 1);
    vec![
        ("capable", today.clone()),
        ("no-sfi", Config { sfi: false, ..today.clone() }),
        ("no-extended", Config { extended: false, ..today.clone() }),
        ("neither", Config { sfi: false, extended: false, ..today }),
    ]
}

/// One job on one card, and what comes of it on a good day.
struct Bench {
    chip: SharedCard,
    job: &'static Job,
    right: String,
    judged_right: Vec<u8>,
    exchanges: Vec<Noted>,
    judged_exchanges: Vec<Noted>,
}

/// One exchange of a good day.
#[derive(Clone, Copy, PartialEq)]
struct Noted {
    /// What it is for, whoever makes it: INS, whether it selects an application, whether it carries a PIN.
    kind: (u8, bool, bool),
    /// How many of its kind were before it.
    before: usize,
    /// How it is put: by a short identifier, with an extended length, from the middle of a file.
    form: (bool, bool, bool),
}

impl Noted {
    fn new(command: &[u8], earlier: &[Self]) -> Self {
        let [_, ins, p1, p2] = *command.first_chunk().expect("a header");
        let kind = (ins, ins == 0xA4 && p1 == 0x04, matches!(ins, 0x20 | 0x24) && command.len() > 5);
        let reads = ins == 0xB0;
        let short_ef = if reads { p1 > 0x80 } else { ins != 0xA4 && p2 > 0x80 };
        let form = (short_ef, command.len() == 7, reads && !short_ef && (p1, p2) != (0, 0));
        Self { kind, before: earlier.iter().filter(|noted| noted.kind == kind).count(), form }
    }
}

/// A link that notes what it carries.
struct Noting<'k> {
    inner: SimTransport,
    exchanges: &'k mut Vec<Noted>,
}

impl CardTransport for Noting<'_> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, kazasu::iso7816::TransportError> {
        self.exchanges.push(Noted::new(command, self.exchanges));
        self.inner.transceive(command)
    }

    fn limits(&self) -> TransportLimits {
        self.inner.limits()
    }
}

impl Bench {
    fn new(job: &'static Job, config: Config) -> Self {
        let chip = card_of(config);
        let (mut exchanges, mut judged_exchanges) = (Vec::new(), Vec::new());
        let mut link = Noting { inner: tap(&chip, None), exchanges: &mut exchanges };
        let right = (job.run)(&mut Card::new(&mut link, CardCapabilities::default()));
        drop(link);
        let mut link = Noting { inner: tap(&chip, None), exchanges: &mut judged_exchanges };
        let judged_right = (job.judge)(&mut ShortReader::new(&mut link));
        drop(link);
        let right = right.unwrap_or_else(|error| panic!("{}: {error}", job.name));
        Self { chip, job, right, judged_right: judged_right.expect("the judge reads"), exchanges, judged_exchanges }
    }

    /// Whether the judge gets the right bytes.
    fn judge(&self, fault: FaultAt) -> bool {
        let mut link = tap(&self.chip, Some(fault));
        (self.job.judge)(&mut ShortReader::new(&mut link)).as_ref() == Some(&self.judged_right)
    }

    /// What the SDK makes of the same, and that no try is gone.
    fn run(&self, fault: FaultAt) -> Outcome {
        let mut link = tap(&self.chip, Some(fault));
        let outcome = (self.job.run)(&mut Card::new(&mut link, CardCapabilities::default()));
        drop(link);
        let card = self.chip.lock().expect("card");
        let sent = card.counters().verify_with_data;
        assert!(sent <= self.job.pins, "{} with {fault:X?}: {sent} PINs sent", self.job.name);
        for (kind, full) in ALL_PINS {
            assert_eq!(card.attempts_left(kind), full, "{} with {fault:X?}: {kind:?}", self.job.name);
        }
        match outcome {
            Ok(found) if found == self.right => Outcome::Right,
            Ok(found) => Outcome::Wrong(found),
            Err(error) => {
                assert!(error.code().starts_with("KZ-C"), "{} with {fault:X?}: {error}", self.job.name);
                Outcome::Error(error.to_string())
            }
        }
    }
}

enum Outcome {
    Right,
    Wrong(String),
    Error(String),
}

const ALL_PINS: [(Pin, u8); 5] = [
    (Pin::UserAuthentication, 3),
    (Pin::Signature, 5),
    (Pin::TextInput, 3),
    (Pin::SurfaceVerificationNumberB, 10),
    (Pin::BirthDate, 10),
];

fn tap(chip: &SharedCard, fault: Option<FaultAt>) -> SimTransport {
    {
        let mut card = chip.lock().expect("card");
        card.reset_pins().expect("no file");
        card.reset_counters();
    }
    let link = SimTransport::tap(chip.clone()).with_limits(TransportLimits::EXTENDED);
    fault.into_iter().fold(link, SimTransport::with_fault)
}

/// What came of the cases of one job.
#[derive(Default)]
struct Tally {
    cases: usize,
    right: usize,
    errors: usize,
}

/// The SDK on a misbehaving card, and where it gives up the judge on the same one: he must have no better luck.
fn compare(bench: &Bench, at: &str, fault: FaultAt, judged: Option<FaultAt>, tally: &mut Tally) {
    tally.cases += 1;
    match bench.run(fault) {
        Outcome::Right => tally.right += 1,
        Outcome::Wrong(found) => panic!("{at}: a wrong result\n{found:.300}\n{:.300}", bench.right),
        Outcome::Error(error) => {
            let judge_succeeds = judged.is_some_and(|fault| bench.judge(fault));
            assert!(!judge_succeeds, "{at}: the judge reads it, and the SDK says: {error}");
            tally.errors += 1;
        }
    }
}

/// An answer that a card also gives on a good day to a command of this kind says nothing odd: it lies.
fn is_lie(kind: (u8, bool, bool), status: u16) -> bool {
    match kind.0 {
        // Not executed, and said to be.
        0xA4 | 0x24 if status == 0x9000 => true,
        // "There is none."
        0xA4 => matches!(status, 0x6A82 | 0x6A83 | 0x6A88),
        // Tries left, blocked, right.
        0x20 => matches!(status, 0x63C0..=0x63CF | 0x6983 | 0x6984 | 0x9000 | 0x6A82 | 0x6A83 | 0x6A88),
        _ => false,
    }
}

/// Works off the list on two threads.
fn on_two_threads<T: Send>(list: Vec<T>, work: impl Fn(T) + Sync) {
    let queue = Mutex::new(list);
    std::thread::scope(|scope| {
        let worker = || {
            while let Some(next) = { queue.lock().expect("queue").pop() } {
                work(next);
            }
        };
        [(); 2].map(|()| scope.spawn(worker)).into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
}

/// The exchanges worth a fault: of the many alike that bring a photo, the first and the last.
fn telling_exchanges(exchanges: &[Noted]) -> Vec<usize> {
    let more = |at: usize| exchanges.get(at).is_some_and(|noted| noted.kind.0 == 0xB0 && noted.form.2);
    (0..exchanges.len()).filter(|at| *at == 0 || !(more(*at) && more(*at - 1) && more(*at + 1))).collect()
}

/// Once, at one exchange; the judge gets the same status word at the exchange that is for the same, if he has one.
fn once(bench: &Bench, name: &str, exchange: usize, statuses: impl Iterator<Item = u16>) -> Tally {
    let mut tally = Tally::default();
    let noted = bench.exchanges[exchange];
    let same = |judged: &Noted| (judged.kind, judged.before) == (noted.kind, noted.before);
    let judged = bench.judged_exchanges.iter().position(same);
    for status in statuses {
        let fault = |number: usize| FaultAt {
            when: When::Exchange(u32::try_from(number).expect("short")),
            fault: Fault::StatusWord(status),
        };
        if is_lie(noted.kind, status) {
            // No panic and no wasted try; what it gives is what the card said.
            bench.run(fault(exchange));
            tally.cases += 1;
            continue;
        }
        let at = format!("{}, {name}: {status:04X} at exchange {exchange}", bench.job.name);
        compare(bench, &at, fault(exchange), judged.map(fault), &mut tally);
    }
    tally
}

fn add(tally: &Mutex<BTreeMap<String, Tally>>, name: &str, own: Tally) {
    let mut tally = tally.lock().expect("tally");
    let sum = tally.entry(name.to_owned()).or_default();
    sum.cases += own.cases;
    sum.right += own.right;
    sum.errors += own.errors;
}

fn print(what: &str, tally: Mutex<BTreeMap<String, Tally>>) -> usize {
    let tally = tally.into_inner().expect("tally");
    println!("{what}: cases, right results, errors of both");
    for (name, of) in &tally {
        println!("  {name:<28}{:>8}{:>8}{:>8}", of.cases, of.right, of.errors);
    }
    let cases = tally.values().map(|of| of.cases).sum();
    figures::row(&format!("{what}: {cases} cases, no wasted try, no wrong result, never less than the judge"));
    cases
}

#[test]
fn every_status_word_at_every_kind_of_exchange() {
    let tally = Mutex::default();
    let [capable, .., neither] = &cards()[..] else { panic!("four cards") };
    let mut work = Vec::new();
    let mut seen = Vec::new();
    const NAMES: [&str; 4] = ["attributes", "certificate", "pin-change", "authenticate"];
    for (name, (card, config)) in NAMES.into_iter().flat_map(|name| [(name, capable), (name, neither)]) {
        let bench = Bench::new(job(name), config.clone());
        for exchange in telling_exchanges(&bench.exchanges) {
            let kind = (bench.exchanges[exchange].kind, bench.exchanges[exchange].form);
            if !seen.contains(&kind) {
                seen.push(kind);
                // A card of its own, so that both threads have work.
                work.push((name, *card, config.clone(), exchange));
            }
        }
    }
    on_two_threads(work, |(name, card, config, exchange)| {
        let bench = Bench::new(job(name), config);
        add(&tally, name, once(&bench, card, exchange, every_status()));
    });
    let cases = print(&format!("8192 status words, once, at {} kinds of exchanges", seen.len()), tally);
    assert!(cases == 8192 * seen.len() && seen.len() > 9, "{cases}");
}

#[test]
fn telling_status_words_at_every_exchange_of_every_job_on_every_card() {
    let tally = Mutex::default();
    let list = JOBS.iter().flat_map(|job| cards().into_iter().map(move |card| (job, card))).collect();
    on_two_threads(list, |(job, (name, config))| {
        let bench = Bench::new(job, config);
        for exchange in telling_exchanges(&bench.exchanges) {
            add(&tally, job.name, once(&bench, name, exchange, telling_statuses().into_iter()));
        }
    });
    assert!(print(&format!("{} status words, once", telling_statuses().len()), tally) > 10_000);
}

const FORMS: [When; 5] = [
    When::EveryExtended,
    When::EveryShortEf(None),
    When::EveryShortEf(Some(0xB0)),
    When::EveryShortEf(Some(0x20)),
    When::EveryShortEf(Some(0x2A)),
];

/// A card that refuses a form each time. The judge knows none of these forms and always succeeds.
fn always(
    bench: &Bench,
    name: &str,
    when: When,
    statuses: impl Iterator<Item = u16>,
    tally: &Mutex<BTreeMap<String, Tally>>,
) {
    let mut own = Tally::default();
    for status in statuses {
        let fault = FaultAt { when, fault: Fault::StatusWord(status) };
        // The tries left, said to whoever asks by this form.
        if matches!(when, When::EveryShortEf(None | Some(0x20))) && matches!(status, 0x63C0..=0x63CF | 0x9000) {
            bench.run(fault);
            own.cases += 1;
            continue;
        }
        compare(
            bench,
            &format!("{}, {name}: always {status:04X} to {when:X?}", bench.job.name),
            fault,
            Some(fault),
            &mut own,
        );
    }
    assert_eq!(own.errors, 0, "{}, {name}", bench.job.name);
    add(tally, bench.job.name, own);
}

#[test]
fn every_status_word_as_a_habit() {
    let tally = Mutex::default();
    let today = Config::new(Profile::Today, 1);
    let [extended, _, reads, queries, _] = FORMS;
    let list = [("attributes", extended), ("attributes", reads), ("attributes", queries), ("certificate", extended)];
    on_two_threads(list.into(), |(name, when)| {
        always(&Bench::new(job(name), today.clone()), "all", when, every_status(), &tally);
    });
    assert_eq!(print("8192 status words, always", tally), 8192 * 4);
}

#[test]
fn telling_status_words_as_a_habit_of_every_card_in_every_job() {
    let tally = Mutex::default();
    let list = JOBS.iter().flat_map(|job| cards().into_iter().map(move |card| (job, card))).collect();
    on_two_threads(list, |(job, (name, config))| {
        let bench = Bench::new(job, config);
        FORMS.iter().for_each(|when| always(&bench, name, *when, telling_statuses().into_iter(), &tally));
    });
    assert!(print(&format!("{} status words, always", telling_statuses().len()), tally) > 10_000);
}

#[test]
fn data_that_come_with_a_warning_are_data() {
    let tally = Mutex::default();
    let list =
        ["attributes", "certificate"].into_iter().flat_map(|name| cards().into_iter().map(move |card| (name, card)));
    on_two_threads(list.collect(), |(name, (kind, config))| {
        let bench = Bench::new(job(name), config);
        let mut own = Tally::default();
        for status in (0x6200..=0x63FF).chain(telling_statuses()) {
            let fault = FaultAt { when: When::EveryIns(0xB0), fault: Fault::StatusWordWithData(status) };
            compare(&bench, &format!("{name}, {kind}: data with {status:04X}"), fault, Some(fault), &mut own);
        }
        add(&tally, name, own);
    });
    print("data with a status word", tally);
}

#[test]
fn files_may_end_as_they_like_and_come_in_pieces_of_any_length() {
    let mut cases = 0;
    for end_of_file in EndOfFile::ALL {
        for read_limit in [None, Some(1), Some(100), Some(255)] {
            for (name, config) in cards() {
                for job in JOBS.iter().filter(|job| read_limit != Some(1) || job.name != "face" && job.name != "read") {
                    let odd = Config { end_of_file, read_limit, ..config.clone() };
                    let right = Bench::new(job, config.clone());
                    let bench = Bench::new(job, odd);
                    assert_eq!(bench.judged_right.len(), right.judged_right.len(), "{}", job.name);
                    if !matches!(job.name, "certificate" | "authenticate" | "read" | "sign") {
                        assert_eq!(bench.right, right.right, "{}, {name}, {end_of_file}, {read_limit:?}", job.name);
                    }
                    cases += 1;
                }
            }
        }
    }
    figures::row(&format!("ends of files and limits of answers: {cases} cases, all read"));
}

/// Whatever it ends at, the five bytes of a header too: nothing is asked for again and again.
#[test]
fn a_file_shorter_than_what_is_wanted_of_it_ends() {
    let mut most = 0;
    for len in 0..=160 {
        for (end_of_file, read_limit) in EndOfFile::ALL.into_iter().flat_map(|end| [(end, None), (end, Some(1))]) {
            let label = vec![b'x'; len];
            let config = Config::new(Profile::Today, 1).with_file(ApplicationKind::Jpki, 0x0006, label);
            let chip = card_of(Config { end_of_file, read_limit, ..config });
            let mut exchanges = 0;
            let mut link = TracedTransport::new(tap(&chip, None), |_| {
                exchanges += 1;
                assert!(exchanges < 1000, "{len}, {end_of_file}: without end");
            });
            let mut card = Card::new(&mut link, CardCapabilities::default());
            let info = card.select_jpki().expect("JPKI").token_info();
            let label = "x".repeat(len.min(32));
            match info {
                // A card that reads nothing beyond the end gives what was asked for in one piece, or a header.
                Ok(info) if end_of_file == EndOfFile::Refused => assert!(label.starts_with(&info.label)),
                Err(_) if end_of_file == EndOfFile::Refused => {}
                Ok(info) => assert_eq!(info.label, label, "{len}, {end_of_file}"),
                Err(error) => assert_eq!(len, 0, "{end_of_file}: {error}"),
            }
            drop(card);
            drop(link);
            assert!(exchanges <= 8 + if read_limit.is_some() { 2 * len } else { 2 }, "{len}: {exchanges} exchanges");
            most = most.max(exchanges);
        }
    }
    figures::row(&format!("files of 0 to 160 bytes, of which 160 are wanted: {most} exchanges at most"));
}

#[test]
fn a_link_that_breaks_at_extended_lengths_costs_one_tap_at_most() {
    for job in &JOBS {
        for (name, config) in cards() {
            let bench = Bench::new(job, config);
            // In the same tap while the link stays, after the next one where the card is gone.
            for (fault, taps) in [
                (Fault::Unanswered, 1),
                (Fault::Truncate(0), 1),
                (Fault::Truncate(1), 1),
                (Fault::Drop, 2),
                (Fault::DropAfter, 2),
            ] {
                let fault = FaultAt { when: When::EveryExtended, fault };
                assert!(bench.judge(fault), "{}, {name}", job.name);
                let mut known = CardCapabilities::default();
                let mut used = 0;
                let found = loop {
                    used += 1;
                    let mut link = tap(&bench.chip, Some(fault));
                    let mut card = Card::new(&mut link, known);
                    let found = (job.run)(&mut card);
                    known = card.capabilities();
                    match found {
                        Ok(found) => break found,
                        Err(error) => assert!(used < 3 && error.code() == "KZ-C01", "{}, {name}: {error}", job.name),
                    }
                };
                assert_eq!(found, bench.right, "{}, {name}", job.name);
                assert!(used <= taps, "{}, {name}, {fault:X?}: {used} taps", job.name);
            }
        }
    }
}

/// Refusals of extended lengths and short identifiers that were reported of cards and readers.
const REPORTED: [u16; 10] = [0x6700, 0x6A80, 0x6A82, 0x6A86, 0x6B00, 0x6D00, 0x6E00, 0x6F00, 0x6883, 0x6985];

/// Exchanges of one tap, and what the card has shown by then.
fn count(bench: &Bench, fault: FaultAt, before: CardCapabilities) -> (u32, CardCapabilities) {
    let mut exchanges = 0;
    let mut link = TracedTransport::new(tap(&bench.chip, Some(fault)), |_| exchanges += 1);
    let mut card = Card::new(&mut link, before);
    (bench.job.run)(&mut card).expect("reads");
    let known = card.capabilities();
    drop(link);
    (exchanges, known)
}

#[test]
fn what_a_card_refuses_is_learned_once() {
    println!("exchanges of the first tap / the next one / the one after, at most, where every such command is refused");
    for (name, limit) in [("authenticate", 16), ("attributes", 8), ("certificate", 11)] {
        let bench = Bench::new(job(name), Config::new(Profile::Today, 1));
        for when in &FORMS[..2] {
            let mut dearest = (0, 0, 0, 0);
            for status in telling_statuses().into_iter().filter(|status| !matches!(status, 0x9000 | 0x63C0..=0x63CF)) {
                let fault = FaultAt { when: *when, fault: Fault::StatusWord(status) };
                let (first, known) = count(&bench, fault, CardCapabilities::default());
                let (next, known) = count(&bench, fault, known);
                let (after, _) = count(&bench, fault, known);
                assert_eq!(next, after, "{name}, {when:X?}, {status:04X}: learned once");
                if REPORTED.contains(&status) {
                    // A status word that speaks of the file does not tell which of the two forms it means.
                    let guess = u32::from(*when == When::EveryExtended && matches!(status, 0x6A82 | 0x6A86));
                    assert!(first <= next + 2 + guess, "{name}, {when:X?}, {status:04X}: {first} / {next}");
                    assert!(first <= limit, "{name}, {when:X?}, {status:04X}: {first}");
                }
                dearest = dearest.max((first, next, after, status));
            }
            let (first, next, after, status) = dearest;
            println!("{name:<14}{:<22}{first:>4} / {next} / {after} for {status:04X}", format!("{when:X?}"));
        }
    }
}
