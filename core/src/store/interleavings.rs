//! Random interleavings of what five members do, against maps that do the same; and whose key opens whose rows.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use zeroize::Zeroizing;

use super::cipher::{self, Key, Place};
use super::file::Visit;
use super::keys::Holder;
use super::schema::{ROW_SCHEMA, Table};
use super::transaction::row_version;
use super::{
    Candidate, Deletion, Event, KeyStoreError, KeyWrapper, Limits, LogVerdict, MAX_MEMBERS, MemberId, Profile, Query,
    Registered, Role, SecretKind, Store, StoreSettings,
};
use crate::Cancellation;
use crate::crypto::SignatureVerifier;
use crate::fhir::{Expense, Record};
use crate::insurance::{ExpenseKind, Payment, YearMonth};
use crate::iso7816::CardCapabilities;
use crate::jose::dpop::SoftwareDeviceKey;
use crate::time::{Clock, UnixMillis};

/// A key store in memory.
#[derive(Default)]
pub(super) struct MemoryKeys(pub(super) Mutex<Aliases>);

/// Name → key.
pub(super) type Aliases = HashMap<String, Vec<u8>>;

impl KeyWrapper for MemoryKeys {
    fn wrap(&self, alias: &str, key: &[u8]) -> Result<Vec<u8>, KeyStoreError> {
        let secret = cipher_key();
        let wrapped = cipher::encrypt(&secret, &[0; 12], alias.as_bytes(), key).expect("wraps");
        self.0.lock().expect("one thread").insert(alias.to_owned(), secret.to_vec());
        Ok(wrapped)
    }

    fn unwrap(&self, alias: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        let keys = self.0.lock().expect("one thread");
        let secret =
            keys.get(alias).ok_or(KeyStoreError::Missing)?.as_slice().try_into().map(Key::new).expect("32 bytes");
        cipher::decrypt(&secret, alias.as_bytes(), wrapped).ok_or(KeyStoreError::Missing)
    }

    fn delete(&self, alias: &str) -> Result<Deletion, KeyStoreError> {
        self.0.lock().expect("one thread").remove(alias);
        Ok(Deletion::Final)
    }
}

fn cipher_key() -> Key {
    Key::new(crate::random::generate_bytes().expect("random"))
}

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_795_137_303_000)
    }

    fn sleep(&self, _: Duration, _: &Cancellation) {}
}

/// A file of its own, in memory where there is a folder for it.
pub(super) fn path() -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("kazasu-unit-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)))
}

pub(super) fn settings(path: PathBuf, keys: &Arc<MemoryKeys>) -> StoreSettings {
    static LOG_KEY: LazyLock<Arc<SoftwareDeviceKey>> =
        LazyLock::new(|| Arc::new(SoftwareDeviceKey::from_bytes(&[7; 32]).expect("a scalar")));
    StoreSettings {
        path,
        key_wrapper: Arc::clone(keys) as Arc<dyn KeyWrapper>,
        log_key: Arc::clone(&*LOG_KEY) as Arc<dyn crate::jose::dpop::DeviceKey>,
        clock: Arc::new(Stopped),
        verifier: SignatureVerifier::ring(),
        anchor: None,
        is_anchor_kept: false,
        limits: Limits::default(),
    }
}

pub(super) fn add(store: &mut Store, name: &str) -> MemberId {
    let certificate = crate::random::generate_bytes::<16>().expect("random").to_vec();
    let card = Candidate { certificate, capabilities: CardCapabilities::default(), name: None, birth_date: None };
    match store.add_member(card.confirm(), Profile::new(name, Role::Own)).expect("registers") {
        Registered::New(id) => id,
        Registered::Known(_) => panic!("known"),
    }
}

pub(super) fn record(id: u8, month: u8) -> Record {
    let json = json!({"resourceType": "ExplanationOfBenefit", "id": id.to_string(),
        "billablePeriod": {"start": format!("2026-{month:02}")}});
    Record::Expense(Expense::new(json).expect("an expense"))
}

