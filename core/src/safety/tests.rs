use super::*;
use crate::guidance::Language;
use crate::guidance::tests::hard_kanji;
use crate::time::CalendarDate;

const VECTORS: &str = include_str!("../../../tests/vectors/health-domain/safety.tsv");

#[test]
fn every_limit_is_where_the_table_says() {
    let mut seen = [0; 10];
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let [number, today, facts, outcome, evidence, _why] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let report = evaluate(&read(facts), day(today));
        let number: usize = number.parse().expect("a number");
        let found = report.findings[number - 1];
        assert_eq!(usize::from(found.item.number()), number);
        assert_eq!(format!("{:?}", found.outcome).to_lowercase(), outcome, "{line}");
        assert_eq!(format!("{:?}", found.evidence).to_lowercase(), evidence.replace('_', ""), "{line}");
        seen[number - 1] += 1;
        // What is said of one item says nothing of the others.
        let others = report.findings.iter().filter(|other| other.item != found.item);
        assert!(others.into_iter().all(|other| other.outcome == Outcome::Unknown), "{line}");
    }
    assert!(seen.iter().all(|count| *count >= 3), "{seen:?}");
}

#[test]
fn unknown_is_shown_and_counts_for_nothing() {
    let nothing = evaluate(&Facts::default(), day("2026-11-20"));
    assert_eq!(nothing.score(), Score { passed: 0, known: 0, unknown: 10 });
    assert!(!nothing.blocks_first_registration());
    let some = Facts { pins_differ: Some(true), network_is_open: Some(true), ..Facts::default() };
    let report = evaluate(&some, day("2026-11-20"));
    assert_eq!(report.score(), Score { passed: 1, known: 2, unknown: 8 });
    assert!(report.blocks_first_registration());
}

#[test]
fn the_words_are_short_polite_and_can_be_read() {
    for item in Item::ALL {
        for words in [Item::title, Item::reason, Item::action] {
            for language in Language::ALL {
                assert!(!words(item, language).is_empty(), "{item:?}");
            }
            for language in [Language::Japanese, Language::EasyJapanese] {
                assert!(words(item, language).chars().count() <= 40, "{}", words(item, language));
            }
            let easy = words(item, Language::EasyJapanese);
            assert_eq!(hard_kanji(easy), "", "{easy}");
        }
        for language in [Language::Japanese, Language::EasyJapanese] {
            let action = item.action(language).trim_end_matches("（電話0120-95-0178）");
            assert!(action.ends_with("ください"), "{action}");
            let reason = item.reason(language);
            assert!(["ます", "ません", "です"].iter().any(|end| reason.ends_with(end)), "{reason}");
        }
    }
}

fn day(text: &str) -> CalendarDate {
    CalendarDate::parse(text).expect(text)
}

/// Reads `name=value;…`.
fn read(text: &str) -> Facts {
    let mut facts = Facts::default();
    for (name, value) in text.split(';').filter_map(|fact| fact.split_once('=')) {
        let yes = || Some(value == "yes");
        let count = || Some(value.parse().expect(value));
        let last = || Some(if value == "never" { Last::Never } else { Last::On(day(value)) });
        match name {
            "pin_is_guessable" => facts.pin_is_guessable = yes(),
            "pin_checked_on" => facts.pin_checked_on = Some(day(value)),
            "card_was_lent" => facts.card_was_lent = yes(),
            "lending_answered_on" => facts.lending_answered_on = Some(day(value)),
            "unknown_accesses" => facts.unknown_accesses = count(),
            "app_is_current" => facts.app_is_current = yes(),
            "pins_until" => facts.pins_until = Some(day(value)),
            "os_patch" => facts.os_patch = Some(day(value)),
            "network_is_open" => facts.network_is_open = yes(),
            "has_suspension_token" => facts.has_suspension_token = yes(),
            "suspension_token_until" => facts.suspension_token_until = Some(day(value)),
            "official_number_taps" => facts.official_number_taps = count(),
            "drill" => facts.drill = last(),
            "pins_differ" => facts.pins_differ = yes(),
            "reads" => facts.reads = count(),
            "broken_reads" => facts.broken_reads = count(),
            "log_opened" => facts.log_opened = last(),
            "unseen_entries" => facts.unseen_entries = count(),
            "unknown_institutions" => facts.unknown_institutions = count(),
            "pin_entered_from_link" => facts.pin_entered_from_link = yes(),
            "opens_verified_links_only" => facts.opens_verified_links_only = yes(),
            "notices_fetched" => facts.notices_fetched = last(),
            "notices_are_opened" => facts.notices_are_opened = yes(),
            other => panic!("{other}"),
        }
    }
    facts
}
