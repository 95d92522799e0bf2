"""The family's store through the FFI, with a key store on this side: types, errors, one call at a time."""

import copy
import datetime
import json
import os
import threading
import time

import pytest
from conftest import DeviceKey, kz
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MY_NUMBER = "123456789018"  # made up; its check digit fits


class Keys(kz.KeyWrapper):
    """A key store in memory. `before` runs ahead of every call."""

    def __init__(self, before=lambda name: None):
        self.keys = {}
        self.before = before

    def wrap(self, alias, key):
        self.before("wrap")
        assert len(key) == 32
        self.keys[alias] = AESGCM.generate_key(256)
        nonce = os.urandom(12)
        return nonce + AESGCM(self.keys[alias]).encrypt(nonce, key, alias.encode())

    def unwrap(self, alias, wrapped):
        self.before("unwrap")
        if alias not in self.keys:
            raise kz.KeyStoreError.Missing()
        try:
            return AESGCM(self.keys[alias]).decrypt(wrapped[:12], wrapped[12:], alias.encode())
        except InvalidTag:
            raise kz.KeyStoreError.Missing() from None

    def delete(self, alias):
        self.before("delete")
        self.keys.pop(alias, None)
        return kz.KeyDeletion.COMPLETE


class Family:
    """A file, and the keys that open it."""

    def __init__(self, folder):
        self.path = folder / "family.kazasu"
        self.keys = Keys()
        self.log_key = DeviceKey()

    def open(self, keys=None, anchor=None, log_key=None, is_anchor_kept=False):
        settings = kz.StoreSettings(path=str(self.path), anchor=anchor, is_anchor_kept=is_anchor_kept)
        return kz.Store.open_or_create(settings, keys or self.keys, log_key or self.log_key)


@pytest.fixture
def family(tmp_path):
    return Family(tmp_path)


def tapped(whose):
    capabilities = kz.CardCapabilities(short_ef=True, extended_length=None)
    return kz.TapResult(certificate=f"certificate of {whose}".encode(), capabilities=capabilities)


def profile(nickname, role=kz.Role.OWN):
    return kz.Profile(nickname=nickname, role=role)


def add(store, nickname):
    registered = store.confirm_and_add(tapped(nickname), profile(nickname))
    assert isinstance(registered, kz.Registered.NEW)
    return registered.id


def expense(name, month):
    return json.dumps({"resourceType": "ExplanationOfBenefit", "id": name, "billablePeriod": {"start": month}})


def observation(name, day):
    return json.dumps({"resourceType": "Observation", "id": name, "effectiveDateTime": day})


def refused(reason, call, *arguments, **named):
    with pytest.raises(kz.KazasuError.Store) as error:
        call(*arguments, **named)
    code = "KZ-L02" if reason == kz.StoreReason.REPLACED else "KZ-L01"
    assert (error.value.reason, error.value.code()) == (reason, code)
    return error.value


def test_what_is_kept_is_there_after_reopening(family):
    store = family.open()
    hanako = add(store, "花子")
    store.save_secret(hanako, kz.SecretKind.ACCESS, b"token")
    store.remember(None, "log_seen", b"2026-11-20")
    store.put_records(hanako, [expense("eob-1", "2026-10"), observation("obs-1", "2026-09-03")])
    store.put_payments(hanako, [payment()], kz.PaymentSource.ENTERED)
    checkpoint = store.sign_and_close()
    assert checkpoint.entries >= 4 and checkpoint.at_unix_ms > 1.7e12

    store = family.open(anchor=checkpoint.bytes)
    [member] = store.members()
    assert (member.id, member.profile.nickname, member.profile.role) == (hanako, "花子", kz.Role.OWN)
    assert member.profile.shares_livelihood and not member.profile.is_locked and member.profile.consents == []
    assert member.certificate == "certificate of 花子".encode() and member.capabilities.short_ef is True
    assert abs(member.registered_at_unix_ms - time.time() * 1000) < 60_000
    assert store.secret(hanako, kz.SecretKind.ACCESS) == b"token"
    assert store.secret(hanako, kz.SecretKind.DEVICE_KEY) is None
    assert store.delete_secret(hanako, kz.SecretKind.ACCESS) is True
    assert store.delete_secret(hanako, kz.SecretKind.ACCESS) is False
    assert store.remembered(None, "log_seen") == b"2026-11-20" and store.remembered(hanako, "log_seen") is None
    page = store.records(hanako, kz.RecordQuery(), 10)
    assert [(one.record_type, one.day) for one in page.records] == [
        (kz.RecordType.EXPENSE, "2026-10-01"),
        (kz.RecordType.OBSERVATION, "2026-09-03"),
    ]
    assert [one.payment for one in store.payments(hanako)] == [payment()]
    assert store.verify().is_WHOLE()


