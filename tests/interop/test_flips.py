"""One bit flipped on the way from the card, in each byte of what is signed: nothing comes of it, and OpenSSL is the judge.

Every byte with `KAZASU_FLIPS=all`; otherwise one in thirteen. `tests/flows/tests/flips.rs` flips them all without the program.
"""

import concurrent.futures
import os
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conftest import BIN, PASSWORD, PEOPLE, PIN, row, trace

STEP = 1 if os.environ.get("KAZASU_FLIPS") == "all" else 13
CHALLENGE = "0011223344556677"
SIGNATURE = 256  # bytes, RSA-2048
ROOTS = {"sign": "ca-signature-rsa2048.pem", "auth": "ca-authentication-rsa2048.pem"}
pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is missing")


def run(profile, secrets, *arguments):
    return subprocess.run([BIN / "kazasu", "--sim", profile, "card", *map(str, arguments), "--pin-stdin"], input=secrets.encode(),
                          capture_output=True, timeout=60)


def length(kind, *more):
    """Bytes of a certificate of the card."""
    done = run("today", PASSWORD, "certificate", "--kind", kind, *more)
    return len(x509.load_pem_x509_certificate(done.stdout).public_bytes(Encoding.DER))


def openssl(signature, document):
    done = subprocess.run(["openssl", "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", signature, "-content", document,
                           "-CAfile", PEOPLE / ROOTS["sign"], "-purpose", "any", "-out", os.devnull], capture_output=True)
    return done.returncode == 0


def flips(lengths):
    """(exchange, bit): one bit in each byte, a different one from byte to byte."""
    return [(exchange, byte * 8 + byte % 8) for exchange, bytes_ in lengths.items() for byte in range(0, bytes_, STEP)]


def every(cases, judge):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(judge, cases))


@pytest.mark.parametrize("form", ["detached", "attached"])
def test_no_signature_is_written_that_openssl_refuses(tmp_path, form):
    document = tmp_path / "document"
    document.write_bytes(b"Kazasu signs this.\n")
    more = ["--attached"] if form == "attached" else []
    # SELECT, tries left, VERIFY, certificate, certificate of the authority, signature.
    lengths = {3: length("sign"), 4: length("sign", "--ca"), 5: SIGNATURE}

    def signed(case):
        exchange, bit = case or (0, 0)
        file = tmp_path / f"{exchange}-{bit}.p7s"
        done = run("today" if case is None else f"today+exchange={exchange}:flip-bit={bit}", PASSWORD, "sign", document, "-o",
                   file, *more)
        assert (done.returncode == 0) == file.exists(), (case, done.stderr)
        if not file.exists():
            return "refused"
        verdict = "verifies" if openssl(file, document) else "openssl refuses"
        file.unlink()
        return verdict

    assert signed(None) == "verifies"
    cases = flips(lengths)
    verdicts = every(cases, signed)
    wrong = [(case, verdict) for case, verdict in zip(cases, verdicts) if verdict != "refused"]
    row(f"sign, {form}", f"{len(cases)} flips in {sum(lengths.values())} bytes", f"{len(wrong)} written")
    assert not wrong, f"{len(wrong)} of {len(cases)}: {wrong[:5]}"


def test_no_certificate_with_a_flipped_bit_is_said_to_be_verified():
    # SELECT, certificate, with --ca that of the authority, tries left, VERIFY, signature.
    checked = {1: length("auth"), 2: length("auth", "--ca"), 5: SIGNATURE}
    unchecked = {1: length("auth"), 4: SIGNATURE}

    def said(case):
        (exchange, bit), more = case
        done = run(f"today+exchange={exchange}:flip-bit={bit}", PIN, "authenticate", "--challenge", CHALLENGE, "--lang", "en", *more)
        if done.returncode:
            return "refused"
        return "verified" if b"certificate verified" in done.stdout else "not checked"

    for name, lengths, more in (("authenticate --ca", checked, ("--ca",)), ("authenticate", unchecked, ())):
        cases = flips(lengths)
        verdicts = every([(case, more) for case in cases], said)
        counts = {verdict: verdicts.count(verdict) for verdict in ("refused", "not checked", "verified")}
        row(name, f"{len(cases)} flips in {sum(lengths.values())} bytes", ", ".join(f"{count} {said}" for said, count in counts.items()))
        assert counts["verified"] == 0
        assert more == () or counts["not checked"] == 0


def test_checking_the_certificate_costs_one_exchange(tmp_path):
    def exchanges(*more):
        done = subprocess.run([BIN / "kazasu", "--sim", "today", "--trace", tmp_path / "trace", "card", "authenticate", "--challenge",
                               CHALLENGE, "--pin-stdin", *more], input=PIN.encode(), capture_output=True)
        assert done.returncode == 0, done.stderr
        return len(trace(tmp_path / "trace"))

    run("today", "", "certificate", "-o", tmp_path / "own.pem")
    own = ("--cached-certificate", tmp_path / "own.pem")
    assert [exchanges(), exchanges("--ca"), exchanges(*own), exchanges(*own, "--ca")] == [5, 6, 4, 5]
