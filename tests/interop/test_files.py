"""Files the command line writes: whole or not at all, their owner's alone; and what signals, full disks and panics leave."""

import contextlib
import os
import pathlib
import pty
import resource
import select
import shutil
import signal
import stat
import subprocess
import tempfile
import termios
import time

import pytest

from conftest import BIN, PASSWORD, PIN, ROOT, Run, Sandbox, notice
from test_holder import NUMBER_B
from test_kills import HOOK, hook  # noqa: F401

OLD = b"what stood here before\n"
# Command, secrets; {} is the file.
REPLACING = {
    "face": (("card", "face", "-o", "{}"), NUMBER_B),
    "name image": (("card", "face", "-o", "/dev/null", "--name-image", "{}"), NUMBER_B),
    "address image": (("card", "face", "-o", "/dev/null", "--address-image", "{}"), NUMBER_B),
    "signature": (("card", "sign", ROOT / "LICENSE-MIT", "-o", "{}"), PASSWORD),
    "certificate": (("card", "certificate", "-o", "{}"), ""),
    "signature certificate": (("card", "certificate", "--kind", "sign", "-o", "{}"), PASSWORD),
    "doctor": (("card", "doctor", "--yes", "-o", "{}"), ""),
    "trace": (("card", "info", "--trace", "{}"), ""),
    "report": (("report", "--from", ROOT / "tests/interop/report.json", "-o", "{}"), ""),
    "state of the simulated card": (("card", "pin-change", "--kind", "auth", "--sim-state", "{}"), f"{PIN}\n8642"),
}
NEW = {
    "export": (("export", "zaim", "--from", "{notice}", "-o", "{}"), ""),
}


@pytest.fixture
def kazasu(tmp_path):
    """Runs a command of the tables above with `file` as what it writes."""
    (tmp_path / "notice.csv").write_text(notice(5))
    (tmp_path / "folder").mkdir()

    def run(command, file, umask=0o022, raw=False):
        arguments, secrets = command
        arguments = [str(one).replace("{notice}", str(tmp_path / "notice.csv")).replace("{}", str(file)) for one in arguments]
        arguments = ["--sim", "today", "--pin-stdin", "--lang", "en", *arguments]
        if raw:
            return subprocess.run([BIN / "kazasu", *arguments], input=secrets.encode(), capture_output=True, check=True).stdout
        old = os.umask(umask)
        try:
            return Run(*arguments, secrets=secrets)
        finally:
            os.umask(old)

    run.folder = tmp_path / "folder"
    return run


def mode(file):
    return stat.S_IMODE(os.lstat(file).st_mode)


@pytest.mark.parametrize("umask", [0o022, 0o000])
@pytest.mark.parametrize("name", [*REPLACING, *NEW])
def test_a_new_file_is_its_owners_alone(kazasu, name, umask):
    file = kazasu.folder / "file"
    kazasu((REPLACING | NEW)[name], file, umask).succeeded()
    assert (oct(mode(file)), file.stat().st_size > 0, os.listdir(kazasu.folder)) == (oct(0o600), True, ["file"])


@pytest.mark.parametrize("name", [name for name in REPLACING if "state" not in name])
def test_what_stood_there_is_replaced_not_written_to(kazasu, name):
    file, other, link, victim = (kazasu.folder / one for one in ("file", "other", "link", "victim"))
    file.write_bytes(OLD)
    file.chmod(0o644)
    os.link(file, other)
    victim.write_bytes(OLD)
    link.symlink_to(victim)
    for target in (file, link):
        kazasu(REPLACING[name], target).succeeded()
        assert (target.is_symlink(), oct(mode(target))) == (False, oct(0o600)) and target.read_bytes() != OLD
    assert other.read_bytes() == victim.read_bytes() == OLD and (mode(other), mode(victim)) == (0o644,) * 2
    dangling = kazasu.folder / "dangling"
    dangling.symlink_to(kazasu.folder / "nowhere")
    kazasu(REPLACING[name], dangling).succeeded()
    assert sorted(os.listdir(kazasu.folder)) == ["dangling", "file", "link", "other", "victim"]


@pytest.mark.parametrize("name", NEW)
def test_a_file_or_link_that_is_there_stays(kazasu, name):
    link = kazasu.folder / "link"
    link.symlink_to(kazasu.folder / "nowhere")
    assert "choose another one" in kazasu(NEW[name], link).failed_with("KZ-U01").err
    assert os.listdir(kazasu.folder) == ["link"] and link.is_symlink()


