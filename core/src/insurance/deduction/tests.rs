use proptest::prelude::*;

use super::*;
use crate::insurance::{ExpenseKind, HighCostError, Payment, Person, Rules, YearMonth};
use crate::time::CalendarDate;

/// A payment of 2026 by the person 0, changed by each test.
fn paid(yen: i64) -> Payment {
    Payment {
        source_id: String::new(),
        row: 0,
        person: 0,
        kind: ExpenseKind::MedicalOutpatient,
        institution: "みほん内科".to_owned(),
        treatment_month: YearMonth::new(2026, 5),
        paid_on: CalendarDate::parse("2026-05-20"),
        receipt_yen: Some(yen),
        notice_yen: None,
        reimbursed_yen: 0,
        total_cost_yen: None,
    }
}

fn noticed(yen: i64) -> Payment {
    Payment { receipt_yen: None, notice_yen: Some(yen), paid_on: None, ..paid(0) }
}

fn people() -> Vec<Person> {
    let person =
        |nickname: &str, shares_livelihood| Person { nickname: nickname.to_owned(), name: None, shares_livelihood };
    vec![person("花子", true), person("太郎", false)]
}

fn input<'a>(people: &'a [Person], payments: &'a [Payment]) -> DeductionInput<'a> {
    DeductionInput {
        year: 2026,
        income_yen: 5_200_000,
        people,
        payments,
        today: CalendarDate { year: 2027, month: 2, day: 20 },
        notices_through: YearMonth::new(2026, 12),
        self_medication_yen: None,
        answers: &[],
        insured: &[],
    }
}

fn estimate(input: &DeductionInput<'_>) -> DeductionEstimate {
    Rules::embedded().expect("tables").deduction.estimate(input).expect("a year with a table")
}

fn findings(input: &DeductionInput<'_>) -> Vec<Finding> {
    let rules = Rules::embedded().expect("tables");
    rules.deduction.findings(input, &rules.high_cost)
}

fn found_in(payments: &[Payment]) -> Vec<Finding> {
    findings(&input(&people(), payments))
}

#[test]
fn nothing_to_find_in_plain_payments() {
    let other =
        Payment { institution: "みほん歯科".to_owned(), kind: ExpenseKind::DentalOutpatient, ..paid(3_000) };
    assert_eq!(found_in(&[paid(1_790), other]), []);
    assert_eq!(found_in(&[]), []);
}

#[test]
fn d1_a_receipt_and_its_notice_are_one_payment() {
    let twice = |kept: usize, dropped: usize| Finding::Twice { kept: vec![kept], dropped: vec![dropped] };
    assert_eq!(found_in(&[noticed(1_785), paid(1_790)]), [twice(1, 0)], "ten yen apart by rounding");
    assert_eq!(found_in(&[paid(1_790), paid(1_790)]), [twice(0, 1)], "typed twice");
    let other_kind = Payment { kind: ExpenseKind::Other, ..paid(1_785) };
    assert_eq!(found_in(&[noticed(1_785), other_kind]), [twice(1, 0)], "whatever kind the user chose");
    let written = Payment { institution: "みほん 内科".to_owned(), ..noticed(1_790) };
    assert_eq!(found_in(&[paid(1_790), written]), [twice(0, 1)], "a space in the name");
    let visits = [paid(2_000), Payment { paid_on: CalendarDate::parse("2026-05-27"), ..paid(3_000) }, noticed(5_003)];
    assert_eq!(
        found_in(&visits),
        [Finding::Twice { kept: vec![0, 1], dropped: vec![2] }],
        "two visits, one line of the notice"
    );
    assert_eq!(estimate(&input(&people(), &visits)).paid_yen, 5_000);
}

#[test]
fn d1_what_differs_is_not_twice() {
    let people = people();
    let single = [Payment { notice_yen: Some(1_785), ..paid(1_790) }];
    assert_eq!(findings(&input(&people, &single)), [], "both amounts on one line");
    for other in [
        Payment { paid_on: CalendarDate::parse("2026-05-27"), ..paid(1_790) },
        Payment { treatment_month: YearMonth::new(2026, 6), ..noticed(1_790) },
        Payment { institution: "別の内科".to_owned(), ..noticed(1_790) },
        Payment { kind: ExpenseKind::Pharmacy, ..noticed(1_801) },
    ] {
        assert_eq!(found_in(&[paid(1_790), other.clone()]), [], "{other:?}");
    }
    let inpatient = Payment { kind: ExpenseKind::MedicalInpatient, ..noticed(1_790) };
    assert_eq!(found_in(&[noticed(1_790), inpatient]), [], "two lines of the notice");
}

