//! Faults on the way between reader and card.

use crate::{card::Card, transport::lock};
use std::{str::FromStr, sync::Mutex, thread, time::Duration};

/// What goes wrong in one exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The card leaves the field before it sees the command.
    Drop,
    /// The card executes the command and leaves the field before its answer arrives.
    DropAfter,
    /// The card does not execute the command and answers this status word.
    StatusWord(u16),
    /// Only the first bytes of the answer arrive, status word included in the count.
    Truncate(usize),
    /// One bit of the answer is flipped, counted from the highest bit of its first byte; beyond the end, around again.
    FlipBit(usize),
    /// The card starts this many milliseconds late.
    Delay(u64),
}

/// Which exchange a fault waits for. Every fault happens once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// The exchange with this number since the tap or since power-on, from 0.
    Exchange(u32),
    /// The first command with this INS.
    Ins(u8),
}

/// A fault and its time. Reads from text as `exchange=4:drop`, `ins=20:drop-after`, `ins=A4:status=6F00`,
/// `exchange=2:truncate=1`, `exchange=2:flip-bit=9`, `ins=2A:delay=3000`: numbers decimal, INS and status word hex.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FaultAt {
    /// When it happens.
    pub when: When,
    /// What happens.
    pub fault: Fault,
}

impl FromStr for FaultAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is not a fault such as ins=20:drop-after or exchange=4:status=6F00");
        let (when, fault) = text.split_once(':').ok_or_else(wrong)?;
        let when = match when.split_once('=') {
            Some(("exchange", number)) => When::Exchange(number.parse().map_err(|_| wrong())?),
            Some(("ins", ins)) => When::Ins(u8::from_str_radix(ins, 16).map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        let fault = match fault.split_once('=').unwrap_or((fault, "")) {
            ("drop", "") => Fault::Drop,
            ("drop-after", "") => Fault::DropAfter,
            ("status", sw) => Fault::StatusWord(u16::from_str_radix(sw, 16).map_err(|_| wrong())?),
            ("truncate", length) => Fault::Truncate(length.parse().map_err(|_| wrong())?),
            ("flip-bit", bit) => Fault::FlipBit(bit.parse().map_err(|_| wrong())?),
            ("delay", milliseconds) => Fault::Delay(milliseconds.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        Ok(Self { when, fault })
    }
}

/// The way to a card, with the faults that still wait on it.
#[derive(Debug, Default)]
pub(crate) struct Link {
    faults: Vec<FaultAt>,
    exchange: u32,
}

impl Link {
    pub(crate) fn arm(&mut self, fault: FaultAt) {
        self.faults.push(fault);
    }

    /// Counts exchanges from 0 again.
    pub(crate) fn restart(&mut self) {
        self.exchange = 0;
    }

    /// Brings one command to the card and its answer back; `None` when the card was lost and is without power.
    pub(crate) fn exchange(&mut self, card: &Mutex<Card>, command: &[u8]) -> Option<Vec<u8>> {
        let due = self.take_due(command);
        for fault in &due {
            if let Fault::Delay(milliseconds) = fault {
                thread::sleep(Duration::from_millis(*milliseconds));
            }
        }
        let mut card = lock(card);
        if due.contains(&Fault::Drop) {
            card.power_off();
            return None;
        }
        let status = due.iter().find_map(|fault| match fault {
            Fault::StatusWord(sw) => Some(sw.to_be_bytes().to_vec()),
            _ => None,
        });
        let mut answer = status.unwrap_or_else(|| card.process(command));
        if due.contains(&Fault::DropAfter) {
            card.power_off();
            return None;
        }
        for fault in due {
            match fault {
                Fault::FlipBit(bit) => {
                    let bit = bit % (answer.len() * 8).max(1);
                    if let Some(byte) = answer.get_mut(bit / 8) {
                        *byte ^= 0x80 >> (bit % 8);
                    }
                }
                Fault::Truncate(length) => answer.truncate(length),
                _ => {}
            }
        }
        Some(answer)
    }

    fn take_due(&mut self, command: &[u8]) -> Vec<Fault> {
        let (number, ins) = (self.exchange, command.get(1).copied());
        self.exchange = self.exchange.saturating_add(1);
        let is_due = |fault: &mut FaultAt| match fault.when {
            When::Exchange(wanted) => wanted == number,
            When::Ins(wanted) => Some(wanted) == ins,
        };
        self.faults.extract_if(.., is_due).map(|fault| fault.fault).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_from_text() {
        let parse = |text: &str| text.parse::<FaultAt>().map(|at| (at.when, at.fault)).ok();
        assert_eq!(parse("exchange=4:drop"), Some((When::Exchange(4), Fault::Drop)));
        assert_eq!(parse("ins=20:drop-after"), Some((When::Ins(0x20), Fault::DropAfter)));
        assert_eq!(parse("ins=A4:status=6F00"), Some((When::Ins(0xA4), Fault::StatusWord(0x6F00))));
        assert_eq!(parse("exchange=2:truncate=1"), Some((When::Exchange(2), Fault::Truncate(1))));
        assert_eq!(parse("exchange=2:flip-bit=9"), Some((When::Exchange(2), Fault::FlipBit(9))));
        assert_eq!(parse("ins=2a:delay=3000"), Some((When::Ins(0x2A), Fault::Delay(3000))));
        for text in ["", "drop", "4:drop", "exchange=x:drop", "ins=20:drop=1", "ins=20:explode", "ins=1FF:drop"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