def test_the_sixth_member_is_refused(family):
    store = family.open()
    ids = []
    for nickname in "一二三四五":
        store.check_room()
        ids.append(add(store, nickname))
    before = family.path.read_bytes()
    for call in (store.check_room, lambda: add(store, "六")):
        with pytest.raises(kz.KazasuError.TooManyMembers) as many:
            call()
        assert many.value.code() == "KZ-D06"
    assert family.path.read_bytes() == before
    store.set_order(ids[::-1])
    assert [member.id for member in store.members()] == ids[::-1]
    with pytest.raises(kz.KazasuError.Usage):
        store.set_order(ids[:4])


def test_one_card_is_one_member_and_a_profile_changes(family):
    store = family.open()
    hanako = add(store, "花子")
    known = store.confirm_and_add(tapped("花子"), profile("母"))
    assert isinstance(known, kz.Registered.KNOWN) and known.id == hanako
    for nickname in ("花子", " ", "あ" * 21):
        with pytest.raises(kz.KazasuError.Usage):
            store.confirm_and_add(tapped("一郎"), profile(nickname))
    changed = kz.Profile(
        nickname="母", role=kz.Role.PROXY, shares_livelihood=False, is_locked=True, consents=["limit-certificate"]
    )
    store.set_profile(hanako, changed)
    store.set_card(hanako, kz.TapResult(certificate=b"renewed", capabilities=kz.CardCapabilities(short_ef=None, extended_length=False)))
    member = store.member(hanako)
    assert (member.profile, member.certificate) == (changed, b"renewed")
    assert member.capabilities == kz.CardCapabilities(short_ef=None, extended_length=False)
    # After a tap that failed there is no certificate to keep, and something was learned all the same.
    shown = kz.CardCapabilities(short_ef=True, extended_length=None, extended_doubt=kz.ExtendedDoubt.SUSPENDED)
    store.set_capabilities(hanako, shown)
    assert (store.member(hanako).certificate, store.member(hanako).capabilities) == (b"renewed", shown)
    for stranger in ("0" * 32, "nobody"):
        with pytest.raises(kz.KazasuError.Usage):
            store.member(stranger)


def test_records_are_read_in_pages_and_marked(family):
    store = family.open()
    hanako, ichiro = add(store, "花子"), add(store, "一郎")
    records = [expense(f"eob-{month}", f"2026-{month:02}") for month in range(1, 13)]
    assert store.put_records(hanako, records) == kz.Saved(added=12, changed=0, unchanged=0)
    assert store.put_records(hanako, records) == kz.Saved(added=0, changed=0, unchanged=12)
    months, query = [], kz.RecordQuery()
    while True:
        page = store.records(hanako, query, 5)
        months += [int(one.day[5:7]) for one in page.records]
        if page.next is None:
            break
        query.after = page.next
    assert months == list(range(12, 0, -1))
    spring = kz.RecordQuery(from_day="2026-03-01", to_day="2026-05-31")
    found = store.records(hanako, spring, 99).records
    assert [json.loads(one.json)["id"] for one in found] == ["eob-5", "eob-4", "eob-3"]
    assert all(one.is_unread for one in found) and store.unread(hanako) == 12 and store.unread(ichiro) == 0
    store.mark_read(hanako, [found[0].key])
    assert store.unread(hanako) == 11
    store.mark_read(hanako, None)
    assert store.unread(hanako) == 0
    for kinds, number in (([kz.RecordType.OBSERVATION], 0), ([kz.RecordType.EXPENSE, kz.RecordType.ACCESS], 12)):
        assert len(store.records(hanako, kz.RecordQuery(types=kinds), 99).records) == number
    for broken in (kz.RecordQuery(from_day="2026-3-1"), kz.RecordQuery(after=b"short")):
        with pytest.raises(kz.KazasuError.Usage):
            store.records(hanako, broken, 9)


