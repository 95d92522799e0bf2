//! How a command fails: a code, one thing to do, and a detail for developers.

use kazasu::guidance;

use crate::args::Lang;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    error: kazasu::Error,
}

impl Failure {
    /// A wrong argument, file or order.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        Self { error: kazasu::Error::Usage { detail: detail.into() } }
    }

    pub(crate) fn code(&self) -> &'static str {
        self.error.code()
    }

    pub(crate) fn attempts_left(&self) -> Option<u8> {
        self.error.attempts_left()
    }

    /// `KZ-… text`, and the developer's text in a second line.
    pub(crate) fn text(&self, lang: Lang) -> String {
        let text = guidance::text(&self.error, lang == Lang::Ja);
        let wait = self.error.retry_after().map(|wait| format!("; Retry-After {} s", wait.as_secs()));
        let option = match self.error {
            kazasu::Error::LastAttempt { .. } => "; --allow-last-try permits it",
            _ => "",
        };
        format!("{} {text}\n  ({}{}{option})", self.code(), self.error, wait.unwrap_or_default())
    }

    pub(crate) fn user_text(&self, lang: Lang) -> String {
        guidance::text(&self.error, lang == Lang::Ja)
    }
}

impl<E: Into<kazasu::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into() }
    }
}
