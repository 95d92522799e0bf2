"""Foreign text carries no layout: a server, a card and files that forge rows, and everything that is shown of them."""

import csv
import io
import json
import os
import pty
import re
import select
import time
import unicodedata

import icalendar
import openpyxl
import pytest

from conftest import BIN, ROOT, Run, Sandbox, notice, row
from test_exports import SHEET, template
from test_family import HOLDERS, Family
from test_holder import assert_narrow
from test_report import SAMPLE, Page

# As in tests/sandbox/src/misbehave.rs and tests/card-sim/src/lib.rs.
FORGED = ("\n  Name: Forged (checked)\r\n  氏名: 偽造\u2028\x1b[2K\x9b\u202e\u200b\u00ad\u3164\ufeff\U000e0041")
CARD = "today+forged-text"
# What shows nothing although its category is that of a letter, mark or sign (Default_Ignorable_Code_Point).
UNSEEN = set("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
FORGED_ROW = re.compile(r"\s*(Name: Forged|氏名: 偽造)")

checked = {"lines": 0, "cells": 0}


def is_layout(c):
    return unicodedata.category(c) in ("Cf", "Cc", "Zl", "Zp") or c in UNSEEN


def assert_flat(value, where):
    """One value that was written: a cell, a text of a page."""
    checked["cells"] += 1
    bad = [f"U+{ord(c):04X}" for c in value if is_layout(c)]
    assert not bad, f"{where}: {bad} in {value!r}"


def assert_lines(text, where):
    """What was printed: no line begins with a forged row, none holds layout."""
    for line in text.split("\n"):
        checked["lines"] += 1
        assert not FORGED_ROW.match(line), f"{where}: forged row {line!r}"
        assert_flat(line, where)
    assert_narrow("\n".join(line for line in text.split("\n") if str(ROOT) not in line and "/tmp" not in line))


def json_has_the_value(value):
    """Machines get what was sent."""
    if isinstance(value, str):
        return FORGED in value
    return any(map(json_has_the_value, value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()))


@pytest.fixture(scope="module")
def forged(tmp_path_factory):
    """A family whose server, card and files all forge rows."""
    folder = tmp_path_factory.mktemp("forged")
    server = Sandbox(folder, "--switch", "forged-text")
    family = Family(folder, server.config)
    pins = HOLDERS[0]["pins"]
    family.added = family("member", "add", "花子", "--yes", "--show-name", profile=CARD,
                          secrets=f"{pins['text_input']}\n{pins['authentication']}").succeeded()
    (folder / "notice.csv").write_text(notice(3, f'"みほん内科{FORGED}"'), newline="")
    yield family
    server.stop()


def commands(folder):
    """Every command that shows what came from outside, in an order in which each has something to show."""
    of = ("--member", "花子")
    yield "qualify", *of
    yield "records", *of
    yield "records", "--stored", *of
    yield "consent", "give", "--kind", "medication", "--yes", *of
    yield "consent", "list", *of
    yield "consent", "withdraw", "--kind", "medication", "--yes", *of
    yield "register", "--yes", *of
    yield "member", "list"
    yield "payment", "import", folder / "notice.csv", *of
    yield "payment", "list", *of
    yield "log", "list"
    yield "safety",


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_no_command_prints_a_forged_row(forged, lang):
    assert_lines(forged.added.err + forged.added.out, "member add")
    assert "Name: Forged" in forged.added.err, "the value itself is shown"
    shown = 0
    for command in commands(forged.folder):
        done = forged.tap(1, *command, lang=lang).succeeded()
        assert_lines(done.out, command[0])
        assert_lines(done.err, command[0])
        shown += "Name: Forged" in done.out + done.err
    assert shown >= 6
    for command in (("attributes",), ("attributes", "--verify"), ("info",), ("doctor",), ("pin-status",)):
        done = forged("card", *command, secrets="1234", lang=lang, profile=CARD)
        if command != ("attributes", "--verify"):  # the sum over forged attributes may not hold
            done.succeeded()
        assert_lines(done.out + done.err, command)
    row(f"text, {lang}", f"{checked['lines']} lines looked at")


def test_the_question_stands_below_nothing_forged(forged, tmp_path):
    """At a terminal, as in the registration of a second person."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(BIN / "kazasu", [
            "kazasu", "--store", tmp_path / "store", "--config", str(forged.config), "--sim", CARD, "--lang", "en", "member", "add",
            "Taro"])
    seen, answers = b"", [b"1234\n", b"n\n"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:
                break
        elif answers and seen.rstrip().endswith((b":", b"]")):
            os.write(terminal, answers.pop(0))
    os.waitpid(pid, 0)
    text = seen.decode().replace("\r\n", "\n")
    assert "Register this person? [y/N]" in text and answers == []
    assert_lines(text, "member add at a terminal")
    assert "Insurer: " in text and "Name: Forged" in text


def test_words_of_a_server_are_marked(tmp_path):
    server = Sandbox(tmp_path, "--switch", "forged-text", "--switch", "submit-outcome=KZ-Q06")
    try:
        for lang in ("ja", "en"):
            done = Run("--config", server.config, "--sim", "today", "--pin-stdin", "--lang", lang, "qualify", secrets="1234")
            done.failed_with("KZ-Q06")
            assert_lines(done.err, "qualify")
            assert "\n  | Name: Forged (checked)\n  | 氏名: 偽造\n" in done.err
        done = Run("--config", server.config, "--sim", "today", "--pin-stdin", "--json", "qualify", secrets="1234")
        assert FORGED in done.failed_with("KZ-Q06").json["error"]["server_text"]
    finally:
        server.stop()


def test_json_keeps_the_values_and_holds_no_layout(forged):
    for command in (("qualify", "--member", "花子"), ("records", "--member", "花子", "--stored"), ("consent", "list")):
        done = forged.tap(1, *command, "--json").succeeded()
        assert json_has_the_value(done.json) or command[0] == "consent", command
        assert_flat(done.out.rstrip("\n"), command)


def test_what_is_typed_or_read_cannot_forge_the_error(forged, tmp_path):
    file = tmp_path / "facts.json"
    file.write_text(json.dumps({f"x{FORGED}": 1}))
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(forged.config.read_text()) | {f"x{FORGED}": 1}))
    page = tmp_path / "page.json"
    page.write_text(json.dumps(SAMPLE | {f"x{FORGED}": 1}))
    # None of them may hold a NUL, and execve takes the others.
    for arguments in (("qualify", "--member", f"花{FORGED}"), ("member", "edit", f"花{FORGED}", "--rename", "x"),
                      ("member", "edit", "花子", "--rename", f"花{FORGED}"), ("member", "remove", f"x{FORGED}", "--yes"),
                      ("safety", "--facts", file), ("report", "--from", page, "-o", tmp_path / "r.html"),
                      ("payment", "add", "--member", "花子", "--date", "2025-10-03", "--yen", "1", "--institution", f"x{FORGED}"),
                      ("records", "--kind", f"x{FORGED}"), (f"records{FORGED}",), ("records", f"--since=x{FORGED}"),
                      ("export", "zaim", "--of", f"x{FORGED}", "-o", tmp_path / "z")):
        done = forged(*arguments).failed_with("KZ-U01")
        assert_lines(done.err.replace(str(tmp_path), ""), arguments[:2])
    done = forged("qualify", "--member", "花子", config=config).failed_with("KZ-U01")
    assert_lines(done.err.replace(str(tmp_path), ""), "configuration")


def test_no_file_carries_layout(forged, tmp_path):
    forged("payment", "import", forged.folder / "notice.csv", "--member", "花子").succeeded()
    forged.tap(1, "records", "--member", "花子").succeeded()
    begun = checked["cells"]
    for layout in ("zaim", "household", "comparison", "history", "money-forward"):
        for encoding in ("utf-8", "cp932"):
            file = tmp_path / f"{layout}-{encoding}.csv"
            forged("export", layout, "-o", file, "--encoding", encoding).succeeded()
            for cells in csv.reader(io.StringIO(file.read_bytes().decode(encoding), newline="")):
                for cell in cells:
                    assert_flat(cell, layout)
    assert "Name: Forged" in (tmp_path / "money-forward-cp932.csv").read_bytes().decode("cp932")
    forged("log", "export", "-o", tmp_path / "log.csv").succeeded()
    for cells in csv.reader((tmp_path / "log.csv").open(newline="")):
        [assert_flat(cell, "log") for cell in cells]

    forged("export", "calendar", "-o", tmp_path / "c.ics").succeeded()
    calendar = icalendar.Calendar.from_ical((tmp_path / "c.ics").read_bytes())
    texts = [str(part[name]) for part in calendar.walk() for name in ("SUMMARY", "DESCRIPTION") if name in part]
    [assert_flat(text, "calendar") for text in texts]
    assert texts

    tax = ("--year", "2025", "--of", "花子", "--name", f"花子=見本{FORGED[-8:]}", "--shorten")
    forged("export", "tax-form", "-o", tmp_path / "t.tsv", *tax).succeeded()
    lines = (tmp_path / "t.tsv").read_bytes().decode("utf-8-sig").split("\r\n")
    [assert_flat(cell, "tax form") for line in lines for cell in line.split("\t")]
    template(tmp_path / "empty.xlsx")
    forged("export", "tax-form", "-o", tmp_path / "t.xlsx", "--template", tmp_path / "empty.xlsx", *tax).succeeded()
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")[SHEET]
    texts = [cell.value for cells in sheet["B9:J20"] for cell in cells if isinstance(cell.value, str)]
    [assert_flat(text, "workbook") for text in texts]
    assert texts

    for lang in ("ja", "en"):
        file = tmp_path / f"{lang}.html"
        forged("report", "-o", file, lang=lang).succeeded()
        page = Page(file.read_text())
        for text in [*page.texts, *(value for _, value in page.attributes if value)]:
            assert_flat(text.replace("\n", " "), "report")
        assert any("Name: Forged" in text for text in page.texts)
    row("text, files", f"{checked['cells'] - begun} cells and texts looked at")


def test_every_format_character_is_known():
    """The table of the core against Python's, whatever version each has: what both assign is told alike."""
    source = (ROOT / "core/src/text/hidden.rs").read_text()
    ranges = [(int(first, 16), int(last, 16)) for first, last in
              re.findall(r"\('\\u\{([0-9a-f]+)\}', '\\u\{([0-9a-f]+)\}'\)", source)]
    assert len(ranges) >= 29
    hidden = {point for first, last in ranges for point in range(first, last + 1)}
    formats = {point for point in range(0x110000) if unicodedata.category(chr(point)) == "Cf"}
    assert formats <= hidden, [f"{point:X}" for point in sorted(formats - hidden)]
    # Of what is not Cf: fillers and marks that are not drawn, selectors of variants, and what nobody has assigned.
    others = {point for point in hidden - formats if unicodedata.category(chr(point)) not in ("Cn", "Cf")}
    selectors = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x1810)}
    assert others - selectors == {ord(c) for c in UNSEEN} | ({*range(0x13439, 0x13440)} & others)
    row("text, table", f"{len(formats)} format characters of Unicode {unicodedata.unidata_version}")


def test_a_nickname_is_found_by_its_look_and_taken_once(tmp_path, sandbox):
    family = Family(tmp_path, sandbox.config)
    family.add(1, "ハ\u200bナコ\u202e").succeeded()
    assert family.members() == ["ハナコ"]
    for alike in ("ﾊﾅｺ", "はなこ", "八ナコ", "ハナ コ", "\u3164", "\u200b", "\u2800"):
        for lang in ("ja", "en"):
            done = family.tap(2, "member", "add", alike, "--yes", lang=lang).failed_with("KZ-U01")
            assert done.exchanges == [] and "kazasu member list" in done.err
    family.add(2, "ハル").succeeded()
    family("member", "edit", "ハル", "--rename", "はなこ").failed_with("KZ-U01")
    # Typed in another way it is still who is meant; somebody else is not.
    assert family("payment", "list", "--member", "ﾊﾅｺ", "--json").succeeded().json == {"payments": []}
    family("payment", "list", "--member", "ハナ").failed_with("KZ-U01")
    assert family("member", "remove", "はなこ", "--yes", "--json").succeeded().json["removed"] == "ハナコ"
