//! Rules of Japanese health insurance, and of medicines.
//!
//! Pure functions: the day comes as an argument. Amounts, dates and codes that a law may change are tables with a
//! period of validity ([`Rules`]); where no table covers what is asked, the answer is "unknown".

mod check_digit;
mod checkup;
mod copay;
mod deduction;
mod duplicate_medication;
mod era;
mod high_cost;
mod insurer;
mod member_id;
mod payment;
mod records;
mod rules;
mod table;

pub use check_digit::{
    CheckDigit, check_beneficiary_number, check_institution_code, check_insurer_number, check_public_payer_number,
    suspects_my_number,
};
pub use checkup::{CheckupLine, CheckupLines, Comparator, LinePassed, Measured, Sex};
pub use copay::{AgeGroup, AgePeriod, CopayHint, CopayRules, CounterAmount, reaches_age_on};
pub use deduction::{
    Answer, DeductionEstimate, DeductionInput, DeductionRules, ESTIMATE_LABEL, Exclusion, Finding, FormLimit, Insured,
};
pub use duplicate_medication::{
    Duplicate, DuplicateOptions, DuplicateReport, IngredientTable, Likeness, Medication, Source, duplicate_report,
    duplicates, duplicates_with,
};
pub use era::{EraError, Eras};
pub use high_cost::{
    AnnualCap, Care, HighCostError, HighCostRules, HighCostTable, Household, HouseholdRefund, Limit, LimitBasis,
    Patient,
};
pub use insurer::{InsurerKind, InsurerKinds, InsurerSystem};
pub use member_id::{MemberIdError, member_id, normalized_for_comparison};
pub use payment::{ExpenseKind, Payment, Person, YearMonth};
pub use rules::Rules;
pub use table::{RulesError, RulesHeader};