@pytest.mark.parametrize("name", [*REPLACING, *NEW])
def test_a_place_that_takes_no_file_is_told_before_any_secret(kazasu, name):
    if "state" in name:
        pytest.skip("the simulated card is written to afterwards")
    command = (REPLACING | NEW)[name]
    for place in (kazasu.folder / "none" / "file", kazasu.folder):
        # Nobody is asked for a secret: there is none.
        assert kazasu((command[0], ""), place).failed_with("KZ-U01").out == ""
    assert os.listdir(kazasu.folder) == []


def unprivileged():
    """What makes a command an ordinary user's."""
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is missing, and this is root")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@contextlib.contextmanager
def public_copy():
    """A folder that every user may enter, with the program."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(BIN / "kazasu", folder)
        yield pathlib.Path(folder)


def test_a_folder_that_may_not_be_written_to_is_told():
    with public_copy() as folder:
        (folder / "closed").mkdir(mode=0o555)
        done = subprocess.run([*unprivileged(), folder / "kazasu", "--sim", "today", "--lang", "en", "card", "certificate", "-o",
                               folder / "closed" / "file"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stderr.startswith("KZ-U01") and "ermission denied" in done.stderr
        assert os.listdir(folder / "closed") == []
        (folder / "closed").chmod(0o755)


# Devices, pipes and full disks

@pytest.mark.parametrize("name", [*REPLACING, *NEW])
def test_devices_and_pipes_are_written_to_and_stay(kazasu, name):
    if "state" in name:
        pytest.skip("a simulated card that is read from a device is none")
    command = (REPLACING | NEW)[name]
    before = os.stat("/dev/null").st_rdev
    kazasu(command, "/dev/null").succeeded()
    assert (os.lstat("/dev/null").st_rdev, stat.S_ISCHR(os.lstat("/dev/null").st_mode)) == (before, True)
    assert "No space left" in kazasu(command, "/dev/full").failed_with("KZ-U01").err
    for descriptor in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        assert len(kazasu(command, descriptor, raw=True)) > 100 and os.path.islink("/dev/stdout")
    fifo = kazasu.folder / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        kazasu(command, fifo).succeeded()
        assert reader.communicate(timeout=10)[0] and stat.S_ISFIFO(os.lstat(fifo).st_mode)


OUTPUTS = [("card", "info"), ("card", "info", "--json"), ("card", "certificate"), ("safety", "--json"), ("safety",), ("--help",),
           ("--version",), ("card", "authenticate", "--challenge", "00" * 8, "--json")]


@pytest.mark.parametrize("arguments", OUTPUTS, ids=" ".join)
def test_a_full_output_is_a_failure(tmp_path, arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BIN / "kazasu", "--sim", "today", "--lang", "en", "--store", tmp_path, "--pin-stdin", *arguments],
                              input=PIN, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "KZ-U01" in done.stderr and "No space left" in done.stderr
    assert "panicked" not in done.stderr


def test_a_full_standard_error_is_a_failure_and_no_panic(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BIN / "kazasu", "--sim", "today", "card", "certificate"], stdout=subprocess.PIPE, stderr=full,
                              text=True, timeout=60)
    assert done.returncode == 1 and "END CERTIFICATE" in done.stdout


def test_a_reader_that_has_gone_is_no_failure():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([BIN / "kazasu", "--sim", "today", "card", "info"], stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_disk_that_fills_up_leaves_the_old_file(kazasu):
    """The limit on the size of a file stands for the disk: writing ends in the middle."""
    file = kazasu.folder / "file"
    file.write_bytes(OLD)
    command = [BIN / "kazasu", "--sim", "today", "--pin-stdin", "card", "face", "-o", file]

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = subprocess.run(command, input=NUMBER_B.encode(), capture_output=True, preexec_fn=small, timeout=60)
    assert done.returncode == 1 and b"KZ-U01" in done.stderr
    assert file.read_bytes() == OLD and os.listdir(kazasu.folder) == ["file"]


# Signals

def on_terminal(arguments, until, environment=()):
    """Starts the program on a terminal of its own and waits until it asks; what it had of settings comes with it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(environment)
        os.execv(BIN / "kazasu", ["kazasu", *map(str, arguments)])
    before, shown, deadline = termios.tcgetattr(terminal), b"", time.monotonic() + 20
    while until.encode() not in shown and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 1000)
    assert until.encode() in shown, shown
    return pid, terminal, before


