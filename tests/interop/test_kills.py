"""Every command that writes, killed between two of its operations on files and connections (`kill_hook.c` names them).

The program is the real one and knows nothing of it. After each kill: the store opens, its log is whole, each member works or
says why with one thing to do, files are the old ones or the new ones and nobody else's to read, the server has nothing
twice, and the same command once more does what it should have done. KAZASU_CLI_KILLS says how many kills a command gets.
"""

import collections
import dataclasses
import datetime
import itertools
import json
import os
import re
import shutil
import signal
import stat
import subprocess
from typing import Callable

import pytest

from conftest import BIN, PASSWORD, Run, Sandbox, notice, row
from test_family import HOLDERS
from test_member import browse

KILLS = int(os.environ.get("KAZASU_CLI_KILLS", "2"))
HOOK = BIN.parents[0] / f"kill_hook-{os.getpid()}.so"  # of this run alone
SOURCE = os.path.join(os.path.dirname(__file__), "kill_hook.c")
NUMBER_B = "02040520350123"
OLD = b"what stood here before\n"
PRIVATE = {"file": 0o600, "folder": 0o700}


def pin_of(person):
    return HOLDERS[person - 1]["pins"]["authentication"]


@pytest.fixture(scope="module", autouse=True)
def hook():
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not compiler or not os.path.exists("/proc/self/status"):
        pytest.skip("a C compiler or Linux is missing")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", HOOK, SOURCE, "-ldl"], check=True)
    yield
    HOOK.unlink()


class World:
    """A store, files to be written, and the program; `people` says whose card each member has."""

    def __init__(self, folder, config, people=None):
        self.folder, self.store, self.out = folder, folder / "store", folder / "out"
        self.config, self.people = config, dict(people or {})
        self.out.mkdir(parents=True, exist_ok=True)

    def command(self, *arguments, person=1, config=None):
        return ("--store", self.store, "--config", config or self.config, "--sim", "today", "--person", person, "--lang", "ja",
                "--pin-stdin", *(str(one).replace("{}", str(self.out)) for one in arguments))

    def __call__(self, *arguments, person=1, config=None):
        return Run(*self.command(*arguments, person=person, config=config), secrets=pin_of(person))

    def add(self, person, nickname):
        self("member", "add", nickname, "--yes", person=person).succeeded()
        self.people[nickname] = person

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return World(folder, self.config, self.people)

    def unreachable(self):
        """The same server, which is not believed to be it."""
        settings = json.loads(self.config.read_text())
        settings["pins"] = ["A" * 43 + "=", "B" * 42 + "A="]
        file = self.config.with_name("unreachable.json")
        file.write_text(json.dumps(settings))
        return file

    def members(self):
        """Nicknames; None where there is no store, which has to be said."""
        done = self("member", "list", "--json")
        if done.status and not (self.store / "family.kazasu").exists():
            assert done.failed_with("KZ-U01") and "kazasu member add" in done.err, done.err
            return None
        return [one["nickname"] for one in done.succeeded().json["members"]]


@dataclasses.dataclass
class Command:
    """What is run, what the world is before, and what has to be true after it was run once more."""

    arguments: tuple
    prepare: Callable = lambda world: world.add(1, "花子")
    after: Callable = lambda world: None
    secrets: str | None = None  # else the PIN of the person
    person: int = 1
    offline: bool = False
    # Files it writes, each with what a whole one looks like. Every second kill finds an old file at the name.
    files: dict = dataclasses.field(default_factory=dict)
    keeps_old: bool = False
    # It changes things at the server: each kill has a server of its own.
    server: tuple | None = None
    # What the second run may say in place of doing it, as code and text.
    already: tuple = ()
    # Why a member may not work now.
    stopped: bool = False
    # What the program asks, and how it is answered: see `sign_in`.
    answered: Callable | None = None


def png(content):
    return content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82")


def pem(content):
    return content.startswith(b"-----BEGIN") and content.endswith(b"-----END CERTIFICATE-----\n")


def der(content):
    length = content[1] & 0x7F
    return content[0] == 0x30 and len(content) == 2 + length + int.from_bytes(content[2:2 + length], "big")


def is_json(content):
    return bool(json.loads(content))


def table(rows):
    return lambda content: content.endswith(b"\r\n") and content.count(b"\r\n") >= rows


def page(content):
    return content.rstrip().endswith(b"</html>")


def lines(content):
    return all(json.loads(line) for line in content.splitlines())  # a trace is written while the card works


def kept(content):
    return json.loads(content)["format"] == 1


def two(world):
    world.add(1, "花子")
    world.add(2, "太郎")


