//! How much memory what is parsed may take, counted before it is taken.

use std::cell::Cell;

use crate::error::ResourceFault;

/// Bytes of heap for every byte of text: with the text itself, and what unescaping a string takes, below eight times what
/// was received. Text in small objects costs more: `{"":0}` a hundred times its length, FHIR as people write it ten times.
const FACTOR: usize = 5;
/// Room that short texts get too, in bytes: with it every honest resource of 400 kB passes.
const LEAST: usize = 5 << 20;
/// Room that no text gets more than, in bytes.
const MOST: usize = 40 << 20;

/// Bytes of heap that may still be taken, and why they were not.
pub(crate) struct Room {
    left: Cell<usize>,
    fault: Cell<Option<ResourceFault>>,
}

impl Room {
    /// What a text of this length may take.
    pub(crate) fn for_text(len: usize) -> Self {
        Self::of(len.saturating_mul(FACTOR).clamp(LEAST, MOST))
    }

    /// What is left beside other things: at most `bytes`.
    pub(crate) fn within(self, bytes: usize) -> Self {
        Self::of(self.left.get().min(bytes))
    }

    fn of(bytes: usize) -> Self {
        Self { left: Cell::new(bytes), fault: Cell::new(None) }
    }

    /// For what was parsed within bounds before.
    pub(crate) fn boundless() -> Self {
        Self::of(usize::MAX)
    }

    pub(crate) fn left(&self) -> usize {
        self.left.get()
    }

    /// Takes bytes; to be called before they are allocated.
    pub(super) fn take<E: serde_core::de::Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(bytes).ok_or_else(|| self.refuse(ResourceFault::TooLarge))?;
        self.left.set(left);
        Ok(())
    }

    /// Gives back what was freed.
    pub(super) fn give(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_add(bytes));
    }

    /// Notes the fault beside the parser's own error, which has no place for it.
    pub(super) fn refuse<E: serde_core::de::Error>(&self, fault: ResourceFault) -> E {
        self.fault.set(Some(fault));
        E::custom("refused")
    }

    /// Why parsing ended with `error`.
    pub(super) fn fault_of(&self, error: &serde_json::Error, what: &'static str) -> ResourceFault {
        // serde_json stops at 128 levels by itself; that is depth, not form.
        let is_deep = || error.to_string().starts_with("recursion limit");
        let own = self.fault.take();
        own.unwrap_or_else(|| if is_deep() { ResourceFault::TooLarge } else { ResourceFault::Malformed { what } })
    }
}
