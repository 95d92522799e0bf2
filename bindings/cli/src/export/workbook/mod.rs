//! Fills 医療費集計フォーム of the tax office (国税庁), a workbook that the user brings.
//!
//! Only values of the cells B9 to J1003 change, and what the two sums over them remember. Every other part of the package
//! is copied as it is, compressed bytes included: styles, protection, formulas, shared texts. Texts go into their cells
//! (inline, ECMA-376 part 1, 18.3.1.53), as the table of shared texts is another part.

mod sheet;
mod xml;

use std::io::{Cursor, Read, Write};

use kazasu::export::TaxRow;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

pub(crate) use sheet::Filled;

use crate::failure::Failure;
use xml::{attribute, attribute_of, refused};

/// The form has 424 KB.
const MAX_TEMPLATE: usize = 16 << 20;
/// The form has 34 parts.
const MAX_PARTS: usize = 1000;
/// Unpacked bytes of a part that is read; the sheet has 309 KB.
const MAX_PART: u64 = 32 << 20;

const SHEET: &str = "医療費集計フォーム";
const WORKBOOK: &str = "xl/workbook.xml";
const RELATIONSHIPS: &str = "xl/_rels/workbook.xml.rels";

/// The workbook with these rows in it. `rows` have passed `TaxForm::problems`.
pub(crate) fn fill(template: &[u8], rows: &[TaxRow], filled: Filled) -> Result<Vec<u8>, Failure> {
    if template.len() > MAX_TEMPLATE {
        return Err(refused("is too large"));
    }
    let mut archive = ZipArchive::new(Cursor::new(template)).map_err(|_| refused("is no xlsx file"))?;
    if archive.len() > MAX_PARTS {
        return Err(refused("has too many parts"));
    }
    let workbook = read(&mut archive, WORKBOOK)?;
    let is_1904 = attribute_of(&workbook, "workbookPr", "date1904", |_| true).is_some_and(|v| v == "1" || v == "true");
    let id = attribute_of(&workbook, "sheet", "id", |sheet| attribute(sheet, "name").is_some_and(|name| name == SHEET))
        .ok_or_else(|| refused("has no sheet 医療費集計フォーム"))?;
    let relationships = read(&mut archive, RELATIONSHIPS)?;
    let target =
        attribute_of(&relationships, "Relationship", "Target", |one| attribute(one, "Id").is_some_and(|v| v == id))
            .ok_or_else(|| refused("does not say where its sheet is"))?;
    let part = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
    let sheet = read(&mut archive, &part)?;
    let sheet = sheet::fill(&sheet, rows, filled, is_1904)?;
    rewrite(&mut archive, &part, sheet.as_bytes()).map_err(|_| refused("cannot be written anew"))
}

fn read(archive: &mut ZipArchive<Cursor<&[u8]>>, part: &str) -> Result<String, Failure> {
    let file = archive.by_name(part).map_err(|_| refused("lacks a part"))?;
    let mut text = String::new();
    // What a part unpacks to is counted while it is unpacked: its header may say anything.
    file.take(MAX_PART + 1).read_to_string(&mut text).map_err(|_| refused("has a part that cannot be read"))?;
    if text.len() as u64 > MAX_PART { Err(refused("has a part that is too large")) } else { Ok(text) }
}

fn rewrite(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    changed: &str,
    with: &[u8],
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index)?;
        if file.name()? == changed {
            let mut options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            if let Some(modified) = file.last_modified() {
                options = options.last_modified_time(modified);
            }
            writer.start_file(changed, options)?;
            writer.write_all(with)?;
        } else {
            writer.raw_copy_file(file)?;
        }
    }
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests;
