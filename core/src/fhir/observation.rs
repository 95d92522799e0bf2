//! 特定健診: Observation. Values are shown as they were measured; nothing is judged.

use super::resource::{DataDate, date, decimal, resource, words};
use super::{NAMESPACE, code_in, items, text};

resource!(
    /// One item of a check-up.
    Observation, "Observation", "check-up item"
);

impl Observation {
    /// Name of the item.
    pub fn name(&self) -> Option<&str> {
        words(self.0.get("code")?)
    }

    /// Code of the item: JLAC10 where the server has it.
    pub fn code(&self) -> Option<&str> {
        code_in(self.0.get("code")?, None)
    }

    /// It belongs to a 特定健診.
    pub fn is_specific_checkup(&self) -> bool {
        let system = format!("{NAMESPACE}/CodeSystem/record-kind");
        items(&self.0, "category").any(|category| code_in(category, Some(&system)) == Some("tokutei-kenshin"))
    }

    /// The value in words: a number with its unit, a code in words, or text.
    pub fn value(&self) -> Option<String> {
        if let Some(quantity) = self.0.get("valueQuantity") {
            let number = decimal(quantity, "value")?;
            return Some(text(quantity, "unit").map_or(number.clone(), |unit| format!("{number} {unit}")));
        }
        let coded = self.0.get("valueCodeableConcept").and_then(words);
        coded.or_else(|| text(&self.0, "valueString")).map(str::to_owned)
    }

    /// The number as it was written, the mark before it (`<`, `>=` …) and its unit.
    pub fn quantity(&self) -> Option<(String, Option<&str>, Option<&str>)> {
        let quantity = self.0.get("valueQuantity")?;
        Some((decimal(quantity, "value")?, text(quantity, "comparator"), text(quantity, "unit")))
    }

    /// What the server says about the reference range.
    pub fn reference_range(&self) -> Option<&str> {
        items(&self.0, "referenceRange").find_map(|range| text(range, "text"))
    }

    /// Day of the check-up.
    pub fn date(&self) -> Option<DataDate> {
        date(&self.0, "effectiveDateTime")
    }
}
