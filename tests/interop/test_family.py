"""The family's store from the command line: five members, their records, payments, exports, log, and what goes wrong."""

import csv
import datetime
import io
import json
import os
import pty
import shutil
import stat
import subprocess
import termios
import time

import pytest

from conftest import BIN, PEOPLE, Run, Sandbox, notice, pin_entries, trace
from test_holder import JAPANESE, assert_narrow

HOLDERS = json.loads((PEOPLE / "people.json").read_text())["people"]
FORMULA = '=HYPERLINK("//x")'
LONG = "さぶろう" * 5  # twenty characters, forty columns
OTHERS = {2: "太郎", 3: FORMULA, 9: LONG, 10: "桜🌸"}  # none of their cards is refused
INSTITUTION = "みほん眼科"
NOTICED = "みほん第二内科"  # where the server knows of no payment
# The year before, in Japan: whole, and the server still has all of it.
YEAR = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))).year - 1


class Family:
    """A store, a configuration, and cards of which each person has their own."""

    def __init__(self, folder, config):
        self.folder, self.store, self.config = folder, folder / "store", config

    def __call__(self, *arguments, person=1, secrets="", lang="ja", config=None, profile="today"):
        file = self.folder / "trace.jsonl"
        file.unlink(missing_ok=True)
        done = Run("--store", self.store, "--config", config or self.config, "--sim", profile, "--person", person, "--sim-state",
                   self.folder / f"card-{person}.json", "--trace", file, "--lang", lang, "--pin-stdin", *arguments,
                   secrets=secrets)
        done.exchanges = trace(file)
        return done

    def tap(self, person, *arguments, **keywords):
        return self(*arguments, person=person, secrets=HOLDERS[person - 1]["pins"]["authentication"], **keywords)

    def add(self, person, nickname, *arguments):
        return self.tap(person, "member", "add", nickname, "--yes", *arguments)

    def log(self):
        return [(one["event"], one["result"], one["member"]) for one in
                self("log", "list", "--limit", "1000", "--json").succeeded().json["entries"]]

    def members(self):
        return [one["nickname"] for one in self("member", "list", "--json").succeeded().json["members"]]

    def unreachable(self):
        """The same configuration, and nobody there."""
        settings = json.loads(self.config.read_text())
        settings["issuer"], settings["fhir_base"] = "https://127.0.0.1:9", "https://127.0.0.1:9/r4"
        file = self.config.with_name("unreachable.json")
        file.write_text(json.dumps(settings))
        return file


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Five members with records and payments; tests of this one change nothing that others look at."""
    folder = tmp_path_factory.mktemp("family")
    server = Sandbox(folder)
    family = Family(folder, server.config)
    family.add(1, "花子", "--consent", "limit-certificate").succeeded()
    for person, nickname in OTHERS.items():
        more = ("--separate-livelihood",) if person == 2 else ()
        family.add(person, nickname, "--role", "proxy", *more).succeeded()
    (folder / "notice.csv").write_bytes(notice(14, NOTICED, YEAR).encode("cp932"))
    family("records", "--member", "花子").succeeded()
    family("payment", "import", folder / "notice.csv", "--member", "花子").succeeded()
    # The receipt of a line of the notice.
    family("payment", "add", "--institution", NOTICED, "--member", "花子", "--date", f"{YEAR}-03-20", "--yen", "1791").succeeded()
    add = ("payment", "add", "--institution", INSTITUTION)
    family(*add, "--member", "花子", "--date", f"{YEAR}-10-03", "--yen", "250000").succeeded()
    family(*add, "--member", "太郎", "--date", f"{YEAR}-10-03", "--yen", "777").succeeded()
    family(*add, "--member", LONG, "--date", f"{YEAR}-10-04", "--yen", "500", "--kind", "checkup").succeeded()
    yield family
    server.stop()


@pytest.fixture
def one(tmp_path, sandbox):
    """One member."""
    family = Family(tmp_path, sandbox.config)
    family.add(1, "花子").succeeded()
    return family


# The first minutes

@pytest.mark.parametrize("command", [("member", "list"), ("log", "list"), ("log", "verify"), ("export", "zaim", "-o", "{}/z"),
                                     ("report", "-o", "{}/r"), ("records", "--stored", "--member", "花子"),
                                     ("qualify", "--member", "花子"), ("payment", "list", "--member", "花子")])
def test_before_anybody_is_registered_each_command_says_how_to_begin(tmp_path, command):
    family = Family(tmp_path, tmp_path / "none.json")
    for lang in ("ja", "en"):
        done = family(*(one.replace("{}", str(tmp_path)) for one in command), lang=lang).failed_with("KZ-U01")
        assert "kazasu member add" in done.err.splitlines()[0] and done.exchanges == []
    assert not family.store.exists() and not (tmp_path / "z").exists() and not (tmp_path / "r").exists()


def test_nothing_is_made_without_a_configuration(tmp_path):
    family = Family(tmp_path, tmp_path / "none.json")
    family.add(1, "花子").failed_with("KZ-U01")
    assert not family.store.exists()


@pytest.mark.parametrize("nickname, code", [("花子", "KZ-U01"), ("123456789018", "KZ-D05"), ("長" * 21, "KZ-U01"), (" ", "KZ-U01")])
def test_a_nickname_is_refused_before_the_card_and_the_server(full, nickname, code):
    shutil.copytree(full.store, full.folder / "room", dirs_exist_ok=True)
    room = Family(full.folder, full.unreachable())
    room.store = full.folder / "room"
    room("member", "remove", "太郎", "--yes", "--offline").succeeded()
    assert room.add(2, nickname).failed_with(code).exchanges == []
    shutil.rmtree(room.store)


def test_a_sixth_member_is_refused_before_anything(full):
    done = full.tap(4, "member", "add", "六人目", "--yes", config=full.folder / "none.json").failed_with("KZ-D06")
    assert done.exchanges == [] and len(full.members()) == 5


def test_a_card_is_registered_once(one):
    done = one.add(1, "別名", "--json").succeeded()
    assert (done.json["new"], done.json["member"]["nickname"], one.members()) == (False, "花子", ["花子"])


def test_a_member_who_was_left_without_a_key_is_given_one(one, tmp_path_factory):
    """As a program that was killed while it registered did leave them; and so does a stop."""
    one("suspend", "--member", "花子", "--yes").succeeded()
    assert "kazasu member add" in one.tap(1, "qualify", "--member", "花子").failed_with("KZ-U01").err
    # At a server that knows of no stop.
    other = Sandbox(tmp_path_factory.mktemp("other"))
    one.config = other.config
    assert one.add(1, "花子", "--json").succeeded().json["new"] is False
    one.tap(1, "qualify", "--member", "花子").succeeded()
    assert one("consent", "list", "--member", "花子").succeeded().exchanges == [], "the access is kept"
    assert [event for event, _, _ in one.log()].count("qualified") == 3
    other.stop()


# Output

def tables(folder):
    """Every command that a full family can run without changing it, with the members of its --json."""
    export = "kind rows encoding findings read"
    tax = ("--year", f"{YEAR}", "--of", "花子", "--name", "花子=見本花子", "--income", "5000000")
    yield ("member", "list"), "members"
    yield ("records", "--member", "花子", "--stored"), "records is_partial dropped duplicates unread"
    yield ("consent", "list", "--member", "花子"), "consents"
    yield ("payment", "list", "--member", "花子"), "payments"
    yield ("log", "list"), "entries total"
    yield ("log", "verify"), "whole entries checkpoints"
    yield ("log", "export", "-o", folder / "log.csv"), "file entries"
    yield ("safety",), "findings passed known unknown"
    yield ("report", "-o", folder / "report.html"), "report"
    for layout in ("zaim", "household", "comparison", "history", "calendar"):
        yield ("export", layout, "-o", folder / layout), export
    yield ("export", "money-forward", "-o", folder / "mf", "--replace"), export
    yield ("export", "bundle", "-o", folder / "bundle", "--of", "花子"), export
    yield ("export", "tax-form", "-o", folder / "tax", *tax), f"{export} deduction"


def test_json_is_one_object_with_these_members(full, tmp_path):
    for command, names in tables(tmp_path):
        done = full(*command, "--json").succeeded()
        assert done.json.keys() == set(names.split()), command
    entry = full("log", "list", "--json").json["entries"][0]
    assert entry.keys() == set("n at event result member hash".split())
    member = full("member", "list", "--json").json["members"][0]
    assert member.keys() == set("id nickname role shares_livelihood consents registered_at unread".split())
    payment = full("payment", "list", "--member", "花子", "--json").json["payments"][0]
    assert payment.keys() == set("date month kind institution receipt_yen notice_yen reimbursed_yen".split())


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_text_is_narrow_and_of_one_language(full, tmp_path, lang):
    for command, _ in tables(tmp_path):
        done = full(*command, lang=lang).succeeded()
        text = (done.out + done.err).replace(str(tmp_path), "")
        assert_narrow(text)
        first = done.out.splitlines()[0] if command[0] in ("member", "report", "safety") else done.err + done.out.splitlines()[-1]
        first = first.replace(NOTICED, "")  # what the notice says
        assert bool(JAPANESE.search(first.replace(str(tmp_path), ""))) == (lang == "ja"), (command, first)


@pytest.mark.parametrize("command", [("authenticate", "--challenge", "00" * 8), ("attributes",), ("info",)])
def test_card_commands_are_of_no_member(full, command):
    """A PIN would go to the card that lies there, whoever's it is."""
    done = full("card", *command, "--member", "花子", person=2, secrets="1234").failed_with("KZ-U01")
    assert "--member" in done.err and not (full.folder / "trace.jsonl").exists()


