use proptest::prelude::*;

use super::super::{ExpenseKind, Rules};
use super::*;

fn rules() -> HighCostRules {
    Rules::embedded().expect("tables").high_cost
}

fn month(text: &str) -> YearMonth {
    YearMonth::parse(text).expect("a month")
}

fn care(patient: usize, institution: &str, kind: ExpenseKind, paid_yen: i64) -> Care<'_> {
    Care { patient, institution, kind, paid_yen, cost_yen: None, prescriber: None, special_disease: false }
}

const YOUNG: Patient = Patient { is_from_70: false, is_halved: false };
const OLD: Patient = Patient { is_from_70: true, is_halved: false };
const TURNS_75: Patient = Patient { is_from_70: true, is_halved: true };

fn refund(at: &str, under_70: &str, from_70: &str, patients: &[Patient], care: &[Care<'_>]) -> HouseholdRefund {
    let category = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    let (under_70, from_70) = (category(leak(under_70)), category(leak(from_70)));
    let household = Household { month: month(at), under_70, from_70, is_repeated: false, patients, care };
    rules().household_refund(&household).expect("a refund")
}

fn leak(text: &str) -> &'static str {
    text.to_owned().leak()
}

#[test]
fn months_without_a_table_are_unknown_and_no_table_is_used_for_its_neighbour() {
    let rules = rules();
    assert_eq!(rules.limit(month("2018-07"), "A03", Some(0), false), Err(HighCostError::Unknown));
    for (at, base) in [("2018-08", 80_100), ("2026-07", 80_100), ("2026-08", 85_800), ("2027-07", 85_800)] {
        assert_eq!(rules.limit(month(at), "A03", Some(0), false).map(|limit| limit.yen), Ok(base), "{at}");
    }
    // The bands of 2027-08 are others: the codes of before tell nothing.
    for code in ["A01", "A02", "A03", "A04", "A05", "A06", "B04", "B05"] {
        assert_eq!(rules.limit(month("2027-08"), code, Some(0), false), Err(HighCostError::Unknown), "{code}");
    }
    for bad in [None, Some(""), Some("2026-13"), Some("2026-8"), Some("2026-08-01")] {
        assert_eq!(HighCostRules::treatment_month(bad), Err(HighCostError::NoTreatmentMonth));
    }
}

#[test]
fn planned_limits_say_so() {
    let rules = rules();
    let band = rules.category_of_income(month("2027-08"), 6_000_000).expect("a band");
    let limit = rules.limit(month("2027-08"), band, Some(1_000_000), false).expect("a limit");
    assert!(limit.is_planned && limit.yen == 104_830);
    assert!(!rules.limit(month("2027-07"), "A03", Some(0), false).expect("a limit").is_planned);
    assert_eq!(rules.category_of_income(month("2027-07"), 6_000_000), Err(HighCostError::Unknown));
    let household = Household {
        month: month("2027-09"),
        under_70: Some("住民税非課税"),
        from_70: None,
        is_repeated: false,
        patients: &[YOUNG],
        care: &[care(0, "X", ExpenseKind::MedicalInpatient, 40_000)],
    };
    let refund = rules.household_refund(&household).expect("a refund");
    assert!(refund.is_planned && refund.total_yen() == 3_100);
}

#[test]
fn bands_of_income_follow_one_another() {
    let rules = rules();
    let at = month("2027-08");
    for edge in [2_000_000, 2_600_000, 3_700_000, 5_100_000, 6_500_000, 7_700_000, 16_500_000] {
        let (below, from) = (rules.category_of_income(at, edge - 1), rules.category_of_income(at, edge));
        assert!(below.is_ok() && from.is_ok() && below != from, "{edge}");
    }
    assert_eq!(rules.category_of_income(at, -1), Err(HighCostError::Unknown));
}

#[test]
fn a_limit_by_cost_needs_the_cost_and_bounds_it() {
    let rules = rules();
    let limit = |cost, repeated| rules.limit(month("2026-08"), "A03", cost, repeated).map(|limit| limit.yen);
    assert_eq!(limit(None, false), Err(HighCostError::NoTotalCost));
    assert_eq!(limit(None, true), Ok(44_400), "多数回 is fixed");
    assert_eq!(limit(Some(-1), false), Err(HighCostError::OutOfRange));
    assert_eq!(limit(Some(i64::MAX), false), Err(HighCostError::OutOfRange));
    assert_eq!(limit(Some(i64::MAX), true), Err(HighCostError::OutOfRange));
}

#[test]
fn those_like_the_working_have_the_limits_of_the_working() {
    let rules = rules();
    for at in ["2026-07", "2026-08"] {
        for (from_70, under_70) in [("B01", "A01"), ("B02", "A02"), ("B03", "A03")] {
            for repeated in [false, true] {
                let of =
                    |code| rules.limit(month(at), code, Some(2_000_000), repeated).map(|l| (l.yen, l.outpatient_yen));
                assert_eq!(of(from_70), of(under_70), "{at} {from_70}");
            }
        }
    }
}

