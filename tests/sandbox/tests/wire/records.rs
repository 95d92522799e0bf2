//! Conformance level L2: search, pages and read of the records, and whose they are.

use serde_json::Value;

use crate::card::Card;
use crate::device::{CLIENT, Device, JWT_BEARER, started};

const TYPES: &[&str] = &["ExplanationOfBenefit", "MedicationDispense", "Immunization", "Observation", "AuditEvent"];

/// The page that the `next` link of a Bundle leads to.
pub(crate) fn follow(device: &Device, token: &Value, bundle: &Value) -> Option<Value> {
    let links = bundle["link"].as_array().unwrap();
    let url = links.iter().find(|link| link["relation"] == "next")?["url"].as_str().unwrap();
    let query = url.strip_prefix(&device.issuer).unwrap();
    let path = query.split('?').next().unwrap();
    // The proof names the URL without its query.
    let access = token["access_token"].as_str().unwrap();
    let proof = device.sign(&device.proof("GET", path, Some(access)));
    let headers = [("Authorization", &*format!("DPoP {access}")), ("DPoP", &proof)];
    let reply = device.client.send("GET", query, &headers, b"").unwrap();
    assert_eq!(reply.status, 200, "{}", reply.json());
    Some(reply.json())
}

fn entries(bundle: &Value) -> Vec<&Value> {
    bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]).collect()
}

/// Every resource of a search, page by page.
fn all(device: &Device, token: &Value, kind: &str, form: &str) -> Vec<Value> {
    let mut bundle = device.search(token, kind, form).json();
    let total = bundle["total"].as_u64().unwrap();
    let mut found: Vec<Value> = entries(&bundle).into_iter().cloned().collect();
    while let Some(next) = follow(device, token, &bundle) {
        found.extend(entries(&next).into_iter().cloned());
        bundle = next;
    }
    assert_eq!(found.len() as u64, total);
    found
}

#[test]
fn everybody_finds_their_own_records_and_nobody_elses() {
    let (_sandbox, device) = started();
    for person in 1..=10 {
        let token = device.sign_in(person);
        let own = format!("Patient/{}", token["patient"].as_str().unwrap());
        for kind in TYPES {
            let found = all(&device, &token, kind, &format!("patient={own}"));
            assert_eq!(found.is_empty(), (person, *kind) == (10, "Observation"), "{person} {kind}");
            for resource in found {
                assert_eq!(resource["resourceType"], *kind);
                let references = [&resource["patient"], &resource["subject"], &resource["entity"][0]["what"]]
                    .map(|one| &one["reference"]);
                assert!(references.contains(&&own.as_str().into()), "{resource}");
            }
        }
    }
}

#[test]
fn another_patient_is_refused_in_search_page_and_read() {
    let (_sandbox, device) = started();
    let (one, two) = (device.sign_in(1), device.sign_in(2));
    let foreign = device.search(&one, "ExplanationOfBenefit", "_count=1").json();
    for kind in TYPES {
        assert_eq!(device.search(&two, kind, "patient=Patient/p-7f3a91").outcome().2, "KZ-A11", "{kind}");
        let theirs = device.search(&one, kind, "_count=1").json();
        let id = theirs["entry"][0]["resource"]["id"].as_str().unwrap();
        assert_eq!(device.get(&one, &format!("/r4/{kind}/{id}"), &[]).status, 200);
        assert_eq!(device.get(&two, &format!("/r4/{kind}/{id}"), &[]).status, 404, "{kind}");
    }
    let url = foreign["link"][1]["url"].as_str().unwrap().strip_prefix(&device.issuer).unwrap();
    let access = two["access_token"].as_str().unwrap();
    let proof = device.sign(&device.proof("GET", "/r4/ExplanationOfBenefit", Some(access)));
    let headers = [("Authorization", &*format!("DPoP {access}")), ("DPoP", &proof)];
    assert_eq!(device.client.send("GET", url, &headers, b"").unwrap().status, 404, "a page of somebody else");
}

