"""What the holder opens, changes and signs: the contract of those commands, from outside."""

import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
import zlib

import pytest
from cryptography import x509

from conftest import BIN, PASSWORD, PEOPLE, PIN, ROOT, TRACE_MEMBERS, Run, pin_entries, trace

NUMBER_B = "02040520350123"  # person 1: birth date in the Japanese era, year of expiry, security code
BIRTH_DATE = "020405"
HOLDERS = json.loads((PEOPLE / "people.json").read_text())["people"]
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def era_birth_date(person):
    """`YYMMDD` with the year of the Japanese era."""
    eras = ((20190501, 2019), (19890108, 1989), (19261225, 1926))
    first = next(year for day, year in eras if int(person["birth_date"]) >= day)
    return f"{int(person['birth_date'][:4]) - first + 1:02}{person['birth_date'][4:]}"


def number_b(person):
    return era_birth_date(person) + person["card_expiry"][:4] + person["security_code"]


def with_hyphens(date):
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def tries(card, kind):
    return card("card", "pin-status", "--json").succeeded().json[kind]["attempts_left"]


@pytest.fixture
def document(tmp_path):
    file = tmp_path / "document.txt"
    file.write_bytes(b"Kazasu signs this.\nAnd this.\n")
    return file


# What a record lacks, and what nobody knows of it.
GAPS = "not_on_card unreadable"
COMPLETE = {"not_on_card": [], "unreadable": {}}

# name: arguments, secrets, members of the object. {} stands for a folder.
COMMANDS = {
    "info": (("info",), "", "generation label model applications certificates channel short_ef"),
    "pin-status": (("pin-status",), "", "user_authentication signature text_input verification_number_b birth_date"),
    "certificate": (("certificate", "--kind", "sign"), PASSWORD,
                    "kind authority algorithm not_after expired issuer pem"),
    "attributes": (("attributes", "--verify"), PIN, f"name address birth_date sex proof {GAPS} other_fields"),
    "face": (("face", "--verify", "-o", "{}/photo.png"), NUMBER_B,
             f"photo width height birth_date sex unsigned_expiry proof {GAPS} unsigned_other_fields"),
    "birth-date": (("birth-date",), BIRTH_DATE, f"birth_date proof {GAPS} unsigned_other_fields"),
    "read": (("read", "--all", "--verify", "-o", "{}/photo.png"), f"{PIN}\n{NUMBER_B}", "certificate attributes face tries"),
    "sign": (("sign", "{}/document.txt", "-o", "{}/document.p7s"), PASSWORD, "signature attached digest issuer"),
    "pin-change": (("pin-change", "--kind", "auth"), f"{PIN}\n7391\n", "changed"),
    "doctor": (("doctor", "-o", "{}/report.json", "--yes"), "",
               "kazasu generation label model applications certificates short_ef extended_length pace limits probes"),
}


def arguments_of(command, folder):
    return "card", *(argument.replace("{}", str(folder)) for argument in COMMANDS[command][0])


