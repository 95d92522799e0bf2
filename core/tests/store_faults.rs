//! Key stores that refuse, disks that are full, keys that are lost, copies that were taken before: what stays, what is told.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(all(unix, feature = "store", feature = "ring", feature = "software-key"))]

mod family;
#[path = "family/raw.rs"]
mod raw;

use std::collections::HashSet;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use family::{Family, expense, payment};
use kazasu::Error;
use kazasu::error::StoreFault;
use kazasu::jose::dpop::{DeviceKey, DeviceKeyError};
use kazasu::store::{
    CheckedBy, Deletion, Erasure, Event, HistoryEntry, KeyStoreError, KeyWrapper, LogVerdict, MemberId, Profile, Query,
    Role, SecretKind, Store, StoreSettings,
};
use zeroize::Zeroizing;

/// What a key store does instead of a call.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// Nothing but saying no.
    Before,
    /// The work, and saying no.
    After,
}

/// Refuses its nth call from now; negative for none.
struct Refusing {
    inner: Arc<dyn KeyWrapper>,
    left: AtomicI64,
    refusal: Refusal,
}

impl Refusing {
    fn pass<R>(&self, work: impl FnOnce() -> Result<R, KeyStoreError>) -> Result<R, KeyStoreError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) != 0 {
            return work();
        }
        if matches!(self.refusal, Refusal::After) {
            work()?;
        }
        Err(KeyStoreError::Locked)
    }
}

impl KeyWrapper for Refusing {
    fn wrap(&self, alias: &str, key: &[u8]) -> Result<Vec<u8>, KeyStoreError> {
        self.pass(|| self.inner.wrap(alias, key))
    }

    fn unwrap(&self, alias: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        self.pass(|| self.inner.unwrap(alias, wrapped))
    }

    fn delete(&self, alias: &str) -> Result<Deletion, KeyStoreError> {
        self.pass(|| self.inner.delete(alias))
    }
}

fn refusing(family: &Family, call: i64, refusal: Refusal) -> (StoreSettings, Arc<Refusing>) {
    let mut settings = if family.file().exists() { family.settings(None) } else { family.new_settings() };
    let wrapper = Arc::new(Refusing { inner: Arc::clone(&settings.key_wrapper), left: AtomicI64::new(call), refusal });
    settings.key_wrapper = Arc::clone(&wrapper) as Arc<dyn KeyWrapper>;
    (settings, wrapper)
}

fn whole(store: &mut Store) {
    assert!(matches!(store.verify(), Ok(LogVerdict::Whole { .. })), "{:?}", store.verify());
}

fn fill(store: &mut Store, member: MemberId) {
    store.put_records(member, &[expense("e", "2026-10")]).expect("keeps");
    store.put_payments(member, &[payment("s", 1, "院")], Event::Imported).expect("keeps");
    store.save_secret(member, SecretKind::Access, b"token").expect("saves");
    store.remember(Some(member), "n", b"value").expect("remembers");
}

fn is_full(store: &Store, member: MemberId) -> bool {
    store.secret(member, SecretKind::Access).expect("reads").is_some_and(|secret| *secret == b"token")
        && store.unread(member).expect("counts") == 1
        && store.remembered(Some(member), "n").expect("reads").is_some_and(|value| value == b"value")
}

#[test]
fn renewing_goes_on_whichever_call_of_the_key_store_fails() {
    for refusal in [Refusal::Before, Refusal::After] {
        for call in 0..3 {
            let family = Family::in_memory();
            let mut store = family.create();
            let hanako = family.add(&mut store, "花子");
            fill(&mut store, hanako);
            drop(store);
            // The first call is that of opening.
            let (settings, wrapper) = refusing(&family, -1, refusal);
            let mut store = Store::open(settings).expect("opens");
            wrapper.left.store(call, Ordering::Relaxed);
            let renewed = store.rotate();
            assert_eq!(renewed, if call < 2 { Err(StoreFault::Locked.into()) } else { Ok(()) }, "{refusal:?} {call}");
            assert!(is_full(&store, hanako), "{refusal:?} {call}: goes on");
            store.append_log(Event::LogRead, None, Ok(())).expect("goes on");
            whole(&mut store);
            drop(store);
            let mut store = family.open().expect("opens");
            whole(&mut store);
            assert!(is_full(&store, hanako), "{refusal:?} {call}: after opening again");
            store.rotate().expect("renews");
            assert_eq!(family.aliases().len(), 1, "{refusal:?} {call}: old keys are gone");
        }
    }
}

