use serde_json::json;

use super::*;

fn validity(code: &str) -> Value {
    json!([{"url": format!("{NAMESPACE}/StructureDefinition/qualification-validity"), "valueCoding": {"code": code}}])
}

fn entry(code: Option<&str>, inforce: bool) -> Value {
    let mut entry = json!({"coverage": {"reference": "#cov"}, "inforce": inforce});
    if let Some(code) = code {
        entry["extension"] = validity(code);
    }
    entry
}

fn answer(outcome: &str, insurance: Vec<Value>) -> Eligibility {
    Eligibility::new(json!({
        "resourceType": "CoverageEligibilityResponse",
        "outcome": outcome,
        "created": "2026-11-20T10:15:05+09:00",
        "insurance": insurance,
    }))
    .expect("an answer")
}

#[test]
fn every_row_of_the_table_is_read_as_it_says() {
    use InvalidReason::{Lost, Replaced};
    let rows = [
        ("complete", vec![entry(Some("1"), true)], Qualification::Valid),
        ("complete", vec![entry(Some("2"), false)], Qualification::Invalid(Lost)),
        ("complete", vec![entry(Some("3"), false), entry(Some("1"), true)], Qualification::Invalid(Replaced)),
        ("complete", vec![], Qualification::NotFound),
        ("complete", vec![entry(Some("5"), true), entry(Some("5"), true)], Qualification::Multiple),
        ("partial", vec![entry(Some("6"), true)], Qualification::Unregistered),
        ("queued", vec![], Qualification::Pending),
        ("complete", vec![entry(None, true)], Qualification::Valid),
        ("complete", vec![entry(None, false)], Qualification::Invalid(Lost)),
        ("complete", vec![entry(None, true), entry(None, true)], Qualification::Multiple),
        ("complete", vec![entry(Some("2"), true)], Qualification::Invalid(Lost)),
        ("complete", vec![entry(Some("99"), true)], Qualification::Valid),
    ];
    for (outcome, insurance, expected) in rows {
        assert_eq!(answer(outcome, insurance.clone()).qualification(), expected, "{outcome} {insurance:?}");
    }
}

#[test]
fn a_failed_look_up_is_an_error_and_never_not_valid() {
    let failed = json!({"resourceType": "CoverageEligibilityResponse", "outcome": "error"});
    assert_eq!(Eligibility::new(failed).expect_err("failed").code(), "KZ-Q01");
    let other = json!({"resourceType": "Patient"});
    assert_eq!(Eligibility::new(other).expect_err("not an answer").code(), "KZ-D01");
}

#[test]
fn unknown_limit_categories_survive_as_they_came() {
    let mut insurance = entry(Some("1"), true);
    insurance["item"] = json!([{
        "category": {"coding": [{"code": "limit-certificate"}]},
        "benefit": [{"extension": [{"url": format!("{NAMESPACE}/StructureDefinition/limit-category"),
            "valueCoding": {"code": "A07", "display": "新区分"}}]}],
    }]);
    let answer = answer("complete", vec![insurance]);
    let category = answer.primary().and_then(|i| i.limit_category()).expect("a category");
    assert_eq!((category.code, category.display, category.limit), ("A07", Some("新区分"), None));
    assert!(answer.as_json().to_string().contains("A07"));
}

#[test]
fn a_missing_category_is_not_guessed() {
    assert_eq!(answer("complete", vec![entry(Some("1"), true)]).primary().and_then(|i| i.limit_category()), None);
}

#[test]
fn copay_comes_from_the_benefit_or_else_from_the_coverage() {
    let mut insurance = entry(Some("1"), true);
    insurance["item"] = json!([{"benefit": [{"type": {"coding": [{"system": BENEFIT_TYPE, "code": "copay-percent"}]}, "allowedUnsignedInt": 20}]}]);
    assert_eq!(answer("complete", vec![insurance]).primary().and_then(|i| i.copay_percent()), Some(20));
    let with_coverage = Eligibility::new(json!({
        "resourceType": "CoverageEligibilityResponse", "outcome": "complete",
        "contained": [{"resourceType": "Coverage", "id": "cov", "costToBeneficiary": [
            {"type": {"coding": [{"system": COPAY_TYPE, "code": "copaypct"}]}, "valueQuantity": {"value": 30.0}}]}],
        "insurance": [entry(Some("1"), true)],
    }))
    .expect("an answer");
    assert_eq!(with_coverage.primary().and_then(|i| i.copay_percent()), Some(30));
}

#[test]
fn age_of_an_answer_is_told_by_day_and_by_month() {
    let answer = answer("complete", vec![]);
    let at = |text: &str| UnixMillis::parse_rfc3339(text).expect("instant");
    assert_eq!(answer.freshness(at("2026-11-21T10:15:05+09:00")), Freshness::Current);
    assert_eq!(answer.freshness(at("2026-11-21T10:15:06+09:00")), Freshness::Dated);
    assert_eq!(answer.freshness(at("2026-12-01T00:00:00+09:00")), Freshness::Outdated);
}

#[test]
fn a_consent_holds_until_its_last_moment() {
    let url = format!("{NAMESPACE}/StructureDefinition/consent-state");
    let answer = Eligibility::new(json!({
        "resourceType": "CoverageEligibilityResponse", "outcome": "complete",
        "extension": [{"url": url, "extension": [{"url": "type", "valueCode": "limit-certificate"}, {"url": "state", "valueCode": "1"},
            {"url": "availableUntil", "valueDateTime": "2026-11-21T10:15:03+09:00"}]}],
    }))
    .expect("an answer");
    let consent = answer.consent_states()[0];
    let until = consent.available_until.expect("a last moment");
    assert!(consent.is_in_force(until));
    assert!(!consent.is_in_force(until.plus_ms(1)));
}
