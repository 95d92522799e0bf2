//! Commands over a link: SELECT, READ BINARY and VERIFY, with `61xx`/`6Cxx` handled and every read bounded.

use super::{CardTransport, Command, Response, StatusWord, TransportError, TransportLimits, tlv};
use crate::error::{CardFault, Error};

/// Instruction bytes (ISO/IEC 7816-4:2020, table 5).
pub(crate) mod ins {
    /// SELECT.
    pub(crate) const SELECT: u8 = 0xA4;
    /// READ BINARY.
    pub(crate) const READ_BINARY: u8 = 0xB0;
    /// VERIFY.
    pub(crate) const VERIFY: u8 = 0x20;
    /// GET RESPONSE.
    pub(crate) const GET_RESPONSE: u8 = 0xC0;
}

/// READ BINARY addresses 15 bits (ISO/IEC 7816-4:2020, 11.3.3).
const MAX_OFFSET: u16 = 0x7FFF;
/// Asked for in one extended read before the length of a file is known.
const FIRST_READ: usize = 2048;

/// What a card has shown it can do; worth storing per card, as it saves exchanges.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CardCapabilities {
    /// Files answer to short EF identifiers; `None` while unknown.
    pub short_ef: Option<bool>,
    /// READ BINARY takes extended lengths; `None` while unknown.
    pub extended_length: Option<bool>,
}

/// How much of a file is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReadLength {
    /// The first bytes, 1 to 256; fewer if the file ends before.
    Prefix(usize),
    /// The BER-TLV object at the start, header included, at most this many bytes.
    Object(usize),
}

/// The tries left of a PIN, and how the card wants that PIN addressed. Good for one VERIFY: it is neither `Copy` nor `Clone`.
pub(crate) struct PinStatus {
    /// Tries left; `None` when the card only says that the PIN is verified already.
    pub(crate) attempts_left: Option<u8>,
    reference: u8,
}

/// A plain channel over one link. It lives as long as the card stays in the field.
pub(crate) struct Channel<'t> {
    transport: &'t mut dyn CardTransport,
    limits: TransportLimits,
    /// Learned so far.
    pub(crate) capabilities: CardCapabilities,
}

impl<'t> Channel<'t> {
    /// Opens a channel; sends nothing.
    pub(crate) fn new(transport: &'t mut dyn CardTransport, capabilities: CardCapabilities) -> Self {
        let limits = transport.limits();
        Self { transport, limits, capabilities }
    }

    /// Selects an application by its AID (ISO/IEC 7816-4:2020, 11.2.2; no FCI). Tries once more where the very first
    /// command after power-up fails for no reason, as some cards do.
    pub(crate) fn select_application(&mut self, aid: &[u8]) -> Result<StatusWord, Error> {
        let command = Command::new(0x00, ins::SELECT, 0x04, 0x0C).with_data(aid);
        let status = self.transmit(&command)?.status;
        let is_odd = matches!(status, StatusWord::UNSPECIFIC | StatusWord::WRONG_PARAMETERS);
        if is_odd { Ok(self.transmit(&command)?.status) } else { Ok(status) }
    }

    /// Selects an EF below the current application by its file identifier.
    pub(crate) fn select_ef(&mut self, ef: u16) -> Result<StatusWord, Error> {
        let command = Command::new(0x00, ins::SELECT, 0x02, 0x0C).with_data(&ef.to_be_bytes());
        Ok(self.transmit(&command)?.status)
    }

    /// Reads a transparent EF from its start; the inner error is the card's refusal.
    ///
    /// Uses a short EF identifier and an extended length where card and link carry them, and learns when not.
    pub(crate) fn read_ef(&mut self, ef: u16, length: ReadLength) -> Result<Result<Vec<u8>, StatusWord>, Error> {
        let mut data = match self.read_first(ef, self.first_length(length))? {
            Ok(data) => data,
            Err(status) => return Ok(Err(status)),
        };
        let wanted = match length {
            ReadLength::Prefix(wanted) => wanted.min(data.len()),
            ReadLength::Object(max) => tlv::Header::parse(&data)
                .and_then(tlv::Header::total_len)
                .filter(|total| *total <= max)
                .ok_or(CardFault::Malformed { what: "file" })?,
        };
        while data.len() < wanted {
            let missing = wanted.saturating_sub(data.len());
            let response = self.read_at(data.len(), missing.min(self.longest_read()))?;
            if !response.status.is_ok() {
                return Ok(Err(response.status));
            }
            if response.data.is_empty() {
                return Err(CardFault::Malformed { what: "file" }.into());
            }
            data.extend(response.data);
        }
        data.truncate(wanted);
        Ok(Ok(data))
    }

