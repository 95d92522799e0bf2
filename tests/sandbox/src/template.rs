//! Fills the answer templates in `data/`: text in double braces stands for what is known at run time.

use serde_json::Value;

use crate::time::{self, Day, UnixSeconds};

/// What a template may refer to.
pub(crate) struct Facts<'a> {
    pub(crate) now: UnixSeconds,
    pub(crate) patient: &'a str,
    pub(crate) request: &'a str,
    pub(crate) response: &'a str,
    pub(crate) proof: &'a str,
    pub(crate) serviced: Day,
}

impl Facts<'_> {
    /// Reads a template and fills every string in it.
    ///
    /// # Panics
    /// If the template is not JSON or names something unknown; a test fills all of them.
    pub(crate) fn fill(&self, template: &str) -> Value {
        let mut value = serde_json::from_str(template).expect("templates are JSON");
        self.fill_value(&mut value);
        value
    }

    fn fill_value(&self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains("{{") => *text = self.fill_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.fill_value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.fill_value(member)),
            _ => {}
        }
    }

    fn fill_text(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").expect("braces in templates are closed");
            filled.push_str(before);
            filled.push_str(&self.value(name).unwrap_or_else(|| panic!("template names unknown {name:?}")));
            rest = after;
        }
        filled + rest
    }

    /// A fact by name; dates take a signed number, days for `today` and months for `month` and `month-end`.
    fn value(&self, name: &str) -> Option<String> {
        let today = Day::at(self.now);
        Some(match name {
            "now" => time::rfc3339(self.now),
            "serviced" => self.serviced.to_string(),
            "patient" => self.patient.to_owned(),
            "request" => self.request.to_owned(),
            "response" => self.response.to_owned(),
            "proof" => self.proof.to_owned(),
            "limit-year-start" => today.limit_year_start().to_string(),
            "limit-year-end" => today.limit_year_end().to_string(),
            "fiscal-year-start" => today.fiscal_year_start().to_string(),
            _ => {
                let (name, number) = name.split_at(name.rfind(['+', '-'])?);
                let number: i64 = number.parse().ok()?;
                match name {
                    "today" => today.plus_days(number).to_string(),
                    "month" => today.month_start(number).to_string(),
                    "month-end" => today.month_start(number + 1).plus_days(-1).to_string(),
                    _ => return None,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets_are_filled() {
        let facts = Facts {
            now: 1_795_137_303,
            patient: "p",
            request: "r",
            response: "s",
            proof: "K",
            serviced: Day::at(1_795_137_303),
        };
        let filled = facts.fill(r#"{"a":["Patient/{{patient}}","{{month+0}}/{{month-end-1}}"],"b":"{{today-20}}"}"#);
        assert_eq!(filled["a"][0], "Patient/p");
        assert_eq!(filled["a"][1], "2026-11-01/2026-10-31");
        assert_eq!(filled["b"], "2026-10-31");
    }
}
