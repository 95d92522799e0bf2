//! Which file of a crate uses which, as far as its paths tell.
//!
//! ```text
//! folder ── sources ──▶ modules ── names ──▶ graph ──▶ circles, arrows
//! ```
//! A file uses another when a path in it leads there, through re-exports if need be: what a front door only passes on is
//! nobody's use. Tests are left out. Methods are not seen: who calls one has the type from somewhere.

mod graph;
mod module;
mod names;
mod sources;

pub use graph::Graph;
pub use sources::Sources;
