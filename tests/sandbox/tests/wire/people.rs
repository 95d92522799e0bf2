//! Each person is answered with their own row of the eligibility table.

use serde_json::{Value, json};

use crate::card::random_id;
use crate::device::{Device, inquiry, started};

fn asked(device: &Device, person: u8) -> (Value, u16, Value) {
    let token = device.sign_in(person);
    let reply = device.submit(&token, &random_id(), &inquiry(&token, &[("limit-certificate", "1")]));
    (token, reply.status, reply.json())
}

fn extension<'a>(holder: &'a Value, name: &str) -> &'a Value {
    let wanted = format!("https://kazasu.example/fhir/StructureDefinition/{name}");
    let found = holder["extension"].as_array().into_iter().flatten().find(|one| one["url"] == wanted.as_str());
    found.unwrap_or(&Value::Null)
}

fn validity(insurance: &Value) -> &str {
    extension(insurance, "qualification-validity")["valueCoding"]["code"].as_str().unwrap()
}

fn row(answer: &Value) -> (&str, Vec<(&str, bool)>, Vec<&str>) {
    let insurance = answer["insurance"].as_array().into_iter().flatten();
    let entries = insurance.map(|one| (validity(one), one["inforce"].as_bool().unwrap())).collect();
    let contained = answer["contained"].as_array().into_iter().flatten();
    let coverages = contained.filter(|one| one["resourceType"] == "Coverage");
    (answer["outcome"].as_str().unwrap(), entries, coverages.map(|one| one["status"].as_str().unwrap()).collect())
}

#[test]
fn every_row_of_the_table() {
    let (_sandbox, device) = started();
    type Row = (u8, u16, &'static str, &'static [(&'static str, bool)], &'static [&'static str]);
    let rows: &[Row] = &[
        (1, 200, "complete", &[("1", true)], &["active"]),
        (2, 200, "complete", &[("2", false)], &["cancelled"]),
        (3, 200, "complete", &[("3", false), ("1", true)], &["cancelled", "active"]),
        (4, 200, "complete", &[], &[]),
        (5, 200, "complete", &[("5", true), ("5", true)], &["active", "active"]),
        (6, 200, "partial", &[("6", true)], &["active"]),
        (7, 202, "queued", &[], &[]),
        (8, 200, "error", &[], &[]),
        (9, 200, "complete", &[("1", true)], &["active"]),
        (10, 200, "complete", &[("1", true)], &["active"]),
    ];
    for (person, status, outcome, insurance, coverages) in rows {
        let (token, answered, answer) = asked(&device, *person);
        assert_eq!(answered, *status, "{person}");
        assert_eq!(row(&answer), (*outcome, insurance.to_vec(), coverages.to_vec()), "{person}");
        let patient = format!("Patient/{}", token["patient"].as_str().unwrap());
        assert_eq!(answer["patient"]["reference"], patient, "{person}");
        assert!(!answer.to_string().contains("{{"), "{person}");
    }
}

#[test]
fn details_of_the_rows() {
    let (_sandbox, device) = started();
    let (_, _, lost) = asked(&device, 2);
    assert_eq!(extension(&lost["contained"][0], "loss-reason")["valueCode"], "03");
    let loss_date = extension(&lost["contained"][0], "loss-date")["valueDate"].as_str().unwrap();
    assert!(lost["contained"][0]["period"]["end"].as_str().unwrap() < loss_date);

    let (_, _, elderly) = asked(&device, 9);
    assert_eq!(elderly["contained"][1]["identifier"][0]["value"], "39131016");
    let items = &elderly["insurance"][0]["item"];
    assert_eq!(items[0]["benefit"][0]["allowedUnsignedInt"], 10);
    let category = &items[1]["benefit"][0]["extension"][0]["valueCoding"];
    assert_eq!((&category["code"], &category["display"]), (&json!("A07"), &json!("区分不明の新区分")));

    let (_, _, child) = asked(&device, 10);
    assert_eq!(child["insurance"][0]["item"][0]["benefit"][0]["allowedUnsignedInt"], 20);
    assert_eq!(extension(&child["contained"][0], "preschool")["valueBoolean"], true);
    assert_eq!(child["contained"][0]["relationship"]["coding"][0]["code"], "2");

    let (_, _, upstream) = asked(&device, 8);
    assert_eq!(upstream["error"][0]["code"]["coding"][0]["code"], "KZ-Q01");
}

#[test]
fn queued_request_is_complete_at_the_second_poll() {
    let (_sandbox, device) = started();
    let (token, _, queued) = asked(&device, 7);
    let request = queued["request"]["reference"].as_str().unwrap();
    let poll =
        |token: &Value| device.search(token, "CoverageEligibilityResponse", &format!("request={request}")).json();
    assert_eq!(poll(&token)["entry"][0]["resource"]["outcome"], "queued");
    let other = device.sign_in(1);
    assert_eq!(poll(&other)["total"], 0, "nobody else finds it");
    let bundle = poll(&token);
    let answer = &bundle["entry"][0]["resource"];
    assert_eq!((&answer["outcome"], &answer["id"]), (&json!("complete"), &queued["id"]));
    assert_eq!(answer["insurance"][0]["item"].as_array().unwrap().len(), 2, "the consent of the request counts");
    assert_eq!(poll(&token)["entry"][0]["resource"]["created"], answer["created"]);
}

#[test]
fn insurer_numbers_have_their_check_digit() {
    let (_sandbox, device) = started();
    let mut checked = 0;
    for person in 1..=10 {
        let (_, _, answer) = asked(&device, person);
        for organization in answer["contained"].as_array().into_iter().flatten() {
            if organization["resourceType"] != "Organization" {
                continue;
            }
            let number = organization["identifier"][0]["value"].as_str().unwrap();
            let digits: Vec<u32> = number.chars().map(|digit| digit.to_digit(10).unwrap()).collect();
            let (check, body) = digits.split_last().unwrap();
            let products = body.iter().rev().zip([2, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight);
            let sum: u32 = products.map(|product| product / 10 + product % 10).sum();
            assert_eq!((10 - sum % 10) % 10, *check, "{number}");
            checked += 1;
        }
    }
    assert_eq!(checked, 9);
}
