//! What is done with the file as a whole: look at every row, give room back, close it.

use super::access_log::LogVerdict;
use super::chain::Checkpoint;
use super::file::Visit;
use super::open;
use super::schema::Table;
use super::{Store, View, under};
use crate::error::Error;

impl Store {
    /// Reads the whole file: every page, every row's digest against the sealed sums, every row opened with its key, and the
    /// log. Takes seconds for a large store; an app runs it when something looks wrong.
    ///
    /// # Errors
    /// [`StoreFault::Damaged`](crate::error::StoreFault::Damaged) names the first table that is not what was written.
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

impl View<'_> {
    fn open_every_row(&self) -> Result<(), Error> {
        for holder in self.ring.holders() {
            for table in Table::OF_MEMBERS.into_iter().filter(|table| table.is_sealed()) {
                self.visit(holder, table, &under(holder.bytes()), |_, _| Ok(Visit::Next))?;
            }
        }
        Ok(())
    }
}
