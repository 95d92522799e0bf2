//! The one file of the store: the border to redb. Bytes go in and out; whether they are what was written is for others to
//! tell.
//!
//! By itself redb checks its pages only after a crash, and may panic over a file that somebody changed. Here every page's
//! checksum is compared when the file is opened, and what panics still becomes [`StoreFault::Damaged`].

use std::fs::{self, OpenOptions};
use std::ops::{Bound, RangeInclusive};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use super::schema::Table;
use crate::error::{Error, StoreFault};
use crate::random;

/// Pages kept in memory, in bytes: redb would take a gigabyte.
const CACHE: usize = 8 << 20;
/// What redb or the file system said of bytes that cannot be read.
const DAMAGED: StoreFault = StoreFault::Damaged { what: "file" };
/// What was handed over as work has not run.
pub(super) const NOT_RUN: Error = Error::Internal { detail: "a transaction was skipped" };
const CLOSED: Error = Error::Internal { detail: "the file is closed" };

/// The open file, locked against other processes. It is there until it is dropped.
pub(super) struct File {
    path: PathBuf,
    database: Option<Database>,
}

impl File {
    /// Makes a file that is not there yet, with what `fill` writes as its first transaction: a crash leaves no file.
    pub(super) fn create(path: &Path, fill: impl FnOnce(&Writer) -> Result<(), Error>) -> Result<Self, Error> {
        let mut file = Self { path: path.to_owned(), database: None };
        let made = file.replace(fill);
        if made.is_err() && file.database.is_some() {
            let _ = fs::remove_file(path); // made, and may not last
        }
        made.map(|()| file)
    }

    /// Opens and locks the file.
    ///
    /// # Errors
    /// [`Error::Busy`] while another process has it; [`StoreFault`] for what cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let found = identity(path);
        let database = guarded(|| checking().open(path).map_err(of_database))?;
        if identity(path) != found {
            close(database); // another program has put a new file in its place meanwhile
            return Err(Error::Busy);
        }
        remove_partials(path);
        Ok(Self { path: path.to_owned(), database: Some(database) })
    }

    /// On something else than a file system, which knows what would be lost with the power.
    #[cfg(test)]
    pub(super) fn on(path: &Path, backend: impl redb::StorageBackend) -> Self {
        let database = builder().create_with_backend(backend).expect("opens");
        Self { path: path.to_owned(), database: Some(database) }
    }

    /// A consistent view.
    pub(super) fn read<R>(&self, work: impl FnOnce(&Reader) -> Result<R, Error>) -> Result<R, Error> {
        let (mut work, mut result) = (Some(work), None);
        self.read_once(&mut |reader| {
            result = work.take().map(|work| work(reader)).transpose()?;
            Ok(())
        })?;
        result.ok_or(NOT_RUN)
    }

    /// One copy of this in the library, whatever the work is.
    fn read_once(&self, work: &mut dyn FnMut(&Reader) -> Result<(), Error>) -> Result<(), Error> {
        let database = self.database.as_ref().ok_or(CLOSED)?;
        guarded(|| work(&Reader(database.begin_read().map_err(|error| of_redb(error.into()))?)))
    }

    /// One transaction: all of it is on the disk when this returns, or nothing.
    pub(super) fn write<R>(&mut self, work: impl FnOnce(&Writer) -> Result<R, Error>) -> Result<R, Error> {
        write(self.database.as_ref().ok_or(CLOSED)?, work)
    }

    /// Writes the file anew with the rows it has, so that nothing of those it had is left in it.
    pub(super) fn compact(&mut self) -> Result<(), Error> {
        let old = self.database.take().ok_or(CLOSED)?;
        let copied = guarded(|| {
            let reader = Reader(old.begin_read().map_err(|error| of_redb(error.into()))?);
            self.replace(|writer| {
                Table::ALL.into_iter().try_for_each(|table| {
                    let mut to = writer.table(table)?;
                    reader.visit_all(table, |key, value| {
                        to.insert(key, value).map_err(|error| of_redb(error.into()))?;
                        Ok(Visit::Next)
                    })
                })
            })
        });
        if self.database.is_some() {
            close(old);
        } else {
            self.database = Some(old);
        }
        copied?;
        self.shrink()
    }

    /// Gives back the room that the file has at its end beside its rows.
    fn shrink(&mut self) -> Result<(), Error> {
        let database = self.database.as_mut().ok_or(CLOSED)?;
        guarded(|| database.compact().map(drop).map_err(|error| of_redb(error.into())))
    }

    /// Puts a new file in the place of the one there is, if any; it is locked from its beginning on.
    fn replace(&mut self, fill: impl FnOnce(&Writer) -> Result<(), Error>) -> Result<(), Error> {
        let mut partial = self.path.as_os_str().to_owned();
        partial.push(partial_suffix()?);
        let partial = Path::new(&partial);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        drop(options.open(partial).map_err(|error| io(&error))?);
        let filled = guarded(|| builder().create(partial).map_err(of_database)).and_then(|database| {
            let filled = write(&database, fill);
            if filled.is_err() {
                close(database);
                return filled.map(|()| None);
            }
            Ok(Some(database))
        });
        let moved =
            filled.and_then(|database| fs::rename(partial, &self.path).map(|()| database).map_err(|error| io(&error)));
        if moved.is_err() {
            let _ = fs::remove_file(partial);
        }
        self.database = moved?;
        sync_folder_of(&self.path)
    }

    /// Reads every page and compares its checksum, which tells of broken disks.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        let database = self.database.as_mut().ok_or(CLOSED)?;
        guarded(|| match database.check_integrity() {
            Ok(true) => Ok(()),
            Ok(false) => Err(DAMAGED.into()),
            Err(error) => Err(of_database(error)),
        })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Some(database) = self.database.take() {
            close(database);
        }
    }
}

