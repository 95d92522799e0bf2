//! The commands that use keys: signing, authentication, random numbers, key delivery.

use super::Outcome;
use crate::{
    apdu::{Command, Response, status},
    application::{Body, KeyUsage},
    application_kind::ApplicationKind,
    card::Card,
    text_input,
};
use std::{thread, time::Duration};

impl Card {
    /// `80 2A`: P1 is the padding scheme, P2 the key; see `PrivateKey::sign_on_card`.
    pub(super) fn sign(&mut self, command: &Command<'_>) -> Outcome {
        let id = match command.p2 {
            0x00 => self.application().and_then(|current| current.default_key).ok_or(status::WRONG_P1_P2)?,
            reference => self.reference(reference)?,
        };
        self.use_key(command, id, KeyUsage::Sign, command.p1)
    }

    /// `00 88`: SHA-256 of the challenge in a DigestInfo, padded and signed.
    pub(super) fn internal_authenticate(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0x00 {
            return Err(status::WRONG_P1_P2);
        }
        let id = self.reference(command.p2)?;
        if !(1..=255).contains(&command.data.len()) {
            return Err(status::WRONG_LENGTH);
        }
        self.use_key(command, id, KeyUsage::Authenticate, HASH_AND_DIGEST_INFO)
    }

    fn use_key(&mut self, command: &Command<'_>, id: u16, usage: KeyUsage, scheme: u8) -> Outcome {
        let application = self.application().ok_or(status::NO_CURRENT_EF)?;
        let file = application.file(id).ok_or(status::FILE_NOT_FOUND)?;
        let Body::Key { key, opened_by, usage: allowed } = &file.body else { return Err(status::WRONG_FILE_TYPE) };
        if !application.allows(opened_by) {
            return Err(status::SECURITY_STATUS);
        }
        if *allowed != usage {
            return Err(status::CONDITIONS_OF_USE);
        }
        if command.le.is_some_and(|le| le < key.longest_signature()) {
            return Err(status::WRONG_LENGTH);
        }
        let mut input = command.data.to_vec();
        if let Some(last) = input.last_mut().filter(|_| self.config.wrong_signature) {
            *last ^= 0x01;
        }
        let signature = key.sign_on_card(scheme, &input)?;
        thread::sleep(Duration::from_millis(self.config.slow_signature_ms));
        Ok(Response::data(signature))
    }

    /// `80 AE`: every application knows the command, and this simulation has no session keys to deliver.
    ///
    /// Where real cards ask for a credential first (6982), this one does; else nothing is configured (66F1).
    pub(super) fn set_session_key(&self) -> Outcome {
        Err(match self.application() {
            Some(application) => match application.kind {
                ApplicationKind::Jpki | ApplicationKind::ResidentRegister => status::SECURITY_STATUS,
                ApplicationKind::TextInput if !application.allows(&[text_input::PIN]) => status::SECURITY_STATUS,
                _ => status::NO_KEY_DELIVERY,
            },
            None => status::NO_KEY_DELIVERY,
        })
    }
}

pub(super) fn get_challenge(command: &Command<'_>) -> Outcome {
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

/// `80 A2`: takes a terminal's certificate of 307 bytes. Which P1 and P2 it wants is not known.
pub(super) fn terminal_certificate(command: &Command<'_>) -> Outcome {
    Err(if command.data.len() == 307 { status::WRONG_P1_P2 } else { status::WRONG_LENGTH })
}

/// P1 of the signing command that hashes the message and wraps the hash.
const HASH_AND_DIGEST_INFO: u8 = 0x03;
