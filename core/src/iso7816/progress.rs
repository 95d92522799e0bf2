//! How far a long read has come.

/// What the card is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReadPhase {
    /// The tries left are asked for and the PIN is sent.
    Pin,
    /// A file is being read.
    Reading,
    /// All is read; signatures are being checked. The card may still be needed.
    Checking,
}

/// A step of a read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadProgress {
    /// What is going on.
    pub phase: ReadPhase,
    /// Bytes of the present file read so far; 0 outside [`ReadPhase::Reading`].
    pub read: usize,
    /// Bytes of the present file in all; 0 outside [`ReadPhase::Reading`].
    pub total: usize,
}

impl ReadProgress {
    /// How much of the present file is read, from 0 to 1.
    pub fn fraction(self) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        // Files of a card have less than 2¹⁶ bytes: exact in f64.
        let [read, total] = [self.read, self.total].map(|n| f64::from(u32::try_from(n).unwrap_or(u32::MAX)));
        (read / total).min(1.0)
    }
}
