//! Names of rows that are to be deleted, as table `expiring` keeps them.
//!
//! ```text
//! expiring   member 16 | u8 table | rest of the row's key → u64 confirmed unix ms of the mark, 0 while not confirmed
//! ```

use super::keys::MemberId;
use super::schema::Table;

/// Names a row that is to be deleted.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Mark {
    pub(super) member: MemberId,
    /// [`Table::History`] or [`Table::Records`].
    pub(super) table: Table,
    /// Key of the row behind the member's id.
    rest: Vec<u8>,
}

impl Mark {
    pub(super) fn new(table: Table, row: &[u8]) -> Option<Self> {
        let (member, rest) = row.split_first_chunk::<16>()?;
        Some(Self { member: MemberId(*member), table, rest: rest.to_vec() })
    }

    /// Reads the key of its own row.
    pub(super) fn parse(key: &[u8]) -> Option<Self> {
        let (member, rest) = key.split_first_chunk::<16>()?;
        let (table, rest) = rest.split_first()?;
        let table = [Table::History, Table::Records].into_iter().find(|one| tag(*one) == *table)?;
        Some(Self { member: MemberId(*member), table, rest: rest.to_vec() })
    }

    /// Key of its own row.
    pub(super) fn key(&self) -> Vec<u8> {
        [&self.member.0[..], &[tag(self.table)], &self.rest].concat()
    }

    /// Key of the row that it names.
    pub(super) fn row(&self) -> Vec<u8> {
        [&self.member.0[..], &self.rest].concat()
    }
}

/// Key of the mark of a record, if it has one.
pub(super) fn mark_of_record(row: &[u8]) -> Vec<u8> {
    Mark::new(Table::Records, row).map_or_else(Vec::new, |mark| mark.key())
}

const fn tag(table: Table) -> u8 {
    if matches!(table, Table::History) { b'h' } else { b'r' }
}
