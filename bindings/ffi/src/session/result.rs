//! The answer to a qualification, as plain records.

use kazasu::fhir::{self, InvalidReason};
use kazasu::session::{Qualified, Warning};
use kazasu::time::UnixMillis;

/// What the answer means for the person.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum Qualification {
    /// 有効.
    Valid,
    /// 無効: 資格喪失.
    InvalidLost,
    /// 無効: 新しい資格あり.
    InvalidReplaced,
    /// 該当資格なし.
    NotFound,
    /// 複数該当.
    Multiple,
    /// 処理中.
    Pending,
    /// 有効(未登録), 医療扶助.
    Unregistered,
}

/// How old an answer is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum Freshness {
    /// Confirmed within 24 hours.
    Current,
    /// Older.
    Dated,
    /// From an earlier month: ask again.
    Outdated,
}

/// Something that does not stop a qualification.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum SessionWarning {
    /// The certificate has expired; renew it soon.
    CertificateExpired,
    /// The device's clock is more than a day off.
    DeviceClock,
    /// The server granted less than was asked for.
    ScopeNarrowed,
    /// The check digit of an insurer number does not fit.
    InsurerNumber,
}

/// One insurance of the answer.
#[derive(Clone, Debug, uniffi::Record)]
pub struct InsuranceInfo {
    /// In force.
    pub in_force: bool,
    /// 保険者名称.
    pub insurer_name: Option<String>,
    /// 負担割合 in percent.
    pub copay_percent: Option<u8>,
    /// 適用区分 code; absent without consent, and then it is not to be guessed.
    pub limit_category: Option<String>,
    /// 適用区分 in words.
    pub limit_category_text: Option<String>,
    /// The limit in words.
    pub limit_text: Option<String>,
    /// 資格喪失日, `YYYY-MM-DD`.
    pub loss_date: Option<String>,
}

/// The answer to a qualification.
#[derive(Clone, Debug, uniffi::Record)]
pub struct EligibilityResult {
    /// What it means.
    pub qualification: Qualification,
    /// `KZ-Q…` of an answer that is not simply valid.
    pub code: Option<String>,
    /// Every insurance, in the server's order.
    pub insurances: Vec<InsuranceInfo>,
    /// Position in `insurances` of the one to show first.
    pub primary: Option<u32>,
    /// When the insurer's data were looked up, milliseconds since 1970.
    pub as_of_unix_ms: Option<i64>,
    /// How old that is.
    pub freshness: Freshness,
    /// What else to tell.
    pub warnings: Vec<SessionWarning>,
    /// The card was issued by a test authority.
    pub test_card: bool,
    /// The answer was sealed to this request and signed by a pinned key, beside TLS.
    #[uniffi(default = false)]
    pub sealed: bool,
}

impl EligibilityResult {
    pub(super) fn of(qualified: &Qualified) -> Self {
        let typed = Typed::of(&qualified.eligibility, qualified.answered_at);
        Self {
            qualification: typed.qualification,
            code: typed.code,
            insurances: typed.insurances,
            primary: typed.primary,
            as_of_unix_ms: typed.as_of_unix_ms,
            freshness: typed.freshness,
            warnings: qualified.warnings.iter().map(warning).collect(),
            test_card: qualified.test_card,
            sealed: qualified.sealed,
        }
    }
}

/// What an answer itself says, whether it has just come or was kept.
pub(crate) struct Typed {
    pub(crate) qualification: Qualification,
    pub(crate) code: Option<String>,
    pub(crate) insurances: Vec<InsuranceInfo>,
    pub(crate) primary: Option<u32>,
    pub(crate) as_of_unix_ms: Option<i64>,
    pub(crate) freshness: Freshness,
}

impl Typed {
    pub(crate) fn of(eligibility: &fhir::Eligibility, now: UnixMillis) -> Self {
        let insurances = eligibility.insurances();
        let primary = insurances.iter().position(fhir::Insurance::is_valid).or((!insurances.is_empty()).then_some(0));
        Self {
            qualification: qualification(eligibility.qualification()),
            code: eligibility.qualification().code().map(str::to_owned),
            primary: primary.and_then(|at| u32::try_from(at).ok()),
            insurances: insurances.iter().map(insurance).collect(),
            as_of_unix_ms: eligibility.as_of().map(|at| at.0),
            freshness: match eligibility.freshness(now) {
                fhir::Freshness::Current => Freshness::Current,
                fhir::Freshness::Dated => Freshness::Dated,
                fhir::Freshness::Outdated => Freshness::Outdated,
            },
        }
    }
}

fn qualification(core: fhir::Qualification) -> Qualification {
    match core {
        fhir::Qualification::Valid => Qualification::Valid,
        fhir::Qualification::Invalid(InvalidReason::Lost) => Qualification::InvalidLost,
        fhir::Qualification::Invalid(InvalidReason::Replaced) => Qualification::InvalidReplaced,
        fhir::Qualification::NotFound => Qualification::NotFound,
        fhir::Qualification::Multiple => Qualification::Multiple,
        fhir::Qualification::Pending => Qualification::Pending,
        fhir::Qualification::Unregistered => Qualification::Unregistered,
    }
}

fn insurance(core: &fhir::Insurance<'_>) -> InsuranceInfo {
    let coverage = core.coverage();
    let limit = core.limit_category();
    InsuranceInfo {
        in_force: core.is_valid(),
        insurer_name: coverage.and_then(|c| c.insurer_name()).map(str::to_owned),
        copay_percent: core.copay_percent(),
        limit_category: limit.map(|l| l.code.to_owned()),
        limit_category_text: limit.and_then(|l| l.display).map(str::to_owned),
        limit_text: limit.and_then(|l| l.limit).map(str::to_owned),
        loss_date: coverage.and_then(|c| c.loss_date()).map(str::to_owned),
    }
}

fn warning(core: &Warning) -> SessionWarning {
    match core {
        Warning::CertificateExpired => SessionWarning::CertificateExpired,
        Warning::DeviceClock => SessionWarning::DeviceClock,
        Warning::ScopeNarrowed { .. } => SessionWarning::ScopeNarrowed,
        Warning::InsurerNumber => SessionWarning::InsurerNumber,
    }
}
