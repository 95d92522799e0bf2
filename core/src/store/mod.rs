//! The family's encrypted store: one file, at most five members, each with a key of their own.
//!
//! ```text
//! key store ─ wraps ─ master key of the epoch ─ wraps ─ key of a member ─ derives ─ key of a table ─ seals ─ row
//! ```
//!
//! Every change is one transaction that is on the disk when the call returns: the rows, the entry of the access log, and
//! the state that makes the set of all rows authentic. One process has the file open at a time; a second one gets
//! [`Error::Busy`]. All calls block for as long as the file system and the key store take.
//!
//! What it holds against: theft of the file, with or without old copies; exchanged, changed, missing or restored rows; loss
//! of power at any moment. What it does not hold against: who can unlock the device and run the app can read what the app
//! can, and what was exported has left.

mod access_log;
mod acts;
mod chain;
mod cipher;
mod confirmed;
mod erasure;
mod event;
mod expiring;
mod file;
#[cfg(all(unix, feature = "software-key"))]
mod file_keys;
mod history;
#[cfg(all(test, feature = "ring", feature = "software-key"))]
mod interleavings;
mod key_wrapper;
mod keys;
mod member;
mod member_row;
mod open;
mod padding;
mod payments;
#[cfg(all(test, feature = "ring", feature = "software-key"))]
mod power_loss;
mod records;
mod retention;
mod schema;
mod secrets;
mod settings;
mod state;
mod text;
#[cfg(test)]
mod vectors;

pub use access_log::{LogDamage, LogEntry, LogVerdict};
pub use acts::{Contact, Registration};
pub use chain::Checkpoint;
pub use erasure::Erasure;
pub use event::{Event, Subject};
pub use expiring::{Aging, Expiring};
#[cfg(all(unix, feature = "software-key"))]
pub use file_keys::FileKeys;
pub use history::{CheckedBy, HistoryEntry};
pub use key_wrapper::{Deletion, KeyStoreError, KeyWrapper};
pub use keys::MemberId;
pub use member::{Candidate, Card, Confirmed, Member, Profile, Registered, Role, ServerPatient};
pub use open::{Limits, StoreSettings};
pub use payments::{PaymentId, StoredPayment};
pub use records::{Query, RecordKey, RecordPage, Saved, StoredRecord};
pub use retention::{Retention, RetentionPolicy};
pub use secrets::SecretKind;

use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use self::cipher::Place;
use self::file::{File, Reader, Visit, Writer};
use self::keys::{Holder, KeyRing};
use self::open::Context;
use self::schema::{ROW_SCHEMA, Table};
use self::state::{Digester, State};
use crate::error::{Error, StoreFault};

/// Members per installation.
pub const MAX_MEMBERS: usize = 5;
/// Key of the sealed state in [`Table::Meta`].
const STATE: &[u8] = b"state";

/// The open store.
pub struct Store {
    file: File,
    ring: KeyRing,
    state: State,
    context: Context,
}

crate::secret::opaque_debug!(Store);

impl Store {
    /// One transaction. When `work` fails, nothing of it is kept.
    fn write<R>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.renew_when_due()?;
        self.write_in_epoch(work)
    }

    /// Renews the keys when this epoch has sealed enough.
    fn renew_when_due(&mut self) -> Result<(), Error> {
        if self.state.writes >= self.context.limits.writes_per_epoch { self.rotate() } else { Ok(()) }
    }

    /// [`Store::write`] whatever the epoch has seen.
    fn write_in_epoch<R>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<R, Error>) -> Result<R, Error> {
        let (mut work, mut result) = (Some(work), None);
        self.write_once(&mut |tx| {
            result = work.take().map(|work| work(tx)).transpose()?;
            Ok(())
        })?;
        result.ok_or(file::NOT_RUN)
    }

    /// One copy of this in the library, whatever the work is.
    fn write_once(&mut self, work: &mut dyn FnMut(&mut Tx<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let (ring, context, state) = (&self.ring, &self.context, self.state.clone());
        self.state = self.file.write(|writer| {
            let mut tx = Tx::new(writer, ring, context, state)?;
            work(&mut tx)?;
            tx.seal_state()
        })?;
        Ok(())
    }

    /// One consistent look.
    fn read<R>(&self, work: impl FnOnce(&View<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.file.read(|reader| work(&View { reader, ring: &self.ring }))
    }

    /// Reads the whole file: every page, every row's digest against the sealed sums, every row opened with its key, and the
    /// log. Takes seconds for a large store; an app runs it when something looks wrong.
    ///
    /// # Errors
    /// [`StoreFault::Damaged`] names the first table that is not what was written.
    pub fn verify(&mut self) -> Result<LogVerdict, Error> {
        self.file.check()?;
        self.file.read(|reader| {
            open::compare_sums(reader, &self.ring, &self.state, &Table::SUMMED)?;
            View { reader, ring: &self.ring }.open_every_row()
        })?;
        self.verify_log()
    }

    /// Writes the file anew without the room that deleted rows have left. The log and every row stay.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn compact(&mut self) -> Result<(), Error> {
        self.file.compact()
    }

    /// Signs the log and closes the file. Dropping the store closes it too, without the signature.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::DeviceKey`] when the log key refuses.
    pub fn close(mut self) -> Result<Checkpoint, Error> {
        self.checkpoint()
    }
}

/// A change in the making.
struct Tx<'s> {
    writer: &'s Writer,
    ring: &'s KeyRing,
    context: &'s Context,
    digester: Digester,
    state: State,
}