def members(value):
    """Every member's name, at any depth."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from members(item)


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_one_object_with_these_members(card, document, tmp_path, command):
    done = card(*arguments_of(command, tmp_path), "--json", "--pin-stdin", secrets=COMMANDS[command][1]).succeeded()
    assert done.json.keys() == set(COMMANDS[command][2].split())
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in members(done.json)), done.out
    assert all(exchange.keys() <= TRACE_MEMBERS for exchange in done.exchanges)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_language_is_spoken_alone_and_within_80_columns(card, document, tmp_path, command):
    for lang in ("ja", "en"):
        secrets = COMMANDS[command][1]
        if command == "pin-change" and lang == "en":
            secrets = "7391\n8013\n"
        done = card(*arguments_of(command, tmp_path), "--lang", lang, "--pin-stdin", secrets=secrets).succeeded()
        text = (done.out + done.err).replace(str(tmp_path), "")
        assert_narrow(text)
        for personal in (HOLDERS[0]["name"], HOLDERS[0]["address"]):
            text = text.replace(personal, "")
        assert bool(JAPANESE.search(text)) == (lang == "ja"), text


def columns(line):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def assert_narrow(text):
    wide = [line for line in text.splitlines() if columns(line) > 80]
    assert not wide, "\n".join(f"{columns(line)} {line}" for line in wide)


@pytest.mark.parametrize("command", [(), ("qualify",), ("demo",), ("card",), *(("card", name) for name in
                                     (*COMMANDS, "authenticate"))], ids=" ".join)
def test_help_is_within_80_columns(command):
    for option in ("-h", "--help"):
        text = Run(*command, option).succeeded().out
        assert "Usage: kazasu" in text
        assert_narrow(text)


FAILURES = {
    "wrong pin": (("attributes",), "9876", "KZ-C04"),
    "wrong number": (("face", "-o", "{}/photo.png"), "02040520350124", "KZ-C04"),
    "wrong birth date": (("birth-date",), "020406", "KZ-C04"),
    "wrong form": (("birth-date",), "19900405", "KZ-C11"),
    "easy to guess": (("pin-change", "--kind", "auth"), f"{PIN}\n1111\n", "KZ-U01"),
    "not a date": (("pin-change", "--kind", "auth", "--birth-date", "1990-02-30"), f"{PIN}\n7391\n", "KZ-U01"),
    "no second line": (("pin-change", "--kind", "auth"), f"{PIN}\n", "KZ-C11"),
    "no document": (("sign", "{}/none", "-o", "{}/none.p7s"), PASSWORD, "KZ-U01"),
    "no such command": (("faces",), "", "KZ-U01"),
    "no kind": (("pin-change",), "", "KZ-U01"),
    "no output": (("face",), NUMBER_B, "KZ-U01"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failures_have_a_code_in_both_languages_within_80_columns(tmp_path, case):
    arguments, secrets, code = FAILURES[case]
    arguments = ["--sim", "today", "card", *(argument.replace("{}", str(tmp_path)) for argument in arguments), "--pin-stdin"]
    for lang in ("ja", "en"):
        done = Run(*arguments, "--lang", lang, secrets=secrets).failed_with(code)
        text = done.err.replace(str(tmp_path), "")
        assert bool(JAPANESE.search(text.splitlines()[0])) == (lang == "ja"), text
        assert "\x1b" not in text
        assert_narrow(text)
        assert done.out == ""
        answer = Run(*arguments, "--lang", lang, "--json", secrets=secrets).json["error"]
        assert answer.keys() == {"code", "text", "attempts_left", "server_text"} and answer["code"] == code


# What the holder opens

@pytest.mark.parametrize("person", HOLDERS, ids=lambda person: str(person["number"]))
def test_every_person_is_read_and_proven(person, tmp_path):
    def read(*arguments, secrets):
        return Run("--sim", "today", "--person", person["number"], "card", *arguments, "--json", "--pin-stdin",
                   secrets=secrets).succeeded().json

    attributes = read("attributes", "--verify", secrets=person["pins"]["text_input"])
    birth_date, sex = with_hyphens(person["birth_date"]), {"1": "male", "2": "female"}[person["sex"]]
    proof = {"genuine": True, "municipality": person["municipality"], "chip_proof": "InternalKeyChallenge", "test_card": True}
    assert attributes == {"name": person["name"], "address": person["address"], "birth_date": birth_date, "sex": sex,
                          "proof": proof, **COMPLETE, "other_fields": []}
    face = read("face", "--verify", "-o", tmp_path / "photo.png", secrets=number_b(person))
    assert (face["birth_date"], face["sex"], face["proof"]) == (birth_date, sex, proof)
    assert face["unsigned_expiry"] == with_hyphens(person["card_expiry"])
    assert read("birth-date", secrets=era_birth_date(person)) == {
        "birth_date": birth_date, "proof": proof, **COMPLETE, "unsigned_other_fields": []}


def test_without_verify_nothing_is_claimed(card, tmp_path):
    for arguments, secrets in ((("attributes",), PIN), (("face", "-o", tmp_path / "photo.png"), NUMBER_B)):
        done = card("card", *arguments, "--pin-stdin", "--json", secrets=secrets).succeeded()
        assert done.json["proof"] == {"genuine": False, "reason": "not_asked"}


def test_photo_and_pictures_are_whole_png(card, tmp_path):
    files = [tmp_path / name for name in ("photo.png", "name.png", "address.png")]
    card("card", "face", "-o", files[0], "--name-image", files[1], "--address-image", files[2], "--pin-stdin",
         secrets=NUMBER_B).succeeded()
    for file, size in zip(files, ((378, 472), (216, 12), (288, 12))):
        subprocess.run([sys.executable, ROOT / "tests/interop/is_png.py", file, *map(str, size)], check=True)


def test_signature_certificate_is_announced_as_personal(card):
    for lang, words in (("ja", "氏名・住所・生年月日・性別"), ("en", "name, address, birth date and sex")):
        done = card("card", "certificate", "--kind", "sign", "--pin-stdin", "--lang", lang, secrets=PASSWORD).succeeded()
        assert words in done.err and words not in done.out
        x509.load_pem_x509_certificate(done.out.encode())
        assert words not in card("card", "certificate", "--lang", lang).succeeded().err


@pytest.mark.parametrize("profile, root", [("today", "rsa2048"), ("phone", "rsa2048"), ("next-p256", "p384")])
@pytest.mark.parametrize("attached", [False, True], ids=["detached", "attached"])
def test_openssl_verifies_the_signature_of_a_document(card, document, tmp_path, profile, root, attached):
    if not shutil.which("openssl"):
        pytest.skip("openssl is missing")
    signature = tmp_path / "document.p7s"
    card("card", "sign", document, "-o", signature, *(["--attached"] if attached else []), "--pin-stdin", secrets=PASSWORD,
         profile=profile).succeeded()

    def verified(content):
        command = ["openssl", "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", signature, "-CAfile",
                   PEOPLE / f"ca-signature-{root}.pem", "-purpose", "any"]
        done = subprocess.run(command if attached else [*command, "-content", content], capture_output=True)
        return done.stdout if done.returncode == 0 else None

    assert verified(document) == document.read_bytes()
    if attached:
        signature.write_bytes(signature.read_bytes().replace(b"And this", b"and this"))
        assert verified(None) is None
    else:
        (tmp_path / "other").write_bytes(document.read_bytes() + b"\n")
        assert verified(tmp_path / "other") is None


def test_p384_card_signs_no_document(card, document, tmp_path):
    card("card", "sign", document, "-o", tmp_path / "none", "--pin-stdin", secrets=PASSWORD,
         profile="next-p384").failed_with("KZ-U01")
    assert not (tmp_path / "none").exists()


# Secrets

@pytest.mark.parametrize("kind, right, arguments, attempts", [
    ("text_input", PIN, ("attributes",), 3), ("verification_number_b", NUMBER_B, ("face", "-o", "/dev/null"), 10),
    ("birth_date", BIRTH_DATE, ("birth-date",), 10)])
def test_one_wrong_entry_costs_one_try_and_a_right_one_gives_it_back(card, kind, right, arguments, attempts):
    wrong = right[:-1] + str(9 - int(right[-1]))
    done = card("card", *arguments, "--pin-stdin", "--json", secrets=wrong).failed_with("KZ-C04")
    assert done.json["error"]["attempts_left"] == attempts - 1
    assert len(pin_entries(done.exchanges)) == 1
    assert tries(card, kind) == attempts - 1
    card("card", *arguments, "--pin-stdin", secrets=right).succeeded()
    assert tries(card, kind) == attempts


def test_last_try_of_the_text_input_pin_is_guarded(card):
    for _ in range(2):
        card("card", "attributes", "--pin-stdin", secrets="9876").failed_with("KZ-C04")
    for arguments, secrets in ((("attributes",), PIN), (("pin-change", "--kind", "text"), f"{PIN}\n7391\n")):
        done = card("card", *arguments, "--pin-stdin", secrets=secrets).failed_with("KZ-C09")
        assert pin_entries(done.exchanges) == [] and "--allow-last-try" in done.err
    card("card", "pin-change", "--kind", "text", "--pin-stdin", "--allow-last-try", secrets=f"{PIN}\n7391\n").succeeded()
    assert tries(card, "text_input") == 3


@pytest.mark.parametrize("arguments, secrets", [
    (("attributes",), "123"), (("attributes",), "１２３４"), (("attributes",), NUMBER_B), (("birth-date",), "19900405"),
    (("face", "-o", "/dev/null"), "0204052035012"), (("face", "-o", "/dev/null"), "123456789018"),
    (("sign", "/dev/null", "-o", "/dev/null"), "ABC12"), (("sign", "/dev/null", "-o", "/dev/null"), "ABC-123"),
    (("certificate", "--kind", "sign"), "ABCDEFGHIJKLMNOPQ"), (("pin-change", "--kind", "auth"), f"123\n7391"),
    (("pin-change", "--kind", "auth"), f"{PIN}\n739"), (("pin-change", "--kind", "auth"), f"{PIN}\n"),
    (("pin-change", "--kind", "text"), f"{PIN}\n73915"), (("pin-change", "--kind", "sign"), f"{PASSWORD}\nK4Z4S"),
    (("pin-change", "--kind", "sign"), f"{PASSWORD}\nＫ４Ｚ４ＳＵ９")], ids=str)
def test_secret_of_the_wrong_form_reaches_no_card(card, arguments, secrets):
    done = card("card", *arguments, "--pin-stdin", secrets=secrets).failed_with("KZ-C11")
    assert done.exchanges == [] and "nothing was sent" in " ".join(done.err.split())


@pytest.mark.parametrize("kind, old, new, probe", [
    ("auth", PIN, "7391", ("authenticate", "--challenge", "0011223344556677")),
    ("sign", PASSWORD, "k4z4su9xyz", ("certificate", "--kind", "sign")), ("text", PIN, "8013", ("attributes",))])
def test_changed_pin_is_the_one_that_works(card, kind, old, new, probe):
    done = card("card", "pin-change", "--kind", kind, "--pin-stdin", secrets=f"{old}\n{new}\n").succeeded()
    assert [exchange["sw"] for exchange in done.exchanges if exchange["ins"] == "24"] == ["9000"]
    card("card", *probe, "--pin-stdin", secrets=old).failed_with("KZ-C04")
    card("card", *probe, "--pin-stdin", secrets=new).succeeded()
    # The current one comes first.
    card("card", "pin-change", "--kind", kind, "--pin-stdin", "--accept-guessable", secrets=f"{old}\n{new}\n").failed_with("KZ-C04")
    card("card", "pin-change", "--kind", kind, "--pin-stdin", "--accept-guessable", secrets=f"{new}\n{old}\n").succeeded()
    card("card", *probe, "--pin-stdin", secrets=old).succeeded()


def test_wrong_current_pin_changes_nothing(card):
    done = card("card", "pin-change", "--kind", "text", "--pin-stdin", secrets="9876\n7391\n").failed_with("KZ-C04")
    assert not [exchange for exchange in done.exchanges if exchange["ins"] == "24"]
    card("card", "attributes", "--pin-stdin", secrets=PIN).succeeded()


@pytest.mark.parametrize("kind, old, new, more", [
    ("auth", PIN, "0000", ()), ("auth", PIN, "2345", ()), ("text", PIN, "1985", ()), ("sign", PASSWORD, "ABABAB", ()),
    ("auth", PIN, "0405", ("--birth-date", "1990-04-05"))])
def test_new_pin_that_is_easy_to_guess_needs_permission(card, tmp_path, kind, old, new, more):
    change = ("card", "pin-change", "--kind", kind, "--pin-stdin", *more)
    state = tmp_path / "card.json"
    card("card", "info").succeeded()
    before = state.read_bytes() if state.exists() else None
    done = card(*change, secrets=f"{old}\n{new}\n").failed_with("KZ-U01")
    assert done.exchanges == [] and "--accept-guessable" in done.err and new not in done.err
    assert (state.read_bytes() if state.exists() else None) == before
    card(*change, "--accept-guessable", secrets=f"{old}\n{new}\n").succeeded()
    if more:
        card(*change[:5], secrets=f"{new}\n7391\n").succeeded()


def on_a_terminal(card_file, secrets, *arguments, stdin_too=False, profile="today"):
    """Exit code, what stood on the terminal, standard output and the trace of a run that asks there."""
    file = card_file.with_name("terminal.jsonl")
    file.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LC_MESSAGES", "LANG")}
    if stdin_too:
        environment["ASKED_ON_STDIN"] = ""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/interop/asked.py", secrets, BIN / "kazasu", "--sim", profile, "--sim-state", card_file,
         "--trace", file, *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=60)
    return done.returncode, done.stderr.decode(), done.stdout.decode(), trace(file)


def test_secrets_are_asked_for_on_the_terminal_without_an_echo(tmp_path):
    for lang, words in (("ja", "券面事項入力補助用"), ("en", "Text-input PIN")):
        status, shown, out, _ = on_a_terminal(tmp_path / "card.json", PIN, "card", "attributes", "--lang", lang)
        assert status == 0 and words in shown and PIN not in shown and HOLDERS[0]["name"] in out
    status, shown, _, exchanges = on_a_terminal(
        tmp_path / "card.json", f"{PIN},7391,7391", "card", "pin-change", "--kind", "auth", "--lang", "en")
    assert status == 0 and shown.count("New PIN") == 2 and "7391" not in shown
    assert [exchange["ins"] for exchange in exchanges].count("24") == 1
    status, shown, _, exchanges = on_a_terminal(
        tmp_path / "card.json", "7391,8013,8031", "card", "pin-change", "--kind", "auth", "--lang", "en")
    assert (status, pin_entries(exchanges)) == (1, []) and "nothing was sent" in shown


def ins_of(exchanges):
    return " ".join(exchange["ins"] for exchange in exchanges)


# name: arguments, secrets as typed, the PIN's name in the state, words of the question, INS of the look and of the work
ASKED = {
    "attributes": (("attributes",), PIN, "text-input/0011", "Text-input PIN (4 digits", "A4 20 A4 20 20 B0"),
    "birth-date": (("birth-date",), BIRTH_DATE, "surface/0011", "Birth date (YYMMDD in the Japanese era",
                   "A4 20 A4 20 20 B0 B0 2A"),
    "face": (("face", "-o", "{}/photo.png"), NUMBER_B, "surface/0012", "security code", None),
    "sign": (("sign", "{}/document.txt", "-o", "{}/document.p7s"), PASSWORD, "jpki/001B", "6 to 16 letters and digits",
             "A4 20 A4 20 20 B0 B0 2A"),
    "certificate": (("certificate", "--kind", "sign"), PASSWORD, "jpki/001B", "6 to 16 letters and digits", "A4 20 A4 20 20 B0"),
    "authenticate": (("authenticate", "--challenge", "0011223344556677"), PIN, "jpki/0018",
                     "User-authentication PIN (4 digits", "A4 20 A4 B0 20 20 2A"),
    "pin-change": (("pin-change", "--kind", "auth"), f"{PIN},7391,7391", "jpki/0018", "User-authentication PIN (4 digits",
                   "A4 20 A4 20 20 24"),
}


def with_tries(card_file, key, left):
    """The card's state with these tries left of one PIN."""
    if not card_file.exists():  # a wrong entry makes it
        Run("--sim", "today", "--sim-state", card_file, "card", "birth-date", "--pin-stdin", secrets="111111").failed_with("KZ-C04")
    state = json.loads(card_file.read_text())
    assert key in state["pins"], state
    state["pins"][key]["attempts_left"] = left
    card_file.write_text(json.dumps(state))