def test_a_record_that_cannot_be_kept_keeps_none(family):
    store = family.open()
    hanako = add(store, "花子")
    number = {"resourceType": "Observation", "identifier": [{"system": "urn:my-number", "value": MY_NUMBER}]}
    for wrong, reason in [
        ("{", kz.ResourceReason.MALFORMED),
        ('{"resourceType": "Patient"}', kz.ResourceReason.MALFORMED),
        (json.dumps(number), kz.ResourceReason.MY_NUMBER),
        (json.dumps({"resourceType": "Observation", "id": "o", "note": ["x" * 1000] * 1100}), kz.ResourceReason.TOO_LARGE),
    ]:
        with pytest.raises(kz.KazasuError.Resource) as error:
            store.put_records(hanako, [expense("eob-1", "2026-10"), wrong])
        assert error.value.reason == reason and MY_NUMBER not in repr(error.value)
    assert store.records(hanako, kz.RecordQuery(), 9).records == []


def payment(**changes):
    values = {
        "source_id": "receipt-1",
        "row": 2,
        "kind": kz.ExpenseKind.PHARMACY,
        "institution": "みほん薬局",
        "treatment_month": "2026-10",
        "paid_on": "2026-10-07",
        "receipt_yen": 1790,
        "reimbursed_yen": 0,
    }
    return kz.Payment(**(values | changes))


def test_payments_are_replaced_by_their_source(family):
    store = family.open()
    hanako = add(store, "花子")
    assert store.put_payments(hanako, [payment(), payment(row=3)], kz.PaymentSource.IMPORTED) == 2
    assert store.put_payments(hanako, [payment(receipt_yen=None, notice_yen=1785)], kz.PaymentSource.ENTERED) == 0
    kept = sorted(store.payments(hanako), key=lambda one: one.payment.row)
    assert [one.payment for one in kept] == [payment(receipt_yen=None, notice_yen=1785), payment(row=3)]
    assert store.delete_payment(hanako, kept[0].id) is True
    assert store.delete_payment(hanako, kept[0].id) is False
    for wrong in ({"receipt_yen": -1}, {"paid_on": "2026-02-30"}, {"treatment_month": "2026-13"}):
        with pytest.raises(kz.KazasuError.Usage):
            store.put_payments(hanako, [payment(**wrong)], kz.PaymentSource.ENTERED)
    events = [entry.event for entry in store.log_entries(None, 3)]
    assert events == [kz.LogEvent.PAYMENT_CHANGED, kz.LogEvent.PAYMENT_CHANGED, kz.LogEvent.PAYMENT_CHANGED]
    assert store.log_entries(None, 9)[3].event == kz.LogEvent.IMPORTED


def test_text_that_looks_like_a_my_number_is_refused(family):
    store = family.open()
    hanako = add(store, "花子")
    number = " ".join((MY_NUMBER[:4], MY_NUMBER[4:8], MY_NUMBER[8:]))
    for call in (
        lambda: store.confirm_and_add(tapped("一郎"), profile(number)),
        lambda: store.set_profile(hanako, profile(number)),
        lambda: store.put_payments(hanako, [payment(institution=number)], kz.PaymentSource.ENTERED),
    ):
        with pytest.raises(kz.KazasuError.MyNumberSuspected) as suspected:
            call()
        assert suspected.value.code() == "KZ-D05" and number not in repr(suspected.value)
        assert suspected.value.user_text(kz.Language.JAPANESE)
    assert [member.profile.nickname for member in store.members()] == ["花子"]