#[test]
fn each_type_needs_its_own_scope() {
    let (_sandbox, device) = started();
    for allowed in TYPES {
        let assertion = device.assertion(&Card::of(1));
        let form =
            format!("grant_type={JWT_BEARER}&client_id={CLIENT}&assertion={assertion}&scope=patient%2F{allowed}.rs");
        let token = device.token_form(&form, None).unwrap().json();
        for kind in TYPES {
            let reply = device.search(&token, kind, "");
            assert_eq!(reply.status, if kind == allowed { 200 } else { 403 }, "{kind} with {allowed}");
            if kind != allowed {
                assert_eq!(reply.outcome().2, "KZ-A11");
                assert_eq!(device.get(&token, &format!("/r4/{kind}/any"), &[]).outcome().2, "KZ-A11");
                assert_eq!(device.get(&token, &format!("/r4/{kind}"), &[]).outcome().2, "KZ-A11");
            }
        }
    }
}

#[test]
fn pages_make_up_the_whole_without_identifiers_in_their_links() {
    let (sandbox, device) = started();
    let token = device.sign_in(9);
    let whole = all(&device, &token, "ExplanationOfBenefit", "_count=200");
    let paged = all(&device, &token, "ExplanationOfBenefit", "_count=7");
    assert!(whole.len() > 100, "{}", whole.len());
    assert_eq!(whole, paged);
    let first = device.search(&token, "ExplanationOfBenefit", "patient=p-48c7e9").json();
    assert_eq!(entries(&first).len(), 50, "the default page");
    let link = first["link"][1]["url"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/ExplanationOfBenefit?", sandbox.fhir_base())), "{link}");
    assert!(!first["link"].to_string().contains("48c7e9"));
    let none = device.search(&token, "ExplanationOfBenefit", "_count=0").json();
    assert_eq!((entries(&none).len(), none["total"].as_u64().unwrap() as usize), (0, whole.len()));
    assert_eq!(device.get(&token, "/r4/ExplanationOfBenefit", &[]).status, 400, "no search in a URL");
}

#[test]
fn date_criteria_narrow_and_sort_keys_order() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let dates = |kind: &str, form: &str, pointer: &str| -> Vec<String> {
        let found = all(&device, &token, kind, form);
        found.iter().map(|one| one.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
    };
    let created = dates("ExplanationOfBenefit", "", "/created");
    let middle = &created[created.len() / 2];
    let since = dates("ExplanationOfBenefit", &format!("created=ge{middle}"), "/created");
    assert!(!since.is_empty() && since.len() < created.len() && since.iter().all(|date| date >= middle));
    let range = dates("ExplanationOfBenefit", &format!("created=ge{middle}&created=le{middle}"), "/created");
    assert!(!range.is_empty() && range.iter().all(|date| date == middle), "a repeated parameter narrows further");
    assert_eq!(dates("ExplanationOfBenefit", "created=gt2999", "/created"), [""; 0]);

    let newest = dates("AuditEvent", "_sort=-date", "/recorded");
    let oldest = dates("AuditEvent", "_sort=date", "/recorded");
    assert!(newest.is_sorted_by(|one, other| one >= other) && newest.len() > 50);
    assert!(oldest.is_sorted());
    let updated = dates("Immunization", &format!("_lastUpdated=le{middle}"), "/meta/lastUpdated");
    assert!(updated.iter().all(|date| date[..10] <= **middle) && !updated.is_empty());
    let handed =
        dates("MedicationDispense", &format!("whenhandedover=ge{middle}&_sort=-whenhandedover"), "/whenHandedOver");
    assert!(handed.iter().all(|date| date[..7] >= middle[..7]) && !handed.is_empty());
}

#[test]
fn check_ups_are_found_by_category() {
    let (_sandbox, device) = started();
    let system = "https%3A%2F%2Fkazasu.example%2Ffhir%2FCodeSystem%2Frecord-kind";
    let search = |person: u8, category: &str| {
        let token = device.sign_in(person);
        all(&device, &token, "Observation", &format!("category={category}")).len()
    };
    let younger = search(1, &format!("{system}%7Ctokutei-kenshin"));
    assert!(younger > 10);
    assert_eq!(search(9, &format!("{system}%7Ctokutei-kenshin")), 0, "75 and over have their own kind");
    assert!(search(9, &format!("{system}%7Ckouki-kenshin")) > 10);
    assert_eq!(search(1, "https%3A%2F%2Fother.example%7Ctokutei-kenshin"), 0);
    assert_eq!(search(1, "kouki-kenshin,tokutei-kenshin"), younger);
}

#[test]
fn searches_that_cannot_be_answered_are_refused() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    for form in ["_include=x", "created=yesterday", "created=ap2026", "_count=-1", "_sort=patient", "code=x", "a=%zz"] {
        assert_eq!(device.search(&token, "ExplanationOfBenefit", form).status, 400, "{form}");
    }
    let access = token["access_token"].as_str().unwrap();
    let search = "/r4/ExplanationOfBenefit/_search";
    let plain = device.call("POST", search, access, &[("Content-Type", "text/plain")], "a=b").unwrap();
    assert_eq!(plain.status, 415);
    let proof = device.sign(&device.proof("POST", search, Some(access)));
    let headers = [("Authorization", &*format!("DPoP {access}")), ("DPoP", &proof)];
    let in_url = device.client.send("POST", &format!("{search}?patient=p-7f3a91"), &headers, b"").unwrap();
    assert_eq!(in_url.outcome().1, "invalid", "identifiers do not belong in a URL");
}

