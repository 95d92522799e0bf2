//! The access log of the store.

use kazasu::store as core;

use super::checkpoint::Checkpoint;
use super::{Store, member_id, mirror};
use crate::error::KazasuError;
use crate::guidance::Language;

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident,)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
        pub enum LogEvent {
            $($(#[$doc])* $variant,)*
            /// Written by a newer version.
            Unknown,
        }

        impl From<core::Event> for LogEvent {
            fn from(core: core::Event) -> Self {
                match core { $(core::Event::$variant => Self::$variant,)* core::Event::Unknown(_) => Self::Unknown }
            }
        }

        impl From<LogEvent> for core::Event {
            fn from(ffi: LogEvent) -> Self {
                match ffi { $(LogEvent::$variant => Self::$variant,)* LogEvent::Unknown => Self::Unknown(0) }
            }
        }
    };
}

events! {
    /// The store was made.
    StoreCreated,
    /// A member was registered.
    MemberAdded,
    /// A member's profile was changed.
    MemberChanged,
    /// A member's removal began.
    MemberRemoved,
    /// Everything of a removed member is gone.
    Erased,
    /// An online check of the eligibility.
    Qualified,
    /// The history of checks was read.
    HistoryRead,
    /// Records came from the server.
    RecordsSaved,
    /// Records were read.
    RecordsRead,
    /// Data left the store in a file.
    Exported,
    /// Data came into the store from a file.
    Imported,
    /// A consent was given or withdrawn.
    ConsentChanged,
    /// A PIN was wrong, or the card left while it was checked.
    PinFailed,
    /// Use of the card was stopped.
    Suspended,
    /// The keys were renewed.
    Rotated,
    /// Data past their time were deleted.
    Expired,
    /// The clock went backwards.
    ClockSetBack,
    /// A payment was entered, changed or deleted.
    PaymentChanged,
    /// This log was read.
    LogRead,
    /// An access to the server ended.
    SignedOut,
    /// The file was brought to a newer format.
    Migrated,
    /// A server's time confirmed the clock.
    ClockConfirmed,
    /// Data past their time are to be deleted, in a week at the earliest.
    ExpiryMarked,
    /// A person confirmed that a server knows a member by another id now.
    PatientConfirmed,
}

/// What only the app knows and tells the log itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum AppEvent {
    /// A person has looked at this log.
    LogRead,
    /// A PIN was wrong, or the card left while it was checked.
    PinFailed,
    /// A consent was given or withdrawn at the server.
    ConsentChanged,
    /// Use of the card was stopped.
    Suspended,
    /// An access to the server ended: tokens revoked.
    SignedOut,
}

/// One entry: who looked at what, when, and how it ended. Never a value, a name or a PIN.
#[derive(Clone, Debug, uniffi::Record)]
pub struct LogEntry {
    /// Number, from 1.
    pub n: u64,
    /// What happened.
    pub event: LogEvent,
    /// When, by the clock of this device, milliseconds since 1970.
    pub at_unix_ms: i64,
    /// Whose data it was about; `None` for the store itself and for members removed since.
    pub member: Option<String>,
    /// `OK`, or the code of the error.
    pub result: String,
}

mirror! {
    /// What is wrong with an entry.
    LogDamage of kazasu::store::LogDamage {
        /// There is another number in its place, or nothing.
        Missing,
        /// Its hash is not that of its contents and of the entry before it.
        Changed,
        /// The signed checkpoint after it says otherwise, or is missing.
        Checkpoint,
        /// The store says that the log ends elsewhere.
        End,
    }
}

/// What looking through the whole log found.
#[derive(Clone, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum LogVerdict {
    /// Every entry and every checkpoint fits.
    Whole {
        /// Entries looked at.
        entries: u64,
        /// Checkpoints looked at.
        checkpoints: u64,
    },
    /// Entry `n` is the first that does not fit.
    Broken {
        /// Its number.
        n: u64,
        /// What is wrong with it.
        what: LogDamage,
    },
}

#[uniffi::export]
impl Store {
    /// At most `limit` entries, the newest first, from number `before` on downwards; `None` for the newest of all. Reading
    /// is not told in the log: call `tell` with `LogRead` when a person looks.
    pub fn log_entries(&self, before: Option<u64>, limit: u32) -> Result<Vec<LogEntry>, KazasuError> {
        Ok(self.with(|store| store.log_entries(before, limit))?.into_iter().map(entry).collect())
    }

    /// Tells the log what the app did with the data, or what happened to it.
    pub fn tell(&self, event: AppEvent, member: Option<String>) -> Result<(), KazasuError> {
        let member = member.as_deref().map(member_id).transpose()?;
        self.with(|store| store.append_log(event.into(), member, Ok(())))
    }

    /// Looks through the whole log: every hash, every checkpoint and its signature, and the end.
    pub fn verify_log(&self) -> Result<LogVerdict, KazasuError> {
        self.with(|store| store.verify_log()).map(Into::into)
    }

    /// Reads and compares the whole file. Takes seconds for a large store; for when something looks wrong.
    pub fn verify(&self) -> Result<LogVerdict, KazasuError> {
        self.with(core::Store::verify).map(Into::into)
    }

    /// The newest checkpoint, made now if entries came since the last one.
    pub fn checkpoint(&self) -> Result<Checkpoint, KazasuError> {
        Ok((&self.with(core::Store::checkpoint)?).into())
    }
}

/// An event of the log, for people.
#[uniffi::export]
pub fn log_event_text(event: LogEvent, language: Language) -> String {
    core::Event::from(event).words(language == Language::Japanese).to_owned()
}

fn entry(core: core::LogEntry) -> LogEntry {
    LogEntry {
        n: core.n,
        event: core.event.into(),
        at_unix_ms: core.at.0,
        member: core.member.map(|member| member.to_string()),
        result: core.result,
    }
}

impl From<AppEvent> for core::Event {
    fn from(ffi: AppEvent) -> Self {
        match ffi {
            AppEvent::LogRead => Self::LogRead,
            AppEvent::PinFailed => Self::PinFailed,
            AppEvent::ConsentChanged => Self::ConsentChanged,
            AppEvent::Suspended => Self::Suspended,
            AppEvent::SignedOut => Self::SignedOut,
        }
    }
}

impl From<core::LogVerdict> for LogVerdict {
    fn from(core: core::LogVerdict) -> Self {
        match core {
            core::LogVerdict::Whole { entries, checkpoints } => Self::Whole { entries, checkpoints },
            core::LogVerdict::Broken { n, what } => Self::Broken { n, what: what.into() },
        }
    }
}
