//! The process is killed while it writes: what a call has returned from is there, and nothing is there by halves.
//!
//! This program starts itself as the child that writes, reads from a pipe what the child has done, and kills it at a random
//! moment: 100 times, or as often as `KAZASU_KILLS` says.
#![cfg(all(unix, feature = "store", feature = "ring", feature = "software-key"))]

mod family;
#[path = "family/raw.rs"]
mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use family::{Family, expense, payment};
use kazasu::store::{Event, LogVerdict, MemberId, Profile, Query, Registered, Role, SecretKind, Store};

/// Stands in everything that is to be sealed.
const MARKER: &str = "KLARTEXT";
const FOLDER: &str = "KAZASU_CRASH_FOLDER";
/// Rounds on one store.
const ROUNDS_PER_STORE: u64 = 20;

fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("random");
    u64::from_ne_bytes(bytes)
}

/// Writes until it is killed; says what it begins and what is done.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let family = Family::at(Path::new(&folder));
    let mut store = family.open().expect("opens");
    // Names of cards are not used twice, whichever process adds them.
    let mut number = random() >> 1;
    loop {
        let members: Vec<MemberId> = store.members().expect("reads").iter().map(|member| member.id).collect();
        let what = random() % 20;
        let Some(member) = (!members.is_empty()).then(|| members[(random() % members.len() as u64) as usize]) else {
            add(&family, &mut store, number);
            number += 1;
            continue;
        };
        number += 1;
        match what {
            0..4 => step(&format!("record {member} {number}"), || {
                let id = format!("{MARKER}-{number}");
                store.put_records(member, &[expense(&id, "2026-10")]).map(drop)
            }),
            4..8 => step(&format!("payment {member} {number}"), || {
                let row = payment(&number.to_string(), 1, MARKER);
                store.put_payments(member, &[row], Event::Imported).map(drop)
            }),
            8..12 => step(&format!("secret {member} {number}"), || {
                store.save_secret(member, SecretKind::Access, format!("{MARKER}{number}").as_bytes())
            }),
            12..15 => step("rotation", || store.rotate()),
            15..17 => step(&format!("erasure {member}"), || store.remove_member(member).map(drop)),
            17 => step("compaction", || store.compact()),
            _ if members.len() < 5 => add(&family, &mut store, number),
            _ => step("log", || store.append_log(Event::LogRead, None, Ok(()))),
        }
    }
}

fn add(family: &Family, store: &mut Store, number: u64) {
    let profile = Profile::new(format!("{MARKER}{}", number % 1_000_000_007), Role::Own);
    say(&format!("begin member {number}"));
    match store.add_member(family.candidate(&format!("{MARKER}{number}")).confirm(), profile).expect("registers") {
        Registered::New(id) => say(&format!("done member {id}")),
        Registered::Known(_) => panic!("known"),
    }
}

fn step(what: &str, work: impl FnOnce() -> Result<(), kazasu::Error>) {
    say(&format!("begin {what}"));
    work().expect("works");
    say(&format!("done {what}"));
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("the parent listens");
}

/// What a member must have.
#[derive(Default)]
struct Expected {
    records: BTreeSet<String>,
    payments: BTreeSet<String>,
    secret: Option<String>,
}

/// What must be there after the steps that were done.
#[derive(Default)]
struct Model {
    members: BTreeMap<String, Expected>,
    erased: BTreeSet<String>,
}

impl Model {
    fn apply(&mut self, step: &str) {
        let words: Vec<&str> = step.split(' ').collect();
        let (member, number) =
            (words.get(1).copied().unwrap_or_default(), words.get(2).map(|number| (*number).to_owned()));
        match words[0] {
            "member" => drop(self.members.insert(member.to_owned(), Expected::default())),
            "erasure" => {
                assert!(self.members.remove(member).is_some(), "{step}");
                self.erased.insert(member.to_owned());
            }
            "record" => self.members.get_mut(member).expect("a member").records.extend(number),
            "payment" => self.members.get_mut(member).expect("a member").payments.extend(number),
            "secret" => self.members.get_mut(member).expect("a member").secret = number,
            _ => {}
        }
    }

    /// Compares with the store, in which `begun` may or may not have happened; takes over what did.
    fn compare(&mut self, store: &mut Store, begun: Option<&str>) {
        let begun: Vec<&str> = begun.unwrap_or_default().split(' ').collect();
        let found: BTreeMap<String, MemberId> =
            store.members().expect("reads").iter().map(|member| (member.id.to_string(), member.id)).collect();
        if begun[0] == "erasure" && !found.contains_key(begun[1]) {
            self.apply(&begun.join(" "));
        }
        assert!(found.keys().all(|id| !self.erased.contains(id)), "an erased member is back");
        let new = found.keys().filter(|id| !self.members.contains_key(*id)).cloned().collect::<Vec<_>>();
        assert!(new.is_empty() || (new.len() == 1 && begun[0] == "member"), "a member from nowhere");
        self.members.extend(new.into_iter().map(|id| (id, Expected::default())));
        assert_eq!(found.len(), self.members.len(), "a member is missing");
        for (id, expected) in &mut self.members {
            let member = found[id];
            let mine = |kind: &str| (begun[0] == kind && begun[1] == id).then(|| begun[2].to_owned());
            let page = store.records(member, &Query::default(), u32::MAX).expect("reads");
            let name = |json: &serde_json::Value| json["id"].as_str().expect("an id")[MARKER.len() + 1..].to_owned();
            let records: BTreeSet<String> = page.records.iter().map(|one| name(one.record.as_json())).collect();
            same(&mut expected.records, records, mine("record"));
            assert_eq!(store.unread(member).expect("counts"), expected.records.len() as u64);
            let mut payments = BTreeSet::new();
            let visited = store.visit_payments(member, |one| {
                payments.insert(one.payment.source_id);
                Ok(true)
            });
            visited.expect("reads");
            same(&mut expected.payments, payments, mine("payment"));
            let secret = store.secret(member, SecretKind::Access).expect("reads");
            let secret = secret.map(|secret| String::from_utf8(secret[MARKER.len()..].to_vec()).expect("a number"));
            assert!(secret == expected.secret || secret == mine("secret"), "a secret is lost");
            expected.secret = secret;
        }
    }
}