#[test]
fn one_percent_begins_where_thirty_percent_reach_the_base() {
    let rules = rules();
    let rows = rules.tables.iter().flat_map(|table| &table.rows);
    let with_threshold: Vec<&Row> = rows.filter(|row| row.threshold.is_some()).collect();
    assert_eq!(with_threshold.len(), 6 + 6 + 9);
    for row in with_threshold {
        assert_eq!(row.threshold.map(|cost| cost * 3), Some(row.base * 10), "{}", row.band);
    }
}

#[test]
fn pharmacies_go_with_who_prescribed() {
    let pharmacy = Care { prescriber: Some("X"), ..care(0, "薬局", ExpenseKind::Pharmacy, 6_000) };
    let clinic = care(0, "X", ExpenseKind::MedicalOutpatient, 15_000);
    let hospital = care(0, "Y", ExpenseKind::MedicalInpatient, 60_000);
    let all = refund("2026-08", "A04", "", &[YOUNG], &[clinic, pharmacy, hospital]);
    assert_eq!((all.total_yen(), all.not_counted), (19_500, vec![]));
    let alone = Care { prescriber: None, ..pharmacy };
    let without = refund("2026-08", "A04", "", &[YOUNG], &[clinic, alone, hospital]);
    assert_eq!((without.total_yen(), without.not_counted), (0, vec![0, 1]));
    // With a dentist's prescription it goes with the dentist.
    let dentist = care(0, "X", ExpenseKind::DentalOutpatient, 15_000);
    assert_eq!(refund("2026-08", "A04", "", &[YOUNG], &[dentist, pharmacy, hospital]).total_yen(), 19_500);
    assert_eq!(refund("2026-08", "A04", "", &[YOUNG], &[dentist, clinic, hospital]).total_yen(), 0, "two kinds");
    assert_eq!(
        refund("2026-08", "A04", "", &[YOUNG, YOUNG], &[clinic, Care { patient: 1, ..pharmacy }, hospital]).total_yen(),
        0
    );
}

#[test]
fn what_is_not_insured_is_not_counted() {
    let lines = [
        care(0, "X", ExpenseKind::MedicalInpatient, 100_000),
        care(0, "X", ExpenseKind::PrivateRoom, 200_000),
        care(0, "X", ExpenseKind::Other, 200_000),
    ];
    let found = refund("2026-08", "A05", "", &[YOUNG], &lines);
    assert_eq!((found.total_yen(), found.not_counted), (63_100, vec![1, 2]));
}

#[test]
fn long_term_diseases_have_limits_of_their_own() {
    let dialysis = Care { special_disease: true, ..care(0, "X", ExpenseKind::MedicalOutpatient, 30_000) };
    assert_eq!(refund("2026-08", "A03", "", &[YOUNG], &[dialysis]).special_disease_yen, 20_000);
    assert_eq!(refund("2026-08", "A02", "", &[YOUNG], &[dialysis]).special_disease_yen, 10_000);
    let twice = Care { institution: "Y", ..dialysis };
    assert_eq!(
        refund("2026-08", "A03", "", &[YOUNG], &[dialysis, twice]).special_disease_yen,
        40_000,
        "each institution"
    );
    // Under 70 what remains is below the floor.
    let stay = care(0, "Y", ExpenseKind::MedicalInpatient, 60_000);
    assert_eq!(refund("2026-08", "A04", "", &[YOUNG], &[dialysis, stay]).total_yen(), 20_000);
    // From 70 on what remains goes into the household.
    let inpatient = care(0, "Y", ExpenseKind::MedicalInpatient, 60_000);
    let old = refund("2026-08", "", "B04", &[OLD], &[dialysis, inpatient]);
    assert_eq!((old.special_disease_yen, old.outpatient_yen, old.from_70_yen), (20_000, 0, 8_500));
    assert_eq!(refund("2026-08", "", "B04", &[TURNS_75], &[dialysis]).special_disease_yen, 25_000);
}

#[test]
fn limits_are_halved_in_the_month_of_the_75th_birthday() {
    let outpatient = care(0, "X", ExpenseKind::MedicalOutpatient, 20_000);
    let inpatient = care(0, "X", ExpenseKind::MedicalInpatient, 50_000);
    let halved = refund("2026-09", "", "B04", &[TURNS_75], &[outpatient, inpatient]);
    // 11,000 for outpatient care, then 30,750 for both.
    assert_eq!((halved.outpatient_yen, halved.halved_yen, halved.from_70_yen), (9_000, 30_250, 0));
    // The formula, too: 42,900 and one percent beyond 143,000.
    let costly = Care { cost_yen: Some(1_000_000), paid_yen: 300_000, ..inpatient };
    let halved = refund("2026-09", "", "B03", &[TURNS_75], &[costly]);
    assert_eq!(halved.total_yen(), 300_000 - (42_900 + 8_570));
    assert_eq!(refund("2026-09", "", "B03", &[OLD], &[costly]).total_yen(), 300_000 - (85_800 + 7_140));
}

