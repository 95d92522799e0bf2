"""The clock ahead, behind and right again × every command that writes: nothing is deleted that a right clock would have kept.

And servers met with a clock that is years off: whatever is wrong is told as what it is.
"""

import datetime
import json
import pathlib
import shutil
import subprocess

import pytest

from conftest import PASSWORD, PIN, Run, Sandbox, notice, pin_entries, row, trace
from test_family import HOLDERS, INSTITUTION, Family
from test_tls import Authority, Server, world  # noqa: F401, a fixture

DAY = 86_400
TEN_YEARS = 3653 * DAY
YEAR = 365 * DAY
CLOCKS = {"ahead": TEN_YEARS, "ahead, nine days later": TEN_YEARS + 9 * DAY, "behind": -TEN_YEARS, "right": 0}
# Every command that writes to the store. `{}` is a folder for what it writes elsewhere.
COMMANDS = {
    "member add": ("member", "add", "次郎", "--yes"),
    "member list": ("member", "list"),
    "member edit": ("member", "edit", "太郎", "--shares-livelihood", "no"),
    "member order": ("member", "order", "太郎", "花子"),
    "member expired": ("member", "expired"),
    "member remove": ("member", "remove", "太郎", "--yes", "--offline"),
    "qualify": ("qualify", "--member", "花子"),
    "records": ("records", "--member", "花子"),
    "records --stored": ("records", "--member", "花子", "--stored"),
    "consent give": ("consent", "give", "--kind", "medication", "--yes", "--member", "花子"),
    "register": ("register", "--yes", "--member", "花子"),
    "payment add": ("payment", "add", "--institution", INSTITUTION, "--date", "2025-10-03", "--yen", "500", "--member", "花子"),
    "payment import": ("payment", "import", "{}/notice.csv", "--member", "花子"),
    "payment remove": ("payment", "remove", "1", "--yes", "--member", "花子"),
    "log list": ("log", "list"),
    "log export": ("log", "export", "-o", "{}/log.csv"),
    "export": ("export", "history", "-o", "{}/history.csv"),
    "report": ("report", "-o", "{}/report.html"),
    "safety": ("safety",),
    "suspend": ("suspend", "--yes", "--member", "花子"),
}


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """The clock, to be moved."""
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    source = pathlib.Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


class Clocked(Family):
    """A family on a computer whose clock is set."""

    def __init__(self, folder, config, shim):
        super().__init__(folder, config)
        self.shim, self.offset = shim, 0

    def __call__(self, *arguments, person=1, secrets="", config=None):
        env = {"LD_PRELOAD": str(self.shim), "CLOCK_OFFSET_S": str(self.offset)}
        return Run("--store", self.store, "--config", config or self.config, "--sim", "today", "--person", person, "--sim-state",
                   self.folder / f"card-{person}.json", "--lang", "ja", "--pin-stdin", *arguments, secrets=secrets, env=env)

    def contents(self, nickname):
        """How many records, checks and payments a member has."""
        records = self("records", "--stored", "--member", nickname, "--json").succeeded().json["records"]
        file = self.folder / "checks.csv"
        file.unlink(missing_ok=True)
        self("export", "history", "-o", file, "--member", nickname).succeeded()
        checks = file.read_bytes().splitlines()
        payments = self("payment", "list", "--member", nickname, "--json").succeeded().json["payments"]
        return [len(records), len(checks) - 1, len(payments)]


@pytest.fixture(scope="module")
def family(tmp_path_factory, shim):
    """Two members with everything that goes by age, and things that do not."""
    folder = tmp_path_factory.mktemp("clocked")
    server = Sandbox(folder)
    family = Clocked(folder, server.config, shim)
    for person, nickname in ((1, "花子"), (2, "太郎")):
        family.tap(person, "member", "add", nickname, "--yes").succeeded()
        family("records", "--member", nickname, person=person).succeeded()
        family("payment", "add", "--institution", INSTITUTION, "--date", "2025-10-03", "--yen", "777", "--member",
               nickname).succeeded()
    (folder / "notice.csv").write_bytes(notice().encode("cp932"))
    yield family
    server.stop()