fn payment(row: u8, yen: u8) -> Payment {
    Payment {
        source_id: "s".to_owned(),
        row: row.into(),
        person: 0,
        kind: ExpenseKind::MedicalOutpatient,
        institution: "i".to_owned(),
        treatment_month: YearMonth::new(2026, 10),
        paid_on: None,
        receipt_yen: Some(yen.into()),
        notice_yen: None,
        reimbursed_yen: 0,
        total_cost_yen: None,
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8),
    Remove(u8),
    Record(u8, u8, u8),
    Records(u8, Vec<(u8, u8)>),
    MarkRead(u8),
    Payment(u8, u8, u8),
    DeletePayment(u8, u8),
    Secret(u8, u8),
    DeleteSecret(u8),
    Remember(u8, u8),
    Rotate,
    Reopen,
    Compact,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..5_u8;
    let step = prop_oneof![
        4 => who.clone().prop_map(Step::Add),
        1 => who.clone().prop_map(Step::Remove),
        4 => (who.clone(), 0..4_u8, 1..13_u8).prop_map(|(who, id, month)| Step::Record(who, id, month)),
        1 => (who.clone(), prop::collection::vec((0..6_u8, 1..13_u8), 0..4)).prop_map(|(who, all)| Step::Records(who, all)),
        1 => who.clone().prop_map(Step::MarkRead),
        3 => (who.clone(), 0..4_u8, any::<u8>()).prop_map(|(who, row, yen)| Step::Payment(who, row, yen)),
        1 => (who.clone(), 0..4_u8).prop_map(|(who, row)| Step::DeletePayment(who, row)),
        2 => (who.clone(), any::<u8>()).prop_map(|(who, value)| Step::Secret(who, value)),
        1 => who.clone().prop_map(Step::DeleteSecret),
        2 => (who, any::<u8>()).prop_map(|(who, value)| Step::Remember(who, value)),
        1 => Just(Step::Rotate),
        1 => Just(Step::Reopen),
        1 => Just(Step::Compact),
    ];
    prop::collection::vec(step, 1..16)
}

/// What a member has: records with month and whether they are unread.
#[derive(Debug, Default, Eq, PartialEq)]
struct Has {
    records: BTreeMap<u8, (u8, bool)>,
    payments: BTreeMap<u8, u8>,
    secret: Option<u8>,
    value: Option<u8>,
}

/// The store, and what it should have.
struct Both {
    path: PathBuf,
    keys: Arc<MemoryKeys>,
    store: Option<Store>,
    members: BTreeMap<u8, (MemberId, Has)>,
    /// Keys of those who were removed.
    removed: Vec<Key>,
}

impl Both {
    fn new() -> Self {
        static EMPTY: LazyLock<(Vec<u8>, Aliases)> = LazyLock::new(|| {
            let (path, keys) = (path(), Arc::new(MemoryKeys::default()));
            drop(Store::create(settings(path.clone(), &keys)).expect("makes it"));
            let file = fs::read(&path).expect("reads");
            fs::remove_file(path).expect("removes");
            (file, keys.0.lock().expect("one thread").clone())
        });
        let (path, keys) = (path(), Arc::new(MemoryKeys(Mutex::new(EMPTY.1.clone()))));
        fs::write(&path, &EMPTY.0).expect("writes");
        let store = Store::open(settings(path.clone(), &keys)).expect("opens");
        Self { path, keys, store: Some(store), members: BTreeMap::new(), removed: Vec::new() }
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().expect("open")
    }

    fn id(&self, who: u8) -> Option<MemberId> {
        self.members.get(&who).map(|(id, _)| *id)
    }