def with_payments(world):
    world.add(1, "花子")
    (world.out / "notice.csv").write_bytes(notice(14).encode("cp932"))
    world("payment", "import", "{}/notice.csv", "--member", "花子").succeeded()


def with_notice(world):
    world.add(1, "花子")
    (world.out / "notice.csv").write_bytes(notice(14).encode("cp932"))


def with_consent(world):
    world.add(1, "花子")
    world("consent", "give", "--kind", "test", "--yes", "--member", "花子").succeeded()


def stop_waits(world):
    world.add(1, "花子")
    world("suspend", "--yes", "--member", "花子", config=world.unreachable()).failed_with("KZ-T03")


def renamed(world):
    assert world.members() == ["はな"]


def reversed_order(world):
    assert world.members() == ["太郎", "花子"]


def gone(world):
    assert world.members() in ([], ["太郎"]) and "花子" not in world.members()


def payments(*counts):
    return lambda world: _payments(world, counts)


def _payments(world, counts):
    found = world("payment", "list", "--member", "花子", "--json").succeeded().json["payments"]
    assert len(found) in counts, found


def answered(world):
    assert world("safety", "--json").succeeded().json["known"] >= 1


def written(world, kind):
    """What the server has of a kind, whoever it is of."""
    def walk(value):
        if isinstance(value, dict):
            if value.get("resourceType") == kind:
                yield value
            else:
                yield from itertools.chain.from_iterable(map(walk, value.values()))
        elif isinstance(value, list):
            yield from itertools.chain.from_iterable(map(walk, value))
    return list(walk(json.loads(world.config.with_name("server.json").read_text())))


def consents(active):
    def check(world):
        found = [one["status"] for one in written(world, "Consent")]
        assert found.count("active") == active, found
    return check


def one_task(code):
    def check(world):
        # One more has been there from the beginning, as of a kiosk.
        found = [one["status"] for one in written(world, "Task") if code in json.dumps(one.get("code")) and one not in world.tasks]
        assert len(found) == 1, found
    return check


def events(event):
    def check(world):
        found = world("log", "list", "--limit", "1000", "--json").succeeded().json["entries"]
        assert any(one["event"] == event for one in found), found
    return check


def all_of(*checks):
    def check(world):
        for one in checks:
            one(world)
    return check


def sign_in(world, arguments, environment):
    """Reads the address that `sign-in` prints, signs person 1 in there, and types where the browser ended."""
    command = [str(BIN / "kazasu"), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **environment}) as run:
        url = next((line.strip() for line in run.stderr if line.startswith("https://")), None)
        try:
            answer = f"{browse(world.config.parent, url)}&person=1\n" if url and "person=" in url else None
            answer = answer or (browse(world.config.parent, f"{url}&person=1") + "\n" if url else "")
            out, err = run.communicate(answer, timeout=60)
        except BrokenPipeError:
            out, err = "", ""
        run.wait(60)
    return run.returncode, out, err


