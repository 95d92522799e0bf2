//! The commands of the card (ISO/IEC 7816-4, 11; the signing command is the card's own).

use crate::{
    apdu::{Command, Response, ins, status},
    application::{Application, Body, PinFile},
    card::Card,
};

/// A response, or the status word that refuses the command.
pub(crate) type Outcome = Result<Response, u16>;

impl Card {
    /// Runs one well-formed command.
    pub(crate) fn execute(&mut self, command: &Command<'_>) -> Outcome {
        match command.cla {
            0x00 | 0x80 => {}
            0x01..=0x03 => return Err(status::CHANNEL_NOT_SUPPORTED),
            0x08 | 0x0C => return Err(status::SECURE_MESSAGING_NOT_SUPPORTED),
            _ => return Err(status::UNKNOWN_CLA),
        }
        match (command.cla, command.ins) {
            (0x00, ins::SELECT) => self.select(command),
            (0x00, ins::READ_BINARY) => self.read_binary(command),
            (0x00, ins::VERIFY) => self.verify(command),
            (0x00, ins::CHANGE_REFERENCE_DATA) => self.change_reference_data(command),
            (0x00, ins::GET_CHALLENGE) => get_challenge(command),
            (0x80, ins::SIGN) => self.sign(command),
            _ => Err(status::UNKNOWN_INS),
        }
    }

    fn select(&mut self, command: &Command<'_>) -> Outcome {
        if !matches!(command.p2, 0x00 | 0x0C) {
            return Err(status::WRONG_P1_P2);
        }
        match (command.p1, command.data) {
            (0x04, name) => self.select_application(command, name),
            (0x02, &[high, low]) => self.select_file(command, u16::from_be_bytes([high, low])),
            (0x02, _) => Err(status::WRONG_LENGTH),
            // The master file: out of reach after power-on, and without effect inside an application.
            (0x00, []) => self.current.map(|_| status::OK.into()).ok_or(status::WRONG_P1_P2),
            (0x00, _) => Err(status::FILE_NOT_FOUND),
            _ => Err(status::WRONG_P1_P2),
        }
    }

    /// Selects by DF name or by its first five or more bytes. A failed SELECT changes nothing.
    fn select_application(&mut self, command: &Command<'_>, name: &[u8]) -> Outcome {
        let matches = |aid: &[u8]| name.len() >= SHORTEST_NAME && aid.starts_with(name);
        let found = self.applications.iter().position(|application| matches(application.aid));
        let aid = match found.and_then(|index| self.applications.get(index)) {
            Some(application) => application.aid,
            None if matches(ISSUER_SECURITY_DOMAIN) => ISSUER_SECURITY_DOMAIN,
            None => return Err(status::FILE_NOT_FOUND),
        };
        self.close_pins(found.filter(|_| !self.config.strict_reselect));
        (self.current, self.current_ef) = (found, None);
        Ok(self.file_control(command, &[&[0x84, aid.len() as u8], aid].concat()))
    }

    fn select_file(&mut self, command: &Command<'_>, id: u16) -> Outcome {
        let application = self.application().ok_or(status::FILE_NOT_FOUND)?;
        application.file(id).ok_or(status::FILE_NOT_FOUND)?;
        self.current_ef = Some(id);
        let [high, low] = id.to_be_bytes();
        Ok(self.file_control(command, &[0x83, 2, high, low]))
    }

    /// The file control information of P2 = 00, for callers that left room for it.
    fn file_control(&self, command: &Command<'_>, content: &[u8]) -> Response {
        if command.p2 == 0x0C || (command.le.is_none() && !self.config.procedure_bytes) {
            return status::OK.into();
        }
        Response::data([&[0x6F, content.len() as u8], content].concat())
    }

    fn read_binary(&mut self, command: &Command<'_>) -> Outcome {
        let (id, offset) = match command.p1 {
            short @ 0x80.. => (self.short_identifier(short & 0x7F)?, usize::from(command.p2)),
            high => {
                self.application().ok_or(status::NO_CURRENT_EF)?;
                let id = self.current_ef.ok_or(status::NO_CURRENT_EF)?;
                (id, usize::from(u16::from_be_bytes([high, command.p2])))
            }
        };
        let application = self.application().ok_or(status::NO_CURRENT_EF)?;
        let file = application.file(id).ok_or(status::FILE_NOT_FOUND)?;
        let Body::Binary { content, opened_by } = &file.body else { return Err(status::WRONG_FILE_TYPE) };
        if !application.allows(opened_by) {
            return Err(status::SECURITY_STATUS);
        }
        let le = command.le.filter(|_| command.data.is_empty()).ok_or(status::WRONG_LENGTH)?;
        let rest = content.get(offset..).filter(|rest| !rest.is_empty()).ok_or(status::OFFSET_OUTSIDE_FILE)?;
        Ok(Response::data(rest[..le.min(rest.len())].to_vec()))
    }

