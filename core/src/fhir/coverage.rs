//! Coverage as a server has stored it: not what an insurer confirms today.

use super::resource::{DataDate, date, resource};
use super::{items, text};

resource!(
    /// A stored insurance. Show it as not confirmed (表示のみ).
    StoredCoverage, "Coverage", "coverage"
);

impl StoredCoverage {
    /// Name of the insurer.
    pub fn insurer_name(&self) -> Option<&str> {
        let payor = || items(&self.0, "payor");
        let contained = |reference: &str| {
            let id = reference.strip_prefix('#')?;
            text(items(&self.0, "contained").find(|one| text(one, "id") == Some(id))?, "name")
        };
        payor()
            .find_map(|payor| text(payor, "display"))
            .or_else(|| payor().find_map(|payor| contained(text(payor, "reference")?)))
    }

    /// `active` and others of FHIR.
    pub fn status(&self) -> Option<&str> {
        text(&self.0, "status")
    }

    /// Its first day.
    pub fn start(&self) -> Option<DataDate> {
        date(self.0.get("period")?, "start")
    }

    /// Its last day, if it is known to end.
    pub fn end(&self) -> Option<DataDate> {
        date(self.0.get("period")?, "end")
    }

    /// The server's version of it.
    pub fn version(&self) -> Option<&str> {
        text(self.0.get("meta")?, "versionId")
    }
}
