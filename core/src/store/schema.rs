//! The tables.

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