def test_the_clock_is_the_one_that_was_set(family):
    family.offset = TEN_YEARS
    done = family("member", "expired", "--json").succeeded().json
    family.offset = 0
    then = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))) + datetime.timedelta(seconds=TEN_YEARS)
    assert done["today"] == then.date().isoformat() and not done["clock_confirmed"]


def test_nothing_goes_that_a_right_clock_would_have_kept(family, tmp_path):
    whole, before = family.store, {nickname: family.contents(nickname) for nickname in ("花子", "太郎")}
    assert min(before["花子"][:2]) > 0 and before["花子"][0] > 50, before
    runs, deleted = 0, 0
    for name, command in COMMANDS.items():
        family.store = family.folder / "copy"
        shutil.rmtree(family.store, ignore_errors=True)
        shutil.copytree(whole, family.store)
        arguments = [one.replace("{}", str(tmp_path)) for one in command]
        (tmp_path / "notice.csv").write_bytes((family.folder / "notice.csv").read_bytes())
        for clock, offset in CLOCKS.items():
            family.offset = offset
            person = 3 if name == "member add" else 1
            secrets = HOLDERS[person - 1]["pins"]["authentication"]
            for file in ("log.csv", "history.csv", "report.html"):
                (tmp_path / file).unlink(missing_ok=True)
            done = family(*arguments, person=person, secrets=secrets)
            assert done.status in (0, 1) and "panicked" not in done.err, (name, clock, done.err)
            runs += 1
        # Twice more with the right clock: what was marked ahead of time is not due, either.
        family.offset = 0
        family("log", "list").succeeded()
        for nickname in before if name != "member remove" else ("花子",):
            records, checks, payments = family.contents(nickname)
            deleted += max(0, before[nickname][0] - records) + max(0, before[nickname][1] - checks)
            if name != "payment remove":
                deleted += max(0, before[nickname][2] - payments)
            assert deleted == 0, (name, nickname, before[nickname], (records, checks, payments))
        assert family("log", "verify").succeeded()
    family.store = whole
    row("clock ahead, behind, right again", "commands", "runs", "deleted too early")
    row("", len(COMMANDS), runs, deleted)


def test_without_a_server_a_person_is_asked_and_told_the_date(family):
    whole, family.store = family.store, family.folder / "asked"
    shutil.copytree(whole, family.store)
    family.offset = TEN_YEARS
    shown = family("member", "expired", "--json").succeeded().json
    kinds = {one["kind"] for one in shown["expired"]}
    assert {"check", "expense", "medication", "checkup"} <= kinds and "immunization" not in kinds, kinds
    assert all(one["rows"] > 0 and one["oldest"] <= one["newest"] and one["due"] is None for one in shown["expired"])
    family("member", "expired", "--delete").failed_with("KZ-U01")  # nobody is there to be asked
    real = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))).date().isoformat()
    assert "日付" in family("member", "expired", "--delete", "--today", real).failed_with("KZ-U01").err
    assert family.contents("花子")[0] > 0
    done = family("member", "expired", "--delete", "--today", shown["today"], "--json").succeeded().json
    assert done["deleted"] == sum(one["rows"] for one in shown["expired"])
    assert family("member", "expired", "--json").succeeded().json["expired"] == []
    records = json.loads(family("records", "--stored", "--member", "花子", "--json").succeeded().out)["records"]
    assert records and {one["source"] for one in records} <= {"immunization", "observation"}, "vaccinations stay"
    assert family.contents("花子")[2] == 1, "and what was entered"
    family.offset, family.store = 0, whole


def test_a_right_clock_announces_and_deletes_a_week_later(family, tmp_path):
    """With a clock ten years on that a server confirms, in the course of eight days."""
    whole, family.store = family.store, family.folder / "later"
    shutil.copytree(whole, family.store)
    family.offset = TEN_YEARS
    done = family("payment", "list", "--member", "花子")
    assert done.status == 0
    told = family("payment", "add", "--institution", INSTITUTION, "--date", "2035-10-03", "--yen", "1", "--member", "花子").err
    assert "1週間後以降" in told, told
    before = family.contents("花子")
    family.offset = TEN_YEARS + 30 * DAY
    family("log", "list").succeeded()
    assert family.contents("花子") == before, "nobody has confirmed that a month has passed"
    family.offset = 0
    family("log", "list").succeeded()
    assert family("member", "expired", "--json").succeeded().json["expired"] == []
    family.store = whole