fn same(expected: &mut BTreeSet<String>, found: BTreeSet<String>, begun: Option<String>) {
    assert!(found.is_superset(expected), "something is lost");
    let more: Vec<&String> = found.difference(expected).collect();
    assert!(more.is_empty() || (more.len() == 1 && begun.as_ref() == Some(more[0])), "something came from nowhere");
    *expected = found;
}

#[test]
fn killed_at_any_moment_it_has_all_that_was_done() {
    if std::env::var_os(FOLDER).is_some() {
        return; // this is the child
    }
    let rounds: u64 = std::env::var("KAZASU_KILLS").map_or(100, |number| number.parse().expect("a number"));
    let mut killed_in = BTreeMap::<String, [u64; 2]>::new();
    let mut steps = 0;
    let (mut family, mut model) = (Family::new(), Model::default());
    for round in 0..rounds {
        if round % ROUNDS_PER_STORE == 0 {
            // One in five on a disk, where a kill meets a step that waits for it.
            let on_disk = round / ROUNDS_PER_STORE % 5 == 0;
            (family, model) = (if on_disk { Family::new() } else { Family::in_memory() }, Model::default());
            drop(family.create());
        }
        let (done, begun) = run_and_kill(&family);
        steps += done.len();
        done.iter().for_each(|step| model.apply(step));
        no_plaintext(&family);
        let mut store = family.open().expect("opens after a kill");
        let before = model.members.len();
        model.compare(&mut store, begun.as_deref());
        assert!(matches!(store.verify().expect("verifies"), LogVerdict::Whole { .. }));
        let phase = begun.as_deref().map_or("between steps", |step| step.split(' ').next().unwrap_or_default());
        let counts = killed_in.entry(phase.to_owned()).or_default();
        counts[0] += 1;
        counts[1] += u64::from(before != model.members.len());
        store.close().expect("closes");
        no_plaintext(&family);
        let epoch = raw::epoch(&family.file());
        // A renewal that was killed may have left the key of the epoch it never came to; the next one replaces it.
        let epochs: BTreeSet<u32> = family.aliases().iter().map(|alias| epoch_of(alias)).collect();
        assert!(epochs.contains(&epoch), "{epochs:?} without {epoch}");
        assert!(epochs.iter().all(|one| (epoch..=epoch + 1).contains(one)), "{epochs:?}: old keys of {epoch} are left");
        if round % 4 == 0 {
            family.open().expect("opens").rotate().expect("renews");
            assert_eq!(family.aliases().len(), 1, "{:?}", family.aliases());
        }
    }
    println!(
        "| killed during | times | of these, a member was there or gone although the call had not returned |\n|---|--:|--:|"
    );
    for (phase, [times, ahead]) in &killed_in {
        println!("| {phase} | {times} | {ahead} |");
    }
    println!("| {rounds} kills, {steps} steps were done | | |");
    assert!(steps > 0 && killed_in.len() > 3, "{steps} {killed_in:?}");
}

/// `kazasu-STORE-EPOCH`, or `.new` behind it where the key's file was being written.
fn epoch_of(alias: &str) -> u32 {
    alias.trim_end_matches(".new").rsplit('-').next().and_then(|epoch| epoch.parse().ok()).expect("an epoch")
}

/// The steps that were done, and the one that was begun.
fn run_and_kill(family: &Family) -> (Vec<String>, Option<String>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(FOLDER, family.folder())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let (send, receive) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in output.lines() {
            let line = line.expect("text");
            // The harness begins a line of its own.
            if let Some(at) = line.find("begin ").or_else(|| line.find("done ")) {
                let _ = send.send(line[at..].to_owned());
            }
        }
    });
    let mut lines: Vec<String> = Vec::new();
    for _ in 0..random() % 40 {
        lines.extend(receive.recv_timeout(Duration::from_secs(60)));
    }
    std::thread::sleep(Duration::from_micros(random() % 3000));
    child.kill().expect("kills");
    let output = child.wait_with_output().expect("ends");
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("panicked"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    reader.join().expect("reads");
    lines.extend(receive.try_iter());
    let done = lines.iter().filter_map(|line| line.strip_prefix("done ").map(str::to_owned)).collect();
    let begun = lines.last().and_then(|line| line.strip_prefix("begin ")).map(str::to_owned);
    (done, begun)
}

/// Not in the file, nor in one that was being written, nor among the keys.
fn no_plaintext(family: &Family) {
    for folder in [family.folder().to_owned(), family.keys_folder()] {
        for entry in std::fs::read_dir(folder).expect("reads") {
            let path = entry.expect("reads").path();
            if path.is_file() {
                let bytes = std::fs::read(&path).expect("reads");
                let found = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
                assert!(!found, "plaintext in {}", path.display());
            }
        }
    }
}
