//! The cells of one sheet. The XML is cut where cells begin and end, and every piece that does not change is put back as
//! it was.

use std::collections::BTreeMap;
use std::ops::Range;

use kazasu::export::{MAX_TAX_ROWS, TaxColumn, TaxRow};
use kazasu::text::shown;
use kazasu::time::CalendarDate;
use quick_xml::events::Event;

use super::xml::{attribute, local, refused};
use crate::failure::Failure;

/// Number of the first row.
const FIRST_ROW: u32 = 9;
/// Columns B to J, from A = 0.
const COLUMNS: std::ops::RangeInclusive<u32> = 1..=9;
/// Rows of a sheet that is read.
const MAX_ROWS: usize = 100_000;
const MAX_CELLS: usize = 1_000_000;
/// Formulas of the sums of columns H and I.
const SUMS: [&str; 2] = ["SUM(H9:H1003)", "SUM(I9:I1003)"];

/// Whether rows that are in the form already may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Filled {
    /// A form with anything in B9 to J1003 is refused.
    Refuse,
    /// All of B9 to J1003 is emptied first.
    Replace,
}

struct Row {
    number: u32,
    all: Range<usize>,
    /// The opening tag; the whole row where it has no cells.
    open: Range<usize>,
    cells: Vec<Cell>,
}

struct Cell {
    column: u32,
    all: Range<usize>,
    /// Attributes but `t`, each with the space before it.
    attributes: String,
    has_value: bool,
    formula: Option<Range<usize>>,
}

/// What a cell is to hold.
enum Content {
    Nothing,
    Text(String),
    Number(i64),
}

pub(super) fn fill(xml: &str, rows: &[TaxRow], filled: Filled, is_1904: bool) -> Result<String, Failure> {
    let (inside, sheet) = parse(xml)?;
    let last_row = FIRST_ROW + MAX_TAX_ROWS as u32 - 1;
    if rows.len() > MAX_TAX_ROWS {
        return Err(refused("has 995 rows only"));
    }
    let is_ours = |row: u32, column: u32| (FIRST_ROW..=last_row).contains(&row) && COLUMNS.contains(&column);
    for row in &sheet {
        for cell in row.cells.iter().filter(|cell| is_ours(row.number, cell.column)) {
            if cell.formula.is_some() {
                return Err(refused("has formulas where values go"));
            }
            if cell.has_value && filled == Filled::Refuse {
                return Err(refused("has rows filled already"));
            }
        }
    }
    let sums = [0, 1].map(|at| rows.iter().map(|row| [row.paid_yen, row.reimbursed_yen][at]).sum::<i64>());
    let mut wanted: BTreeMap<u32, &TaxRow> = (FIRST_ROW..).zip(rows).collect();
    let mut out = String::with_capacity(xml.len() + rows.len() * 400);
    out.push_str(&xml[..inside.start]);
    let mut at = inside.start;
    for row in &sheet {
        out.push_str(&xml[at..row.all.start]);
        at = row.all.end;
        // Rows that the sheet leaves out come before the next one it has.
        while let Some(entry) = wanted.first_entry().filter(|entry| *entry.key() < row.number) {
            let (number, values) = entry.remove_entry();
            write_row(&mut out, xml, &Row { number, all: 0..0, open: 0..0, cells: Vec::new() }, Some(values), is_1904);
        }
        let values = wanted.remove(&row.number);
        if (FIRST_ROW..=last_row).contains(&row.number) {
            write_row(&mut out, xml, row, values, is_1904);
        } else {
            write_sums(&mut out, xml, row, &sums);
        }
    }
    for (number, values) in wanted {
        write_row(&mut out, xml, &Row { number, all: 0..0, open: 0..0, cells: Vec::new() }, Some(values), is_1904);
    }
    out.push_str(&xml[at..]);
    Ok(out)
}

/// Where the rows are, and each of them.
fn parse(xml: &str) -> Result<(Range<usize>, Vec<Row>), Failure> {
    let unreadable = || refused("has a sheet that cannot be read");
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut rows, mut cells): (Vec<Row>, usize) = (Vec::new(), 0);
    let (mut inside, mut cell, mut in_value): (Option<Range<usize>>, Option<Cell>, bool) = (None, None, false);
    let mut formula_from = None;
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|_| unreadable())?;
        let end = reader.buffer_position() as usize;
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) => match local(tag.name().0) {
                // An empty sheet has no place to put rows between its tags.
                "sheetData" if is_empty || inside.is_some() => return Err(unreadable()),
                "sheetData" => inside = Some(end..end),
                "row" if inside.is_some() => {
                    let number = attribute(&tag, "r").and_then(|r| r.parse().ok()).ok_or_else(unreadable)?;
                    if rows.len() >= MAX_ROWS || rows.last().is_some_and(|row| row.number >= number) {
                        return Err(unreadable());
                    }
                    rows.push(Row { number, all: start..end, open: start..end, cells: Vec::new() });
                }
                "c" if inside.is_some() => {
                    let row = rows.last_mut().ok_or_else(unreadable)?;
                    let place = attribute(&tag, "r").ok_or_else(unreadable)?;
                    let column = column(&place, row.number).ok_or_else(unreadable)?;
                    cells += 1;
                    if cells > MAX_CELLS || row.cells.last().is_some_and(|cell| cell.column >= column) {
                        return Err(unreadable());
                    }
                    let mut attributes = String::new();
                    for one in tag.attributes() {
                        let one = one.map_err(|_| unreadable())?;
                        if one.key.0 != "t" {
                            attributes.push_str(&format!(" {}=\"{}\"", one.key.0, one.value.replace('"', "&quot;")));
                        }
                    }
                    let new = Cell { column, all: start..end, attributes, has_value: false, formula: None };
                    if is_empty { row.cells.push(new) } else { cell = Some(new) }
                }
                "f" if is_empty => {
                    if let Some(cell) = &mut cell {
                        cell.formula = Some(start..end);
                    }
                }
                "f" => formula_from = Some(start),
                "v" | "t" => in_value = !is_empty,
                _ => {}
            },
            Event::End(tag) => match local(tag.name().0) {
                "sheetData" => {
                    let inside = inside.ok_or_else(unreadable)?;
                    return Ok((inside.start..start, rows));
                }
                "row" => {
                    if let Some(row) = rows.last_mut() {
                        row.all.end = end;
                    }
                }
                "c" => {
                    let mut cell = cell.take().ok_or_else(unreadable)?;
                    cell.all.end = end;
                    rows.last_mut().ok_or_else(unreadable)?.cells.push(cell);
                }
                "f" => {
                    if let (Some(cell), Some(from)) = (&mut cell, formula_from.take()) {
                        cell.formula = Some(from..end);
                    }
                }
                "v" | "t" => in_value = false,
                _ => {}
            },
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if in_value && end > start => {
                if let Some(cell) = &mut cell {
                    cell.has_value = true;
                }
            }
            Event::Eof => return Err(unreadable()),
            _ => {}
        }
    }
}

