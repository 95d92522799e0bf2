//! Every file this program writes: complete or not at all, for its owner's eyes alone.
//!
//! What is written gets a new name of its own beside the target (`create_new`, mode 0600), goes to the disk, and takes the
//! target's place by a rename. What stood there, a file that others may read or a link to somewhere else, is replaced and
//! never opened. A signal or a failure leaves what was there before; the new file goes.
//!
//! Devices, FIFOs and open descriptors (`/dev/stdout`) are written to as they are.

use std::fs::{self, DirBuilder, File, FileType, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::failure::Failure;

/// Files and folders that go when the program is ended before its time.
static TEMPORARIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file for a result, looked at before anybody is asked for a PIN. Nothing is made before the result is there.
pub(crate) struct Destination {
    path: PathBuf,
    keeps_old: bool,
}

impl Destination {
    /// One that takes the place of what is there.
    pub(crate) fn replacing(path: &Path) -> std::result::Result<Self, Failure> {
        Self::checked(path, false)
    }

    /// A new one; a file that is there is not written over.
    pub(crate) fn new(path: &Path) -> std::result::Result<Self, Failure> {
        Self::checked(path, true)
    }

    fn checked(path: &Path, keeps_old: bool) -> std::result::Result<Self, Failure> {
        let destination = Self { path: path.to_owned(), keeps_old };
        match destination.try_out() {
            Ok(()) => Ok(destination),
            Err(error) => Err(destination.failure(&error)),
        }
    }

    /// Whether a file can be made here, as far as that can be known without leaving one.
    fn try_out(&self) -> Result<()> {
        match place(&self.path)? {
            // Opening a FIFO would wait for its reader.
            Place::Stream => Ok(()),
            Place::Taken if self.keeps_old => Err(ErrorKind::AlreadyExists.into()),
            Place::Taken | Place::Free => Temporary::beside(&self.path).map(drop),
        }
    }

    /// Writes the result.
    pub(crate) fn write(self, bytes: &[u8]) -> std::result::Result<(), Failure> {
        let written = if self.keeps_old { create(&self.path, bytes) } else { replace(&self.path, bytes) };
        written.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &Error) -> Failure {
        let failure = failure(&self.path, error);
        if error.kind() == ErrorKind::AlreadyExists {
            return failure.advise(
                "同じ名前のファイルがあります。別の名前を指定してください",
                "There is a file of this name. Please choose another one.",
            );
        }
        failure
    }
}

/// Puts a file with these bytes in the place of what is there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> std::result::Result<(), Failure> {
    replace(path, bytes).map_err(|error| failure(path, &error))
}

/// A file that is written to bit by bit, for others to follow: a new one in the place of what is there.
pub(crate) fn stream(path: &Path) -> Result<File> {
    if place(path)? == Place::Stream {
        return open_stream(path);
    }
    let mut new = Temporary::beside(path)?;
    let file = new.file.try_clone()?;
    new.rename_to(path)?;
    Ok(file)
}

/// Makes a folder, with those above it, that its owner alone can look into; one that is there stays as it is.
pub(crate) fn make_folder(path: &Path) -> std::result::Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| failure(path, &error))
}

/// Refuses a folder in which others can exchange or delete files.
pub(crate) fn check_folder(path: &Path) -> std::result::Result<(), Failure> {
    let mode = fs::metadata(path).map_err(|error| failure(path, &error))?.permissions().mode();
    if mode & 0o022 == 0 {
        return Ok(());
    }
    Err(Failure::usage(format!("{}: others can write to it; chmod 700 it", path.display())).advise(
        "他の利用者が書き込めるフォルダーです。chmod 700 を実行してください",
        "Other users can write to this folder. Please run chmod 700 on it.",
    ))
}

/// Removes what a crash or `kill -9` left half written in a folder that is this program's alone, and that nobody else writes
/// to now.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let names = entries.flatten().map(|entry| entry.path());
    for path in names.filter(|path| path.file_name().is_some_and(|name| is_random(&name.to_string_lossy()))) {
        let _ = fs::remove_file(path);
    }
}

/// Everything in a file of at most so many bytes, whatever kind of file it is.
pub(crate) fn read_within(path: &Path, most: u64) -> std::result::Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes));
    read.map_err(|error| failure(path, &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= most) {
        return Ok(bytes);
    }
    Err(Failure::usage(format!("{}: more than {most} bytes", path.display())))
}

/// A file, or of a longer one so many bytes and one: whoever takes it tells that it is too long.
pub(crate) fn read_beyond(path: &Path, most: usize) -> std::result::Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(|error| failure(path, &error))?;
    Ok(bytes)
}

/// What a file operation came to.
pub(crate) fn failure(path: &Path, error: &Error) -> Failure {
    let failure = Failure::usage(format!("{}: {error}", path.display()));
    if error.kind() == ErrorKind::StorageFull {
        return failure.advise(
            "書き込めませんでした。空き容量を確かめてください",
            "It could not be written. Please check the free space.",
        );
    }
    failure
}