#[test]
fn unchanged_record_is_not_sent_again() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    for kind in TYPES {
        let bundle = device.search(&token, kind, "_count=1").json();
        let resource = &bundle["entry"][0]["resource"];
        let path = format!("/r4/{kind}/{}", resource["id"].as_str().unwrap());
        assert_eq!(bundle["entry"][0]["fullUrl"], format!("{}{path}", device.issuer));
        let reply = device.get(&token, &path, &[]);
        assert_eq!(&reply.json(), resource);
        let version = reply.header("etag").unwrap().to_owned();
        let unchanged = device.get(&token, &path, &[("If-None-Match", &version)]);
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0), "{kind}");
        assert_eq!(device.get(&token, &path, &[("If-None-Match", "W/\"0\"")]).status, 200);
    }
}

#[test]
fn examples_of_the_contract_are_among_the_records_of_person_one() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    let notices = all(&device, &token, "ExplanationOfBenefit", "");
    let clinic = |notice: &&Value| {
        notice["provider"]["identifier"]["value"] == "1319999996"
            && notice["subType"]["coding"][0]["code"] == "ika-gairai"
    };
    let notice = notices.iter().find(clinic).unwrap();
    let yen: Vec<i64> =
        notice["total"].as_array().unwrap().iter().map(|one| one["amount"]["value"].as_i64().unwrap()).collect();
    assert_eq!(yen, [5950, 4165, 0, 1785]);
    assert_eq!(notice["patient"]["display"], "見本 花子");
    assert_eq!(notice["insurance"][0]["coverage"]["reference"], "Coverage/cov-01");
    let coverage = device.get(&token, "/r4/Coverage/cov-01", &[]);
    assert_eq!(coverage.status, 200);
    let shots = all(&device, &token, "Immunization", "");
    assert_eq!(shots[0]["vaccineCode"]["coding"][0]["code"], "6311400A1010");
    let foreigner = device.sign_in(8);
    let notice = device.search(&foreigner, "ExplanationOfBenefit", "_count=1").json();
    let name = "SAMPLE ALEXANDRA MARIA CONSTANZA THEODORA";
    assert_eq!(notice["entry"][0]["resource"]["patient"]["display"], name);
}

#[test]
fn expired_certificate_shows_no_records() {
    let (sandbox, device) = started();
    sandbox.arm("grace:1".parse().unwrap());
    let token = device.sign_in(1);
    for kind in TYPES {
        assert_eq!(device.search(&token, kind, "").outcome().2, "KZ-A11", "{kind}");
    }
    assert_eq!(device.search(&token, "Coverage", "").status, 200);
}
