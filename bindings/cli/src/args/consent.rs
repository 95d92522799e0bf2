//! Arguments of `kazasu consent`, and the kinds of consent.

use clap::{Subcommand, ValueEnum};
use kazasu::fhir::ConsentKind;

#[derive(Subcommand)]
pub(crate) enum ConsentCommand {
    /// What is consented to now.
    List,
    /// Consent to one thing, for a year at most.
    Give {
        /// What others may see.
        #[arg(long, value_enum)]
        kind: KindOfConsent,
        /// Last day, YYYY-MM-DD [default: in a year].
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Withdraw a consent.
    Withdraw {
        /// Which one.
        #[arg(long, value_enum)]
        kind: KindOfConsent,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// Kinds of consent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum KindOfConsent {
    /// 限度額適用認定証情報
    LimitCertificate,
    /// 特定疾病療養受療証情報
    SpecificDisease,
    /// 特定健診情報
    Checkup,
    /// 薬剤情報
    Medication,
    /// 傷病名情報
    Diagnosis,
    /// 手術情報
    Operation,
    /// 病名情報
    Problem,
    /// 感染症情報
    Infection,
    /// アレルギー情報
    Allergy,
    /// 薬剤禁忌情報
    Contraindication,
    /// 検査情報
    Test,
    /// 処方情報
    Prescription,
}

impl From<KindOfConsent> for ConsentKind {
    fn from(kind: KindOfConsent) -> Self {
        match kind {
            KindOfConsent::LimitCertificate => Self::LimitCertificate,
            KindOfConsent::SpecificDisease => Self::SpecificDisease,
            KindOfConsent::Checkup => Self::Checkup,
            KindOfConsent::Medication => Self::Medication,
            KindOfConsent::Diagnosis => Self::Diagnosis,
            KindOfConsent::Operation => Self::Operation,
            KindOfConsent::Problem => Self::Problem,
            KindOfConsent::Infection => Self::Infection,
            KindOfConsent::Allergy => Self::Allergy,
            KindOfConsent::Contraindication => Self::Contraindication,
            KindOfConsent::Test => Self::Test,
            KindOfConsent::Prescription => Self::Prescription,
        }
    }
}