/// Closing writes, and may panic, too.
fn close(database: Database) {
    let _ = guarded(|| {
        drop(database);
        Ok(())
    });
}

fn write<R>(database: &Database, work: impl FnOnce(&Writer) -> Result<R, Error>) -> Result<R, Error> {
    guarded(|| {
        let mut transaction = database.begin_write().map_err(|error| of_redb(error.into()))?;
        // Opening after a crash must not take longer the larger the store is.
        transaction.set_quick_repair(true);
        let writer = Writer(transaction);
        match work(&writer) {
            Ok(result) => writer.0.commit().map(|()| result).map_err(|error| of_redb(error.into())),
            Err(error) => {
                let _ = writer.0.abort(); // nothing was kept either way
                Err(error)
            }
        }
    })
}

/// A view of the tables.
pub(super) struct Reader(redb::ReadTransaction);

impl Reader {
    /// The value of `key`.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let table = self.0.open_table(definition(table)).map_err(|error| of_redb(error.into()))?;
        let value = table.get(key).map_err(|error| of_redb(error.into()))?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    /// Rows in the table.
    pub(super) fn len(&self, table: Table) -> Result<u64, Error> {
        let table = self.0.open_table(definition(table)).map_err(|error| of_redb(error.into()))?;
        table.len().map_err(|error| of_redb(error.into()))
    }

    /// Shows the rows of a range of keys in their order, until `visit` says that it has seen enough.
    pub(super) fn visit(
        &self,
        table: Table,
        range: &RangeInclusive<Vec<u8>>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<Visit, Error>,
    ) -> Result<(), Error> {
        let bounds = (Bound::Included(range.start().as_slice()), Bound::Included(range.end().as_slice()));
        self.visit_from(table, bounds, &mut visit)
    }

    /// Shows every row in the order of the keys.
    pub(super) fn visit_all(
        &self,
        table: Table,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<Visit, Error>,
    ) -> Result<(), Error> {
        self.visit_from(table, (Bound::Unbounded, Bound::Unbounded), &mut visit)
    }

    /// One copy of this in the library, whatever the visitor is.
    fn visit_from(
        &self,
        table: Table,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        visit: &mut Visitor<'_>,
    ) -> Result<(), Error> {
        let table = self.0.open_table(definition(table)).map_err(|error| of_redb(error.into()))?;
        let rows = table.range::<&[u8]>(range);
        for row in rows.map_err(|error| of_redb(error.into()))? {
            let (key, value) = row.map_err(|error| of_redb(error.into()))?;
            if visit(key.value(), value.value())? == Visit::Stop {
                break;
            }
        }
        Ok(())
    }
}

/// Looks at the key and the value of a row.
type Visitor<'v> = dyn FnMut(&[u8], &[u8]) -> Result<Visit, Error> + 'v;

/// Whether to go on.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Visit {
    /// The next row, please.
    Next,
    /// That was enough.
    Stop,
}

/// The tables, to be changed.
pub(super) struct Writer(redb::WriteTransaction);

