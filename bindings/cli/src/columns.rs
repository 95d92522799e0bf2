//! How text stands in the columns of a terminal.
//!
//! A value of a card, server or file that stands in a line with other words goes through [`shown`], so that it can neither
//! fill the line nor seem to end it; text of several paragraphs through [`quoted`].

use std::borrow::Cow;

use kazasu::text;

/// Columns of a terminal.
pub(crate) const COLUMNS: usize = 80;
/// Characters of one value that are shown.
const LONGEST_VALUE: usize = 240;
/// What stands before words from outside that begin a line.
const MARK: &str = "| ";
/// Paragraphs that are quoted of one text, and the characters of each.
const QUOTED: (usize, usize) = (8, 400);

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
            for first in ["  Insurer: ", &format!("  {}", padded("保険者", 22))] {
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
}