#[test]
fn keys_that_could_not_be_deleted_are_deleted_with_the_next() {
    let family = Family::in_memory();
    let (settings, wrapper) = refusing(&family, -1, Refusal::Before);
    let mut store = Store::create(settings).expect("makes it");
    for _ in 0..3 {
        wrapper.left.store(1, Ordering::Relaxed); // the deletion
        assert_eq!(store.rotate(), Err(StoreFault::Locked.into()));
    }
    assert_eq!(family.aliases().len(), 4);
    store.rotate().expect("renews");
    assert_eq!(family.aliases().len(), 1, "{:?}", family.aliases());
}

#[test]
fn removing_goes_on_whichever_call_of_the_key_store_fails() {
    for refusal in [Refusal::Before, Refusal::After] {
        for call in 0..3 {
            let family = Family::in_memory();
            let mut store = family.create();
            let (hanako, ichiro) = (family.add(&mut store, "花子"), family.add(&mut store, "一郎"));
            fill(&mut store, hanako);
            fill(&mut store, ichiro);
            drop(store);
            let copy = family.copy();
            let (settings, wrapper) = refusing(&family, -1, refusal);
            let mut store = Store::open(settings).expect("opens");
            wrapper.left.store(call, Ordering::Relaxed);
            let removed = store.remove_member(hanako);
            wrapper.left.store(-1, Ordering::Relaxed);
            assert_eq!(removed.is_err(), call < 2, "{refusal:?} {call}");
            assert!(matches!(store.secret(hanako, SecretKind::Access), Err(Error::Usage { .. })), "gone at once");
            assert!(is_full(&store, ichiro));
            // Another removal, and reopening, find the store as it is.
            let jiro = family.add(&mut store, "二郎");
            store.remove_member(jiro).expect("removes");
            whole(&mut store);
            drop(store);
            let mut store = family.open().expect("goes on with what was interrupted");
            whole(&mut store);
            assert_eq!(store.members().expect("reads").len(), 1);
            assert!(is_full(&store, ichiro));
            drop(store);
            assert_eq!(family.aliases().len(), 1, "{refusal:?} {call}: {:?}", family.aliases());
            let id = u128::from_str_radix(&hanako.to_string(), 16).expect("hexadecimal").to_be_bytes();
            let left: Vec<_> = raw::rows(&family.file()).into_keys().filter(|(_, key)| key.starts_with(&id)).collect();
            assert!(left.is_empty(), "{refusal:?} {call}: {left:?}");
            // The copy from before opens nowhere.
            fs::copy(copy.file(), family.file()).expect("puts back");
            assert_eq!(family.open().map(drop), Err(StoreFault::KeyMissing.into()));
        }
    }
}

#[test]
fn a_member_who_could_not_be_kept_leaves_no_key() {
    let family = Family::in_memory();
    let mut store = family.create();
    family.add(&mut store, "花子");
    drop(store);
    // With some of these, the keys are due just before the entry of the new member, the 65th, is to be signed.
    let mut refused = 0;
    for limit in 1..12 {
        let copy = family.copy();
        let mut settings = copy.settings(None);
        settings.limits.writes_per_epoch = limit;
        let signer = Arc::new(RefusingKey { inner: Arc::clone(&settings.log_key), left: AtomicI64::new(-1) });
        settings.log_key = Arc::clone(&signer) as Arc<dyn DeviceKey>;
        let mut store = Store::open(settings).expect("opens");
        for _ in 0..200 {
            if store.log_len() % 64 == 63 {
                break;
            }
            store.append_log(Event::LogRead, None, Ok(())).expect("tells");
        }
        signer.left.store(0, Ordering::Relaxed);
        let added = store.add_member(copy.candidate("i").confirm(), Profile::new("一郎", Role::Own));
        refused += usize::from(added.is_err());
        let members = store.members().expect("reads").len();
        assert_eq!(members, if added.is_err() { 1 } else { 2 });
        drop(store);
        let mut store = copy.open().expect("opens");
        assert_eq!(store.members().expect("reads, as nobody is there by halves").len(), members, "limit {limit}");
        whole(&mut store);
    }
    assert!(refused > 0, "no registration was refused");
}

