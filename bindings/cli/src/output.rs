//! Text for people, one JSON object for machines.
//!
//! Every line for people is one line, whatever is in it: the functions here take line breaks and unseen characters out of
//! all they are given (`kazasu::text`). What has several lines is given as several. A value of a card, server or file that
//! stands in a line with other words goes through [`shown`], so that it can neither fill the line nor seem to end it; text
//! of several paragraphs through [`quoted`].

use std::borrow::Cow;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use kazasu::text;
use serde_json::Value;

use crate::args::{Global, Lang};
use crate::failure::Failure;
use crate::files;

/// Columns of a terminal.
pub(crate) const COLUMNS: usize = 80;
/// Characters of one value that are shown.
const LONGEST_VALUE: usize = 240;
/// Columns of the name before a value.
const NAME: usize = 22;
/// What stands before words from outside that begin a line.
const MARK: &str = "| ";
/// Paragraphs that are quoted of one text, and the characters of each.
const QUOTED: (usize, usize) = (8, 400);

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

/// A value of a card, server or file, or one that somebody typed, as it may stand in a line.
pub(crate) fn shown(value: &str) -> Cow<'_, str> {
    text::shown_within(value, LONGEST_VALUE)
}

/// Words of a server, or a notice that a person agrees to: each line marked as not of this program.
pub(crate) fn quoted(text: &str) -> Vec<String> {
    let (most, longest) = QUOTED;
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text::paragraphs(text).take(most) {
        let first = format!("  {MARK}");
        lines.extend(broken(&first, &first, &text::shown_within(&paragraph, longest)));
    }
    if text::paragraphs(text).nth(most).is_some() {
        lines.push(format!("  {MARK}…"));
    }
    lines
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

/// Columns on a terminal: two for every character beyond Latin, none for what is drawn onto the one before.
pub(crate) fn width(text: &str) -> usize {
    let columns = |c| match c {
        '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{309a}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => 0,
        c if c < '\u{1100}' => 1,
        _ => 2,
    };
    text.chars().map(columns).sum()
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

/// The lines of a text of ours two columns in, broken at spaces so that they fit a terminal.
pub(crate) fn indented(text: &str) -> Vec<String> {
    text.lines().flat_map(|line| hanging("  ", line)).collect()
}

/// One line of ours behind `first`, broken at spaces so that it fits a terminal, with what follows one column further in.
pub(crate) fn hanging(first: &str, text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut current = first.to_owned();
    for word in text.split_inclusive(' ') {
        if width(&current) + width(word.trim_end()) > COLUMNS && !current.trim().is_empty() {
            lines.push(current.trim_end().to_owned());
            current = " ".repeat(width(first) + 1);
        }
        current.push_str(word);
    }
    lines.push(current.trim_end().to_owned());
    lines
}

/// A value behind `first`, broken wherever it must so that it fits a terminal: what a terminal breaks begins in its first
/// column, and looks like a line of its own. What follows is marked, so that it does not look like a row either.
pub(crate) fn folded(first: &str, value: &str) -> Vec<String> {
    broken(first, &format!("{:>1$}", MARK, width(first).min(COLUMNS / 2)), value)
}

/// `value` behind `first` and, in the lines after, behind `next`.
fn broken(first: &str, next: &str, value: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let (mut current, mut columns, mut is_begun) = (first.to_owned(), width(first), false);
    let mut wrap = |current: &mut String, columns: &mut usize| {
        lines.push(std::mem::replace(current, next.to_owned()).trim_end().to_owned());
        *columns = width(next);
    };
    for word in value.split_inclusive(' ') {
        if is_begun && columns + width(word.trim_end()) > COLUMNS && width(word.trim_end()) <= COLUMNS - width(next) {
            wrap(&mut current, &mut columns);
        }
        for c in word.chars() {
            let of_one = width(c.encode_utf8(&mut [0; 4]));
            if columns + of_one > COLUMNS && c != ' ' {
                wrap(&mut current, &mut columns);
            }
            current.push(c);
            columns += of_one;
        }
        is_begun = true;
    }
    wrap(&mut current, &mut columns);
    lines
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
        assert_eq!(indented("(a b)\n\n  c"), ["  (a b)", "", "    c"]);
        let long = indented(&"seven77 ".repeat(12));
        assert_eq!(long.iter().map(|line| width(line)).collect::<Vec<_>>(), [73, 26]);
        assert_eq!(indented(&"長".repeat(60)).len(), 1);
    }

    #[test]
    fn a_value_never_begins_in_the_first_column() {
        for value in ["長".repeat(100), "seven77 ".repeat(30), "x".repeat(400), format!("a {} b", "長".repeat(60))] {
            for first in ["  Insurer: ", &format!("  {}", padded("保険者", NAME))] {
                let lines = folded(first, &value);
                assert!(lines.len() > 1 && lines.iter().all(|line| width(line) <= COLUMNS), "{lines:?}");
                let next = format!("{:>1$}", MARK, width(first));
                assert!(lines[1..].iter().all(|line| line.starts_with(&next)), "{lines:?}");
                let whole: String = lines.concat().replace([' ', '|'], "");
                assert_eq!(whole, format!("{first}{value}").replace(' ', ""));
            }
        }
        assert_eq!(folded("  Name: ", "見本　花子"), ["  Name: 見本　花子"]);
        assert_eq!(folded("  Name: ", ""), ["  Name:"]);
    }

    #[test]
    fn words_of_a_server_are_marked_line_by_line() {
        let lines = quoted(&format!("窓口へ\n  Name: 偽造\r\n\u{2028}{}\u{202e}", "長".repeat(100)));
        assert_eq!(lines[..2], ["  | 窓口へ", "  | Name: 偽造"]);
        assert!(lines.len() == 5 && lines.iter().all(|line| line.starts_with("  | ") && width(line) <= COLUMNS));
        assert_eq!(quoted(&"a\n".repeat(1000)).len(), QUOTED.0 + 1);
    }

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
