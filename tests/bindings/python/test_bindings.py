"""The scenario of the Kotlin tests once more, without a facade: a second opinion on the FFI."""

import copy
import gc
import queue
import re
import socket
import threading
import weakref

import pytest
from conftest import DeviceKey, Link, Sandbox, kz

PIN = {1: b"1234", 2: b"2345"}
WRONG = b"9999"
MISTAKES = [ValueError("a secret text"), OSError("a secret text"), KeyError(), RecursionError()]


def card(person=1, profile="today"):
    return kz.SimulatedCard(profile, person)


def tap(session, card, pin=PIN[1], last_attempt=kz.LastAttempt.REFUSE, fault=None, progress=None):
    return session.tap(card.tap(fault), pin, last_attempt, progress)


def test_two_members_qualify_each_with_a_key_of_their_own(begin):
    hanako = begin()
    tap(hanako, card(1))
    result = hanako.finish()
    assert result.qualification == kz.Qualification.VALID and result.code is None and result.test_card
    insurance = result.insurances[result.primary]
    assert insurance.in_force and insurance.copay_percent == 30 and insurance.limit_category
    taro = begin()
    tap(taro, card(2), PIN[2])
    result = taro.finish()
    assert result.qualification == kz.Qualification.INVALID_LOST and result.code.startswith("KZ-Q")


def test_qualifies_over_a_foreign_link_with_steps_in_order(begin):
    steps = []

    class Listener(kz.ProgressListener):
        def on_step(self, step):
            steps.append(step)

    session = begin()
    link = Link(card(1).tap(None))
    session.tap(link, PIN[1], kz.LastAttempt.REFUSE, Listener())
    assert steps == list(kz.TapStep)
    assert link.exchanges >= 5
    assert session.finish().qualification == kz.Qualification.VALID


def test_a_wrong_pin_tells_the_tries_left(begin):
    session, hanako = begin(), card(1)
    with pytest.raises(kz.KazasuError.WrongPin) as wrong:
        tap(session, hanako, WRONG)
    assert (wrong.value.attempts_left, wrong.value.code()) == (2, "KZ-C04")
    assert wrong.value.kind == kz.PinKind.USER_AUTHENTICATION
    assert hanako.verify_count() == 1
    tap(session, hanako)
    assert session.finish().qualification == kz.Qualification.VALID


def test_the_last_try_is_refused_then_allowed_and_a_wrong_one_blocks(begin):
    session, hanako = begin(), card(1)
    hanako.set_attempts(1)
    with pytest.raises(kz.KazasuError.LastAttempt) as last:
        tap(session, hanako)
    assert (last.value.code(), hanako.verify_count()) == ("KZ-C09", 0)
    tap(session, hanako, last_attempt=kz.LastAttempt.ALLOW)
    assert hanako.attempts_left() == 3
    session = begin()
    hanako.set_attempts(1)
    for pin in (WRONG, PIN[1]):
        with pytest.raises(kz.KazasuError.PinBlocked) as blocked:
            tap(session, hanako, pin, kz.LastAttempt.ALLOW)
        assert blocked.value.code() == "KZ-C05"


def test_what_broke_a_link_is_known_after_the_failure(begin):
    session, hanako = begin(), card(1)
    assert session.capabilities() is None
    with pytest.raises(kz.KazasuError.Transport):
        tap(session, hanako, fault="every-extended:drop")
    assert session.capabilities().extended_doubt == kz.ExtendedDoubt.SUSPENDED and not session.pin_was_sent()
    shown = tap(session, hanako, fault="every-extended:drop").capabilities
    assert shown == session.capabilities() and shown.extended_doubt == kz.ExtendedDoubt.ON_TRIAL


def test_a_session_tells_whether_the_pin_was_sent(begin):
    session, hanako = begin(), card(1)
    assert not session.pin_was_sent()
    for fault, pin, sent in [("exchange=1:drop", PIN[1], False), (None, WRONG, True), ("exchange=2:drop", PIN[1], False)]:
        with pytest.raises(kz.KazasuError):
            tap(session, hanako, pin, fault=fault)
        assert session.pin_was_sent() == sent, fault
    tap(session, hanako)
    assert session.pin_was_sent()


@pytest.mark.parametrize("entry", [b"", b"123", b"12345", b"12a4", b"\xff234", "１２３４".encode()])
def test_only_four_ascii_digits_reach_the_card(begin, entry):
    hanako = card(1)
    with pytest.raises(kz.KazasuError.PinFormat) as form:
        tap(begin(), hanako, entry)
    assert (form.value.code(), hanako.verify_count()) == ("KZ-C11", 0)