/// A log key that refuses its nth signature.
struct RefusingKey {
    inner: Arc<dyn DeviceKey>,
    left: AtomicI64,
}

impl DeviceKey for RefusingKey {
    fn public_key(&self) -> Result<Vec<u8>, DeviceKeyError> {
        self.inner.public_key()
    }

    fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, DeviceKeyError> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(DeviceKeyError("refused".to_owned()));
        }
        self.inner.sign_sha256(message)
    }
}

#[test]
fn a_key_that_is_locked_or_gone_has_its_own_error_and_changes_nothing() {
    let family = Family::in_memory();
    family.create().close().expect("closes");
    let before = raw::rows(&family.file());
    let (settings, _) = refusing(&family, 0, Refusal::Before);
    assert_eq!(Store::open(settings).map(drop), Err(StoreFault::Locked.into()));
    let alias = family.keys_folder().join(&family.aliases()[0]);
    let key = fs::read(&alias).expect("reads");
    for changed in [None, Some(vec![0; 32]), Some(vec![])] {
        match changed {
            None => fs::remove_file(&alias).expect("removes"),
            Some(other) => {
                fs::write(&alias, other).expect("writes");
                fs::set_permissions(&alias, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("sets");
            }
        }
        let opened = family.open();
        assert_eq!(opened.map(drop), Err(StoreFault::KeyMissing.into()));
        assert_eq!(raw::rows(&family.file()), before, "no empty store in its place");
    }
    fs::write(&alias, key).expect("writes");
    family.open().expect("opens with its key");
}

#[test]
fn checkpoints_of_another_log_key_are_not_believed() {
    let family = Family::in_memory();
    family.create().close().expect("closes");
    let mut settings = family.settings(None);
    settings.log_key = Arc::new(kazasu::jose::dpop::SoftwareDeviceKey::from_bytes(&[7; 32]).expect("a scalar"));
    let refused = Store::open(settings).map(drop).expect_err("another key");
    assert_eq!((refused.clone(), refused.code()), (StoreFault::Replaced.into(), "KZ-L02"));
    family.open().expect("opens with its own");
}

#[test]
fn after_a_removal_copies_of_the_file_open_nowhere_and_the_others_are_untouched() {
    let family = Family::in_memory();
    let mut store = family.create();
    let (hanako, ichiro) = (family.add(&mut store, "花子"), family.add(&mut store, "一郎"));
    fill(&mut store, hanako);
    fill(&mut store, ichiro);
    // So many that their pages are not all used again by what comes later.
    for n in 0..40_u32 {
        store.remember(Some(hanako), &n.to_string(), &[7; 3000]).expect("remembers");
    }
    drop(store);
    let copy = family.copy();
    let wrapped: Vec<Vec<u8>> = raw::rows(&family.file())
        .into_iter()
        .filter(|((table, _), _)| *table == "keys")
        .map(|(_, value)| value)
        .collect();
    assert_eq!(wrapped.len(), 3);
    let mut store = family.open().expect("opens");
    assert_eq!(store.remove_member(hanako), Ok(Erasure::BestEffort));
    // The file that is open is the new one.
    let bytes = fs::read(family.file()).expect("reads");
    for key in &wrapped {
        let sealed = &key[8 + 12..];
        assert!(!bytes.windows(sealed.len()).any(|window| window == sealed), "a wrapped key is left in the file");
    }
    let id = u128::from_str_radix(&hanako.to_string(), 16).expect("hexadecimal").to_be_bytes();
    for (_, value) in
        raw::rows(&copy.file()).iter().filter(|((_, key), value)| key.starts_with(&id) && value.len() > 60)
    {
        assert!(!bytes.windows(40).any(|window| window == &value[20..60]), "a sealed row is left in the file");
    }
    assert!(!bytes.windows(16).any(|window| window == id), "the member's id is left in the file");
    assert!(is_full(&store, ichiro));
    assert_eq!(store.members().expect("reads").len(), 1);
    store.save_secret(ichiro, SecretKind::DeviceKey, b"still writes").expect("saves");
    whole(&mut store);
    assert_eq!(family.open().map(drop), Err(Error::Busy), "locked as before");
    drop(store);
    let current = fs::read(family.file()).expect("reads");

    fs::copy(copy.file(), family.file()).expect("puts the old file back");
    assert_eq!(family.open().map(drop), Err(StoreFault::KeyMissing.into()), "with the keys of now");
    // The old row of the member, and all their rows, in the file of now: no key opens them.
    fs::write(family.file(), &current).expect("writes");
    let old = raw::rows(&copy.file());
    raw::change(&family.file(), |tx| {
        for ((table, key), value) in old.iter().filter(|((_, key), _)| key.starts_with(&id)) {
            raw::put(tx, table, key, value);
        }
    });
    assert!(matches!(family.open().map(drop), Err(Error::Store(StoreFault::Damaged { .. }))));
    fs::write(family.file(), &current).expect("writes");
    assert!(is_full(&family.open().expect("opens"), ichiro));
    // The limit: who kept the keys as well as the file, before, has what there was before.
    assert!(is_full(&copy.open().expect("opens"), hanako));
}

#[test]
fn nonces_do_not_repeat_after_a_restored_snapshot() {
    let family = Family::in_memory();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    drop(store);
    let copy = family.copy();
    let mut nonces = HashSet::new();
    let mut writes = 0;
    for device in [&family, &copy] {
        let mut store = device.open().expect("opens");
        for n in 0..300_u32 {
            store.remember(Some(hanako), &n.to_string(), b"the same").expect("remembers");
        }
        drop(store);
        for ((table, _), value) in raw::rows(&device.file()) {
            if table == "settings" {
                assert!(nonces.insert(value[10 + 6..10 + 6 + 12].to_vec()), "a nonce repeats");
                writes += 1;
            }
        }
    }
    assert_eq!(writes, 600);
}

#[test]
fn what_seals_the_state_counts_for_the_limit_too() {
    let family = Family::in_memory();
    let mut settings = family.new_settings();
    settings.limits.writes_per_epoch = 20;
    let mut store = Store::create(settings).expect("makes it");
    let first = family.aliases();
    for _ in 0..21 {
        // Nothing but the state is sealed.
        store.append_log(Event::LogRead, None, Ok(())).expect("tells");
    }
    assert_ne!(family.aliases(), first, "renewed");
}

#[test]
fn nothing_secret_stands_in_errors_or_debug_output() {
    let family = Family::in_memory();
    let mut store = family.create();
    let secret = "秘密の名前";
    let profile = Profile::new(secret, Role::Own);
    let mut said = format!("{profile:?}");
    let candidate = family.candidate(secret);
    said += &format!("{candidate:?} {:?}", candidate.clone().confirm());
    let hanako = family.add(&mut store, secret);
    said += &format!("{:?} {:?} {:?}", store, store.member(hanako), family.settings(None));
    let again = store.add_member(family.candidate("other").confirm(), Profile::new(secret, Role::Own));
    said += &again.map(drop).expect_err("taken").to_string();
    let entry = HistoryEntry { at: family.now(), by: CheckedBy::Card, result: secret.to_owned(), eligibility: None };
    said += &format!("{entry:?}");
    drop(store);
    let alias = family.keys_folder().join(&family.aliases()[0]);
    let key = fs::read(&alias).expect("reads");
    fs::write(&alias, [7; 32]).expect("writes");
    let error = family.open().map(drop).expect_err("another key");
    said += &format!("{error:?} {error}");
    fs::write(&alias, key).expect("writes");
    raw::change(&family.file(), |tx| raw::put(tx, "members", b"x", secret.as_bytes()));
    let error = family.open().map(drop).expect_err("damaged");
    said += &format!("{error:?} {error}");
    assert!(!said.contains("秘密") && !said.contains(&format!("{:?}", secret.as_bytes())[1..20]), "{said}");
}

#[test]
fn files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let family = Family::in_memory();
    let mut store = family.create();
    let mode = |path: std::path::PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(family.file()), 0o600);
    store.compact().expect("compacts");
    assert_eq!((mode(family.file()), mode(family.keys_folder())), (0o600, 0o700));
    for entry in fs::read_dir(family.keys_folder()).expect("reads") {
        assert_eq!(mode(entry.expect("reads").path()), 0o600);
    }
}

