//! Whom each server calls a member: kept at the first contact, and compared with at every later one.

use serde_json::{Value, json};

use crate::error::{Error, ResourceFault};

/// Longest issuer or patient id, in bytes.
const LONGEST_PATIENT: usize = 512;
/// Servers that may know a member.
const MOST_SERVERS: usize = 16;

/// Whom a server calls a member.
#[derive(Clone, Eq, PartialEq)]
pub struct ServerPatient {
    /// Issuer of the tokens, as it stands in its metadata.
    pub issuer: String,
    /// Id of the Patient in its tokens: opaque, and of no meaning elsewhere.
    pub patient: String,
}

crate::secret::opaque_debug!(ServerPatient);

/// Adds the id unless it is there; tells whether it was not.
///
/// # Errors
/// [`ResourceFault::Foreign`] where the server calls this member by another id; [`Error::Usage`] for texts that are empty or
/// too long.
pub(super) fn pin(patients: &mut Vec<ServerPatient>, found: &ServerPatient) -> Result<bool, Error> {
    match patients.iter().find(|known| known.issuer == found.issuer) {
        Some(known) if known.patient == found.patient => return Ok(false),
        Some(_) => return Err(ResourceFault::Foreign { what: "patient" }.into()),
        None => {}
    }
    if [&found.issuer, &found.patient].iter().any(|text| text.is_empty() || text.len() > LONGEST_PATIENT) {
        return Err(Error::usage("issuer and patient have 1 to 512 bytes"));
    }
    if patients.len() >= MOST_SERVERS {
        return Err(Error::usage("too many servers know this member"));
    }
    patients.push(found.clone());
    Ok(true)
}

pub(super) fn to_json(one: &ServerPatient) -> Value {
    json!({"issuer": one.issuer, "patient": one.patient})
}

pub(super) fn of_json(json: &Value) -> Option<ServerPatient> {
    let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
    Some(ServerPatient { issuer: text("issuer")?, patient: text("patient")? })
}
