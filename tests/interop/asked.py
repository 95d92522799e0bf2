"""asked.py SECRET[,SECRET…] COMMAND…: runs the command on a terminal of its own and types each secret when something asks.

Standard input and output stay what they are; what the command writes to its terminal, prompts included, goes to standard
error. With ASKED_ON_STDIN standard input is that terminal, and the value is typed first, as a document with an end, unless
it is empty. Exits with the command's status. Ends it after 30 seconds.
"""

import os
import pty
import select
import signal
import sys
import time

secrets, command = [secret for secret in sys.argv[1].split(",") if secret], sys.argv[2:]
stdin, stdout = os.dup(0), os.dup(1)
pid, terminal = pty.fork()
if pid == 0:
    if "ASKED_ON_STDIN" not in os.environ:
        os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.execvp(command[0], command)
if os.environ.get("ASKED_ON_STDIN"):
    os.write(terminal, os.environ["ASKED_ON_STDIN"].encode() + b"\n\x04")
deadline, shown = time.monotonic() + 30, b""
while time.monotonic() < deadline:
    readable, _, _ = select.select([terminal], [], [], 0.05)
    if readable:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the command closed it
            break
        if not data:
            break
        shown += data
        sys.stderr.buffer.write(data)
        sys.stderr.flush()
    # A prompt stands at the end of a line, waiting.
    elif secrets and shown.rstrip().endswith((b":", "：".encode(), b"]")):
        shown = b""
        os.write(terminal, secrets.pop(0).encode() + b"\n")
else:
    os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
