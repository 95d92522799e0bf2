"""The contract of the command line, from outside: codes, tries, exit codes, and nothing personal anywhere."""

import base64
import json
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from conftest import PASSWORD, PEOPLE, PIN, TRACE_MEMBERS, Run, Sandbox, pin_entries, trace

CHALLENGE = "00112233445566778899aabbccddeeff"
AUTHENTICATE = ("card", "authenticate", "--challenge", CHALLENGE, "--pin-stdin")
WRONG = "9876"


def tries(card):
    return card("card", "pin-status", "--json").succeeded().json["user_authentication"]["attempts_left"]


# Tries

def test_wrong_pin_costs_one_try_and_says_how_many_are_left(card):
    done = card(*AUTHENTICATE, "--lang", "ja", secrets=WRONG).failed_with("KZ-C04")
    assert "残り2回" in done.err
    sent = pin_entries(done.exchanges)
    assert [(e["command_len"], e["sw"]) for e in sent] == [(9, "63C2")]
    assert tries(card) == 2


def test_tries_are_asked_before_the_pin_is_sent(card):
    verify = [e for e in card(*AUTHENTICATE, secrets=PIN).succeeded().exchanges if e["ins"] == "20"]
    assert [(e["command_len"], e["sw"]) for e in verify] == [(4, "63C3"), (9, "9000")]


def test_last_try_needs_permission(card):
    for _ in range(2):
        card(*AUTHENTICATE, secrets=WRONG).failed_with("KZ-C04")
    done = card(*AUTHENTICATE, secrets=PIN).failed_with("KZ-C09")
    assert pin_entries(done.exchanges) == []
    assert tries(card) == 1
    card(*AUTHENTICATE, "--allow-last-try", secrets=PIN).succeeded()
    assert tries(card) == 3


def test_last_try_used_wrongly_blocks(card):
    for _ in range(2):
        card(*AUTHENTICATE, secrets=WRONG).failed_with("KZ-C04")
    done = card("--allow-last-try", *AUTHENTICATE, secrets=WRONG).failed_with("KZ-C05")
    assert len(pin_entries(done.exchanges)) == 1
    assert tries(card) == 0
    done = card("--allow-last-try", *AUTHENTICATE, secrets=PIN).failed_with("KZ-C05")
    assert pin_entries(done.exchanges) == []


@pytest.mark.parametrize("pin", ["123", "12345", "12a4", "１２３４", "", "1234 "])
def test_pin_of_the_wrong_form_reaches_no_card(card, pin):
    assert card(*AUTHENTICATE, secrets=pin).failed_with("KZ-C11").exchanges == []
    assert tries(card) == 3


def test_signature_password_is_folded_to_upper_case_and_guarded(card):
    card("card", "certificate", "--kind", "sign", "--pin-stdin", secrets=PASSWORD.lower()).succeeded()
    done = card("card", "certificate", "--kind", "sign", "--pin-stdin", secrets="WRONG99").failed_with("KZ-C04")
    assert len(pin_entries(done.exchanges)) == 1
    status = card("card", "pin-status", "--json").json
    assert (status["signature"]["attempts_left"], status["user_authentication"]["attempts_left"]) == (4, 3)


def test_pin_status_sends_no_pin(card):
    done = card("card", "pin-status").succeeded()
    assert pin_entries(done.exchanges) == []
    assert "3 / 3" in done.out and "5 / 5" in done.out


def test_final_newline_of_the_pin_may_be_missing_or_dos(card):
    for ending in ("", "\n", "\r\n"):
        card(*AUTHENTICATE, secrets=PIN + ending).succeeded()


# Cards

def test_another_card_is_told_and_gets_no_pin(tmp_path):
    file = tmp_path / "trace"
    Run("--sim", "not-jpki", "--trace", file, *AUTHENTICATE, secrets=PIN).failed_with("KZ-C03")
    assert trace(file) and pin_entries(trace(file)) == []
    Run("--sim", "not-jpki", "card", "info").failed_with("KZ-C03")
    file.unlink()
    Run("--sim", "old", "--trace", file, *AUTHENTICATE, secrets=PIN).failed_with("KZ-C03")
    assert trace(file) and pin_entries(trace(file)) == []


