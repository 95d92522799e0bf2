//! The card chip: a state machine from command bytes to response bytes.

use crate::{
    FORGED_TEXT, SimError,
    apdu::{Command, Response, status},
    application::Application,
    common,
    config::Config,
    counters::{Counters, LogEntry},
    issuer, jpki,
    people::{self, Person},
    pin::Pin,
    printed::Printed,
    profile::Profile,
    state::StateFile,
    surface, text_input,
};
use std::{borrow::Cow, collections::BTreeMap, fmt, path::Path};

/// One simulated card.
///
/// Security and selection state follow ISO/IEC 7816-4: power-on starts with the issuer security domain current and no
/// PIN verified; leaving an application closes its PINs; selecting the same one again keeps them.
pub struct Card {
    pub(crate) config: Config,
    pub(crate) applications: Vec<Application>,
    /// What GET DATA finds while the issuer security domain is current, by tag.
    pub(crate) data_objects: BTreeMap<u16, Vec<u8>>,
    authentication_certificate: Vec<u8>,
    signature_certificate: Option<Vec<u8>>,
    state_file: Option<StateFile>,
    counters: Counters,
    log: Vec<LogEntry>,
    powered: bool,
    /// How often the card was brought into a field.
    taps: u64,
    answered: bool,
    /// Index of the current application; `None` is the issuer security domain.
    pub(crate) current: Option<usize>,
    pub(crate) current_ef: Option<u16>,
    /// What GET RESPONSE would fetch.
    waiting: Vec<u8>,
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Card")
            .field("profile", &self.config.profile)
            .field("person", &self.config.person)
            .finish_non_exhaustive()
    }
}

impl Card {
    /// Issues a card; its certificates are made now.
    ///
    /// # Errors
    /// An unknown person, or a validity no certificate can carry.
    pub fn new(config: Config) -> Result<Self, SimError> {
        let person = people::person(config.person).ok_or(SimError::UnknownPerson(config.person))?;
        let person = if config.long_address { Cow::Owned(with_long_address(person)) } else { Cow::Borrowed(person) };
        let person = if config.forged_text { Cow::Owned(with_forged_text(&person)) } else { person };
        let jpki = jpki::build(&config, &person)?;
        let applications = applications(&config, &person, jpki.application)?;
        let plastic = config.profile.is_plastic();
        let data_objects = if plastic { issuer::data_objects(&config, &person)? } else { BTreeMap::new() };
        Ok(Self {
            config,
            applications,
            data_objects,
            authentication_certificate: jpki.authentication_certificate,
            signature_certificate: jpki.signature_certificate,
            state_file: None,
            counters: Counters::default(),
            log: Vec::new(),
            powered: false,
            taps: 0,
            answered: false,
            current: None,
            current_ef: None,
            waiting: Vec::new(),
        })
    }

    /// Issues a card whose PINs and tries live in a file; a missing file is made at the first change.
    ///
    /// # Errors
    /// As [`Card::new`], and when the file cannot be read or belongs to another card.
    pub fn with_state(config: Config, path: impl AsRef<Path>) -> Result<Self, SimError> {
        let mut card = Self::new(config)?;
        let file = StateFile::new(path.as_ref(), &card.config);
        file.load(&mut card.applications)?;
        card.state_file = Some(file);
        Ok(card)
    }

    /// Like [`Card::with_state`], but whatever the file says is replaced by the state of a new card.
    ///
    /// # Errors
    /// As [`Card::new`], and when the file cannot be written.
    pub fn with_new_state(config: Config, path: impl AsRef<Path>) -> Result<Self, SimError> {
        let mut card = Self::new(config)?;
        card.state_file = Some(StateFile::new(path.as_ref(), &card.config));
        card.save()?;
        Ok(card)
    }

    /// The configuration the card was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Power on: no application selected, no PIN verified, tries as they were.
    pub fn power_on(&mut self) {
        self.clear();
        self.powered = true;
    }

