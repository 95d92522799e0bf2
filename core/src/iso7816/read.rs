//! READ BINARY: whole files in few exchanges, bounded, and resumed where a lost link cut them off.
//!
//! The optimistic form names the file by its short identifier and asks for all of it at once. Whatever answer that brings
//! but data, the plain form decides: SELECT, then short lengths, as every reader and every card can do.

use super::channel::{Channel, CutOff, ins, short_ef};
use super::{Command, ReadPhase, StatusWord, TransportError, tlv};
use crate::error::{CardFault, Error};

/// READ BINARY addresses 15 bits (ISO/IEC 7816-4:2020, 11.3.3).
const MAX_OFFSET: u16 = 0x7FFF;
/// What is read beside what was read before, in bytes, so that both stay below 64 kB.
const LONGEST_STEP: usize = 16_384;
/// With somebody watching, no exchange brings more than this many bytes.
const WATCHED_STEP: usize = 1024;
/// Tag and length of every object on the card, in bytes, at most.
const HEADER: usize = 5;

/// How much of a file is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReadLength {
    /// The first bytes, 1 to 256; fewer if the file ends before.
    Prefix(usize),
    /// The BER-TLV object at the start, header included.
    Object {
        /// What such objects usually have, in bytes: asked for at once where an extended length is carried.
        usual: usize,
        /// The longest accepted, in bytes; at most 32,768.
        max: usize,
    },
}

/// Bytes of a file, or the status word that came instead.
type Answer = Result<Vec<u8>, StatusWord>;

/// What the optimistic form was tried with, all in vain.
#[derive(Eq, PartialEq)]
enum LengthsTried {
    One,
    /// A short length after an extended one.
    Both,
    /// The same, and the extended one broke the link.
    BothAfter(TransportError),
}

/// Why an extended length brought no data, over a link that may still carry a short one.
enum ExtendedFault {
    Refused(StatusWord),
    Unanswered(TransportError),
}

