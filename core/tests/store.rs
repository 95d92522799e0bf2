//! The store as an app meets it: members, history, records, payments, the log, and what happens between openings.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(all(unix, feature = "store", feature = "ring", feature = "software-key"))]

mod family;

use family::{Family, expense, observation};
use kazasu::Error;
use kazasu::error::StoreFault;
use kazasu::fhir::{Expense, Observation, Record};
use kazasu::insurance::{ExpenseKind, Payment, YearMonth};
use kazasu::iso7816::{CardCapabilities, ExtendedDoubt};
use kazasu::store::{
    CheckedBy, Erasure, Event, HistoryEntry, LogVerdict, Profile, Query, Registered, Role, Saved, SecretKind, Store,
};
use kazasu::time::CalendarDate;

#[test]
fn what_is_kept_is_there_after_reopening() {
    let family = Family::new();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.save_secret(hanako, SecretKind::Access, b"token").expect("saves");
    store.put_records(hanako, &[expense("eob-1", "2026-10"), observation("obs-1", "2026-09-03")]).expect("keeps");
    store.remember(None, "log_seen", b"2026-11-20").expect("remembers");
    let entry = HistoryEntry { at: family.now(), by: CheckedBy::Card, result: "OK".to_owned(), eligibility: None };
    store.add_history(hanako, &entry).expect("keeps");
    store.close().expect("closes");

    let mut store = family.open().expect("opens");
    let members = store.members().expect("reads");
    assert_eq!(members.len(), 1);
    assert_eq!((members[0].id, &*members[0].profile.nickname, members[0].profile.role), (hanako, "花子", Role::Own));
    assert_eq!(
        store.secret(hanako, SecretKind::Access).expect("reads").as_deref().map(Vec::as_slice),
        Some(&b"token"[..])
    );
    assert!(store.secret(hanako, SecretKind::DeviceKey).expect("reads").is_none());
    assert_eq!(store.remembered(None, "log_seen").expect("reads").as_deref(), Some(&b"2026-11-20"[..]));
    assert_eq!(store.history(hanako, None, 10).expect("reads"), [entry]);
    let page = store.records(hanako, &Query::default(), 10).expect("reads");
    let titles: Vec<_> = page.records.iter().map(|one| one.record.source()).collect();
    assert_eq!(titles, ["expense_notice", "specific_checkup"]);
    assert!(matches!(store.verify().expect("verifies"), LogVerdict::Whole { .. }));
}

#[test]
fn what_a_failed_tap_has_shown_is_kept_without_a_certificate() {
    let family = Family::new();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    let before = store.member(hanako).expect("reads").card;
    for doubt in [Some(ExtendedDoubt::Suspended), Some(ExtendedDoubt::OnTrial), None] {
        let shown = CardCapabilities { short_ef: Some(true), extended_length: None, extended_doubt: doubt };
        store.set_capabilities(hanako, shown).expect("keeps");
        store.close().expect("closes");
        store = family.open().expect("opens");
        let card = store.member(hanako).expect("reads").card;
        assert!(card.certificate == before.certificate && card.first_seen == before.first_seen);
        assert_eq!(card.capabilities, shown);
    }
}

#[test]
fn a_second_process_finds_it_busy() {
    let family = Family::new();
    let store = family.create();
    assert_eq!(family.open().map(drop), Err(Error::Busy));
    drop(store);
    family.open().expect("free again");
}

#[test]
fn no_store_is_ever_replaced_by_an_empty_one() {
    let family = Family::new();
    let missing = StoreFault::Io { detail: "no such file" };
    assert_eq!(Store::open(family.new_settings()).map(drop), Err(missing.into()));
    let checkpoint = family.create().close().expect("closes");
    assert!(matches!(Store::create(family.settings(None)).map(drop), Err(Error::Usage { .. })), "the file is there");
    std::fs::remove_file(family.file()).expect("removes");
    let create = |anchor| Store::create(family.settings(anchor)).map(drop);
    assert_eq!(create(Some(checkpoint)), Err(StoreFault::Replaced.into()), "there was one");
}

#[test]
fn without_its_keys_it_stays_shut() {
    let family = Family::new();
    family.create().close().expect("closes");
    let before = std::fs::read(family.file()).expect("reads");
    let keys = family.keys_folder();
    let away = keys.with_extension("away");
    std::fs::rename(&keys, &away).expect("moves");
    assert_eq!(family.open().map(drop), Err(StoreFault::KeyMissing.into()));
    assert_eq!(std::fs::read(family.file()).expect("reads"), before);
    assert!(!keys.exists(), "nothing is made in their place");
    std::fs::rename(&away, &keys).expect("moves back");
    family.open().expect("opens with its keys");
}

