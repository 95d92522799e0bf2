//! A store that somebody changed: whatever is done to its rows or to its file is found when it is opened or looked through.
//!
//! Each byte of each row has one of its bits flipped; with `KAZASU_TAMPER=all` each bit has.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(all(unix, feature = "store", feature = "ring", feature = "software-key"))]

mod family;
#[path = "family/raw.rs"]
mod raw;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use family::{Family, expense, observation, payment};
use kazasu::Error;
use kazasu::error::StoreFault;
use kazasu::store::{
    CheckedBy, Event, HistoryEntry, LogDamage, LogVerdict, Profile, Query, Registered, RetentionPolicy, Role,
    SecretKind, Store,
};
use raw::{Rows, TABLES, rows};
use redb::WriteTransaction;

/// Where a change was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Found {
    Opening,
    Verifying,
    Log,
    Nowhere,
}

/// A store with every kind of row; the member's key.
fn small() -> Family {
    let family = Family::in_memory();
    let mut store = family.create();
    let added = store.add_member(family.candidate("a").confirm(), Profile::new("花", Role::Own)).expect("registers");
    let Registered::New(member) = added else { panic!("new") };
    store.save_secret(member, SecretKind::Access, b"token").expect("saves");
    store
        .put_records(member, &[expense("e", "2026-10"), observation("o", ""), expense("p", "1990-01")])
        .expect("keeps");
    store.apply_retention(RetentionPolicy::default()).expect("marks");
    let entry = HistoryEntry { at: family.now(), by: CheckedBy::Card, result: "OK".to_owned(), eligibility: None };
    store.add_history(member, &entry).expect("keeps");
    store.put_payments(member, &[payment("s", 1, "院")], Event::Imported).expect("keeps");
    store.remember(None, "a", b"1").expect("remembers");
    store.remember(Some(member), "b", b"2").expect("remembers");
    store.rotate().expect("renews");
    store.append_log(Event::LogRead, None, Ok(())).expect("tells");
    store.checkpoint().expect("signs");
    store.append_log(Event::Exported, Some(member), Ok(())).expect("tells");
    drop(store);
    family
}

/// Opens it and looks through it. Damage has one name, and says nothing but where.
fn look(family: &Family) -> Found {
    let mut store = match family.open() {
        Ok(store) => store,
        Err(Error::Store(StoreFault::Damaged { .. } | StoreFault::KeyMissing | StoreFault::Newer)) => {
            return Found::Opening;
        }
        Err(error) => panic!("another kind of error: {error}"),
    };
    match store.verify() {
        Ok(LogVerdict::Whole { .. }) => Found::Nowhere,
        Ok(LogVerdict::Broken { .. }) => Found::Log,
        Err(Error::Store(StoreFault::Damaged { .. })) => Found::Verifying,
        Err(error) => panic!("another kind of error: {error}"),
    }
}

type Change<'a> = Box<dyn Fn(&WriteTransaction) + Send + Sync + 'a>;

/// A change that is made once.
type Edit<'a> = &'a dyn Fn(&WriteTransaction);

/// Makes each change to a copy and counts where they were found.
fn count<'a>(family: &Family, changes: &[(&'a str, Change<'a>)]) -> BTreeMap<&'a str, [usize; 4]> {
    let pristine = std::fs::read(family.file()).expect("reads");
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<&str, [usize; 4]>::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let copy = family.copy();
                while let Some((name, change)) = changes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    std::fs::write(copy.file(), &pristine).expect("writes");
                    raw::change(&copy.file(), change);
                    let found = look(&copy);
                    counts.lock().expect("counts").entry(name).or_default()[found as usize] += 1;
                }
            });
        }
    });
    counts.into_inner().expect("counts")
}

fn print(title: &str, counts: &BTreeMap<&str, [usize; 4]>) {
    println!("| {title} | changes | on opening | by verify() | in the log | not at all |\n|---|--:|--:|--:|--:|--:|");
    for (name, [opening, verifying, log, nowhere]) in counts {
        println!("| {name} | {} | {opening} | {verifying} | {log} | {nowhere} |", opening + verifying + log + nowhere);
    }
}

