"""Judges a list of contents (SBOM) by the file it is about.

    contents.py LIST.cdx.json UNSTRIPPED_FILE
"""

import json
import re
import sys

CRATE = re.compile(rb"/crates/([A-Za-z0-9_-]+?)-([0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+-]*)/")


def named_in(path):
    """The crates whose source files a program names in panics and debug information."""
    with open(path, "rb") as file:
        return {(name.decode(), version.decode()) for name, version in CRATE.findall(file.read())}


def is_valid(text):
    """By the schema, where the package that has it is installed."""
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError:
        return
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, error


def main(list_path, file_path):
    with open(list_path, encoding="utf-8") as file:
        text = file.read()
    is_valid(text)
    document = json.loads(text)
    linked = {(c["name"], c["version"]) for c in document["components"] if c.get("scope") != "excluded"}
    refs = [c["bom-ref"] for c in document["components"]] + [document["metadata"]["component"]["bom-ref"]]
    assert len(refs) == len(set(refs)), "every crate once"
    assert all(d["ref"] in refs and set(d["dependsOn"]) <= set(refs) for d in document["dependencies"])
    assert all(c["licenses"] and c["licenses"][0]["expression"] for c in document["components"]), "every licence"
    assert "/home/" not in text and "file:" not in text and "/root" not in text, "no folder"
    named = named_in(file_path)
    assert len(named) > 10, f"the file names its crates: {named}"
    assert named <= linked, f"not listed: {sorted(named - linked)}"
    print(f"{len(linked)} crates linked, {len(refs) - 1 - len(linked)} that only generate or compile; {len(named)} named by the file")


if __name__ == "__main__":
    main(*sys.argv[1:])
