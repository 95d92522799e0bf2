//! Text for people, one JSON object for machines.
//!
//! Every line for people is one line, whatever is in it: the functions here take line breaks and unseen characters out of
//! all they are given (`kazasu::text`). What has several lines is given as several. How they fill a terminal is said in
//! [`columns`](crate::columns).

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use kazasu::text;
use serde_json::Value;

use crate::args::{Global, Lang};
pub(crate) use crate::columns::{COLUMNS, fitted, folded, hanging, padded, quoted, shown, width};
use crate::failure::Failure;
use crate::files;

/// Columns of the name before a value.
const NAME: usize = 22;
/// Why something that was to be told could not be written.
static UNTOLD: Mutex<Option<Failure>> = Mutex::new(None);
/// The one object of `--json` is out.
static HAS_OBJECT: AtomicBool = AtomicBool::new(false);

/// Where results go.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) lang: Lang,
}

impl Output {
    /// What the options say, else what the system's language is.
    pub(crate) fn of(global: &Global) -> Self {
        Self { json: global.json, lang: global.lang.unwrap_or_else(locale_lang) }
    }

    /// The Japanese or the English words.
    pub(crate) fn say<'a>(self, ja: &'a str, en: &'a str) -> &'a str {
        if self.lang == Lang::En { en } else { ja }
    }

    /// A line for people; nothing under `--json`.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        if !self.json {
            told("standard output", print(std::io::stdout(), &text::one_line(text.as_ref())));
        }
    }

    /// Several of them.
    pub(crate) fn lines(self, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        lines.into_iter().for_each(|line| self.line(line));
    }

    /// A line beside the result, on standard error.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        complain(text.as_ref());
    }

    /// Part of a line on standard error, such as a question, as it is.
    pub(crate) fn begin(self, text: &str) {
        let mut stderr = std::io::stderr();
        told("standard error", stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
    }

    /// Several of them.
    pub(crate) fn notes(self, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        lines.into_iter().for_each(|line| self.note(line));
    }

    /// A name and its value, aligned, both from anywhere; nothing under `--json`.
    pub(crate) fn field(self, name: &str, value: &str) {
        self.lines(folded(&format!("  {}", padded(&shown(name), NAME)), &shown(value)));
    }

    /// A name and its value on standard error.
    pub(crate) fn note_field(self, name: &str, value: &str) {
        self.notes(folded(&format!("  {}: ", shown(name)), &shown(value)));
    }

    /// The object for machines; nothing without `--json`, and nothing after another one.
    pub(crate) fn object(self, value: &Value) {
        if self.json && !HAS_OBJECT.swap(true, Ordering::SeqCst) {
            told("standard output", print(std::io::stdout(), &escaped(value)));
        }
    }
}

/// JSON in which characters that would act on a terminal are escaped: the same values to whoever parses it.
fn escaped(value: &Value) -> String {
    let mut escaped = String::new();
    // JSON has such characters in its strings alone.
    for c in value.to_string().chars() {
        if text::is_layout(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}")));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// What went wrong, for people and machines.
pub(crate) fn tell(failure: &Failure, output: Output) {
    output.notes(failure.lines(output.lang));
    output.object(&serde_json::json!({"error": {
        "code": failure.code(),
        "text": failure.user_text(output.lang),
        "attempts_left": failure.attempts_left(),
        "server_text": failure.server_text(),
    }}));
}

/// A line on standard error, where no [`Output`] is.
pub(crate) fn complain(text: &str) {
    told("standard error", print(std::io::stderr(), &text::one_line(text)));
}

/// What could not be written since the program began; told once.
pub(crate) fn take_untold() -> Option<Failure> {
    told("standard output", std::io::stdout().flush());
    UNTOLD.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// A disk that is full is no reason to stop in the middle of a card's work: the program fails at its end. A reader that has
/// closed the pipe has read what it wanted.
pub(crate) fn told(whereto: &str, written: std::io::Result<()>) {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let mut untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner);
            untold.get_or_insert_with(|| files::failure(Path::new(whereto), &error));
        }
        _ => {}
    }
}

fn print(mut stream: impl Write, text: &str) -> std::io::Result<()> {
    let shown: String = text.chars().map(|c| if steers_terminal(c) { '\u{FFFD}' } else { c }).collect();
    writeln!(stream, "{shown}")
}

/// Control characters and changes of writing direction: text of a card or server must not move the cursor.
fn steers_terminal(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
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
    fn json_has_the_values_and_no_characters_that_act() {
        let value = serde_json::json!({"name": "a\u{202e}\u{9b}\u{2028}\u{e0041}\n葛\u{e0100}"});
        let json = escaped(&value);
        assert_eq!(json, "{\"name\":\"a\\u202e\\u009b\\u2028\\udb40\\udc41\\n葛\u{e0100}\"}");
        assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), value);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let mut written = Vec::new();
        print(&mut written, "\u{1b}]0;x\u{7}見本\u{202e}\n2").expect("written");
        assert_eq!(String::from_utf8(written).expect("UTF-8"), "\u{FFFD}]0;x\u{FFFD}見本\u{FFFD}\n2\n");
    }
}