    fn run(&mut self, step: &Step) {
        let before = self.store().log_len();
        match step.clone() {
            Step::Add(who) => {
                if self.id(who).is_none() {
                    let id = add(self.store(), &who.to_string());
                    self.members.insert(who, (id, Has::default()));
                }
            }
            Step::Remove(who) => {
                if let Some((id, _)) = self.members.remove(&who) {
                    let key = self.store().ring.card_key(Holder::Member(id)).expect("a member").key.clone();
                    self.removed.push(key);
                    self.store().remove_member(id).expect("removes");
                    assert!(self.store().secret(id, SecretKind::Access).is_err());
                }
            }
            Step::Record(who, id, month) => self.records(who, &[(id, month)]),
            Step::Records(who, all) => self.records(who, &all),
            Step::MarkRead(who) => {
                if let Some(id) = self.id(who) {
                    self.store().mark_read(id, None).expect("marks");
                    self.has(who).records.values_mut().for_each(|(_, unread)| *unread = false);
                }
            }
            Step::Payment(who, row, yen) => {
                if let Some(id) = self.id(who) {
                    let new = self.store().put_payments(id, &[payment(row, yen)], Event::Imported).expect("keeps");
                    assert_eq!(new == 0, self.has(who).payments.insert(row, yen).is_some());
                }
            }
            Step::DeletePayment(who, row) => {
                if let Some(id) = self.id(who) {
                    let mut found = None;
                    let visited = self.store().visit_payments(id, |one| {
                        found = found.or((one.payment.row == u32::from(row)).then_some(one.id));
                        Ok(found.is_none())
                    });
                    visited.expect("reads");
                    assert_eq!(found.is_some(), self.has(who).payments.remove(&row).is_some());
                    if let Some(payment) = found {
                        assert_eq!(self.store().delete_payment(id, payment), Ok(true));
                    }
                }
            }
            Step::Secret(who, value) => {
                if let Some(id) = self.id(who) {
                    self.store().save_secret(id, SecretKind::Access, &[value]).expect("saves");
                    self.has(who).secret = Some(value);
                }
            }
            Step::DeleteSecret(who) => {
                if let Some(id) = self.id(who) {
                    let had = self.store().delete_secret(id, SecretKind::Access).expect("deletes");
                    assert_eq!(had, self.has(who).secret.take().is_some());
                }
            }
            Step::Remember(who, value) => {
                if let Some(id) = self.id(who) {
                    self.store().remember(Some(id), "name", &[value]).expect("remembers");
                    self.has(who).value = Some(value);
                }
            }
            Step::Rotate => self.store().rotate().expect("renews"),
            Step::Reopen => {
                drop(self.store.take());
                self.store = Some(Store::open(settings(self.path.clone(), &self.keys)).expect("opens"));
            }
            Step::Compact => self.store().compact().expect("compacts"),
        }
        assert!(self.store().log_len() >= before);
        self.compare();
    }

    fn has(&mut self, who: u8) -> &mut Has {
        &mut self.members.get_mut(&who).expect("a member").1
    }

    fn records(&mut self, who: u8, all: &[(u8, u8)]) {
        let Some(member) = self.id(who) else { return };
        let records: Vec<Record> = all.iter().map(|(id, month)| record(*id, *month)).collect();
        let saved = self.store().put_records(member, &records).expect("keeps");
        let mut expected = super::Saved::default();
        for (id, month) in all {
            match self.has(who).records.get(id) {
                Some((old, _)) if old == month => {
                    expected.unchanged += 1;
                    continue;
                }
                Some(_) => expected.changed += 1,
                None => expected.new += 1,
            }
            self.has(who).records.insert(*id, (*month, true));
        }
        assert_eq!(saved, expected);
    }

    /// Every member's everything.
    fn compare(&mut self) {
        let store = self.store.as_ref().expect("open");
        assert!(self.members.len() <= MAX_MEMBERS);
        let mut ids: Vec<MemberId> = store.members().expect("reads").iter().map(|member| member.id).collect();
        ids.sort();
        let mut expected: Vec<MemberId> = self.members.values().map(|(id, _)| *id).collect();
        expected.sort();
        assert_eq!(ids, expected);
        for (id, expected) in self.members.values() {
            assert_eq!(has(store, *id), *expected);
            assert_eq!(
                store.unread(*id).expect("counts"),
                expected.records.values().filter(|(_, unread)| *unread).count() as u64
            );
        }
    }

