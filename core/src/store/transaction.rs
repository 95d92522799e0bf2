//! The open store: one change at a time, whole or not at all, and looks at what there is.

use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use super::cipher::{self, Place};
use super::context::Context;
use super::file::{self, File, Reader, Visit, Writer};
use super::keys::{Holder, KeyRing};
use super::padding;
use super::schema::{ROW_SCHEMA, Table};
use super::state::{Digester, STATE, State, state_place};
use crate::error::{Error, StoreFault};

/// The open store.
pub struct Store {
    pub(super) file: File,
    pub(super) ring: KeyRing,
    pub(super) state: State,
    pub(super) context: Context,
}

crate::secret::opaque_debug!(Store);

impl Store {
    /// One transaction. When `work` fails, nothing of it is kept.
    pub(super) fn write<R>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.renew_when_due()?;
        self.write_in_epoch(work)
    }

    /// Renews the keys when this epoch has sealed enough.
    pub(super) fn renew_when_due(&mut self) -> Result<(), Error> {
        if self.state.writes >= self.context.limits.writes_per_epoch { self.rotate() } else { Ok(()) }
    }

    /// [`Store::write`] whatever the epoch has seen.
    pub(super) fn write_in_epoch<R>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<R, Error>) -> Result<R, Error> {
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
    pub(super) fn read<R>(&self, work: impl FnOnce(&View<'_>) -> Result<R, Error>) -> Result<R, Error> {
        self.file.read(|reader| work(&View { reader, ring: &self.ring }))
    }
}

/// A change in the making.
pub(super) struct Tx<'s> {
    pub(super) writer: &'s Writer,
    pub(super) ring: &'s KeyRing,
    pub(super) context: &'s Context,
    pub(super) digester: Digester,
    pub(super) state: State,
}

impl<'s> Tx<'s> {
    pub(super) fn new(
        writer: &'s Writer,
        ring: &'s KeyRing,
        context: &'s Context,
        state: State,
    ) -> Result<Self, Error> {
        Ok(Self { writer, ring, context, digester: Digester::new(&ring.digest_key()?)?, state })
    }

    /// Seals a value into its row, in place of one that is there.
    pub(super) fn put(&mut self, holder: Holder, table: Table, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let version = self.writer.get(table, key)?.as_deref().and_then(row_version).unwrap_or(0).saturating_add(1);
        let card = self.ring.card_key(holder)?;
        let place = Place { store: &self.ring.store, table: table.name(), key, schema: ROW_SCHEMA, version };
        let record = cipher::seal(&card.key, place, self.ring.epoch, &padding::pad(value)?)?;
        self.state.writes = self.state.writes.saturating_add(1);
        self.put_raw(table, key, &[&ROW_SCHEMA.to_be_bytes()[..], &version.to_be_bytes(), &record].concat())
    }

    /// The value of a row.
    pub(super) fn get(&self, holder: Holder, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.writer.get(table, key)?.map(|row| open_row(self.ring, holder, table, key, &row)).transpose()
    }

    /// Sets a row that is not sealed.
    pub(super) fn put_raw(&mut self, table: Table, key: &[u8], row: &[u8]) -> Result<(), Error> {
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
    pub(super) fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool, Error> {
        let Some(old) = self.writer.remove(table, key)? else { return Ok(false) };
        let old = self.digester.digest(table, key, &old);
        if let Some(sum) = self.state.sum(table) {
            sum.subtract(old);
        }
        Ok(true)
    }

    /// Deletes every row in a range of keys; tells how many there were.
    pub(super) fn remove_range(&mut self, table: Table, range: &RangeInclusive<Vec<u8>>) -> Result<u64, Error> {
        let mut removed: u64 = 0;
        while let Some(key) = self.writer.first_key(table, range)? {
            self.remove(table, &key)?;
            removed = removed.saturating_add(1);
        }
        Ok(removed)
    }

    /// Writes the state: the last thing a transaction does.
    pub(super) fn seal_state(mut self) -> Result<State, Error> {
        self.state.commits = self.state.commits.saturating_add(1);
        self.state.writes = self.state.writes.saturating_add(1);
        let card = self.ring.card_key(Holder::Device)?;
        let place = state_place(&self.ring.store, self.state.commits);
        let record = cipher::seal(&card.key, place, self.ring.epoch, &self.state.to_bytes())?;
        self.writer.insert(Table::Meta, STATE, &[&self.state.commits.to_be_bytes()[..], &record].concat())?;
        Ok(self.state)
    }
}

/// A look at the rows.
pub(super) struct View<'s> {
    pub(super) reader: &'s Reader,
    pub(super) ring: &'s KeyRing,
}

impl View<'_> {
    /// The value of a row.
    pub(super) fn get(&self, holder: Holder, table: Table, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.reader.get(table, key)?.map(|row| open_row(self.ring, holder, table, key, &row)).transpose()
    }

    /// Shows the values in a range of keys, one at a time.
    pub(super) fn visit(
        &self,
        holder: Holder,
        table: Table,
        range: &RangeInclusive<Vec<u8>>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<Visit, Error>,
    ) -> Result<(), Error> {
        self.reader.visit(table, range, |key, row| visit(key, &open_row(self.ring, holder, table, key, row)?))
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

pub(super) fn row_version(row: &[u8]) -> Option<u64> {
    row.get(2..)?.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The range of all keys that begin so. Keys of the store have at most [`LONGEST_KEY`] bytes behind it.
pub(super) fn under(prefix: &[u8]) -> RangeInclusive<Vec<u8>> {
    prefix.to_vec()..=[prefix, &[0xff; LONGEST_KEY]].concat()
}

/// Longest rest of a key behind its holder, in bytes.
pub(super) const LONGEST_KEY: usize = 64;
