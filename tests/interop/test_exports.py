"""Exports as readers that are no part of this project see them: Python's csv and cp932, openpyxl, icalendar, fhir.resources."""

import csv
import datetime
import hashlib
import io
import json
import subprocess
import zipfile

import icalendar
import openpyxl
import pytest
from fhir.resources.R4B.bundle import Bundle
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

from conftest import BIN, ROOT, Run, notice, row

VECTORS = json.loads((ROOT / "tests/vectors/health-domain/exports.json").read_text())
HEADERS = {one["layout"]: one["header"] for one in VECTORS["headers"]}
PYTHON = {"utf-8-bom": "utf-8-sig", "utf-8": "utf-8", "cp932": "cp932"}
SHEET = "医療費集計フォーム"
# What Python writes and we do not: codes of one byte that CP932.TXT of Unicode does not have, and characters that are read
# back as others (¢ as ￠, − as －, 〜 as ～).
ONE_BYTE = {"\x80", "\uf8f0", "\uf8f1", "\uf8f2", "\uf8f3"}
READ_AS_OTHERS = set("\xa2\xa3\xac\u2016\u2212\u301c")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One of every export."""
    folder = tmp_path_factory.mktemp("exports")
    subprocess.run([BIN / "exports", folder], check=True, timeout=60)
    return folder


def rows_of(file, encoding):
    with open(file, encoding=PYTHON[encoding], newline="") as text:
        return list(csv.reader(text, strict=True))


@pytest.mark.parametrize("encoding", PYTHON)
@pytest.mark.parametrize("layout", HEADERS)
def test_tables_are_read_cell_by_cell(written, layout, encoding):
    file = written / f"{layout}.{encoding}.csv"
    rows = rows_of(file, encoding)
    assert ",".join(rows[0]) == HEADERS[layout]
    assert rows[1:] == json.loads((written / "cells.json").read_text())[layout]
    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-bom")
    assert data.endswith(b"\r\n") and b"\n" not in data.replace(b"\r\n", b"")


def test_no_text_cell_is_a_formula(written):
    for file in written.glob("*.utf-8.csv"):
        for cells in rows_of(file, "utf-8")[1:]:
            for cell in cells:
                start = cell.lstrip()[:1]
                is_number = cell.lstrip("-").isdigit() or cell == "-"
                assert is_number or not (start in ("=", "+", "-", "@", "＝", "＋", "－", "＠") and start), (file.name, cell)
                assert cell[:1] not in ("\t", "\r", "\n"), (file.name, cell)


def test_cp932_is_that_of_python(written):
    """Every character of the basic plane, surrogates aside.

    373 of them have two codes: Windows writes that of IBM (0xFA40 and on), Python that of NEC (0xED40 and on), and both
    read either. glibc's iconv, with the table of Windows, judges those.
    """
    ours = {c: bytes.fromhex(code) for c, code in json.loads((written / "cp932.json").read_text()).items()}
    theirs = {}
    for point in range(0x10000):
        if not 0xD800 <= point < 0xE000:
            try:
                theirs[chr(point)] = chr(point).encode("cp932")
            except UnicodeEncodeError:
                pass
    assert all(code.decode("cp932") == c for c, code in ours.items())
    assert set(ours) <= set(theirs)
    left_out = set(theirs) - set(ours)
    assert {c for c in left_out if theirs[c].decode("cp932") != c} == READ_AS_OTHERS
    assert left_out - READ_AS_OTHERS == ONE_BYTE
    assert not {"\xa5", "\u203e", "\u301c"} & set(ours)
    twice = sorted(c for c in ours if ours[c] != theirs[c])
    assert len(twice) == 373 and all(theirs[c][0] in (0xED, 0xEE) and ours[c][0] >= 0xFA for c in twice)
    windows = subprocess.run(["iconv", "-f", "UTF-8", "-t", "CP932"], input="".join(twice).encode(), capture_output=True)
    assert windows.stdout == b"".join(ours[c] for c in twice), windows.stderr
    row("cp932", f"{len(ours)} characters that Python reads; {len(twice)} of them as iconv writes them",
        f"{len(left_out)} left out on purpose")


def test_ids_are_the_same_each_time(written, tmp_path):
    subprocess.run([BIN / "exports", tmp_path], check=True, timeout=60)
    for file in written.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name
    source, first = "eob-202610-01", rows_of(written / "money-forward.utf-8.csv", "utf-8")[1]
    assert first[-1] == "KZ-" + hashlib.sha256(source.encode() + bytes(4)).hexdigest()[:16]


def test_the_calendar_is_read(written):
    data = (written / "calendar.ics").read_bytes()
    lines = data.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines) and all(line.decode() is not None for line in lines)
    calendar = icalendar.Calendar.from_ical(data)
    events = list(calendar.walk("VEVENT"))
    expected = json.loads((written / "reminders.json").read_text())
    assert len(events) == len(expected) and not calendar.errors
    assert len({str(event["UID"]) for event in events}) == len(events)
    for event, told in zip(events, expected, strict=True):
        assert event.decoded("DTSTART") == datetime.date.fromisoformat(told["date"])
        assert str(event["SUMMARY"]).startswith(told["person"] + "：")
        assert (str(event["DESCRIPTION"]) if "DESCRIPTION" in event else None) == told["detail"]
        assert event.decoded("DTSTAMP") == datetime.datetime(2026, 11, 20, 1, 15, 3, tzinfo=datetime.timezone.utc)
        assert list(event.walk("VALARM")) and not event.errors
    certificate = [alarm["TRIGGER"].dt for alarm in events[0].walk("VALARM")]
    assert certificate == [datetime.timedelta(hours=9) - datetime.timedelta(days=days) for days in (90, 30)]
    medicine = events[4]
    assert medicine["RRULE"]["COUNT"] == [14]
    assert [alarm["TRIGGER"].dt.seconds // 3600 for alarm in medicine.walk("VALARM")] == [8, 12, 19]
    row("icalendar", f"{len(events)} events", "dates, texts and alarms agree")


@pytest.mark.parametrize("name", ["bundle.json", "bundle-with-identifiers.json"])
def test_the_bundle_is_valid(written, name):
    text = (written / name).read_text()
    bundle = Bundle.model_validate_json(text)
    assert bundle.type == "collection" and len(bundle.entry) > 5
    assert not list(nothings(json.loads(text)))
    for secret in ("７７０１", "００１２３４", "subscriberId", "memberID", "見本 花子", "InsuredPersonNumber"):
        assert (secret in text) == (name != "bundle.json"), secret
    assert "123456789018" not in text
    row("fhir.resources", name, f"{len(bundle.entry)} entries")


def nothings(value):
    """Elements without a value: in FHIR nothing is empty."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        if member is None or member in ("", [], {}):
            yield value
        yield from nothings(member)