#[test]
fn a_household_of_both_ages_is_added_up_at_last() {
    let lines = [
        care(0, "X", ExpenseKind::MedicalInpatient, 70_000),
        care(1, "Y", ExpenseKind::MedicalInpatient, 40_000),
        care(1, "Z", ExpenseKind::MedicalOutpatient, 20_000),
    ];
    let both = refund("2026-08", "A04", "B04", &[OLD, YOUNG], &lines);
    // 70,000 to 61,500; then 61,500 and 40,000 to 61,500; 20,000 is below the floor.
    assert_eq!((both.from_70_yen, both.household_yen, both.not_counted), (8_500, 40_000, vec![2]));
}

#[test]
fn households_that_cannot_be_are_refused() {
    let rules = rules();
    let lines = [care(0, "X", ExpenseKind::MedicalInpatient, 100_000)];
    let of = |under_70, patients: &[Patient], care: &[Care<'_>]| {
        let household =
            Household { month: month("2026-08"), under_70, from_70: None, is_repeated: false, patients, care };
        rules.household_refund(&household).map(|refund| refund.total_yen())
    };
    assert_eq!(of(Some("A05"), &[YOUNG], &lines), Ok(63_100));
    assert_eq!(of(None, &[YOUNG], &lines), Err(HighCostError::Unknown));
    assert_eq!(of(Some("B04"), &[YOUNG], &lines), Err(HighCostError::Unknown), "a category of the other age");
    assert_eq!(of(Some("A05"), &[], &lines), Err(HighCostError::OutOfRange));
    assert_eq!(of(Some("A03"), &[YOUNG], &lines), Err(HighCostError::NoTotalCost));
    assert_eq!(of(Some("A03"), &[YOUNG], &[Care { paid_yen: 50_000, ..lines[0] }]), Ok(0), "no cost is needed");
    for paid_yen in [-1, i64::MAX] {
        assert_eq!(of(Some("A05"), &[YOUNG], &[Care { paid_yen, ..lines[0] }]), Err(HighCostError::OutOfRange));
    }
}

#[test]
fn annual_caps_run_from_august_and_leave_the_month_alone() {
    let rules = rules();
    let cap = rules.annual_cap(month("2027-01"), "A03", false).expect("a cap");
    assert_eq!((cap.first, cap.last), (month("2026-08"), month("2027-07")));
    let months: Vec<(YearMonth, i64)> =
        std::iter::successors(Some(month("2026-07")), |m| Some(m.next())).take(14).map(|m| (m, 50_000)).collect();
    assert_eq!(cap.household_refund_yen(&months), Some(70_000), "twelve months, not fourteen");
    assert_eq!(cap.outpatient_refund_yen(&months), None);
    assert_eq!(
        cap.household_refund_yen(&[(month("2026-08"), i64::MAX), (month("2026-09"), i64::MAX)]),
        Some(i64::MAX - 530_000)
    );
    for (at, first) in [("2026-08", "2026-08"), ("2026-12", "2026-08"), ("2027-07", "2026-08")] {
        let cap = rules.annual_cap(month(at), "A03", false).expect("a cap");
        assert_eq!(cap.first, month(first), "{at}");
    }
    let before = rules.annual_cap(month("2026-07"), "B04", false).expect("a cap");
    assert_eq!((before.household_yen, before.outpatient_yen), (None, Some(144_000)));
    assert_eq!(rules.annual_cap(month("2026-07"), "A03", false), Err(HighCostError::Unknown));
    assert_eq!(rules.annual_cap(month("2026-08"), "B10", true).map(|cap| cap.household_yen), Ok(Some(410_000)));
    assert_eq!(rules.annual_cap(month("2026-08"), "A03", true).map(|cap| cap.household_yen), Ok(Some(530_000)));
}

proptest! {
    #[test]
    fn a_refund_is_never_more_than_was_paid(
        paid in proptest::collection::vec((0_i64..500_000, 0_usize..3, any::<bool>()), 0..8),
        from_70 in proptest::collection::vec(any::<bool>(), 3),
        halved in any::<bool>(),
    ) {
        let patients: Vec<Patient> =
            from_70.iter().map(|old| Patient { is_from_70: *old, is_halved: halved && *old }).collect();
        let lines: Vec<Care<'_>> = paid
            .iter()
            .map(|(yen, patient, inpatient)| {
                let kind = if *inpatient { ExpenseKind::MedicalInpatient } else { ExpenseKind::MedicalOutpatient };
                Care { cost_yen: Some(yen * 10 / 3), ..care(*patient, "X", kind, *yen) }
            })
            .collect();
        for (under_70, older) in [("A03", "B04"), ("A01", "B01"), ("A05", "B06")] {
            let found = refund("2026-08", under_70, older, &patients, &lines);
            let total: i64 = paid.iter().map(|(yen, _, _)| yen).sum();
            prop_assert!((0..=total).contains(&found.total_yen()));
        }
    }
}
