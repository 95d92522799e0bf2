//! Consent: what a person lets others see, of one type each, for a year at most (wire contract §11).

use serde_json::{Value, json};

use super::resource::{DataDate, date, resource};
use super::{NAMESPACE, code_in, items, text};
use crate::error::Error;
use crate::time::{CalendarDate, UnixMillis};

resource!(
    /// A consent that the server holds.
    Consent, "Consent", "consent"
);

impl Consent {
    /// Code of its type, such as `medication`; unknown ones as received.
    pub fn kind(&self) -> Option<&str> {
        items(&self.0, "category").find_map(|category| code_in(category, Some(&code_system())))
    }

    /// What its type says to people.
    pub fn kind_words(&self) -> Option<&str> {
        items(&self.0, "category").find_map(super::resource::words)
    }

    /// `active`, `inactive` and others of FHIR.
    pub fn status(&self) -> Option<&str> {
        text(&self.0, "status")
    }

    /// Its last day.
    pub fn end(&self) -> Option<DataDate> {
        date(self.0.get("provision")?.get("period")?, "end")
    }

    /// When it was given.
    pub fn given(&self) -> Option<DataDate> {
        date(&self.0, "dateTime")
    }

    /// Whether it permits anything on `day`. One without a last day does not: every consent has one.
    pub fn is_active_on(&self, day: CalendarDate) -> bool {
        self.status() == Some("active") && self.end().is_some_and(|end| day <= end.date)
    }

    /// base64url SHA-256 of the text that was shown.
    pub fn notice_sha256(&self) -> Option<&str> {
        super::identifier(&self.0, "notice-sha256")
    }

    /// The server's version of it, which a withdrawal names.
    pub fn version(&self) -> Option<&str> {
        text(self.0.get("meta")?, "versionId")
    }

    /// The same consent, withdrawn.
    pub fn to_withdrawn(&self) -> Value {
        let mut withdrawn = self.0.clone();
        if let Some(members) = withdrawn.as_object_mut() {
            members.insert("status".to_owned(), "inactive".into());
        }
        withdrawn
    }
}

macro_rules! consent_kinds {
    ($($variant:ident $code:literal $japanese:literal [$($class:literal),*])*) => {
        /// What a consent is about.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum ConsentKind {
            $(#[doc = concat!($japanese, ".")] $variant,)*
        }

        impl ConsentKind {
            /// Every type but family sharing, which names its own resources.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code on the wire.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// In words.
            pub const fn japanese(self) -> &'static str {
                match self { $(Self::$variant => $japanese,)* }
            }

            /// The resource types that it opens.
            const fn classes(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($class),*],)* }
            }
        }
    };
}

consent_kinds! {
    LimitCertificate "limit-certificate" "限度額適用認定証情報の提供" ["Coverage"]
    SpecificDisease "specific-disease" "特定疾病療養受療証情報の提供" ["Coverage"]
    Checkup "checkup" "特定健診情報の提供" ["Observation"]
    Medication "medication" "薬剤情報の提供" ["MedicationDispense"]
    Diagnosis "diagnosis" "傷病名情報の提供" ["Condition"]
    Operation "operation" "手術情報の提供" ["Procedure"]
    Problem "problem" "病名情報の提供" ["Condition"]
    Infection "infection" "感染症情報の提供" ["Condition"]
    Allergy "allergy" "アレルギー情報の提供" ["AllergyIntolerance"]
    Contraindication "contraindication" "薬剤禁忌情報の提供" ["AllergyIntolerance"]
    Test "test" "検査情報の提供" ["Observation"]
    Prescription "prescription" "処方情報の提供" ["MedicationRequest"]
}

/// Who may see what is consented to.
#[derive(Clone, Debug)]
pub enum ConsentTo<'a> {
    /// Hospitals, clinics and pharmacies that treat the person.
    Providers(ConsentKind),
    /// A family member (家族の見守り), who sees what is listed with a token of their own.
    Family {
        /// The server's id of the RelatedPerson.
        related_person: &'a str,
        /// Names of resource types, one by one.
        resource_types: &'a [&'a str],
    },
}

/// A consent to be given: one type, one period, one text.
#[derive(Clone, Debug)]
pub struct ConsentTerms<'a> {
    /// Who may see what.
    pub to: ConsentTo<'a>,
    /// First day.
    pub start: CalendarDate,
    /// Last day: within a year.
    pub end: CalendarDate,
    /// The words shown to the person, whose hash goes along.
    pub notice_sha256: &'a str,
    /// URI of the policy that they state.
    pub policy: &'a str,
}

