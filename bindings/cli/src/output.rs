//! Text for people, one JSON object for machines.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::args::{Global, Lang};
use crate::failure::Failure;
use crate::files;

/// Columns of a terminal.
pub(crate) const COLUMNS: usize = 80;

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
            told("standard output", print(std::io::stdout(), text.as_ref()));
        }
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

    /// A name and its value, aligned; nothing under `--json`.
    pub(crate) fn field(self, name: &str, value: &str) {
        self.line(format!("  {}{value}", padded(name, 22)).trim_end());
    }

    /// The object for machines; nothing without `--json`, and nothing after another one.
    pub(crate) fn object(self, value: &Value) {
        if self.json && !HAS_OBJECT.swap(true, Ordering::SeqCst) {
            told("standard output", print(std::io::stdout(), &value.to_string()));
        }
    }
}

/// A line on standard error, where no [`Output`] is.
pub(crate) fn complain(text: &str) {
    told("standard error", print(std::io::stderr(), text));
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

/// Columns on a terminal: two for every character beyond Latin.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum()
}

/// The text with spaces up to this many columns, one at least.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    let padding = columns.saturating_sub(width(text)).max(1);
    format!("{text}{:padding$}", "")
}

/// The line, cut to so many columns.
pub(crate) fn fitted(line: &str, most: usize) -> String {
    if width(line) <= most {
        return line.to_owned();
    }
    let mut columns = 2;
    let shown = line.chars().take_while(|c| {
        columns += width(c.encode_utf8(&mut [0; 4]));
        columns <= most
    });
    format!("{}…", shown.collect::<String>().trim_end())
}

/// The text two columns in, broken at spaces so that it fits a terminal; its own lines stay.
pub(crate) fn indented(text: &str) -> String {
    hanging("  ", text)
}

/// The text behind `first`, broken at spaces so that it fits a terminal, with what follows one column further in.
pub(crate) fn hanging(first: &str, text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut current = first.to_owned();
        for word in line.split_inclusive(' ') {
            if width(&current) + width(word.trim_end()) > COLUMNS && !current.trim().is_empty() {
                lines.push(current.trim_end().to_owned());
                current = " ".repeat(width(first) + 1);
            }
            current.push_str(word);
        }
        lines.push(current.trim_end().to_owned());
    }
    lines.join("\n")
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
    fn long_lines_are_broken_at_spaces_and_short_ones_stay() {
        assert_eq!(indented("(a b)\n\n  c"), "  (a b)\n\n    c");
        let long = indented(&"seven77 ".repeat(12));
        assert_eq!(long.lines().map(width).collect::<Vec<_>>(), [73, 26]);
        assert_eq!(indented(&"長".repeat(60)).lines().count(), 1);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let mut written = Vec::new();
        print(&mut written, "\u{1b}]0;x\u{7}見本\u{202e}\n2").expect("written");
        assert_eq!(String::from_utf8(written).expect("UTF-8"), "\u{FFFD}]0;x\u{FFFD}見本\u{FFFD}\n2\n");
    }
}