/// The row with these values in B to J, or with nothing there.
fn write_row(out: &mut String, xml: &str, row: &Row, values: Option<&TaxRow>, is_1904: bool) {
    let touches = values.is_some() || row.cells.iter().any(|cell| cell.has_value && COLUMNS.contains(&cell.column));
    if !touches {
        return out.push_str(&xml[row.all.clone()]);
    }
    let open = &xml[row.open.clone()];
    match open.strip_suffix("/>") {
        Some(open) => out.push_str(&format!("{open}>")),
        None if open.is_empty() => out.push_str(&format!("<row r=\"{}\">", row.number)),
        None => out.push_str(open),
    }
    let contents = contents(values, is_1904);
    let mut wanted: BTreeMap<u32, Content> = COLUMNS.zip(contents).collect();
    for cell in &row.cells {
        while let Some(entry) = wanted.first_entry().filter(|entry| *entry.key() < cell.column) {
            let (column, content) = entry.remove_entry();
            write_cell(out, &place(column, row.number), &content, true);
        }
        match wanted.remove(&cell.column) {
            Some(content) => write_cell(out, &cell.attributes, &content, false),
            None => out.push_str(&xml[cell.all.clone()]),
        }
    }
    for (column, content) in wanted {
        write_cell(out, &place(column, row.number), &content, true);
    }
    out.push_str("</row>");
}

fn contents(values: Option<&TaxRow>, is_1904: bool) -> Vec<Content> {
    let Some(row) = values else { return COLUMNS.map(|_| Content::Nothing).collect() };
    let text = |text: &str| if text.is_empty() { Content::Nothing } else { Content::Text(text.to_owned()) };
    let mut contents = vec![text(&row.name), text(&row.institution)];
    for column in TaxColumn::ALL {
        contents.push(text(if row.columns.contains(&column) { "該当する" } else { "" }));
    }
    contents.push(Content::Number(row.paid_yen));
    contents.push(if row.reimbursed_yen == 0 { Content::Nothing } else { Content::Number(row.reimbursed_yen) });
    contents.push(row.paid_on.map_or(Content::Nothing, |date| Content::Number(serial(date, is_1904))));
    contents
}

/// Days as a sheet counts them (ECMA-376 part 1, 18.17.4.1): from 30 December 1899, or from 1 January 1904.
fn serial(date: CalendarDate, is_1904: bool) -> i64 {
    let first = if is_1904 {
        CalendarDate { year: 1904, month: 1, day: 1 }
    } else {
        CalendarDate { year: 1899, month: 12, day: 30 }
    };
    date.days_since(first)
}

fn write_cell(out: &mut String, attributes: &str, content: &Content, is_new: bool) {
    match content {
        Content::Nothing if is_new => {}
        Content::Nothing => out.push_str(&format!("<c{attributes}/>")),
        Content::Number(number) => out.push_str(&format!("<c{attributes}><v>{number}</v></c>")),
        Content::Text(text) => {
            let text = quick_xml::escape::partial_escape(shown(text));
            out.push_str(&format!("<c{attributes} t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>"));
        }
    }
}

/// A row above or below, with what its sums of H and I remember brought up to date: some readers do not calculate.
fn write_sums(out: &mut String, xml: &str, row: &Row, sums: &[i64; 2]) {
    let mut at = row.all.start;
    for cell in &row.cells {
        let Some(formula) = &cell.formula else { continue };
        let source = &xml[formula.clone()];
        let found = SUMS.iter().position(|sum| source.contains(sum)).and_then(|at| sums.get(at));
        let Some(sum) = found.filter(|sum| **sum != 0) else { continue };
        out.push_str(&xml[at..cell.all.start]);
        out.push_str(&format!("<c{}>{source}<v>{sum}</v></c>", cell.attributes));
        at = cell.all.end;
    }
    out.push_str(&xml[at..row.all.end]);
}

/// Column of a reference such as `B9`, from A = 0.
fn column(place: &str, row: u32) -> Option<u32> {
    let letters = place.strip_suffix(&row.to_string())?;
    if letters.is_empty() || letters.len() > 3 || !letters.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    letters.bytes().fold(0, |column, letter| column * 26 + u32::from(letter - b'A') + 1).checked_sub(1)
}

/// The attribute of a new cell; B to J have one letter.
fn place(column: u32, row: u32) -> String {
    format!(" r=\"{}{row}\"", char::from(b'A' + column as u8))
}