@pytest.mark.parametrize("command", ASKED)
def test_the_card_is_looked_at_before_anybody_types(document, tmp_path, command):
    arguments, secrets, key, question, ins = ASKED[command]
    arguments = ["card", *(argument.replace("{}", str(tmp_path)) for argument in arguments), "--lang", "en"]
    card_file = tmp_path / "card.json"
    for left, code in ((0, "KZ-C05"), (1, "KZ-C09")):
        with_tries(card_file, key, left)
        status, shown, out, exchanges = on_a_terminal(card_file, secrets, *arguments)
        assert (status, ins_of(exchanges)) == (1, "A4 20" if left else "A4 20" + (" B0" if key == "jpki/001B" else "")), shown
        assert code in shown and question not in shown, shown
    status, shown, _, exchanges = on_a_terminal(card_file, secrets, *arguments, "--allow-last-try")
    assert status == 0 and f"{question}, 1 try left): " in shown, shown
    assert ins is None or ins_of(exchanges) == ins
    with_tries(card_file, key, 2)
    assert f"{question}, 2 tries left): " in on_a_terminal(card_file, "x", *arguments)[1]


@pytest.mark.parametrize("profile", ["not-jpki", "old"])
@pytest.mark.parametrize("command", ASKED)
def test_what_is_no_card_is_told_before_anybody_types(document, tmp_path, command, profile):
    arguments = [argument.replace("{}", str(tmp_path)) for argument in ASKED[command][0]]
    done = on_a_terminal(tmp_path / "card.json", "", "card", *arguments, "--lang", "en", profile=profile)
    assert done[0] == 1 and ASKED[command][3] not in done[1] and re.search("KZ-C03|KZ-C10", done[1]), done[1]