STOPPED = ("KZ-U01", "停止されています")
OIDC = ("--modes", "card,oidc")
MEMBER = ("--member", "花子")
COMMANDS = {
    "member add, the first": Command(("member", "add", "花子", "--yes"), prepare=lambda world: world.people.update({"花子": 1}),
                                     already=(("KZ-U01", "member list"),)),
    "member add, another": Command(("member", "add", "太郎", "--yes"), person=2, already=(("KZ-U01", "member list"),),
                                   prepare=lambda world: (world.add(1, "花子"), world.people.update({"太郎": 2}))),
    "member edit": Command(("member", "edit", "花子", "--rename", "はな"), after=renamed,
                           prepare=lambda world: (world.add(1, "花子"), world.people.update({"はな": 1})),
                           already=(("KZ-U01", "member list"),)),
    "member order": Command(("member", "order", "太郎", "花子"), prepare=two, after=reversed_order),
    "member remove": Command(("member", "remove", "花子", "--yes"), prepare=two, after=gone, server=(),
                             already=(("KZ-U01", "member list"),)),
    "member remove --offline": Command(("member", "remove", "花子", "--yes", "--offline"), prepare=two, after=gone, offline=True,
                                       already=(("KZ-U01", "member list"),)),
    "member expired": Command(("member", "expired", "--delete", "--today", datetime.date.today().isoformat())),
    "qualify": Command(("qualify", *MEMBER)),
    "records": Command(("records", *MEMBER), server=()),
    "consent give": Command(("consent", "give", "--kind", "test", "--yes", *MEMBER), server=(),
                            after=all_of(consents(1), events("consent_changed"))),
    "consent withdraw": Command(("consent", "withdraw", "--kind", "test", "--yes", *MEMBER), prepare=with_consent, server=(),
                                after=all_of(consents(0), events("consent_changed")), already=(("KZ-U01", "consent list"),)),
    "consent list --keep": Command(("consent", "list", "--keep", "{}/kept"), files={"kept": kept}),
    "consent give --keep": Command(("consent", "give", "--kind", "test", "--yes", "--keep", "{}/kept"), server=(),
                                   files={"kept": kept}, after=consents(1)),
    "register": Command(("register", "--yes", *MEMBER), server=(), after=one_task("registration")),
    "suspend": Command(("suspend", "--yes", *MEMBER), server=(), stopped=True, already=(STOPPED,),
                       after=all_of(one_task("suspension"), events("suspended"))),
    "suspend, without network": Command(("suspend", "--yes", *MEMBER), offline=True, stopped=True,
                                        already=(("KZ-T03", "もう一度このコマンド"),)),
    "suspend, sent later": Command(("suspend", "--yes", *MEMBER), prepare=stop_waits, server=(), stopped=True, already=(STOPPED,),
                                   after=all_of(one_task("suspension"), events("suspended"))),
    "sign-in": Command(("sign-in", *MEMBER), server=OIDC, answered=sign_in),
    "log list": Command(("log", "list"), after=events("log_read")),
    "log verify": Command(("log", "verify")),
    "log export": Command(("log", "export", "-o", "{}/log.csv"), files={"log.csv": table(2)}, keeps_old=True),
    "payment add": Command(("payment", "add", "--date", "2026-01-02", "--institution", "みほん", "--yen", "500", *MEMBER),
                           after=payments(1, 2)),  # receipts have no number by which the second could be known
    "payment import": Command(("payment", "import", "{}/notice.csv", *MEMBER), prepare=with_notice, after=payments(14)),
    "payment remove": Command(("payment", "remove", "14", "--yes", *MEMBER), prepare=with_payments, after=payments(13),
                              already=(("KZ-U01", "payment list"),)),
    "export zaim": Command(("export", "zaim", "-o", "{}/z.csv"), prepare=with_payments, files={"z.csv": table(14)}, keeps_old=True),
    "export bundle": Command(("export", "bundle", "--of", "花子", "-o", "{}/b.json"), files={"b.json": is_json}, keeps_old=True),
    "report": Command(("report", "-o", "{}/r.html"), prepare=with_payments, files={"r.html": page}),
    "safety": Command(("safety", "--answer", "pins_differ=yes"), after=answered),
    "card face": Command(("card", "face", "-o", "{}/f.png", "--name-image", "{}/n.png", "--address-image", "{}/a.png"),
                         secrets=NUMBER_B, files={"f.png": png, "n.png": png, "a.png": png}),
    "card sign": Command(("card", "sign", SOURCE, "-o", "{}/s.p7s"), secrets=PASSWORD, files={"s.p7s": der}),
    "card certificate": Command(("card", "certificate", "--kind", "sign", "-o", "{}/c.pem"), secrets=PASSWORD, files={"c.pem": pem}),
    "card doctor": Command(("card", "doctor", "--yes", "-o", "{}/d.json"), files={"d.json": is_json}),
    "card info --trace": Command(("card", "info", "--trace", "{}/t.jsonl"), files={"t.jsonl": lines}),
}


def kill(world, command, before):
    """Runs the command under the hook; tells whether it was killed, and its operations."""
    log = world.folder / "operations"
    log.unlink(missing_ok=True)
    environment = {"LD_PRELOAD": str(HOOK), "KILL_LOG": str(log)}
    if before:
        environment["KILL_BEFORE"] = str(before)
    arguments = world.command(*command.arguments, person=command.person, config=world.unreachable() if command.offline else None)
    if command.answered:
        status, out, err = command.answered(world, arguments, environment)
    else:
        done = Run(*arguments, secrets=command.secrets or pin_of(command.person), env=environment)
        status, out, err = done.status, done.out, done.err
    operations = [line.split(" ", 2)[1:] for line in log.read_text().splitlines()]
    if before is None:
        expected = {0} if not command.offline or "remove" in command.arguments else {1}
        assert status in expected, f"exit {status}\n{out}\n{err}"
    return status == -signal.SIGKILL, operations


