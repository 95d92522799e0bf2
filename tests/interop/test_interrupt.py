"""Ctrl-C at every exchange: what it says of the PIN is what became of the PIN."""

import json
import signal
import subprocess
import time

import pytest

from conftest import BIN, PASSWORD, PIN, pin_entries, row, trace

NUMBER_B = "02040520350123"
# name: arguments, secrets, exchanges
COMMANDS = {
    "attributes": (("card", "attributes"), PIN, 4),
    "sign": (("card", "authenticate", "--challenge", "0011223344556677"), PIN, 5),
    "pin-change": (("card", "pin-change", "--kind", "auth"), f"{PIN}\n7391\n", 4),
}
ASLEEP = 0.8


def interrupted(tmp_path, arguments, secrets, exchange):
    """A run that gets Ctrl-C while the card takes its time over one exchange."""
    file = tmp_path / "trace.jsonl"
    file.unlink(missing_ok=True)
    run = subprocess.Popen(
        [BIN / "kazasu", "--sim", f"today+exchange={exchange}:delay={int(ASLEEP * 1000)}", "--sim-state", tmp_path / "card.json",
         "--trace", file, *arguments, "--pin-stdin", "--lang", "en"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run.stdin.write(secrets.encode())
    run.stdin.close()
    deadline = time.monotonic() + 10
    # The file is there once the card is held.
    while (not file.exists() or len(trace(file)) < exchange) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(ASLEEP / 4)
    run.send_signal(signal.SIGINT)
    status = run.wait(20)
    sent = [exchange for exchange in trace(file) if "not sent" not in exchange.get("error", "")]
    return status, run.stderr.read().decode(), sent


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_between_exchanges_is_no_doubt(tmp_path, command):
    arguments, secrets, exchanges = COMMANDS[command]
    seen = []
    for exchange in range(exchanges):
        (tmp_path / "card.json").unlink(missing_ok=True)
        status, told, made = interrupted(tmp_path, arguments, secrets, exchange)
        assert made and len(made) == exchange + 1, (exchange, told)  # nothing more was sent
        is_change = made[-1]["ins"] == "24"
        # Whoever changed a PIN is told so; everything else was ended.
        assert status == (0 if is_change else 130), (exchange, status, told)
        assert ("KZ-U03" in told) == (not is_change) and "may" not in told, (exchange, told)
        seen.append(made[-1]["ins"])
        state = json.loads((tmp_path / "card.json").read_text()) if (tmp_path / "card.json").exists() else {}
        kept = json.dumps(state)
        assert '"attempts_left": 2' not in kept and (("7391" in kept) == is_change), (exchange, kept)
        assert len(pin_entries(made)) <= 1
    row(command, "Ctrl-C during", " ".join(seen), "130" if "24" not in seen else "130, 0 once the PIN is changed")