def test_everything_is_read_in_one_link(card, tmp_path):
    free = card("card", "read", "--json").succeeded()
    assert (free.json["attributes"], free.json["face"]) == (None, None) and pin_entries(free.exchanges) == []
    assert free.json["tries"] == card("card", "pin-status", "--json").json
    own = card("card", "certificate", "--json").json
    assert free.json["certificate"] == {name: own[name] for name in ("algorithm", "not_after", "expired", "issuer", "pem")}
    both = f"{PIN}\n{NUMBER_B}\n"
    for verify in ((), ("--verify",)):
        done = card("card", "read", "--all", "--json", "-o", tmp_path / "a.png", "--pin-stdin", *verify, secrets=both).succeeded()
        attributes = card("card", "attributes", "--json", "--pin-stdin", *verify, secrets=PIN).succeeded().json
        face = card("card", "face", "--json", "-o", tmp_path / "a.png", "--pin-stdin", *verify, secrets=NUMBER_B).succeeded().json
        assert (done.json["attributes"], done.json["face"]) == (attributes, face)
        assert done.json["certificate"]["issuer"] == ("unknown_root" if verify else "not_checked")
        assert len(pin_entries(done.exchanges)) == 2
    without_photo = card("card", "read", "--all", "--json", "--pin-stdin", secrets=both).succeeded().json["face"]
    assert without_photo == {**without_photo, "photo": None, "width": 378, "height": 472}
    # One wrong number, one try: nothing is printed, and the other number is right.
    done = card("card", "read", "--all", "--json", "--pin-stdin", secrets=f"{PIN}\n{NUMBER_B[:-1]}4\n").failed_with("KZ-C04")
    assert done.json["error"]["attempts_left"] == 9 and HOLDERS[0]["name"] not in done.out
    done = card("card", "read", "--all", "--json", "--pin-stdin", secrets=both).succeeded()
    assert done.json["tries"]["verification_number_b"]["attempts_left"] == 10
    phone = Run("--sim", "phone", "card", "read", "--json").succeeded().json
    assert phone["certificate"] is None and phone["tries"]["user_authentication"]["attempts_left"] == 3
    assert card("card", "read", "-o", tmp_path / "b.png").status == 2


