//! 予防接種: Immunization.

use super::resource::{DataDate, date, resource, words};
use super::{items, text};

resource!(
    /// One vaccination.
    Immunization, "Immunization", "vaccination record"
);

impl Immunization {
    /// Name of the vaccine.
    pub fn vaccine(&self) -> Option<&str> {
        words(self.0.get("vaccineCode")?)
    }

    /// The disease it is against.
    pub fn disease(&self) -> Option<&str> {
        let protocol = items(&self.0, "protocolApplied").next()?;
        items(protocol, "targetDisease").find_map(words)
    }

    /// Which dose it was.
    pub fn dose(&self) -> Option<u32> {
        let protocol = items(&self.0, "protocolApplied").next()?;
        protocol.get("doseNumberPositiveInt")?.as_u64().and_then(|dose| u32::try_from(dose).ok())
    }

    /// Day of the vaccination.
    pub fn date(&self) -> Option<DataDate> {
        date(&self.0, "occurrenceDateTime")
    }

    /// Lot number.
    pub fn lot(&self) -> Option<&str> {
        text(&self.0, "lotNumber")
    }

    /// It was not given, for a reason told elsewhere.
    pub fn is_not_done(&self) -> bool {
        text(&self.0, "status") == Some("not-done")
    }
}