def check_files(world, command, is_old, done):
    """Old, new, or not there, and nobody else's to read."""
    for file in (*world.store.rglob("*"), *world.out.iterdir()):
        if file.name in ("notice.csv", "operations") or is_old and file.name in command.files and file.read_bytes() == OLD:
            continue
        wanted = PRIVATE["folder" if file.is_dir() else "file"]
        assert stat.S_IMODE(file.stat().st_mode) == wanted, (file, oct(file.stat().st_mode))
    for name, is_whole in command.files.items():
        file = world.out / name
        if file.exists() and not (is_old and file.read_bytes() == OLD):
            assert is_whole(file.read_bytes()), file
        else:
            assert not done or command.keeps_old and is_old, f"{name} is not there"
    assert not done or not list(world.store.rglob(".kazasu-*")), "a leftover beside the keys"
    # What the kill left beside a file is not at its name, and the next command takes no notice.
    known = {"notice.csv", *command.files}
    strange = [file.name for file in world.out.iterdir() if file.name not in known]
    assert all(re.fullmatch(r"\.kazasu-[0-9a-f]{16}\.new", name) for name in strange), strange


def check_store(world, command):
    """The store opens, its log is whole, and each member works or says why."""
    members = world.members()
    if members is None:
        return
    assert world("log", "verify", "--json").succeeded().json["whole"] is True
    for nickname in members:
        person = world.people[nickname]
        done = world("qualify", "--member", nickname, person=person)
        if done.status == 0:
            continue
        assert command.stopped and person == command.person, f"{nickname}: {done.err}"
        assert re.search(r"^KZ-[A-Z]\d\d .", done.err, re.MULTILINE), done.err
        says_why = "kazasu suspend" in done.err or "停止されています" in done.err or done.code == "KZ-S01"
        assert says_why, done.err


def points(count, kills):
    """Before which operations to kill: spread over all of them, each more than once where they are few."""
    if kills >= count:
        return [1 + n % count for n in range(kills)]
    return [1 + int((n + 0.5) * count / kills) for n in range(kills)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One server for the commands that leave nothing there but tokens."""
    folder = tmp_path_factory.mktemp("server")
    server = Sandbox(folder)
    yield server
    server.stop()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_kill_leaves_nothing_half_done(name, tmp_path, shared):
    command = COMMANDS[name]
    template = None
    worlds = itertools.count()

    def begin():
        """A world of its own, and its server where it needs one."""
        nonlocal template
        folder = tmp_path / f"{next(worlds)}"
        if command.server is None:
            if template is None:
                template = World(tmp_path / "template", shared.config)
                command.prepare(template)
            return template.copy(folder), None
        beside = tmp_path / f"server-{folder.name}"
        beside.mkdir()
        server = Sandbox(beside, "--state", str(beside / "server.json"), *command.server)
        world = World(folder, server.config)
        command.prepare(world)
        world.tasks = written(world, "Task")
        return world, server

    def end(world, server):
        if server:
            server.stop()
        shutil.rmtree(world.folder)

    world, server = begin()
    try:
        _, operations = kill(world, command, None)
        check_files(world, command, False, True)
        command.after(world)
    finally:
        end(world, server)

    killed, faults = [], collections.Counter()
    for turn, before in enumerate(points(len(operations), KILLS)):
        world, server = begin()
        is_old = bool(command.files) and turn % 2 == 1
        for file in command.files if is_old and kept not in command.files.values() else ():
            (world.out / file).write_bytes(OLD)
            (world.out / file).chmod(0o644)
        is_old = is_old and kept not in command.files.values()
        try:
            was_killed, seen = kill(world, command, before)
            while not was_killed and before > 1:  # fewer operations this time
                end(world, server)
                world, server = begin()
                before -= 1
                was_killed, seen = kill(world, command, before)
            killed.append(" ".join(seen[-1]))
            try:
                check_files(world, command, is_old, False)
                if world.store.exists():
                    probe = world.copy(tmp_path / "probe")
                    check_store(probe, command)
                    shutil.rmtree(probe.folder)
                again(world, command, is_old)
                check_files(world, command, is_old, True)
                check_store(world, command)
                command.after(world)
            except AssertionError as fault:
                faults[f"{before}: before {killed[-1]}: {str(fault).splitlines()[0][:150]} {str(fault)[-300:]!r}"] += 1
                shutil.rmtree(tmp_path / "probe", ignore_errors=True)
        finally:
            end(world, server)
    row(name, f"{len(operations)} operations", f"{len(killed)} kills", f"{len(set(killed))} places", f"{sum(faults.values())} faults")
    assert not faults, "\n".join(faults)


def again(world, command, is_old):
    """The same command once more does it, or says that it is done."""
    arguments = world.command(*command.arguments, person=command.person, config=world.unreachable() if command.offline else None)
    if command.answered:
        status, out, err = command.answered(world, arguments, {})
        assert status == 0, err
        return
    done = Run(*arguments, secrets=command.secrets or pin_of(command.person))
    already = [*command.already]
    if command.keeps_old:
        already.append(("KZ-U01", "別の名前"))
    if done.status:
        assert any(done.code == code and text in done.err for code, text in already), f"once more: {done.err}"
