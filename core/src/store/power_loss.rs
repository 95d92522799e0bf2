//! Loss of power at any moment: what was written since the disk was last told to sync is there, is not, or is there in part.

use std::fs;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex};

use super::file::File;
use super::interleavings::{Aliases, MemoryKeys, add, path, record, settings};
use super::open::alias;
use super::schema::Table;
use super::{FileKeys, LogVerdict, MemberId, Query, SecretKind, Store};

/// Smallest part of a write that a disk keeps or loses as a whole.
const SECTOR: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(length) => image.resize(*length, 0),
            Self::Write(at, bytes) => {
                let end = at + bytes.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[*at..end].copy_from_slice(bytes);
            }
        }
    }
}

/// What lasts between two syncs, what was written in the time, and the keys before and after.
#[derive(Clone, Debug)]
struct Interval {
    lasting: Vec<u8>,
    changes: Vec<Change>,
    keys: [Aliases; 2],
}

#[derive(Debug, Default)]
struct Disk {
    current: Vec<u8>,
    lasting: Vec<u8>,
    changes: Vec<Change>,
    keys: Aliases,
    past: Vec<Interval>,
}

#[derive(Clone)]
struct Recorder(Arc<Mutex<Disk>>, Arc<MemoryKeys>);

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    fn change(&self, change: Change) {
        let mut disk = self.0.lock().expect("one thread");
        change.apply(&mut disk.current);
        disk.changes.push(change);
    }

    fn syncs(&self) -> usize {
        self.0.lock().expect("one thread").past.len()
    }

    fn sync(&self) {
        let mut disk = self.0.lock().expect("one thread");
        let keys = self.1.0.lock().expect("one thread").clone();
        let (lasting, changes) = (disk.current.clone(), mem::take(&mut disk.changes));
        let lasting = mem::replace(&mut disk.lasting, lasting);
        let keys = [mem::replace(&mut disk.keys, keys.clone()), keys];
        disk.past.push(Interval { lasting, changes, keys });
    }
}

impl redb::StorageBackend for Recorder {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.0.lock().expect("one thread").current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let at = usize::try_from(offset).expect("small");
        let disk = self.0.lock().expect("one thread");
        let bytes =
            disk.current.get(at..at + out.len()).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        self.change(Change::Length(usize::try_from(length).expect("small")));
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.sync();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.change(Change::Write(usize::try_from(offset).expect("small"), data.to_vec()));
        Ok(())
    }
}

/// What was done, and how many syncs there were when the call returned.
struct Done {
    syncs: usize,
    records: usize,
    secret: u8,
}

/// The images that a loss of power in this interval may leave.
fn images(interval: &Interval, random: &mut impl FnMut(usize) -> usize) -> Vec<Vec<u8>> {
    let after = |changes: &[Change]| {
        let mut image = interval.lasting.clone();
        changes.iter().for_each(|change| change.apply(&mut image));
        image
    };
    let mut images = vec![interval.lasting.clone(), after(&interval.changes)];
    for _ in 0..6 {
        // Some of the writes, and of one some sectors. Lengths come first: a file system does not write beyond its end.
        let mut some: Vec<Change> = interval
            .changes
            .iter()
            .filter(|change| matches!(change, Change::Length(_)) || random(2) == 0)
            .cloned()
            .collect();
        if let Some(at) = (!some.is_empty()).then(|| random(some.len()))
            && let Change::Write(start, bytes) = some.remove(at)
        {
            let sectors = bytes.chunks(SECTOR).enumerate().filter(|_| random(2) == 0);
            let torn: Vec<Change> =
                sectors.map(|(n, sector)| Change::Write(start + n * SECTOR, sector.to_vec())).collect();
            some.extend(torn);
        }
        images.push(after(&some));
    }
    images
}