    /// Brings the card into a field; the number tells this tap from later ones.
    pub(crate) fn enter_field(&mut self) -> u64 {
        self.power_on();
        self.taps += 1;
        self.taps
    }

    /// Whether the card has not been brought elsewhere since this tap.
    pub(crate) fn is_in_field_of(&self, tap: u64) -> bool {
        self.taps == tap
    }

    /// Power off, or the card left the field.
    pub fn power_off(&mut self) {
        self.clear();
        self.powered = false;
    }

    /// Warm reset: like power on, but [`Config::warm_reset_keeps_pins`] can keep the PIN states.
    pub fn warm_reset(&mut self) {
        if self.config.warm_reset_keeps_pins {
            (self.current, self.current_ef, self.answered) = (None, None, false);
            self.waiting.clear();
        } else {
            self.power_on();
        }
    }

    /// Answers one command APDU. Any bytes get an answer of at least two bytes; a card without power is powered first.
    pub fn process(&mut self, command: &[u8]) -> Vec<u8> {
        if !self.powered {
            self.power_on();
        }
        let parsed = Command::parse(command);
        let response = self.respond(parsed.as_ref());
        let answer = response.to_bytes();
        self.counters.count(parsed.as_ref(), command.len(), answer.len());
        if self.log.len() == LOG_LIMIT {
            self.log.drain(..LOG_LIMIT / 2);
        }
        let header = |at: usize| command.get(at).copied().unwrap_or_default();
        self.log.push((header(1), header(2), header(3), response.sw));
        answer
    }

    /// Tries left of a PIN; 0 when it is blocked or the profile does not have it.
    pub fn attempts_left(&self, pin: Pin) -> u8 {
        let (kind, file) = pin.location();
        let application = self.applications.iter().find(|candidate| candidate.kind == kind);
        application.and_then(|application| application.pin(file)).map_or(0, |pin| pin.attempts_left)
    }

    /// Sets the tries left of a PIN behind the card's back, at most to its limit; 0 blocks it.
    ///
    /// The state file follows at once when there is one; if it cannot be written, with the next change.
    pub fn set_attempts(&mut self, pin: Pin, attempts: u8) {
        let (kind, file) = pin.location();
        let application = self.applications.iter_mut().find(|candidate| candidate.kind == kind);
        if let Some(pin) = application.and_then(|application| application.pin_mut(file)) {
            pin.attempts_left = attempts.min(pin.max_attempts);
            pin.verified &= pin.attempts_left > 0;
            let _ = self.save();
        }
    }

    /// Restores every PIN and try counter to what the card was issued with, as no command can.
    ///
    /// # Errors
    /// When there is a state file and it cannot be written.
    pub fn reset_pins(&mut self) -> Result<(), SimError> {
        for application in &mut self.applications {
            application.pins_mut().for_each(|(_, pin)| pin.reset());
        }
        self.save()
    }

    /// What the card was asked since it was made or since [`Card::reset_counters`].
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Starts counting and logging anew.
    pub fn reset_counters(&mut self) {
        self.counters = Counters::default();
        self.log.clear();
    }

    /// The authentication certificate as DER, without filler. Made even when the profile does not show it.
    pub fn authentication_certificate(&self) -> &[u8] {
        &self.authentication_certificate
    }

    /// The signature certificate as DER, without filler; `None` for a person without one.
    pub fn signature_certificate(&self) -> Option<&[u8]> {
        self.signature_certificate.as_deref()
    }

    /// The commands so far as INS, P1, P2 and status word, oldest first; bodies are never kept.
    pub fn log(&self) -> &[LogEntry] {
        &self.log
    }

    /// Writes the state file, if there is one.
    pub(crate) fn save(&mut self) -> Result<(), SimError> {
        match &self.state_file {
            Some(file) => file.save(&mut self.applications),
            None => Ok(()),
        }
    }

