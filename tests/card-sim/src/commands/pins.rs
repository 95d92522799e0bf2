//! VERIFY, CHANGE REFERENCE DATA and CHANGE KEY.

use super::Outcome;
use crate::{
    apdu::{Command, status},
    application::{Change, PinFile},
    card::Card,
};

impl Card {
    /// VERIFY with a PIN, or without data the query for the tries left, which costs nothing.
    pub(super) fn verify(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0x00 {
            return Err(status::WRONG_P1_P2);
        }
        let id = self.reference(command.p2)?;
        let (blocked, query_9000) = (self.blocked_status(), self.config.query_after_verify_9000);
        let query_with_length_6700 = self.config.query_with_length_6700;
        let pin = self.pin_mut(id)?;
        if command.data.is_empty() {
            if command.le.is_some() && query_with_length_6700 {
                return Err(status::WRONG_LENGTH);
            }
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

    /// `00 24 01`, for JPKI and the text-input support application.
    pub(super) fn change_reference_data(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0x01 {
            return Err(status::WRONG_P1_P2);
        }
        self.change(command, Change::ReferenceData)
    }

    /// `80 32 00`, for the resident register and common applications.
    pub(super) fn change_key(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0x00 {
            return Err(status::WRONG_P1_P2);
        }
        self.change(command, Change::Key)
    }

    /// Sets a new PIN; the verified old one is the authorisation. A refused new PIN changes nothing.
    ///
    /// A PIN that this command is not for answers 6985; that is the simulator's choice.
    fn change(&mut self, command: &Command<'_>, with: Change) -> Outcome {
        let id = self.reference(command.p2)?;
        let blocked = self.blocked_status();
        let pin = self.pin_mut(id)?;
        if pin.attempts_left == 0 {
            return Err(blocked);
        }
        if !pin.verified {
            return Err(status::SECURITY_STATUS);
        }
        if pin.change != with {
            return Err(status::CONDITIONS_OF_USE);
        }
        if !pin.format.accepts(command.data) {
            return Err(status::WRONG_DATA);
        }
        let before = pin.clone();
        pin.value = Some(command.data.to_vec());
        self.keep_or_undo(id, before, true)?;
        Ok(status::OK.into())
    }

    fn pin_mut(&mut self, id: u16) -> Result<&mut PinFile, u16> {
        let application = self.current.and_then(|index| self.applications.get_mut(index));
        let application = application.ok_or(status::NO_CURRENT_EF)?;
        application.file(id).ok_or(status::FILE_NOT_FOUND)?;
        application.pin_mut(id).ok_or(status::WRONG_FILE_TYPE)
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