def test_a_check_goes_from_the_session_into_the_history(family, begin):
    session = begin()
    assert session.answer_json() is None
    tap = session.tap(kz.SimulatedCard("today", 1).tap(None), b"1234", kz.LastAttempt.REFUSE, None)
    result = session.finish()
    store = family.open()
    hanako = store.confirm_and_add(tap, profile("花子")).id
    now = int(time.time() * 1000)
    store.add_history(hanako, now, kz.CheckedBy.CARD, result.code or "OK", session.answer_json())
    store.add_history(hanako, now - 60_000, kz.CheckedBy.REFRESH, "KZ-Q02", None)
    newest, older = store.history(hanako, None, 9)
    kept = newest.eligibility
    assert (newest.at_unix_ms, newest.checked_by, newest.result) == (now, kz.CheckedBy.CARD, "OK")
    same = ("qualification", "code", "insurances", "primary", "as_of_unix_ms")
    assert [getattr(kept, name) for name in same] == [getattr(result, name) for name in same]
    assert kept.freshness == kz.Freshness.CURRENT and json.loads(kept.json) == json.loads(session.answer_json())
    assert (older.result, older.eligibility, older.checked_by) == ("KZ-Q02", None, kz.CheckedBy.REFRESH)
    assert [entry.result for entry in store.history(hanako, now, 9)] == ["KZ-Q02"]
    assert len(store.history(hanako, None, 1)) == 1
    with pytest.raises(kz.KazasuError.Resource):
        store.add_history(hanako, now, kz.CheckedBy.CARD, "OK", "{}")
    assert store.apply_retention(kz.RetentionPolicy()) == kz.Retention(history=0, records=0, marked=0)
    then = now - 40 * 86_400_000
    store.add_history(hanako, then, kz.CheckedBy.DISPLAY, "OK", None)
    policy = kz.RetentionPolicy(history_months=1, record_years=1)
    assert store.apply_retention(policy) == kz.Retention(history=0, records=0, marked=1)
    assert store.confirm_clock(now + 2 * 86_400_000) is False and store.confirm_clock(now) is True
    assert store.apply_retention(policy).history == 0, "a week of confirmed time later"
    day = lambda ms: (datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone(datetime.timedelta(hours=9)))).date().isoformat()
    [one] = store.expiring(policy)
    assert (one.member, one.kind, one.rows, one.oldest_day, one.newest_day) == (hanako, kz.Aging.CHECK, 1, day(then), day(then))
    assert one.due_unix_ms >= now + 7 * 86_400_000
    with pytest.raises(kz.KazasuError.Usage):
        store.delete_expiring(policy, "2001-01-01")
    assert store.delete_expiring(policy, day(now)).history == 1 and store.expiring(policy) == []


def test_records_go_from_the_session_into_the_store(family, sandbox):
    config = copy.copy(sandbox.config)
    resources = ("ExplanationOfBenefit", "MedicationDispense", "Immunization", "Observation", "AuditEvent")
    scopes = config.scope.split() + [f"patient/{name}.rs" for name in resources]
    config.scope = " ".join(dict.fromkeys(scopes))
    session = kz.QualifyClient(config, kz.Language.JAPANESE).session(kz.Member(purpose=kz.Purpose.OWN), DeviceKey())
    session.begin()
    with pytest.raises(kz.KazasuError.Usage):
        session.fetch_records(kz.RecordKind.EXPENSE, None)
    tap = session.tap(kz.SimulatedCard("today", 1).tap(None), b"1234", kz.LastAttempt.REFUSE, None)
    session.finish()
    store = family.open()
    hanako = store.confirm_and_add(tap, profile("花子")).id
    kept = 0
    for kind in kz.RecordKind:
        fetched = session.fetch_records(kind, None)
        assert fetched.records and not fetched.is_partial
        kept += store.put_records(hanako, fetched.records).added
    assert kept == store.unread(hanako) == len(store.records(hanako, kz.RecordQuery(), 999).records)
    assert {one.record_type for one in store.records(hanako, kz.RecordQuery(), 999).records} == set(kz.RecordType)
    everything = session.fetch_records(kz.RecordKind.EXPENSE, None).records
    assert len(session.fetch_records(kz.RecordKind.EXPENSE, "2999-01-01").records) < len(everything)
    for call in (session.finish, lambda: session.fetch_records(kz.RecordKind.EXPENSE, "yesterday")):
        with pytest.raises(kz.KazasuError.Usage):
            call()


def test_the_log_tells_what_happened_and_is_whole(family):
    store = family.open()
    hanako = add(store, "花子")
    store.tell(kz.AppEvent.PIN_FAILED, hanako)
    store.tell(kz.AppEvent.LOG_READ, None)
    entries = store.log_entries(None, 9)
    assert [(entry.n, entry.event, entry.member) for entry in entries] == [
        (4, kz.LogEvent.LOG_READ, None),
        (3, kz.LogEvent.PIN_FAILED, hanako),
        (2, kz.LogEvent.MEMBER_ADDED, hanako),
        (1, kz.LogEvent.STORE_CREATED, None),
    ]
    assert {entry.result for entry in entries} == {"OK"}
    assert [entry.n for entry in store.log_entries(3, 1)] == [2]
    checkpoint = store.checkpoint()
    assert checkpoint.entries == 4
    verdict = store.verify_log()
    assert verdict.is_WHOLE() and (verdict.entries, verdict.checkpoints) == (4, 2)
    assert kz.log_event_text(kz.LogEvent.MEMBER_ADDED, kz.Language.JAPANESE) == "家族を登録"
    assert kz.log_event_text(kz.LogEvent.UNKNOWN, kz.Language.ENGLISH) == "unknown"


