//! How a file of an older format becomes one of this.

use super::file::Writer;
use super::schema::Table;
use super::{Tx, member};
use crate::error::{Error, StoreFault};

/// Makes every table, so that reading never meets a missing one.
pub(super) fn create_tables(writer: &Writer) -> Result<(), Error> {
    Table::ALL.iter().try_for_each(|table| writer.get(*table, b"").map(drop))
}

/// What takes a file from one format to the next, within one transaction.
pub(super) type Step = fn(&mut Tx<'_>) -> Result<(), Error>;

/// Step `i` takes format `i + 1` to `i + 2`. Format 1 is the first that was ever written.
pub(super) const STEPS: &[Step] = &[to_format_2];

/// Members with several cards and with whom each server calls them; rows that are to be deleted; confirmed time.
fn to_format_2(tx: &mut Tx<'_>) -> Result<(), Error> {
    create_tables(tx.writer)?;
    member::to_format_2(tx)
}

/// The steps from `found` to the format after the last step.
///
/// # Errors
/// [`StoreFault::Newer`] for a format that this version does not know; [`StoreFault::Damaged`] for none at all.
pub(super) fn steps_from(found: u32, steps: &[Step]) -> Result<&[Step], Error> {
    let done = found.checked_sub(1).ok_or(StoreFault::Damaged { what: "format" })?;
    usize::try_from(done).ok().and_then(|done| steps.get(done..)).ok_or_else(|| StoreFault::Newer.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::FORMAT;

    fn step(_: &mut Tx<'_>) -> Result<(), Error> {
        Ok(())
    }

    #[test]
    fn steps_lead_to_the_format_written_and_from_nowhere_else() {
        assert_eq!(STEPS.len() + 1, FORMAT as usize);
        assert_eq!(steps_from(1, &[step, step]).expect("both").len(), 2);
        assert_eq!(steps_from(3, &[step, step]).expect("none").len(), 0);
        assert_eq!(steps_from(4, &[step, step]).expect_err("unknown"), StoreFault::Newer.into());
        assert_eq!(steps_from(0, &[step]).expect_err("none"), StoreFault::Damaged { what: "format" }.into());
    }
}