@pytest.mark.parametrize("profile, key, root", [
    ("today", rsa.RSAPublicKey, "rsa2048"), ("phone", rsa.RSAPublicKey, "rsa2048"),
    ("next-p256", ec.EllipticCurvePublicKey, "p384"), ("next-p384", ec.EllipticCurvePublicKey, "p384")])
def test_signature_verifies_with_a_foreign_library(profile, key, root):
    answer = Run("--sim", profile, "--json", *AUTHENTICATE, secrets=PIN).succeeded().json
    certificate = x509.load_pem_x509_certificate(answer["certificate"].encode())
    public, challenge = certificate.public_key(), bytes.fromhex(CHALLENGE)
    signature = base64.urlsafe_b64decode(answer["signature"] + "==")
    assert isinstance(public, key)
    if key is rsa.RSAPublicKey:
        public.verify(signature, challenge, padding.PKCS1v15(), hashes.SHA256())
    else:
        half = public.key_size // 8
        assert len(signature) == 2 * half
        der = encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
        public.verify(der, challenge, ec.ECDSA({256: hashes.SHA256(), 384: hashes.SHA384()}[public.key_size]))
    certificate.verify_directly_issued_by(
        x509.load_pem_x509_certificate((PEOPLE / f"ca-authentication-{root}.pem").read_bytes()))


@pytest.mark.parametrize("challenge", ["", "00", "0011223344556", "00" * 7, "00" * 65, "zz" * 8, "0x" + "00" * 8])
def test_challenge_of_the_wrong_form_reaches_no_card(card, challenge):
    done = card("card", "authenticate", "--pin-stdin", f"--challenge={challenge}", secrets=PIN)
    assert done.status != 0 and done.exchanges == []


def test_certificate_is_pem_on_stdout_and_pem_or_der_in_a_file(card, tmp_path):
    printed = x509.load_pem_x509_certificate(card("card", "certificate").succeeded().out.encode())
    for name, load in (("a.pem", x509.load_pem_x509_certificate), ("a.der", x509.load_der_x509_certificate)):
        done = card("card", "certificate", "-o", tmp_path / name).succeeded()
        assert done.out == "" and load((tmp_path / name).read_bytes()) == printed
    authority = x509.load_pem_x509_certificate(card("card", "certificate", "--ca").succeeded().out.encode())
    assert authority == x509.load_pem_x509_certificate((PEOPLE / "ca-authentication-rsa2048.pem").read_bytes())
    sign = card("card", "certificate", "--kind", "sign", "--pin-stdin", secrets=PASSWORD).succeeded()
    assert x509.load_pem_x509_certificate(sign.out.encode()).public_key() != printed.public_key()


def test_the_issuer_is_looked_at_where_it_is_asked_for(card):
    plain = card("card", "certificate", "--json").succeeded()
    assert (len(plain.exchanges), plain.json["issuer"]) == (2, "not_checked")
    checked = card("card", "certificate", "--issuer", "--json").succeeded()
    assert (len(checked.exchanges), checked.json["issuer"]) == (3, "unknown_root")
    assert card("card", "certificate", "--ca", "--json").succeeded().json["issuer"] == "unknown_root"
    for lang, issuer, revocation in (("ja", "未確認（--issuer で確認）", "失効: 未確認"),
                                     ("en", "not checked (--issuer checks it)", "Revocation: not checked")):
        told = card("card", "certificate", "--lang", lang).succeeded().err
        assert issuer in told and revocation in told


@pytest.mark.parametrize("option", ["--ca", "--issuer"])
def test_a_certificate_that_contradicts_its_signature_is_not_verified(option):
    # A bit of the serial number, then one of the signature.
    for bit in (15 * 8, 900 * 8):
        done = Run("--sim", f"today+exchange=1:flip-bit={bit}", "card", "certificate", option, "--json").succeeded()
        assert done.json["issuer"] == "not_verified", bit


