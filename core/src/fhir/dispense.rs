//! 薬剤情報: MedicationDispense.

use super::resource::{DataDate, date, decimal, resource, words};
use super::{code_in, extension, items, text};

const YJ_CODE: &str = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code";
/// 処方箋ID of JP Core.
const PRESCRIPTION_ID: &str = "urn:oid:1.2.392.100495.20.3.11";

resource!(
    /// One medicine as it was prescribed, dispensed or claimed.
    Dispense, "MedicationDispense", "medicine record"
);

/// Where a medicine record comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordOrigin<'a> {
    /// レセプト由来: exact to the month, weeks late.
    Claim,
    /// 電子処方箋, 処方.
    Prescription,
    /// 調剤.
    Dispense,
    /// A code not known here, as received.
    Other(&'a str),
    /// Not told.
    Unknown,
}

impl Dispense {
    /// Name of the medicine.
    pub fn name(&self) -> Option<&str> {
        words(self.0.get("medicationCodeableConcept")?)
    }

    /// YJ code of the medicine, twelve characters.
    pub fn yj_code(&self) -> Option<&str> {
        code_in(self.0.get("medicationCodeableConcept")?, Some(YJ_CODE))
    }

    /// Where the record comes from.
    pub fn origin(&self) -> RecordOrigin<'_> {
        match extension(&self.0, "record-origin").and_then(|origin| text(origin, "valueCode")) {
            Some("claim") => RecordOrigin::Claim,
            Some("prescription") => RecordOrigin::Prescription,
            Some("dispense") => RecordOrigin::Dispense,
            Some(other) => RecordOrigin::Other(other),
            None => RecordOrigin::Unknown,
        }
    }

    /// When it was handed over, or prepared where that is all there is.
    pub fn date(&self) -> Option<DataDate> {
        date(&self.0, "whenHandedOver").or_else(|| date(&self.0, "whenPrepared"))
    }

    /// It was not handed over after all.
    pub(crate) fn was_undone(&self) -> bool {
        matches!(
            text(&self.0, "status"),
            Some("cancelled" | "declined" | "entered-in-error" | "stopped" | "preparation")
        )
    }

    /// Id of the prescription it was dispensed by, the same for all its lines (JP Core).
    pub fn prescription(&self) -> Option<&str> {
        let mut ids = items(&self.0, "identifier").filter(|id| text(id, "system") == Some(PRESCRIPTION_ID));
        ids.find_map(|id| text(id, "value"))
    }

    /// Amount and unit, as written.
    pub fn quantity(&self) -> Option<(String, Option<&str>)> {
        let quantity = self.0.get("quantity")?;
        Some((decimal(quantity, "value")?, text(quantity, "unit")))
    }

    /// For how many days.
    pub fn days(&self) -> Option<u32> {
        self.0.get("daysSupply")?.get("value")?.as_u64().and_then(|days| u32::try_from(days).ok())
    }

    /// How to take it.
    pub fn dosage(&self) -> Option<&str> {
        items(&self.0, "dosageInstruction").find_map(|instruction| text(instruction, "text"))
    }

    /// Name of the pharmacy or institution.
    pub fn provider(&self) -> Option<&str> {
        items(&self.0, "performer").find_map(|performer| text(performer.get("actor")?, "display"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_prescription_is_told_by_its_own_id_alone() {
        let of = |system: &str| {
            let id = json!({"system": system, "value": "1318814790-1"});
            let dispense =
                json!({"resourceType": "MedicationDispense", "whenHandedOver": "2026-11-10", "identifier": [id]});
            let dispense = Dispense::new(dispense).expect("a dispense");
            dispense.to_medication().and_then(|one| one.prescription).map(str::to_owned)
        };
        assert_eq!(of("urn:oid:1.2.392.100495.20.3.11").as_deref(), Some("1318814790-1"));
        assert_eq!(of("http://jpfhir.jp/fhir/core/mhlw/IdSystem/Medication-RPGroupNumber"), None);
    }
}
