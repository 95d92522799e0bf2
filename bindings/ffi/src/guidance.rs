//! Texts for users, by code.

use kazasu::guidance as core;

/// Language of texts for users.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum Language {
    /// 日本語.
    Japanese,
    /// English.
    English,
    /// やさしい日本語: short sentences, few kanji, readings in brackets. The server's own texts come in Japanese.
    EasyJapanese,
}

impl From<Language> for core::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::Japanese => Self::Japanese,
            Language::English => Self::English,
            Language::EasyJapanese => Self::EasyJapanese,
        }
    }
}

/// The text of a code such as `KZ-Q04`; `{n}` in it stands for tries left. `None` for a code this version does not know.
#[uniffi::export]
pub fn user_text(code: String, language: Language) -> Option<String> {
    core::text_of_code(&code, language.into()).map(str::to_owned)
}

/// One thing to try after so many reads in a row that failed: the case, the position, a restart, another way. `None` after
/// none. `antenna` says where this model has its antenna, in the language of the text.
#[uniffi::export(default(antenna = None))]
pub fn nfc_hint(failures: u32, language: Language, antenna: Option<String>) -> Option<String> {
    core::nfc_hint(failures, language.into(), antenna.as_deref())
}
