//! Faults on the way between reader and card.

use crate::{apdu::Command, card::Card, transport::lock};
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
    /// The card executes the command, but this status word arrives instead of its whole answer.
    StatusWordAfter(u16),
    /// The card does not see the command and no answer comes in time, but the link stays. A virtual reader has no such thing:
    /// there the card is lost.
    Unanswered,
    /// The card executes the command, and this status word arrives in place of its own, with the data.
    StatusWordWithData(u16),
    /// Only the first bytes of the answer arrive, status word included in the count.
    Truncate(usize),
    /// One bit of the answer is flipped, counted from the highest bit of its first byte; beyond the end, around again.
    FlipBit(usize),
    /// The card starts this many milliseconds late.
    Delay(u64),
}

/// Which exchange a fault waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// The exchange with this number since the tap or since power-on, from 0; once.
    Exchange(u32),
    /// The first command with this INS; once.
    Ins(u8),
    /// Every command with this INS.
    EveryIns(u8),
    /// Every command of extended length (ISO/IEC 7816-3, 12.1.3): what a card or reader does that carries none.
    EveryExtended,
    /// Every command, or those with this INS, that names a file by its short identifier (ISO/IEC 7816-4, 7.4.1).
    EveryShortEf(Option<u8>),
    /// Every exchange.
    Always,
}

/// A fault and its time. Reads from text as `when:what`; [`FaultAt::SYNTAX`] is the whole of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FaultAt {
    /// When it happens.
    pub when: When,
    /// What happens.
    pub fault: Fault,
}

impl FaultAt {
    /// The text form, for help texts. Numbers are decimal, INS and status words hex.
    pub const SYNTAX: &str = "WHEN:WHAT, where WHEN is one of\n  \
        exchange=N        the exchange with this number since power-on, from 0\n  \
        ins=XX            the first command with this INS\n  \
        every-ins=XX      every command with this INS\n  \
        every-extended    every command of extended length\n  \
        every-short-ef    every command that names a file by its short identifier\n  \
        every-short-ef=XX those with this INS\n  \
        always            every exchange\n\
        and WHAT one of\n  \
        drop              the card is lost before it sees the command\n  \
        drop-after        the card executes the command and is lost before its answer arrives\n  \
        status=XXXX       the card does not execute the command and answers this, as 6F00, 610A or 6C10\n  \
        status-after=XXXX the card executes the command, and this arrives instead of its answer\n  \
        status-data=XXXX  the card executes the command, and this arrives behind its data, as 6282\n  \
        unanswered        no answer comes in time, and the link stays\n  \
        truncate=N        only the first N bytes of the answer arrive, status word included\n  \
        flip-bit=N        bit N of the answer is flipped, from the highest bit of its first byte\n  \
        delay=N           the card starts N milliseconds late\n\
        such as ins=20:drop-after, exchange=4:status=6F00 or every-ins=2A:delay=3000";
}

impl FromStr for FaultAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is not a fault such as ins=20:drop-after or exchange=4:status=6F00");
        let (when, fault) = text.split_once(':').ok_or_else(wrong)?;
        let when = match when.split_once('=') {
            Some(("exchange", number)) => When::Exchange(number.parse().map_err(|_| wrong())?),
            Some(("ins", ins)) => When::Ins(u8::from_str_radix(ins, 16).map_err(|_| wrong())?),
            Some(("every-ins", ins)) => When::EveryIns(u8::from_str_radix(ins, 16).map_err(|_| wrong())?),
            Some(("every-short-ef", ins)) => {
                When::EveryShortEf(Some(u8::from_str_radix(ins, 16).map_err(|_| wrong())?))
            }
            None if when == "every-short-ef" => When::EveryShortEf(None),
            None if when == "every-extended" => When::EveryExtended,
            None if when == "always" => When::Always,
            _ => return Err(wrong()),
        };
        let fault = match fault.split_once('=').unwrap_or((fault, "")) {
            ("drop", "") => Fault::Drop,
            ("drop-after", "") => Fault::DropAfter,
            ("status", sw) => Fault::StatusWord(u16::from_str_radix(sw, 16).map_err(|_| wrong())?),
            ("status-after", sw) => Fault::StatusWordAfter(u16::from_str_radix(sw, 16).map_err(|_| wrong())?),
            ("status-data", sw) => Fault::StatusWordWithData(u16::from_str_radix(sw, 16).map_err(|_| wrong())?),
            ("unanswered", "") => Fault::Unanswered,
            ("truncate", length) => Fault::Truncate(length.parse().map_err(|_| wrong())?),
            ("flip-bit", bit) => Fault::FlipBit(bit.parse().map_err(|_| wrong())?),
            ("delay", milliseconds) => Fault::Delay(milliseconds.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        Ok(Self { when, fault })
    }
}

