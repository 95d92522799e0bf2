//! Making and opening a store, and what is compared each time.

use super::chain::{self, Checkpoint, LogId};
use super::cipher::{self, Key, StoreId};
use super::context::{Context, StoreSettings};
use super::event::Event;
use super::file::{File, Reader, Visit};
use super::key_wrapper::{Deletion, KeyWrapper};
use super::keys::{Holder, KeyRing};
use super::migration::{STEPS, Step, create_tables, steps_from};
use super::schema::{FORMAT, Table};
use super::state::{Digester, STATE, State, Sum, state_place};
use super::{Store, Tx, under};
use crate::error::{Error, StoreFault};
use crate::random;

const FORMAT_KEY: &[u8] = b"format";
const STORE_ID: &[u8] = b"store_id";
const LOG_ID: &[u8] = b"log_id";
const MASTER: &[u8] = b"master";
/// The rows of `meta`: these four and the state.
const META_ROWS: u64 = 5;
/// The key store is asked for a new key when this old.
const DAYS_PER_EPOCH: i64 = 90;
const DAY_MS: i64 = 86_400_000;

impl Store {
    /// Makes a store where there is none.
    ///
    /// # Errors
    /// [`Error::Usage`] when the file exists; [`StoreFault::Replaced`] when it does not and an anchor says that there was
    /// a store; [`Error::Store`] as the file system and the key store say; [`Error::DeviceKey`] when the log key refuses.
    pub fn create(settings: StoreSettings) -> Result<Self, Error> {
        if settings.path.exists() {
            return Err(Error::usage("there is a store; open it"));
        }
        if settings.anchor.is_some() {
            return Err(StoreFault::Replaced.into());
        }
        let store: StoreId = random::generate_bytes()?;
        let log: LogId = random::generate_bytes()?;
        let context = Context::new(&settings, log)?;
        let ring = KeyRing::generate(store)?;
        let wrapped = context.key_wrapper.wrap(&alias(&store, ring.epoch), &**ring.master())?;
        let now = context.clock.now();
        let mut state = None;
        let filled = File::create(&settings.path, |writer| {
            create_tables(writer)?;
            writer.insert(Table::Meta, FORMAT_KEY, &FORMAT.to_be_bytes())?;
            writer.insert(Table::Meta, STORE_ID, &store)?;
            writer.insert(Table::Meta, LOG_ID, &log)?;
            let mut tx = Tx::new(writer, &ring, &context, State::new(now, ring.epoch, chain::genesis(&log)))?;
            tx.put_ring(&wrapped)?;
            tx.log(Event::StoreCreated, None, Ok(()), 0)?;
            tx.checkpoint()?;
            state = Some(tx.seal_state()?);
            Ok(())
        });
        let file = match filled {
            Ok(file) => file,
            Err(error) => {
                let _ = context.key_wrapper.delete(&alias(&store, ring.epoch)); // a key of nothing
                return Err(error);
            }
        };
        let state = state.ok_or(Error::Internal { detail: "the store was not filled" })?;
        Ok(Self { file, ring, state, context })
    }

    /// Opens a store, finishes an erasure or a renewal of keys that was interrupted, and renews keys that are 90 days old.
    ///
    /// Compares the sealed state with the number of rows of every table, with all rows of the small ones, with the last
    /// entry of the log, the newest checkpoint and the anchor; [`Store::verify`] compares everything.
    ///
    /// # Errors
    /// [`Error::Busy`] while another process has it; [`Error::Store`] as [`StoreFault`] tells: the file is never replaced
    /// by an empty one. [`StoreFault::Replaced`] when another log key has signed its checkpoints, or the anchor is another
    /// store's; [`StoreFault::KeyMissing`] when an anchor is kept and not there.
    pub fn open(settings: StoreSettings) -> Result<Self, Error> {
        let file = File::open(&settings.path)?;
        Self::open_file(file, settings)
    }

    /// [`Store::open`], wherever the file's bytes are.
    pub(super) fn open_file(file: File, settings: StoreSettings) -> Result<Self, Error> {
        let (steps, ring, state, context) = file.read(|reader| {
            let format = u32::from_be_bytes(meta(reader, FORMAT_KEY)?);
            let steps = steps_from(format, STEPS)?;
            let ring = read_ring(reader, &*settings.key_wrapper)?;
            let context = Context::new(&settings, meta(reader, LOG_ID)?)?;
            let state = read_state(reader, &ring, format)?;
            compare(reader, &ring, &state, &context)?;
            compare_checkpoint(reader, &state, &context)?;
            match &settings.anchor {
                Some(anchor) => compare_anchor(reader, anchor, &state, &context)?,
                None if settings.is_anchor_kept && state.log.entries > 1 => return Err(StoreFault::KeyMissing.into()),
                None => {}
            }
            Ok((steps, ring, state, context))
        })?;
        let mut store = Self { file, ring, state, context };
        store.context.key_wrapper.tidy(&alias_of(&store.ring.store), store.ring.epoch);
        store.migrate(steps)?;
        store.forget_stale_epochs()?;
        store.resume_erasures()?;
        // Before its beginning, too: the clock was ahead then, and would put the next renewal off.
        let age = store.context.clock.now().ms_since(store.state.epoch_began);
        if !(-DAY_MS..=DAYS_PER_EPOCH.saturating_mul(DAY_MS)).contains(&age) {
            store.rotate()?;
        }
        Ok(store)
    }

