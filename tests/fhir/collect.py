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

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSENTS = ["limit-certificate", "specific-disease", "checkup", "medication"]
UPSTREAM_ERROR = 8  # the person who gets no answer, so that the client gives up


class Sandbox:
    """`kazasu-sandbox` that records into a folder."""

    def __init__(self, programs, folder, *switches):
        self.config = folder / "config.json"
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
        # What is not FHIR stays out of the recording.
        self.config.unlink()

    def consent_to(self, consents):
        config = json.loads(self.config.read_text())
        self.config.write_text(json.dumps(config | {"consents": consents}))


class Client:
    """`kazasu` with the simulated card of a person."""

    def __init__(self, programs, sandbox):
        self.program = programs / "kazasu"
        self.sandbox = sandbox
        people = json.loads((ROOT / "tests/people/people.json").read_text())["people"]
        self.pins = {person["number"]: person["pins"]["authentication"] for person in people}

    def run(self, person, command):
        """What it needs of the card is a PIN; who meets the upstream error ends with exit code 1."""
        arguments = ["--sim", "today", "--person", str(person), "--pin-stdin", "--config", self.sandbox.config, command]
        done = subprocess.run([self.program, *arguments], input=self.pins[person] + "\n", text=True, capture_output=True,
                              timeout=120, env=os.environ | {"LC_ALL": "C.UTF-8"})
        if done.returncode != (person == UPSTREAM_ERROR):
            sys.exit(f"person {person}, {command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")


def record(programs, folder):
    """All ten people with everything the client asks for; then a server that wants the request wrapped."""
    with Sandbox(programs, made(folder / "client")) as sandbox:
        client = Client(programs, sandbox)
        for person in client.pins:
            client.run(person, "records")
        for consents in ([], CONSENTS):
            sandbox.consent_to(consents)
            client.run(1, "qualify")
    with Sandbox(programs, made(folder / "client-wrapped"), "require-wrapped") as sandbox:
        Client(programs, sandbox).run(1, "qualify")


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
    wanted = {"received-CoverageEligibilityRequest", "received-Parameters", "answered-CoverageEligibilityResponse",
              "answered-Bundle", "answered-OperationOutcome"}
    if missing := wanted - kinds:
        sys.exit(f"not recorded: {sorted(missing)}")


def main(programs, folder):
    record(programs, folder)
    copy_contract(made(folder / "contract"))
    complete(folder)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