def test_a_removed_member_leaves_nothing(family):
    store = family.open()
    hanako, ichiro = add(store, "花子"), add(store, "一郎")
    store.put_records(ichiro, [expense("eob-1", "2026-10")])
    aliases = set(family.keys.keys)
    assert store.remove_member(hanako) == kz.Erasure.COMPLETE
    assert len(family.keys.keys) == 1 and not aliases & set(family.keys.keys), "a new master key, the old one deleted"
    for call in (store.member, store.unread, store.remove_member):
        with pytest.raises(kz.KazasuError.Usage):
            call(hanako)
    assert store.log_entries(None, 1)[0].event == kz.LogEvent.ERASED
    store.rotate()
    store.sign_and_close()
    store = family.open()
    assert [member.id for member in store.members()] == [ichiro] and store.unread(ichiro) == 1


@pytest.mark.parametrize(
    "raised, reason",
    [(kz.KeyStoreError.Locked, kz.StoreReason.LOCKED), (kz.KeyStoreError.Missing, kz.StoreReason.KEY_MISSING)],
    ids=["locked", "missing"],
)
def test_a_key_store_that_refuses_is_told_apart(family, raised, reason):
    add(family.open(), "花子")

    def fail(_):
        raise raised()

    error = refused(reason, family.open, keys=Keys(fail))
    assert error.user_text(kz.Language.JAPANESE) and error.user_text(kz.Language.ENGLISH).isascii()
    assert [member.profile.nickname for member in family.open().members()] == ["花子"]


def test_another_key_store_finds_no_key(family):
    family.open().sign_and_close()
    refused(kz.StoreReason.KEY_MISSING, family.open, keys=Keys())


@pytest.mark.parametrize("mistake", [ValueError("a secret text"), KeyError("a secret text"), RecursionError("a secret text")])
def test_what_a_key_store_raises_unasked_loses_its_text(family, mistake):
    def fail(_):
        raise mistake

    for _ in range(2):
        with pytest.raises(kz.KazasuError.DeviceKey) as failed:
            family.open(keys=Keys(fail))
        assert failed.value.code() == "KZ-L01" and "secret" not in repr(failed.value)
        assert "KeyWrapper" in failed.value.detail
        family.open().sign_and_close()  # it opens with its own, and then fails at unwrap in place of wrap


@pytest.mark.parametrize("garbage", [b"", b"\x00" * 32, b"\x00" * 31, b"\x00" * 4096], ids=["none", "another", "short", "long"])
def test_a_key_store_that_returns_garbage_opens_nothing(family, garbage):
    family.open().sign_and_close()

    class Garbage(Keys):
        def unwrap(self, alias, wrapped):
            return garbage

    refused(kz.StoreReason.DAMAGED, family.open, keys=Garbage())
    family.open()


def test_a_key_store_that_returns_nothing_makes_no_store(family):
    class Wrong(Keys):
        def wrap(self, alias, key):
            return None

    with pytest.raises((kz.KazasuError.DeviceKey, kz.InternalError)):
        family.open(keys=Wrong())
    assert not family.path.exists()


def test_a_log_key_that_refuses_makes_no_store(family):
    class Broken(DeviceKey):
        def sign_sha256(self, message):
            raise kz.DeviceKeyError.Failed(detail="no key")

    with pytest.raises(kz.KazasuError.DeviceKey):
        family.open(log_key=Broken())
    assert not family.path.exists()
    family.open()


def test_an_older_store_and_a_lost_one_are_noticed(family):
    store = family.open()
    store.sign_and_close()
    copy = family.path.read_bytes()
    store = family.open()
    add(store, "花子")
    anchor = store.sign_and_close().bytes
    family.path.write_bytes(copy)
    refused(kz.StoreReason.ROLLED_BACK, family.open, anchor=anchor)
    family.path.unlink()
    refused(kz.StoreReason.REPLACED, family.open, anchor=anchor)
    assert not family.path.exists()
    refused(kz.StoreReason.DAMAGED, family.open, anchor=anchor[:-1])