/// A new folder that is gone with all it holds when this is dropped, or when a signal ends the program.
#[cfg(feature = "demo")]
pub(crate) struct Folder(PathBuf);

#[cfg(feature = "demo")]
impl Folder {
    /// One of a random name among the temporary files of the system.
    pub(crate) fn new() -> std::result::Result<Self, Failure> {
        let path = std::env::temp_dir().join(random_name().map_err(|error| failure(Path::new("random"), &error))?);
        let mut temporaries = temporaries();
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| failure(&path, &error))?;
        temporaries.push(path.clone());
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(feature = "demo")]
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        forget(&mut temporaries(), &self.0);
    }
}

/// Removes what is half written, and lets nobody begin anew: the program ends next.
pub(crate) fn abandon() {
    let temporaries = temporaries();
    for path in &*temporaries {
        // A folder is no file, and the other way round.
        let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
    }
    std::mem::forget(temporaries);
}

/// What a path names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// Nothing yet.
    Free,
    /// A file, or a link to whatever it is.
    Taken,
    /// Something to write to, not to replace.
    Stream,
}

fn place(path: &Path) -> Result<Place> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Place::Free),
        Err(error) => return Err(error),
    };
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let is_stream = if kind.is_symlink() { is_of_the_system(path) } else { is_special(kind) };
    Ok(if is_stream { Place::Stream } else { Place::Taken })
}

fn is_special(kind: FileType) -> bool {
    kind.is_char_device() || kind.is_block_device() || kind.is_fifo() || kind.is_socket()
}

/// `/dev/stdout`, `/dev/fd/3`, `/proc/self/fd/3` and the like: links that only the system makes.
fn is_of_the_system(link: &Path) -> bool {
    let folder = folder_of(link).canonicalize();
    let descriptors = Path::new("/dev/fd").canonicalize();
    folder.is_ok_and(|folder| folder == Path::new("/dev") || descriptors.is_ok_and(|descriptors| folder == descriptors))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn open_stream(path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).open(path)?;
    // Standard output, when it goes to a file.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    if place(path)? == Place::Stream {
        return open_stream(path)?.write_all(bytes);
    }
    let mut new = Temporary::filled(path, bytes)?;
    new.rename_to(path)?;
    sync(folder_of(path))
}

fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    match place(path)? {
        Place::Stream => return open_stream(path)?.write_all(bytes),
        Place::Taken => return Err(ErrorKind::AlreadyExists.into()),
        Place::Free => {}
    }
    let mut new = Temporary::filled(path, bytes)?;
    // Unlike a rename, a link replaces nothing that came meanwhile; file systems without links have to rename.
    match fs::hard_link(&new.path, path) {
        Ok(()) => drop(new),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
        Err(_) => new.rename_to(path)?,
    }
    sync(folder_of(path))
}

/// Makes a new name last (POSIX leaves the folder's own entry to be written later).
fn sync(folder: &Path) -> Result<()> {
    // The file is there: a folder that may be written to but not read, or cannot be asked for this, is no fault.
    let Ok(folder) = File::open(folder) else { return Ok(()) };
    match folder.sync_all() {
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Err(error),
        _ => Ok(()),
    }
}

/// A new file that is removed unless it takes the place it is for.
struct Temporary {
    path: PathBuf,
    file: File,
    is_placed: bool,
}

impl Temporary {
    /// An empty one in the folder of `target`.
    fn beside(target: &Path) -> Result<Self> {
        let path = folder_of(target).join(random_name()?);
        // Held until it is told: a signal in between would not find it.
        let mut temporaries = temporaries();
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        temporaries.push(path.clone());
        Ok(Self { path, file, is_placed: false })
    }

    /// One with these bytes, which are on the disk.
    fn filled(target: &Path, bytes: &[u8]) -> Result<Self> {
        let mut new = Self::beside(target)?;
        new.file.write_all(bytes)?;
        new.file.sync_all()?;
        Ok(new)
    }

    fn rename_to(&mut self, target: &Path) -> Result<()> {
        fs::rename(&self.path, target)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_placed {
            let _ = fs::remove_file(&self.path);
        }
        forget(&mut temporaries(), &self.path);
    }
}

fn temporaries() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget(temporaries: &mut Vec<PathBuf>, path: &Path) {
    temporaries.retain(|one| one != path);
}

/// A name that nobody can have taken; it does not get longer with that of the target.
fn random_name() -> Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(Error::other)?;
    Ok(format!("{BEFORE}{:016x}{AFTER}", u64::from_ne_bytes(random)))
}

fn is_random(name: &str) -> bool {
    name.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER)).is_some_and(|random| random.len() == 16)
}

const BEFORE: &str = ".kazasu-";
const AFTER: &str = ".new";
