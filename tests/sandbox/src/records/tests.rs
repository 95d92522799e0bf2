//! What holds for the records of every person, whenever they are looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::people::People;

/// The start of a month, its middle, a leap day and the turn of a year.
const DAYS: &[&str] = &["2026-11-22", "2026-12-01", "2027-01-15", "2028-02-29", "2031-08-31"];

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn person(number: u8) -> Person {
    People::load(false).with_number(number).unwrap().clone()
}

fn yen(notice: &Value, code: &str) -> i64 {
    let totals = notice["total"].as_array().unwrap();
    let total = totals.iter().find(|total| total["category"]["coding"][0]["code"] == code);
    total.unwrap()["amount"]["value"].as_i64().unwrap()
}

fn months(notices: &[Value]) -> BTreeMap<String, BTreeSet<String>> {
    let mut months: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for notice in notices {
        let insurer = notice["insurer"]["identifier"]["value"].as_str().unwrap().to_owned();
        months.entry(notice["billablePeriod"]["start"].to_string()).or_default().insert(insurer);
    }
    months
}

#[test]
fn parts_of_an_expense_make_its_total() {
    for today in DAYS {
        for number in 1..=10 {
            for notice in expense::resources(&person(number), day(today)) {
                let parts = ["insurer-paid", "public-paid", "patient-equivalent"].map(|code| yen(&notice, code));
                assert_eq!(yen(&notice, "total-cost"), parts.iter().sum::<i64>(), "{notice}");
            }
        }
    }
}

#[test]
fn expenses_go_back_two_years_for_whoever_is_covered() {
    for today in DAYS {
        for number in [1, 3, 5, 6, 8, 9, 10] {
            let months = months(&expense::resources(&person(number), day(today)));
            assert!(months.len() >= 24, "{number} on {today}: {}", months.len());
        }
        let former = months(&expense::resources(&person(4), day(today)));
        assert!((20..24).contains(&former.len()), "person 4 lost their insurance");
    }
}

#[test]
fn some_months_have_two_insurers() {
    let today = day("2026-11-22");
    let with_two =
        |number| months(&expense::resources(&person(number), today)).values().filter(|one| one.len() > 1).count();
    assert_eq!([1, 4, 5, 7].map(with_two), [0, 1, 1, 1]);
}

#[test]
fn medical_assistance_pays_everything() {
    let notices = expense::resources(&person(6), day("2026-11-22"));
    let (public, insured): (Vec<&Value>, Vec<&Value>) =
        notices.iter().partition(|notice| notice["insurer"]["identifier"]["value"] == "12131017");
    assert!(!public.is_empty() && !insured.is_empty());
    for notice in public {
        assert_eq!((yen(notice, "patient-equivalent"), yen(notice, "insurer-paid")), (0, 0));
        assert_eq!(yen(notice, "public-paid"), yen(notice, "total-cost"));
    }
    assert!(insured.iter().all(|notice| yen(notice, "public-paid") == 0));
}

#[test]
fn copay_follows_the_age() {
    for (number, percent) in [(1, 30), (9, 10), (10, 20)] {
        for notice in expense::resources(&person(number), day("2026-11-22")) {
            assert_eq!(yen(&notice, "patient-equivalent") * 100, yen(&notice, "total-cost") * percent);
        }
    }
}

#[test]
fn person_one_takes_the_same_ingredient_from_two_institutions() {
    for today in DAYS {
        // Both are due by the ninth, so the running month or the one before it shows them.
        let records = medication::resources(&person(1), day(today).end());
        let of = |code: &str| -> Vec<&Value> {
            records.iter().filter(|one| one["medicationCodeableConcept"]["coding"][0]["code"] == code).collect()
        };
        let (one, other) = (of("4490023F2020"), of("4490023F2999"));
        assert!(!one.is_empty() && !other.is_empty(), "{today}");
        let at = |record: &Value| record["performer"][0]["actor"]["identifier"]["value"].clone();
        assert_ne!(at(one[0]), at(other[0]));
    }
}

#[test]
fn one_event_comes_from_three_sources() {
    let records = medication::resources(&person(1), day("2026-11-22").end());
    let mut origins: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in &records {
        let id = record["id"].as_str().unwrap();
        let origin = record["extension"][0]["valueCode"].as_str().unwrap();
        origins.entry(id[..id.len() - 2].to_owned()).or_default().push(origin.to_owned());
    }
    assert!(origins.values().any(|one| *one == ["prescription", "dispense", "claim"]));
    let claim = records.iter().find(|record| record["extension"][0]["valueCode"] == "claim").unwrap();
    assert_eq!(claim["whenHandedOver"].as_str().unwrap().len(), "2026-09".len(), "claims know the month only");
}

#[test]
fn nothing_lies_in_the_future_and_every_id_is_its_own() {
    for today in DAYS {
        let now = day(today).start() + 12 * 3600;
        let mut ids = BTreeSet::new();
        for number in 1..=10 {
            let person = person(number);
            let dated = [
                (expense::resources(&person, day(today)), "/created"),
                (medication::resources(&person, now), "/whenHandedOver"),
                (immunization::resources(&person, day(today)), "/occurrenceDateTime"),
                (checkup::resources(&person, day(today)), "/effectiveDateTime"),
                (access_log::resources(&person, now), "/recorded"),
            ];
            for (resources, pointer) in dated {
                for resource in resources {
                    let date = &resource.pointer(pointer).unwrap().as_str().unwrap();
                    assert!(date.len() == 7 || date[..10] <= **today, "{resource}");
                    let id = resource["id"].as_str().unwrap().to_owned();
                    assert!(
                        id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
                        "{id}"
                    );
                    assert!(ids.insert((resource["resourceType"].to_string(), id)), "{resource}");
                }
            }
        }
    }
}

#[test]
fn ids_and_amounts_stay_when_time_passes() {
    let before = expense::resources(&person(9), day("2026-11-22"));
    let after = expense::resources(&person(9), day("2027-02-03"));
    let same = before.iter().filter(|notice| after.contains(notice)).count();
    assert!(same * 10 > before.len() * 8, "{same} of {}", before.len());

    let before = medication::resources(&person(1), day("2026-11-22").end());
    let after = medication::resources(&person(1), day("2027-03-03").end());
    for record in &before {
        let later = after.iter().find(|one| one["id"] == record["id"]);
        assert!(later.is_none_or(|later| later == record), "{record}");
    }
}

#[test]
fn everybody_but_the_child_has_been_examined() {
    for number in 1..=10 {
        let results = checkup::resources(&person(number), day("2026-11-22"));
        assert_eq!(results.is_empty(), number == 10, "{number}");
    }
    let results = checkup::resources(&person(1), day("2026-11-22"));
    let latest = results.iter().find(|one| one["code"]["coding"][0]["code"] == "3D046000001906202").unwrap();
    assert_eq!((&latest["valueQuantity"]["value"], &latest["effectiveDateTime"]), (&5.7.into(), &"2026-06-12".into()));
    let below = checkup::resources(&person(5), day("2026-11-22"));
    assert_eq!(below.iter().filter(|one| one["valueQuantity"]["comparator"] == "<").count(), 1);
}