def template(file):
    """The tax office's form by its published layout: protected, formulas in column A, styles, input checks."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = SHEET
    book.create_sheet("ご利用に当たって")["A1"] = "説明"
    sheet["A1"] = "医療費集計フォーム  Ver.3.1"
    sheet["C3"] = '=IF(0=SUM(H9:H1003),"",SUM(H9:H1003))'
    sheet["C4"] = '=IF(0=SUM(I9:I1003),"",SUM(I9:I1003))'
    titles = ["No", "医療を受けた人", "病院・薬局などの名称", "診療・治療", "医薬品購入", "介護保険サービス", "その他の医療費",
              "支払った医療費の金額", "左のうち、補填される金額", "支払年月日"]
    for column, title in enumerate(titles, 1):
        sheet.cell(7, column, title).font = Font(bold=True)
    for number in range(9, 1004):
        sheet.cell(number, 1, "=ROW()-8")
        for column in range(2, 11):
            sheet.cell(number, column).fill = PatternFill("solid", fgColor="FFFFCC")
        sheet.cell(number, 10).number_format = "yyyy/m/d"
    check = DataValidation(type="textLength", operator="between", formula1="0", formula2="10")
    check.add("B9:B1003")
    sheet.add_data_validation(check)
    sheet.protection.set_password("見本")
    book.save(file)


def forms(file):
    """All that is to stay: formulas, styles and widths of every cell, protection, input checks, other parts' bytes."""
    book = openpyxl.load_workbook(file)
    sheet = book[SHEET]
    formulas = {cell.coordinate: cell.value for cells in sheet for cell in cells if cell.data_type == "f"}
    styles = {cell.coordinate: (cell.style_id, cell.number_format) for cells in sheet for cell in cells}
    checks = [(check.sqref, check.formula1, check.formula2) for check in sheet.data_validations.dataValidation]
    with zipfile.ZipFile(file) as package:
        parts = {name: package.read(name) for name in package.namelist() if name != "xl/worksheets/sheet1.xml"}
    return formulas, styles, vars(sheet.protection), [str(check) for check in checks], parts


