#!/usr/bin/env python3
"""The models of fhir.resources as judge: validate.py good|broken FOLDER …

A resource under `good` must be read without an error, one under `broken` must not. FHIR R4B has every type that is
judged here, with the same elements as R4.
"""

import collections
import json
import pathlib
import sys

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError


def errors(file):
    """What is wrong with a resource, as texts that begin with a path."""
    try:
        resource = json.loads(file.read_bytes())
        return [*nothings(resource, ""), *problems(resource)]
    except (ValueError, KeyError, LookupError) as error:
        return [f"{type(error).__name__}: {error}"]


def problems(resource):
    """What the model says. It takes elements without a value for absent ones, see nothings()."""
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return []


def nothings(value, path):
    """Members without a value: "an element is never null and never empty" (FHIR R4, 2.6.2)."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        below = f"{path}.{name}" if path else str(name)
        if member is None or member in ("", [], {}):
            yield f"{below}: has no value"
        yield from nothings(member, below)


def group(file):
    """`client received Consent` for a file of a recording, else its folder and name."""
    parts = file.stem.split("-")
    return " ".join([file.parent.name, *(parts[1:] if parts[0].isdigit() else parts)])


class Count:
    """What was judged."""

    def __init__(self):
        self.judged = collections.Counter()
        self.wrong = collections.Counter()
        self.refused = 0
        self.taken = 0

    def good(self, file):
        found = errors(file)
        self.judged[group(file)] += 1
        self.wrong[group(file)] += bool(found)
        for text in found:
            print(f"ERROR {file.parent.name}/{file.name}: {text}")

    def broken(self, file):
        if errors(file):
            self.refused += 1
        else:
            self.taken += 1
            print(f"NOT REFUSED: {file.name}")

    def tell(self):
        """One line for each group, and the count: a group is a check, and so is a broken resource."""
        for name, number in sorted(self.judged.items()):
            print(f"{number:5} {name}, {self.wrong[name]} wrong")
        failed = self.taken + sum(1 for name in self.judged if self.wrong[name])
        passed = len(self.judged) + self.taken + self.refused - failed
        print(f"| fhir.resources | {sum(self.judged.values()):5} resources | {sum(self.wrong.values()):4} wrong "
              f"| {self.refused:3} broken ones refused |")
        print(f"{passed} passed, {failed} failed")
        return failed == 0 and bool(self.judged) and bool(self.refused)


def main(arguments):
    count = Count()
    for expected, folder in zip(arguments[::2], arguments[1::2], strict=True):
        for file in sorted(pathlib.Path(folder).rglob("*.json")):
            getattr(count, expected)(file)
    sys.exit(not count.tell())


if __name__ == "__main__":
    main(sys.argv[1:])
