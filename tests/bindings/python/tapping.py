"""A process that taps once, for test_memory.py: reads lines from stdin, answers each with one on stdout.

`tap` starts a tap during which the card takes a second and a half to answer VERIFY; `wait` waits until it has ended.
"""

import json
import pathlib
import sys
import threading

from conftest import DeviceKey, kz, read_config


def main():
    arguments = json.loads(sys.argv[1])
    client = kz.QualifyClient(read_config(pathlib.Path(arguments["config"])), kz.Language.JAPANESE)
    session = client.session(kz.Member(purpose=kz.Purpose.OWN), DeviceKey())
    session.begin()
    card = kz.SimulatedCard("today", 1)
    # The card lives in the library too: no copy of a command passes through Python.
    link = card.tap(arguments["fault"])

    def tap():
        try:
            session.tap(link, bytes.fromhex(arguments["pin"]), kz.LastAttempt.REFUSE, None)
        except kz.KazasuError as error:
            print(error.code(), flush=True)
        else:
            print("signed", flush=True)

    print("ready", flush=True)
    for line in sys.stdin:
        if line == "tap\n":
            running = threading.Thread(target=tap)
            running.start()
        elif line == "wait\n":
            running.join()
            print(card.verify_count(), flush=True)


if __name__ == "__main__":
    main()
