#!/usr/bin/env python3
"""Has the real client talk to the sandbox, and copies what the contract prints: collect.py PROGRAMS FOLDER.

`FOLDER/client` gets every FHIR body that went either way, `FOLDER/contract` the resources of tests/vectors/wire.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSENTS = ["limit-certificate", "specific-disease", "checkup", "medication", "diagnosis", "operation", "problem",
            "infection", "allergy", "contraindication", "test", "prescription"]
REASONS = ["lost", "stolen", "pin-leaked", "device-lost"]
UPSTREAM_ERROR = 8  # the person whose eligibility cannot be told
FREE = 9  # a person who is not suspended


class Sandbox:
    """`kazasu-sandbox` that records into a folder; its configuration stands elsewhere."""

    def __init__(self, programs, folder, kept, *switches):
        self.config = kept / "config.json"
        arguments = [programs / "kazasu-sandbox", "--record", folder, "--config-out", self.config]
        arguments += [argument for switch in switches for argument in ("--switch", switch)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline():
            sys.exit("the sandbox did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=20)

    def consent_to(self, consents):
        config = json.loads(self.config.read_text())
        self.config.write_text(json.dumps(config | {"consents": consents}))


class Client:
    """`kazasu` with the simulated card of a person, and what it keeps of their taps."""

    def __init__(self, programs, sandbox, kept):
        self.program = programs / "kazasu"
        self.sandbox = sandbox
        self.kept = kept
        people = json.loads((ROOT / "tests/people/people.json").read_text())["people"]
        self.pins = {person["number"]: person["pins"]["authentication"] for person in people}

    def run(self, person, *command, expected=0):
        """What a command prints as JSON; of the card it needs a PIN, once."""
        arguments = ["--json", "--sim", "today", "--person", str(person), "--pin-stdin", "--config", self.sandbox.config,
                     "--keep", self.kept / f"{person}.json", *command]
        done = subprocess.run([self.program, *arguments], input=self.pins[person] + "\n", text=True, capture_output=True,
                              timeout=120, env=os.environ | {"LC_ALL": "C.UTF-8"})
        if done.returncode != expected:
            sys.exit(f"person {person}, {command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout) if done.stdout else {}


def record(programs, folder, kept):
    """All ten people with everything the client does; then a server that wants the request wrapped."""
    with Sandbox(programs, made(folder / "client"), kept) as sandbox:
        client = Client(programs, sandbox, kept)
        for person in client.pins:
            client.run(person, "records", expected=int(person == UPSTREAM_ERROR))
        give_and_withdraw(client)
        register(client)
        suspend(client)
        for consents in ([], CONSENTS):
            sandbox.consent_to(consents)
            client.run(FREE, "qualify")
    with Sandbox(programs, made(folder / "client-wrapped"), made(kept / "wrapped"), "require-wrapped") as sandbox:
        Client(programs, sandbox, kept / "wrapped").run(FREE, "qualify")


def give_and_withdraw(client):
    for kind in CONSENTS:
        client.run(1, "consent", "give", "--kind", kind, "--yes")
    client.run(1, "consent", "withdraw", "--kind", CONSENTS[0], "--yes")
    client.run(1, "consent", "list")


def register(client):
    """One registration is looked at until it ends, without the pauses of --follow; one is withdrawn."""
    for looks, withdraw in ((4, ()), (1, ("--withdraw",))):
        receipt = client.run(1, "register", "--yes")["registration"]["receipt"]
        for _ in range(looks):
            found = client.run(1, "register", "--receipt", receipt, *withdraw)["registration"]
        if not found["final"]:
            sys.exit(f"a registration has not ended: {found}")


def suspend(client):
    for person, reason in enumerate(REASONS, 1):
        client.run(person, "suspend", "--reason", reason, "--last-seen", "2026-11-20T18:00:00+09:00", "--yes")
    client.run(len(REASONS) + 1, "suspend", "--yes")


def made(folder):
    folder.mkdir(parents=True)
    return folder


def copy_contract(folder):
    """The files that are FHIR, not those of the authorization server."""
    for file in sorted((ROOT / "tests/vectors/wire").glob("*.json")):
        if "resourceType" in json.loads(file.read_text()):
            shutil.copy(file, folder)


def complete(folder):
    """A recording in which something is missing would be judged well."""
    kinds = {re.sub(r"^\d+-", "", file.stem) for file in folder.glob("client*/*-*.json")}
    wanted = {"received-CoverageEligibilityRequest", "received-Parameters", "received-Consent", "received-Task",
              "answered-CoverageEligibilityResponse",
              "answered-Bundle", "answered-OperationOutcome"}
    if missing := wanted - kinds:
        sys.exit(f"not recorded: {sorted(missing)}")


def main(programs, folder):
    with tempfile.TemporaryDirectory() as kept:
        record(programs, folder, pathlib.Path(kept))
    copy_contract(made(folder / "contract"))
    complete(folder)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