def test_what_is_missing_is_not_made_anew(family):
    class Gone(DeviceKey):
        def public_key(self):
            raise kz.DeviceKeyError.Missing()

    store = family.open(is_anchor_kept=True)
    add(store, "花子")
    anchor = store.sign_and_close().bytes
    refused(kz.StoreReason.KEY_MISSING, family.open, anchor=anchor, log_key=Gone())
    refused(kz.StoreReason.KEY_MISSING, family.open, is_anchor_kept=True)
    refused(kz.StoreReason.REPLACED, family.open, log_key=DeviceKey())
    assert len(family.open(anchor=anchor, is_anchor_kept=True).members()) == 1


def test_registering_is_one_act_and_a_stop_another(family):
    store = family.open()
    now = int(time.time() * 1000)
    patient = kz.ServerPatient(issuer="https://a.example", patient="p-1")
    check = kz.Check(at_unix_ms=now, checked_by=kz.CheckedBy.CARD, result="KZ-Q02")
    contact = kz.Contact(check=check, server_time_unix_ms=now)
    profile = kz.Profile(nickname="花子", role=kz.Role.OWN)
    new = store.register(tapped("花子"), profile, patient, contact, b"alias-1", b"token")
    assert isinstance(new, kz.Registered.NEW) and store.device_key_names() == [b"alias-1"]
    assert store.secret(new.id, kz.SecretKind.ACCESS) == b"token" and len(store.history(new.id, None, 9)) == 1
    again = store.register(tapped("花子"), profile, patient, kz.Contact(), b"alias-2", b"x")
    assert isinstance(again, kz.Registered.KNOWN) and again.id == new.id
    assert store.device_key_names() == [b"alias-1"], "a key that nobody names is to be deleted"
    other = kz.ServerPatient(issuer="https://a.example", patient="p-2")
    for act in (lambda: store.pin_patient(new.id, other),
                lambda: store.register(tapped("花子"), profile, other, kz.Contact(), b"", b"")):
        with pytest.raises(kz.KazasuError.Resource) as foreign:
            act()
        assert foreign.value.code() == "KZ-D08"
    store.confirm_patient(new.id, other)
    store.pin_patient(new.id, other)
    store.keep_contact(new.id, kz.Contact(), b"token-2")
    assert store.secret(new.id, kz.SecretKind.ACCESS) == b"token-2"
    store.begin_stop(new.id, b"stop")
    assert store.secret(new.id, kz.SecretKind.ACCESS) is None
    store.end_stop(new.id)
    assert store.device_key_names() == [] and store.log_entries(None, 1)[0].event == kz.LogEvent.SUSPENDED
    store.end_access(new.id)
    assert store.log_entries(None, 1)[0].event == kz.LogEvent.SIGNED_OUT


def test_a_damaged_file_is_not_replaced(family):
    family.path.write_bytes(b"something else")
    refused(kz.StoreReason.DAMAGED, family.open)
    assert family.path.read_bytes() == b"something else"
    family.path = family.path.parent / "missing" / "family.kazasu"
    refused(kz.StoreReason.IO, family.open)


def test_a_second_call_while_one_runs_is_busy(family):
    store = family.open()
    hanako = add(store, "花子")
    reached, go_on = threading.Event(), threading.Event()

    def wait(name):
        if name == "wrap":
            reached.set()
            go_on.wait(10)

    family.keys.before = wait
    first = threading.Thread(target=store.rotate)
    first.start()
    assert reached.wait(10)
    for call in (store.members, store.check_room, store.sign_and_close, lambda: store.unread(hanako)):
        with pytest.raises(kz.KazasuError.Busy) as busy:
            call()
        assert busy.value.code() == "KZ-U02"
    with pytest.raises(kz.KazasuError.Busy):
        family.open()
    go_on.set()
    first.join(10)
    assert len(store.members()) == 1


def test_a_closed_store_refuses_every_call(family):
    store = family.open()
    store.sign_and_close()
    for call in (store.members, store.check_room, store.sign_and_close, store.rotate, store.verify):
        with pytest.raises(kz.KazasuError.Usage) as closed:
            call()
        assert "closed" in closed.value.detail
    family.open()


def test_nothing_readable_lies_in_the_file(family):
    store = family.open()
    hanako = add(store, "花子とても")
    store.save_secret(hanako, kz.SecretKind.ACCESS, b"a token of some length")
    store.put_records(hanako, [expense("eob-readable", "2026-10")])
    store.sign_and_close()
    for needle in ("花子とても".encode(), b"a token of some length", b"eob-readable", b"certificate of"):
        assert needle not in family.path.read_bytes()