#[test]
fn the_sixth_member_is_refused_before_any_input_or_output() {
    let family = Family::new();
    let mut store = family.create();
    for nickname in ["一", "二", "三", "四", "五"] {
        store.check_room().expect("room");
        family.add(&mut store, nickname);
    }
    let before = family.io();
    assert_eq!(store.check_room(), Err(Error::TooManyMembers));
    let sixth = store.add_member(family.candidate("六").confirm(), Profile::new("六", Role::Own));
    assert_eq!(sixth, Err(Error::TooManyMembers));
    assert_eq!(sixth.map(drop).map_err(|error| error.code()), Err("KZ-D06"));
    assert_eq!(family.io(), before, "neither the file nor the key store was touched");
    let first = store.members().expect("reads")[0].id;
    store.remove_member(first).expect("removes");
    store.check_room().expect("room again");
}

#[test]
fn one_card_is_one_member_and_nicknames_differ() {
    let family = Family::new();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    let again = store.add_member(family.candidate("花子").confirm(), Profile::new("母", Role::Own)).expect("known");
    assert_eq!(again, Registered::Known(hanako));
    let add = |store: &mut Store, nickname: &str| {
        store.add_member(family.candidate("一郎").confirm(), Profile::new(nickname, Role::LegalRepresentative))
    };
    assert!(matches!(add(&mut store, "花子"), Err(Error::Usage { .. })), "taken");
    assert!(matches!(add(&mut store, " "), Err(Error::Usage { .. })), "empty");
    assert!(matches!(add(&mut store, &"あ".repeat(21)), Err(Error::Usage { .. })), "too long");
    assert_eq!(add(&mut store, "1234 5678 9018"), Err(Error::MyNumberSuspected));
    assert!(matches!(add(&mut store, " 一郎 "), Ok(Registered::New(_))));
    let members = store.members().expect("reads");
    let ids: Vec<_> = members.iter().map(|member| member.id).collect();
    assert_eq!(members[1].profile.nickname, "一郎");
    store.set_order(&[ids[1], ids[0]]).expect("orders");
    assert_eq!(store.members().expect("reads")[0].id, ids[1]);
    assert!(store.set_order(&[ids[1], ids[1]]).is_err());
}

#[test]
fn a_nickname_shows_something_and_cannot_be_taken_for_another() {
    let family = Family::new();
    let mut store = family.create();
    let hanako = family.add(&mut store, "ハナコ");
    let taro = family.add(&mut store, "タロウ");
    let refused = |changed: Result<(), Error>| matches!(changed, Err(Error::Usage { .. }));
    for alike in ["ﾊﾅｺ", "はなこ", "八ナコ", "ハナ コ", "ハナ\u{200b}コ", "ハナコ\u{202e}", "ハナコ\u{3164}"]
    {
        assert!(refused(store.check_profile(&Profile::new(alike, Role::Own))), "{alike:?}");
        assert!(refused(store.set_profile(taro, Profile::new(alike, Role::Own))), "{alike:?}");
    }
    for unseen in ["\u{200b}", "\u{3164}", "\u{115f}\u{1160}", "\u{2800}", "\u{3000}\u{301}", "\u{e0041}"] {
        assert!(refused(store.check_profile(&Profile::new(unseen, Role::Own))), "{unseen:?}");
    }
    // One's own may be written in another way, and is kept as typed without what is not seen.
    store.set_profile(hanako, Profile::new(" は\u{200d}なこ ", Role::Own)).expect("changes");
    assert_eq!(store.member(hanako).expect("reads").profile.nickname, "はなこ");
}