    /// VERIFY with a PIN, or without data the query for the tries left, which costs nothing.
    fn verify(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0x00 {
            return Err(status::WRONG_P1_P2);
        }
        let id = self.reference(command.p2)?;
        let (blocked, query_9000) = (self.blocked_status(), self.config.query_after_verify_9000);
        let pin = self.pin_mut(id)?;
        if command.data.is_empty() {
            let open = pin.verified && query_9000;
            return Ok(if open { status::OK } else { status::TRIES_LEFT | u16::from(pin.attempts_left) }.into());
        }
        if pin.attempts_left == 0 {
            return Err(blocked);
        }
        let before = pin.clone();
        pin.verified = pin.value.as_deref() == Some(command.data);
        pin.attempts_left = if pin.verified { pin.max_attempts } else { pin.attempts_left - 1 };
        let answer = if pin.verified { status::OK } else { status::TRIES_LEFT | u16::from(pin.attempts_left) };
        let changed = pin.attempts_left != before.attempts_left;
        self.keep_or_undo(id, before, changed)?;
        Ok(answer.into())
    }

    /// Sets a new PIN; the verified old one is the authorisation. A refused new PIN changes nothing.
    fn change_reference_data(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0x01 {
            return Err(status::WRONG_P1_P2);
        }
        let id = self.reference(command.p2)?;
        let blocked = self.blocked_status();
        let pin = self.pin_mut(id)?;
        if pin.attempts_left == 0 {
            return Err(blocked);
        }
        if !pin.verified {
            return Err(status::SECURITY_STATUS);
        }
        if !pin.format.accepts(command.data) {
            return Err(status::WRONG_DATA);
        }
        let before = pin.clone();
        pin.value = Some(command.data.to_vec());
        self.keep_or_undo(id, before, true)?;
        Ok(status::OK.into())
    }

    fn sign(&mut self, command: &Command<'_>) -> Outcome {
        let id = match command.p2 {
            0x00 => self.application().and_then(|current| current.default_key).ok_or(status::WRONG_P1_P2)?,
            reference => self.reference(reference)?,
        };
        let application = self.application().ok_or(status::NO_CURRENT_EF)?;
        let file = application.file(id).ok_or(status::FILE_NOT_FOUND)?;
        let Body::Key { key, opened_by } = &file.body else { return Err(status::WRONG_FILE_TYPE) };
        if !application.allows(opened_by) {
            return Err(status::SECURITY_STATUS);
        }
        if command.le.is_some_and(|le| le < key.longest_signature()) {
            return Err(status::WRONG_LENGTH);
        }
        let mut input = command.data.to_vec();
        if let Some(last) = input.last_mut().filter(|_| self.config.wrong_signature) {
            *last ^= 0x01;
        }
        key.sign_on_card(command.p1, &input).map(Response::data)
    }

    fn application(&self) -> Option<&Application> {
        self.current.and_then(|index| self.applications.get(index))
    }

    fn pin_mut(&mut self, id: u16) -> Result<&mut PinFile, u16> {
        let application = self.current.and_then(|index| self.applications.get_mut(index));
        let application = application.ok_or(status::NO_CURRENT_EF)?;
        application.file(id).ok_or(status::FILE_NOT_FOUND)?;
        application.pin_mut(id).ok_or(status::WRONG_FILE_TYPE)
    }

    /// The file a P2 of `80` (the current one) or `80 | SFI` means.
    fn reference(&mut self, p2: u8) -> Result<u16, u16> {
        match p2 {
            0x80 => self.current_ef.ok_or(status::NO_CURRENT_EF),
            0x81.. => self.short_identifier(p2 & 0x7F),
            _ => Err(status::WRONG_P1_P2),
        }
    }

    /// The file with this short identifier, which becomes the current one (ISO/IEC 7816-4, 7.4.1).
    fn short_identifier(&mut self, identifier: u8) -> Result<u16, u16> {
        if !self.config.sfi || !(0x01..=0x1E).contains(&identifier) {
            return Err(status::WRONG_P1_P2);
        }
        let id = u16::from(identifier);
        let application = self.application().ok_or(status::NO_CURRENT_EF)?;
        application.file(id).ok_or(status::FILE_NOT_FOUND)?;
        self.current_ef = Some(id);
        Ok(id)
    }

    fn blocked_status(&self) -> u16 {
        if self.config.blocked_as_6983 { status::AUTHENTICATION_BLOCKED } else { status::IEF_BLOCKED }
    }

    /// Saves a changed PIN before the answer goes out; a PIN that cannot be saved is as it was, and not verified.
    fn keep_or_undo(&mut self, id: u16, before: PinFile, changed: bool) -> Result<(), u16> {
        if !changed || self.save().is_ok() {
            return Ok(());
        }
        *self.pin_mut(id)? = PinFile { verified: false, ..before };
        Err(status::MEMORY_FAILURE)
    }
}

fn get_challenge(command: &Command<'_>) -> Outcome {
    if (command.p1, command.p2) != (0, 0) {
        return Err(status::WRONG_P1_P2);
    }
    let le = command.le.filter(|_| command.data.is_empty()).ok_or(status::WRONG_LENGTH)?;
    if le > 256 {
        return Err(status::CONDITIONS_OF_USE);
    }
    let mut random = vec![0; le];
    getrandom::fill(&mut random).map_err(|_| status::UNSPECIFIC)?;
    Ok(Response::data(random))
}

/// The GlobalPlatform issuer security domain, current after power-on.
const ISSUER_SECURITY_DOMAIN: &[u8] = &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00];
/// A registered application provider identifier, the shortest name to select by.
const SHORTEST_NAME: usize = 5;
