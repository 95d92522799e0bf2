//! What the app remembers of its own: answers to the safety questions, when the log was last looked at.

use super::keys::{Holder, MemberId, row_key};
use super::schema::Table;
use super::{LONGEST_KEY, Store};
use crate::error::Error;

impl Store {
    /// Remembers a value for a member, or for the installation, in place of the one before.
    ///
    /// # Errors
    /// [`Error::Usage`] for a member who is not registered or a name that is not 1 to 48 bytes; [`Error::Store`].
    pub fn remember(&mut self, member: Option<MemberId>, name: &str, value: &[u8]) -> Result<(), Error> {
        let holder = holder(member, name)?;
        self.write(|tx| tx.put(holder, Table::Settings, &row_key(holder, name.as_bytes()), value))
    }

    /// What was remembered.
    ///
    /// # Errors
    /// As [`Store::remember`].
    pub fn remembered(&self, member: Option<MemberId>, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let holder = holder(member, name)?;
        self.ring.card_key(holder)?;
        let value = self.read(|view| view.get(holder, Table::Settings, &row_key(holder, name.as_bytes())))?;
        Ok(value.map(|value| value.to_vec()))
    }
}

fn holder(member: Option<MemberId>, name: &str) -> Result<Holder, Error> {
    if name.is_empty() || name.len() > LONGEST_KEY - 16 {
        return Err(Error::usage("a setting's name has 1 to 48 bytes"));
    }
    Ok(member.map_or(Holder::Device, Holder::Member))
}
