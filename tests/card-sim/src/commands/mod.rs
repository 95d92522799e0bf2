//! The commands of the card (ISO/IEC 7816-4, 11; those of class 80 are the card's own).

mod files;
mod keys;
mod pins;

use crate::{
    apdu::{Command, Response, ins, status},
    application::Application,
    application_kind::ApplicationKind,
    card::Card,
};

/// A response, or the status word that refuses the command.
pub(crate) type Outcome = Result<Response, u16>;

impl Card {
    /// Runs one well-formed command.
    pub(crate) fn execute(&mut self, command: &Command<'_>) -> Outcome {
        match command.cla {
            0x00 | 0x80 => {}
            0x01..=0x03 | 0x81..=0x83 => return Err(status::CHANNEL_NOT_SUPPORTED),
            0x08 | 0x0C => return Err(self.secure_messaging_refusal(command)),
            _ => return Err(status::UNKNOWN_CLA),
        }
        match (command.cla, command.ins) {
            (0x00, ins::SELECT) => self.select(command),
            (0x00, ins::READ_BINARY) => self.read_binary(command),
            (0x00, ins::READ_RECORD) => self.read_record(command),
            (0x00, ins::GET_DATA) => self.get_data(command),
            (0x00, ins::VERIFY) => self.verify(command),
            (0x00, ins::CHANGE_REFERENCE_DATA) => self.change_reference_data(command),
            (0x80, ins::CHANGE_KEY) => self.change_key(command),
            (0x00, ins::GET_CHALLENGE) => keys::get_challenge(command),
            (0x00, ins::INTERNAL_AUTHENTICATE) => self.internal_authenticate(command),
            (0x80, ins::SIGN) => self.sign(command),
            (0x80, ins::SET_SESSION_KEY) => self.set_session_key(),
            (0x80, ins::TERMINAL_CERTIFICATE) => keys::terminal_certificate(command),
            (0x80, ins::LAST_COMMAND) => self.last_command(command),
            _ => Err(status::UNKNOWN_INS),
        }
    }

    /// Secure messaging is never on. Where a session could be, it is gone (69FC) or its objects are missing (6987).
    fn secure_messaging_refusal(&self, command: &Command<'_>) -> u16 {
        let kind = self.application().map(|application| application.kind);
        match (kind, command.cla, command.ins) {
            (Some(ApplicationKind::TextInput), 0x0C, _) => status::SECURE_MESSAGING_OBJECTS_MISSING,
            (Some(ApplicationKind::TextInput), _, _) | (Some(ApplicationKind::Jpki), 0x08, ins::READ_BINARY) => {
                status::NO_SESSION
            }
            _ => status::SECURE_MESSAGING_NOT_SUPPORTED,
        }
    }

    /// `80 FC`: on a phone it ends the transaction, which closes the PINs. Plastic cards refuse its length.
    fn last_command(&mut self, command: &Command<'_>) -> Outcome {
        if !self.config.profile.is_phone() {
            return Err(status::WRONG_LENGTH);
        }
        if (command.p1, command.p2) != (0, 0) {
            return Err(status::WRONG_P1_P2);
        }
        self.close_pins(None);
        Ok(status::OK.into())
    }

    fn application(&self) -> Option<&Application> {
        self.current.and_then(|index| self.applications.get(index))
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
}
