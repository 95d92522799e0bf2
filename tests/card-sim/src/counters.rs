//! What a card was asked: counts and a log without bodies.

use crate::apdu::{Command, ins};
use std::collections::BTreeMap;

/// One line of [`crate::Card::log`]: INS, P1, P2, status word.
pub type LogEntry = (u8, u8, u8, u16);

/// How often the card was asked what.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Commands answered, malformed ones included. Commands lost on the way do not count.
    pub exchanges: u32,
    /// VERIFY commands that carried a PIN, right or wrong.
    pub verify_with_data: u32,
    /// Commands by INS.
    pub by_ins: BTreeMap<u8, u32>,
    /// Bytes of all commands.
    pub bytes_to_card: u64,
    /// Bytes of all answers, status words included.
    pub bytes_from_card: u64,
}

impl Counters {
    /// Commands with this INS.
    pub fn ins(&self, ins: u8) -> u32 {
        self.by_ins.get(&ins).copied().unwrap_or_default()
    }

    pub(crate) fn count(&mut self, command: Option<&Command<'_>>, to_card: usize, from_card: usize) {
        self.exchanges += 1;
        self.bytes_to_card += to_card as u64;
        self.bytes_from_card += from_card as u64;
        if let Some(command) = command {
            *self.by_ins.entry(command.ins).or_default() += 1;
            self.verify_with_data += u32::from(command.ins == ins::VERIFY && !command.data.is_empty());
        }
    }
}