def test_cached_certificate_saves_the_reading_of_it(card, tmp_path):
    card("card", "certificate", "-o", tmp_path / "a.pem").succeeded()
    whole = card(*AUTHENTICATE, secrets=PIN).succeeded()
    cached = card(*AUTHENTICATE, "--cached-certificate", tmp_path / "a.pem", secrets=PIN).succeeded()
    assert (len(whole.exchanges), len(cached.exchanges)) == (5, 4)


def test_short_apdus_where_they_are_asked_for(card):
    """A READ BINARY of extended length has 7 bytes, an answer to a short one 258 at most."""
    whole = card(*AUTHENTICATE, "--json", secrets=PIN).succeeded()
    short = card("--short-apdu", *AUTHENTICATE, "--json", secrets=PIN).succeeded()
    assert short.json == whole.json
    reads = lambda done: {e["command_len"] for e in done.exchanges if e["ins"] == "B0"}
    assert (reads(whole), reads(short)) == ({7}, {5})
    assert len(short.exchanges) == 11 and max(e["response_len"] for e in short.exchanges) == 258
    demo = card("demo", "--short-apdu", "--json")
    assert reads(demo.succeeded()) == {5}


def test_certificate_of_another_card_gives_no_signature(card, tmp_path):
    Run("--sim", "today", "--person", "2", "card", "certificate", "-o", tmp_path / "b.pem").succeeded()
    done = card(*AUTHENTICATE, "--cached-certificate", tmp_path / "b.pem", "--json", secrets=PIN).failed_with("KZ-C10")
    assert "signature" not in done.json


# Output

def test_json_is_one_object_on_stdout(card, sandbox):
    for arguments in (("card", "info"), ("card", "pin-status"), ("card", "certificate"), AUTHENTICATE,
                      ("qualify", "--config", sandbox.config, "--pin-stdin")):
        done = card(*arguments, "--json", secrets=PIN).succeeded()
        assert "error" not in done.json and "KZ-" not in done.err


def test_json_failure_is_one_object_with_code_and_tries(card):
    answer = card(*AUTHENTICATE, "--json", secrets=WRONG).failed_with("KZ-C04").json
    assert (answer["error"]["code"], answer["error"]["attempts_left"]) == ("KZ-C04", 2)


def test_options_stand_before_or_after_the_command(tmp_path):
    file = tmp_path / "trace"
    for arguments in (("--json", "--sim", "today", "--trace", file, "card", "pin-status"),
                      ("card", "--json", "--sim", "today", "pin-status", "--trace", file),
                      ("card", "pin-status", "--trace", file, "--sim", "today", "--json")):
        assert Run(*arguments).succeeded().json["user_authentication"]["attempts_left"] == 3
        assert trace(file)
        file.unlink()


def test_language_is_the_locales_and_else_japanese(card):
    for env, arguments, language in (({}, (), "ja"), ({"LANG": "C.UTF-8"}, (), "ja"), ({"LANG": "en_US.UTF-8"}, (), "en"),
                                     ({"LC_ALL": "ja_JP.UTF-8"}, (), "ja"), ({"LANG": "en_US.UTF-8"}, ("--lang", "ja"), "ja"),
                                     ({}, ("--lang", "en"), "en")):
        done = Run(*arguments, "--sim", "not-jpki", "card", "info", env=env).failed_with("KZ-C03")
        text = done.err.splitlines()[0].removeprefix("KZ-C03 ")
        assert text and text.isascii() == (language == "en"), (env, arguments, text)
    assert "2 tries left" in card("--lang", "en", *AUTHENTICATE, secrets=WRONG).failed_with("KZ-C04").err


def test_help_works():
    for arguments, words in (((), ("card", "qualify", "demo")), (("card",), ("info", "pin-status", "certificate", "authenticate")),
                             (("qualify",), ("--config", "--pin-stdin", "--allow-last-try"))):
        text = Run(*arguments, "--help").succeeded().out
        assert all(word in text for word in words), text
    assert Run("--version").succeeded().out.startswith("kazasu ")
    assert Run().status != 0