#[test]
fn a_query_that_ends_before_it_begins_finds_nothing() {
    let family = Family::in_memory();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.put_records(hanako, &[expense("e", "2026-10")]).expect("keeps");
    let day = kazasu::time::CalendarDate::parse;
    let never = Query { from: day("2026-12-01"), to: day("2026-01-01"), ..Query::default() };
    assert_eq!(store.records(hanako, &never, 9).expect("reads").records, []);
}

const CHILD: &str = "KAZASU_FULL_DISK";

/// Runs where files cannot grow beyond a limit, which stands for a full disk.
#[test]
fn on_a_full_disk() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let family = Family::at(std::path::Path::new(&folder));
    let mut store = family.open().expect("opens");
    let member = store.members().expect("reads")[0].id;
    let large = vec![7; 200_000];
    let mut error = None;
    for n in 0..200 {
        if let Err(full) = store.remember(Some(member), &n.to_string(), &large) {
            error = Some(full);
            break;
        }
        println!("kept {n}");
    }
    let error = error.expect("no room is left at some time");
    assert!(matches!(error, Error::Store(StoreFault::Io { .. })), "{error:?}");
    for _ in 0..3 {
        let next = store.remember(Some(member), "n", b"1");
        assert!(matches!(next, Ok(()) | Err(Error::Store(StoreFault::Io { .. }))), "not damaged: {next:?}");
    }
    let compacted = store.compact();
    assert!(matches!(compacted, Ok(()) | Err(Error::Store(StoreFault::Io { .. }))), "not damaged: {compacted:?}");
}