#[test]
fn after_a_loss_of_power_all_that_was_done_is_there() {
    let (place, keys) = (path(), Arc::new(MemoryKeys::default()));
    let mut store = Store::create(settings(place.clone(), &keys)).expect("makes it");
    let (hanako, ichiro) = (add(&mut store, "a"), add(&mut store, "b"));
    store.save_secret(hanako, SecretKind::Access, &[0]).expect("saves");
    drop(store);
    let start = fs::read(&place).expect("reads");
    let disk = Disk {
        current: start.clone(),
        lasting: start,
        keys: keys.0.lock().expect("one thread").clone(),
        ..Disk::default()
    };
    let recorder = Recorder(Arc::new(Mutex::new(disk)), Arc::clone(&keys));
    let mut store = Store::open(settings(place.clone(), &keys)).expect("opens");
    store.file = File::on(&place, recorder.clone());
    let mut done = vec![Done { syncs: 0, records: 0, secret: 0 }];
    for n in 0..12_u8 {
        match n % 4 {
            3 => store.rotate().expect("renews"),
            1 => store.save_secret(hanako, SecretKind::Access, &[n]).expect("saves"),
            _ => store.put_records(hanako, &[record(n, 1 + n % 12)]).map(drop).expect("keeps"),
        }
        let last = done.last().expect("one");
        let (records, secret) = match n % 4 {
            3 => (last.records, last.secret),
            1 => (last.records, n),
            _ => (last.records + 1, last.secret),
        };
        done.push(Done { syncs: recorder.syncs(), records, secret });
    }
    // Ends in a new file, which is whole before it has its name.
    let before_removal = recorder.syncs();
    store.remove_member(ichiro).expect("removes");
    drop(store);
    recorder.sync();

    let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let past = recorder.0.lock().expect("one thread").past.clone();
    let (mut opened, mut gone) = (0, 0);
    for (at, interval) in past.iter().enumerate() {
        for image in images(interval, &mut random) {
            for keys in &interval.keys {
                fs::write(&place, &image).expect("writes");
                let keys = Arc::new(MemoryKeys(Mutex::new(keys.clone())));
                let mut store =
                    Store::open(settings(place.clone(), &keys)).unwrap_or_else(|error| panic!("{at}: {error}"));
                let verdict = store.verify();
                assert!(matches!(verdict, Ok(LogVerdict::Whole { .. })), "{at}: {verdict:?}");
                let (records, secret) = contents(&mut store, hanako);
                let least = done.iter().rposition(|done| done.syncs <= at).expect("the first");
                let fits = |done: &Done| done.records == records && done.secret == secret;
                assert!(done[least..].iter().take(2).any(fits), "{at}: {records} records and secret {secret}");
                gone += usize::from(store.members().expect("reads").len() == 1);
                opened += 1;
                // A renewal that was cut off may have left the key of the epoch it never came to.
                let known = [store.ring.epoch, store.ring.epoch + 1].map(|epoch| alias(&store.ring.store, epoch));
                drop(store);
                let left: Vec<String> = keys.0.lock().expect("one thread").keys().cloned().collect();
                assert!(left.iter().all(|one| known.contains(one)), "{at}: old keys are left");
            }
        }
    }
    let _ = fs::remove_file(&place);
    println!("| losses of power | syncs | of these in a removal | files opened | member gone |\n|--:|--:|--:|--:|--:|");
    println!("| {} | {} | {} | {opened} | {gone} |", past.len(), past.len(), past.len() - before_removal);
    assert!(opened > 500 && gone > 0, "{opened} {gone}");
}

/// A store of format 1 with two members, written by the version that knew no other.
fn of_format_1(place: &std::path::Path) -> (std::path::PathBuf, FileKeys) {
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/store-format-1");
    fs::copy(from.join("family.kazasu"), place).expect("copies");
    let folder = place.with_extension("keys");
    let keys = FileKeys::create(&folder).expect("makes the folder");
    for entry in fs::read_dir(from.join("keys")).expect("reads") {
        let entry = entry.expect("reads");
        let to = folder.join(entry.file_name());
        fs::copy(entry.path(), &to).expect("copies");
        fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("sets");
    }
    (folder, keys)
}

#[test]
fn a_change_of_format_that_is_cut_off_leaves_the_old_or_the_new() {
    let place = path();
    let (folder, keys) = of_format_1(&place);
    let keys = Arc::new(keys);
    let settings = || super::StoreSettings {
        log_key: Arc::new(keys.log_key().expect("a key")),
        key_wrapper: Arc::clone(&keys) as Arc<dyn super::KeyWrapper>,
        ..settings(place.clone(), &Arc::default())
    };
    let start = fs::read(&place).expect("reads");
    let disk = Disk { current: start.clone(), lasting: start, ..Disk::default() };
    let recorder = Recorder(Arc::new(Mutex::new(disk)), Arc::default());
    drop(Store::open_file(File::on(&place, recorder.clone()), settings()).expect("changes the format"));
    recorder.sync();
    let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((seed >> 33) % below as u64) as usize
    };
    let past = recorder.0.lock().expect("one thread").past.clone();
    let mut formats = [0; 2];
    for interval in &past {
        for image in images(interval, &mut random) {
            fs::write(&place, &image).expect("writes");
            let format = File::open(&place).and_then(|file| file.read(|reader| reader.get(Table::Meta, b"format")));
            let format = format.expect("reads").expect("there")[3];
            formats[usize::from(format) - 1] += 1;
            let mut store = Store::open(settings()).unwrap_or_else(|error| panic!("format {format}: {error}"));
            assert!(matches!(store.verify(), Ok(LogVerdict::Whole { .. })), "format {format}");
            let members = store.members().expect("reads");
            assert_eq!(members.iter().map(|one| &*one.profile.nickname).collect::<Vec<_>>(), ["花子", "一郎"]);
        }
    }
    let _ = fs::remove_file(&place);
    let _ = fs::remove_dir_all(&folder);
    println!("| losses of power in a change of format | of format 1 after it | of format 2 |\n|--:|--:|--:|");
    println!("| {} | {} | {} |", formats[0] + formats[1], formats[0], formats[1]);
    assert!(formats.iter().all(|files| *files > 0), "{formats:?}");
}

fn contents(store: &mut Store, member: MemberId) -> (usize, u8) {
    let records = store.records(member, &Query::default(), 99).expect("reads").records.len();
    let secret = store.secret(member, SecretKind::Access).expect("reads").expect("there");
    (records, secret[0])
}
