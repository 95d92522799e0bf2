//! Commands over a link: SELECT and VERIFY, with `61xx`/`6Cxx` handled and every answer bounded.

use super::capabilities::{CardCapabilities, InTap};
use super::{CardTransport, Command, ReadPhase, ReadProgress, Response, StatusWord, TransportError, TransportLimits};
use crate::error::{CardFault, Error};

/// Instruction bytes (ISO/IEC 7816-4:2020, table 5).
pub(crate) mod ins {
    /// SELECT.
    pub(crate) const SELECT: u8 = 0xA4;
    /// READ BINARY.
    pub(crate) const READ_BINARY: u8 = 0xB0;
    /// VERIFY.
    pub(crate) const VERIFY: u8 = 0x20;
    /// CHANGE REFERENCE DATA.
    pub(crate) const CHANGE_REFERENCE_DATA: u8 = 0x24;
    /// GET CHALLENGE.
    pub(crate) const GET_CHALLENGE: u8 = 0x84;
    /// GET RESPONSE.
    pub(crate) const GET_RESPONSE: u8 = 0xC0;
}

/// The tries left of a PIN, and how the card wants that PIN addressed. Good for one VERIFY: it is neither `Copy` nor `Clone`.
pub(crate) struct PinStatus {
    /// Tries left; `None` when the card only says that the PIN is verified already.
    pub(crate) attempts_left: Option<u8>,
    reference: u8,
}

/// The bytes of a file that a lost link left.
#[derive(Clone)]
pub(crate) struct CutOff {
    /// The file.
    pub(crate) ef: u16,
    /// Its first bytes.
    pub(crate) data: Vec<u8>,
}

/// A plain channel over one link. It lives as long as the card stays in the field.
pub(crate) struct Channel<'t> {
    transport: &'t mut dyn CardTransport,
    pub(super) limits: TransportLimits,
    watcher: Option<&'t mut dyn FnMut(ReadProgress)>,
    /// Learned so far.
    pub(crate) capabilities: CardCapabilities,
    /// What the last read left when the link was lost in it.
    pub(crate) cut_off: Option<CutOff>,
    /// A PIN is open in the current application, so that what is read may lie behind it.
    pub(crate) pin_verified: bool,
    /// The EF that SELECT has made current; `None` after a short EF identifier, which cards may take for the one command.
    pub(super) selected_ef: Option<u16>,
    /// What became of extended lengths since the card was tapped.
    pub(super) in_tap: InTap,
    has_answered: bool,
    is_over: bool,
}

impl<'t> Channel<'t> {
    /// Opens a channel; sends nothing.
    pub(crate) fn new(transport: &'t mut dyn CardTransport, capabilities: CardCapabilities) -> Self {
        let limits = transport.limits();
        Self {
            transport,
            limits,
            watcher: None,
            capabilities,
            cut_off: None,
            pin_verified: false,
            selected_ef: None,
            in_tap: capabilities.at_tap(),
            has_answered: false,
            is_over: false,
        }
    }

    /// The longest APDUs the link carries.
    pub(crate) fn limits(&self) -> TransportLimits {
        self.limits
    }

    /// Reports how far reads have come to `watcher`, at least every kilobyte; that costs exchanges.
    pub(crate) fn watch(&mut self, watcher: &'t mut dyn FnMut(ReadProgress)) {
        self.watcher = Some(watcher);
    }

    /// Whether somebody is told of progress.
    pub(super) fn is_watched(&self) -> bool {
        self.watcher.is_some()
    }

    /// Tells the watcher, if there is one.
    pub(crate) fn report(&mut self, phase: ReadPhase, read: usize, total: usize) {
        if let Some(watcher) = &mut self.watcher {
            watcher(ReadProgress { phase, read, total });
        }
    }

    /// Whether the link said that it carries nothing more.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Selects an application by its AID (ISO/IEC 7816-4:2020, 11.2.2; no FCI). Tries once more where the very first
    /// command after power-up fails for no reason, as some cards do, and after a refusal that speaks of the command and not
    /// of the application. "Not found" is believed at once.
    pub(crate) fn select_application(&mut self, aid: &[u8]) -> Result<StatusWord, Error> {
        let command = Command::new(0x00, ins::SELECT, 0x04, 0x0C).with_data(aid);
        (self.pin_verified, self.selected_ef) = (false, None);
        let is_first = !self.has_answered;
        let status = self.transmit(&command)?.status;
        let is_odd = match status {
            StatusWord::OK | StatusWord::NOT_FOUND => false,
            status => is_first || status.is_about_command(),
        };
        if is_odd { Ok(self.transmit(&command)?.status) } else { Ok(status) }
    }

