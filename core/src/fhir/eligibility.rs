//! CoverageEligibilityResponse: what was answered, and how it is to be read.

use serde_json::Value;

use super::{NAMESPACE, code_in, extension, extension_by_url, identifier, items, text};
use crate::error::{Error, ResourceFault};
use crate::secret::opaque_debug;
use crate::time::{CalendarDate, UnixMillis};

const BENEFIT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/benefit-type";
const COPAY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/coverage-copay-type";
const INSURER_NUMBER: &str = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsurerNumber";
const INSURED_PERSON_CATEGORY: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/InsuredPersonCategory";
const JP_COVERAGE: &str = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Coverage_InsuredPerson";
const DAY_MS: i64 = 86_400_000;

opaque_debug!(Eligibility, ConsentState<'_>, Insurance<'_>, LimitCategory<'_>, Coverage<'_>);

/// What the answer means for the person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Qualification {
    /// 有効.
    Valid,
    /// 無効.
    Invalid(InvalidReason),
    /// 該当資格なし.
    NotFound,
    /// 複数該当: ask the institution or the insurer; the user has nothing to choose.
    Multiple,
    /// 処理中: ask again later.
    Pending,
    /// 有効(未登録): medical assistance without an ordinary insurance.
    Unregistered,
}

/// Why a qualification is not valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InvalidReason {
    /// 資格喪失.
    Lost,
    /// 新しい資格あり: the newer insurance is among [`Eligibility::insurances`].
    Replaced,
}

impl Qualification {
    /// Stable name, as `--json` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid(InvalidReason::Lost) => "invalid_lost",
            Self::Invalid(InvalidReason::Replaced) => "invalid_replaced",
            Self::NotFound => "not_found",
            Self::Multiple => "multiple",
            Self::Pending => "pending",
            Self::Unregistered => "unregistered",
        }
    }

    /// The `KZ-Q…` code of an answer that is not simply valid.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::Valid | Self::Pending | Self::Unregistered => None,
            Self::NotFound => Some("KZ-Q02"),
            Self::Multiple => Some("KZ-Q03"),
            Self::Invalid(InvalidReason::Lost) => Some("KZ-Q04"),
            Self::Invalid(InvalidReason::Replaced) => Some("KZ-Q05"),
        }
    }
}

/// How old an answer is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Freshness {
    /// Confirmed within 24 hours.
    Current,
    /// Older: show 「確認時点」.
    Dated,
    /// From an earlier calendar month: 期限切れ・再確認.
    Outdated,
}

/// A CoverageEligibilityResponse whose outcome is not an error.
#[derive(Clone, PartialEq)]
pub struct Eligibility(Value);

impl Eligibility {
    /// Takes a parsed resource.
    ///
    /// # Errors
    /// [`ResourceFault::Upstream`] for `outcome=error`, which is never "not valid"; [`ResourceFault::Malformed`] for
    /// another resource or one without outcome.
    pub fn new(resource: Value) -> Result<Self, Error> {
        if text(&resource, "resourceType") != Some("CoverageEligibilityResponse") {
            return Err(ResourceFault::Malformed { what: "eligibility answer" }.into());
        }
        match text(&resource, "outcome") {
            Some("complete" | "partial" | "queued") => Ok(Self(resource)),
            Some("error") => Err(ResourceFault::Upstream.into()),
            _ => Err(ResourceFault::Malformed { what: "eligibility outcome" }.into()),
        }
    }

