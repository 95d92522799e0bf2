//! My Number card to health-insurance eligibility.

pub mod iso7816;
