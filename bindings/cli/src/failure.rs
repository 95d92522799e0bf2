//! How a command fails: a code, one thing to do, and a detail for developers.

use kazasu::guidance::{self, Language};
use kazasu::iso7816::TransportError;

use crate::args::Lang;
use crate::output;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    error: kazasu::Error,
    /// What the server told the user to do.
    server_text: Option<String>,
}

impl Failure {
    /// A wrong argument, file or order.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        kazasu::Error::Usage { detail: detail.into() }.into()
    }

    /// With what the server said besides.
    pub(crate) fn told(self, server_text: Option<&str>) -> Self {
        Self { server_text: server_text.map(str::to_owned).or(self.server_text), ..self }
    }

    /// The core's error.
    pub(crate) const fn error(&self) -> &kazasu::Error {
        &self.error
    }

    pub(crate) fn server_text(&self) -> Option<&str> {
        self.server_text.as_deref()
    }

    pub(crate) fn code(&self) -> &'static str {
        self.error.code()
    }

    /// The user ended it.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.code() == "KZ-U03"
    }

    pub(crate) fn attempts_left(&self) -> Option<u8> {
        self.error.attempts_left()
    }

    /// `KZ-… text`, and the developer's text in a second line.
    pub(crate) fn text(&self, lang: Lang) -> String {
        let text = self.user_text(lang);
        let wait = self.error.retry_after().map(|wait| format!("; Retry-After {} s", wait.as_secs()));
        let option = match self.error {
            kazasu::Error::LastAttempt { .. } => "; --allow-last-try permits it",
            _ => "",
        };
        let detail = format!("({}{}{option})", self.error, wait.unwrap_or_default());
        let told = self.server_text.as_deref().map(|text| {
            let by = if lang == Lang::En { "The server says" } else { "サーバーからの案内" };
            format!("\n{}", output::indented(&format!("{by}: {text}")))
        });
        format!("{} {text}\n{}{}", self.code(), output::indented(&detail), told.unwrap_or_default())
    }

    /// The sentence of the code; at a command line some codes mean another thing than in an app.
    pub(crate) fn user_text(&self, lang: Lang) -> String {
        let (ja, en, easy) = match &self.error {
            kazasu::Error::Usage { .. } => (
                "入力や指定を確かめてください",
                "Please check what was entered.",
                "入れたものを、もういちど見てください",
            ),
            kazasu::Error::Transport(TransportError::Failed { .. }) => (
                "カードリーダーを使えません",
                "The card reader cannot be used.",
                "カードリーダーが使えません。つなぎなおしてください",
            ),
            kazasu::Error::Transport(TransportError::Timeout) => (
                "カードの応答がありません。リーダーに置き直してください",
                "No card answers. Please place it on the reader again.",
                "カードがこたえません。もういちど、おいてください",
            ),
            error => return guidance::text(error, lang.into()),
        };
        Language::from(lang).choose(ja, en, easy).to_owned()
    }
}

impl<E: Into<kazasu::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), server_text: None }
    }
}
