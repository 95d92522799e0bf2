//! The store's file from below: rows as redb has them, to be changed behind the store's back.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

/// Every table of the store.
pub(crate) const TABLES: [&str; 14] = [
    "meta",
    "keys",
    "members",
    "secrets",
    "history",
    "records",
    "record_ids",
    "unread",
    "payments",
    "settings",
    "tombstones",
    "expiring",
    "log",
    "checkpoints",
];

/// Table and key → value.
pub(crate) type Rows = BTreeMap<(&'static str, Vec<u8>), Vec<u8>>;

pub(crate) const fn table(name: &'static str) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// All rows of a file.
pub(crate) fn rows(file: &Path) -> Rows {
    rows_of(file, &TABLES)
}

/// All rows of some tables of a file.
pub(crate) fn rows_of(file: &Path, tables: &[&'static str]) -> Rows {
    let database = Database::open(file).expect("opens");
    let transaction = database.begin_read().expect("reads");
    let mut rows = Rows::new();
    for &name in tables {
        let table = transaction.open_table(table(name)).expect("a table");
        for row in table.iter().expect("reads") {
            let (key, value) = row.expect("reads");
            rows.insert((name, key.value().to_vec()), value.value().to_vec());
        }
    }
    rows
}

/// Changes a file.
pub(crate) fn change(file: &Path, work: impl FnOnce(&WriteTransaction)) {
    let database = Database::open(file).expect("opens");
    let transaction = database.begin_write().expect("writes");
    work(&transaction);
    transaction.commit().expect("commits");
}

pub(crate) fn put(transaction: &WriteTransaction, name: &'static str, key: &[u8], value: &[u8]) {
    transaction.open_table(table(name)).expect("a table").insert(key, value).expect("writes");
}

pub(crate) fn delete(transaction: &WriteTransaction, name: &'static str, key: &[u8]) {
    transaction.open_table(table(name)).expect("a table").remove(key).expect("writes");
}

/// The epoch whose master key the file needs.
pub(crate) fn epoch(file: &Path) -> u32 {
    let rows = rows(file);
    let master = rows.get(&("meta", b"master".to_vec())).expect("a master key");
    u32::from_be_bytes(*master.first_chunk().expect("an epoch"))
}