    /// Reads one that an app hands in, as strictly as what a server sends: bounded, and without a My Number.
    ///
    /// # Errors
    /// As [`Eligibility::new`], and [`ResourceFault::TooLarge`], [`ResourceFault::MyNumber`].
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        Self::new(crate::json::parse_object(json, "eligibility answer")?)
    }

    /// The resource as it was received.
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// The question it answers, which is what a queued answer is asked for with.
    pub fn request(&self) -> Option<&str> {
        text(self.0.get("request")?, "reference")
    }

    /// 確認番号: what proves this check to a clinic or an insurer.
    pub fn proof(&self) -> Option<&str> {
        identifier(&self.0, "eligibility-proof")
    }

    /// The person's name, where the server tells it.
    pub fn patient_name(&self) -> Option<&str> {
        let contained = || text(items(self.patient()?, "name").next()?, "text");
        text(self.0.get("patient")?, "display").or_else(contained)
    }

    /// The person's date of birth, where the server tells it.
    pub fn birth_date(&self) -> Option<CalendarDate> {
        CalendarDate::parse(text(self.patient()?, "birthDate")?)
    }

    /// The person, where the resource came along under the id by which the answer names them. Others may be contained as
    /// well: the head of the household, for one.
    fn patient(&self) -> Option<&Value> {
        let reference = text(self.0.get("patient")?, "reference")?;
        let named = |resource: &&Value| {
            let id = text(resource, "id").unwrap_or_default();
            text(resource, "resourceType") == Some("Patient")
                && reference.split('/').collect::<Vec<_>>().windows(2).any(|pair| pair == ["Patient", id])
        };
        items(&self.0, "contained").find(named)
    }

    /// What the answer means. Validity comes from the `qualification-validity` extension, else from `inforce`.
    pub fn qualification(&self) -> Qualification {
        if text(&self.0, "outcome") == Some("queued") {
            return Qualification::Pending;
        }
        let insurances = self.insurances();
        let has = |code: &str| insurances.iter().any(|insurance| insurance.validity_code() == Some(code));
        let valid = insurances.iter().filter(|insurance| insurance.is_valid()).count();
        if insurances.is_empty() {
            Qualification::NotFound
        } else if has("5") || valid > 1 {
            Qualification::Multiple
        } else if has("6") {
            Qualification::Unregistered
        } else if has("3") {
            Qualification::Invalid(InvalidReason::Replaced)
        } else if valid == 1 {
            Qualification::Valid
        } else if has("4") {
            Qualification::NotFound
        } else {
            Qualification::Invalid(InvalidReason::Lost)
        }
    }

    /// Every insurance of the answer, in the server's order.
    pub fn insurances(&self) -> Vec<Insurance<'_>> {
        items(&self.0, "insurance").map(|entry| Insurance { entry, resource: &self.0 }).collect()
    }

    /// The insurance to show first: the one in force, else the first.
    pub fn primary(&self) -> Option<Insurance<'_>> {
        let insurances = self.insurances();
        insurances.iter().find(|insurance| insurance.is_valid()).or(insurances.first()).copied()
    }

    /// When the insurer's data were looked up.
    pub fn as_of(&self) -> Option<UnixMillis> {
        UnixMillis::parse_rfc3339(text(&self.0, "created")?)
    }

    /// How old the answer is at `now`.
    pub fn freshness(&self, now: UnixMillis) -> Freshness {
        let Some(as_of) = self.as_of() else { return Freshness::Outdated };
        let month = |at| {
            let date = CalendarDate::in_japan(at);
            (date.year, date.month)
        };
        if now.ms_since(as_of).saturating_abs() <= DAY_MS {
            Freshness::Current
        } else if month(now) == month(as_of) {
            Freshness::Dated
        } else {
            Freshness::Outdated
        }
    }

    /// The consents the answer was made under.
    pub fn consent_states(&self) -> Vec<ConsentState<'_>> {
        let url = format!("{NAMESPACE}/StructureDefinition/consent-state");
        items(&self.0, "extension")
            .filter(|extension| text(extension, "url") == Some(&url))
            .filter_map(|extension| {
                Some(ConsentState {
                    kind: text(extension_by_url(extension, "type")?, "valueCode")?,
                    state: text(extension_by_url(extension, "state")?, "valueCode")?,
                    available_until: extension_by_url(extension, "availableUntil")
                        .and_then(|until| text(until, "valueDateTime"))
                        .and_then(UnixMillis::parse_rfc3339),
                })
            })
            .collect()
    }
}

/// One consent of the answer.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ConsentState<'a> {
    /// Consent type, such as `limit-certificate`.
    pub kind: &'a str,
    /// 0 none, 1 given, 2 over, 3 not obtainable; other codes as received.
    pub state: &'a str,
    /// Until when the information may be shown at the reader.
    pub available_until: Option<UnixMillis>,
}

impl ConsentState<'_> {
    /// Given and not over at `now`.
    pub fn is_in_force(&self, now: UnixMillis) -> bool {
        self.state == "1" && self.available_until.is_none_or(|until| now <= until)
    }
}

/// One entry of `insurance` with the Coverage it points to.
#[derive(Clone, Copy)]
pub struct Insurance<'a> {
    entry: &'a Value,
    resource: &'a Value,
}

/// 適用区分 of the high-cost limit, code and words as the server gave them.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct LimitCategory<'a> {
    /// Code such as `A03`; unknown codes are kept.
    pub code: &'a str,
    /// Words such as 区分ウ.
    pub display: Option<&'a str>,
    /// The limit in words, such as `85,800円＋（医療費－286,000円）×1%`.
    pub limit: Option<&'a str>,
}