fn all_found(title: &str, counts: &BTreeMap<&str, [usize; 4]>) {
    print(title, counts);
    assert!(!counts.is_empty());
    for (name, [.., nowhere]) in counts {
        assert_eq!(*nowhere, 0, "{title}, {name}");
    }
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

/// One bit of each byte, or all.
fn bits(bytes: &[u8]) -> Vec<usize> {
    if std::env::var("KAZASU_TAMPER").is_ok_and(|what| what == "all") {
        (0..bytes.len() * 8).collect()
    } else {
        (0..bytes.len()).map(|byte| byte * 8 + byte % 8).collect()
    }
}

#[test]
fn every_flipped_bit_of_a_value_or_key_is_found() {
    let family = small();
    let rows = rows(&family.file());
    let mut changes: Vec<(&str, Change<'_>)> = Vec::new();
    for ((table, key), value) in &rows {
        for bit in bits(value) {
            changes.push((table, Box::new(move |tx| raw::put(tx, table, key, &flipped(value, bit)))));
        }
        for bit in bits(key) {
            changes.push((
                table,
                Box::new(move |tx| {
                    raw::delete(tx, table, key);
                    raw::put(tx, table, &flipped(key, bit), value);
                }),
            ));
        }
    }
    let counts = count(&family, &changes);
    assert_eq!(counts.len(), TABLES.len() - 1, "every table but that of tombstones has rows");
    all_found("flipped bits of", &counts);
}

#[test]
fn exchanged_missing_and_added_rows_are_found() {
    let family = small();
    let rows = rows(&family.file());
    let mut changes: Vec<(&str, Change<'_>)> = Vec::new();
    for (i, ((table, key), value)) in rows.iter().enumerate() {
        for ((other_table, other_key), other_value) in rows.iter().skip(i + 1).filter(|(_, other)| *other != value) {
            let kind = if table == other_table { "exchanged within a table" } else { "exchanged between tables" };
            changes.push((
                kind,
                Box::new(move |tx| {
                    raw::put(tx, table, key, other_value);
                    raw::put(tx, other_table, other_key, value);
                }),
            ));
        }
        changes.push(("deleted", Box::new(move |tx| raw::delete(tx, table, key))));
        changes.push((
            "cut by a byte",
            Box::new(move |tx| {
                raw::put(tx, table, key, value.split_last().map_or(&[0], |(_, rest)| rest));
            }),
        ));
        changes.push(("longer by a byte", Box::new(move |tx| raw::put(tx, table, key, &[value, &[0][..]].concat()))));
        for extra in [&[0][..], &[0xff; 80]] {
            changes.push((
                "doubled under a longer key",
                Box::new(move |tx| {
                    raw::put(tx, table, &[key, extra].concat(), value);
                }),
            ));
        }
        for to in TABLES.into_iter().filter(|to| to != table && !rows.contains_key(&(*to, key.clone()))) {
            changes.push(("doubled in another table", Box::new(move |tx| raw::put(tx, to, key, value))));
        }
    }
    for table in TABLES {
        for key in [&[][..], &[0], &[0xff; 8], &[0xff; 16], &[0xff; 200]] {
            changes.push(("added", Box::new(move |tx| raw::put(tx, table, key, b"value"))));
        }
    }
    for keys in rows.keys().map(|(table, _)| *table).collect::<std::collections::BTreeSet<_>>() {
        let rows = &rows;
        changes.push((
            "table emptied",
            Box::new(move |tx| {
                rows.keys().filter(|(table, _)| *table == keys).for_each(|(table, key)| raw::delete(tx, table, key));
            }),
        ));
    }
    all_found("rows", &count(&family, &changes));
}

/// A store, what was in it earlier, and the checkpoint of now.
fn aged() -> (Family, Rows, Vec<u8>, kazasu::store::Checkpoint) {
    let family = small();
    let (old, old_file) = (rows(&family.file()), std::fs::read(family.file()).expect("reads"));
    let mut store = family.open().expect("opens");
    let member = store.members().expect("reads")[0].id;
    store.save_secret(member, SecretKind::Access, b"other").expect("saves");
    store.set_profile(member, Profile::new("華", Role::Own)).expect("changes");
    store.put_records(member, &[expense("e", "2026-09"), observation("p", "")]).expect("keeps");
    store.put_payments(member, &[payment("s", 1, "医院")], Event::Imported).expect("keeps");
    store.remember(None, "a", b"3").expect("remembers");
    store.remember(Some(member), "b", b"4").expect("remembers");
    store.confirm_clock(family.now()).expect("confirms");
    store.apply_retention(RetentionPolicy::default()).expect("marks anew");
    let checkpoint = store.close().expect("closes");
    (family, old, old_file, checkpoint)
}

#[test]
fn rows_and_tables_put_back_are_found() {
    let (family, old, ..) = aged();
    let new = rows(&family.file());
    let mut changes: Vec<(&str, Change<'_>)> = Vec::new();
    for ((table, key), value) in old.iter().filter(|(place, value)| new.get(place) != Some(value)) {
        changes.push(("old row", Box::new(move |tx| raw::put(tx, table, key, value))));
    }
    let put_back = |tx: &WriteTransaction, tables: &[&str]| {
        new.keys().filter(|(table, _)| tables.contains(table)).for_each(|(table, key)| raw::delete(tx, table, key));
        let rows = old.iter().filter(|((table, _), _)| tables.contains(table));
        rows.for_each(|((table, key), value)| raw::put(tx, table, key, value));
    };
    for (i, table) in TABLES.into_iter().enumerate() {
        let is_old = |rows: &Rows| {
            rows.iter().filter(|((name, _), _)| *name == table).map(|(k, v)| (k.clone(), v.clone())).collect::<Rows>()
        };
        if is_old(&old) != is_old(&new) {
            changes.push(("old table", Box::new(move |tx| put_back(tx, &[table]))));
            changes.push(("old table with the old state", Box::new(move |tx| put_back(tx, &["meta", table]))));
            let all_but: Vec<&str> =
                TABLES.into_iter().enumerate().filter(|(at, _)| *at != i).map(|(_, name)| name).collect();
            changes.push(("all old but one table", Box::new(move |tx| put_back(tx, &all_but))));
        }
    }
    all_found("put back", &count(&family, &changes));
}

#[test]
fn a_log_cut_short_is_found_with_its_state_by_the_anchor() {
    let family = small();
    let (old, old_file) = (rows(&family.file()), std::fs::read(family.file()).expect("reads"));
    let mut store = family.open().expect("opens");
    for _ in 0..3 {
        store.append_log(Event::LogRead, None, Ok(())).expect("tells");
    }
    let anchor = store.close().expect("closes");
    let new_file = std::fs::read(family.file()).expect("reads");
    let new = rows(&family.file());
    let tail: Vec<_> =
        new.keys().filter(|place| matches!(place.0, "log" | "checkpoints") && !old.contains_key(place)).collect();
    assert_eq!(tail.len(), 4);
    let cut = |tx: &WriteTransaction| tail.iter().for_each(|(table, key)| raw::delete(tx, table, key));
    raw::change(&family.file(), cut);
    assert_eq!(look(&family), Found::Opening, "without its state");
    raw::change(&family.file(), |tx| raw::put(tx, "meta", b"state", &old[&("meta", b"state".to_vec())]));
    assert_eq!(look(&family), Found::Nowhere, "that is the store of then, row by row");
    let back = Store::open(family.settings(Some(anchor.clone())));
    assert_eq!(back.map(drop), Err(StoreFault::RolledBack.into()));
    std::fs::write(family.file(), old_file).expect("writes");
    assert_eq!(Store::open(family.settings(Some(anchor.clone()))).map(drop), Err(StoreFault::RolledBack.into()));
    std::fs::write(family.file(), new_file).expect("writes");
    Store::open(family.settings(Some(anchor))).expect("the newest");
}

/// What was done to the log, and the verdict on it.
#[test]
fn the_first_entry_that_does_not_fit_is_named() {
    let family = small();
    let rows = rows(&family.file());
    let entries: Vec<(&[u8], &[u8])> =
        rows.iter().filter(|((table, _), _)| *table == "log").map(|((_, key), value)| (&**key, &**value)).collect();
    let pristine = std::fs::read(family.file()).expect("reads");
    let number = |n: usize| u64::try_from(n).expect("small") + 1;
    let last = entries.len() - 1;
    let verdict = |n: usize, change: &dyn Fn(&WriteTransaction)| {
        std::fs::write(family.file(), &pristine).expect("writes");
        // Opened before the change: opening itself refuses what it sees of the log.
        let store = family.open().expect("opens");
        drop(store);
        raw::change(&family.file(), change);
        let verdict = family.open().and_then(|store| store.verify_log());
        match verdict {
            Ok(LogVerdict::Broken { n: found, what }) => {
                assert_eq!(found, number(n), "{what:?}");
                Some(what)
            }
            Err(Error::Store(StoreFault::Damaged { what: "log" })) => None,
            other => panic!("{n}: {other:?}"),
        }
    };
    let mut named = 0;
    for n in 0..entries.len() {
        let (key, value) = entries[n];
        let changes: [(Edit<'_>, LogDamage); 4] = [
            (&|tx| raw::delete(tx, "log", key), LogDamage::Missing),
            (&|tx| raw::put(tx, "log", key, &flipped(value, 8 * 32 + 9)), LogDamage::Changed),
            (&|tx| raw::put(tx, "log", key, entries[(n + 1) % entries.len()].1), LogDamage::Changed),
            (
                &|tx| {
                    // One is put in, the others move on by one.
                    for (at, (_, later)) in entries.iter().enumerate().skip(n) {
                        raw::put(tx, "log", &(number(at) + 1).to_be_bytes(), later);
                    }
                    raw::put(tx, "log", key, entries[(n + 1) % entries.len()].1);
                },
                LogDamage::Changed,
            ),
        ];
        for (change, expected) in changes {
            let found = verdict(n, change);
            assert!(found.is_none_or(|found| found == expected), "{n}: {found:?}");
            named += usize::from(found.is_some());
        }
    }
    for n in 1..last - 2 {
        let what = verdict(n, &|tx| {
            raw::put(tx, "log", entries[n].0, entries[n + 1].1);
            raw::put(tx, "log", entries[n + 1].0, entries[n].1);
        });
        assert_eq!(what, Some(LogDamage::Changed));
        named += 1;
    }
    println!("| entries of the log deleted, inserted, exchanged, edited: named {named} times by verify_log |\n|---|");
    assert!(named > entries.len(), "{named}");
}

#[test]
fn the_raw_file_flipped_or_cut_is_found_or_reads_the_same() {
    let family = small();
    let pristine = std::fs::read(family.file()).expect("reads");
    let expected = rows(&family.file());
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(below).expect("fits")).expect("fits")
    };
    let used: Vec<usize> = (0..pristine.len()).filter(|at| pristine[*at] != 0).collect();
    let mut counts = BTreeMap::<&str, [usize; 4]>::new();
    let number = if std::env::var("KAZASU_TAMPER").is_ok_and(|what| what == "all") { 20_000 } else { 1_000 };
    let mut inputs: Vec<(&str, Vec<u8>)> = Vec::new();
    for _ in 0..number {
        let at = if random(2) == 0 { used[random(used.len())] } else { random(pristine.len()) };
        inputs.push(("one bit flipped", flipped(&pristine, at * 8 + random(8))));
    }
    for _ in 0..number / 4 {
        let mut changed = pristine.clone();
        for _ in 0..=random(16) {
            changed[used[random(used.len())]] = u8::try_from(random(256)).expect("a byte");
        }
        inputs.push(("some bytes changed", changed));
    }
    let boundaries = (0..pristine.len()).step_by(4096);
    inputs.extend(boundaries.map(|length| ("cut between pages", pristine[..length].to_vec())));
    inputs.extend((0..number / 10).map(|_| ("cut anywhere", pristine[..random(pristine.len())].to_vec())));
    inputs.extend((0..number / 10).map(|_| {
        let (from, to, length) = (random(pristine.len() / 4096), random(pristine.len() / 4096), 4096);
        let mut changed = pristine.clone();
        changed.copy_within(from * length..(from + 1) * length, to * length);
        ("a page over another", changed)
    }));
    let mut harmless = 0;
    for (kind, input) in &inputs {
        std::fs::write(family.file(), input).expect("writes");
        let found = look(&family);
        counts.entry(kind).or_default()[found as usize] += 1;
        if found == Found::Nowhere {
            assert!(rows(&family.file()) == expected, "{kind}: not found, and the rows are others");
            harmless += 1;
        }
    }
    print("raw file", &counts);
    println!("| not found, every row as it was: {harmless} of {} |\n|---|", inputs.len());
}

#[test]
fn a_record_of_another_member_is_not_shown() {
    let family = Family::in_memory();
    let mut store = family.create();
    let (hanako, ichiro) = (family.add(&mut store, "花子"), family.add(&mut store, "一郎"));
    store.put_records(hanako, &[expense("e", "2026-10")]).expect("keeps");
    drop(store);
    let rows = rows(&family.file());
    let ((_, key), value) = rows.iter().find(|((table, _), _)| *table == "records").expect("a record");
    let id = u128::from_str_radix(&ichiro.to_string(), 16).expect("hexadecimal").to_be_bytes();
    // As many rows as before, so that opening finds nothing yet.
    raw::change(&family.file(), |tx| {
        raw::delete(tx, "records", key);
        raw::put(tx, "records", &[&id[..], &key[16..]].concat(), value);
    });
    let mut store = family.open().expect("opens: records are many, and are compared when they are read");
    let shown = store.records(ichiro, &Query::default(), 9);
    assert_eq!(shown.map(drop), Err(StoreFault::Damaged { what: "records" }.into()));
    assert_eq!(store.verify().map(drop), Err(StoreFault::Damaged { what: "records" }.into()));
}