def test_another_card_than_the_registered_one_is_refused_before_the_pin(begin):
    registered = tap(begin(), card(1)).certificate
    taro = card(2)
    with pytest.raises(kz.KazasuError.OtherCard) as other:
        tap(begin(registered), taro, PIN[2])
    assert (other.value.code(), taro.verify_count()) == ("KZ-C12", 0)


def test_a_card_lost_at_any_exchange_is_a_typed_error_and_never_a_second_verify(begin):
    session = begin()
    whole = Link(card(1).tap(None))
    begin().tap(whole, PIN[1], kz.LastAttempt.REFUSE, None)
    doubtful = 0
    for exchange in range(whole.exchanges):
        for fault in ("drop", "drop-after"):
            hanako = card(1)
            with pytest.raises((kz.KazasuError.Transport, kz.KazasuError.VerifyUnanswered)) as lost:
                # In a session of its own: where a read was lost, the next tap of a session reads in smaller pieces.
                tap(begin(), hanako, fault=f"exchange={exchange}:{fault}")
            assert lost.value.code() == "KZ-C01"
            assert hanako.verify_count() <= 1 and hanako.attempts_left() == 3
            doubtful += isinstance(lost.value, kz.KazasuError.VerifyUnanswered)
    assert doubtful == 2
    for exchange in range(whole.exchanges):
        with pytest.raises(kz.KazasuError.Transport):
            tap(session, card(1), fault=f"exchange={exchange}:drop")
    tap(session, card(1))
    assert session.finish().qualification == kz.Qualification.VALID


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: type(mistake).__name__)
def test_what_callbacks_raise_is_typed_and_loses_its_text(begin, mistake):
    def fail(*_):
        raise mistake

    session = begin()
    link = Link(card(1).tap(None), lambda exchange: fail() if exchange >= 1 else None)
    with pytest.raises(kz.KazasuError.Transport) as failed:
        session.tap(link, PIN[1], kz.LastAttempt.REFUSE, None)
    assert isinstance(failed.value.error, kz.TransportError.Failed)
    assert failed.value.code() == "KZ-C01" and "secret" not in repr(failed.value)

    class Key(DeviceKey):
        public_key = fail

    with pytest.raises(kz.KazasuError.DeviceKey) as refused:
        begin(device_key=Key())
    assert refused.value.code() == "KZ-L01" and "secret" not in repr(refused.value)

    class Listener(kz.ProgressListener):
        on_step = fail

    tap(session, card(1), progress=Listener())
    assert session.finish().qualification == kz.Qualification.VALID


def test_a_link_closed_before_the_pin_leaves_uses_no_try(begin):
    session = begin()
    for end, code in [(kz.LinkEnd.CANCELLED, "KZ-U03"), (kz.LinkEnd.TAG_LOST, "KZ-C01")]:
        hanako = card(1)

        def fail(exchange, end=end):
            if exchange == 3:  # SELECT, certificate, tries left
                raise kz.TransportError.NotSent(end)

        with pytest.raises(kz.KazasuError.Transport) as closed:
            session.tap(Link(hanako.tap(None), fail), PIN[1], kz.LastAttempt.REFUSE, None)
        assert (closed.value.code(), hanako.verify_count(), session.pin_was_sent()) == (code, 0, False)


def test_what_a_link_raises_by_contract_keeps_its_type(begin):
    session = begin()
    for name, code in [("TagLost", "KZ-C01"), ("Timeout", "KZ-C02"), ("Unavailable", "KZ-C08"), ("Cancelled", "KZ-U03")]:
        kind = getattr(kz.TransportError, name)

        def fail(_, kind=kind):
            raise kind()

        with pytest.raises(kz.KazasuError.Transport) as failed:
            session.tap(Link(card(1).tap(None), fail), PIN[1], kz.LastAttempt.REFUSE, None)
        assert isinstance(failed.value.error, kind) and failed.value.code() == code


def test_a_second_call_while_one_runs_is_busy(begin):
    session = begin()
    reached, go_on = threading.Event(), threading.Event()

    def wait(exchange):
        if exchange == 1:
            reached.set()
            go_on.wait(10)

    first = threading.Thread(target=session.tap, args=(Link(card(1).tap(None), wait), PIN[1], kz.LastAttempt.REFUSE, None))
    first.start()
    assert reached.wait(10)
    for call in (session.renew, session.finish, lambda: tap(session, card(1))):
        with pytest.raises(kz.KazasuError.Busy) as busy:
            call()
        assert busy.value.code() == "KZ-U02"
    go_on.set()
    first.join(10)
    assert session.finish().qualification == kz.Qualification.VALID


