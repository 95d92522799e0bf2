"""No VERIFY command with the PIN stays in native memory.

The tap runs in a child process, whose memory is searched from here: the searched bytes are never put together there.
Four digits alone occur by chance; the whole command does not.
"""

import json
import pathlib
import subprocess
import sys
import time

import pytest
from conftest import Link, kz

VERIFY = 0x20  # ISO/IEC 7816-4:2020, 11.5.6


def occurrences(pid, needle):
    """How often `needle` stands in the readable memory of a process, and how many bytes were searched."""
    found = searched = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, access = line.split()[:2]
            if "r" not in access or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            start, end = (int(text, 16) for text in span.split("-"))
            try:
                memory.seek(start)
                block = memory.read(end - start)
            except (OSError, OverflowError):
                continue  # guard pages, device memory
            found += block.count(needle)
            searched += len(block)
    return found, searched


def verify_command(session, pin):
    """The command that carries the PIN, and its place among the exchanges of a tap."""
    commands = []

    class Recording(Link):
        def transceive(self, command):
            commands.append(command)
            return super().transceive(command)

    try:
        session.tap(Recording(kz.SimulatedCard("today", 1).tap(None)), pin, kz.LastAttempt.REFUSE, None)
    except kz.KazasuError.WrongPin:
        pass
    [found] = [(at, command) for at, command in enumerate(commands) if command[1] == VERIFY and len(command) > 5]
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("pin, outcome", [(b"1234", "signed"), (b"9731", "KZ-C04")], ids=["right", "wrong"])
def test_no_verify_command_stays_in_native_memory(sandbox, begin, pin, outcome):
    exchange, needle = verify_command(begin(), pin)
    assert needle.endswith(b"\x04" + pin)
    arguments = json.dumps({"config": str(sandbox.file), "pin": pin.hex(), "fault": f"exchange={exchange}:delay=1500"})
    script = pathlib.Path(__file__).with_name("tapping.py")
    child = subprocess.Popen([sys.executable, script, arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        assert occurrences(child.pid, needle)[0] == 0
        child.stdin.write("tap\n")
        child.stdin.flush()
        during, deadline = 0, time.monotonic() + 10
        while during == 0 and time.monotonic() < deadline:
            during, _ = occurrences(child.pid, needle)
        assert during > 0, "the control found nothing: the search would not have noticed a leak"
        child.stdin.write("wait\n")
        child.stdin.flush()
        assert child.stdout.readline().strip() == outcome
        assert child.stdout.readline().strip() == "1"
        after, searched = occurrences(child.pid, needle)
        print(f"VERIFY with the PIN: {during} during the call, {after} after it, {searched >> 20} MB searched")
        assert after == 0
    finally:
        child.kill()
        child.wait()