def test_the_list_is_aligned(full):
    lines = full("member", "list").succeeded().out.splitlines()[1:]
    starts = {sum(2 if c >= "\u1100" else 1 for c in line[:max(line.find(" 本人"), line.find(" 代理人"))]) for line in lines}
    assert len(lines) == 5 and starts == {43}, lines


def test_options_stand_before_or_after_the_command(full):
    for command in (("records", "--stored"), ("payment", "list"), ("consent", "list")):
        before, after = full("--member", "花子", *command, "--json"), full(*command, "--member", "花子", "--json")
        assert before.succeeded().json == after.succeeded().json
    full("--keep", full.folder / "k", "qualify", "--member", "花子").failed_with("KZ-U01")


def test_every_answer_of_a_changing_command_is_json(one):
    steps = [
        (("qualify", "--member", "花子"), "1234", {"validity", "code", "copay_percent", "limit_category"}),
        (("records", "--member", "花子"), "", {"records", "unread", "saved", "duplicates", "dropped", "is_partial"}),
        (("consent", "give", "--kind", "test", "--yes", "--member", "花子"), "", {"consent"}),
        (("consent", "withdraw", "--kind", "test", "--yes", "--member", "花子"), "", {"consent"}),
        (("register", "--yes", "--member", "花子"), "", {"registration"}),
        (("payment", "add", "--member", "花子", "--date", "2026-01-02", "--institution", "x", "--yen", "5"), "", {"payment"}),
        (("payment", "remove", "1", "--member", "花子", "--yes"), "", {"removed"}),
        (("member", "edit", "花子", "--rename", "はな", "--shares-livelihood", "no"), "", {"member"}),
        (("member", "order", "はな"), "", {"members"}),
        (("safety", "--answer", "pins_differ=yes"), "", {"findings"}),
        (("suspend", "--member", "はな", "--yes"), "", {"suspension"}),
        (("member", "remove", "はな", "--yes"), "", {"removed", "erasure", "tokens_revoked"}),
    ]
    for command, secrets, names in steps:
        assert one(*command, "--json", secrets=secrets).succeeded().json.keys() >= names, command
    assert one.members() == []


