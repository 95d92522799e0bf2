//! What is past its time, under clocks that are right, ahead, behind and right again: nothing goes that a right clock would
//! have kept.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(all(unix, feature = "store", feature = "ring", feature = "software-key"))]

mod family;

use std::collections::BTreeMap;

use family::{Family, expense, immunization, observation, payment};
use kazasu::Error;
use kazasu::store::{
    Aging, CheckedBy, Event, HistoryEntry, LogVerdict, MemberId, Query, Retention, RetentionPolicy, Store,
};
use kazasu::time::{CalendarDate, UnixMillis};

const DAY: i64 = 86_400_000;
const TEN_YEARS: i64 = 3653 * DAY;

fn check(store: &mut Store, member: MemberId, at: UnixMillis) {
    let entry = HistoryEntry { at, by: CheckedBy::Refresh, result: "KZ-Q02".to_owned(), eligibility: None };
    store.add_history(member, &entry).expect("keeps");
}

fn apply(store: &mut Store) -> (u64, u64, u64) {
    let Retention { history, records, marked } = store.apply_retention(RetentionPolicy::default()).expect("applies");
    (history, records, marked)
}

fn records(store: &mut Store, member: MemberId) -> Vec<String> {
    let page = store.records(member, &Query::default(), 99).expect("reads");
    page.records.iter().map(|one| one.record.as_json()["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn what_is_past_its_time_goes_a_week_of_confirmed_time_after_it_was_announced() {
    let family = Family::in_memory();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    assert_eq!(store.confirm_clock(family.now()), Ok(true));
    check(&mut store, hanako, family.now());
    family.advance(10 * DAY);
    check(&mut store, hanako, family.now()); // nobody confirmed the clock of this day
    family.advance(404 * DAY);
    store.confirm_clock(family.now()).expect("confirms");
    check(&mut store, hanako, family.now());
    // 2028-01-08: five years ago was 2023-01-08.
    let kept = [expense("new", "2026-10"), expense("edge", "2023-01-08"), observation("undated", "")];
    let old = [expense("old", "2023-01-07"), observation("checkup", "2020-01-01")];
    store.put_records(hanako, [&kept[..], &old].concat()).expect("keeps");
    store.put_payments(hanako, &[payment("receipt", 1, "薬局")], Event::Imported).expect("keeps");

    assert_eq!(apply(&mut store), (0, 0, 4), "announced, and nothing deleted");
    let expiring = store.expiring(RetentionPolicy::default()).expect("tells");
    let told: Vec<_> = expiring.iter().map(|one| (one.kind, one.rows, one.oldest.to_string())).collect();
    let expected =
        [(Aging::Check, 2, "2026-11-20"), (Aging::Expense, 1, "2023-01-07"), (Aging::Checkup, 1, "2020-01-01")];
    assert_eq!(told, expected.map(|(kind, rows, day)| (kind, rows, day.to_owned())));
    let due = family.now().plus_ms(7 * DAY);
    assert!(expiring.iter().all(|one| one.member == hanako && one.due == Some(due)), "{expiring:?}");

    family.advance(7 * DAY - 1);
    store.confirm_clock(family.now()).expect("confirms");
    assert_eq!(apply(&mut store), (0, 0, 1), "a moment too early; for one more its day has come");
    family.advance(2 * DAY);
    assert_eq!(apply(&mut store), (0, 0, 0), "a week has passed, by a clock that nobody confirms");
    store.confirm_clock(family.now()).expect("confirms");
    assert_eq!(apply(&mut store), (1, 2, 0), "a check of an unconfirmed time may be younger than it says");
    assert_eq!(records(&mut store, hanako), ["new", "edge", "undated"]);
    assert_eq!(store.unread(hanako).expect("counts"), 3);
    assert!(matches!(store.verify(), Ok(LogVerdict::Whole { .. })));
    family.advance(13 * 31 * DAY);
    store.confirm_clock(family.now()).expect("confirms");
    assert_eq!(apply(&mut store).0, 1, "but not by more than it was kept for");
    let events: Vec<Event> = store.log_entries(None, 9).expect("reads").iter().map(|entry| entry.event).collect();
    assert!(events.starts_with(&[Event::ExpiryMarked, Event::Expired]), "{events:?}");
}

#[test]
fn what_was_entered_and_vaccinations_stay_whatever_their_age() {
    let family = Family::in_memory();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.put_records(hanako, &[immunization("mmr", "1985-05-01"), expense("old", "1990-01")]).expect("keeps");
    store.put_payments(hanako, &[payment("receipt", 1, "薬局")], Event::Imported).expect("keeps");
    for _ in 0..3 {
        store.confirm_clock(family.now()).expect("confirms");
        apply(&mut store);
        family.advance(8 * DAY);
    }
    assert_eq!(records(&mut store, hanako), ["mmr"]);
    let mut payments = 0;
    store
        .visit_payments(hanako, |_| {
            payments += 1;
            Ok(true)
        })
        .expect("reads");
    assert_eq!(payments, 1);
}

#[test]
fn a_row_that_comes_anew_begins_anew_and_one_that_goes_takes_its_mark_along() {
    let family = Family::in_memory();
    let mut store = family.create();
    let (hanako, ichiro) = (family.add(&mut store, "花子"), family.add(&mut store, "一郎"));
    for member in [hanako, ichiro] {
        store.put_records(member, &[expense("a", "1990-01"), expense("b", "1990-01")]).expect("keeps");
    }
    store.confirm_clock(family.now()).expect("confirms");
    assert_eq!(apply(&mut store), (0, 0, 4));
    family.advance(6 * DAY);
    store.confirm_clock(family.now()).expect("confirms");
    store.put_records(hanako, &[expense("a", "1990-02")]).expect("changes the row");
    store.remove_member(ichiro).expect("removes");
    assert_eq!(apply(&mut store), (0, 0, 1), "the changed row is announced again");
    family.advance(DAY);
    store.confirm_clock(family.now()).expect("confirms");
    assert_eq!(apply(&mut store), (0, 1, 0), "the other one goes");
    assert_eq!(records(&mut store, hanako), ["a"]);
    assert!(matches!(store.verify(), Ok(LogVerdict::Whole { .. })));
}

#[test]
fn a_person_may_delete_at_once_what_was_shown_on_that_day() {
    let family = Family::in_memory();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.put_records(hanako, &[expense("old", "1990-01"), immunization("mmr", "1985-05-01")]).expect("keeps");
    let policy = RetentionPolicy::default();
    let shown = store.expiring(policy).expect("tells");
    assert_eq!(shown.iter().map(|one| (one.kind, one.rows, one.due)).collect::<Vec<_>>(), [(Aging::Expense, 1, None)]);
    let today = CalendarDate::in_japan(family.now());
    let tomorrow = CalendarDate::in_japan(family.now().plus_ms(DAY));
    assert!(matches!(store.delete_expiring(policy, tomorrow), Err(Error::Usage { .. })), "the clock says another day");
    let deleted = store.delete_expiring(policy, today).expect("deletes");
    assert_eq!(deleted, Retention { records: 1, ..Retention::default() });
    assert_eq!(records(&mut store, hanako), ["mmr"]);
    assert!(store.expiring(policy).expect("tells").is_empty());
}

/// A server and a device that agree on a time at which this version cannot run: neither is believed.
#[test]
fn no_server_confirms_a_time_before_the_build_or_long_after_it() {
    let family = Family::in_memory();
    let mut store = family.create();
    assert_eq!(store.confirm_clock(family.now()), Ok(true));
    family.set_back(2 * TEN_YEARS);
    assert_eq!(store.confirm_clock(family.now()), Ok(false), "2006");
    family.advance(4 * TEN_YEARS);
    assert_eq!(store.confirm_clock(family.now()), Ok(false), "2046");
    assert!(!store.is_clock_confirmed());
    family.set_back(2 * TEN_YEARS);
    assert_eq!(store.confirm_clock(family.now()), Ok(true), "and right again");
}

#[test]
fn the_clock_is_believed_for_a_day_and_the_log_tells_of_it_once_a_day() {
    let family = Family::in_memory();
    let mut store = family.create();
    assert!(!store.is_clock_confirmed());
    let ahead = family.now().plus_ms(DAY + 1);
    assert_eq!(store.confirm_clock(ahead), Ok(false), "more than a day apart");
    assert!(!store.is_clock_confirmed());
    let entries = store.log_len();
    for minutes in 0..200 {
        family.advance(minutes % 2 * 60_000);
        assert_eq!(store.confirm_clock(family.now().plus_ms(DAY)), Ok(true));
    }
    assert_eq!(store.log_len(), entries + 1);
    family.advance(DAY);
    assert!(!store.is_clock_confirmed(), "a day later");
    store.confirm_clock(family.now()).expect("confirms");
    drop(store);
    let mut store = family.open().expect("opens");
    assert!(store.is_clock_confirmed(), "it is kept");
    family.set_back(2 * DAY);
    assert!(!store.is_clock_confirmed(), "before it was confirmed");
    family.advance(2 * DAY);
    assert_eq!(store.confirm_clock(family.now().plus_ms(9 * DAY)), Ok(false));
    assert!(!store.is_clock_confirmed(), "a server says otherwise");
    let told = store.log_entries(None, 99).expect("reads");
    assert_eq!(told.iter().filter(|entry| entry.event == Event::ClockConfirmed).count(), 2);
}

#[test]
fn once_a_day_is_once_a_day_and_once_more_when_a_server_confirms_the_clock() {
    let family = Family::in_memory();
    let mut store = family.create();
    let hanako = family.add(&mut store, "花子");
    store.put_records(hanako, &[expense("old", "1990-01")]).expect("keeps");
    let daily = || {
        let mut store = family.open().expect("opens");
        store.apply_retention_daily(RetentionPolicy::default()).expect("applies").map(|done| done.marked)
    };
    drop(store);
    assert_eq!(daily(), Some(1));
    assert_eq!(daily(), None);
    family.open().expect("opens").confirm_clock(family.now()).expect("confirms");
    assert_eq!(daily(), Some(0), "now the week begins");
    assert_eq!(daily(), None);
    family.advance(DAY);
    assert_eq!(daily(), Some(0));
    family.advance(7 * DAY);
    family.open().expect("opens").confirm_clock(family.now()).expect("confirms");
    let mut store = family.open().expect("opens");
    let done = store.apply_retention_daily(RetentionPolicy::default()).expect("applies").expect("a new day");
    assert_eq!(done.records, 1);
}

/// A clock that is set at random, a server that knows better and is there at times, and rows whose true age is known.
#[test]
fn ahead_behind_and_back_again_nothing_goes_that_a_right_clock_would_have_kept() {
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut commands, mut kept, mut gone, mut announced) = (0, 0, 0, 0);
    for _ in 0..12 {
        let family = Family::in_memory();
        let mut store = family.create();
        let hanako = family.add(&mut store, "花子");
        let mut offset = 0;
        // Id of the record, or `at` of the check → when a right clock may delete it.
        let mut expected: BTreeMap<String, i64> = BTreeMap::new();
        let truth = |family: &Family, offset: i64| family.now().plus_ms(-offset);
        for n in 0..150 {
            commands += 1;
            match random(8) {
                0 => {
                    let to = [0, 0, TEN_YEARS, -TEN_YEARS, DAY / 2][random(5) as usize];
                    family.advance(to - offset);
                    offset = to;
                }
                1 => family.advance(random(20) as i64 * DAY),
                2 => {
                    check(&mut store, hanako, family.now());
                    expected.insert(family.now().0.to_string(), truth(&family, offset).0 + 13 * 31 * DAY);
                }
                3 => {
                    let day = CalendarDate::in_japan(truth(&family, offset).plus_ms(-(random(2200) as i64) * DAY));
                    let gone_on = CalendarDate { year: day.year + 5, ..day };
                    let since = gone_on.days_since(CalendarDate { year: 1970, month: 1, day: 1 });
                    store.put_records(hanako, &[expense(&format!("r{n}"), &day.to_string())]).expect("keeps");
                    expected.insert(format!("r{n}"), since * DAY);
                }
                4 | 5 => drop(store.confirm_clock(truth(&family, offset))),
                _ => announced += apply(&mut store).2,
            }
            if n % 5 != 4 {
                continue;
            }
            let mut there = records(&mut store, hanako);
            let checks = store.history(hanako, None, 999).expect("reads");
            there.extend(checks.iter().map(|entry| entry.at.0.to_string()));
            expected.retain(|id, until| {
                let is_there = there.contains(id);
                assert!(is_there || *until < truth(&family, offset).0, "{id} is gone before its time");
                gone += u64::from(!is_there);
                is_there
            });
        }
        kept += expected.len();
        assert!(matches!(store.verify(), Ok(LogVerdict::Whole { .. })));
    }
    println!("| commands | rows announced | deleted | of these too early | kept |\n|--:|--:|--:|--:|--:|");
    println!("| {commands} | {announced} | {gone} | 0 | {kept} |");
    assert!(gone > 20 && announced > gone, "{gone} {announced}");
}
