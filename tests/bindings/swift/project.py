"""Checks the files of the iOS sample that no compiler reads here.

The project parses, every identifier in it exists, every Swift file on disk is built and every file it names is there; the
property lists and string catalogues parse; each text exists in Japanese and English with the same arguments; every key
the sources name is in the catalogue and none is left over; the AIDs are those of the core.
"""

import json
import plistlib
import re
import sys
from pathlib import Path

from openstep_parser import OpenStepDecoder

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "ios-sample"
ARGUMENT = re.compile(r"%(?:\d+\$)?[@d]")
IDENTIFIER = re.compile(r"[0-9A-F]{24}")


def project():
    objects_of = OpenStepDecoder.ParseFromFile((SAMPLE / "KazasuSample.xcodeproj/project.pbxproj").open(encoding="utf-8"))
    objects = objects_of["objects"]
    assert objects_of["rootObject"] in objects, "rootObject"

    def values(value):
        if isinstance(value, dict):
            for inner in value.values():
                yield from values(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from values(inner)
        else:
            yield value

    for name, entry in objects.items():
        for value in values(entry):
            assert not IDENTIFIER.fullmatch(str(value)) or value in objects, f"{name}: {value} does not exist"

    def files(group, folder):
        for child in objects[group]["children"]:
            entry = objects[child]
            inner = folder / entry["path"] if "path" in entry else folder
            if entry["isa"] == "PBXGroup":
                yield from files(child, inner)
            elif entry["sourceTree"] == "<group>":
                yield child, inner

    root = objects[objects_of["rootObject"]]
    named = dict(files(root["mainGroup"], SAMPLE))
    for path in named.values():
        assert path.exists(), f"{path} is named and not there"
    built = {
        named[objects[file]["fileRef"]]
        for entry in objects.values()
        if entry["isa"] == "PBXSourcesBuildPhase"
        for file in entry["files"]
    }
    on_disk = set((SAMPLE / "KazasuSample").rglob("*.swift"))
    assert built == on_disk, f"differ: {built ^ on_disk}"
    packages = [e["relativePath"] for e in objects.values() if e["isa"] == "XCLocalSwiftPackageReference"]
    assert [(SAMPLE / p / "Package.swift").is_file() for p in packages] == [True], packages


def plists():
    core = (ROOT / "core/src/card/profile.rs").read_text(encoding="utf-8")
    aids = {m.replace("0x", "").replace(", ", "") for m in re.findall(r"\[(0xD3(?:, 0x[0-9A-F]{2}){9})\]", core)}
    info = plistlib.loads((SAMPLE / "KazasuSample/Info.plist").read_bytes())
    assert len(aids) == 5, aids
    assert set(info["com.apple.developer.nfc.readersession.iso7816.select-identifiers"]) == aids, "Info.plist"
    for name in ("Kazasu.docc/GettingStarted.md", "NfcCardReader.swift"):
        text = (ROOT / "bindings/swift/Sources/Kazasu" / name).read_text(encoding="utf-8")
        assert set(re.findall(r"D392[0-9A-F]{16}", text)) == aids, name
    rights = plistlib.loads((SAMPLE / "KazasuSample/KazasuSample.entitlements").read_bytes())
    assert rights["com.apple.developer.nfc.readersession.formats"] == ["TAG"], rights


def strings():
    for name in ("Localizable.xcstrings", "InfoPlist.xcstrings"):
        for key, entry in json.loads((SAMPLE / name).read_text(encoding="utf-8"))["strings"].items():
            texts = {lang: unit["stringUnit"]["value"] for lang, unit in entry["localizations"].items()}
            assert set(texts) == {"ja", "en"} and all(texts.values()), key
            assert ARGUMENT.findall(texts["ja"]) == ARGUMENT.findall(texts["en"]), key


def keys():
    known = set(json.loads((SAMPLE / "Localizable.xcstrings").read_text(encoding="utf-8"))["strings"])
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted((SAMPLE / "KazasuSample").rglob("*.swift")))
    used = set()
    for literal in re.findall(r'"([a-z]+(?:\.[a-z0-9]+|\.\\\([^"]*\))+)"', sources):
        pattern = re.compile(re.sub(r"\\\\\\\(.*\\\)", "[a-z0-9]+", re.escape(literal)))
        found = {key for key in known if pattern.fullmatch(key)}
        if found or literal.split(".")[0] in {key.split(".")[0] for key in known}:
            assert found, f"{literal} is not in the catalogue"
        used |= found
    assert known == used, f"not used: {sorted(known - used)}"


def main():
    failed = 0
    for check in (project, plists, strings, keys):
        try:
            check()
            print("ok", check.__name__)
        except Exception as error:  # every fault is told, of whatever kind
            failed += 1
            print("FAIL", check.__name__)
            print(f"{check.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
