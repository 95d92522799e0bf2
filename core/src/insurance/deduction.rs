//! 医療費控除の試算 (所得税法 73条, 国税庁 No.1120), and what to look at before the figures are used.
//!
//! Every figure here is a 試算: the tax return decides. Findings point to payments by index; the user answers them, and
//! the answers come back as [`Answer`]s.

mod estimate;
mod finding;
mod findings;
mod input;
mod refund;
mod rules;
#[cfg(test)]
mod tests;
mod twice;

pub use estimate::{DeductionEstimate, ESTIMATE_LABEL, Exclusion};
pub use finding::{Finding, FormLimit};
pub use input::{Answer, DeductionInput, Insured};
pub use rules::DeductionRules;
