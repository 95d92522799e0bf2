//! What is taken out of a FHIR resource before it leaves (rule X-4).

use serde_json::{Map, Value, json};

use super::my_number;

/// What may be in a Bundle. By default neither 記号・番号 nor names.
#[derive(Clone, Copy, Debug)]
pub struct BundleOptions<'a> {
    /// 記号・番号・枝番 and memberID stay in, and so do identifiers of the person. The caller has asked the user.
    pub include_identifiers: bool,
    /// Names, addresses, telephone numbers and photos stay in. The caller has asked the user.
    pub include_names: bool,
    /// What takes the place of names.
    pub nickname: &'a str,
    /// Names as they are known, to be replaced wherever else they stand in a text.
    pub names: &'a [&'a str],
}

/// A copy of the resource without what `options` do not let out. My Numbers go whatever the options.
pub(super) fn redacted(resource: &Value, options: &BundleOptions) -> Value {
    let mut copy = resource.clone();
    Redaction { options }.element(&mut copy, "", "");
    copy
}

struct Redaction<'a> {
    options: &'a BundleOptions<'a>,
}

impl Redaction<'_> {
    /// `kind` is the type of the resource around, `name` the member that holds the element. Elements that lose everything
    /// become null and are removed by whoever holds them: in FHIR nothing is empty (R4, 2.6.2).
    fn element(&self, value: &mut Value, kind: &str, name: &str) {
        match value {
            Value::String(text) => self.text(text, name),
            Value::Array(items) => {
                for item in items.iter_mut() {
                    self.element(item, kind, name);
                }
                items.retain(|item| !is_nothing(item));
            }
            Value::Object(members) => {
                if is_my_number(members) || self.is_insured_number(members) {
                    *value = Value::Null;
                    return;
                }
                let kind = members.get("resourceType").and_then(Value::as_str).unwrap_or(kind).to_owned();
                let had_any = !members.is_empty();
                self.remove_members(members, &kind, name);
                for (name, member) in members.iter_mut() {
                    self.element(member, &kind, name);
                }
                members.retain(|_, member| !is_nothing(member));
                if had_any && members.is_empty() && is_reference(name) {
                    // Required by many resources: there is one, and it is not said which (FHIR R4, data-absent-reason).
                    *value = json!({"extension": [{
                        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"
                    }]});
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn remove_members(&self, members: &mut Map<String, Value>, kind: &str, name: &str) {
        let is_resource = members.contains_key("resourceType");
        let is_person = is_resource && matches!(kind, "Patient" | "RelatedPerson" | "Person");
        if !self.options.include_identifiers {
            if is_resource && kind == "Coverage" {
                for member in ["identifier", "subscriberId", "dependent", "class"] {
                    remove(members, member);
                }
            }
            // A reference to the coverage may say its number instead of, or besides, its id.
            if is_person || (!is_resource && name == "coverage") {
                remove(members, "identifier");
            }
            if !is_resource && name == "coverage" {
                remove(members, "display");
            }
        }
        if !self.options.include_names {
            if is_person {
                for member in ["telecom", "address", "photo", "contact"] {
                    remove(members, member);
                }
                if members.contains_key("name") {
                    members.insert("name".to_owned(), json!([{"text": self.options.nickname}]));
                }
            }
            if kind == "AuditEvent" && name == "agent" {
                remove(members, "name");
                remove(members, "altId");
            }
            let points_to_person = members.get("reference").and_then(Value::as_str).is_some_and(|reference| {
                ["Patient/", "RelatedPerson/", "Person/"].iter().any(|kind| reference.contains(kind))
            });
            if members.contains_key("display") && (points_to_person || is_person_reference(name)) {
                members.insert("display".to_owned(), json!(self.options.nickname));
            }
        }
        // A narrative is a text of its own that may hold any of it.
        let says_all = self.options.include_names && self.options.include_identifiers;
        if is_resource && !says_all {
            remove(members, "text");
        }
    }

    fn text(&self, text: &mut String, name: &str) {
        // Free text only: numbers of other kinds have twelve digits too, and one in eleven passes by chance.
        let is_free = matches!(
            name,
            "text" | "display" | "div" | "comment" | "description" | "title" | "name" | "patientInstruction" | "note"
        ) || matches!(name, "valueString" | "valueMarkdown" | "disposition");
        if is_free && my_number::is_suspected(text) {
            *text = "［個人番号の疑いがあるため削除］".to_owned();
        }
        if !self.options.include_names && !matches!(name, "url" | "system" | "reference" | "id" | "resourceType") {
            for real in self.options.names {
                for written in [(*real).to_owned(), real.replace([' ', '\u{3000}'], "")] {
                    if written.chars().count() > 1 && text.contains(&written) {
                        *text = text.replace(&written, self.options.nickname);
                    }
                }
            }
        }
    }

    /// An identifier or an extension that is 記号・番号 or 枝番 by the system or URL it has.
    fn is_insured_number(&self, members: &Map<String, Value>) -> bool {
        const WORDS: [&str; 6] =
            ["memberid", "insuredperson", "insurance_memberid", "subscriberid", "insured-person", "member-id"];
        let names = ["system", "url"].into_iter().filter_map(|name| members.get(name).and_then(Value::as_str));
        // The category 本人・家族 is a CodeSystem of a similar name.
        let mut names = names.filter(|name| !name.contains("CodeSystem")).map(str::to_lowercase);
        // MB and SN of HL7 v2 table 0203 are member number and subscriber number.
        let kind =
            members.get("type").and_then(|kind| kind.get("coding")).and_then(Value::as_array).into_iter().flatten();
        let mut codes = kind.filter_map(|coding| coding.get("code").and_then(Value::as_str));
        let is_typed = members.contains_key("value") && codes.any(|code| matches!(code, "MB" | "SN"));
        !self.options.include_identifiers
            && (is_typed || names.any(|name| WORDS.iter().any(|word| name.contains(word))))
    }
}

/// An identifier whose system or type names the My Number, whatever its value.
fn is_my_number(members: &Map<String, Value>) -> bool {
    let mut names = ["system", "type"].into_iter().filter_map(|name| members.get(name)).map(Value::to_string);
    members.contains_key("value")
        && names.any(|name| {
            let name = name.to_lowercase();
            ["mynumber", "my-number", "individual-number", "個人番号", "マイナンバー"]
                .iter()
                .any(|word| name.contains(word))
        })
}

/// Members that refer to a person.
fn is_person_reference(name: &str) -> bool {
    matches!(name, "patient" | "subject" | "beneficiary" | "subscriber" | "policyHolder" | "individual")
}

fn is_reference(name: &str) -> bool {
    is_person_reference(name)
        || matches!(name, "coverage" | "insurer" | "provider" | "payor" | "request" | "who" | "actor")
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Removes a member, and `_member` with what FHIR's JSON says about a primitive besides its value.
fn remove(members: &mut Map<String, Value>, name: &str) {
    members.remove(name);
    members.remove(&format!("_{name}"));
}