def asked_with(shim, config, offset):
    """What the main job comes to on a computer whose clock is so many seconds off."""
    env = {"LD_PRELOAD": str(shim), "CLOCK_OFFSET_S": str(offset)}
    return Run("qualify", "--config", config, "--sim", "today", "--pin-stdin", "--json", "--lang", "ja", secrets=PIN, env=env)


@pytest.mark.parametrize("years, code", [(-20, "KZ-A04"), (-1, None), (0, None), (1, "KZ-A04"), (20, "KZ-A04")])
def test_a_clock_years_off_against_certificates_of_twenty_years(tmp_path, shim, years, code):
    """The sandbox's end in 2046: with a clock behind the server's own time serves. The simulated card is issued by the clock
    that is off, so that by the server's it has expired, or not begun: and that is not the card's fault."""
    server = Sandbox(tmp_path)
    try:
        done = asked_with(shim, server.config, years * YEAR)
        row(f"clock {years:+} years, certificate until 2046", "-", done.code or "handled")
        if code:
            assert "日付" in done.failed_with(code).err
        else:
            answer = done.succeeded().json
            assert answer["validity"] == "valid"
            assert answer["warnings"] == ([] if years == 0 else ["device_clock"]), answer["warnings"]
    finally:
        server.stop()


@pytest.mark.parametrize("years", [-20, -1, 0, 1, 20])
@pytest.mark.parametrize("case", ["right", "key not pinned", "unknown authority", "over before the build"])
def test_a_clock_years_off_against_certificates_of_ninety_days(world, shim, years, case):
    """An interception is one whatever the clock says; a clock is to blame only where nothing else is wrong."""
    key = Authority().key if case == "key not pinned" else world.key
    authority = Authority() if case == "unknown authority" else world.authority
    began, ends = (-900, -800) if case == "over before the build" else (-1 / 24, 90)
    server = Server(world.folder, key, authority.issue(key, begins=began, ends=ends))
    try:
        done = asked_with(shim, world.config(server.port), years * YEAR)
    finally:
        server.stop()
    row(f"clock {years:+} years, {case}", f"{len(server.received)} bytes of HTTP", done.code)
    if case == "right" and years == 0:
        assert not done.code.startswith(("KZ-T", "KZ-A04")) and server.received
    else:
        done.failed_with("KZ-A04" if case == "right" else "KZ-T03")
        assert server.received == b""


@pytest.mark.parametrize("years, code", [(-20, "KZ-A04"), (0, None), (20, "KZ-A04")])
def test_no_document_is_signed_with_a_time_that_cannot_be(tmp_path, shim, years, code):
    (tmp_path / "a.txt").write_text("x")
    env = {"LD_PRELOAD": str(shim), "CLOCK_OFFSET_S": str(years * YEAR)}
    done = Run("card", "sign", tmp_path / "a.txt", "-o", tmp_path / "a.p7s", "--sim", "today", "--trace", tmp_path / "trace", "--pin-stdin",
               secrets=PASSWORD, env=env)
    if code:
        done.failed_with(code)
        assert pin_entries(trace(tmp_path / "trace")) == [] and not (tmp_path / "a.p7s").exists()
    else:
        done.succeeded()


def test_a_certificate_that_is_over_is_never_called_verified(tmp_path, shim):
    """One that the simulated card was given six years ago is over since last year."""
    old, seen = tmp_path / "old.pem", tmp_path / "trace"
    env = {"LD_PRELOAD": str(shim), "CLOCK_OFFSET_S": str(-6 * YEAR)}
    Run("--sim", "today", "card", "certificate", "-o", old, env=env).succeeded()
    authenticate = ("--sim", "today", "--pin-stdin", "--lang", "en", "--trace", seen, "card", "authenticate", "--challenge",
                    "00" * 8, "--cached-certificate", old)
    Run(*authenticate, "--ca", secrets=PIN).failed_with("KZ-C06")
    assert not pin_entries(trace(seen)), "told before the PIN is sent"
    assert Run(*authenticate, "--json", secrets=PIN).succeeded().json["expired"] is True
    told = Run(*authenticate, secrets=PIN).succeeded().out
    assert "certificate not checked" in told and "(expired)" in told
    assert Run("--sim", "today", "--json", "card", "certificate").succeeded().json["expired"] is False
