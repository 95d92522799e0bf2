//! What this crate and the libraries below it log.
//!
//! This crate logs, at `debug`, instruction bytes, status words, lengths and URLs: never contents. Its libraries do log
//! contents, at `trace`: `ureq_proto` every byte of every request and answer, tokens and records among them. The crate sets
//! no level features of `log`, which would decide for the whole app. An app whose logger listens at `trace` asks
//! [`is_free_of_contents`] first; filters by target do the same (`RUST_LOG=trace,ureq_proto=debug,rustls=debug`).

use log::{Level, Metadata};

/// Libraries below that log what they send and receive.
const TELLING: [&str; 3] = ["ureq_proto", "ureq", "rustls"];

/// Whether a line may be written to a log: false for those in which a library tells bytes of requests and answers.
///
/// Lines of crates that are not below this one are the app's own business, and pass.
///
/// ```
/// struct Logger;
///
/// impl log::Log for Logger {
///     fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
///         kazasu::logging::is_free_of_contents(metadata)
///     }
///     fn log(&self, record: &log::Record<'_>) {
///         if self.enabled(record.metadata()) {
///             eprintln!("{} {}", record.level(), record.args());
///         }
///     }
///     fn flush(&self) {}
/// }
/// ```
pub fn is_free_of_contents(metadata: &Metadata<'_>) -> bool {
    let root = metadata.target().split("::").next();
    metadata.level() < Level::Trace || !TELLING.iter().any(|library| root == Some(library))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(target: &str, level: Level) -> bool {
        is_free_of_contents(&Metadata::builder().target(target).level(level).build())
    }

    #[test]
    fn bytes_of_the_libraries_below_are_kept_out() {
        assert!(!passes("ureq_proto::util", Level::Trace));
        assert!(!passes("ureq::run", Level::Trace));
        assert!(!passes("rustls::client::hs", Level::Trace));
        assert!(passes("ureq_proto::util", Level::Debug));
        assert!(passes("kazasu::qualify::http", Level::Trace));
        assert!(passes("ureq_of_the_app", Level::Trace));
    }
}