#[test]
fn d1_the_answer_decides() {
    let (people, payments) = (people(), [noticed(150_000), paid(150_000)]);
    let mut given = input(&people, &payments);
    let first = estimate(&given);
    assert_eq!((first.paid_yen, &first.excluded[..]), (150_000, &[(0, Exclusion::Twice)][..]));
    given.answers = &[Answer::Include(0)];
    assert_eq!(estimate(&given).paid_yen, 300_000, "two payments after all");
    given.answers = &[Answer::Exclude(1)];
    assert_eq!((estimate(&given).counted, findings(&given)), (vec![0], vec![]));
}

#[test]
fn d2_the_day_of_payment_decides_the_year() {
    let january = Payment {
        treatment_month: YearMonth::new(2026, 12),
        paid_on: CalendarDate::parse("2027-01-05"),
        ..paid(200_000)
    };
    let december = Payment {
        treatment_month: YearMonth::new(2025, 12),
        paid_on: CalendarDate::parse("2026-01-05"),
        ..paid(30_000)
    };
    let payments = [january, december];
    assert_eq!(found_in(&payments), [Finding::OtherYear { payment: 0, year: 2027 }]);
    let people = people();
    let estimate = estimate(&input(&people, &payments));
    assert_eq!((estimate.paid_yen, &estimate.excluded[..]), (30_000, &[(0, Exclusion::OtherYear)][..]));
    assert_eq!(found_in(&payments[1..]), []);
}

#[test]
fn d3_kinds_that_are_not_deductible_can_be_brought_back() {
    let checkup = [Payment { kind: ExpenseKind::Checkup, ..paid(120_000) }];
    let people = people();
    let mut given = input(&people, &checkup);
    let finding = |is_overridden| Finding::NotDeductible { payment: 0, kind: ExpenseKind::Checkup, is_overridden };
    assert_eq!((findings(&given), estimate(&given).deduction_yen), (vec![finding(false)], 0));
    given.answers = &[Answer::Include(0)];
    assert_eq!((findings(&given), estimate(&given).deduction_yen), (vec![finding(true)], 20_000));
    for kind in [ExpenseKind::Vaccination, ExpenseKind::Cosmetic, ExpenseKind::PrivateRoom, ExpenseKind::PrivateCar] {
        assert_eq!(found_in(&[Payment { kind, ..paid(1_000) }])[0].rule(), "D-3", "{kind:?}");
    }
    for kind in [ExpenseKind::Transport, ExpenseKind::OverTheCounter, ExpenseKind::NursingCare, ExpenseKind::Appliance]
    {
        assert_eq!(found_in(&[Payment { kind, ..paid(1_000) }]), [], "{kind:?}");
    }
}

#[test]
fn d4_a_benefit_lessens_only_its_own_payment() {
    let stay = |reimbursed_yen| Payment { reimbursed_yen, kind: ExpenseKind::MedicalInpatient, ..paid(80_000) };
    assert_eq!(found_in(&[stay(100_000)]), [Finding::ReimbursedBeyondPaid { payment: 0, surplus_yen: 20_000 }]);
    assert_eq!(found_in(&[stay(80_000)]), []);
    let people = people();
    assert_eq!(estimate(&input(&people, &[stay(100_000)])).reimbursed_yen, 80_000);
    assert_eq!(estimate(&input(&people, &[stay(-5)])).reimbursed_yen, 0);
}