impl<'s> Tx<'s> {
    fn new(writer: &'s Writer, ring: &'s KeyRing, context: &'s Context, state: State) -> Result<Self, Error> {
        Ok(Self { writer, ring, context, digester: Digester::new(&ring.digest_key()?)?, state })
    }

    /// Seals a value into its row, in place of one that is there.
    fn put(&mut self, holder: Holder, table: Table, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let version = self.writer.get(table, key)?.as_deref().and_then(row_version).unwrap_or(0).saturating_add(1);
        let card = self.ring.card_key(holder)?;
        let place = Place { store: &self.ring.store, table: table.name(), key, schema: ROW_SCHEMA, version };
        let record = cipher::seal(&card.key, place, self.ring.epoch, &padding::pad(value)?)?;
        self.state.writes = self.state.writes.saturating_add(1);
        self.put_raw(table, key, &[&ROW_SCHEMA.to_be_bytes()[..], &version.to_be_bytes(), &record].concat())
    }

    /// The value of a row.
    fn get(&self, holder: Holder, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.writer.get(table, key)?.map(|row| open_row(self.ring, holder, table, key, &row)).transpose()
    }

    /// Sets a row that is not sealed.
    fn put_raw(&mut self, table: Table, key: &[u8], row: &[u8]) -> Result<(), Error> {
        let old = self.writer.insert(table, key, row)?;
        let new = self.digester.digest(table, key, row);
        let old = old.map(|old| self.digester.digest(table, key, &old));
        if let Some(sum) = self.state.sum(table) {
            if let Some(old) = old {
                sum.subtract(old);
            }
            sum.add(new);
        }
        Ok(())
    }

    /// Deletes a row; tells whether there was one.
    fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, Error> {
        let Some(old) = self.writer.remove(table, key)? else { return Ok(false) };
        let old = self.digester.digest(table, key, &old);
        if let Some(sum) = self.state.sum(table) {
            sum.subtract(old);
        }
        Ok(true)
    }

    /// Deletes every row in a range of keys; tells how many there were.
    fn remove_range(&mut self, table: Table, range: &RangeInclusive<Vec<u8>>) -> Result<u64, Error> {
        let mut removed: u64 = 0;
        while let Some(key) = self.writer.first_key(table, range)? {
            self.remove(table, &key)?;
            removed = removed.saturating_add(1);
        }
        Ok(removed)
    }

    /// Writes the state: the last thing a transaction does.
    fn seal_state(mut self) -> Result<State, Error> {
        self.state.commits = self.state.commits.saturating_add(1);
        self.state.writes = self.state.writes.saturating_add(1);
        let card = self.ring.card_key(Holder::Device)?;
        let place = open::state_place(&self.ring.store, self.state.commits);
        let record = cipher::seal(&card.key, place, self.ring.epoch, &self.state.to_bytes())?;
        self.writer.insert(Table::Meta, STATE, &[&self.state.commits.to_be_bytes()[..], &record].concat())?;
        Ok(self.state)
    }
}

/// A look at the rows.
struct View<'s> {
    reader: &'s Reader,
    ring: &'s KeyRing,
}

impl View<'_> {
    /// The value of a row.
    fn get(&self, holder: Holder, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.reader.get(table, key)?.map(|row| open_row(self.ring, holder, table, key, &row)).transpose()
    }

    /// Shows the values in a range of keys, one at a time.
    fn visit(
        &self,
        holder: Holder,
        table: Table,
        range: &RangeInclusive<Vec<u8>>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<Visit, Error>,
    ) -> Result<(), Error> {
        self.reader.visit(table, range, |key, row| visit(key, &open_row(self.ring, holder, table, key, row)?))
    }

    fn open_every_row(&self) -> Result<(), Error> {
        for holder in self.ring.holders() {
            for table in Table::OF_MEMBERS.into_iter().filter(|table| table.is_sealed()) {
                self.visit(holder, table, &under(holder.bytes()), |_, _| Ok(Visit::Next))?;
            }
        }
        Ok(())
    }
}

/// Opens a row of the file: `u16 schema | u64 version | record`.
fn open_row(ring: &KeyRing, holder: Holder, table: Table, key: &[u8], row: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let card = ring.card_key(holder)?;
    let opened = row_schema(row).zip(row_version(row)).and_then(|(schema, version)| {
        let place = Place { store: &ring.store, table: table.name(), key, schema, version };
        let padded = cipher::open(&card.key, place, card.born..=ring.epoch, row.get(10..)?)?;
        padding::unpad(&padded).map(|value| Zeroizing::new(value.to_vec()))
    });
    opened.ok_or(StoreFault::Damaged { what: table.name() }.into())
}

fn row_schema(row: &[u8]) -> Option<u16> {
    row.first_chunk::<2>().map(|bytes| u16::from_be_bytes(*bytes)).filter(|schema| *schema == ROW_SCHEMA)
}

fn row_version(row: &[u8]) -> Option<u64> {
    row.get(2..)?.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The range of all keys that begin so. Keys of the store have at most [`LONGEST_KEY`] bytes behind it.
fn under(prefix: &[u8]) -> RangeInclusive<Vec<u8>> {
    prefix.to_vec()..=[prefix, &[0xff; LONGEST_KEY]].concat()
}

/// Longest rest of a key behind its holder, in bytes.
const LONGEST_KEY: usize = 64;