def test_pin_is_never_an_argument():
    for option in ("--pin", "--password"):
        assert Run("--sim", "today", *AUTHENTICATE[:-1], option, PIN).status != 0


def test_without_pcsc_a_reader_is_refused_with_a_way_out():
    done = Run("card", "info").failed_with("KZ-U01")
    assert "--sim" in done.err or "--features pcsc" in done.err


# qualify

def qualify(config, *arguments, secrets=PIN, **keywords):
    return Run("--sim", "today", *arguments, "qualify", "--config", config, "--pin-stdin", secrets=secrets, **keywords)


def test_qualify_answers_person_1(sandbox):
    answer = qualify(sandbox.config, "--json").succeeded().json
    assert (answer["validity"], answer["copay_percent"], answer["limit_category"], answer["code"]) == ("valid", 30, "A03", None)
    assert answer["test_card"] is True and answer["as_of"].endswith("+09:00")
    text = qualify(sandbox.config, "--lang", "ja").succeeded()
    assert all(word in text.out for word in ("有効", "30 %", "区分ウ"))
    log = sandbox.stop()
    assert len(re.findall("^POST /token 200", log, re.MULTILINE)) == 2, log


def test_no_other_answer_is_a_failure(sandbox):
    answer = Run("--sim", "today", "--person", 2, "--json", "qualify", "--config", sandbox.config, "--pin-stdin",
                 secrets="2345").succeeded().json
    assert answer["code"] == "KZ-Q04" and answer["validity"] != "valid"


def test_server_down_is_told_before_the_card_is_touched(sandbox, tmp_path):
    sandbox.stop()
    file = tmp_path / "trace"
    qualify(sandbox.config, "--trace", file).failed_with("KZ-T01")
    assert trace(file) == []


def test_wrong_pin_sends_nothing_to_the_token_endpoint(sandbox, tmp_path):
    qualify(sandbox.config, "--sim-state", tmp_path / "card.json", secrets=WRONG).failed_with("KZ-C04")
    assert "/token" not in sandbox.stop()


def test_certificate_of_an_unknown_root_is_refused_before_the_pin(sandbox, tmp_path):
    config = json.loads(sandbox.config.read_text())
    config["card_roots"] = [str(PEOPLE / "ca-signature-rsa2048.pem")]
    sandbox.config.write_text(json.dumps(config))
    file = tmp_path / "trace"
    qualify(sandbox.config, "--trace", file).failed_with("KZ-A05")
    assert pin_entries(trace(file)) == []


def test_config_is_strict_and_its_paths_are_its_own(sandbox, tmp_path):
    config = json.loads(sandbox.config.read_text())
    assert not any("/" in name for name in config["tls_roots"])
    (tmp_path / "elsewhere").mkdir()
    qualify("../" + sandbox.config.name, cwd=tmp_path / "elsewhere").succeeded()
    for change in ({"surprise": 1}, {"pins": config["pins"][:1]}, {"issuer": "http://127.0.0.1:1"}, {"client_id": ""},
                   {"tls_roots": ["missing.pem"]}, {"notice": {"id": "1", "text": ""}}):
        sandbox.config.write_text(json.dumps(config | change))
        qualify(sandbox.config).failed_with("KZ-U01")
    sandbox.config.write_text("{")
    qualify(sandbox.config).failed_with("KZ-U01")


# Nothing personal


def test_trace_has_no_bodies(card, sandbox):
    done = card("qualify", "--config", sandbox.config, "--pin-stdin", secrets=PIN).succeeded()
    assert 4 <= len(done.exchanges) <= 6
    for exchange in done.exchanges:
        assert exchange.keys() <= TRACE_MEMBERS, exchange
        assert re.fullmatch("[0-9A-F]{2}", exchange["ins"]) and re.fullmatch("[0-9A-F]{4}", exchange["sw"])
        assert all(isinstance(exchange[name], int) for name in ("command_len", "response_len", "micros"))


