//! What is missing is missing: keys and anchors of a store are made with it and at no other time; and what interrupted calls
//! have left is cleared away by whoever opens the store.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(all(unix, feature = "store", feature = "ring", feature = "software-key"))]

mod family;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use family::{Family, expense};
use kazasu::Error;
use kazasu::error::StoreFault;
use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::store::{
    CheckedBy, Checkpoint, Contact, Event, FileKeys, HistoryEntry, MemberId, Profile, Registered, Registration, Role,
    SecretKind, ServerPatient, Store, StoreSettings,
};
use zeroize::Zeroizing;

fn names(family: &Family) -> BTreeSet<String> {
    let folders = [family.folder().to_owned(), family.keys_folder()];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("reads"));
    entries.map(|entry| entry.expect("reads").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_log_key_that_is_gone_is_not_drawn_anew() {
    let family = Family::in_memory();
    family.create().close().expect("closes");
    fs::remove_file(family.keys_folder().join("log-key")).expect("removes");
    let before = names(&family);
    let keys = FileKeys::open(&family.keys_folder()).expect("the folder is there");
    assert_eq!(keys.log_key().map(drop), Err(StoreFault::KeyMissing.into()));
    assert_eq!(names(&family), before);
    assert_eq!(FileKeys::open(&family.folder().join("elsewhere")).map(drop), Err(StoreFault::KeyMissing.into()));
    assert_eq!(names(&family), before);
}

#[test]
fn a_log_key_that_was_drawn_for_a_store_that_never_came_serves_the_next() {
    let family = Family::in_memory();
    let point = |key: &SoftwareDeviceKey| kazasu::jose::dpop::DeviceKey::public_key(key).expect("a point");
    let keys = FileKeys::create(&family.keys_folder()).expect("makes the folder");
    let drawn = point(&keys.make_log_key().expect("draws"));
    let store = family.create();
    assert_eq!(point(&keys.log_key().expect("there")), drawn);
    drop(store);
}

#[test]
fn where_an_anchor_is_kept_a_store_without_it_stays_shut() {
    let family = Family::in_memory();
    let kept = |anchor| StoreSettings { is_anchor_kept: true, ..family.settings(anchor) };
    drop(family.create());
    // Killed before the anchor was kept: there is nothing in it yet.
    let mut store = Store::open(kept(None)).expect("opens");
    family.add(&mut store, "花子");
    let anchor = store.close().expect("closes");
    assert_eq!(Store::open(kept(None)).map(drop), Err(StoreFault::KeyMissing.into()));
    drop(Store::open(kept(Some(anchor.clone()))).expect("opens"));
    drop(family.open().expect("an app that keeps none"));
    let mut bytes = anchor.to_bytes();
    *bytes.last_mut().expect("a byte") ^= 1;
    let damaged = Checkpoint::from_bytes(&bytes).expect("read");
    assert_eq!(Store::open(kept(Some(damaged))).map(drop), Err(StoreFault::Damaged { what: "anchor" }.into()));
}

#[test]
fn a_phone_that_was_replaced_is_told_as_such() {
    let family = Family::in_memory();
    let mut store = family.create();
    family.add(&mut store, "花子");
    let anchor = store.close().expect("closes");
    let replaced = |settings: StoreSettings| {
        let error = Store::open(settings).map(drop).expect_err("another key");
        assert_eq!((error.clone(), error.code()), (StoreFault::Replaced.into(), "KZ-L02"));
    };
    for anchor in [None, Some(anchor.clone())] {
        let log_key = Arc::new(SoftwareDeviceKey::generate().expect("random"));
        replaced(StoreSettings { log_key, ..family.settings(anchor) });
    }
    let other = Family::in_memory();
    let foreign = other.create().close().expect("closes");
    replaced(family.settings(Some(foreign)));
    fs::remove_file(family.file()).expect("removes");
    let gone = Store::create(family.settings(Some(anchor))).map(drop);
    assert_eq!(gone, Err(StoreFault::Replaced.into()));
    assert!(!family.file().exists());
}

#[test]
fn what_interrupted_calls_have_left_goes_when_the_store_is_opened_and_not_before() {
    let family = Family::in_memory();
    let store = family.create();
    let whole = names(&family);
    let alias = family.aliases().remove(0);
    let next = alias.strip_suffix('1').map(|of| format!("{of}2")).expect("the first epoch");
    let left = ["family.kazasu.new".to_owned(), "family.kazasu.0123456789abcdef.new".to_owned()];
    let keys_left =
        ["log-key.new", "anchor.kazasu-0123456789abcdef.new", &format!("{alias}.00000000000000ff.new"), &next]
            .map(str::to_owned);
    // Of others: another file, and names that no version gave.
    let foreign = ["other.kazasu.new".to_owned(), "family.kazasu.newer".to_owned(), "family.kazasu.old.new".to_owned()];
    for name in left.iter().chain(&foreign) {
        fs::write(family.folder().join(name), b"x").expect("writes");
    }
    for name in &keys_left {
        fs::write(family.keys_folder().join(name), [7; 32]).expect("writes");
    }
    let all = names(&family);
    assert_eq!(family.open().map(drop), Err(Error::Busy));
    assert_eq!(names(&family), all, "another program is at work");
    drop(store);
    drop(family.open().expect("opens"));
    let expected: BTreeSet<String> = whole.into_iter().chain(foreign).collect();
    assert_eq!(names(&family), expected);
}

fn registration(family: &Family, nickname: &str, key: u8, patient: &str) -> Registration {
    Registration {
        patient: Some(ServerPatient { issuer: "https://a.example".to_owned(), patient: patient.to_owned() }),
        device_key: Some(Zeroizing::new(vec![key; 32])),
        access: Some(Zeroizing::new(vec![key; 4])),
        check: Some(check(family)),
        server_time: Some(family.now()),
        ..Registration::new(family.candidate(nickname).confirm(), Profile::new(nickname, Role::Own))
    }
}

fn check(family: &Family) -> HistoryEntry {
    HistoryEntry { at: family.now(), by: CheckedBy::Card, result: "KZ-Q02".to_owned(), eligibility: None }
}

fn secrets(store: &Store, member: MemberId) -> [Option<Vec<u8>>; 3] {
    [SecretKind::DeviceKey, SecretKind::Access, SecretKind::Suspension]
        .map(|kind| store.secret(member, kind).expect("reads").map(|secret| secret.to_vec()))
}

#[test]
fn registering_keeps_everything_or_nothing_and_again_what_is_missing() {
    let family = Family::in_memory();
    let mut store = family.create();
    let Registered::New(hanako) = store.register(registration(&family, "花子", 1, "p-1")).expect("registers") else {
        panic!("new")
    };
    assert_eq!(secrets(&store, hanako), [Some(vec![1; 32]), Some(vec![1; 4]), None]);
    assert_eq!(store.member(hanako).expect("reads").patient_at("https://a.example"), Some("p-1"));
    assert!(store.is_clock_confirmed());
    let events = |store: &Store| -> Vec<Event> {
        store.log_entries(None, 99).expect("reads").iter().rev().map(|entry| entry.event).collect()
    };
    assert_eq!(events(&store), [Event::StoreCreated, Event::MemberAdded, Event::ClockConfirmed, Event::Qualified]);

    // Again: nothing that is there is changed.
    let again = store.register(registration(&family, "花子", 2, "p-1")).expect("known");
    assert_eq!(again, Registered::Known(hanako));
    assert_eq!(secrets(&store, hanako), [Some(vec![1; 32]), Some(vec![1; 4]), None]);
    let before = store.log_len();
    let foreign = store.register(registration(&family, "花子", 2, "p-2")).expect_err("somebody else");
    assert_eq!(foreign.code(), "KZ-D08");
    assert_eq!(store.log_len(), before, "nothing is kept of it");

    // What an older version left after a kill: a member without device key.
    store.delete_secret(hanako, SecretKind::DeviceKey).expect("deletes");
    store.register(registration(&family, "花子", 3, "p-1")).expect("repairs");
    assert_eq!(secrets(&store, hanako), [Some(vec![3; 32]), Some(vec![3; 4]), None], "access goes with its key");
    store.delete_secret(hanako, SecretKind::Access).expect("deletes");
    store.register(registration(&family, "花子", 4, "p-1")).expect("repairs");
    assert_eq!(secrets(&store, hanako), [Some(vec![4; 32]), Some(vec![4; 4]), None]);

    store.begin_stop(hanako, b"stop").expect("prepares");
    store.register(registration(&family, "花子", 5, "p-1")).expect("known");
    assert_eq!(secrets(&store, hanako), [Some(vec![4; 32]), None, Some(b"stop".to_vec())], "the stop needs its key");
    store.end_stop(hanako).expect("ends");
    assert_eq!(secrets(&store, hanako), [None, None, None]);
    assert_eq!(events(&store).last(), Some(&Event::Suspended));
}

/// One transaction each: what fails in it leaves nothing, whichever part it is.
#[test]
fn an_act_that_fails_at_its_end_leaves_nothing() {
    let family = Family::in_memory();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.save_secret(hanako, SecretKind::DeviceKey, &[1; 32]).expect("saves");
    // More than a row may hold: the last that is kept.
    let unkept = HistoryEntry { result: "x".repeat(2 << 20), ..check(&family) };
    let (entries, before) = (store.log_len(), secrets(&store, hanako));
    let contact = Contact { check: Some(&unkept), access: Some(b"token"), ..Contact::default() };
    assert!(store.keep_contact(hanako, contact).is_err());
    let refused = Registration { check: Some(unkept.clone()), ..registration(&family, "一郎", 1, "p-2") };
    assert!(store.register(refused).is_err());
    assert_eq!((store.log_len(), secrets(&store, hanako)), (entries, before));
    assert_eq!(store.members().expect("reads").len(), 1);
    drop(store);
    let mut store = family.open().expect("opens");
    assert_eq!(store.members().expect("reads").len(), 1);
    store.put_records(hanako, &[expense("e", "2026-10")]).expect("goes on");
    store.mark_log_read().expect("tells");
    assert_eq!(store.log_last_read(), Ok(Some((family.now(), store.log_len()))));
}