def ended(pid, terminal):
    """Exit status, the settings of the terminal, and what was shown last."""
    shown, deadline = b"", time.monotonic() + 10
    while time.monotonic() < deadline:
        while select.select([terminal], [], [], 0.02)[0]:
            try:
                shown += os.read(terminal, 1000)
            except OSError:
                break
        after = termios.tcgetattr(terminal)
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), after, shown.decode()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    pytest.fail("the program did not end")


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("typed", [b"", b"0204"])
def test_a_signal_at_a_secret_prompt_gives_the_echo_back(tmp_path, number, typed):
    file = tmp_path / "photo.png"
    pid, terminal, before = on_terminal(("--sim", "today", "--lang", "en", "card", "face", "-o", file), "code): ")
    assert not termios.tcgetattr(terminal)[3] & termios.ECHO
    os.write(terminal, typed)
    time.sleep(0.3)  # what the terminal takes only after the signal it echoes, whatever program there was
    os.kill(pid, number)
    status, after, shown = ended(pid, terminal)
    assert (status, after == before, "KZ-U03" in shown) == (128 + number, True, True)
    assert "0204" not in shown and os.listdir(tmp_path) == []


@pytest.mark.parametrize("key, status", [(b"\x03", 130), (b"\x04", 130)])
def test_keys_at_a_secret_prompt_end_it(tmp_path, key, status):
    pid, terminal, before = on_terminal(("--sim", "today", "--lang", "en", "card", "face", "-o", tmp_path / "p"), "code): ")
    os.write(terminal, key)
    done, after, shown = ended(pid, terminal)
    assert (done, after == before, "KZ-U03" in shown, os.listdir(tmp_path)) == (status, True, True, [])


def test_a_secret_can_be_corrected_and_is_not_shown(tmp_path):
    file = tmp_path / "photo.png"
    pid, terminal, before = on_terminal(("--sim", "today", "--lang", "en", "card", "face", "-o", file), "code): ")
    os.write(terminal, b"99\x7f\x7f" + NUMBER_B.encode() + b"\n")
    done, after, shown = ended(pid, terminal)
    assert (done, after == before, file.exists(), NUMBER_B in shown) == (0, True, True, False)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_at_a_question_ends_the_program_with_its_code(tmp_path, number):
    file = tmp_path / "report.json"
    pid, terminal, before = on_terminal(("--sim", "today", "--lang", "en", "card", "doctor", "-o", file), "[y/N] ")
    os.kill(pid, number)
    status, after, _ = ended(pid, terminal)
    assert (status, after == before, os.listdir(tmp_path)) == (128 + number, True, [])


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("is_old", [False, True])
def test_a_signal_while_a_file_is_written_leaves_none_of_it(hook, tmp_path, number, is_old):  # noqa: F811
    """The disk does not answer before each of the operations in turn."""
    folder = tmp_path / "out"
    folder.mkdir()
    command = [BIN / "kazasu", "--sim", "today", "card", "certificate", "-o", folder / "c.pem"]
    log = tmp_path / "log"
    environment = {**os.environ, "LD_PRELOAD": str(HOOK), "KILL_LOG": str(log)}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    (folder / "c.pem").unlink()
    operations = log.read_text().splitlines()
    # From the one after the new file was made to the rename; at other places there is nothing to leave.
    made = max(n for n, line in enumerate(operations) if " open " in line) + 2
    renamed = next(n for n, line in enumerate(operations) if " rename " in line) + 1
    assert renamed > made + 1
    for before in range(made, renamed + 1):
        log.unlink()
        if is_old:
            (folder / "c.pem").write_bytes(OLD)
        with subprocess.Popen(command, env={**environment, "KILL_BEFORE": str(before), "KILL_HOLD": "1"}, stderr=subprocess.PIPE) as run:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and (not log.exists() or len(log.read_text().splitlines()) < before):
                time.sleep(0.01)
            assert any(name.endswith(".new") for name in os.listdir(folder)), (before, log.read_text(), os.listdir(folder))
            run.send_signal(number)
            assert run.wait(10) == 128 + number
        assert os.listdir(folder) == (["c.pem"] if is_old else [])
        assert not is_old or (folder / "c.pem").read_bytes() == OLD


