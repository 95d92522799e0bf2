//! The family's store on this computer, and what one member keeps in it.

mod add;
mod cleared;
mod confirm;
mod expenses;
mod expired;
pub(crate) mod keeper;
mod look;
mod member_json;
mod members;
mod open;

pub(crate) use expenses::Expenses;
pub(crate) use keeper::MemberKeeper;
pub(crate) use members::run;
pub(crate) use open::{Family, check, needs_member};