#[test]
fn records_are_one_list_by_date_that_is_read_in_pages() {
    let family = Family::new();
    let mut store = family.create();
    let (hanako, ichiro) = (family.add(&mut store, "花子"), family.add(&mut store, "一郎"));
    let records: Vec<Record> =
        (1..=12).map(|month| expense(&format!("eob-{month}"), &format!("2026-{month:02}"))).collect();
    assert_eq!(store.put_records(hanako, &records).expect("keeps"), Saved { new: 12, changed: 0, unchanged: 0 });
    assert_eq!(store.put_records(hanako, &records).expect("keeps"), Saved { new: 0, changed: 0, unchanged: 12 });
    store.put_records(ichiro, &[observation("obs-1", "2026-06-15"), observation("obs-2", "")]).expect("keeps");

    let mut query = Query::default();
    let mut months = Vec::new();
    loop {
        let page = store.records(hanako, &query, 5).expect("reads");
        assert!(page.records.len() <= 5);
        months.extend(page.records.iter().filter_map(|one| Some(one.record.date()?.date.month)));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(months, (1..=12).rev().collect::<Vec<u8>>());

    let day = CalendarDate::parse;
    let spring = Query { from: day("2026-03-01"), to: day("2026-05-31"), ..Query::default() };
    assert_eq!(store.records(hanako, &spring, 99).expect("reads").records.len(), 3);
    let typed = Query { types: vec![Observation::TYPE], ..Query::default() };
    assert_eq!(store.records(hanako, &typed, 99).expect("reads").records.len(), 0);
    let of_ichiro = store.records(ichiro, &typed, 99).expect("reads").records;
    assert_eq!(
        of_ichiro.iter().map(|one| one.record.date().is_some()).collect::<Vec<_>>(),
        [true, false],
        "undated last"
    );
    assert_eq!(
        store.records(ichiro, &Query { types: vec![Expense::TYPE], ..Query::default() }, 9).expect("reads").records,
        []
    );
}

#[test]
fn a_record_whose_date_changes_moves_and_is_unread_again() {
    let family = Family::new();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.put_records(hanako, &[expense("eob-1", "2026-10"), expense("eob-2", "2026-09")]).expect("keeps");
    assert_eq!(store.unread(hanako).expect("counts"), 2);
    let first = store.records(hanako, &Query::default(), 1).expect("reads").records[0].key;
    store.mark_read(hanako, Some(&[first])).expect("marks");
    assert_eq!(store.unread(hanako).expect("counts"), 1);
    let saved = store.put_records(hanako, &[expense("eob-1", "2026-08")]).expect("keeps");
    assert_eq!(saved, Saved { new: 0, changed: 1, unchanged: 0 });
    assert_eq!(store.unread(hanako).expect("counts"), 2);
    let page = store.records(hanako, &Query::default(), 9).expect("reads");
    let dates: Vec<_> =
        page.records.iter().map(|one| (one.record.date().expect("dated").date.month, one.is_unread)).collect();
    assert_eq!(dates, [(9, true), (8, true)]);
    store.mark_read(hanako, None).expect("marks");
    assert_eq!(store.unread(hanako).expect("counts"), 0);
    assert!(store.verify().is_ok());
}

#[test]
fn payments_are_replaced_by_their_source() {
    let family = Family::new();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    let payment = |row, yen| Payment {
        source_id: "notice-2026".to_owned(),
        row,
        person: 0,
        kind: ExpenseKind::MedicalOutpatient,
        institution: "みほん内科クリニック".to_owned(),
        treatment_month: YearMonth::new(2026, 10),
        paid_on: None,
        receipt_yen: None,
        notice_yen: Some(yen),
        reimbursed_yen: 0,
        total_cost_yen: Some(5950),
    };
    let import = Event::Imported;
    assert_eq!(store.put_payments(hanako, &[payment(1, 1785), payment(2, 900)], import), Ok(2));
    assert_eq!(store.put_payments(hanako, &[payment(1, 1790), payment(2, 900)], import), Ok(0));
    let mut kept = Vec::new();
    store
        .visit_payments(hanako, |one| {
            kept.push(one);
            Ok(true)
        })
        .expect("reads");
    kept.sort_by_key(|one| one.payment.row);
    assert_eq!(kept.iter().map(|one| one.payment.clone()).collect::<Vec<_>>(), [payment(1, 1790), payment(2, 900)]);
    assert_eq!(store.delete_payment(hanako, kept[0].id), Ok(true));
    assert_eq!(store.delete_payment(hanako, kept[0].id), Ok(false));
    let wrong = Payment { notice_yen: Some(-1), ..payment(3, 0) };
    assert!(matches!(store.put_payments(hanako, &[wrong], import), Err(Error::Usage { .. })));
    let number = Payment { institution: "１２３４５６７８９０１８".to_owned(), ..payment(3, 0) };
    assert_eq!(store.put_payments(hanako, &[number], import), Err(Error::MyNumberSuspected));
}

#[test]
fn a_removed_member_leaves_nothing_and_nobody_else_notices() {
    let family = Family::new();
    let mut store = family.create();
    let (hanako, ichiro) = (family.add(&mut store, "花子"), family.add(&mut store, "一郎"));
    for member in [hanako, ichiro] {
        store.put_records(member, &[expense("eob-1", "2026-10")]).expect("keeps");
    }
    assert_eq!(store.remove_member(hanako).expect("removes"), Erasure::BestEffort);
    assert!(matches!(store.records(hanako, &Query::default(), 9), Err(Error::Usage { .. })));
    assert_eq!(store.records(ichiro, &Query::default(), 9).expect("reads").records.len(), 1);
    assert!(matches!(store.remove_member(hanako), Err(Error::Usage { .. })), "once");
    let removed = |entry: &kazasu::store::LogEntry| entry.event == Event::MemberRemoved && entry.member.is_none();
    assert!(store.log_entries(None, 99).expect("reads").iter().any(removed), "told, and of nobody");
    store.close().expect("closes");
    let mut store = family.open().expect("opens");
    assert_eq!(store.members().expect("reads").len(), 1);
    assert!(matches!(store.verify().expect("verifies"), LogVerdict::Whole { .. }));
}

#[test]
fn the_log_tells_what_happened_and_when_the_clock_was_set_back() {
    let family = Family::new();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.append_log(Event::PinFailed, Some(hanako), Err(&Error::OtherCard)).expect("tells");
    family.set_back(3_600_000);
    store.append_log(Event::Exported, None, Ok(())).expect("tells");
    let told: Vec<_> =
        store.log_entries(None, 99).expect("reads").into_iter().map(|e| (e.n, e.event, e.result)).collect();
    let ok = || "OK".to_owned();
    assert_eq!(
        told,
        [
            (5, Event::Exported, ok()),
            (4, Event::ClockSetBack, ok()),
            (3, Event::PinFailed, "KZ-C12".to_owned()),
            (2, Event::MemberAdded, ok()),
            (1, Event::StoreCreated, ok()),
        ]
    );
    assert_eq!(store.log_entries(Some(3), 1).expect("reads")[0].n, 2);
    assert_eq!(store.log_entries(Some(1), 9).expect("reads"), []);
    assert_eq!(store.verify_log().expect("walks"), LogVerdict::Whole { entries: 5, checkpoints: 1 });
}

#[test]
fn keys_are_renewed_by_time_by_number_and_on_request() {
    let family = Family::new();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.put_records(hanako, &[expense("eob-1", "2026-10")]).expect("keeps");
    let first = family.aliases();
    store.rotate().expect("renews");
    let second = family.aliases();
    assert_eq!((first.len(), second.len()), (1, 1), "the old key is gone");
    assert_ne!(first, second);
    store.close().expect("closes");

    family.advance(91 * 86_400_000);
    let mut store = family.open().expect("opens");
    assert_ne!(family.aliases(), second, "by time");
    assert_eq!(store.records(hanako, &Query::default(), 9).expect("reads").records.len(), 1);
    store.close().expect("closes");

    let mut settings = family.settings(None);
    // The renewal has sealed the state two times, reading and closing once each; a value that is remembered counts two.
    settings.limits.writes_per_epoch = 4 + 4 * 2;
    let mut store = Store::open(settings).expect("opens");
    let third = family.aliases();
    for n in 0..4_u8 {
        assert_eq!(family.aliases(), third, "write {n}");
        store.remember(None, "n", &[n]).expect("remembers");
    }
    store.remember(None, "n", b"last").expect("remembers");
    assert_ne!(family.aliases(), third, "by number");
    assert!(matches!(store.verify().expect("verifies"), LogVerdict::Whole { .. }));
}

#[test]
fn a_store_put_back_whole_is_noticed_by_its_anchor() {
    let family = Family::new();
    let mut store = family.create();
    family.add(&mut store, "花子");
    let early = store.close().expect("closes");
    let copy = std::fs::read(family.file()).expect("reads");
    let mut store = family.open().expect("opens");
    store.append_log(Event::LogRead, None, Ok(())).expect("tells");
    let late = store.close().expect("closes");
    assert!(late.entries() > early.entries());
    for anchor in [&early, &late] {
        Store::open(family.settings(Some(anchor.clone()))).expect("goes on from it");
    }
    std::fs::write(family.file(), copy).expect("puts back");
    family.open().expect("nobody can tell without an anchor");
    assert_eq!(Store::open(family.settings(Some(late))).map(drop), Err(StoreFault::RolledBack.into()));
    let other = Family::new();
    let foreign = other.create().close().expect("closes");
    assert_eq!(Store::open(family.settings(Some(foreign))).map(drop), Err(StoreFault::Replaced.into()));
}

#[test]
fn names_and_secrets_do_not_show_in_debug_output() {
    let family = Family::new();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    let member = store.member(hanako).expect("reads");
    assert_eq!(format!("{store:?} {member:?}"), "Store { .. } Member { .. }");
}