def test_what_is_ignored_at_the_start_stays_ignored(tmp_path):
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execv(BIN / "kazasu", ["kazasu", "--sim", "today", "--lang", "en", "card", "doctor", "-o", str(tmp_path / "d")])
    shown = b""
    while b"[y/N] " not in shown:
        shown += os.read(terminal, 1000)
    os.kill(pid, signal.SIGHUP)
    time.sleep(0.2)
    assert os.waitpid(pid, os.WNOHANG)[0] == 0
    os.write(terminal, b"y\n")
    assert ended(pid, terminal)[0] == 0 and (tmp_path / "d").exists()


def test_a_reader_that_does_not_read_holds_nobody(tmp_path):
    """Standard error is a pipe that is full."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 65536)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x")
    os.set_blocking(writer, True)
    with subprocess.Popen([BIN / "kazasu", "--sim", "today", "card", "certificate", "-o", tmp_path / "c"], stderr=writer) as run:
        while not (tmp_path / "c").exists():
            time.sleep(0.01)
        run.send_signal(signal.SIGTERM)
        assert run.wait(10) == 143
    os.close(reader)
    os.close(writer)


def test_the_demo_leaves_nothing_when_it_is_ended(tmp_path):
    with subprocess.Popen([BIN / "kazasu", "demo"], env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 20
        while not (found := list(tmp_path.rglob("family.kazasu"))) and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        assert found and all(mode(one) == 0o700 for one in tmp_path.iterdir())
        run.send_signal(signal.SIGTERM)
        assert run.wait(10) in (143, 0)  # it may have come to its end
    assert os.listdir(tmp_path) == []


# The process

def test_there_are_no_core_dumps_and_nobody_else_reads_the_memory():
    with public_copy() as folder, subprocess.Popen(
            [*unprivileged(), folder / "kazasu", "--sim", "today", "--pin-stdin", "card", "authenticate", "--challenge", "00" * 8],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder) as run:
        process, deadline = pathlib.Path(f"/proc/{run.pid}"), time.monotonic() + 10
        # Until it waits for a secret: the thread that heeds signals is there.
        while len(os.listdir(process / "task")) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        limits = next(line for line in process.joinpath("limits").read_text().splitlines() if line.startswith("Max core file size"))
        assert limits.split()[4:6] == ["0", "0"], limits
        # Files of a process that may not be dumped are root's.
        user = int(process.joinpath("status").read_text().split("Uid:")[1].split()[0])
        assert (os.stat(process / "mem").st_uid, user != 0) == (0, True)
        run.communicate(PIN.encode(), timeout=20)
        assert run.returncode == 0


@pytest.mark.parametrize("arguments, secret", [
    (("card", "sign", ROOT / "LICENSE-MIT", "-o", "/dev/null"), PASSWORD), (("card", "face", "-o", "/dev/null"), NUMBER_B),
    (("card", "certificate", "--kind", "sign"), PASSWORD)])
def test_no_memory_is_given_back_with_a_secret_in_it(tmp_path, arguments, secret):
    library, source = tmp_path / "free_hook.so", pathlib.Path(__file__).with_name("free_hook.c")
    subprocess.run([shutil.which("gcc") or "cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    hooked = {"LD_PRELOAD": str(library), "FREE_SECRET": secret}
    Run("--sim", "today", "--pin-stdin", *arguments, secrets=secret, env=hooked).succeeded()


def test_a_store_damaged_while_it_is_open_is_told_without_a_word_of_a_panic(tmp_path):
    server = Sandbox(tmp_path)
    store = ("--store", tmp_path / "store", "--config", server.config, "--lang", "en")
    try:
        Run(*store, "--sim", "today", "--pin-stdin", "member", "add", "x", "--yes", secrets=PIN).succeeded()
    finally:
        server.stop()
    file = tmp_path / "store" / "family.kazasu"
    whole = file.read_bytes()
    for damage in (b"\xff" * (len(whole) - 4096), bytes(len(whole) - 4096), os.urandom(len(whole) - 4096)):
        pid, terminal, before = on_terminal((*store, "--member", "x", "suspend"), "[y/N] ")
        with open(file, "r+b") as open_file:
            open_file.seek(4096)
            open_file.write(damage)
        os.write(terminal, b"y\n")
        status, after, shown = ended(pid, terminal)
        assert "panic" not in shown and "BACKTRACE" not in shown and "thread" not in shown, shown
        assert (status, after == before, "KZ-L01" in shown) == (1, True, True), shown
        file.write_bytes(whole)
