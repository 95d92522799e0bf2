"""Consent, registration and suspension from the command line: asked once, kept in a file of one's own, stopped without card."""

import base64
import json
import os
import ssl
import stat
import subprocess
import urllib.error
import urllib.request

import pytest

from conftest import BIN, PIN, Run, Sandbox, trace


class Holder:
    """Person 1 with a sandbox, and a file of `--keep`."""

    def __init__(self, folder, config):
        self.folder = folder
        self.config = config
        self.kept = folder / "kept.json"

    def __call__(self, *arguments, secrets=PIN, keep=True):
        file = self.folder / "trace.jsonl"
        file.unlink(missing_ok=True)
        kept = ("--keep", self.kept) if keep else ()
        done = Run("--config", self.config, "--sim", "today", "--pin-stdin", "--trace", file, *kept, *arguments,
                   secrets=secrets)
        done.exchanges = trace(file)
        return done


@pytest.fixture
def holder(tmp_path, sandbox):
    return Holder(tmp_path, sandbox.config)


def consents(holder):
    found = holder("consent", "list", "--json").succeeded().json["consents"]
    return sorted(consent["kind"] for consent in found if consent["active"])


def test_one_tap_serves_the_commands_after_it(holder):
    first = holder("consent", "list").succeeded()
    assert first.exchanges and stat.S_IMODE(os.stat(holder.kept).st_mode) == 0o600
    for command in (("consent", "list"), ("records", "--kind", "checkup"), ("register", "--yes")):
        assert holder(*command, secrets="").succeeded().exchanges == []
    assert not list(holder.folder.glob("*.new"))


def test_without_keep_nothing_is_left(holder):
    assert holder("consent", "list", keep=False).succeeded().exchanges
    assert not holder.kept.exists()


def test_a_file_that_others_can_read_is_refused(holder):
    holder("consent", "list").succeeded()
    holder.kept.chmod(0o640)
    assert "chmod 600" in holder("consent", "list").failed_with("KZ-U01").err


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format":1,"key":"AAAA"}', '{"format":2}', "\\x00" * 100])
def test_a_file_that_is_none_of_ours_stays_as_it_is(holder, content):
    holder.kept.write_text(content)
    holder.kept.chmod(0o600)
    done = holder("consent", "list").failed_with("KZ-U01")
    assert (done.exchanges, holder.kept.read_text()) == ([], content)


def test_consents_are_given_and_withdrawn_one_by_one(holder):
    assert consents(holder) == []
    given = holder("consent", "give", "--kind", "medication", "--yes", "--lang", "ja").succeeded()
    assert "薬剤情報の提供" in given.err and "同意しました" in given.out
    holder("consent", "give", "--kind", "checkup", "--yes").succeeded()
    assert consents(holder) == ["checkup", "medication"]
    holder("consent", "withdraw", "--kind", "medication", "--yes").succeeded()
    assert consents(holder) == ["checkup"]
    holder("consent", "withdraw", "--kind", "medication", "--yes").failed_with("KZ-U01")


def test_nothing_is_done_without_a_yes(holder):
    for command in (("consent", "give", "--kind", "test"), ("consent", "withdraw", "--kind", "test"), ("register",)):
        done = holder(*command).failed_with("KZ-U01")
        assert "--yes" in done.err and done.exchanges == []


@pytest.mark.parametrize("until", ["2026-02-30", "2020-01-01", "2999-01-01"])
def test_a_consent_lasts_a_year_at_most(holder, until):
    holder("consent", "give", "--kind", "medication", "--until", until, "--yes").failed_with("KZ-U01")
    assert consents(holder) == []


def test_a_registration_is_followed_by_its_receipt(holder):
    made = holder("register", "--yes", "--json").succeeded().json["registration"]
    assert made["state"] == "accepted" and not made["final"]
    looked = holder("register", "--receipt", made["receipt"], "--json").succeeded().json["registration"]
    assert (looked["receipt"], looked["state"]) == (made["receipt"], "matching")
    withdrawn = holder("register", "--receipt", made["receipt"], "--withdraw", "--json").succeeded().json["registration"]
    assert withdrawn["state"] == "withdrawn" and withdrawn["final"]
    holder("register", "--receipt", "0000-0000").failed_with("KZ-U01")


def test_the_official_line_is_shown_first_whatever_happens(holder):
    for done in (holder("suspend"), holder("suspend", "--yes", keep=False), holder("suspend", "--yes")):
        assert done.failed_with("KZ-U01").err.index("0120-95-0178") < done.err.index("KZ-U01")
        assert done.exchanges == []