    /// Asks for the tries left of the PIN in `ef`; costs none (ISO/IEC 7816-4:2020, 11.6.6, VERIFY without data).
    pub(crate) fn pin_status(&mut self, ef: u16) -> Result<Result<PinStatus, StatusWord>, Error> {
        if self.capabilities.short_ef != Some(false) {
            let reference = 0x80 | short_ef(ef);
            let status = self.transmit_once(&Command::new(0x00, ins::VERIFY, 0x00, reference))?.status;
            if let Some(found) = PinStatus::of(status, reference) {
                self.capabilities.short_ef = Some(true);
                return Ok(Ok(found));
            }
            if !status.is_unsupported_form() {
                return Ok(Err(status));
            }
        }
        let status = self.select_ef(ef)?;
        if !status.is_ok() {
            return Ok(Err(status));
        }
        let status = self.transmit_once(&Command::new(0x00, ins::VERIFY, 0x00, 0x80))?.status;
        Ok(PinStatus::of(status, 0x80).ok_or(status))
    }

    /// Sends one VERIFY, exactly once whatever happens, addressed as `status` was answered.
    pub(crate) fn verify(&mut self, status: PinStatus, pin: &[u8]) -> Result<StatusWord, Error> {
        let command = Command::new(0x00, ins::VERIFY, 0x00, status.reference).with_data(pin);
        Ok(self.transmit_once(&command)?.status)
    }

    /// Sends a command and gathers its whole answer: `6Cxx` is asked again with that length, `61xx` is collected.
    pub(crate) fn transmit(&mut self, command: &Command) -> Result<Response, Error> {
        let mut response = self.transmit_once(command)?;
        if let (Some(length), Some(_)) = (response.status.exact_length(), command.le) {
            response = self.transmit_once(&command.repeat_with_le(length))?;
        }
        let longest = command.le.unwrap_or(0);
        let mut data = std::mem::take(&mut response.data);
        while let Some(waiting) = response.status.bytes_waiting() {
            response = self.transmit_once(&Command::new(0x00, ins::GET_RESPONSE, 0, 0).with_le(waiting))?;
            let stalled = response.data.is_empty() && response.status.bytes_waiting().is_some();
            data.append(&mut response.data);
            if stalled || data.len() > longest {
                return Err(CardFault::TooLong.into());
            }
        }
        if data.len() > longest {
            return Err(CardFault::TooLong.into());
        }
        Ok(Response { data, status: response.status })
    }

    fn transmit_once(&mut self, command: &Command) -> Result<Response, Error> {
        let bytes = command.encode().filter(|bytes| bytes.len() <= self.limits.max_command);
        let bytes = bytes.ok_or_else(|| Error::usage("the link does not carry commands of this length"))?;
        let response = Response::parse(self.transport.transceive(&bytes)?).ok_or(TransportError::TagLost)?;
        log::debug!("{:02X}: {:?}, {} bytes", command.ins, response.status, response.data.len());
        Ok(response)
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
            ReadLength::Object(max) => self.longest_read().min(max).min(FIRST_READ),
        }
    }

    fn longest_read(&self) -> usize {
        match self.capabilities.extended_length {
            Some(false) => self.longest_short_read(),
            _ => self.limits.max_response.saturating_sub(2).clamp(1, 65_536),
        }
    }

    fn longest_short_read(&self) -> usize {
        self.limits.max_response.saturating_sub(2).clamp(1, 256)
    }
}

impl PinStatus {
    fn of(status: StatusWord, reference: u8) -> Option<Self> {
        match status.attempts_left() {
            None if status.is_ok() => Some(Self { attempts_left: None, reference }),
            None => None,
            left => Some(Self { attempts_left: left, reference }),
        }
    }
}

/// The low five bits of a file identifier (ISO/IEC 7816-4:2020, 7.4.1).
pub(crate) fn short_ef(ef: u16) -> u8 {
    ef.to_be_bytes()[1] & 0x1F
}
