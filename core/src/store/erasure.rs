//! Removing a member so that nothing of theirs can be read again, old copies of the file included.
//!
//! First a tombstone is written. Then a new master key is made that does not wrap the member's key, and the old master key
//! is deleted from the key store, so that copies of the wrapped key in old pages or backups open nowhere. Then rows and
//! tombstone are deleted, and the file is written anew. A crash at any point goes on from the tombstone.

use super::event::Event;
use super::file::Visit;
use super::key_wrapper::Deletion;
use super::keys::{Holder, MemberId};
use super::schema::Table;
use super::{Store, under};
use crate::error::Error;

/// What an erasure is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Erasure {
    /// The key is gone for good, in hardware.
    Complete,
    /// The key was overwritten in a file: what a flash controller or a backup keeps is beyond reach.
    BestEffort,
}

impl Store {
    /// Removes a member: keys, tokens, history, records, payments and settings. The log keeps that somebody was removed,
    /// and its older entries can no longer be told to be theirs. Revoke the tokens at the server first.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered; [`Error::Store`], [`Error::DeviceKey`]: the member is gone from
    /// this list either way, and the rest is done when the store is opened again.
    pub fn remove_member(&mut self, member: MemberId) -> Result<Erasure, Error> {
        self.write(|tx| {
            tx.log(Event::MemberRemoved, Some(member), Ok(()), 0)?;
            tx.put(Holder::Device, Table::Tombstones, &member.0, b"")
        })?;
        self.erase(member)
    }

    /// Finishes what was interrupted.
    pub(super) fn resume_erasures(&mut self) -> Result<(), Error> {
        let mut unfinished = Vec::new();
        self.read(|view| {
            view.visit(Holder::Device, Table::Tombstones, &under(b""), |key, _| {
                unfinished.extend(<[u8; 16]>::try_from(key).map(MemberId));
                Ok(Visit::Next)
            })
        })?;
        unfinished.into_iter().try_for_each(|member| self.erase(member).map(drop))
    }

    fn erase(&mut self, member: MemberId) -> Result<Erasure, Error> {
        let holder = Holder::Member(member);
        self.ring.remove(holder);
        let deletion = self.rotate_and(|_| Ok(()))?;
        self.write(|tx| {
            for table in Table::OF_MEMBERS {
                tx.remove_range(table, &under(holder.bytes()))?;
            }
            tx.remove(Table::Tombstones, &member.0)?;
            tx.log(Event::Erased, None, Ok(()), 0)
        })?;
        self.compact()?;
        Ok(match deletion {
            Deletion::Final => Erasure::Complete,
            Deletion::BestEffort => Erasure::BestEffort,
        })
    }
}