def test_both_numbers_are_looked_at_before_either_is_typed(tmp_path):
    card_file, arguments = tmp_path / "card.json", ("card", "read", "--all", "--lang", "en")
    for key, code in (("text-input/0011", "KZ-C09"), ("surface/0012", "KZ-C09")):
        with_tries(card_file, key, 1)
        status, shown, _, exchanges = on_a_terminal(card_file, f"{PIN},{NUMBER_B}", *arguments)
        assert status == 1 and code in shown and "Text-input PIN" not in shown and pin_entries(exchanges) == [], shown
        with_tries(card_file, key, 2)
    status, shown, out, _ = on_a_terminal(card_file, f"{PIN},{NUMBER_B}", *arguments)
    assert status == 0 and shown.count("2 tries left): ") == 2 and HOLDERS[0]["name"] in out, shown


def test_qualify_looks_at_the_card_before_anybody_types(sandbox, tmp_path):
    arguments = ("qualify", "--config", str(sandbox.config), "--lang", "en")
    card_file = tmp_path / "card.json"
    for left, code in ((0, "KZ-C05"), (1, "KZ-C09")):
        with_tries(card_file, "jpki/0018", left)
        status, shown, _, exchanges = on_a_terminal(card_file, PIN, *arguments)
        assert (status, ins_of(exchanges)) == (1, "A4 20") and code in shown and "(4 digits" not in shown, shown
    with_tries(card_file, "jpki/0018", 2)
    status, shown, out, exchanges = on_a_terminal(card_file, PIN, *arguments)
    assert status == 0 and "(4 digits, 2 tries left): " in shown and "30 %" in out, shown
    assert ins_of(exchanges) == "A4 20 A4 B0 20 20 2A"