@pytest.mark.parametrize("case", ["success", "wrong_pin", "refused", "upstream", "sign"])
def test_nothing_personal_on_stderr_or_in_logs(tmp_path, case):
    """The PIN, the certificate, the key's thumbprint, the name and the patient's id stand nowhere but on stdout."""
    keys = json.loads((PEOPLE / "keys.json").read_text())["people"]
    switches = {"refused": ("--switch", "token-bad-signature"), "upstream": ("--switch", "submit-502")}.get(case, ())
    server = Sandbox(tmp_path, *switches)
    file = tmp_path / "trace"
    try:
        if case == "sign":
            done = Run("--sim", "today", "--trace", file, "card", "certificate", "--kind", "sign", "--pin-stdin", "-o",
                       tmp_path / "sign.pem", secrets=PASSWORD).succeeded()
        else:
            secrets = WRONG if case == "wrong_pin" else PIN
            done = qualify(server.config, "--trace", file, "--lang", "en", "--json", secrets=secrets)
        assert (done.status == 0) == (case in ("success", "sign"))
    finally:
        log = server.stop()
    port = server.issuer.rsplit(":", 1)[1]
    everything = (done.err + log + server.issuer).replace(port, "") + ("" if done.status == 0 else done.out)
    for person in json.loads((PEOPLE / "people.json").read_text())["people"]:
        for name in person["name"].split("\u3000"):
            assert name not in everything
    for kinds in keys["1"].values():
        for key in kinds.values():
            assert key["thumbprint"] not in everything
    assert not re.search(rf"(?<!\d)({PIN}|{WRONG})(?!\d)|{PASSWORD}|MII[A-Za-z0-9+/]{{8}}|3082[0-9a-f]{{8}}|p-7f3a91", everything)
    assert all(exchange.keys() <= TRACE_MEMBERS for exchange in trace(file))


def records(config, *arguments):
    return Run("--sim", "today", "records", "--config", config, "--pin-stdin", *arguments, secrets=PIN)


def test_records_are_one_list_by_date(sandbox):
    answer = records(sandbox.config, "--json").succeeded().json
    assert set(answer) == {"records", "is_partial", "dropped", "duplicates"} and answer["is_partial"] is False
    dates = [record["date"] for record in answer["records"]]
    assert len(dates) > 100 and all(len(date) in (7, 10) for date in dates)
    sources = {record["source"] for record in answer["records"]}
    assert {"expense_notice", "dispense", "immunization", "specific_checkup", "access_log"} <= sources
    expenses = [record for record in answer["records"] if record["source"] == "expense_notice"]
    for expense in expenses:
        parts = expense["insurer_paid"] + expense["public_paid"] + expense["patient_equivalent"]
        assert expense["total_cost"] == parts and expense["amount_mismatch"] is False
    assert answer["duplicates"][0]["likeness"] == "same_strength" and answer["duplicates"][0]["days"] == 7


def test_records_can_be_chosen_by_kind_and_day(sandbox):
    every = records(sandbox.config, "--kind", "medication", "--json").succeeded().json["records"]
    assert every and "expense_notice" not in {record["source"] for record in every}
    assert records(sandbox.config, "--kind", "medication", "--since", "2999-01-01", "--json").succeeded().json["records"] == []
    text = records(sandbox.config, "--kind", "expense", "--lang", "ja").succeeded().out
    assert "医療費" in text and "円" in text


def test_a_wrong_day_is_told_before_anything_is_asked(sandbox, tmp_path):
    file = tmp_path / "trace"
    records(sandbox.config, "--since", "2026-02-30", "--trace", file).failed_with("KZ-U01")
    assert not file.exists()


def test_records_of_a_broken_server_fail_with_its_code(tmp_path):
    with_switch = Sandbox(tmp_path, "--switch", "records-503=120")
    try:
        records(with_switch.config, "--kind", "expense").failed_with("KZ-T07")
    finally:
        with_switch.stop()
