//! Rows of cells: RFC 4180 with CRLF, quotes where they are needed, and no cell that a spreadsheet would run.

use std::collections::BTreeSet;
use std::io::Write;

use super::encoding::{Encoder, Encoding, Unencodable};
use super::{ExportError, Options};
use crate::text::shown;
use crate::time::CalendarDate;

/// Bytes gathered before they are written.
const BLOCK: usize = 64 * 1024;

/// Writes a table row by row. Memory does not grow with the number of rows: one row and one block are kept.
pub(super) struct Table<'a> {
    out: &'a mut dyn Write,
    encoder: Encoder,
    separator: char,
    row: String,
    /// Where a cell of several texts is put together.
    scratch: String,
    block: Vec<u8>,
    is_first: bool,
}

impl<'a> Table<'a> {
    /// A table of cells with commas between them.
    pub(super) fn csv(out: &'a mut dyn Write, options: Options) -> Self {
        Self::new(out, options, ',')
    }

    /// A table of cells with tabs between them, to paste into a sheet. Quotes would be pasted too, so that there are none.
    pub(super) fn tsv(out: &'a mut dyn Write, options: Options) -> Self {
        Self::new(out, options, '\t')
    }

    fn new(out: &'a mut dyn Write, options: Options, separator: char) -> Self {
        let encoder = Encoder::new(options.encoding, options.unencodable);
        let mut block = Vec::with_capacity(BLOCK);
        block.extend_from_slice(encoder.beginning());
        Self { out, encoder, separator, row: String::new(), scratch: String::new(), block, is_first: true }
    }

    /// A cell of text, from outside or typed: on one line and without what is not seen ([`shown`]), guarded, then quoted
    /// where needed.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.separate();
        let text: &str = &shown(text);
        let guard = if is_formula(text) { "'" } else { "" };
        if self.separator == ',' && text.bytes().any(|byte| matches!(byte, b',' | b'"')) {
            self.row.push('"');
            self.row.push_str(guard);
            for (at, part) in text.split('"').enumerate() {
                self.row.push_str(if at == 0 { "" } else { "\"\"" });
                self.row.push_str(part);
            }
            self.row.push('"');
        } else {
            self.row.push_str(guard);
            self.row.push_str(text);
        }
        self
    }

    /// A cell of text that may be missing.
    pub(super) fn optional(&mut self, text: Option<&str>) -> &mut Self {
        self.text(text.unwrap_or_default())
    }

    /// A cell of several texts with spaces between them, the empty ones left out.
    pub(super) fn words(&mut self, words: &[&str]) -> &mut Self {
        let mut scratch = std::mem::take(&mut self.scratch);
        for word in words.iter().filter(|word| !word.is_empty()) {
            scratch.push_str(if scratch.is_empty() { "" } else { " " });
            scratch.push_str(word);
        }
        self.text(&scratch);
        scratch.clear();
        self.scratch = scratch;
        self
    }

    /// A cell of several pieces of this crate's own making.
    pub(super) fn joined(&mut self, pieces: &[&str]) -> &mut Self {
        self.separate();
        self.row.extend(pieces.iter().copied());
        self
    }

    /// A cell of this crate's own making, such as a number, a date or an id: as it is.
    pub(super) fn plain(&mut self, text: &str) -> &mut Self {
        self.separate();
        self.row.push_str(text);
        self
    }

    /// A number: as it is, a minus included.
    pub(super) fn number(&mut self, number: i64) -> &mut Self {
        self.separate();
        write_number(&mut self.row, number);
        self
    }

    /// A date with `between` between its parts; an empty cell for none.
    pub(super) fn date(&mut self, date: Option<CalendarDate>, between: char) -> &mut Self {
        self.separate();
        if let Some(date) = date {
            push_date(&mut self.row, date, between);
        }
        self
    }

    /// The id of rule X-5.
    pub(super) fn id(&mut self, source_id: &str, row: u32) -> &mut Self {
        self.separate();
        super::id::push(source_id, row, &mut self.row);
        self
    }

    /// Ends the row.
    pub(super) fn end(&mut self) -> Result<(), ExportError> {
        self.row.push_str("\r\n");
        self.is_first = true;
        let start = self.block.len();
        if let Err(characters) = self.encoder.encode(&self.row, &mut self.block) {
            self.block.truncate(start);
            return Err(ExportError::Unencodable { characters });
        }
        self.row.clear();
        if self.block.len() >= BLOCK { self.write_block() } else { Ok(()) }
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Result<(), ExportError> {
        self.write_block()?;
        Ok(self.out.flush()?)
    }

    fn write_block(&mut self) -> Result<(), ExportError> {
        self.out.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.row.push(self.separator);
        }
    }
}

pub(super) fn write_number(into: &mut String, number: i64) {
    // Digits from the last to the first: `write!` would cost more than the rest of the row.
    let mut digits = [0_u8; 20];
    let mut rest = number.unsigned_abs();
    let mut count = 0_usize;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or_default());
        rest /= 10;
        count = count.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        into.push('-');
    }
    into.extend(digits.iter().skip(digits.len().saturating_sub(count)).map(|digit| char::from(*digit)));
}

