//! Rules of Japanese health insurance.

mod check_digit;

pub use check_digit::{CheckDigit, check_insurer_number};