impl ConsentTerms<'_> {
    /// The resource. `request` is a new UUID, also the `Idempotency-Key`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a period that is empty or longer than a year, for family sharing without resource types, and for
    /// a related person that is no id.
    pub fn to_json(&self, request: &str, patient: &str, now: UnixMillis) -> Result<Value, Error> {
        if self.end < self.start || self.end > self.start.years_later(1) {
            return Err(Error::usage("a consent lasts from one day to one year"));
        }
        let (code, display) = match &self.to {
            ConsentTo::Providers(kind) => (kind.code(), kind.japanese()),
            ConsentTo::Family { .. } => ("family-share", "家族への提供"),
        };
        Ok(json!({
            "resourceType": "Consent",
            "status": "active",
            "identifier": [
                {"system": super::id_system("client-request"), "value": request},
                {"system": super::id_system("notice-sha256"), "value": self.notice_sha256},
            ],
            "scope": {"coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
            "category": [{"coding": [{"system": code_system(), "code": code, "display": display}]}],
            "patient": {"reference": format!("Patient/{patient}")},
            "dateTime": now.to_rfc3339(),
            "policy": [{"uri": self.policy}],
            "provision": self.provision()?,
        }))
    }

    fn provision(&self) -> Result<Value, Error> {
        let (purpose, classes, role, who) = match &self.to {
            ConsentTo::Providers(kind) => {
                ("TREAT", kind.classes(), "PROV", json!({"display": "受診・調剤を受ける医療機関及び薬局"}))
            }
            ConsentTo::Family { related_person, resource_types } => {
                if resource_types.is_empty() || !super::is_id(related_person) {
                    return Err(Error::usage("family sharing needs a RelatedPerson's id and resource types"));
                }
                ("FAMRQT", *resource_types, "FAMMEMB", json!({"reference": format!("RelatedPerson/{related_person}")}))
            }
        };
        let classes =
            classes.iter().map(|class| json!({"system": "http://hl7.org/fhir/resource-types", "code": class}));
        let role = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": role}]});
        Ok(json!({
            "type": "permit",
            "period": {"start": self.start.to_string(), "end": self.end.to_string()},
            "purpose": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": purpose}],
            "class": classes.collect::<Vec<_>>(),
            "actor": [{"role": role, "reference": who}],
        }))
    }
}

fn code_system() -> String {
    format!("{NAMESPACE}/CodeSystem/consent-type")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> CalendarDate {
        CalendarDate::parse(text).expect("a day")
    }

    fn terms<'a>(to: ConsentTo<'a>, end: &str) -> ConsentTerms<'a> {
        let policy = "https://hoken.example/policy/2026-11-01";
        ConsentTerms { to, start: day("2026-11-20"), end: day(end), notice_sha256: "h", policy }
    }

    #[test]
    fn a_consent_to_medication_is_the_one_of_the_wire_contract_with_its_notice() {
        let text = include_str!("../../../tests/vectors/wire/consent.json");
        let mut expected: Value = serde_json::from_str(text).expect("JSON");
        // The block has an organisation, which the server knows by itself, and lacks the hash that C-3 demands.
        expected.as_object_mut().expect("an object").remove("organization");
        let notice = json!({"system": super::super::id_system("notice-sha256"), "value": "h"});
        expected["identifier"].as_array_mut().expect("identifiers").push(notice);
        let now = UnixMillis::parse_rfc3339("2026-11-20T10:20:00+09:00").expect("an instant");
        let terms = terms(ConsentTo::Providers(ConsentKind::Medication), "2027-11-19");
        let request = "6d2c4c1e-6c0e-4a0f-b0b0-54c0b1b0a001";
        assert_eq!(terms.to_json(request, "p-7f3a91", now).expect("a consent"), expected);
    }

    #[test]
    fn a_consent_lasts_a_year_at_most() {
        for (end, expected) in
            [("2026-11-19", false), ("2026-11-20", true), ("2027-11-20", true), ("2027-11-21", false)]
        {
            let terms = terms(ConsentTo::Providers(ConsentKind::Checkup), end);
            assert_eq!(terms.to_json("r", "p", UnixMillis(0)).is_ok(), expected, "{end}");
        }
    }

    #[test]
    fn a_family_member_sees_what_is_listed() {
        let to = |related_person, resource_types| ConsentTo::Family { related_person, resource_types };
        let share = terms(to("rp-1", &["Coverage", "Immunization"]), "2027-01-01");
        let json = share.to_json("r", "p", UnixMillis(0)).expect("a consent");
        assert_eq!(json["provision"]["purpose"][0]["code"], "FAMRQT");
        assert_eq!(json["provision"]["actor"][0]["reference"]["reference"], "RelatedPerson/rp-1");
        assert_eq!(json["provision"]["class"].as_array().map(Vec::len), Some(2));
        for (who, what) in [("rp-1", &[][..]), ("../x", &["Coverage"][..])] {
            assert!(terms(to(who, what), "2027-01-01").to_json("r", "p", UnixMillis(0)).is_err());
        }
    }

    #[test]
    fn a_consent_without_a_last_day_permits_nothing() {
        let consent = |json| Consent::new(json).expect("a consent");
        let period =
            |end| json!({"resourceType": "Consent", "status": "active", "provision": {"period": {"end": end}}});
        assert!(consent(period("2026-11-20")).is_active_on(day("2026-11-20")));
        assert!(!consent(period("2026-11-20")).is_active_on(day("2026-11-21")));
        assert!(!consent(json!({"resourceType": "Consent", "status": "active"})).is_active_on(day("2026-11-20")));
        let withdrawn = consent(consent(period("2026-11-20")).to_withdrawn());
        assert!(!withdrawn.is_active_on(day("2026-11-20")));
    }
}
