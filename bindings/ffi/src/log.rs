//! Log lines for the app's own log.

use std::sync::{Arc, RwLock};

/// How important a line is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// A step was made.
    Info,
    /// Exchanges and requests; compiled out of the packaged libraries.
    Debug,
}

/// Receives log lines: instruction bytes, status words, lengths, paths. Never contents.
#[uniffi::export(with_foreign)]
pub trait LogListener: Send + Sync {
    /// One line. What it throws is ignored.
    fn on_line(&self, level: LogLevel, line: String) -> Result<(), super::session::ListenerError>;
}

struct Forwarder(RwLock<Option<Arc<dyn LogListener>>>);

static FORWARDER: Forwarder = Forwarder(RwLock::new(None));

impl log::Log for Forwarder {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("kazasu") && metadata.level() <= log::Level::Debug
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            log::Level::Error => LogLevel::Error,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Info => LogLevel::Info,
            log::Level::Debug | log::Level::Trace => LogLevel::Debug,
        };
        let listener = self.0.read().ok().and_then(|listener| listener.clone());
        if let Some(listener) = listener {
            let _ = listener.on_line(level, record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Sends this library's log lines to `listener`, or nowhere for `None`. One listener for the whole process.
#[uniffi::export]
pub fn set_log_listener(listener: Option<Arc<dyn LogListener>>) {
    // Another logger of the process stays in place: ours is then not asked.
    let _ = log::set_logger(&FORWARDER);
    log::set_max_level(if listener.is_some() { log::LevelFilter::Debug } else { log::LevelFilter::Off });
    if let Ok(mut current) = FORWARDER.0.write() {
        *current = listener;
    }
}
