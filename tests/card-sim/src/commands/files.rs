//! SELECT, READ BINARY, READ RECORD and GET DATA.

use super::Outcome;
use crate::{
    apdu::{Command, Response, status},
    application::Body,
    card::Card,
    issuer,
};

impl Card {
    pub(super) fn select(&mut self, command: &Command<'_>) -> Outcome {
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
        let partial = self.config.partial_names && name.len() >= SHORTEST_NAME;
        let matches = |aid: &[u8]| aid == name || (partial && aid.starts_with(name));
        let found = self.applications.iter().position(|application| matches(application.kind.aid()));
        let aid: &[u8] = match found.and_then(|index| self.applications.get(index)) {
            Some(application) => application.kind.aid(),
            None if matches(issuer::AID) => issuer::AID,
            None => return Err(status::FILE_NOT_FOUND),
        };
        self.close_pins(found.filter(|_| !self.config.strict_reselect));
        (self.current, self.current_ef) = (found, None);
        Ok(self.file_control(command, &[&[0x84, aid.len() as u8], aid].concat()))
    }

    fn select_file(&mut self, command: &Command<'_>, id: u16) -> Outcome {
        match self.application() {
            Some(application) => application.file(id).map(drop).ok_or(status::FILE_NOT_FOUND)?,
            // Beside the applications there is one file, and it cannot be read.
            None if id == MASTER_FILE_EF && self.config.profile.is_plastic() => {}
            None => return Err(status::FILE_NOT_FOUND),
        }
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

    pub(super) fn read_binary(&mut self, command: &Command<'_>) -> Outcome {
        let (id, offset) = match command.p1 {
            short @ 0x80.. => (self.short_identifier(short & 0x7F)?, usize::from(command.p2)),
            high => (self.current_file()?, usize::from(u16::from_be_bytes([high, command.p2]))),
        };
        let application = self.application().ok_or(status::WRONG_FILE_TYPE)?;
        let file = application.file(id).ok_or(status::FILE_NOT_FOUND)?;
        let Body::Binary { content, opened_by } = &file.body else { return Err(status::WRONG_FILE_TYPE) };
        if !application.allows(opened_by) {
            return Err(status::SECURITY_STATUS);
        }
        let le = command.le.filter(|_| command.data.is_empty()).ok_or(status::WRONG_LENGTH)?;
        let le = le.min(self.config.read_limit.map_or(usize::MAX, |limit| limit.max(1)));
        let rest = content.get(offset..).unwrap_or_default();
        if self.config.endless_files {
            let mut data = rest[..le.min(rest.len())].to_vec();
            data.resize(le.min(LONGEST_ENDLESS_ANSWER), 0xFF);
            return Ok(Response::data(data));
        }
        self.config.end_of_file.answer(rest, le)
    }

    /// One record, or with P2 = 05 all records from this one on; the current EF or one named by its short identifier.
    pub(super) fn read_record(&mut self, command: &Command<'_>) -> Outcome {
        let id = match command.p2 >> 3 {
            0 => self.current_file()?,
            short => self.short_identifier(short)?,
        };
        let application = self.application().ok_or(status::WRONG_FILE_TYPE)?;
        let file = application.file(id).ok_or(status::FILE_NOT_FOUND)?;
        let Body::Records(records) = &file.body else { return Err(status::WRONG_FILE_TYPE) };
        let le = command.le.filter(|_| command.data.is_empty()).ok_or(status::WRONG_LENGTH)?;
        let index = usize::from(command.p1).checked_sub(1).ok_or(status::RECORD_NOT_FOUND)?;
        let from_here = records.get(index..).filter(|records| !records.is_empty()).ok_or(status::RECORD_NOT_FOUND)?;
        let mut data = match command.p2 & 0x07 {
            0x04 => from_here[0].clone(),
            0x05 if self.config.single_records_only => return Err(status::FUNCTION_NOT_SUPPORTED),
            0x05 => from_here.concat(),
            _ => return Err(status::WRONG_P1_P2),
        };
        data.truncate(le);
        Ok(Response::data(data))
    }

    /// A data object of the issuer security domain, whole or not at all: an Le too small for it answers 6700.
    pub(super) fn get_data(&mut self, command: &Command<'_>) -> Outcome {
        let tag = u16::from_be_bytes([command.p1, command.p2]);
        let in_reach = self.current.is_none() || tag == issuer::CONTACT_ATR;
        let object = self.data_objects.get(&tag).filter(|_| in_reach).ok_or(status::OBJECT_NOT_FOUND)?;
        let fits = command.data.is_empty() && command.le.is_some_and(|le| le >= object.len());
        if fits { Ok(Response::data(object.clone())) } else { Err(status::WRONG_LENGTH) }
    }

    fn current_file(&self) -> Result<u16, u16> {
        self.current_ef.ok_or(status::NO_CURRENT_EF)
    }
}

/// A registered application provider identifier, the shortest name to select by.
const SHORTEST_NAME: usize = 5;
/// The only file outside the applications; selectable after power-on and never readable.
const MASTER_FILE_EF: u16 = 0x001E;
/// With the status word the most that a message of the virtual reader carries.
const LONGEST_ENDLESS_ANSWER: usize = 65_533;
