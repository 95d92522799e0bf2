use std::collections::BTreeSet;

use kazasu::export::TaxColumn;
use kazasu::time::CalendarDate;

use super::*;

const ROWS: &str = concat!(
    r#"<row r="3"><c r="C3" s="15" t="str"><f>IF(0=SUM(H9:H1003),"",SUM(H9:H1003))</f><v/></c></row>"#,
    r#"<row r="4"><c r="C4" s="17" t="str"><f>SUM(I9:I1003)</f><v></v></c><c r="G4" s="1"/></row>"#,
    r#"<row r="8" hidden="1"/>"#,
    r#"<row r="9" ht="19.5"><c r="A9" s="4"><f>ROW()-8</f><v>1</v></c><c r="B9" s="6"/><c r="C9" s="6"/>"#,
    r#"<c r="D9" s="6"/><c r="H9" s="5"/><c r="I9" s="5"></c><c r="J9" s="40"/><c r="K9" s="7"/></row>"#,
    r#"<row r="11"/><row r="1004"><c r="A1004" s="7"/></row>"#
);

/// A package with this sheet behind another one.
fn workbook(rows: &str, name: &str) -> Vec<u8> {
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData><sheetProtection sheet=\"1\"/></worksheet>");
    let workbook = format!(
        "<workbook xmlns:r=\"r\"><sheets><sheet name=\"x\" sheetId=\"3\" r:id=\"rId9\"/>\
         <sheet name=\"{name}\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let relationships = "<Relationships><Relationship Id=\"rId9\" Target=\"worksheets/sheet2.xml\"/>\
                         <Relationship Id=\"rId1\" Target=\"/xl/worksheets/sheet1.xml\"/></Relationships>";
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (part, text) in [
        ("[Content_Types].xml", "<Types/>"),
        (WORKBOOK, &workbook),
        (RELATIONSHIPS, relationships),
        ("xl/worksheets/sheet1.xml", &sheet),
        ("xl/worksheets/sheet2.xml", "<worksheet><sheetData/></worksheet>"),
    ] {
        writer.start_file(part, SimpleFileOptions::default()).expect("started");
        writer.write_all(text.as_bytes()).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

fn row(institution: &str) -> TaxRow {
    TaxRow {
        name: "見本花子".into(),
        institution: institution.into(),
        columns: BTreeSet::from([TaxColumn::Treatment, TaxColumn::Other]),
        paid_yen: 1785,
        reimbursed_yen: 85,
        paid_on: CalendarDate::parse("2026-11-02"),
    }
}

fn part(workbook: &[u8], name: &str) -> String {
    read(&mut ZipArchive::new(Cursor::new(workbook)).expect("a package"), name).expect("a part")
}

fn why(result: Result<Vec<u8>, Failure>) -> String {
    format!("{:?}", result.expect_err("refused"))
}

#[test]
fn values_go_into_their_cells_and_all_else_stays() {
    let template = workbook(ROWS, SHEET);
    let filled = fill(&template, &[row("<&>=1"), row("b"), row("c")], Filled::Refuse).expect("filled");
    let sheet = part(&filled, "xl/worksheets/sheet1.xml");
    let text = |text: &str| format!("t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>");
    for expected in [
        format!("<c r=\"B9\" s=\"6\" {}", text("見本花子")),
        format!("<c r=\"C9\" s=\"6\" {}", text("&lt;&amp;&gt;=1")),
        format!("<c r=\"D9\" s=\"6\" {}<c r=\"G9\" {}", text("該当する"), text("該当する")),
        "<c r=\"H9\" s=\"5\"><v>1785</v></c><c r=\"I9\" s=\"5\"><v>85</v></c><c r=\"J9\" s=\"40\"><v>46328</v></c>"
            .into(),
        "<row r=\"10\"><c r=\"B10\" t=\"inlineStr\">".into(),
        "<row r=\"11\"><c r=\"B11\" t=\"inlineStr\">".into(),
        "<f>IF(0=SUM(H9:H1003),\"\",SUM(H9:H1003))</f><v>5355</v>".into(),
        "<f>SUM(I9:I1003)</f><v>255</v></c><c r=\"G4\" s=\"1\"/>".into(),
        "<c r=\"A9\" s=\"4\"><f>ROW()-8</f><v>1</v></c>".into(),
        "<row r=\"1004\"><c r=\"A1004\" s=\"7\"/></row></sheetData><sheetProtection sheet=\"1\"/>".into(),
    ] {
        assert!(sheet.contains(&expected), "{expected} in {sheet}");
    }
    for name in ["[Content_Types].xml", WORKBOOK, RELATIONSHIPS, "xl/worksheets/sheet2.xml"] {
        assert_eq!(part(&filled, name), part(&template, name));
    }
    // Nothing to fill in changes nothing.
    let same = fill(&template, &[], Filled::Refuse).expect("filled");
    assert_eq!(part(&same, "xl/worksheets/sheet1.xml"), part(&template, "xl/worksheets/sheet1.xml"));
}

#[test]
fn a_filled_form_is_refused_unless_its_rows_may_go() {
    let template = workbook(ROWS, SHEET);
    let filled = fill(&template, &[row("a"), row("b"), row("c")], Filled::Refuse).expect("filled");
    assert!(why(fill(&filled, &[row("d")], Filled::Refuse)).contains("filled already"));
    let again = part(&fill(&filled, &[row("d")], Filled::Replace).expect("filled"), "xl/worksheets/sheet1.xml");
    assert_eq!(again.matches("見本花子").count(), 1);
    assert!(again.contains(">d<") && !again.contains(">b<") && !again.contains(">c<"));
}

#[test]
fn other_workbooks_are_refused() {
    for (template, expected) in [
        (b"no zip".to_vec(), "no xlsx"),
        (workbook(ROWS, "別の表"), "no sheet"),
        (workbook("<row r=\"9\"><c r=\"B9\"><f>1+1</f></c></row>", SHEET), "formulas"),
        (workbook("<row r=\"9\"><c r=\"B10\"/></row>", SHEET), "cannot be read"),
        (workbook("<row r=\"9\"/><row r=\"9\"/>", SHEET), "cannot be read"),
        (workbook("<row r=\"9\"><c r=\"C9\"/><c r=\"B9\"/></row>", SHEET), "cannot be read"),
        (workbook("<row>", SHEET), "cannot be read"),
        (workbook(&" ".repeat(33 << 20), SHEET), "too large"),
        (vec![0; MAX_TEMPLATE + 1], "too large"),
    ] {
        assert!(why(fill(&template, &[row("a")], Filled::Refuse)).contains(expected), "{expected}");
    }
    let rows = vec![row("a"); 996];
    assert!(why(fill(&workbook(ROWS, SHEET), &rows, Filled::Refuse)).contains("995"));
}