    /// Closes the PINs of every application but one.
    pub(crate) fn close_pins(&mut self, but: Option<usize>) {
        let others = self.applications.iter_mut().enumerate().filter(|(index, _)| Some(*index) != but);
        others.flat_map(|(_, application)| application.pins_mut()).for_each(|(_, pin)| pin.verified = false);
    }

    fn clear(&mut self) {
        self.close_pins(None);
        (self.current, self.current_ef, self.answered) = (None, None, false);
        self.waiting.clear();
    }

    fn respond(&mut self, command: Option<&Command<'_>>) -> Response {
        let first = !std::mem::replace(&mut self.answered, true);
        if first && self.config.first_command_6f00 {
            return status::UNSPECIFIC.into();
        }
        let Some(command) = command.filter(|command| self.config.extended || !command.extended) else {
            return status::WRONG_LENGTH.into();
        };
        if self.config.procedure_bytes {
            return self.respond_in_steps(command);
        }
        self.execute(command).unwrap_or_else(Response::from)
    }

    /// T=0 manners (ISO/IEC 7816-3, 10.3.3): data of a command that also sent data waits for GET RESPONSE, and an Le
    /// beyond the data is answered with the right one.
    fn respond_in_steps(&mut self, command: &Command<'_>) -> Response {
        if (command.cla, command.ins) == (0x00, crate::apdu::ins::GET_RESPONSE) {
            return self.get_response(command);
        }
        self.waiting.clear();
        let response = self.execute(command).unwrap_or_else(Response::from);
        if response.data.is_empty() {
            return response;
        }
        if !command.data.is_empty() {
            self.waiting = response.data;
            return (status::BYTES_WAITING | low_byte(self.waiting.len())).into();
        }
        match command.le {
            Some(le @ ..=256) if le > response.data.len() => (status::WRONG_LE | low_byte(response.data.len())).into(),
            _ => response,
        }
    }

    fn get_response(&mut self, command: &Command<'_>) -> Response {
        let le = command.le.unwrap_or(256);
        match self.waiting.len() {
            0 => status::CONDITIONS_OF_USE.into(),
            length if le > length => (status::WRONG_LE | low_byte(length)).into(),
            _ => {
                let data = self.waiting.drain(..le).collect();
                let sw = match self.waiting.len() {
                    0 => status::OK,
                    rest => status::BYTES_WAITING | low_byte(rest),
                };
                Response { data, sw }
            }
        }
    }
}

/// The length as 61xx and 6Cxx carry it: 00 for 256 or more.
fn low_byte(length: usize) -> u16 {
    u8::try_from(length).map_or(0, u16::from)
}

/// The applications of the profile with the changes of the configuration, in the order partial names are matched in.
fn applications(config: &Config, person: &Person, jpki: Application) -> Result<Vec<Application>, SimError> {
    let mut applications = Vec::new();
    if config.profile.is_plastic() {
        applications.extend([
            common::common(person)?,
            common::resident_register(person),
            surface::build(config, person, &Printed::of(person)?)?,
            text_input::build(config, person)?,
        ]);
    }
    if config.profile != Profile::NotJpki {
        applications.push(jpki);
    }
    applications.retain(|application| !config.without_applications.contains(&application.kind));
    for ((kind, id), content) in &config.files {
        if let Some(application) = applications.iter_mut().find(|application| application.kind == *kind) {
            application.replace(*id, content);
        }
    }
    Ok(applications)
}

/// The same person with an address of more than 127 bytes, as far as the card knows.
fn with_long_address(person: &Person) -> Person {
    let address = format!(
        "{}　見本国際居住者向け高層住宅団地北第十二号棟別館東側入口上る四十五階四千五百一号室見本様方",
        person.address
    );
    Person { address, ..person.clone() }
}

/// The same person, whose name and address carry layout.
fn with_forged_text(person: &Person) -> Person {
    let forged = |text: &str| format!("{text}{FORGED_TEXT}");
    Person { name: forged(&person.name), address: forged(&person.address), ..person.clone() }
}

const LOG_LIMIT: usize = 65_536;
