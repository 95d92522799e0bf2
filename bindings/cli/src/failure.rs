//! How a command fails: a code, one thing to do, and a detail for developers.

use kazasu::error::ResourceFault;
use kazasu::guidance::{self, Language};
use kazasu::iso7816::{CardCapabilities, TransportError};
use kazasu::text;

use crate::args::Lang;
use crate::output;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    error: kazasu::Error,
    /// What the server told the user to do.
    server_text: Option<String>,
    /// What to do, in Japanese and in English, where the code alone says too little.
    advice: Option<(&'static str, &'static str)>,
    /// The detail has lines of its own.
    is_laid_out: bool,
    /// What the card had shown by then.
    capabilities: Option<CardCapabilities>,
}

/// Characters of a detail that are shown.
const LONGEST_DETAIL: usize = 600;

impl Failure {
    /// A wrong argument, file or order.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        kazasu::Error::Usage { detail: detail.into() }.into()
    }

    /// A wrong argument, explained in lines of this program's own.
    pub(crate) fn misuse(detail: impl Into<String>) -> Self {
        Self { is_laid_out: true, ..Self::usage(detail) }
    }

    /// With the one thing to do.
    pub(crate) fn advise(self, ja: &'static str, en: &'static str) -> Self {
        Self { advice: Some((ja, en)), ..self }
    }

    /// With what the server said besides.
    pub(crate) fn told(self, server_text: Option<&str>) -> Self {
        Self { server_text: server_text.map(str::to_owned).or(self.server_text), ..self }
    }

    /// With what the card had shown by then.
    pub(crate) fn shown(self, capabilities: CardCapabilities) -> Self {
        Self { capabilities: Some(capabilities), ..self }
    }

    pub(crate) const fn capabilities(&self) -> Option<CardCapabilities> {
        self.capabilities
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

    /// `KZ-… text`, the developer's text below, and what the server said.
    pub(crate) fn lines(&self, lang: Lang) -> Vec<String> {
        let mut lines = vec![format!("{} {}", self.code(), self.user_text(lang))];
        let wait = self.error.retry_after().map(|wait| format!("; Retry-After {} s", wait.as_secs()));
        let option = match self.error {
            kazasu::Error::LastAttempt { .. } => "; --allow-last-try permits it",
            _ => "",
        };
        let wait = wait.unwrap_or_default();
        match &self.error {
            kazasu::Error::Usage { detail } if self.is_laid_out => {
                lines.extend(output::indented(&format!("({detail})")))
            }
            // It may name what a file or a command line holds.
            error @ kazasu::Error::Usage { .. } => {
                let error = error.to_string();
                lines.extend(output::folded("  ", &format!("({})", text::shown_within(&error, LONGEST_DETAIL))));
            }
            error => lines.extend(output::hanging("  ", &format!("({error}{wait}{option})"))),
        }
        if let Some(told) = self.server_text.as_deref().map(output::quoted).filter(|told| !told.is_empty()) {
            lines.push(format!("  {}", if lang == Lang::En { "The server says:" } else { "サーバーからの案内:" }));
            lines.extend(told);
        }
        lines
    }

    /// The sentence of the code; at a command line some codes mean another thing than in an app.
    pub(crate) fn user_text(&self, lang: Lang) -> String {
        if let Some((ja, en)) = self.advice {
            return if lang == Lang::En { en } else { ja }.to_owned();
        }
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
            // The code's own text is for an app; here one command tells whose card it is.
            kazasu::Error::Resource(ResourceFault::Foreign { what: "patient" }) => (
                "サーバーが登録時と別の方として答えました。kazasu member confirm で確かめてください",
                "The server answered for somebody else than at registration. Please check with: kazasu member confirm",
                "前とちがう人のデータです。くわしい人と kazasu member confirm を使ってください",
            ),
            kazasu::Error::Busy => (
                "ほかで使用中です。終わってから、もう一度お試しください",
                "It is in use by another program. Please try again when that is done.",
                "ほかで使っています。おわってから、もういちど使ってください",
            ),
            kazasu::Error::DeviceKey { .. } => (
                "鍵のファイルを使えません。アクセス権を確かめてください",
                "A key file cannot be used. Please check its permissions.",
                "かぎのファイルが使えません。くわしい人に見てもらってください",
            ),
            error => return guidance::text(error, lang.into()),
        };
        Language::from(lang).choose(ja, en, easy).to_owned()
    }
}

impl<E: Into<kazasu::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), server_text: None, advice: None, is_laid_out: false, capabilities: None }
    }
}