pub(super) fn push_date(into: &mut String, date: CalendarDate, between: char) {
    for _ in [1000, 100, 10].iter().filter(|bound| date.year < **bound) {
        into.push('0');
    }
    write_number(into, i64::from(date.year));
    for part in [date.month, date.day] {
        into.push(between);
        push_two(into, part);
    }
}

pub(super) fn push_two(into: &mut String, number: u8) {
    if number < 10 {
        into.push('0');
    }
    write_number(into, i64::from(number));
}

/// Whether a spreadsheet could take a cell of text for a formula (rule X-3).
///
/// Besides `= + - @`, TAB and CR: LF, which some programs strip; the full-width and small forms `＝ ＋ － ＠ ﹦ ﹢ ﹣ ﹫`,
/// which a Japanese Excel reads as the plain ones when they are typed or pasted; and any of these signs behind white space
/// or invisible characters, which some programs strip before they look.
pub(super) fn is_formula(text: &str) -> bool {
    let starts = |c: char| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\u{fe66}' | '\u{fe62}' | '\u{fe63}' | '\u{fe6b}'
        )
    };
    let is_stripped = |c: &char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(*c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}')
    };
    match text.chars().next() {
        None => false,
        Some('\t' | '\r' | '\n') => true,
        Some(_) => text.chars().find(|c| !is_stripped(c)).is_some_and(starts),
    }
}

/// The characters that an encoding lacks, in order: what the user is shown before a file is written (rule X-2).
///
/// Pass every text that is to be exported; cells of this crate's own making need no check.
pub fn unencodable<'a>(texts: impl IntoIterator<Item = &'a str>, encoding: Encoding) -> BTreeSet<char> {
    let encoder = Encoder::new(encoding, Unencodable::Refuse);
    let mut missing = BTreeSet::new();
    for text in texts {
        encoder.find_missing(&shown(text), &mut missing);
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cells: &[&str], separator: char) -> String {
        let mut out = Vec::new();
        let options = Options { encoding: Encoding::Utf8, ..Options::default() };
        let mut table = Table::new(&mut out, options, separator);
        for cell in cells {
            table.text(cell);
        }
        table.end().expect("written");
        table.finish().expect("written");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn cells_are_quoted_where_needed() {
        assert_eq!(written(&["a", "b,c", "d\"e", "f\r\ng", "", " h "], ','), "a,\"b,c\",\"d\"\"e\",f g,,h\r\n");
        assert_eq!(written(&["a\tb", "c\r\nd", "\"e\""], '\t'), "a b\tc d\t\"e\"\r\n");
    }

    #[test]
    fn no_cell_carries_layout() {
        let cell = "見本\r\n2026/11/20,偽造\u{202e}\u{200b}\u{2028}\u{1b}[2K";
        assert_eq!(written(&[cell, "\u{200b}=1", "\n+1"], ','), "\"見本 2026/11/20,偽造 [2K\",'=1,'+1\r\n");
        assert_eq!(written(&[cell, "\u{200b}=1"], '\t'), "見本 2026/11/20,偽造 [2K\t'=1\r\n");
        // What is left out needs no code.
        assert!(unencodable([cell], Encoding::Cp932).is_empty());
    }

    #[test]
    fn no_text_is_a_formula() {
        for text in
            ["=1", "+1", "-1", "@a", "\ta", "\ra", "\na", "＝1", "－1", "＠a", " =1", "\u{3000}+1", "\u{feff}=1", "﹦1"]
        {
            assert!(is_formula(text), "{text:?}");
        }
        for text in ["", "a=1", " a", "1-1", "ー", "'=1", "−1"] {
            assert!(!is_formula(text), "{text:?}");
        }
        assert_eq!(
            written(&["=HYPERLINK(\"http://x\",\"y\")"], ','),
            "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\r\n"
        );
    }

    #[test]
    fn numbers_and_dates_are_as_they_are() {
        for number in [0, 7, -1790, 999_999_999, i64::MIN, i64::MAX] {
            let mut text = String::new();
            write_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
        let mut text = String::new();
        push_date(&mut text, CalendarDate { year: 987, month: 1, day: 31 }, '/');
        assert_eq!(text, "0987/01/31");
    }

    #[test]
    fn a_row_that_cannot_be_encoded_leaves_nothing() {
        let mut out = Vec::new();
        let options = Options { encoding: Encoding::Cp932, ..Options::default() };
        let mut table = Table::csv(&mut out, options);
        table.text("𠮷").text("\u{a5}");
        let error = table.end().expect_err("not encodable");
        assert_eq!(error, ExportError::Unencodable { characters: BTreeSet::from(['\u{a5}', '𠮷']) });
        table.finish().expect("written");
        assert!(out.is_empty());
        assert_eq!(unencodable(["見本", "𠮷\u{a5}"], Encoding::Cp932), BTreeSet::from(['\u{a5}', '𠮷']));
        assert!(unencodable(["𠮷"], Encoding::Utf8Bom).is_empty());
    }
}
