//! The worked examples of the health-insurance rules, as tables: `tests/vectors/health-domain/*.json`, each file for one
//! section. Each case names a check, what goes in and the words that must come out.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};

use kazasu::card::CertificateState;
use kazasu::insurance::*;
use kazasu::time::{CalendarDate, UnixMillis};
use serde_json::Value;

/// Sections that must have cases.
const SECTIONS: [&str; 14] =
    ["§1.2", "§1.3", "§1.4", "§1.5", "§3", "§4.1", "§4.2", "§4.3", "§5.1", "§5.3", "§7", "§8.9", "§9.5", "§10"];

#[test]
fn every_worked_example_comes_out_as_written() {
    let rules = Rules::embedded().expect("the embedded tables");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = String::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/health-domain");
    for file in std::fs::read_dir(folder).expect("the folder of vectors") {
        let path = file.expect("a file").path();
        let table = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        // Tables of another form in this folder have tests of their own.
        let Some((table, cases)) = table.as_ref().and_then(|table| Some((table, table["cases"].as_array()?))) else {
            continue;
        };
        let section = text(table, "section");
        for case in cases {
            *counts.entry(section.to_owned()).or_default() += 1;
            let (is, expected) = (run(&rules, case), text(case, "expect"));
            if is != expected {
                writeln!(wrong, "{section}: {case}\n    gives {is}").expect("a string");
            }
        }
    }
    for (section, count) in &counts {
        println!("{section}: {count}");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    for section in SECTIONS {
        assert!(counts.get(section).is_some_and(|count| *count > 0), "{section} has no cases");
    }
    assert_eq!(counts.len(), SECTIONS.len(), "a section that is not listed");
}

fn run(rules: &Rules, case: &Value) -> String {
    let of = || text(case, "of");
    match text(case, "check") {
        "insurer-number" => debug(check_insurer_number(of())),
        "public-payer-number" => debug(check_public_payer_number(of())),
        "beneficiary-number" => debug(check_beneficiary_number(of())),
        "institution-code" => debug(check_institution_code(of())),
        "my-number" => suspects_my_number(of()).to_string(),
        "insurer-kind" => debug(rules.insurer_kinds.system_of(of()).kind),
        "insurer-name" => rules.insurer_kinds.system_of(of()).name.unwrap_or("none").to_owned(),
        "member-id" => {
            let part = |at: usize| case["of"][at].as_str().expect("a part");
            member_id(part(0), part(1), part(2), part(3)).unwrap_or_else(debug)
        }
        "comparison" => normalized_for_comparison(of()),
        "era-parse" => rules.eras.parse(of()).map_or_else(debug, |date| date.to_string()),
        "era-write" => rules.eras.to_japanese(date(case, "of")).unwrap_or_else(debug),
        "era-code" => rules.eras.to_code(date(case, "of")).unwrap_or_else(debug),
        "reaches-age" => reaches_age_on(date(case, "birth"), whole(case, "age")).to_string(),
        "age-group" => age_group(&rules.copay, case),
        "hint" => debug(rules.copay.hint(date(case, "birth"), date(case, "on"), whole(case, "percent"), false)),
        "relief" => {
            rules.copay.late_elderly_relief_yen(date(case, "on")).map_or("none".to_owned(), |yen| yen.to_string())
        }
        "counter" => {
            let amount = rules.copay.counter_amount(whole(case, "cost"), whole(case, "percent")).expect("an amount");
            format!("{} {}", amount.exact_yen, amount.counter_yen)
        }
        "limit" | "limit-by-income" | "outpatient-limit" => limit(&rules.high_cost, case).unwrap_or_else(debug),
        "annual-cap" => annual_cap(&rules.high_cost, case).unwrap_or_else(debug),
        "household" => household(&rules.high_cost, case).unwrap_or_else(debug),
        "certificate" => {
            let at = |name| UnixMillis::parse_rfc3339(text(case, name)).expect("an instant");
            CertificateState::at(at("not_before"), at("not_after"), at("now")).map_or_else(debug, debug)
        }
        "deduction" => deduction(&rules.deduction, case),
        "duplicates" => pairs(case),
        "checkup-line" => checkup_line(&rules.checkup, case),
        "checkup" => {
            let value = Measured::parse(text(case, "value")).expect("a value");
            rules.checkup.passed(text(case, "item"), sex(case), value).map_or("none".to_owned(), debug)
        }
        other => panic!("no such check: {other}"),
    }
}

fn age_group(copay: &CopayRules, case: &Value) -> String {
    let Some(period) = copay.age_period(date(case, "birth"), date(case, "on")) else { return "none".to_owned() };
    let through = period.through.map(|day| day.to_string()).unwrap_or_default();
    format!("{:?} {}..{through}", period.group, period.from)
}

fn limit(high_cost: &HighCostRules, case: &Value) -> Result<String, HighCostError> {
    let month = HighCostRules::treatment_month(case["month"].as_str())?;
    let category = match case["income"].as_i64() {
        Some(income) => high_cost.category_of_income(month, income)?,
        None => text(case, "category"),
    };
    let is_repeated = case["repeated"].as_bool().unwrap_or_default();
    if text(case, "check") == "outpatient-limit" {
        let yen = high_cost.limit(month, category, Some(0), is_repeated)?.outpatient_yen;
        return Ok(yen.map_or("none".to_owned(), |yen| yen.to_string()));
    }
    let limit = high_cost.limit(month, category, case["cost"].as_i64(), is_repeated)?;
    Ok(format!("{}{}", limit.yen, if limit.is_planned { " planned" } else { "" }))
}

fn annual_cap(high_cost: &HighCostRules, case: &Value) -> Result<String, HighCostError> {
    let month = HighCostRules::treatment_month(case["month"].as_str())?;
    let cap = high_cost.annual_cap(month, text(case, "category"), case["low_pay"].as_bool().expect("low_pay"))?;
    let outpatient = cap.outpatient_yen.map(|yen| format!("outpatient {yen}"));
    let household = cap.household_yen.map(|yen| format!("household {yen}"));
    Ok([outpatient, household].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

fn household(high_cost: &HighCostRules, case: &Value) -> Result<String, HighCostError> {
    let patient = |age: &Value| Patient { is_from_70: age == "70+", is_halved: false };
    let patients: Vec<Patient> = case["patients"].as_array().expect("patients").iter().map(patient).collect();
    let care = |one| Care {
        patient: whole(one, "patient"),
        institution: text(one, "institution"),
        kind: ExpenseKind::from_code(text(one, "kind")),
        paid_yen: whole(one, "paid"),
        cost_yen: None,
        prescriber: None,
        special_disease: false,
    };
    let care: Vec<Care<'_>> = case["care"].as_array().expect("care").iter().map(care).collect();
    let refund = high_cost.household_refund(&Household {
        month: HighCostRules::treatment_month(case["month"].as_str())?,
        under_70: case["under_70"].as_str(),
        from_70: case["from_70"].as_str(),
        is_repeated: false,
        patients: &patients,
        care: &care,
    })?;
    let (special, outpatient, halved) = (refund.special_disease_yen, refund.outpatient_yen, refund.halved_yen);
    let (old, household, total) = (refund.from_70_yen, refund.household_yen, refund.total_yen());
    let steps =
        format!("special {special} outpatient {outpatient} halved {halved} from-70 {old} household {household}");
    Ok(format!("{steps} total {total} not counted {:?}", refund.not_counted))
}

fn deduction(rules: &DeductionRules, case: &Value) -> String {
    let year = whole(case, "year");
    let people = [Person { nickname: "花子".to_owned(), name: None, shares_livelihood: true }];
    let payment = |(at, amounts): (usize, &Value)| Payment {
        source_id: String::new(),
        row: 0,
        person: 0,
        kind: ExpenseKind::MedicalInpatient,
        institution: at.to_string(),
        treatment_month: YearMonth::new(year, 5),
        paid_on: None,
        receipt_yen: amounts[0].as_i64(),
        notice_yen: None,
        reimbursed_yen: amounts[1].as_i64().expect("yen"),
        total_cost_yen: None,
    };
    let payments: Vec<Payment> =
        case["payments"].as_array().expect("payments").iter().enumerate().map(payment).collect();
    let input = DeductionInput {
        year,
        income_yen: whole(case, "income"),
        people: &people,
        payments: &payments,
        today: CalendarDate { year, month: 12, day: 31 },
        notices_through: None,
        self_medication_yen: None,
        answers: &[],
        insured: &[],
    };
    let estimate = rules.estimate(&input).expect("a year with a table");
    format!("{} {}", estimate.deduction_yen, estimate.label())
}

fn pairs(case: &Value) -> String {
    let medication = |name| Medication {
        yj_code: case[name]["yj"].as_str(),
        name: case[name]["name"].as_str(),
        start: date(&case[name], "start"),
        days: case[name]["days"].as_u64().and_then(|days| u32::try_from(days).ok()),
        is_month: false,
        provider: case[name]["provider"].as_str(),
        source: Source::Dispense,
        prescription: None,
    };
    let row = |row: &Value| {
        let names = row[1].as_array().expect("names").iter().filter_map(|name| name.as_str().map(str::to_owned));
        (row[0].as_str().expect("a head").to_owned(), names.collect::<Vec<_>>())
    };
    let table = case["ingredients"].as_array().map(|rows| IngredientTable::from_rows(rows.iter().map(row)));
    let options = DuplicateOptions {
        ingredients: table.as_ref(),
        same_effect: case["same_effect"].as_bool().unwrap_or_default(),
    };
    let report = duplicate_report(&[medication("a"), medication("b")], &options);
    let Some(pair) = report.pairs.first() else { return "none".to_owned() };
    format!("{} {}{}", pair.likeness.japanese(), pair.days, if pair.is_estimated { " 推定" } else { "" })
}

fn checkup_line(lines: &CheckupLines, case: &Value) -> String {
    let Some(line) = lines.line(text(case, "item"), sex(case)) else { return "none".to_owned() };
    let direction = match line.direction {
        Comparator::Less => "<",
        Comparator::LessOrEqual => "<=",
        Comparator::Greater => ">",
        Comparator::GreaterOrEqual => ">=",
    };
    format!("{} {direction} {} {} {}", line.name, line.guidance, line.visit.as_deref().unwrap_or("-"), line.unit)
}

fn sex(case: &Value) -> Option<Sex> {
    case["sex"].as_str().map(|sex| if sex == "male" { Sex::Male } else { Sex::Female })
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_else(|| panic!("{name} in {case}"))
}

fn whole<T: TryFrom<i64>>(case: &Value, name: &str) -> T {
    let number = case[name].as_i64().and_then(|number| T::try_from(number).ok());
    number.unwrap_or_else(|| panic!("{name} in {case}"))
}

fn date(case: &Value, name: &str) -> CalendarDate {
    CalendarDate::parse(text(case, name)).unwrap_or_else(|| panic!("{name} in {case}"))
}

fn debug(value: impl Debug) -> String {
    format!("{value:?}")
}
