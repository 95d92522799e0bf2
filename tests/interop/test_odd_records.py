"""Cards whose records lack something or say something new: what is there is told, and what is not is said."""

import subprocess

import pytest

from conftest import BIN, PIN, Sandbox
from test_family import Family
from test_holder import BIRTH_DATE, JAPANESE, NUMBER_B, assert_narrow

KANA = "ミホン\u3000ハナコ"
# oddity: command; members that are null; what is not on the card; what is there and not understood.
ODD = {
    "no-photo": ("face", "photo width height", ["photo"], {}),
    "empty-photo": ("face", "photo width height", ["photo"], {}),
    "bad-photo": ("face", "photo width height", [], {"photo": None}),
    "blank-expiry": ("face", "unsigned_expiry", [], {"unsigned_expiry": "99999999"}),
    "blank-sex": ("attributes", "sex", ["sex"], {}),
    "sex-3": ("attributes", "sex", [], {"sex": "3"}),
    "sex-3+no-photo": ("face", "photo width height sex", ["photo"], {"sex": "3"}),
    "blank-birth-date": ("attributes", "birth_date", ["birth_date"], {}),
    "blank-birth-date+extra-fields": ("birth-date", "birth_date", ["birth_date"], {}),
    "era-birth-date": ("birth-date", "birth_date", [], {"birth_date": "H0204050"}),
    "no-address": ("attributes", "address", ["address"], {}),
    "name-not-utf-8": ("attributes", "name", [], {"name": "\ufffd\ufffd\ufffd{"}),
    "extra-fields": ("attributes", "", [], {}),
    "extra-fields+blank-sex": ("face", "sex", ["sex"], {}),
}
SECRETS = {"face": NUMBER_B, "attributes": PIN, "birth-date": BIRTH_DATE}


def arguments(command, folder):
    options = {"face": ("--verify", "-o", folder / "photo.png"), "attributes": ("--verify",), "birth-date": ()}
    return "card", command, *options[command], "--pin-stdin"


@pytest.mark.parametrize("oddity", ODD)
def test_a_field_takes_no_other_with_it(card, tmp_path, oddity):
    command, null, not_on_card, unreadable = ODD[oddity]
    usual = card(*arguments(command, tmp_path), "--json", secrets=SECRETS[command]).succeeded()
    (tmp_path / "photo.png").unlink(missing_ok=True)
    odd = card(*arguments(command, tmp_path), "--json", secrets=SECRETS[command], profile=f"today+{oddity}").succeeded()
    assert odd.json["proof"]["genuine"] is True
    assert (odd.json["not_on_card"], odd.json["unreadable"]) == (not_on_card, unreadable)
    other_fields = "other_fields" if command == "attributes" else "unsigned_other_fields"
    told = {"not_on_card", "unreadable", other_fields}
    expected = {name: None if name in null.split() else value for name, value in usual.json.items() if name not in told}
    assert {name: value for name, value in odd.json.items() if name not in told} == expected
    extra = {"attributes": "DF26", "face": "DF2B"}.get(command) if "extra-fields" in oddity else None
    assert odd.json[other_fields] == ([{"tag": extra, "value": KANA}] if extra else [])
    assert len(odd.exchanges) == len(usual.exchanges)
    assert (tmp_path / "photo.png").exists() == ("photo" not in null and command == "face")


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("oddity", ODD)
def test_people_are_told_what_is_missing(card, tmp_path, oddity, lang):
    command, _, not_on_card, unreadable = ODD[oddity]
    done = card(*arguments(command, tmp_path), "--lang", lang, secrets=SECRETS[command], profile=f"today+{oddity}")
    text = done.succeeded().out
    absent, odd = ("記録がありません", "判別できません") if lang == "ja" else ("not on the card", "not understood")
    assert text.count(absent) == len(not_on_card), text
    shown = [value for value in unreadable.values() if value]
    assert text.count(odd) == len(shown) and all(value in text for value in shown), text
    if command == "face":
        unsigned = "署名の対象外" if lang == "ja" else "not signed"
        assert text.count(unsigned) == 1 + ("extra-fields" in oddity), text
    if "photo" in unreadable:
        assert ("画像として読めません" if lang == "ja" else "no picture that can be read") in text
    assert_narrow(text.replace(str(tmp_path), ""))
    assert bool(JAPANESE.search(text.replace(KANA, ""))) == (lang == "ja") or command == "attributes"


def test_images_that_are_missing_are_not_written(card, tmp_path):
    image = tmp_path / "photo.png"
    image.write_bytes(b"of somebody else")
    card(*arguments("face", tmp_path), secrets=NUMBER_B, profile="today+no-photo").succeeded()
    assert image.read_bytes() == b"of somebody else"


def test_the_simulated_card_in_a_reader_takes_the_same_names():
    command = [BIN / "kazasu-card-sim", "--vpcd", "127.0.0.1:1", "--oddity", "no-head"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0 and all(name in done.stderr for name in ("no-photo", "sex-3", "extra-fields"))


def test_what_is_not_understood_stands_for_nobody(tmp_path):
    server = Sandbox(tmp_path)
    try:
        family = Family(tmp_path, server.config)
        added = family("member", "add", "花子", "--yes", "--show-name", "--lang", "en",
                       profile="today+name-not-utf-8+era-birth-date", secrets=f"{PIN}\n{PIN}").succeeded()
        assert added.err.count("not to be read from the card") == 2, added.err
        assert "H0204050" not in added.err + added.out and "\ufffd" not in added.err + added.out
    finally:
        server.stop()
