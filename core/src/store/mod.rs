//! The family's encrypted store: one file, at most five members, each with a key of their own.
//!
//! ```text
//! key store ─ wraps ─ master key of the epoch ─ wraps ─ key of a member ─ derives ─ key of a table ─ seals ─ row
//! ```
//!
//! Every change is one transaction that is on the disk when the call returns: the rows, the entry of the access log, and
//! the state that makes the set of all rows authentic. One process has the file open at a time; a second one gets
//! [`Error::Busy`](crate::Error::Busy). All calls block for as long as the file system and the key store take.
//!
//! What it holds against: theft of the file, with or without old copies; exchanged, changed, missing or restored rows; loss
//! of power at any moment. What it does not hold against: who can unlock the device and run the app can read what the app
//! can, and what was exported has left.

mod access_log;
mod acts;
mod chain;
mod cipher;
mod confirmed;
mod context;
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
mod known_time;
mod mark;
mod member;
mod migration;
mod open;
mod padding;
mod patient;
mod payments;
mod policy;
#[cfg(all(test, feature = "ring", feature = "software-key"))]
mod power_loss;
mod records;
mod retention;
mod schema;
mod secrets;
mod settings;
mod state;
mod text;
mod transaction;
#[cfg(test)]
mod vectors;
mod whole;

pub use access_log::{LogDamage, LogEntry, LogVerdict};
pub use acts::{Contact, Registration};
pub use chain::Checkpoint;
pub use context::{Limits, StoreSettings};
pub use erasure::Erasure;
pub use event::{Event, Subject};
pub use expiring::{Aging, Expiring};
#[cfg(all(unix, feature = "software-key"))]
pub use file_keys::FileKeys;
pub use history::{CheckedBy, HistoryEntry};
pub use key_wrapper::{Deletion, KeyStoreError, KeyWrapper};
pub use keys::MemberId;
pub use member::{Candidate, Card, Confirmed, MAX_MEMBERS, Member, Profile, Registered, Role};
pub use patient::ServerPatient;
pub use payments::{PaymentId, StoredPayment};
pub use policy::RetentionPolicy;
pub use records::{Query, RecordKey, RecordPage, Saved, StoredRecord};
pub use retention::Retention;
pub use secrets::SecretKind;
pub use transaction::Store;

use transaction::{LONGEST_KEY, Tx, View, under};
