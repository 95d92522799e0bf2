//! Qualifications against a server that loses answers, is slow and refuses at random: nothing happens twice, nothing is
//! lost, nobody gets what is another's, and every failure has a code.
//!
//! `KAZASU_CHAOS` is the number of qualifications (200 if absent), `KAZASU_CHAOS_SEED` the seed, which is printed.

use std::collections::BTreeMap;
use std::sync::Arc;

use kazasu::error::Error;
use kazasu::fhir::{ConsentKind, ConsentTerms, ConsentTo};
use kazasu::jose::dpop::DeviceKey;
use kazasu::qualify::{Access, Notice, RecordKind};
use kazasu::session::{self, Member, Signed};
use kazasu::time::CalendarDate;
use kazasu_card_sim::{Profile, SimTransport};
use kazasu_flows::{SharedCard, Stage, card, key, pin_of, tap};

const THREADS: u64 = 2;
const PEOPLE: u8 = 10;
/// A user who tries this often has lost patience.
const PATIENCE: u32 = 25;
/// After this long an assertion that may have arrived counts no more, and only another tap helps.
const RESEND_S: u32 = 61;
/// What a fault of the server may be called.
const FAULTS: [&str; 6] = ["KZ-T01", "KZ-T05", "KZ-T06", "KZ-T07", "KZ-Q01", "KZ-A03"];

/// SplitMix64 (Steele, Lea, Flood 2014): the same faults for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

/// Everything that may go wrong, one to four times. `Retry-After` passes on a virtual clock.
const SWITCHES: [&str; 19] = [
    "nonce-429",
    "nonce-503",
    "token-drop",
    "token-429",
    "token-503",
    "token-html",
    "use-dpop-nonce",
    "submit-drop",
    "submit-slow",
    "submit-429",
    "submit-502",
    "submit-503",
    "submit-504",
    "slow",
    "records-drop",
    "records-503",
    "write-drop",
    "write-503",
    "revoke-503",
];

fn disturb(stage: &Stage, dice: &mut Dice) {
    for _ in 0..dice.roll(4) {
        let index = usize::try_from(dice.roll(SWITCHES.len() as u64)).expect("small");
        let (name, times) = (SWITCHES[index], dice.roll(4) + 1);
        let value = match name {
            "slow" | "submit-slow" => "=3",
            // Not 502, which is the answer that person 8 gets when all is well.
            "token-html" => "=503",
            _ => "",
        };
        stage.arm(&format!("{name}:{times}{value}"));
    }
}

/// One member, and what has been asked for in their name.
struct Person {
    number: u8,
    card: SharedCard,
    key: Arc<dyn DeviceKey>,
    /// What the server answers when all is well.
    expected: Result<&'static str, &'static str>,
    patient: Option<String>,
    consents: usize,
    tasks: usize,
}

#[derive(Default)]
struct Tally {
    qualified: u32,
    second_taps: u32,
    faults: BTreeMap<&'static str, u32>,
}

impl Tally {
    /// Counts a fault of the server; anything else is a fault of ours.
    fn fault(&mut self, error: &Error) {
        let code = error.code();
        assert!(FAULTS.contains(&code), "{code}: {error}");
        *self.faults.entry(code).or_default() += 1;
    }
}

/// Does it until it is done, as a user does who is told "try again".
fn until_done<T>(tally: &mut Tally, mut attempt: impl FnMut() -> Result<T, Error>) -> T {
    for _ in 0..PATIENCE {
        match attempt() {
            Ok(done) => return done,
            Err(error) => tally.fault(&error),
        }
    }
    panic!("{PATIENCE} attempts were not enough");
}

/// One qualification: taps again only when a tap is what is missing.
fn qualify(
    stage: &Stage,
    person: &Person,
    dice: &mut Dice,
    tally: &mut Tally,
) -> (Signed, Result<&'static str, &'static str>) {
    let member = || Member::new(Arc::clone(&person.key));
    for taps in 0..PATIENCE {
        tally.second_taps += u32::from(taps > 0);
        let awaiting = until_done(tally, || session::begin(Arc::clone(&stage.client), member()));
        let mut link = SimTransport::tap(Arc::clone(&person.card));
        let mut signed = tap(awaiting, &mut link, pin_of(person.number)).expect("the card is not in this chaos");
        for _ in 0..PATIENCE {
            match signed.finish() {
                Ok(qualified) => return (signed, Ok(qualified.eligibility.qualification().name())),
                Err(error) if person.expected == Err(error.code()) => return (signed, Err(error.code())),
                Err(error) => {
                    tally.fault(&error);
                    if error.code() == "KZ-A03" {
                        break;
                    }
                }
            }
            if dice.roll(5) == 0 {
                stage.wait(RESEND_S);
            }
        }
    }
    panic!("person {} was never qualified", person.number);
}

