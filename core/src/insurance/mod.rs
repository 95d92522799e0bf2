//! Rules of Japanese health insurance, and of medicines.

mod check_digit;
mod duplicate_medication;
mod payment;

pub use check_digit::{CheckDigit, check_insurer_number};
pub use duplicate_medication::{Duplicate, Likeness, Medication, Source, duplicates};
pub use payment::{ExpenseKind, Payment, Person, YearMonth};
