//! A family's store in a folder of its own, with keys in files, a clock that is set by hand and a count of what is touched.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use kazasu::crypto::SignatureVerifier;
use kazasu::fhir::{Expense, Immunization, Observation, Record};
use kazasu::insurance::{ExpenseKind, Payment, YearMonth};
use kazasu::iso7816::CardCapabilities;
use kazasu::jose::dpop::SoftwareDeviceKey;
use kazasu::store::{
    Candidate, Checkpoint, Deletion, FileKeys, KeyStoreError, KeyWrapper, Limits, MemberId, Profile, Registered, Role,
    Store, StoreSettings,
};
use kazasu::time::{Clock, UnixMillis};
use kazasu::{Cancellation, Error};
use serde_json::json;

/// 2026-11-20T10:15:03+09:00
const START: i64 = 1_795_137_303_000;

/// Where everything lies until it is dropped.
pub(crate) struct Family {
    folder: PathBuf,
    clock: Arc<HandClock>,
    calls: Arc<AtomicU64>,
    stays: bool,
}

impl Family {
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// In memory where the system has a folder for it: for tests that open a store thousands of times.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::below(memory) } else { Self::new() }
    }

    /// In a folder that is there, and stays.
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            clock: Arc::new(HandClock(AtomicI64::new(START))),
            calls: Arc::default(),
            stays: true,
        }
    }

    fn below(place: &Path) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = place.join(format!("kazasu-store-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("makes the folder");
        Self { folder, clock: Arc::new(HandClock(AtomicI64::new(START))), calls: Arc::default(), stays: false }
    }

    /// Another folder with the same keys and file, in memory.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::in_memory();
        copy.clock.0.store(self.now().0, Ordering::Relaxed);
        FileKeys::create(&copy.keys_folder()).expect("makes the folder");
        for entry in std::fs::read_dir(self.keys_folder()).expect("reads") {
            let entry = entry.expect("reads");
            std::fs::copy(entry.path(), copy.keys_folder().join(entry.file_name())).expect("copies");
        }
        std::fs::copy(self.file(), copy.file()).expect("copies");
        copy
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join("family.kazasu")
    }

    pub(crate) fn keys_folder(&self) -> PathBuf {
        self.folder.join("keys")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// For the store that is there.
    pub(crate) fn settings(&self, anchor: Option<Checkpoint>) -> StoreSettings {
        self.try_settings(anchor).expect("opens the keys")
    }

    fn try_settings(&self, anchor: Option<Checkpoint>) -> Result<StoreSettings, Error> {
        let keys = FileKeys::open(&self.keys_folder())?;
        let log_key = keys.log_key()?;
        Ok(self.settings_with(keys, log_key, anchor))
    }

    /// For a store that is about to be made.
    pub(crate) fn new_settings(&self) -> StoreSettings {
        let keys = FileKeys::create(&self.keys_folder()).expect("makes the folder");
        let log_key = keys.make_log_key().expect("draws a key");
        self.settings_with(keys, log_key, None)
    }

    fn settings_with(&self, keys: FileKeys, log_key: SoftwareDeviceKey, anchor: Option<Checkpoint>) -> StoreSettings {
        StoreSettings {
            path: self.file(),
            log_key: Arc::new(log_key),
            key_wrapper: Arc::new(Counting { keys, calls: Arc::clone(&self.calls) }),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            verifier: SignatureVerifier::ring(),
            anchor,
            is_anchor_kept: false,
            limits: Limits::default(),
        }
    }

    pub(crate) fn create(&self) -> Store {
        Store::create(self.new_settings()).expect("makes the store")
    }

    pub(crate) fn open(&self) -> Result<Store, Error> {
        Store::open(self.try_settings(None)?)
    }

    pub(crate) fn candidate(&self, whose: &str) -> Candidate {
        let certificate = format!("certificate of {whose}").into_bytes();
        Candidate { certificate, capabilities: CardCapabilities::default(), name: None, birth_date: None }
    }

    pub(crate) fn add(&self, store: &mut Store, nickname: &str) -> MemberId {
        let added = store.add_member(self.candidate(nickname).confirm(), Profile::new(nickname, Role::Own));
        match added.expect("registers") {
            Registered::New(id) => id,
            Registered::Known(_) => panic!("{nickname} is known"),
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn set_back(&self, ms: i64) {
        self.advance(-ms);
    }

    /// What the file and the key store have seen: bytes and time of the one, calls of the other.
    pub(crate) fn io(&self) -> (u64, std::time::SystemTime, u64) {
        let metadata = std::fs::metadata(self.file()).expect("there");
        (metadata.len(), metadata.modified().expect("known"), self.calls.load(Ordering::Relaxed))
    }

    /// Names of the master keys in the key store.
    pub(crate) fn aliases(&self) -> Vec<String> {
        let names =
            std::fs::read_dir(self.keys_folder()).expect("reads").map(|entry| entry.expect("reads").file_name());
        names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.starts_with("kazasu-")).collect()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if !self.stays {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, _: Duration, _: &Cancellation) {}
}

struct Counting {
    keys: FileKeys,
    calls: Arc<AtomicU64>,
}

impl KeyWrapper for Counting {
    fn wrap(&self, alias: &str, key: &[u8]) -> Result<Vec<u8>, KeyStoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.keys.wrap(alias, key)
    }

    fn unwrap(&self, alias: &str, wrapped: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyStoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.keys.unwrap(alias, wrapped)
    }

    fn delete(&self, alias: &str) -> Result<Deletion, KeyStoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.keys.delete(alias)
    }

    fn tidy(&self, store: &str, epoch: u32) {
        self.keys.tidy(store, epoch);
    }
}

/// A payment of 1,785 yen; `row` tells it from others of the source.
pub(crate) fn payment(source: &str, row: u32, institution: &str) -> Payment {
    Payment {
        source_id: source.to_owned(),
        row,
        person: 0,
        kind: ExpenseKind::MedicalOutpatient,
        institution: institution.to_owned(),
        treatment_month: YearMonth::new(2026, 10),
        paid_on: None,
        receipt_yen: None,
        notice_yen: Some(1785),
        reimbursed_yen: 0,
        total_cost_yen: Some(5950),
    }
}

/// A line of the expense notice, in a month or on a day.
pub(crate) fn expense(id: &str, month: &str) -> Record {
    let json = json!({"resourceType": "ExplanationOfBenefit", "id": id, "billablePeriod": {"start": month}});
    Record::Expense(Expense::new(json).expect("an expense"))
}

/// An item of a check-up, on a day or on none.
pub(crate) fn observation(id: &str, day: &str) -> Record {
    let category = json!([{"coding": [{
        "system": "https://kazasu.example/fhir/CodeSystem/record-kind", "code": "tokutei-kenshin",
    }]}]);
    let json = json!({"resourceType": "Observation", "id": id, "effectiveDateTime": day, "category": category});
    Record::Observation(Observation::new(json).expect("an observation"))
}

pub(crate) fn immunization(id: &str, day: &str) -> Record {
    let json = json!({"resourceType": "Immunization", "id": id, "occurrenceDateTime": day});
    Record::Immunization(Immunization::new(json).expect("an immunization"))
}