    /// Selects an EF below the current application by its file identifier.
    pub(crate) fn select_ef(&mut self, ef: u16) -> Result<StatusWord, Error> {
        let command = Command::new(0x00, ins::SELECT, 0x02, 0x0C).with_data(&ef.to_be_bytes());
        let status = self.transmit(&command)?.status;
        self.selected_ef = status.is_ok().then_some(ef);
        Ok(status)
    }

    /// Asks for the tries left of the PIN in `ef`; costs none (ISO/IEC 7816-4:2020, 11.6.6, VERIFY without data).
    pub(crate) fn pin_status(&mut self, ef: u16) -> Result<Result<PinStatus, StatusWord>, Error> {
        if self.capabilities.short_ef != Some(false) {
            let reference = 0x80 | short_ef(ef);
            let status = self.transmit_once(&Command::new(0x00, ins::VERIFY, 0x00, reference))?.status;
            if let Some(found) = PinStatus::of(status, reference).filter(|_| status.is_ok() || status.tells_attempts())
            {
                self.capabilities.short_ef = Some(true);
                return Ok(Ok(found));
            }
            // 6983 and 6984 say "blocked", or that this form is of no use: the plain form tells which.
        }
        let status = self.select_ef(ef)?;
        if !status.is_ok() {
            return Ok(Err(status));
        }
        let status = self.transmit_once(&Command::new(0x00, ins::VERIFY, 0x00, CURRENT_EF))?.status;
        let found = PinStatus::of(status, CURRENT_EF);
        if status.tells_attempts() {
            // The same PIN by identifier: it was the short form that the card does not take.
            self.capabilities.short_ef.get_or_insert(false);
        }
        Ok(found.ok_or(status))
    }

    /// Sends one VERIFY, exactly once whatever happens, addressed as `status` was answered.
    pub(crate) fn verify(&mut self, status: PinStatus, pin: &[u8]) -> Result<StatusWord, Error> {
        let command = Command::new(0x00, ins::VERIFY, 0x00, status.reference).with_data(pin);
        let answer = self.transmit_once(&command)?.status;
        if status.reference != CURRENT_EF && !answer.is_about_pin() {
            // Not tried again now. At the next entry SELECT names the PIN, which every card takes.
            self.capabilities.short_ef = Some(false);
        }
        Ok(answer)
    }

    /// Sends one CHANGE REFERENCE DATA for the current PIN, which was just verified (the card's own form: the new PIN alone).
    pub(crate) fn change(&mut self, pin: &[u8]) -> Result<StatusWord, Error> {
        let command = Command::new(0x00, ins::CHANGE_REFERENCE_DATA, 0x01, CURRENT_EF).with_data(pin);
        Ok(self.transmit_once(&command)?.status)
    }

    /// Sends a command and gathers its whole answer: `6Cxx` is asked again with that length, `61xx` is collected.
    pub(crate) fn transmit(&mut self, command: &Command) -> Result<Response, Error> {
        let response = self.transmit_once(command)?;
        let (Some(length), Some(_)) = (response.status.exact_length(), command.le) else {
            return self.gather(command, response);
        };
        let exact = command.repeat_with_le(length);
        let response = self.transmit_once(&exact)?;
        self.gather(&exact, response)
    }

    /// Collects what the first answer to `command` says is waiting.
    pub(super) fn gather(&mut self, command: &Command, mut response: Response) -> Result<Response, Error> {
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

    /// Sends a command and takes whatever answer comes first.
    pub(crate) fn transmit_once(&mut self, command: &Command) -> Result<Response, Error> {
        let bytes = command.encode().filter(|bytes| bytes.len() <= self.limits.max_command);
        let bytes = bytes.ok_or_else(|| Error::usage("the link does not carry commands of this length"))?;
        let answer = self.transport.transceive(&bytes).inspect_err(|error| self.is_over |= ends_link(error))?;
        let response = Response::parse(answer).ok_or(TransportError::TagLost)?;
        self.has_answered = true;
        log::debug!("{:02X}: {:?}, {} bytes", command.ins, response.status, response.data.len());
        Ok(response)
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

/// P2 that means the current EF.
const CURRENT_EF: u8 = 0x80;

/// Whether nothing more comes over the link after this: anything else may be one command's fault.
fn ends_link(error: &TransportError) -> bool {
    match error {
        TransportError::TagLost
        | TransportError::Cancelled
        | TransportError::Unavailable
        | TransportError::NotSent { .. } => true,
        TransportError::Timeout | TransportError::Failed { .. } => false,
    }
}

/// The low five bits of a file identifier (ISO/IEC 7816-4:2020, 7.4.1).
pub(crate) fn short_ef(ef: u16) -> u8 {
    ef.to_be_bytes()[1] & 0x1F
}