#[test]
fn d5_the_receipt_wins_over_the_notice() {
    let line = |notice| [Payment { notice_yen: Some(notice), ..paid(1_790) }];
    assert_eq!(found_in(&line(1_800)), []);
    let differs = |notices, difference_yen| Finding::NoticeDiffers { receipts: vec![0], notices, difference_yen };
    assert_eq!(found_in(&line(1_801)), [differs(vec![0], 11)]);
    let lines = [paid(1_790), noticed(5_000)];
    assert_eq!(found_in(&lines), [differs(vec![1], 3_210)]);
    let people = people();
    assert_eq!(estimate(&input(&people, &lines)).paid_yen, 1_790);
    assert_eq!(estimate(&input(&people, &line(1_801))).paid_yen, 1_790);
}

#[test]
fn d6_only_who_shares_the_livelihood_counts() {
    let other = [paid(50_000), Payment { person: 1, ..paid(200_000) }, Payment { person: 7, ..paid(300_000) }];
    assert_eq!(
        found_in(&other),
        [
            Finding::NotSameLivelihood { person: 1, payments: vec![1] },
            Finding::NotSameLivelihood { person: 7, payments: vec![2] },
        ]
    );
    let people = people();
    assert_eq!(estimate(&input(&people, &other)).paid_yen, 50_000);
    assert_eq!(found_in(&other[..1]), []);
}

#[test]
fn d7_months_without_a_notice_are_listed() {
    let people = people();
    let october = [Payment { treatment_month: YearMonth::new(2026, 10), ..noticed(1_000) }];
    let mut given = input(&people, &october);
    assert_eq!(findings(&given), []);
    given.notices_through = None;
    let months =
        |of: &[u8]| Finding::MissingMonths(of.iter().filter_map(|month| YearMonth::new(2026, *month)).collect());
    assert_eq!(findings(&given), [months(&[11, 12])]);
    given.today = CalendarDate { year: 2026, month: 11, day: 20 };
    assert_eq!(findings(&given), [months(&[11])], "December has not begun");
    given.payments = &[];
    given.today = CalendarDate { year: 2026, month: 2, day: 1 };
    assert_eq!(findings(&given), [months(&[1, 2])], "no notice at all");
}

#[test]
fn d8_both_deductions_are_compared() {
    let (people, payments) = (people(), [paid(150_000)]);
    let mut given = input(&people, &payments);
    assert_eq!(findings(&given), []);
    given.self_medication_yen = Some(40_000);
    assert_eq!(findings(&given), [Finding::BothDeductions { medical_yen: 50_000, self_medication_yen: 28_000 }]);
    given.self_medication_yen = Some(12_000);
    assert_eq!(findings(&given), [], "nothing to choose");
    let rules = Rules::embedded().expect("tables").deduction;
    assert_eq!(rules.self_medication(2026, i64::MAX), Some(88_000));
    assert_eq!(rules.self_medication(2026, -1), Some(0));
    assert_eq!(rules.self_medication(2027, 40_000), None, "no table covers it");
}

#[test]
fn d9_what_does_not_fit_the_form_is_told_before() {
    let long = |institution: String| [Payment { institution, ..paid(1_000) }];
    assert_eq!(found_in(&long("医".repeat(20))), []);
    let limit = |limit| vec![Finding::FormLimit(limit)];
    assert_eq!(found_in(&long("医".repeat(21))), limit(FormLimit::Institution { payment: 0, most: 20 }));
    assert_eq!(found_in(&[paid(999_999_999)]), []);
    assert_eq!(found_in(&[paid(1_000_000_000)]), limit(FormLimit::Amount { payment: 0 }));
    let of_month = |nth: usize| Payment { institution: format!("{nth}"), ..paid(10) };
    let rows: Vec<Payment> = (0..996).map(of_month).collect();
    assert_eq!(found_in(&rows[..995]), []);
    assert_eq!(found_in(&rows), limit(FormLimit::Rows { count: 996, most: 995 }));
    let mut people = people();
    people[0].name = Some("名".repeat(10));
    assert_eq!(findings(&input(&people, &[paid(1)])), []);
    people[0].name = Some("名".repeat(11));
    assert_eq!(findings(&input(&people, &[paid(1)])), limit(FormLimit::Name { person: 0, most: 10 }));
    assert_eq!(findings(&input(&people, &[])), [], "nobody of that name in the form");
}