#[test]
fn a_full_disk_is_told_as_such_and_loses_nothing() {
    let family = Family::in_memory();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    fill(&mut store, hanako);
    drop(store);
    let size = fs::metadata(family.file()).expect("there").len();
    let limit = size / 1024 + 2048;
    // With the signal ignored, writing beyond the limit is an error.
    let output = Command::new("bash")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" --exact on_a_full_disk --nocapture")])
        .arg(std::env::current_exe().expect("this program"))
        .env(CHILD, family.folder())
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let kept = said.matches("kept ").count();
    assert!(kept > 0, "{said}");
    let mut store = family.open().expect("opens when there is room again");
    for n in 0..kept {
        assert!(store.remembered(Some(hanako), &n.to_string()).expect("reads").is_some(), "{n} of {kept}");
    }
    assert!(is_full(&store, hanako));
    whole(&mut store);
    assert!(!family.folder().join("family.kazasu.new").exists(), "nothing half-made is left");
}

#[test]
fn no_page_of_the_file_keeps_what_was_removed() {
    for n in 0..24_usize {
        let family = Family::in_memory();
        let mut store = family.create();
        let (hanako, ichiro) = (family.add(&mut store, "花子"), family.add(&mut store, "一郎"));
        for i in 0..n {
            let member = if i % 2 == 0 { hanako } else { ichiro };
            store.put_records(member, &[expense(&i.to_string(), "2026-10")]).expect("keeps");
            store.remember(Some(member), &i.to_string(), &vec![7; 100 * i]).expect("remembers");
        }
        drop(store);
        let old = raw::rows(&family.file());
        family.open().expect("opens").remove_member(hanako).expect("removes");
        let (new, bytes) = (raw::rows(&family.file()), fs::read(family.file()).expect("reads"));
        for ((table, _), value) in old.iter().filter(|(place, value)| value.len() > 60 && new.get(place) != Some(value))
        {
            assert!(!bytes.windows(40).any(|window| window == &value[20..60]), "{n}: a row of {table} is left");
        }
    }
}
