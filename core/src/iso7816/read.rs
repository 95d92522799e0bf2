//! READ BINARY: whole files in few exchanges, bounded, and resumed where a lost link cut them off.

use super::channel::{Channel, CutOff, ins, short_ef};
use super::{Command, ReadPhase, Response, StatusWord, tlv};
use crate::error::{CardFault, Error};

/// READ BINARY addresses 15 bits (ISO/IEC 7816-4:2020, 11.3.3).
const MAX_OFFSET: u16 = 0x7FFF;
/// What is read beside what was read before, in bytes, so that both stay below 64 kB.
const LONGEST_STEP: usize = 16_384;
/// With somebody watching, no exchange brings more than this many bytes.
const WATCHED_STEP: usize = 1024;

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

impl Channel<'_> {
    /// Reads a transparent EF from its start; the inner error is the card's refusal.
    ///
    /// Uses a short EF identifier and an extended length where card and link carry them, and learns when not.
    pub(crate) fn read_ef(&mut self, ef: u16, length: ReadLength) -> Result<Result<Vec<u8>, StatusWord>, Error> {
        self.cut_off = None;
        match self.read_first(ef, self.first_length(length))? {
            Ok(data) => self.read_rest(ef, data, length),
            Err(status) => Ok(Err(status)),
        }
    }

    /// Reads on in the current EF, `ef`, of which `data` is the beginning.
    pub(crate) fn read_rest(
        &mut self,
        ef: u16,
        mut data: Vec<u8>,
        length: ReadLength,
    ) -> Result<Result<Vec<u8>, StatusWord>, Error> {
        let wanted = match length {
            ReadLength::Prefix(wanted) => wanted.min(data.len()),
            ReadLength::Object { max, .. } => tlv::Header::parse(&data)
                .and_then(tlv::Header::total_len)
                .filter(|total| *total <= max)
                .ok_or(CardFault::Malformed { what: "file" })?,
        };
        self.report(ReadPhase::Reading, data.len().min(wanted), wanted);
        while data.len() < wanted {
            let missing = wanted.saturating_sub(data.len());
            let response = match self.read_at(data.len(), missing.min(self.longest_read()).min(LONGEST_STEP)) {
                Ok(response) => response,
                Err(error) => {
                    self.cut_off = matches!(error, Error::Transport(_)).then_some(CutOff { ef, data });
                    return Err(error);
                }
            };
            if !response.status.is_ok() {
                return Ok(Err(response.status));
            }
            if response.data.is_empty() {
                return Err(CardFault::Malformed { what: "file" }.into());
            }
            data.extend(response.data);
            self.report(ReadPhase::Reading, data.len().min(wanted), wanted);
        }
        data.truncate(wanted);
        Ok(Ok(data))
    }

    fn read_first(&mut self, ef: u16, length: usize) -> Result<Result<Vec<u8>, StatusWord>, Error> {
        if self.capabilities.short_ef != Some(false) {
            let response = self.read(0x80 | short_ef(ef), 0x00, length)?;
            if response.status.is_ok() {
                self.capabilities.short_ef = Some(true);
                return Ok(Ok(response.data));
            }
            if !response.status.is_unsupported_form() {
                return Ok(Err(response.status));
            }
        }
        let status = self.select_ef(ef)?;
        if !status.is_ok() {
            return Ok(Err(status));
        }
        let response = self.read_at(0, length.min(self.longest_read()))?;
        if response.status.is_ok() {
            // The same file by identifier: it was the short form that the card does not take.
            self.capabilities.short_ef = Some(false);
            return Ok(Ok(response.data));
        }
        Ok(Err(response.status))
    }

    fn read_at(&mut self, offset: usize, length: usize) -> Result<Response, Error> {
        let offset = u16::try_from(offset).ok().filter(|offset| *offset <= MAX_OFFSET);
        let [high, low] = offset.ok_or(CardFault::Malformed { what: "file" })?.to_be_bytes();
        self.read(high, low, length)
    }

    fn read(&mut self, p1: u8, p2: u8, length: usize) -> Result<Response, Error> {
        let read = |length| Command::new(0x00, ins::READ_BINARY, p1, p2).with_le(length);
        let response = self.transmit(&read(length))?;
        if length <= 256 {
            return Ok(response);
        }
        if response.status == StatusWord::WRONG_LENGTH {
            self.capabilities.extended_length = Some(false);
            return self.transmit(&read(self.longest_short_read()));
        }
        if response.status.is_ok() {
            self.capabilities.extended_length = Some(true);
        }
        Ok(response)
    }

    fn first_length(&self, length: ReadLength) -> usize {
        match length {
            ReadLength::Prefix(wanted) => wanted.clamp(1, self.longest_short_read()),
            ReadLength::Object { usual, max } => self.longest_read().min(max).min(usual),
        }
    }

    fn longest_read(&self) -> usize {
        let watched = if self.is_watched() { WATCHED_STEP } else { usize::MAX };
        match self.capabilities.extended_length {
            Some(false) => self.longest_short_read(),
            _ => self.limits.max_response.saturating_sub(2).clamp(1, 65_536).min(watched),
        }
    }

    fn longest_short_read(&self) -> usize {
        self.limits.max_response.saturating_sub(2).clamp(1, 256)
    }
}
