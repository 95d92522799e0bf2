"""Answers about somebody else, from the command line: dropped, told, and nothing of them kept."""

import socket

import pytest

from conftest import Sandbox
from test_family import HOLDERS, Family


def family_with(folder, *switches, listen="127.0.0.1:0"):
    folder.mkdir(exist_ok=True)
    arguments = [argument for switch in switches for argument in ("--switch", switch)]
    server = Sandbox(folder, "--listen", listen, *arguments)
    return server, Family(folder, server.config)


def confirm(family, person, *arguments):
    pins = HOLDERS[person - 1]["pins"]
    return family("member", "confirm", "花子", *arguments, person=person,
                  secrets=pins["text_input"] + "\n" + pins["authentication"])


@pytest.mark.parametrize("lang, text", [
    ("ja", "KZ-D08 薬: 別の方の情報が届いたため、表示しませんでした。提供元にお知らせください"),
    ("en", "KZ-D08 medicines: The answer was for somebody else and was dropped. Please tell the provider.")])
def test_a_kind_with_somebody_elses_record_is_dropped_and_the_others_stay(tmp_path, lang, text):
    server, family = family_with(tmp_path, "foreign:1=MedicationDispense", "page-size=20")
    try:
        family.add(1, "花子").succeeded()
        done = family("records", "--member", "花子", "--json", lang=lang)
        assert done.status == 0 and text in done.err
        assert done.json["dropped"] == [{"kind": "medication", "code": "KZ-D08"}]
        kept = family("records", "--member", "花子", "--stored", "--json").succeeded().json["records"]
        assert {one["source"] for one in kept} == {"expense_notice", "immunization", "specific_checkup", "access_log"}
        again = family("records", "--member", "花子", "--json").succeeded().json
        assert again["dropped"] == [] and any(one["source"] == "dispense" for one in again["records"])
    finally:
        server.stop()


def test_only_somebody_elses_records_are_an_error(tmp_path):
    server, family = family_with(tmp_path, "foreign=Immunization")
    try:
        family.add(1, "花子").succeeded()
        family("records", "--member", "花子", "--kind", "immunization").failed_with("KZ-D08")
        stored = family("records", "--member", "花子", "--stored", "--json").succeeded().json
        assert stored["records"] == []
    finally:
        server.stop()


def test_somebody_elses_eligibility_is_neither_shown_nor_kept(tmp_path):
    server, family = family_with(tmp_path, "foreign=CoverageEligibilityResponse")
    try:
        done = family.add(1, "花子").failed_with("KZ-D08")
        assert family.members() == [] and "見本" not in done.out + done.err
    finally:
        server.stop()


def test_a_stop_answered_for_somebody_else_stays_to_be_sent(tmp_path):
    server, family = family_with(tmp_path, "foreign:1=Task")
    try:
        family.add(1, "花子").succeeded()
        family("suspend", "--member", "花子", "--yes").failed_with("KZ-D08")
        assert ("suspended", "OK", "花子") not in family.log()
        done = family("suspend", "--member", "花子", "--yes", "--json").succeeded().json["suspension"]
        assert done["confirmed"] and ("suspended", "OK", "花子") in family.log()
    finally:
        server.stop()


def test_a_consent_or_registration_answered_for_somebody_else_is_an_error(tmp_path):
    server, family = family_with(tmp_path, "foreign:1=Consent", "foreign:1=Task")
    try:
        family.add(1, "花子").succeeded()
        family("consent", "give", "--member", "花子", "--kind", "medication", "--yes").failed_with("KZ-D08")
        assert ("consent_changed", "KZ-D08", "花子") in family.log()
    finally:
        server.stop()
    server, family = family_with(tmp_path / "other", "foreign:1=Task")
    try:
        family.add(1, "花子").succeeded()
        family("register", "--member", "花子", "--yes").failed_with("KZ-D08")
    finally:
        server.stop()


def test_another_patient_id_is_refused_until_a_person_confirms(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        listen = "127.0.0.1:%d" % taken.getsockname()[1]
    server, family = family_with(tmp_path, listen=listen)
    family.add(1, "花子").succeeded()
    family("records", "--member", "花子").succeeded()
    server.stop()

    server, family = family_with(tmp_path, "patients-renamed", listen=listen)
    try:
        for lang, command in (("ja", "kazasu member confirm で確かめて"), ("en", "kazasu member confirm")):
            refused = family.tap(1, "qualify", "--member", "花子", lang=lang).failed_with("KZ-D08")
            assert command in refused.err and "有効" not in refused.out
        before = family("records", "--member", "花子", "--stored", "--json").succeeded().json["records"]
        # A sign-in or a tap for another command is refused alike: the tokens of the old id are of no use here.
        family.tap(1, "records", "--member", "花子").failed_with("KZ-D08")
        assert family("records", "--member", "花子", "--stored", "--json").succeeded().json["records"] == before

        unasked = confirm(family, 1).failed_with("KZ-U01")
        assert "--yes" in unasked.err and unasked.exchanges == []
        confirmed = confirm(family, 1, "--yes", "--json").succeeded()
        assert confirmed.json == {"confirmed": "花子"}
        assert "見本　花子" in confirmed.err and "1990-04-05" in confirmed.err, "what the card tells"
        family.tap(1, "qualify", "--member", "花子").succeeded()
        family("records", "--member", "花子").succeeded()
        events = [event for event, _, member in family.log() if member == "花子"]
        assert "patient_confirmed" in events and events.count("member_added") == 1
        # Another person's card is no way around: it is compared before its PIN is sent.
        confirm(family, 2, "--yes").failed_with("KZ-C12")
    finally:
        server.stop()


def test_a_stop_that_cannot_arrive_ends_with_the_card_or_with_the_member(tmp_path):
    server, family = family_with(tmp_path)
    family.add(1, "花子").succeeded()
    server.stop()
    family("suspend", "--member", "花子", "--yes").failed_with("KZ-T01")
    server, family = family_with(tmp_path, listen=f"127.0.0.1:{server.issuer.rsplit(':', 1)[1]}")
    try:
        # The server has forgotten the tokens, as it does when they expire.
        family("suspend", "--member", "花子", "--yes").failed_with("KZ-A10")
        for lang, way in (("ja", "--offline を付けて"), ("en", "--offline removes")):
            assert way in family("member", "remove", "花子", "--yes", lang=lang).failed_with("KZ-U01").err
        family.tap(1, "member", "add", "花子").failed_with("KZ-U01")
        assert not family.add(1, "花子", "--json").succeeded().json["new"]
        family.tap(1, "qualify", "--member", "花子").succeeded()
        family("records", "--member", "花子").succeeded()
        family("suspend", "--member", "花子", "--yes").succeeded()
    finally:
        server.stop()