impl<'a> Insurance<'a> {
    /// 資格有効性 as the server coded it, if it did.
    pub fn validity_code(&self) -> Option<&'a str> {
        text(extension(self.entry, "qualification-validity")?.get("valueCoding")?, "code")
    }

    /// In force: code 1, 5 or 6, or `inforce` where no known code is given.
    pub fn is_valid(&self) -> bool {
        match self.validity_code() {
            Some("1" | "5" | "6") => true,
            Some("2" | "3" | "4") => false,
            _ => self.entry.get("inforce").and_then(Value::as_bool).unwrap_or(false),
        }
    }

    /// 一部負担金の割合 in percent.
    pub fn copay_percent(&self) -> Option<u8> {
        let benefit = self
            .benefits(None)
            .find(|benefit| benefit.get("type").and_then(|t| code_in(t, Some(BENEFIT_TYPE))) == Some("copay-percent"))
            .and_then(|benefit| whole_number(benefit.get("allowedUnsignedInt")?));
        benefit.or_else(|| self.coverage()?.copay_percent()).filter(|percent| *percent <= 100)
    }

    /// 適用区分; `None` without consent, and then it is not to be guessed.
    pub fn limit_category(&self) -> Option<LimitCategory<'a>> {
        self.benefits(Some("limit-certificate")).find_map(|benefit| {
            let coding = extension(benefit, "limit-category")?.get("valueCoding")?;
            Some(LimitCategory {
                code: text(coding, "code")?,
                display: text(coding, "display"),
                limit: text(benefit, "allowedString"),
            })
        })
    }

    /// The Coverage this entry points to, when it is contained.
    pub fn coverage(&self) -> Option<Coverage<'a>> {
        let resource = self.contained(text(self.entry.get("coverage")?, "reference")?)?;
        Some(Coverage { resource, insurance: *self })
    }

    /// Benefits of the items in a benefit-kind category, or of all items.
    fn benefits(&self, kind: Option<&'static str>) -> impl Iterator<Item = &'a Value> {
        items(self.entry, "item")
            .filter(move |item| {
                kind.is_none_or(|kind| {
                    item.get("category").is_some_and(|c| items(c, "coding").any(|c| text(c, "code") == Some(kind)))
                })
            })
            .flat_map(|item| items(item, "benefit"))
    }

    fn contained(&self, reference: &str) -> Option<&'a Value> {
        let id = reference.strip_prefix('#')?;
        items(self.resource, "contained").find(|resource| text(resource, "id") == Some(id))
    }
}

/// A contained Coverage.
#[derive(Clone, Copy)]
pub struct Coverage<'a> {
    resource: &'a Value,
    insurance: Insurance<'a>,
}

impl<'a> Coverage<'a> {
    /// 保険者番号.
    pub fn insurer_number(&self) -> Option<&'a str> {
        items(self.insurer()?, "identifier")
            .find(|identifier| text(identifier, "system") == Some(INSURER_NUMBER))
            .and_then(|identifier| text(identifier, "value"))
    }

    /// 保険者名称.
    pub fn insurer_name(&self) -> Option<&'a str> {
        text(self.insurer()?, "name")
    }

    /// 記号, as received.
    pub fn symbol(&self) -> Option<&'a str> {
        self.insured_person("Symbol")
    }

    /// 番号, as received.
    pub fn number(&self) -> Option<&'a str> {
        self.insured_person("Number")
    }

    /// 枝番.
    pub fn branch_number(&self) -> Option<&'a str> {
        self.insured_person("SubNumber")
    }

    /// 家族 (被扶養者) or 本人 (被保険者), where the server says so (InsuredPersonCategory).
    pub fn is_dependent(&self) -> Option<bool> {
        match code_in(self.resource.get("relationship")?, Some(INSURED_PERSON_CATEGORY))? {
            "1" => Some(false),
            "2" => Some(true),
            _ => None,
        }
    }

    /// First day, `YYYY-MM-DD`.
    pub fn period_start(&self) -> Option<&'a str> {
        text(self.resource.get("period")?, "start")
    }

    /// Last day, `YYYY-MM-DD`.
    pub fn period_end(&self) -> Option<&'a str> {
        text(self.resource.get("period")?, "end")
    }

    /// 資格喪失事由 code.
    pub fn loss_reason(&self) -> Option<&'a str> {
        text(extension(self.resource, "loss-reason")?, "valueCode")
    }

    /// 資格喪失日, `YYYY-MM-DD`.
    pub fn loss_date(&self) -> Option<&'a str> {
        text(extension(self.resource, "loss-date")?, "valueDate")
    }

    fn copay_percent(&self) -> Option<u8> {
        items(self.resource, "costToBeneficiary")
            .find(|cost| cost.get("type").and_then(|t| code_in(t, Some(COPAY_TYPE))) == Some("copaypct"))
            .and_then(|cost| whole_number(cost.get("valueQuantity")?.get("value")?))
    }

    fn insured_person(&self, part: &str) -> Option<&'a str> {
        text(extension_by_url(self.resource, &format!("{JP_COVERAGE}{part}"))?, "valueString")
    }

    fn insurer(&self) -> Option<&'a Value> {
        let payor = items(self.resource, "payor").next()?;
        self.insurance.contained(text(payor, "reference")?)
    }
}

/// A whole number from 0 to 255, also where a server writes it as `30.0`.
fn whole_number(value: &Value) -> Option<u8> {
    let number = value.as_f64()?;
    (0..=u8::MAX).find(|whole| f64::from(*whole) == number)
}

#[cfg(test)]
mod tests;