    /// Takes an older format to this one, in one transaction.
    fn migrate(&mut self, steps: &[Step]) -> Result<(), Error> {
        if steps.is_empty() {
            return Ok(());
        }
        self.write_in_epoch(|tx| {
            steps.iter().try_for_each(|step| step(tx))?;
            tx.state.format = FORMAT;
            tx.writer.insert(Table::Meta, FORMAT_KEY, &FORMAT.to_be_bytes())?;
            tx.log(Event::Migrated, None, Ok(()), 0)
        })
    }

    /// Renews the master key: every member's key is wrapped anew, the old one is deleted from the key store. Rows stay as
    /// they are. It happens by itself after 90 days and after 2²⁸ writes; call it when the old key may have leaked.
    ///
    /// # Errors
    /// [`Error::Store`] as the file system and the key store say. Either the old key then still holds, or it is over and is
    /// deleted with the next renewal or when the store is opened again.
    pub fn rotate(&mut self) -> Result<(), Error> {
        self.rotate_and(|tx| tx.log(Event::Rotated, None, Ok(()), 0)).map(drop)
    }

    /// Renews the master key; holders that the ring has lost are left out. `also` happens in the same transaction.
    pub(super) fn rotate_and(
        &mut self,
        also: impl FnOnce(&mut Tx<'_>) -> Result<(), Error>,
    ) -> Result<Deletion, Error> {
        let ring = self.ring.next()?;
        let wrapped = self.context.key_wrapper.wrap(&alias(&ring.store, ring.epoch), &**ring.master())?;
        let (context, mut state) = (&self.context, self.state.clone());
        (state.epoch_began, state.writes) = (context.clock.now(), 0);
        self.state = self.file.write(|writer| {
            let mut tx = Tx::new(writer, &ring, context, state)?;
            tx.put_ring(&wrapped)?;
            also(&mut tx)?;
            tx.seal_state()
        })?;
        self.ring = ring;
        self.forget_stale_epochs()
    }

    /// Deletes the keys of epochs that are over from the key store: all that an earlier call could not, too.
    fn forget_stale_epochs(&mut self) -> Result<Deletion, Error> {
        let mut worth = Deletion::Final;
        if self.state.oldest_epoch >= self.ring.epoch {
            return Ok(worth);
        }
        for epoch in self.state.oldest_epoch..self.ring.epoch {
            let deletion = self.context.key_wrapper.delete(&alias(&self.ring.store, epoch))?;
            worth = if deletion == Deletion::Final { worth } else { deletion };
        }
        self.write_in_epoch(|tx| {
            tx.state.oldest_epoch = tx.ring.epoch;
            Ok(())
        })?;
        Ok(worth)
    }
}

impl Tx<'_> {
    /// Writes the whole ring: the wrapped master key, and every holder's key under it.
    fn put_ring(&mut self, wrapped: &[u8]) -> Result<(), Error> {
        self.writer.insert(Table::Meta, MASTER, &[&self.ring.epoch.to_be_bytes()[..], wrapped].concat())?;
        self.remove_range(Table::Keys, &under(b""))?;
        for holder in self.ring.holders() {
            self.put_raw(Table::Keys, holder.bytes(), &self.ring.wrap(holder)?)?;
        }
        Ok(())
    }
}

/// Name of an epoch's key in the key store.
pub(super) fn alias(store: &StoreId, epoch: u32) -> String {
    format!("{}{epoch}", alias_of(store))
}

/// What the names of all its keys begin with.
fn alias_of(store: &StoreId) -> String {
    format!("kazasu-{:032x}-", u128::from_be_bytes(*store))
}

fn meta<const N: usize>(reader: &Reader, key: &[u8]) -> Result<[u8; N], Error> {
    let value = reader.get(Table::Meta, key)?;
    value.and_then(|value| value.try_into().ok()).ok_or(StoreFault::Damaged { what: "meta" }.into())
}

fn read_ring(reader: &Reader, key_wrapper: &dyn KeyWrapper) -> Result<KeyRing, Error> {
    let damaged = StoreFault::Damaged { what: "meta" };
    let store = meta(reader, STORE_ID)?;
    let master = reader.get(Table::Meta, MASTER)?.ok_or(damaged)?;
    let (epoch, wrapped) = master.split_first_chunk::<4>().ok_or(damaged)?;
    let epoch = u32::from_be_bytes(*epoch);
    let master = key_wrapper.unwrap(&alias(&store, epoch), wrapped)?;
    let master = master.as_slice().try_into().map(Key::new).map_err(|_| damaged)?;
    let mut ring = KeyRing::new(store, epoch, master);
    reader.visit_all(Table::Keys, |holder, row| {
        ring.unwrap(holder, row)?;
        Ok(Visit::Next)
    })?;
    Ok(ring)
}

