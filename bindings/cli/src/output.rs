//! Text for people, one JSON object for machines.

use serde_json::Value;

use crate::args::Lang;

/// Where results go.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) lang: Lang,
}

impl Output {
    /// The Japanese or the English words.
    pub(crate) fn say<'a>(self, ja: &'a str, en: &'a str) -> &'a str {
        if self.lang == Lang::Ja { ja } else { en }
    }

    /// A line for people; nothing under `--json`.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        if !self.json {
            println!("{}", text.as_ref());
        }
    }

    /// A name and its value, aligned; nothing under `--json`.
    pub(crate) fn field(self, name: &str, value: &str) {
        let padding = 20_usize.saturating_sub(width(name));
        self.line(format!("  {name}{:padding$}{value}", ""));
    }

    /// The object for machines; nothing without `--json`.
    pub(crate) fn object(self, value: &Value) {
        if self.json {
            println!("{value}");
        }
    }
}

/// Columns on a terminal: two for every character beyond Latin.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum()
}

/// The language of the locale, else Japanese.
pub(crate) fn locale_lang() -> Lang {
    let locale =
        ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    match locale {
        Some(locale) if locale.starts_with("en") => Lang::En,
        _ => Lang::Ja,
    }
}
