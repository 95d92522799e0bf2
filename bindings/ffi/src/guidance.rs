//! Texts for users, by code.

use kazasu::guidance;

/// Language of texts for users.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum Language {
    /// 日本語.
    Japanese,
    /// English.
    English,
}

/// The text of a code such as `KZ-Q04`; `{n}` in it stands for tries left. `None` for a code this version does not know.
#[uniffi::export]
pub fn user_text(code: String, language: Language) -> Option<String> {
    guidance::text_of_code(&code, language == Language::Japanese).map(str::to_owned)
}
