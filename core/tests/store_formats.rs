//! A store that an older version wrote, opened by this one: `tests/vectors/store-format-1`.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(all(unix, feature = "store", feature = "ring", feature = "software-key"))]

mod family;
#[path = "family/raw.rs"]
mod raw;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use family::Family;
use kazasu::Error;
use kazasu::error::{ResourceFault, StoreFault};
use kazasu::store::{Checkpoint, Event, FileKeys, LogVerdict, Query, SecretKind, Store};

/// A copy of the store of format 1, with the anchor that was kept with it.
fn of_format_1() -> (Family, Checkpoint) {
    let family = Family::in_memory();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/store-format-1");
    std::fs::copy(from.join("family.kazasu"), family.file()).expect("copies");
    FileKeys::create(&family.keys_folder()).expect("makes the folder");
    for entry in std::fs::read_dir(from.join("keys")).expect("reads") {
        let entry = entry.expect("reads");
        let to = family.keys_folder().join(entry.file_name());
        std::fs::copy(entry.path(), &to).expect("copies");
        std::fs::set_permissions(&to, PermissionsExt::from_mode(0o600)).expect("sets");
    }
    let anchor = std::fs::read(from.join("keys/anchor")).expect("reads");
    (family, Checkpoint::from_bytes(&anchor).expect("a checkpoint"))
}

fn format(family: &Family) -> u32 {
    let rows = raw::rows_of(&family.file(), &["meta"]);
    u32::from_be_bytes(rows[&("meta", b"format".to_vec())].as_slice().try_into().expect("4 bytes"))
}

#[test]
fn a_store_of_format_1_becomes_one_of_format_2_with_all_it_had() {
    let (family, anchor) = of_format_1();
    assert_eq!(format(&family), 1);
    let mut store = Store::open(family.settings(Some(anchor.clone()))).expect("opens");
    let members = store.members().expect("reads");
    let nicknames: Vec<&str> = members.iter().map(|member| &*member.profile.nickname).collect();
    assert_eq!(nicknames, ["花子", "一郎"]);
    let (hanako, ichiro) = (members[0].id, members[1].id);
    assert_eq!(members[0].card.certificate, "certificate of 花子".as_bytes());
    assert_eq!(members[0].card.first_seen, members[0].registered_at);
    assert!(members[0].other_cards.is_empty() && members[0].patients.is_empty());
    let secret = |kind| store.secret(hanako, kind).expect("reads").expect("kept").to_vec();
    assert_eq!((secret(SecretKind::DeviceKey), secret(SecretKind::Access)), (vec![7; 32], b"token".to_vec()));
    assert_eq!(store.remembered(None, "log_seen").expect("reads").as_deref(), Some(&b"1795137303000 3"[..]));
    assert_eq!(store.records(hanako, &Query::default(), 9).expect("reads").records.len(), 4);
    assert_eq!(store.history(hanako, None, 9).expect("reads").len(), 2);
    let mut payments = 0;
    store
        .visit_payments(ichiro, |_| {
            payments += 1;
            Ok(true)
        })
        .expect("reads");
    assert_eq!(payments, 1);
    assert!(matches!(store.verify(), Ok(LogVerdict::Whole { .. })));
    let log = store.log_entries(None, 99).expect("reads");
    let migrated: Vec<u64> = log.iter().filter(|entry| entry.event == Event::Migrated).map(|entry| entry.n).collect();
    assert_eq!(migrated, [anchor.entries() + 1], "once, right after what the old version wrote");
    let newer = store.close().expect("closes");

    assert_eq!(format(&family), 2);
    let store = Store::open(family.settings(Some(newer))).expect("opens");
    assert_eq!(store.members().expect("reads"), members);
}

#[test]
fn a_store_of_format_1_that_was_changed_is_found_before_it_becomes_one_of_format_2() {
    let (family, _) = of_format_1();
    let rows = raw::rows_of(&family.file(), &["members"]);
    let (key, value) = rows.iter().next().map(|((_, key), value)| (key.clone(), value.clone())).expect("a member");
    let flipped: Vec<u8> = value.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 40)).collect();
    raw::change(&family.file(), |tx| raw::put(tx, "members", &key, &flipped));
    assert_eq!(family.open().map(drop), Err(StoreFault::Damaged { what: "members" }.into()));
    assert_eq!(format(&family), 1);
    // Nor is an old state taken for one of the newer format.
    raw::change(&family.file(), |tx| {
        raw::put(tx, "members", &key, &value);
        raw::put(tx, "meta", b"format", &2_u32.to_be_bytes());
    });
    assert_eq!(family.open().map(drop), Err(StoreFault::Damaged { what: "state" }.into()));
    raw::change(&family.file(), |tx| raw::put(tx, "meta", b"format", &3_u32.to_be_bytes()));
    assert_eq!(family.open().map(drop), Err(StoreFault::Newer.into()));
}

#[test]
fn each_server_knows_a_member_by_one_id() {
    let family = Family::in_memory();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.pin_patient(hanako, "https://a.example", "person-1").expect("the first is kept");
    store.pin_patient(hanako, "https://b.example", "x").expect("another server has its own");
    let entries = store.log_len();
    store.pin_patient(hanako, "https://a.example", "person-1").expect("the same");
    assert_eq!(store.log_len(), entries, "nothing to do");
    let foreign = store.pin_patient(hanako, "https://a.example", "person-2").expect_err("another");
    assert_eq!(foreign, Error::Resource(ResourceFault::Foreign { what: "patient" }));
    assert_eq!(foreign.code(), "KZ-D08");
    let member = store.member(hanako).expect("reads");
    assert_eq!(member.patient_at("https://a.example"), Some("person-1"), "nothing changed");
    assert_eq!(store.log_len(), entries);
    assert!(matches!(store.pin_patient(hanako, "https://c.example", ""), Err(Error::Usage { .. })));

    store.confirm_patient(hanako, "https://a.example", "person-2").expect("a person looked");
    drop(store);
    let store = family.open().expect("opens");
    let member = store.member(hanako).expect("reads");
    assert_eq!(member.patient_at("https://a.example"), Some("person-2"));
    assert_eq!(member.patient_at("https://b.example"), Some("x"));
    assert_eq!(member.patient_at("https://d.example"), None);
    let last = store.log_entries(None, 1).expect("reads").remove(0);
    assert_eq!((last.event, last.member), (Event::PatientConfirmed, Some(hanako)));
    assert_eq!(format!("{member:?}"), "Member { .. }", "whom a server calls somebody is in no log");
}
