//! A compatibility report that a user can attach to a bug report: what this card and this reader do, and how fast.
//!
//! It needs no PIN and costs no try. Of what the card answers only lengths and status words are kept: no certificate, no
//! serial number, no name.

use std::time::Instant;

use super::profile::{self, ef};
use super::{Application, Card, CertificateAvailability, Generation, TokenInfo};
use crate::error::{Error, PinKind};
use crate::iso7816::channel::{ins, short_ef};
use crate::iso7816::{CardCapabilities, Command, StatusWord, TransportLimits};

/// Extended length to try, in bytes: more than a short answer holds, less than any link's buffer.
const EXTENDED: usize = 1024;
/// Short identifier of EF.CardAccess, in which cards with PACE name its parameters (BSI TR-03110-3, A.1.2.1).
const EF_CARD_ACCESS: u8 = 0x1C;

/// What one question brought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Probe {
    /// Stable name of the question.
    pub name: &'static str,
    /// Instruction byte.
    pub ins: u8,
    /// Status word.
    pub status: u16,
    /// Bytes of data in the answer.
    pub len: usize,
    /// How long the card took, in microseconds.
    pub micros: u64,
}

/// The report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CompatibilityReport {
    /// Kind of token.
    pub generation: Generation,
    /// Its label.
    pub label: String,
    /// Its model.
    pub model: String,
    /// Applications that can be selected.
    pub applications: Vec<Application>,
    /// Which certificates it says to have; `None` if it does not say.
    pub certificates: Option<CertificateAvailability>,
    /// What this SDK would make use of.
    pub capabilities: CardCapabilities,
    /// EF.CardAccess can be read, which is what a card with PACE has.
    pub pace: bool,
    /// Longest command and answer of the link, in bytes.
    pub limits: TransportLimits,
    /// Every question that was answered, in order: a card may have nothing to say to the one of extended length.
    pub probes: Vec<Probe>,
}

impl Card<'_> {
    /// Examines the card; some twenty exchanges. `progress` is told the name of each question before it is asked.
    ///
    /// # Errors
    /// [`Error::NotMyNumberCard`] without the JPKI application, [`Error::Transport`] when the link broke.
    pub fn examine(&mut self, progress: &mut dyn FnMut(&'static str)) -> Result<CompatibilityReport, Error> {
        let limits = self.channel.limits();
        let mut examination = Examination { card: self, progress, probes: Vec::new() };
        let pace = examination.ask("read_ef_card_access", &read(EF_CARD_ACCESS, 256))?.is_ok();
        let applications = examination.applications()?;
        examination.pins()?;
        let (token, certificates) = examination.jpki()?;
        let probes = examination.probes;
        Ok(CompatibilityReport {
            generation: token.generation,
            label: token.label,
            model: token.model,
            applications,
            certificates,
            capabilities: self.capabilities(),
            pace,
            limits,
            probes,
        })
    }
}

struct Examination<'a, 't> {
    card: &'a mut Card<'t>,
    progress: &'a mut dyn FnMut(&'static str),
    probes: Vec<Probe>,
}

impl Examination<'_, '_> {
    /// Asks for every application.
    fn applications(&mut self) -> Result<Vec<Application>, Error> {
        let mut present = Vec::new();
        for application in Application::ALL {
            let name = match application {
                Application::Jpki => "select_jpki",
                Application::TextInput => "select_text_input",
                Application::Surface => "select_surface",
                Application::ResidentRegister => "select_resident_register",
                Application::Common => "select_common",
            };
            let select = Command::new(0x00, ins::SELECT, 0x04, 0x0C).with_data(&application.aid());
            if self.ask(name, &select)?.is_ok() {
                present.push(application);
            }
        }
        Ok(present)
    }

    /// Asks for the tries left of each PIN by its short identifier, in the application it belongs to.
    fn pins(&mut self) -> Result<(), Error> {
        for kind in PinKind::ALL {
            let pin = profile::pin(kind);
            let name = match kind {
                PinKind::UserAuthentication => "tries_user_authentication",
                PinKind::Signature => "tries_signature",
                PinKind::TextInput => "tries_text_input",
                PinKind::VerificationNumberB => "tries_verification_number_b",
                PinKind::BirthDate => "tries_birth_date",
            };
            if self.card.channel.select_application(&pin.application.aid())?.is_ok() {
                self.ask(name, &Command::new(0x00, ins::VERIFY, 0x00, 0x80 | short_ef(pin.ef)))?;
            }
        }
        Ok(())
    }

    /// Asks the JPKI application in every form a reader may use, and leaves it selected.
    fn jpki(&mut self) -> Result<(TokenInfo, Option<CertificateAvailability>), Error> {
        self.card.select_jpki()?;
        self.ask("read_without_file", &Command::new(0x00, ins::READ_BINARY, 0x00, 0x00).with_le(4))?;
        self.ask("get_challenge", &Command::new(0x00, ins::GET_CHALLENGE, 0x00, 0x00).with_le(8))?;
        let short = self.ask("read_short_identifier", &read(short_ef(ef::AUTHENTICATION_CERTIFICATE), 256))?;
        if self.card.channel.limits().max_response > EXTENDED {
            let answer = self.ask("read_extended", &read(short_ef(ef::AUTHENTICATION_CERTIFICATE), EXTENDED));
            self.card.channel.capabilities.extended_length = match answer {
                Ok(StatusWord::OK) => Some(true),
                Err(error) if self.card.channel.is_over() => return Err(error),
                // Whatever it says: the short form of the same question was answered.
                _ if short.is_ok() => Some(false),
                _ => None,
            };
        }
        let select =
            Command::new(0x00, ins::SELECT, 0x02, 0x0C).with_data(&ef::AUTHENTICATION_CERTIFICATE.to_be_bytes());
        self.ask("select_file", &select)?;
        self.ask("read_selected", &Command::new(0x00, ins::READ_BINARY, 0x00, 0x00).with_le(256))?;
        self.ask("read_past_end", &Command::new(0x00, ins::READ_BINARY, 0x7F, 0x00).with_le(1))?;
        let mut jpki = self.card.select_jpki()?;
        // Learns what the SDK itself makes of the card.
        let certificates = jpki.certificates_if_told()?;
        Ok((jpki.token_info()?, certificates))
    }

    /// Asks one question and keeps no more than length, status word and time of the answer.
    fn ask(&mut self, name: &'static str, command: &Command) -> Result<StatusWord, Error> {
        (self.progress)(name);
        let started = Instant::now();
        let response = self.card.channel.transmit_once(command)?;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (ins, status, len) = (command.ins, response.status, response.data.len());
        self.probes.push(Probe { name, ins, status: status.0, len, micros });
        Ok(status)
    }
}

/// READ BINARY from the start of the file with this short identifier.
fn read(short_identifier: u8, len: usize) -> Command {
    Command::new(0x00, ins::READ_BINARY, 0x80 | short_identifier, 0x00).with_le(len)
}