# Cards and PINs

def test_a_wrong_pin_is_in_the_log_and_another_card_gets_none(one):
    for left in (2, 1):
        answer = one("qualify", "--member", "花子", "--json", secrets="9876").failed_with("KZ-C04").json
        assert answer["error"]["attempts_left"] == left
    assert pin_entries(one("qualify", "--member", "花子", secrets="1234").failed_with("KZ-C09").exchanges) == []
    assert pin_entries(one.tap(2, "qualify", "--member", "花子").failed_with("KZ-C12").exchanges) == []
    assert one.log()[:3] == [("pin_failed", "KZ-C04", "花子")] * 2 + [("qualified", "OK", "花子")]


def test_the_log_tells_of_consents_and_of_a_stop(one):
    change = ("--kind", "medication", "--yes", "--member", "花子")
    one("consent", "give", *change).succeeded()
    assert one("consent", "withdraw", *change).succeeded().out.count("2") == 0  # no last day of what is over
    one("consent", "withdraw", *change).failed_with("KZ-U01")
    events = [entry[0] for entry in one.log()]
    assert events.count("consent_changed") == 2
    one("suspend", "--member", "花子", "--yes").succeeded()
    assert ("suspended", "OK", "花子") in one.log()
    # Only registering anew helps, and that is what is said.
    done = one("qualify", "--member", "花子", secrets="1234").failed_with("KZ-U01")
    assert "登録し直して" in done.err and done.exchanges == []


