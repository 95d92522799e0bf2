//! What the store knows of itself, sealed anew with each transaction: how many rows there are and a sum over all of them.
//!
//! Each row is authentic on its own, but an old one, or none, would be too. The sum of every row's keyed digest, modulo
//! 2²⁵⁶, makes the set of rows authentic: one that is changed, missing, added or put back does not add up (a multiset
//! hash, Clarke et al. 2003). The head of the log stands beside it.

use crypto_bigint::{Encoding, U256};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::cipher::{Key, Place, StoreId, lp};
use super::known_time::KnownTime;
use super::schema::{FORMAT, ROW_SCHEMA, Table};
use crate::error::Error;
use crate::time::UnixMillis;

/// Key of the sealed state in [`Table::Meta`].
pub(super) const STATE: &[u8] = b"state";
const TABLES: usize = Table::SUMMED.len();

/// Rows of one table.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Sum {
    pub(super) rows: u64,
    total: U256,
}

impl Sum {
    pub(super) fn add(&mut self, digest: U256) {
        self.rows = self.rows.saturating_add(1);
        self.total = self.total.wrapping_add(&digest);
    }

    pub(super) fn subtract(&mut self, digest: U256) {
        self.rows = self.rows.saturating_sub(1);
        self.total = self.total.wrapping_sub(&digest);
    }
}

/// The keyed digest of one row.
#[derive(Clone)]
pub(super) struct Digester(Hmac<Sha256>);

impl Digester {
    pub(super) fn new(key: &Key) -> Result<Self, Error> {
        Hmac::new_from_slice(&**key).map(Self).map_err(|_| Error::Internal { detail: "key derivation" })
    }

    pub(super) fn digest(&self, table: Table, key: &[u8], value: &[u8]) -> U256 {
        let mac = self.0.clone().chain_update(lp(table.name().as_bytes())).chain_update(lp(key)).chain_update(value);
        U256::from_be_bytes(<[u8; 32]>::from(mac.finalize().into_bytes()).into())
    }
}

/// Counters and sums.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct State {
    /// Format of the file: what the plain text beside it says must agree.
    pub(super) format: u32,
    /// Transactions so far: the row version of the state itself.
    pub(super) commits: u64,
    /// When this epoch began.
    pub(super) epoch_began: UnixMillis,
    /// Rows sealed in this epoch, the state itself among them.
    pub(super) writes: u64,
    /// The oldest epoch whose key the key store may still have: those from here to the one before this are to be deleted.
    pub(super) oldest_epoch: u32,
    /// Head of the log.
    pub(super) log: LogHead,
    /// What servers have said about the clock.
    pub(super) time: KnownTime,
    sums: [Sum; TABLES],
}

/// Where the log ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct LogHead {
    /// Entries.
    pub(super) entries: u64,
    /// Hash of the last one, or of the beginning.
    pub(super) hash: [u8; 32],
    /// Time of the last one.
    pub(super) at: UnixMillis,
    /// Entries under the newest checkpoint.
    pub(super) checkpoint: u64,
    /// SHA-256 of the newest checkpoint with its signature; zeros before the first.
    pub(super) checkpoint_hash: [u8; 32],
}

impl State {
    pub(super) fn new(now: UnixMillis, epoch: u32, genesis: [u8; 32]) -> Self {
        let log = LogHead { entries: 0, hash: genesis, at: now, checkpoint: 0, checkpoint_hash: [0; 32] };
        let (time, sums) = (KnownTime::NEVER, [Sum::default(); TABLES]);
        Self { format: FORMAT, commits: 0, epoch_began: now, writes: 0, oldest_epoch: epoch, log, time, sums }
    }

    /// The sum of a table; tables that are not summed have none.
    pub(super) fn sum(&mut self, table: Table) -> Option<&mut Sum> {
        let at = Table::SUMMED.iter().position(|one| *one == table)?;
        self.sums.get_mut(at)
    }

    /// Fixed-length form of [`FORMAT`], big endian.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.format.to_be_bytes());
        bytes.extend(self.commits.to_be_bytes());
        bytes.extend(self.epoch_began.0.to_be_bytes());
        bytes.extend(self.writes.to_be_bytes());
        bytes.extend(self.oldest_epoch.to_be_bytes());
        bytes.extend(self.log.entries.to_be_bytes());
        bytes.extend(self.log.hash);
        bytes.extend(self.log.at.0.to_be_bytes());
        bytes.extend(self.log.checkpoint.to_be_bytes());
        bytes.extend(self.log.checkpoint_hash);
        bytes.extend(self.time.server.0.to_be_bytes());
        bytes.extend(self.time.local.0.to_be_bytes());
        for sum in &self.sums {
            bytes.extend(sum.rows.to_be_bytes());
            bytes.extend(sum.total.to_be_bytes().as_ref());
        }
        bytes
    }

    /// Reads [`State::to_bytes`], and what format 1 wrote: that had neither the confirmed time nor the newest tables.
    pub(super) fn parse(mut bytes: &[u8]) -> Option<Self> {
        let format = u32::from_be_bytes(take(&mut bytes)?);
        let commits = u64::from_be_bytes(take(&mut bytes)?);
        let epoch_began = UnixMillis(i64::from_be_bytes(take(&mut bytes)?));
        let writes = u64::from_be_bytes(take(&mut bytes)?);
        let oldest_epoch = u32::from_be_bytes(take(&mut bytes)?);
        let log = LogHead {
            entries: u64::from_be_bytes(take(&mut bytes)?),
            hash: take(&mut bytes)?,
            at: UnixMillis(i64::from_be_bytes(take(&mut bytes)?)),
            checkpoint: u64::from_be_bytes(take(&mut bytes)?),
            checkpoint_hash: take(&mut bytes)?,
        };
        let mut time = KnownTime::NEVER;
        if format >= 2 {
            time.server = UnixMillis(i64::from_be_bytes(take(&mut bytes)?));
            time.local = UnixMillis(i64::from_be_bytes(take(&mut bytes)?));
        }
        let mut sums = [Sum::default(); TABLES];
        for (sum, _) in sums.iter_mut().zip(Table::summed_in(format)) {
            let rows = u64::from_be_bytes(take(&mut bytes)?);
            *sum = Sum { rows, total: U256::from_be_bytes(take::<32>(&mut bytes)?.into()) };
        }
        bytes.is_empty().then_some(Self { format, commits, epoch_began, writes, oldest_epoch, log, time, sums })
    }
}

/// Where the state stands: its row version is the number of transactions.
pub(super) const fn state_place(store: &StoreId, commits: u64) -> Place<'_> {
    Place { store, table: "meta", key: STATE, schema: ROW_SCHEMA, version: commits }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}