def test_the_tax_form_is_filled_and_nothing_else_changes(tmp_path):
    source, empty, filled = tmp_path / "notice.csv", tmp_path / "form.xlsx", tmp_path / "filled.xlsx"
    source.write_bytes(notice(40).encode("cp932"))
    template(empty)
    done = Run("--json", "export", "tax-form", "--from", source, "--template", empty, "-o", filled, "--name", "見本花子")
    assert done.succeeded().json["rows"] == 40
    assert forms(filled) == forms(empty)
    sheet = openpyxl.load_workbook(filled)[SHEET]
    rows = [[cell.value for cell in cells] for cells in sheet["B9:J1003"] if cells[0].value]
    assert len(rows) == 40
    assert rows[0] == ["見本花子", "みほん内科クリニック", "該当する", None, None, None, 1785, None, None]
    assert rows[1][2:4] == [None, "該当する"]
    total = sum(row[6] for row in rows)
    assert total == sum(1785 + number * 3 for number in range(40))
    assert openpyxl.load_workbook(filled, data_only=True)[SHEET]["C3"].value == total
    # A form that is filled is filled again only where it is asked for.
    again = tmp_path / "again.xlsx"
    arguments = ["export", "tax-form", "--from", source, "--template", filled, "-o", again, "--name", "見本花子"]
    Run(*arguments).failed_with("KZ-U01")
    assert not again.exists()
    Run(*arguments, "--replace-rows").succeeded()
    row("openpyxl", "tax form", f"40 rows, {total} yen, all else unchanged")


def test_a_tax_form_that_would_not_be_taken_is_refused(tmp_path):
    source, out = tmp_path / "notice.csv", tmp_path / "out.tsv"
    source.write_text(notice(institution="長" * 21))
    done = Run("export", "tax-form", "--from", source, "-o", out, "--name", "見本花子").failed_with("KZ-U01")
    assert "institution_too_long" in done.err and not out.exists()
    Run("export", "tax-form", "--from", source, "-o", out).failed_with("KZ-U01")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_the_notice_is_read_in_every_encoding(tmp_path, encoding):
    source = tmp_path / "notice.csv"
    source.write_bytes(notice().encode(encoding))
    ids = []
    for layout in ("money-forward", "household"):
        for number in (1, 2):
            out = tmp_path / f"{layout}{number}.csv"
            done = Run("--json", "export", layout, "--from", source, "-o", out, "--nickname", "花子").succeeded()
            assert (done.json["rows"], done.json["findings"]) == (3, [])
            data = out.read_bytes()
            for secret in ("７７０１", "００１２３４", "見本　花子", "ミホン"):
                assert secret.encode("utf-8") not in data and secret.encode("cp932") not in data
            text = data.decode(PYTHON[done.json["encoding"]])
            ids.append([cells[-1] for cells in csv.reader(io.StringIO(text, newline=""))][1:])
    assert all(one == ids[0] for one in ids) and len(set(ids[0])) == 3
    # A file that is there stays as it is.
    Run("export", "zaim", "--from", source, "-o", out).failed_with("KZ-U01")
    assert out.read_bytes() == data


def test_characters_without_a_code_are_named_or_marked(tmp_path):
    source, out = tmp_path / "notice.csv", tmp_path / "out.csv"
    source.write_text(notice(institution="𠮷野薬局"))
    done = Run("export", "money-forward", "--from", source, "-o", out).failed_with("KZ-U01")
    assert "𠮷" in done.err and not out.exists()
    Run("export", "money-forward", "--from", source, "-o", out, "--replace").succeeded()
    assert "〓野薬局" in out.read_text(encoding="cp932")


def test_sums_that_do_not_fit_are_told(tmp_path):
    source, out = tmp_path / "notice.csv", tmp_path / "out.csv"
    source.write_text(notice().replace('"1,788"', '"1,789"'))
    findings = Run("--json", "export", "zaim", "--from", source, "-o", out).succeeded().json["findings"]
    assert [finding["finding"] for finding in findings] == ["sum_differs", "sum_differs", "amount_mismatch"]
    source.write_text("a,b\n")
    Run("export", "zaim", "--from", source, "-o", tmp_path / "none.csv").failed_with("KZ-D01")