fn read_state(reader: &Reader, ring: &KeyRing, format: u32) -> Result<State, Error> {
    let damaged = Error::Store(StoreFault::Damaged { what: "state" });
    let card = ring.card_key(Holder::Device).map_err(|_| StoreFault::Damaged { what: "keys" })?;
    let row = reader.get(Table::Meta, STATE)?.unwrap_or_default();
    let Some((commits, record)) = row.split_first_chunk::<8>() else { return Err(damaged) };
    let commits = u64::from_be_bytes(*commits);
    let plain = cipher::open(&card.key, state_place(&ring.store, commits), card.born..=ring.epoch, record);
    let state = plain.as_deref().and_then(|plain| State::parse(plain)).filter(|state| state.commits == commits);
    state.filter(|state| state.format == format).ok_or(damaged)
}

/// What is compared whenever the store is opened, at a cost that does not grow with it.
fn compare(reader: &Reader, ring: &KeyRing, state: &State, context: &Context) -> Result<(), Error> {
    for table in Table::summed_in(state.format) {
        if Some(reader.len(table)?) != state.clone().sum(table).map(|sum| sum.rows) {
            return Err(StoreFault::Damaged { what: table.name() }.into());
        }
    }
    compare_sums(reader, ring, state, &Table::SMALL)?;
    if reader.len(Table::Meta)? != META_ROWS {
        return Err(StoreFault::Damaged { what: Table::Meta.name() }.into());
    }
    let damaged = StoreFault::Damaged { what: "log" };
    let head = state.log;
    // The link of an entry, if it goes on from the one before: of the first, which names the log, and of the last.
    let link = |n: u64| -> Result<chain::Link, Error> {
        let row = |n: u64| reader.get(Table::Log, &n.to_be_bytes())?.ok_or(Error::from(damaged));
        let previous = match n {
            0 | 1 => chain::genesis(&context.log),
            n => row(n.saturating_sub(1))?.first_chunk().copied().ok_or(damaged)?,
        };
        let row = row(n)?;
        let (stored, body) = row.split_first_chunk::<32>().ok_or(damaged)?;
        if *stored == chain::link(n, &previous, body) { Ok(*stored) } else { Err(damaged.into()) }
    };
    link(1)?;
    let fits = link(head.entries)? == head.hash;
    if fits && reader.len(Table::Log)? == head.entries { Ok(()) } else { Err(damaged.into()) }
}

/// Compares every row of these tables with the state.
pub(super) fn compare_sums(reader: &Reader, ring: &KeyRing, state: &State, tables: &[Table]) -> Result<(), Error> {
    let digester = Digester::new(&ring.digest_key()?)?;
    for table in tables {
        let mut sum = Sum::default();
        reader.visit_all(*table, |key, row| {
            sum.add(digester.digest(*table, key, row));
            Ok(Visit::Next)
        })?;
        if Some(&mut sum) != state.clone().sum(*table) {
            return Err(StoreFault::Damaged { what: table.name() }.into());
        }
    }
    Ok(())
}

/// Whether the newest checkpoint is what was written, and by the log key.
fn compare_checkpoint(reader: &Reader, state: &State, context: &Context) -> Result<(), Error> {
    let row = reader.get(Table::Checkpoints, &state.log.checkpoint.to_be_bytes())?;
    let newest = row.as_deref().and_then(Checkpoint::from_bytes);
    let newest = newest.filter(|newest| newest.hash() == state.log.checkpoint_hash);
    let newest = newest.ok_or(StoreFault::Damaged { what: Table::Checkpoints.name() })?;
    if newest.verifies(&context.log_public_key, context.verifier) { Ok(()) } else { Err(StoreFault::Replaced.into()) }
}

/// Whether the log of this store is that of the anchor, and goes on from it.
fn compare_anchor(reader: &Reader, anchor: &Checkpoint, state: &State, context: &Context) -> Result<(), Error> {
    if anchor.log != context.log {
        return Err(StoreFault::Replaced.into());
    }
    // The log key is the right one: it has signed the newest checkpoint.
    if !anchor.verifies(&context.log_public_key, context.verifier) {
        return Err(StoreFault::Damaged { what: "anchor" }.into());
    }
    let row = reader.get(Table::Log, &anchor.entries.to_be_bytes())?;
    let same = row.is_some_and(|row| row.first_chunk() == Some(&anchor.link));
    if anchor.entries <= state.log.entries && same { Ok(()) } else { Err(StoreFault::RolledBack.into()) }
}