impl Channel<'_> {
    /// Reads a transparent EF from its start; the inner error is the card's refusal. `6982` is believed until a PIN was
    /// verified: the file may lie behind it.
    ///
    /// Uses a short EF identifier and an extended length where card and link carry them, and learns when not.
    pub(crate) fn read_ef(&mut self, ef: u16, length: ReadLength) -> Result<Answer, Error> {
        let may_be_locked = !self.pin_verified;
        self.read_file(ef, length, may_be_locked)
    }

    /// [`Channel::read_ef`] of a file that no PIN locks any more: `6982` can only mean the form of the command.
    pub(crate) fn read_open_ef(&mut self, ef: u16, length: ReadLength) -> Result<Answer, Error> {
        self.read_file(ef, length, false)
    }

    /// Reads on in the current EF, `ef`, of which `data` is the beginning.
    pub(crate) fn read_rest(&mut self, ef: u16, mut data: Vec<u8>, length: ReadLength) -> Result<Answer, Error> {
        let mut wanted = self.wanted(&data, length)?;
        self.report(ReadPhase::Reading, data.len().min(wanted), wanted);
        while data.len() < wanted {
            let missing = wanted.saturating_sub(data.len());
            match self.read_on(ef, data.len(), missing.min(self.longest_read()).min(LONGEST_STEP)) {
                Ok(Ok(more)) => data.extend(more),
                Ok(Err(status)) if status.is_end_of_file() && matches!(length, ReadLength::Prefix(_)) => break,
                // Shorter than its own header says: never taken for the whole.
                Ok(Err(status)) if status.is_end_of_file() => return Err(CardFault::Malformed { what: "file" }.into()),
                Ok(Err(status)) => {
                    return Err(CardFault::Status { ins: ins::READ_BINARY, status: status.0 }.into());
                }
                Err(error) => {
                    self.cut_off = matches!(error, Error::Transport(_)).then_some(CutOff { ef, data });
                    return Err(error);
                }
            }
            if wanted == HEADER {
                wanted = self.wanted(&data, length)?;
            }
            self.report(ReadPhase::Reading, data.len().min(wanted), wanted);
        }
        data.truncate(wanted);
        Ok(Ok(data))
    }

    /// How many bytes are wanted of a file that begins with `data`; more of the header while it is not whole.
    fn wanted(&self, data: &[u8], length: ReadLength) -> Result<usize, Error> {
        match length {
            ReadLength::Prefix(wanted) => Ok(wanted.min(self.longest_short_read())),
            ReadLength::Object { max, .. } => match tlv::Header::parse(data) {
                None if data.len() < HEADER => Ok(HEADER),
                header => header
                    .and_then(tlv::Header::total_len)
                    .filter(|total| *total <= max)
                    .ok_or_else(|| CardFault::Malformed { what: "file" }.into()),
            },
        }
    }

    fn read_file(&mut self, ef: u16, length: ReadLength, may_be_locked: bool) -> Result<Answer, Error> {
        self.cut_off = None;
        let first = self.first_length(length);
        let mut lengths_tried = LengthsTried::One;
        if self.capabilities.short_ef != Some(false) {
            match self.read_by_short_ef(ef, first, &mut lengths_tried)? {
                Ok(data) => {
                    self.capabilities.short_ef = Some(true);
                    return self.read_rest(ef, data, length);
                }
                Err(status) if status == StatusWord::SECURITY_STATUS && may_be_locked => return Ok(Err(status)),
                Err(_) => {}
            }
        }
        match (self.read_by_selection(ef, first, lengths_tried != LengthsTried::One), lengths_tried) {
            (Ok(Ok(data)), tried) => {
                // The same file by identifier: it was the short form that the card does not take.
                self.capabilities.short_ef.get_or_insert(false);
                if tried != LengthsTried::One {
                    self.extended_failed(None);
                }
                self.read_rest(ef, data, length)
            }
            // A link that broke is told as what it was, whatever the card it had reset says since.
            (_, LengthsTried::BothAfter(error)) => {
                self.lost_in_extended();
                Err(error.into())
            }
            (answer, _) => answer,
        }
    }

    /// The optimistic form. A status word that speaks of the file says nothing about lengths, and SELECT comes next; after
    /// any other the same in short. Where this is no better, the plain form comes with a short length alone, so that a card
    /// which takes neither costs two exchanges and no third.
    fn read_by_short_ef(&mut self, ef: u16, length: usize, tried: &mut LengthsTried) -> Result<Answer, Error> {
        let p1 = 0x80 | short_ef(ef);
        self.selected_ef = None;
        if length <= 256 {
            return self.read_short(p1, 0, length);
        }
        let fault = match self.read_extended(p1, 0, length)? {
            Ok(data) => return Ok(Ok(data)),
            Err(ExtendedFault::Refused(status)) if status.is_about_file() => return Ok(Err(status)),
            Err(fault) => fault,
        };
        let answer = self.read_shorter(p1, 0, &fault)?;
        if answer.is_err() {
            *tried = match fault {
                ExtendedFault::Refused(_) => LengthsTried::Both,
                ExtendedFault::Unanswered(error) => LengthsTried::BothAfter(error),
            };
        }
        Ok(answer)
    }

    /// The plain form: SELECT, then READ BINARY; only the header first on a card that refuses to read beyond the end.
    fn read_by_selection(&mut self, ef: u16, length: usize, short_only: bool) -> Result<Answer, Error> {
        let status = self.select_ef(ef)?;
        if !status.is_ok() {
            return Ok(Err(status));
        }
        let length = if short_only { length.min(self.longest_short_read()) } else { length.min(self.longest_read()) };
        let answer = self.read_at(0, length)?;
        match answer {
            Err(status) if length > HEADER && status.is_about_length() => self.read_at(0, HEADER),
            answer => Ok(answer),
        }
    }

    /// More of the file, which is selected first where naming it by its short identifier has not made it current.
    fn read_on(&mut self, ef: u16, offset: usize, length: usize) -> Result<Answer, Error> {
        let answer = self.read_at(offset, length)?;
        let Err(status) = answer else { return Ok(answer) };
        if self.selected_ef == Some(ef) || status.is_ok() || !self.select_ef(ef)?.is_ok() {
            return Ok(answer);
        }
        let answer = self.read_at(offset, length.min(self.longest_read()))?;
        if answer.is_ok() && status == StatusWord::NO_CURRENT_EF {
            self.capabilities.short_ef = Some(false);
        }
        Ok(answer)
    }

    fn read_at(&mut self, offset: usize, length: usize) -> Result<Answer, Error> {
        let offset = u16::try_from(offset).ok().filter(|offset| *offset <= MAX_OFFSET);
        let [high, low] = offset.ok_or(CardFault::Malformed { what: "file" })?.to_be_bytes();
        if length <= 256 {
            return self.read_short(high, low, length);
        }
        match self.read_extended(high, low, length)? {
            Ok(data) => Ok(Ok(data)),
            // The end of the file, told in this tap by a card that took the length before.
            Err(ExtendedFault::Refused(status)) if status.is_ok() && self.has_carried_extended() => Ok(Err(status)),
            Err(fault) => match (self.read_shorter(high, low, &fault)?, fault) {
                (Err(_), ExtendedFault::Unanswered(error)) => {
                    self.lost_in_extended();
                    Err(error.into())
                }
                (answer, _) => Ok(answer),
            },
        }
    }

    fn read_short(&mut self, p1: u8, p2: u8, length: usize) -> Result<Answer, Error> {
        self.transmit(&read_binary(p1, p2, length)).map(|response| {
            let answer = response.into_file_data();
            if answer.is_ok() {
                self.carried_short();
            }
            answer
        })
    }

    /// One READ BINARY of extended length. The outer error is that of a link which is over, or of a hostile card.
    fn read_extended(&mut self, p1: u8, p2: u8, length: usize) -> Result<Result<Vec<u8>, ExtendedFault>, Error> {
        let command = read_binary(p1, p2, length);
        let answer = self.transmit_once(&command).and_then(|first| match first.status.exact_length() {
            // A card that names a short length instead does not take this one.
            Some(_) => Ok(first),
            None => self.gather(&command, first),
        });
        match answer.map(super::Response::into_file_data) {
            Ok(Ok(data)) => {
                self.carried_extended();
                Ok(Ok(data))
            }
            Ok(Err(status)) => Ok(Err(ExtendedFault::Refused(status))),
            Err(Error::Transport(error)) if !self.is_over() => Ok(Err(ExtendedFault::Unanswered(error))),
            Err(error) => {
                if matches!(error, Error::Transport(TransportError::TagLost)) {
                    self.lost_in_extended();
                }
                Err(error)
            }
        }
    }

    /// The same with a short length, in the same tap, and what follows from that for extended ones.
    fn read_shorter(&mut self, p1: u8, p2: u8, fault: &ExtendedFault) -> Result<Answer, Error> {
        let longest = self.longest_short_read();
        let (status, length) = match fault {
            ExtendedFault::Refused(status) => (Some(*status), status.exact_length().unwrap_or(longest).min(longest)),
            ExtendedFault::Unanswered(_) => (None, longest),
        };
        match (self.read_short(p1, p2, length), fault) {
            (Ok(Ok(data)), _) => {
                self.extended_failed(status);
                Ok(Ok(data))
            }
            // It was the link, then: told as what it says last where it is over, else as what broke first.
            (Err(Error::Transport(last)), ExtendedFault::Unanswered(first)) => {
                if !matches!(last, TransportError::Cancelled | TransportError::NotSent { .. }) {
                    self.lost_in_extended();
                }
                Err(if self.is_over() { last } else { first.clone() }.into())
            }
            (answer, _) => answer,
        }
    }

    fn first_length(&self, length: ReadLength) -> usize {
        match length {
            ReadLength::Prefix(wanted) => wanted.clamp(1, self.longest_short_read()),
            ReadLength::Object { usual, max } => self.longest_read().min(max).min(usual),
        }
    }

    fn longest_read(&self) -> usize {
        let watched = if self.is_watched() { WATCHED_STEP } else { usize::MAX };
        if self.takes_extended() {
            self.limits.max_response.saturating_sub(2).clamp(1, 65_536).min(watched)
        } else {
            self.longest_short_read()
        }
    }

    fn longest_short_read(&self) -> usize {
        self.limits.max_response.saturating_sub(2).clamp(1, 256)
    }
}

fn read_binary(p1: u8, p2: u8, length: usize) -> Command {
    Command::new(0x00, ins::READ_BINARY, p1, p2).with_le(length)
}