impl Writer {
    /// A table, to be opened once at a time.
    fn table(&self, table: Table) -> Result<redb::Table<'_, &'static [u8], &'static [u8]>, Error> {
        self.0.open_table(definition(table)).map_err(|error| of_redb(error.into()))
    }

    /// The value of `key`, as changed so far.
    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let table = self.table(table)?;
        let value = table.get(key).map_err(|error| of_redb(error.into()))?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    /// Sets a value and gives the one it replaces.
    pub(super) fn insert(&self, table: Table, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut table = self.table(table)?;
        let old = table.insert(key, value).map_err(|error| of_redb(error.into()))?;
        Ok(old.map(|old| old.value().to_vec()))
    }

    /// Removes a row and gives its value.
    pub(super) fn remove(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut table = self.table(table)?;
        let old = table.remove(key).map_err(|error| of_redb(error.into()))?;
        Ok(old.map(|old| old.value().to_vec()))
    }

    /// The first key of a range.
    pub(super) fn first_key(&self, table: Table, range: &RangeInclusive<Vec<u8>>) -> Result<Option<Vec<u8>>, Error> {
        let table = self.table(table)?;
        let mut rows = table
            .range::<&[u8]>(range.start().as_slice()..=range.end().as_slice())
            .map_err(|error| of_redb(error.into()))?;
        let first = rows.next().transpose().map_err(|error| of_redb(error.into()))?;
        Ok(first.map(|(key, _)| key.value().to_vec()))
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// Compares the checksum of every page before one of them is believed: over pages that were changed redb panics, also while
/// it closes the file, and takes memory by sizes that stand in them.
fn checking() -> Builder {
    let mut builder = builder();
    builder.set_check_integrity_on_open(true);
    builder
}

const fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table.name())
}

fn guarded<R>(work: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(DAMAGED.into()))
}

fn of_database(error: redb::DatabaseError) -> Error {
    of_redb(error.into())
}

fn of_redb(error: redb::Error) -> Error {
    match error {
        redb::Error::DatabaseAlreadyOpen => Error::Busy,
        redb::Error::UpgradeRequired(_) => StoreFault::Newer.into(),
        redb::Error::Io(error) => io(&error),
        redb::Error::PreviousIo => StoreFault::Io { detail: "it failed before; open the store again" }.into(),
        _ => DAMAGED.into(),
    }
}

fn io(error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    let detail = match error.kind() {
        // redb tells of a file that is not one of its own by this kind.
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => return DAMAGED.into(),
        ErrorKind::NotFound => "no such file",
        ErrorKind::AlreadyExists => "the file is there already",
        ErrorKind::PermissionDenied => "no permission",
        ErrorKind::StorageFull => "no space is left",
        ErrorKind::ReadOnlyFilesystem => "it is read-only",
        _ => "input or output failed",
    };
    StoreFault::Io { detail }.into()
}

/// What a file is called until it is whole: nobody else chooses the same.
pub(super) fn partial_suffix() -> Result<String, Error> {
    random::generate_bytes().map(|number| format!(".{:016x}.new", u64::from_be_bytes(number)))
}

/// The name that a file with a [`partial_suffix`] was to have, or with that of the command line, or of earlier versions,
/// which had no number.
pub(super) fn name_of_partial(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".new")?;
    let numbered = name.rsplit_once('.').filter(|(_, number)| {
        let number = number.strip_prefix("kazasu-").unwrap_or(number);
        number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    Some(numbered.map_or(name, |(name, _)| name))
}

/// Removes what a compaction that was cut off has left. Nobody else writes one: that takes the lock.
fn remove_partials(path: &Path) {
    let name = path.file_name().and_then(|name| name.to_str());
    for entry in fs::read_dir(folder_of(path)).into_iter().flatten().flatten() {
        if name.is_some() && entry.file_name().to_str().and_then(name_of_partial) == name {
            let _ = fs::remove_file(entry.path()); // the next time
        }
    }
}

/// Tells a file from another one of the same name.
fn identity(path: &Path) -> Option<[u64; 2]> {
    #[cfg(unix)]
    return fs::metadata(path).ok().map(|file| {
        use std::os::unix::fs::MetadataExt;
        [file.dev(), file.ino()]
    });
    #[cfg(not(unix))]
    path.exists().then_some([0; 2])
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a rename last (POSIX leaves the folder's own entry to be written later).
fn sync_folder_of(path: &Path) -> Result<(), Error> {
    fs::File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(|error| io(&error))
}