/// Why no answer came.
pub(crate) enum Lost {
    /// The card has left the field and is without power.
    Card,
    /// The command or its answer; the card is still there.
    Answer,
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

    /// Brings one command to the card and its answer back.
    pub(crate) fn exchange(&mut self, card: &Mutex<Card>, command: &[u8]) -> Result<Vec<u8>, Lost> {
        let due = self.take_due(command);
        for fault in &due {
            if let Fault::Delay(milliseconds) = fault {
                thread::sleep(Duration::from_millis(*milliseconds));
            }
        }
        let mut card = lock(card);
        if due.contains(&Fault::Drop) {
            card.power_off();
            return Err(Lost::Card);
        }
        if due.contains(&Fault::Unanswered) {
            return Err(Lost::Answer);
        }
        let status = due.iter().find_map(|fault| match fault {
            Fault::StatusWord(sw) => Some(sw.to_be_bytes().to_vec()),
            _ => None,
        });
        let mut answer = status.unwrap_or_else(|| card.process(command));
        if due.contains(&Fault::DropAfter) {
            card.power_off();
            return Err(Lost::Card);
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
                Fault::StatusWordAfter(sw) => answer = sw.to_be_bytes().to_vec(),
                Fault::StatusWordWithData(sw) => {
                    if let Some(last) = answer.last_chunk_mut() {
                        *last = sw.to_be_bytes();
                    }
                }
                _ => {}
            }
        }
        Ok(answer)
    }

    /// The faults of this exchange; those that happen once are gone afterwards.
    fn take_due(&mut self, command: &[u8]) -> Vec<Fault> {
        let (number, ins) = (self.exchange, command.get(1).copied());
        self.exchange = self.exchange.saturating_add(1);
        let is_due = |when: When| match when {
            When::Exchange(wanted) => wanted == number,
            When::Ins(wanted) | When::EveryIns(wanted) => Some(wanted) == ins,
            When::EveryExtended => Command::parse(command).is_some_and(|command| command.extended),
            When::EveryShortEf(wanted) => {
                wanted.is_none_or(|wanted| Some(wanted) == ins)
                    && Command::parse(command).is_some_and(|command| command.names_short_ef())
            }
            When::Always => true,
        };
        let due = self.faults.iter().filter(|at| is_due(at.when)).map(|at| at.fault).collect();
        self.faults.retain(|at| !matches!(at.when, When::Exchange(_) | When::Ins(_)) || !is_due(at.when));
        due
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
        assert_eq!(parse("ins=32:status-after=6581"), Some((When::Ins(0x32), Fault::StatusWordAfter(0x6581))));
        assert_eq!(parse("every-ins=B0:status=610A"), Some((When::EveryIns(0xB0), Fault::StatusWord(0x610A))));
        assert_eq!(parse("always:delay=1"), Some((When::Always, Fault::Delay(1))));
        assert_eq!(parse("every-extended:unanswered"), Some((When::EveryExtended, Fault::Unanswered)));
        assert_eq!(parse("every-short-ef:status=6A86"), Some((When::EveryShortEf(None), Fault::StatusWord(0x6A86))));
        let end = Fault::StatusWordWithData(0x6282);
        assert_eq!(parse("every-short-ef=B0:status-data=6282"), Some((When::EveryShortEf(Some(0xB0)), end)));
        for text in [
            "",
            "drop",
            "always=1:drop",
            "4:drop",
            "exchange=x:drop",
            "ins=20:drop=1",
            "ins=20:explode",
            "ins=1FF:drop",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