def test_a_lost_card_is_stopped_without_it(holder):
    holder("consent", "list").succeeded()
    done = holder("suspend", "--yes", "--json", secrets="").succeeded()
    assert done.exchanges == []
    assert done.json["suspension"] == {"confirmed": True, "effect": "provider-account", "official_line": "0120-95-0178"}
    assert not holder.kept.exists()
    holder("qualify", keep=False).failed_with("KZ-S01")


def test_a_stop_waits_for_the_network_and_nothing_else_is_left(holder, sandbox):
    holder("consent", "list").succeeded()
    before = json.loads(holder.kept.read_text())
    sandbox.stop()
    done = holder("suspend", "--yes", "--lang", "en", secrets="").failed_with("KZ-T01")
    assert "again later" in done.err
    after = json.loads(holder.kept.read_text())
    assert before["access"] and not after["access"] and after["suspension"]
    tokens = json.loads(base64.b64decode(before["access"]))["token"]
    waiting = base64.b64decode(after["suspension"]).decode()
    assert tokens["refresh"]["token"] not in waiting and tokens["access_token"] not in waiting
    # Until then the file serves for nothing else.
    holder("consent", "list").failed_with("KZ-U01")


def test_a_stop_that_did_not_arrive_is_sent_again(tmp_path):
    server = Sandbox(tmp_path, "--switch", "write-503:1=120")
    holder = Holder(tmp_path, server.config)
    try:
        holder("consent", "list").succeeded()
        holder("suspend", "--yes", secrets="").failed_with("KZ-T07")
        assert holder("suspend", "--yes", "--json", secrets="").succeeded().json["suspension"]["confirmed"] is True
        assert not holder.kept.exists()
    finally:
        server.stop()


def test_an_unconfirmed_stop_is_asked_about_again(tmp_path):
    server = Sandbox(tmp_path, "--switch", "suspension-unconfirmed:1")
    holder = Holder(tmp_path, server.config)
    try:
        holder("consent", "list").succeeded()
        assert holder("suspend", "--yes", "--json", secrets="").succeeded().json["suspension"]["confirmed"] is False
        assert holder("suspend", "--yes", "--json", secrets="").succeeded().json["suspension"]["confirmed"] is True
    finally:
        server.stop()


def test_what_the_server_says_is_shown_as_text(tmp_path):
    server = Sandbox(tmp_path, "--switch", "outcome-html:2")
    holder = Holder(tmp_path, server.config)
    try:
        told = holder("qualify", "--json").failed_with("KZ-Q06").json["error"]["server_text"]
        assert "<" in told
        done = holder("qualify", "--lang", "ja").failed_with("KZ-Q06")
        assert "サーバーからの案内" in done.err and "<" in done.err and "\x1b" not in done.err
        assert holder("qualify", "--json").succeeded()
    finally:
        server.stop()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A browser that tells where it is sent and does not go there."""

    def redirect_request(self, *arguments):
        return None


def browse(folder, url):
    context = ssl.create_default_context(cafile=str(folder / json.loads((folder / "config.json").read_text())["tls_roots"][0]))
    opener = urllib.request.build_opener(NoRedirect, urllib.request.HTTPSHandler(context=context))
    with pytest.raises(urllib.error.HTTPError) as sent_on:
        opener.open(url)
    return sent_on.value.headers["Location"]


def test_a_sign_in_needs_no_card(tmp_path):
    server = Sandbox(tmp_path, "--modes", "oidc")
    kept = tmp_path / "kept.json"
    try:
        command = [BIN / "kazasu", "--config", server.config, "--keep", kept, "--lang", "en", "--json", "sign-in"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            url = next(line.strip() for line in run.stderr if line.startswith("https://"))
            out, _ = run.communicate(browse(tmp_path, f"{url}&person=1") + "\n", timeout=60)
        assert (run.returncode, json.loads(out)) == (0, {"signed_in": True})
        holder = Holder(tmp_path, server.config)
        assert holder("records", "--kind", "checkup", secrets="").succeeded().exchanges == []
        Run("--config", server.config, "sign-in").failed_with("KZ-U01")
        done = Run("--config", server.config, "--keep", kept, "sign-in", secrets="https://app.kazasu.example/callback?code=x\n")
        done.failed_with("KZ-D01")
    finally:
        server.stop()
