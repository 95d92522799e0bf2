//! Text for people, one JSON object for machines.

use std::io::Write;

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
            print(std::io::stdout(), text.as_ref());
        }
    }

    /// A line beside the result, on standard error.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        print(std::io::stderr(), text.as_ref());
    }

    /// A name and its value, aligned; nothing under `--json`.
    pub(crate) fn field(self, name: &str, value: &str) {
        let padding = 20_usize.saturating_sub(width(name));
        self.line(format!("  {name}{:padding$}{value}", ""));
    }

    /// The object for machines; nothing without `--json`.
    pub(crate) fn object(self, value: &Value) {
        if self.json {
            print(std::io::stdout(), &value.to_string());
        }
    }
}

/// Writes a line. A reader that has closed the pipe is no reason to stop in the middle of a card's work.
fn print(mut stream: impl Write, text: &str) {
    let shown: String = text.chars().map(|c| if steers_terminal(c) { '\u{FFFD}' } else { c }).collect();
    let _ = writeln!(stream, "{shown}");
}

/// Control characters and changes of writing direction: text of a card or server must not move the cursor.
fn steers_terminal(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let mut written = Vec::new();
        print(&mut written, "\u{1b}]0;x\u{7}見本\u{202e}\n2");
        assert_eq!(String::from_utf8(written).expect("UTF-8"), "\u{FFFD}]0;x\u{FFFD}見本\u{FFFD}\n2\n");
    }
}