#[test]
fn d10_a_benefit_is_expected_where_none_was_entered() {
    let people = people();
    let month = YearMonth::new(2026, 9).expect("a month");
    let stay = Payment {
        kind: ExpenseKind::MedicalInpatient,
        treatment_month: Some(month),
        total_cost_yen: Some(1_000_000),
        ..paid(300_000)
    };
    let insured = |category| [Some(Insured { category, household: 1 })];
    let of = |payments: &[Payment], category| {
        let insured = insured(category);
        findings(&DeductionInput { insured: &insured, ..input(&people, payments) })
    };
    let expected = Finding::HighCostExpected { month, payments: vec![0], refund_yen: 207_060, is_planned: false };
    assert_eq!(of(std::slice::from_ref(&stay), "A03"), [expected]);
    assert_eq!(of(&[Payment { reimbursed_yen: 207_060, ..stay.clone() }], "A03"), []);
    assert_eq!(of(&[Payment { receipt_yen: Some(92_940), ..stay.clone() }], "A03"), [], "no more than the limit");
    assert_eq!(found_in(std::slice::from_ref(&stay)), [], "the category is not known");
    let unknown = |cause| [Finding::HighCostUnknown { month, payments: vec![0], cause }];
    assert_eq!(of(std::slice::from_ref(&stay), "A07"), unknown(HighCostError::Unknown));
    let cost_unknown = Payment { total_cost_yen: None, ..stay };
    assert_eq!(of(&[cost_unknown], "A03"), unknown(HighCostError::NoTotalCost));
}

#[test]
fn every_figure_is_an_estimate_and_years_without_a_table_have_none() {
    let (people, payments) = (people(), [paid(150_000)]);
    let given = input(&people, &payments);
    let estimate = estimate(&given);
    assert_eq!(estimate.label(), "試算");
    assert_eq!(estimate.keep_receipts_through.to_string(), "2032-03-15");
    let rules = Rules::embedded().expect("tables").deduction;
    assert_eq!(rules.estimate(&DeductionInput { year: 2016, ..given }), None);
}

#[test]
fn payments_without_amount_or_date_are_not_counted() {
    let people = people();
    let no_amount = Payment { receipt_yen: None, ..paid(0) };
    let no_date = Payment { paid_on: None, treatment_month: None, ..paid(5) };
    let only_month = Payment { paid_on: None, ..paid(7) };
    let estimate = estimate(&input(&people, &[no_amount, no_date, only_month]));
    assert_eq!(estimate.excluded, [(0, Exclusion::NoAmount), (1, Exclusion::NoDate)]);
    assert_eq!(estimate.paid_yen, 7);
}

#[test]
fn the_largest_amounts_add_up_to_the_cap() {
    let people = people();
    let most = [paid(i64::MAX), Payment { institution: "別".to_owned(), ..paid(i64::MAX) }];
    let estimate = estimate(&DeductionInput { income_yen: i64::MAX, ..input(&people, &most) });
    assert_eq!((estimate.paid_yen, estimate.floor_yen, estimate.deduction_yen), (i64::MAX, 100_000, 2_000_000));
    let least = [Payment { reimbursed_yen: i64::MIN, notice_yen: Some(i64::MAX), ..paid(i64::MIN) }];
    _ = findings(&DeductionInput { income_yen: i64::MIN, ..input(&people, &least) });
}

proptest! {
    #[test]
    fn the_deduction_stays_within_its_bounds(
        amounts in proptest::collection::vec((any::<i64>(), any::<i64>()), 0..6),
        income in any::<i64>(),
    ) {
        let people = people();
        let payments: Vec<Payment> = amounts
            .iter()
            .enumerate()
            .map(|(at, (yen, reimbursed_yen))| Payment {
                institution: at.to_string(),
                reimbursed_yen: *reimbursed_yen,
                ..paid(*yen)
            })
            .collect();
        let given = DeductionInput { income_yen: income, ..input(&people, &payments) };
        let estimate = estimate(&given);
        prop_assert!((0..=2_000_000).contains(&estimate.deduction_yen));
        prop_assert!(estimate.reimbursed_yen <= estimate.paid_yen && estimate.deduction_yen <= estimate.paid_yen);
        prop_assert_eq!(estimate.counted.len() + estimate.excluded.len(), payments.len());
        _ = findings(&given);
    }
}
