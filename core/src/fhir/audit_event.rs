//! アクセスログ of the server: AuditEvent.

use super::resource::{DataDate, date, resource, words};
use super::{NAMESPACE, items, text};
use crate::time::UnixMillis;

resource!(
    /// Someone looked at data of this person.
    AccessEntry, "AuditEvent", "access log entry"
);

impl AccessEntry {
    /// Code of what was done, such as `medication-viewed`; unknown ones as received.
    pub fn kind(&self) -> Option<&str> {
        let system = format!("{NAMESPACE}/CodeSystem/access-kind");
        let subtype = items(&self.0, "subtype").find(|subtype| text(subtype, "system") == Some(&system))?;
        text(subtype, "code")
    }

    /// What was done, in words.
    pub fn kind_words(&self) -> Option<&str> {
        items(&self.0, "subtype").find_map(|subtype| text(subtype, "display").or_else(|| text(subtype, "code")))
    }

    /// When.
    pub fn recorded(&self) -> Option<UnixMillis> {
        UnixMillis::parse_rfc3339(text(&self.0, "recorded")?)
    }

    /// The day.
    pub fn date(&self) -> Option<DataDate> {
        date(&self.0, "recorded")
    }

    /// Who asked.
    pub fn requestor(&self) -> Option<&str> {
        let requestor = |agent: &&serde_json::Value| agent.get("requestor").and_then(|is| is.as_bool()) == Some(true);
        items(&self.0, "agent").find(requestor).and_then(|agent| text(agent.get("who")?, "display"))
    }

    /// What for.
    pub fn purpose(&self) -> Option<&str> {
        items(&self.0, "purposeOfEvent").find_map(words)
    }
}