def test_without_a_terminal_nobody_waits(one):
    done = subprocess.run(
        ["setsid", BIN / "kazasu", "--store", one.store, "--config", one.config, "--sim", "today", "--lang", "en", "qualify",
         "--member", "花子"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    assert done.returncode == 1 and b"--pin-stdin" in done.stderr
    for command in (("member", "remove", "花子"), ("suspend", "--member", "花子"), ("member", "add", "x")):
        assert "--yes" in one(*command).failed_with("KZ-U01").err


def test_ctrl_c_at_the_prompt_leaves_the_terminal_and_the_store_as_they_were(one):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(BIN / "kazasu", [str(one) for one in (
            "kazasu", "--store", one.store, "--config", one.config, "--sim", "today", "qualify", "--member", "花子")])
    before, shown = termios.tcgetattr(terminal), b""
    while "桁）: ".encode() not in shown:
        shown += os.read(terminal, 1000)
    deadline = time.monotonic() + 5
    while termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() < deadline:
        time.sleep(0.01)
    os.write(terminal, b"12\x03")
    while time.monotonic() < deadline + 5:
        after = termios.tcgetattr(terminal)
        if (ended := os.waitpid(pid, os.WNOHANG))[0]:
            break
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 130 and after == before
    assert one("log", "verify").succeeded()


# Removal, with and without the server

def test_removing_one_leaves_the_others(full, tmp_path):
    copy = Family(tmp_path, full.unreachable())
    shutil.copytree(full.store, copy.store)
    mine = ("payment", "list", "--member", "花子", "--json")
    before = copy(*mine).json
    done = copy("member", "remove", "太郎", "--yes").failed_with("KZ-U01")  # its access is of another server
    assert "--offline" in done.err and "太郎" in copy.members()
    done = copy("member", "remove", "太郎", "--yes", "--offline", "--json").succeeded()
    assert done.json["tokens_revoked"] is False and "--offline" not in done.err
    assert copy.members() == ["花子", FORMULA, LONG, "桜🌸"] and copy(*mine).json == before
    assert all(entry[2] != "太郎" for entry in copy.log())
    assert copy("log", "verify", "--json").succeeded().json["whole"] is True


def test_a_stop_that_waits_is_not_thrown_away(one, sandbox):
    sandbox.stop()
    one("member", "remove", "花子", "--yes").failed_with("KZ-T01")
    one("suspend", "--member", "花子", "--yes").failed_with("KZ-T01")
    for command in (("member", "remove", "花子", "--yes"), ("records", "--member", "花子"), ("qualify", "--member", "花子")):
        done = one(*command, secrets="1234").failed_with("KZ-U01")
        assert "kazasu suspend" in done.err and done.exchanges == []
    assert one.members() == ["花子"]
    one("member", "remove", "花子", "--yes", "--offline").succeeded()


def test_what_was_received_is_shown_without_the_server(one, sandbox):
    one("records", "--member", "花子", "--kind", "checkup").succeeded()
    sandbox.stop()
    assert "--stored" in one("records", "--member", "花子").failed_with("KZ-T01").err
    shown = one("records", "--member", "花子", "--stored", "--json").succeeded()
    assert shown.json["records"] and shown.json["unread"] == 0 and shown.exchanges == []


# The store itself

def test_a_store_in_use_is_busy(one):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(BIN / "kazasu", [str(one) for one in (
            "kazasu", "--store", one.store, "--config", one.config, "--sim", "today", "qualify", "--member", "花子")])
    shown = b""
    while "桁）: ".encode() not in shown:
        shown += os.read(terminal, 1000)
    for command in (("member", "list"), ("safety",), ("export", "zaim", "-o", one.folder / "z")):
        assert "使用中" in one(*command).failed_with("KZ-U02").err
    assert not (one.folder / "z").exists()
    os.close(terminal)
    os.waitpid(pid, 0)


def test_damage_is_told_and_never_mended_by_forgetting(one):
    file, keys = one.store / "family.kazasu", one.store / "keys"
    whole = file.read_bytes()
    for bytes_ in (whole[:70000], b"", os.urandom(60000)):
        file.write_bytes(bytes_)
        one("member", "list").failed_with("KZ-L01")
        assert file.read_bytes() == bytes_
    file.unlink()
    for command in (("member", "list"), ("member", "add", "x", "--yes")):
        assert "登録し直して" in one(*command, secrets="1234").failed_with("KZ-L02").err
    assert not file.exists()
    file.write_bytes(whole)
    # An older file, with the keys of today.
    one("qualify", "--member", "花子", secrets="9876").failed_with("KZ-C04")
    newer = file.read_bytes()
    file.write_bytes(whole)
    one("member", "list").failed_with("KZ-L01")
    file.write_bytes(newer)
    keys.rename(one.folder / "away")
    one("member", "list").failed_with("KZ-L01")
    assert not keys.exists()
    (one.folder / "away").rename(keys)
    for name in ("anchor", "log-key"):
        kept = (keys / name).read_bytes()
        (keys / name).unlink()
        assert "元に戻して" in one("member", "list").failed_with("KZ-L01").err
        assert not (keys / name).exists(), "nothing is drawn anew"
        (keys / name).write_bytes(os.urandom(len(kept)))
        (keys / name).chmod(0o600)
        one("member", "list").failed_with("KZ-L02" if name == "log-key" else "KZ-L01")
        (keys / name).write_bytes(kept)
    keys.chmod(0o750)
    assert "chmod 700" in one("member", "list").failed_with("KZ-U01").err
    keys.chmod(0o700)
    key = next(keys.glob("kazasu-*"))
    key.chmod(0o644)
    assert "アクセス権" in one("member", "list").failed_with("KZ-L01").err
    key.chmod(0o600)
    assert one.members() == ["花子"]


def test_files_are_private_and_tell_nothing(full, tmp_path):
    full("export", "zaim", "-o", tmp_path / "zaim").succeeded()
    full("log", "export", "-o", tmp_path / "log.csv").succeeded()
    full("report", "-o", tmp_path / "report.html").succeeded()
    for file in (*full.store.rglob("*"), *tmp_path.iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) == (0o700 if file.is_dir() else 0o600), file
    markers = ["花子", "太郎", INSTITUTION, "みほん", "見本", "250000", "フェキソフェナジン", "HYPERLINK", "access_token", "refresh"]
    found = b"".join(file.read_bytes() for file in full.store.rglob("*") if file.is_file())
    for marker in markers:
        assert marker.encode() not in found and marker.encode("utf-16-le") not in found, marker
    log = (tmp_path / "log.csv").read_text()
    rows = list(csv.reader(io.StringIO(log)))
    assert rows[0] == ["n", "at", "event", "result", "member", "hash"] and len(rows) > 10
    # Members by nickname, and no value at all.
    for marker in (INSTITUTION, "250000", "1234", "見本", "みほん", "フェキソ", "06139992", "medication", "valid"):
        assert marker not in "\n".join(",".join(cells[:5]) for cells in rows), marker
    assert {cells[4] for cells in rows[1:]} <= {"", "花子", "'" + FORMULA, *OTHERS.values()} - {FORMULA}


def test_a_file_that_is_there_stays(full, tmp_path):
    file = tmp_path / "there"
    file.write_text("before")
    for command in (("export", "zaim"), ("export", "history"), ("log", "export")):
        before = len(full.log())
        assert "別の名前" in full(*command, "-o", file).failed_with("KZ-U01").err
        assert file.read_text() == "before" and len(full.log()) == before + 1  # that the log was read
    full("export", "zaim", "-o", tmp_path / "none" / "file").failed_with("KZ-U01")


# Payments and exports

def test_a_second_import_adds_nothing(full):
    again = full("payment", "import", full.folder / "notice.csv", "--member", "花子", "--json").succeeded().json
    assert (again["payments"], again["new"]) == (14, 0)


@pytest.mark.parametrize("arguments", [("--yen", "1000000000"), ("--yen=-1",), ("--yen", "1", "--date", "2026-02-30"),
                                       ("--yen", "1", "--institution", "123456789018"), ("--yen", "1", "--institution", " ")])
def test_a_payment_that_cannot_be_is_refused(full, arguments):
    count = len(full("payment", "list", "--member", "花子", "--json").json["payments"])
    given = dict(zip(["--date", "--institution"], ["2026-01-01", "x"]))
    given = [part for name, value in given.items() if name not in arguments for part in (name, value)]
    done = full("payment", "add", "--member", "花子", *given, *arguments)
    assert done.status != 0 and done.code in ("KZ-U01", "KZ-D05")
    assert len(full("payment", "list", "--member", "花子", "--json").json["payments"]) == count


def cells(file, encoding="utf-8-sig"):
    with open(file, encoding=encoding, newline="") as text:
        return list(csv.DictReader(text))


def test_exports_agree_with_each_other(full, tmp_path):
    arguments = ("--of", "花子", "--of", "太郎", "--of", "花子")
    for layout in ("money-forward", "zaim", "household", "comparison"):
        full("export", layout, "-o", tmp_path / layout, "--encoding", "utf-8-bom", *arguments).succeeded()
    sums = [-sum(int(row["金額（円）"]) for row in cells(tmp_path / "money-forward")),
            sum(int(row["支出"]) for row in cells(tmp_path / "zaim")),
            sum(int(row["支出"]) for row in cells(tmp_path / "household")),
            sum(int(row["合計"]) for row in cells(tmp_path / "comparison"))]
    assert len(set(sums)) == 1 and sums[0] > 250777, sums
    assert len({row["ID"] for row in cells(tmp_path / "household")}) == len(cells(tmp_path / "money-forward"))
    everyone = full("export", "history", "-o", tmp_path / "history", "--json").succeeded().json
    assert everyone["rows"] >= 5 and "'" + FORMULA in (tmp_path / "history").read_text("utf-8-sig").replace('""', '"')


def test_unknown_members_are_named_in_no_file(full, tmp_path):
    for command in (("export", "zaim", "--of", "だれか"), ("report", "--of", "だれか")):
        done = full(*command, "-o", tmp_path / "file").failed_with("KZ-U01")
        assert "kazasu member list" in done.err and not (tmp_path / "file").exists()
    full("export", "bundle", "-o", tmp_path / "file").failed_with("KZ-U01")


TAX = ("export", "tax-form", "--year", f"{YEAR}")


def test_the_tax_form_leaves_out_and_tells(full, tmp_path):
    done = full(*TAX, "-o", tmp_path / "none").failed_with("KZ-U01")
    # 太郎 has a livelihood of his own, the others paid nothing that counts.
    assert "--name 花子=…" in done.err and "太郎=" not in done.err and LONG not in done.err
    name = ("--name", "花子=見本花子", "--income", "5200000")
    done = full(*TAX, "-o", tmp_path / "tax", *name, "--json").succeeded()
    found = {one["finding"]: one for one in done.json["findings"] if one["finding"].startswith("D-")}
    assert found.keys() == {"D-1", "D-3", "D-6"}
    assert found["D-6"]["person"] == "太郎" and found["D-3"]["payment"]["yen"] == 500
    assert found["D-1"]["dropped"] == [{"date": f"{YEAR}-03", "institution": NOTICED, "yen": 1791}]
    rows = [line.split("\t") for line in (tmp_path / "tax").read_text("utf-8-sig").splitlines()]
    deduction = done.json["deduction"]
    assert len(rows) == done.json["rows"] and sum(int(row[6]) for row in rows) == deduction["paid_yen"]
    assert deduction["deduction_yen"] == deduction["paid_yen"] - 100_000 and deduction["threshold_yen"] == 100_000
    assert deduction["keep_receipts_through"] == f"{YEAR + 6}-03-15"
    both = full(*TAX, "-o", tmp_path / "both", *name, "--keep-twice", "--json").succeeded().json
    assert both["rows"] == len(rows) + 1 and both["deduction"]["paid_yen"] == deduction["paid_yen"] + 1791
    text = full(*TAX, "-o", tmp_path / "text", *name).succeeded()
    assert "控除額（試算）" in text.out and "生計が別のため除きました: 太郎" in text.err
    plain = full(*TAX, "-o", tmp_path / "plain", "--name", "花子=見本花子", "--json").succeeded().json
    assert plain["deduction"] is None
    assert "--year: 20" in full("export", "tax-form", "-o", tmp_path / "y", "--name", "花子=x").failed_with("KZ-U01").err
    full("export", "zaim", "-o", tmp_path / "z", "--income", "1").failed_with("KZ-U01")


def test_the_tax_form_of_two_is_cut_only_where_asked(full, tmp_path):
    copy = Family(tmp_path, full.config)
    shutil.copytree(full.store, copy.store)
    copy("member", "edit", "太郎", "--shares-livelihood", "yes").succeeded()
    copy("payment", "add", "--member", "太郎", "--date", f"{YEAR}-11-01", "--institution", "長" * 30, "--yen", "9", "--reimbursed",
         "10").succeeded()
    arguments = (*TAX, "--name", "花子=見本花子", "--name", "太郎=見本太郎")
    assert "--shorten" in copy(*arguments, "-o", tmp_path / "tax").failed_with("KZ-U01").err and not (tmp_path / "tax").exists()
    done = copy(*arguments, "-o", tmp_path / "tax", "--shorten", "--json").succeeded()
    assert {"D-4", "D-9"} <= {one["finding"] for one in done.json["findings"]}
    rows = [line.split("\t") for line in (tmp_path / "tax").read_text("utf-8-sig").splitlines()]
    assert {row[0] for row in rows} == {"見本花子", "見本太郎"} and max(len(row[1]) for row in rows) == 20


def test_findings_come_from_a_notice_too(tmp_path):
    (tmp_path / "notice.csv").write_text(notice(40, year=YEAR))
    done = Run("--json", *TAX, "--from", tmp_path / "notice.csv", "--name", "見本花子", "--income", "0", "-o", tmp_path / "tax")
    assert done.succeeded().json["deduction"]["deduction_yen"] == sum(1785 + number * 3 for number in range(40))


def test_the_report_is_of_the_store_and_needs_no_network(full, tmp_path):
    full("report", "-o", tmp_path / "all.html", "--income", "5200000", config=full.folder / "none.json").succeeded()
    page = (tmp_path / "all.html").read_text()
    assert "25" in page and "花子" in page and "試算" in page
    assert "default-src 'none'" in page and "<script" not in page and "https://127" not in page
    full("report", "-o", tmp_path / "one.html", "--of", "太郎").succeeded()
    page = (tmp_path / "one.html").read_text()
    assert "太郎" in page and "花子" not in page and "777" in page


# Safety

def test_answers_of_the_safety_check_are_kept(one):
    first = one("safety", "--answer", "pins_differ=yes", "--answer", "card_was_lent=no", "--json").succeeded().json
    assert one("safety", "--json").succeeded().json["known"] == first["known"] >= 2
    outcome = {found["name"]: found["outcome"] for found in first["findings"]}
    assert [outcome[name] for name in outcome].count("pass") == first["passed"] == 2
    for wrong in ("pin=1234", "pins_differ", "pins_differ=7"):
        one("safety", "--answer", wrong).failed_with("KZ-U01")
    assert one("safety", "--json").json["known"] == first["known"]
    assert JAPANESE.search(one("safety", lang="easy").succeeded().out)
