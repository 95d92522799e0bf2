//! 安心利用10カ条: ten habits, and what software can see of them. Never a verdict on the person.
//!
//! [`evaluate`] looks at [`Facts`] that the app has measured or asked, and at nothing else; what is not known stays unknown
//! and is never counted as kept. [`is_guessable_pin`] looks at a PIN while it is typed.

mod evaluate;
mod facts;
mod item;
mod pin;
#[cfg(test)]
mod tests;

pub use evaluate::{Finding, Outcome, Report, Score, evaluate};
pub use facts::{Facts, Last};
pub use item::{Evidence, Item};
pub use pin::{Holder, is_guessable_pin, is_guessable_secret};