def test_a_phone_is_asked_for_its_certificate_and_then_for_the_pin(tmp_path):
    status, shown, out, exchanges = on_a_terminal(tmp_path / "card.json", PIN, "card", "certificate", "--lang", "en", profile="phone")
    assert status == 0 and "User-authentication PIN" in shown and "BEGIN CERTIFICATE" in out
    # A look that needs no PIN, one for the tries, and the work.
    assert ins_of(exchanges) == "A4 B0 A4 20 A4 20 20 B0"


def test_without_a_terminal_nobody_waits(card):
    done = subprocess.run(["setsid", BIN / "kazasu", "--sim", "today", "card", "attributes", "--lang", "en"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    assert done.returncode == 1 and b"--pin-stdin" in done.stderr


# Files

def test_report_is_saved_only_with_consent(card, tmp_path):
    report = tmp_path / "report.json"
    done = card("card", "doctor", "-o", report).failed_with("KZ-U01")
    assert "--yes" in done.err and not report.exists()
    shown = on_a_terminal(tmp_path / "card.json", "n", "card", "doctor", "-o", str(report), stdin_too=True)
    assert shown[0] == 0 and "select_jpki" in shown[2] and not report.exists()
    shown = on_a_terminal(tmp_path / "card.json", "y", "card", "doctor", "-o", str(report), stdin_too=True)
    assert shown[0] == 0 and json.loads(report.read_text())["generation"] == "my_number_card"


@pytest.mark.parametrize("person", [1, 8, 10])
def test_report_holds_nothing_of_the_person(person, tmp_path):
    holder, report, certificate = HOLDERS[person - 1], tmp_path / "report.json", tmp_path / "a.der"
    run = ("--sim", "today", "--person", person, "card")
    done = Run(*run, "doctor", "--yes", "-o", report).succeeded()
    Run(*run, "certificate", "-o", certificate).succeeded()
    (tmp_path / "everything").write_text(done.out + done.err + report.read_text())
    subprocess.run(
        [sys.executable, ROOT / "tests/interop/nothing_of.py", tmp_path / "everything", *holder["name"].split("\u3000"),
         holder["address"], holder["municipality"], holder["birth_date"], holder["card_expiry"], f"@{certificate}"], check=True)
    probes = json.loads(report.read_text())["probes"]
    assert all(probe.keys() == {"name", "ins", "sw", "len", "micros"} for probe in probes)


@pytest.mark.parametrize("command", ["face", "sign", "certificate", "doctor"])
def test_unwritable_file_is_told_before_anything_is_asked(card, document, tmp_path, command):
    arguments = {"face": ("face",), "sign": ("sign", document), "certificate": ("certificate", "--kind", "sign"),
                 "doctor": ("doctor", "--yes")}[command]
    done = card("card", *arguments, "-o", tmp_path / "none" / "file", "--pin-stdin", secrets="").failed_with("KZ-U01")
    assert done.exchanges == [] and str(tmp_path / "none" / "file") in done.err


def test_failure_leaves_files_as_they_were(card, document, tmp_path):
    for name in ("face", "sign"):
        arguments, wrong = {"face": (("face",), "02040520350124"), "sign": (("sign", document), "WRONG99")}[name]
        card("card", *arguments, "-o", tmp_path / name, "--pin-stdin", secrets=wrong).failed_with("KZ-C04")
        assert not (tmp_path / name).exists()
        (tmp_path / name).write_text("before")
        card("card", *arguments, "-o", tmp_path / name, "--pin-stdin", secrets=wrong).failed_with("KZ-C04")
        assert (tmp_path / name).read_text() == "before"
    card("card", "face", "-o", tmp_path / "face", "--pin-stdin", secrets=NUMBER_B).succeeded()
    assert (tmp_path / "face").read_bytes()[-8:-4] == b"IEND"


def test_signature_does_not_overwrite_its_document(card, document):
    before = document.read_bytes()
    done = card("card", "sign", document, "-o", document.parent / "." / document.name, "--pin-stdin", secrets=PASSWORD)
    assert done.failed_with("KZ-U01").exchanges == [] and document.read_bytes() == before


# Other cards

def test_child_has_no_signature_password():
    child = ("--sim", "today", "--person", 10, "card")
    assert Run(*child, "pin-status", "--json").succeeded().json["signature"] is None
    assert Run(*child, "info", "--json").succeeded().json["certificates"] == {"user_authentication": True, "signature": False}
    for arguments, secrets in ((("certificate", "--kind", "sign"), PASSWORD), (("sign", "/dev/null", "-o", "/dev/null"), PASSWORD),
                               (("pin-change", "--kind", "sign"), f"{PASSWORD}\nK4Z4SU9XYZ\n")):
        done = Run(*child, *arguments, "--pin-stdin", "--lang", "en", secrets=secrets).failed_with("KZ-C10")
        assert "This card has no signature certificate" in done.err


@pytest.mark.parametrize("profile", ["phone", "phone-ios"])
def test_phone_has_certificates_only(card, tmp_path, profile):
    status = card("card", "pin-status", "--json", profile=profile).succeeded().json
    assert [name for name, value in status.items() if value] == ["signature", "user_authentication"]
    for arguments, secrets in ((("attributes",), PIN), (("birth-date",), BIRTH_DATE), (("face", "-o", tmp_path / "none"), NUMBER_B)):
        done = card("card", *arguments, "--pin-stdin", secrets=secrets, profile=profile).failed_with("KZ-C03")
        assert pin_entries(done.exchanges) == []
    card("card", "pin-change", "--kind", "auth", "--pin-stdin", secrets=f"{PIN}\n7391\n", profile=profile).succeeded()
    card("card", "doctor", profile=profile).succeeded()


@pytest.mark.parametrize("profile", ["no-sfi", "no-extended", "strict", "next-p256", "next-p384"])
def test_other_cards_answer_the_same(card, tmp_path, profile):
    attributes = card("card", "attributes", "--verify", "--pin-stdin", "--json", secrets=PIN, profile=profile).succeeded().json
    assert attributes["name"] == HOLDERS[0]["name"]
    card("card", "face", "--verify", "-o", tmp_path / "photo.png", "--pin-stdin", secrets=NUMBER_B, profile=profile).succeeded()
    card("card", "birth-date", "--pin-stdin", secrets=BIRTH_DATE, profile=profile).succeeded()
    card("card", "pin-change", "--kind", "text", "--pin-stdin", secrets=f"{PIN}\n7391\n", profile=profile).succeeded()
    card("card", "certificate", "--kind", "sign", "--pin-stdin", secrets=PASSWORD, profile=profile).succeeded()
    card("card", "doctor", profile=profile).succeeded()


@pytest.mark.parametrize("profile", ["not-jpki", "old"])
def test_other_cards_are_sent_no_secret(card, document, tmp_path, profile):
    for command in ("attributes", "face", "birth-date", "certificate", "sign", "pin-change"):
        done = card(*arguments_of(command, tmp_path), "--pin-stdin", secrets=COMMANDS[command][1], profile=profile)
        # The old card has the application of certificates, in a form of its own.
        assert done.status == 1 and done.code in ("KZ-C03", "KZ-C10" if profile == "old" else "KZ-C03")
        assert pin_entries(done.exchanges) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_personal_beside_the_result(card, document, tmp_path, command):
    for secrets in (COMMANDS[command][1], COMMANDS[command][1][:-2] + "99"):
        done = card(*arguments_of(command, tmp_path), "--pin-stdin", "--json", secrets=secrets)
        beside = done.err + ("" if done.status == 0 else done.out)
        for person in HOLDERS:
            assert person["name"] not in beside and person["address"] not in beside
        for secret in (PIN, PASSWORD, NUMBER_B, BIRTH_DATE, "7391", "MII"):
            assert secret not in beside.replace(str(tmp_path), "")


def test_no_output_takes_the_place_of_another_or_of_the_document(tmp_path):
    document, signature, seen = tmp_path / "document", tmp_path / "document.p7s", tmp_path / "trace"
    document.write_text('{"of": "the holder"}')
    done = Run("--sim", "today", "--pin-stdin", "--trace", document, "card", "sign", document, "-o", signature, secrets=PASSWORD)
    assert "--trace" in done.failed_with("KZ-U01").err and document.read_text() == '{"of": "the holder"}' and not signature.exists()
    face = ("--sim", "today", "--pin-stdin", "--trace", seen, "card", "face", "-o", tmp_path / "a.png", "--name-image")
    Run(*face, f"{tmp_path}/./a.png", secrets=NUMBER_B).failed_with("KZ-U01")
    assert not seen.exists()
    Run(*face, tmp_path / "b.png", secrets=NUMBER_B).succeeded()
    Run("--sim", "today", "--pin-stdin", "card", "face", "-o", "/dev/null", "--name-image", "/dev/null",
        secrets=NUMBER_B).succeeded()


def test_a_link_that_breaks_at_long_answers_names_the_way_round():
    for lang in ("ja", "en"):
        done = Run("--sim", "today+every-extended:drop", "--lang", lang, "card", "certificate").failed_with("KZ-C01")
        assert "--short-apdu" in done.err
        assert_narrow(done.err)
    Run("--sim", "today+every-extended:drop", "--short-apdu", "card", "certificate").succeeded()
