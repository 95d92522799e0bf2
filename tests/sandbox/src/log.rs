//! The server log: one line for each request, with nothing personal in it.

use std::fmt;
use std::io::Write;

/// Where the log lines go.
#[derive(Default)]
pub enum LogTarget {
    /// To standard output, the first line being the JSON object with `issuer` and `fhir_base`.
    Stdout,
    /// Nowhere.
    #[default]
    Silent,
    /// To a function, called once for each line, without the line end.
    Callback(Box<dyn Fn(&str) + Send + Sync>),
}

impl LogTarget {
    pub(crate) fn line(&self, line: &str) {
        match self {
            // A closed pipe must not stop the server, so a failed write is ignored.
            Self::Stdout => drop(writeln!(std::io::stdout().lock(), "{line}")),
            Self::Silent => {}
            Self::Callback(callback) => callback(line),
        }
    }
}

impl fmt::Debug for LogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "Stdout",
            Self::Silent => "Silent",
            Self::Callback(_) => "Callback",
        })
    }
}