fn write_something(access: &mut Access, person: &mut Person, dice: &mut Dice, tally: &mut Tally) {
    if dice.roll(2) == 0 {
        let start = CalendarDate::in_japan(access.server_time());
        let kind = ConsentKind::ALL[usize::try_from(dice.roll(12)).expect("small")];
        let to = ConsentTo::Providers(kind);
        let terms =
            ConsentTerms { to, start, end: start.years_later(1), notice_sha256: &"n".repeat(43), policy: "urn:x" };
        let request = access.prepare_consent(&terms).expect("terms");
        until_done(tally, || access.give_consent(&request));
        person.consents += 1;
    } else {
        let notice = Notice { id: "c".to_owned(), text: "x".to_owned() };
        let request = access.prepare_registration(&notice).expect("randomness");
        until_done(tally, || access.register(&request));
        person.tasks += 1;
    }
}

fn people(stage: &Stage) -> Vec<Person> {
    let person = |number| {
        let (card, key) = (card(Profile::Today, number), key());
        let mut signed = tap(stage.begin().expect("begins"), &mut SimTransport::tap(Arc::clone(&card)), pin_of(number))
            .expect("signs");
        let answer = signed.finish();
        // One of them has been to a kiosk.
        let mut access = signed.into_access().expect("a token");
        let consents = access.consents().expect("consents").len();
        let tasks = access.registrations().expect("tasks").len();
        let expected = answer.map(|found| found.eligibility.qualification().name()).map_err(|error| error.code());
        Person { number, card, key, expected, patient: None, consents, tasks }
    };
    (1..=PEOPLE).map(person).collect()
}

/// One thread's share, on a server of its own.
fn run(seed: u64, count: u64) -> Tally {
    let stage = Stage::with_every_scope(&[]);
    let mut dice = Dice(seed);
    let mut tally = Tally::default();
    let mut people = people(&stage);
    for _ in 0..count {
        let index = usize::try_from(dice.roll(u64::from(PEOPLE))).expect("small");
        let person = &mut people[index];
        disturb(&stage, &mut dice);
        let (signed, answer) = qualify(&stage, person, &mut dice, &mut tally);
        assert_eq!(answer, person.expected, "person {}", person.number);
        tally.qualified += 1;
        let mut access = signed.into_access().expect("a token");
        let patient = person.patient.get_or_insert_with(|| access.patient().to_owned());
        assert_eq!(patient, access.patient(), "somebody else's token");
        match dice.roll(10) {
            0 | 1 => write_something(&mut access, person, &mut dice, &mut tally),
            2 => {
                until_done(&mut tally, || access.refresh());
                let found = until_done(&mut tally, || access.records(RecordKind::Immunization, None));
                assert!(!found.is_partial);
            }
            _ => {}
        }
    }
    stage.sandbox.disarm_all();
    for person in &mut people {
        let (signed, _) = qualify(&stage, person, &mut dice, &mut tally);
        let mut access = signed.into_access().expect("a token");
        let consents = access.consents().expect("consents").len();
        let registrations = access.registrations().expect("tasks").len();
        assert_eq!((consents, registrations), (person.consents, person.tasks), "person {}", person.number);
    }
    tally
}

#[test]
fn nothing_is_lost_doubled_or_mixed_up() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (count, seed): (u64, u64) = (number("KAZASU_CHAOS", 200), number("KAZASU_CHAOS_SEED", 20_261_122));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| std::thread::spawn(move || run(seed.wrapping_add(thread), count.div_ceil(THREADS))))
        .collect();
    let mut total = Tally::default();
    for thread in threads {
        let tally = thread.join().expect("no fault of ours");
        total.qualified += tally.qualified;
        total.second_taps += tally.second_taps;
        for (code, times) in tally.faults {
            *total.faults.entry(code).or_default() += times;
        }
    }
    println!(
        "seed {seed}: {} qualifications, {} second taps, faults {:?}",
        total.qualified, total.second_taps, total.faults
    );
    assert!(u64::from(total.qualified) >= count);
    assert!(total.faults.len() >= 4 && total.second_taps > 0, "the server was too kind");
}