def test_a_call_that_waits_for_the_server_is_cancelled(sandbox):
    """A server that accepts and says nothing; `rearm` lets the session try again."""
    silent = socket.create_server(("127.0.0.1", 0))
    closed = queue.Queue()

    def serve():
        while True:
            connection, _ = silent.accept()
            while connection.recv(4096):
                closed.put("speaks")
            closed.put("closed")

    threading.Thread(target=serve, daemon=True).start()
    here = f"https://127.0.0.1:{silent.getsockname()[1]}"
    config = copy.copy(sandbox.config)
    config.issuer, config.fhir_base = here, f"{here}/r4"
    session = kz.QualifyClient(config, kz.Language.ENGLISH).session(kz.Member(purpose=kz.Purpose.OWN), DeviceKey())
    for _ in range(2):
        ended = queue.Queue()
        threading.Thread(target=lambda: ended.put(pytest.raises(kz.KazasuError.Cancelled, session.begin))).start()
        assert closed.get(timeout=10) == "speaks"
        session.cancel()
        # A timeout would be another error.
        assert ended.get(timeout=10).value.code() == "KZ-U03"
        assert closed.get(timeout=10) == "closed"
        with pytest.raises(kz.KazasuError.Cancelled):
            session.begin()
        session.rearm()
    assert closed.empty()


def test_a_panic_is_an_internal_error_and_the_library_goes_on(begin):
    with pytest.raises(kz.InternalError):
        kz.simulate_panic()
    tap(begin(), card(1))


def test_without_a_server_the_call_is_unreachable(tmp_path):
    gone = Sandbox(tmp_path)
    client = kz.QualifyClient(gone.config, kz.Language.ENGLISH)
    member = kz.Member(purpose=kz.Purpose.OWN)
    session = client.session(member, DeviceKey())
    session.begin()
    tap(session, card(1))
    gone.stop()
    for call in (session.finish, client.session(member, DeviceKey()).begin):
        with pytest.raises(kz.KazasuError.Connection) as down:
            call()
        assert (down.value.code(), down.value.reason) == ("KZ-T01", kz.ConnectionReason.UNREACHABLE)


def test_a_card_tells_what_it_is_without_a_pin():
    hanako = card(1)
    info = kz.read_card_info(hanako.tap(None))
    assert info.generation == kz.CardGeneration.MY_NUMBER_CARD and "jpki" in info.applications
    hanako.set_attempts(2)
    assert kz.read_attempts_left(hanako.tap(None)).attempts_left == 2
    with pytest.raises(kz.KazasuError.NotMyNumberCard):
        kz.read_card_info(card(1, "not-jpki").tap(None))
    assert hanako.verify_count() == 0


def test_texts_exist_in_both_languages(begin):
    with pytest.raises(kz.KazasuError.WrongPin) as wrong:
        tap(begin(), card(1), WRONG)
    japanese, english = (wrong.value.user_text(language) for language in (kz.Language.JAPANESE, kz.Language.ENGLISH))
    assert re.search("[ぁ-ん]", japanese) and english.isascii()
    assert "2" in japanese and "2" in english
    assert kz.user_text("KZ-Q04", kz.Language.JAPANESE) and kz.user_text("KZ-X99", kz.Language.JAPANESE) is None


def test_text_of_a_server_is_made_fit_to_be_shown():
    assert kz.shown_text("見本健保\n  Name: \u202eX\u200b") == "見本健保 Name: X"
    assert kz.shown_text("葛\U000e0100　飾") == "葛\U000e0100　飾" and kz.shown_text("長" * 9, 4) == "長長長…"


def test_a_sixth_member_and_a_guessable_pin():
    kz.check_new_member(4)
    with pytest.raises(kz.KazasuError.TooManyMembers) as many:
        kz.check_new_member(5)
    assert many.value.code() == "KZ-D06"
    assert kz.is_guessable_pin(b"5937", None, "090-1234-5937") and kz.nfc_hint(0, kz.Language.JAPANESE) is None
    assert kz.nfc_hint(2, kz.Language.EASY_JAPANESE, "上").count("上") == 1
    assert kz.is_guessable_pin(b"1111", None) and not kz.is_guessable_pin(b"5937", "1990-04-05")


def test_objects_are_freed(begin):
    """Handles given to the library come back: no link and no key is kept after its session."""
    key = DeviceKey()
    session = begin(device_key=key)
    link = Link(card(1).tap(None))
    session.tap(link, PIN[1], kz.LastAttempt.REFUSE, None)
    session.finish()
    gone = [weakref.ref(link), weakref.ref(key)]
    del session, link, key
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
