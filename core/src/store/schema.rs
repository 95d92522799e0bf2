//! The tables, and how a file of an older format becomes one of this.

use super::file::Writer;
use super::{Tx, member_row};
use crate::error::{Error, StoreFault};

/// Format of the file that this version writes.
pub(super) const FORMAT: u32 = 2;
/// Schema of what is sealed in a row; it stands before the record and is authenticated with it.
pub(super) const ROW_SCHEMA: u16 = 1;

/// A table. Names go into the associated data of every row and never change.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Table {
    /// Format, ids, the wrapped master key, and the sealed [`State`](super::state::State).
    Meta,
    /// Holder → wrapped card key.
    Keys,
    /// Member → profile.
    Members,
    /// Member ‖ name → device key, tokens, prepared stop.
    Secrets,
    /// Member ‖ time, newest first → one look at the eligibility.
    History,
    /// Member ‖ day, newest first ‖ blind id → a FHIR resource.
    Records,
    /// Member ‖ blind id → day of the record.
    RecordIds,
    /// Key of a record that was not looked at yet → nothing.
    Unread,
    /// Member ‖ id → a payment the user entered or imported.
    Payments,
    /// Holder ‖ name → what the app remembers.
    Settings,
    /// Member whose erasure has begun → nothing.
    Tombstones,
    /// Member ‖ table ‖ rest of a row's key → since when the row is to be deleted. Came with format 2.
    Expiring,
    /// Number → hash and entry.
    Log,
    /// Number of the last entry → signed checkpoint.
    Checkpoints,
}

impl Table {
    /// Those whose every row is counted and summed in the state.
    pub(super) const SUMMED: [Self; 11] = [
        Self::Keys,
        Self::Members,
        Self::Secrets,
        Self::History,
        Self::Records,
        Self::RecordIds,
        Self::Unread,
        Self::Payments,
        Self::Settings,
        Self::Tombstones,
        Self::Expiring,
    ];
    /// Those in which a member's rows begin with the member's id.
    pub(super) const OF_MEMBERS: [Self; 9] = [
        Self::Members,
        Self::Secrets,
        Self::History,
        Self::Records,
        Self::RecordIds,
        Self::Unread,
        Self::Payments,
        Self::Settings,
        Self::Expiring,
    ];
    /// Small enough to be compared whole whenever the store is opened.
    pub(super) const SMALL: [Self; 3] = [Self::Keys, Self::Members, Self::Tombstones];
    /// All there are.
    pub(super) const ALL: [Self; 14] = [
        Self::Meta,
        Self::Keys,
        Self::Members,
        Self::Secrets,
        Self::History,
        Self::Records,
        Self::RecordIds,
        Self::Unread,
        Self::Payments,
        Self::Settings,
        Self::Tombstones,
        Self::Expiring,
        Self::Log,
        Self::Checkpoints,
    ];

    /// Whether its rows are sealed; the others hold nothing that says anything.
    pub(super) const fn is_sealed(self) -> bool {
        use Table::{Checkpoints, Expiring, Keys, Log, Meta, RecordIds, Unread};
        !matches!(self, Meta | Keys | RecordIds | Unread | Expiring | Log | Checkpoints)
    }

    /// The summed tables that a file of this format has, in the order of their sums.
    pub(super) fn summed_in(format: u32) -> impl Iterator<Item = Self> {
        Self::SUMMED.into_iter().filter(move |table| format >= 2 || *table != Self::Expiring)
    }

    /// Name in the file and in associated data.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Keys => "keys",
            Self::Members => "members",
            Self::Secrets => "secrets",
            Self::History => "history",
            Self::Records => "records",
            Self::RecordIds => "record_ids",
            Self::Unread => "unread",
            Self::Payments => "payments",
            Self::Settings => "settings",
            Self::Tombstones => "tombstones",
            Self::Expiring => "expiring",
            Self::Log => "log",
            Self::Checkpoints => "checkpoints",
        }
    }
}

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
    member_row::to_format_2(tx)
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
