"""Generated sources: the same library gives the same text, and none of it is committed."""

import filecmp
import os
import re
import subprocess

import pytest
from conftest import BIN, ROOT

LANGUAGES = {"kotlin-jvm": 1, "kotlin-android": 1, "python": 1, "swift": 3}


def generate(language, folder):
    generators = {"UNIFFI_BINDGEN": "uniffi-bindgen", "UNIFFI_BINDGEN_SWIFT": "uniffi-bindgen-swift"}
    environment = os.environ | {name: str(BIN / program) for name, program in generators.items()}
    command = [ROOT / "bindings/scripts/generate.sh", language, folder, BIN / "libkazasu_ffi.so"]
    subprocess.run(command, check=True, capture_output=True, env=environment)


@pytest.mark.parametrize("language", LANGUAGES)
def test_twice_generated_is_the_same(tmp_path, language):
    listings = []
    for name in ("one", "two"):
        generate(language, tmp_path / name)
        listings.append(sorted(path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*") if path.is_file()))
    assert listings[0] == listings[1]
    assert len(listings[0]) == LANGUAGES[language]
    for file in listings[0]:
        assert filecmp.cmp(tmp_path / "one" / file, tmp_path / "two" / file, shallow=False), file
        text = (tmp_path / "one" / file).read_text()
        assert str(ROOT) not in text, "a path of this machine"


def test_no_object_of_ours_is_an_argument(tmp_path):
    """Generated Kotlin keeps a receiver alive while it is called, but not an argument that another thread closes."""
    generate("kotlin-jvm", tmp_path)
    text = next(tmp_path.rglob("kazasu_ffi.kt")).read_text()
    # What an app implements has a class of its own, `…Impl`, on the way back only.
    objects = set(re.findall(r"^open class (\w+): Disposable", text, re.MULTILINE))
    objects = {name for name in objects if not name.endswith("Impl")}
    assert "Session" in objects
    arguments = set(re.findall(r"FfiConverter(?:Optional)?Type(\w+)\.lower\(`", text))
    assert arguments & objects == set()


def test_generated_sources_are_not_committed():
    committed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if committed.returncode:
        pytest.skip("not a git work tree")
    names = ("kazasu_ffi.kt", "kazasu_ffi.py", "KazasuFFI.swift", "kazasu_ffiFFI.h")
    assert [file for file in committed.stdout.splitlines() if file.endswith(names)] == []