    /// No key but the member's own, and that in no other table and place, opens a row.
    fn compare_keys(&mut self) -> usize {
        let store = self.store.as_ref().expect("open");
        let holders: Vec<Holder> = store.ring.holders().collect();
        let (mut rows, mut tried) = (Vec::new(), 0);
        store
            .file
            .read(|reader| {
                for table in Table::OF_MEMBERS.into_iter().filter(|table| table.is_sealed()) {
                    reader.visit_all(table, |key, row| {
                        rows.push((table, key.to_vec(), row.to_vec()));
                        Ok(Visit::Next)
                    })?;
                }
                Ok(())
            })
            .expect("reads");
        for (table, key, row) in &rows {
            let version = row_version(row).expect("a version");
            let place = Place { store: &store.ring.store, table: table.name(), key, schema: ROW_SCHEMA, version };
            let opens = |key: &Key, place| cipher::open(key, place, 0..=u32::MAX, &row[10..]).is_some();
            for holder in &holders {
                let card = store.ring.card_key(*holder).expect("a holder");
                assert_eq!(opens(&card.key, place), key.starts_with(holder.bytes()), "{holder:?} and {table:?}");
                tried += 1;
                for other in Table::ALL.into_iter().filter(|other| other != table) {
                    assert!(!opens(&card.key, Place { table: other.name(), ..place }), "as {other:?}");
                }
            }
            assert!(self.removed.iter().all(|removed| !opens(removed, place)), "the key of somebody removed");
        }
        tried
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        drop(self.store.take());
        let _ = fs::remove_file(&self.path);
    }
}

fn has(store: &Store, id: MemberId) -> Has {
    let byte = |value: &[u8]| value.first().copied();
    let mut has = Has {
        secret: store.secret(id, SecretKind::Access).expect("reads").and_then(|value| byte(&value)),
        value: store.remembered(Some(id), "name").expect("reads").and_then(|value| byte(&value)),
        ..Has::default()
    };
    let mut last = None;
    let visited = store.visit_records(id, &Query::default(), |one| {
        let number = one.record.as_json()["id"].as_str().and_then(|id| id.parse().ok()).expect("a number");
        let month = one.record.date().expect("dated").date.month;
        assert!(last.is_none_or(|last| month <= last), "newest first");
        last = Some(month);
        assert!(has.records.insert(number, (month, one.is_unread)).is_none(), "twice");
        Ok(true)
    });
    visited.expect("reads");
    let visited = store.visit_payments(id, |one| {
        let yen = one.payment.receipt_yen.and_then(|yen| yen.try_into().ok()).expect("small");
        has.payments.insert(one.payment.row.try_into().expect("small"), yen);
        Ok(true)
    });
    visited.expect("reads");
    has
}

/// `cases` interleavings; tells how many steps there were, and how often a key was tried.
fn interleave(cases: u32) -> (usize, usize) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let counts = Mutex::new((0, 0));
    let result = runner.run(&steps(), |steps| {
        let mut both = Both::new();
        steps.iter().for_each(|step| both.run(step));
        let tried = both.compare_keys();
        let verdict = both.store().verify();
        prop_assert!(matches!(verdict, Ok(LogVerdict::Whole { .. })), "{verdict:?}");
        let mut counts = counts.lock().expect("one thread");
        *counts = (counts.0 + steps.len(), counts.1 + tried);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    counts.into_inner().expect("one thread")
}

/// As many as `KAZASU_INTERLEAVINGS` says, or 1,000; half of them each, for two processors.
fn half() {
    let all = std::env::var("KAZASU_INTERLEAVINGS").map_or(1_000, |number| number.parse().expect("a number"));
    let (steps, tried) = interleave(all / 2);
    println!("| {} interleavings, {steps} steps; rows tried with {tried} keys |\n|---|", all / 2);
}

#[test]
fn the_store_does_what_maps_do() {
    half();
}

#[test]
fn the_store_does_what_maps_do_in_the_other_half() {
    half();
}
