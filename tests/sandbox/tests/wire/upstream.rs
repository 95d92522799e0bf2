//! A FHIR server behind the sandbox: what is forwarded to it, and that one person never sees what is another's.

use kazasu_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::card::random_id;
use crate::client::Reply;
use crate::consent::consent;
use crate::device::{Device, inquiry, started, started_with};
use crate::fhir_server::{FhirServer, Wrong};

fn behind(server: &FhirServer) -> (Sandbox, Device) {
    started_with(Options { fhir_base: Some(server.base.clone()), ..Options::default() })
}

/// Resources of person 1 and one of person 2, of each type that has the patient in another element.
fn with_resources() -> (FhirServer, Sandbox, Device) {
    let server = FhirServer::start();
    for number in 1..=5 {
        server.put(owned("ExplanationOfBenefit", "patient", &format!("eob-{number}"), ONE));
    }
    for (kind, element) in [
        ("Coverage", "beneficiary"),
        ("ExplanationOfBenefit", "patient"),
        ("MedicationDispense", "subject"),
        ("Immunization", "patient"),
        ("Observation", "subject"),
        ("Consent", "patient"),
        ("Task", "for"),
    ] {
        server.put(owned(kind, element, "mine", ONE));
        server.put(owned(kind, element, "theirs", TWO));
    }
    for (id, patient) in [("mine", ONE), ("theirs", TWO)] {
        let entity = json!([{ "what": { "reference": format!("Patient/{patient}") } }]);
        server.put(json!({ "resourceType": "AuditEvent", "id": id, "meta": { "versionId": "4" }, "entity": entity }));
    }
    let (sandbox, device) = behind(&server);
    (server, sandbox, device)
}

fn owned(kind: &str, element: &str, id: &str, patient: &str) -> Value {
    let mut resource = json!({ "resourceType": kind, "id": id, "meta": { "versionId": "4" }, "unknown": "kept" });
    resource[element] = json!({ "reference": format!("Patient/{patient}") });
    resource
}

fn ids(bundle: &Value) -> Vec<&str> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    entries.map(|entry| entry["resource"]["id"].as_str().unwrap()).collect()
}

fn link<'a>(bundle: &'a Value, relation: &str) -> Option<&'a str> {
    let links = bundle["link"].as_array().unwrap();
    links.iter().find(|link| link["relation"] == relation).and_then(|link| link["url"].as_str())
}

const ONE: &str = "p-7f3a91";
const TWO: &str = "p-c20b5e";
const KINDS: &[&str] = &[
    "Coverage",
    "ExplanationOfBenefit",
    "MedicationDispense",
    "Immunization",
    "Observation",
    "AuditEvent",
    "Consent",
    "Task",
];

#[test]
fn every_type_is_searched_and_read_there() {
    let (server, sandbox, device) = with_resources();
    let token = device.sign_in(1);
    for kind in KINDS {
        let found = device.search(&token, kind, "_count=2");
        assert_eq!(found.status, 200, "{kind}: {}", found.json());
        let seen = server.last();
        assert_eq!((seen.method.as_str(), seen.target), ("POST", format!("/fhir/{kind}/_search")));
        assert_eq!(seen.body, format!("_count=2&patient=Patient%2F{ONE}"), "{kind}");
        let reply = device.get(&token, &format!("/r4/{kind}/mine"), &[("Accept-Language", "ja")]);
        assert_eq!((reply.status, reply.header("etag")), (200, Some("W/\"4\"")), "{kind}");
        assert_eq!(server.last().header("accept-language"), Some("ja"));
    }
    let coverage = device.search(&token, "Coverage", "").json();
    assert_eq!(ids(&coverage), ["mine"]);
    assert_eq!(coverage["entry"][0]["resource"]["unknown"], "kept");
    assert_eq!(coverage["entry"][0]["fullUrl"], format!("{}/Coverage/mine", sandbox.fhir_base()));
    for seen in server.seen() {
        let secret = seen.header("authorization").is_some() || seen.header("dpop").is_some();
        assert!(!secret, "token and proof stay in the sandbox");
    }
}

#[test]
fn eligibility_stays_with_the_sandbox() {
    let server = FhirServer::start();
    let (_sandbox, device) = behind(&server);
    let token = device.sign_in(1);
    assert_eq!(device.submit(&token, &random_id(), &inquiry(&token, &[])).json()["outcome"], "complete");
    assert_eq!(device.search(&token, "CoverageEligibilityResponse", "request=x").status, 200);
    assert_eq!(device.client.get("/r4/metadata").json()["fhirVersion"], "4.0.1");
    assert!(server.seen().is_empty());
}

#[test]
fn nothing_is_asked_without_token_proof_scope_and_own_patient() {
    let (server, sandbox, device) = with_resources();
    let token = device.sign_in(1);
    let other = Device::new(&sandbox);
    assert_eq!(other.search(&token, "Coverage", "").outcome().2, "KZ-A09");
    assert_eq!(device.search(&json!({ "access_token": "x" }), "Coverage", "").outcome().2, "KZ-A10");
    let suspending = device.refresh(&token["suspension_refresh_token"]).json();
    for kind in KINDS {
        assert_eq!(device.search(&suspending, kind, "").outcome().2, "KZ-A11", "{kind}");
        assert_eq!(device.get(&suspending, &format!("/r4/{kind}/mine"), &[]).outcome().2, "KZ-A11", "{kind}");
    }
    for form in ["patient=Patient/p-c20b5e", "subject=p-c20b5e", "beneficiary=Patient/p-c20b5e"] {
        assert_eq!(device.search(&token, "Coverage", form).outcome().0, 403, "{form}");
    }
    for form in [
        "_include=*",
        "_revinclude=Task:patient",
        "patient.name=x",
        "patient:Patient.identifier=x",
        "_has:x=y",
        "_filter=x",
        "_elements=id",
        "_summary=true",
    ] {
        assert_eq!(device.search(&token, "Coverage", form).status, 400, "{form}");
    }
    sandbox.suspend(1);
    assert_eq!(device.search(&token, "Coverage", "").outcome().2, "KZ-S01");
    assert!(server.seen().is_empty());
}

#[test]
fn criteria_are_passed_on_but_for_the_patient_and_the_format() {
    let (server, _sandbox, device) = with_resources();
    let token = device.sign_in(1);
    let form = "patient=Patient%2Fp-7f3a91&created=ge2026-01-01&identifier=urn%3Aa%7Cb%26c&_sort=-created&_format=xml";
    assert_eq!(device.search(&token, "ExplanationOfBenefit", form).status, 200);
    let expected = "created=ge2026-01-01&identifier=urn%3Aa%7Cb%26c&_sort=-created&patient=Patient%2Fp-7f3a91";
    assert_eq!(server.last().body, expected);
}

#[test]
fn pages_lead_to_the_sandbox_and_belong_to_one_person() {
    let (server, sandbox, device) = with_resources();
    let token = device.sign_in(1);
    let mut bundle = device.search(&token, "ExplanationOfBenefit", "").json();
    let base = sandbox.fhir_base();
    assert_eq!(link(&bundle, "self"), Some(format!("{base}/ExplanationOfBenefit/_search").as_str()));
    let next = link(&bundle, "next").unwrap().to_owned();
    assert!(next.starts_with(&format!("{base}/ExplanationOfBenefit?_page=")), "{next}");
    let mut all: Vec<String> = Vec::new();
    loop {
        assert!(!bundle.to_string().contains(&server.base), "no URL of the server is shown");
        all.extend(ids(&bundle).into_iter().map(str::to_owned));
        let Some(next) = link(&bundle, "next") else { break };
        assert!(!next.contains(ONE), "no identifier in a URL");
        let path = next.strip_prefix(sandbox.issuer()).unwrap().to_owned();
        bundle = follow(&device, &token, &path).json();
    }
    assert_eq!(all, ["eob-1", "eob-2", "eob-3", "eob-4", "eob-5", "mine"]);
    let path = next.strip_prefix(sandbox.issuer()).unwrap();
    let neighbour = device.sign_in(2);
    assert_eq!(follow(&device, &neighbour, path).status, 404, "the link was not given to them");
    let elsewhere = path.replace("ExplanationOfBenefit", "Coverage");
    assert_eq!(follow(&device, &token, &elsewhere).status, 404);
    assert_eq!(follow(&device, &token, "/r4/ExplanationOfBenefit?patient=x").status, 400);
    server.goes_wrong(Wrong::NextElsewhere);
    assert_eq!(device.search(&token, "ExplanationOfBenefit", "").outcome().2, "KZ-Q01", "another server's next");
}

/// A GET of a page, whose proof is about the URL without its query.
fn follow(device: &Device, token: &Value, path: &str) -> Reply {
    let access = token["access_token"].as_str().unwrap();
    let proof = device.sign(&device.proof("GET", path.split('?').next().unwrap(), Some(access)));
    let authorization = format!("DPoP {access}");
    device.client.send("GET", path, &[("Authorization", &authorization), ("DPoP", &proof)], b"").unwrap()
}

#[test]
fn another_persons_resource_is_not_there() {
    let (server, _sandbox, device) = with_resources();
    let token = device.sign_in(1);
    for kind in KINDS {
        let path = format!("/r4/{kind}/theirs");
        assert_eq!(device.get(&token, &path, &[]).status, 404, "{kind}");
        let known = device.get(&token, &path, &[("If-None-Match", "W/\"4\"")]);
        assert_eq!(known.status, 404, "{kind}: a condition does not tell that it exists");
        let text = String::from_utf8(device.get(&token, &path, &[]).body).unwrap();
        assert!(!text.contains(TWO), "{kind}");
    }
    server.goes_wrong(Wrong::ReadsOf(TWO));
    assert_eq!(device.get(&token, "/r4/Coverage/mine", &[]).status, 404, "whatever the server answers");
    server.goes_wrong(Wrong::IgnoresPatient);
    for kind in KINDS {
        let reply = device.search(&token, kind, "");
        // The first page of expenses is person 1's alone.
        let own = *kind == "ExplanationOfBenefit";
        assert_eq!(reply.status, if own { 200 } else { 403 }, "{kind}");
        assert!(!String::from_utf8(reply.body).unwrap().contains(TWO), "{kind}");
    }
}

#[test]
fn known_versions_are_not_sent_again() {
    let (_server, _sandbox, device) = with_resources();
    let token = device.sign_in(1);
    let read = |tag: &str| device.get(&token, "/r4/Coverage/mine", &[("If-None-Match", tag)]);
    assert_eq!((read("W/\"4\"").status, read("W/\"4\"").body.len(), read("*").status), (304, 0, 304));
    assert_eq!((read("W/\"3\"").status, read("W/\"3\"").header("etag")), (200, Some("W/\"4\"")));
}

#[test]
fn ids_that_are_no_ids_are_not_asked_for() {
    let (server, _sandbox, device) = with_resources();
    let token = device.sign_in(1);
    for id in ["..", ".", "%2e%2e", "a%2Fb", "_history", "a%3Fb"] {
        assert_eq!(device.get(&token, &format!("/r4/Coverage/{id}"), &[]).status, 404, "{id}");
    }
    assert!(server.seen().is_empty());
}

#[test]
fn consent_is_created_there_once() {
    let (server, sandbox, device) = with_resources();
    let token = device.sign_in(1);
    let body = consent(&token, "medication");
    let value = body["identifier"][0]["value"].as_str().unwrap();
    let condition = format!("identifier=https://kazasu.example/fhir/IdSystem/client-request|{value}");
    let headers = [("If-None-Exist", condition.as_str()), ("Prefer", "return=representation")];
    let created = device.create(&token, "Consent", &headers, &body);
    assert_eq!(created.status, 201, "{}", created.json());
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), Some(format!("{}/Consent/{id}/_history/1", sandbox.fhir_base()).as_str()));
    assert_eq!(created.header("etag"), Some("W/\"1\""));
    let seen = server.last();
    let expected = format!(
        "identifier=https%3A%2F%2Fkazasu.example%2Ffhir%2FIdSystem%2Fclient-request%7C{value}&patient=Patient%2F{ONE}"
    );
    assert_eq!(seen.header("if-none-exist"), Some(expected.as_str()));
    assert_eq!(seen.header("prefer"), Some("return=representation"));
    let again = device.create(&token, "Consent", &headers, &body);
    assert_eq!((again.status, &again.json()["id"]), (200, &id.clone().into()));
    let neighbour = device.sign_in(2);
    let theirs = device.create(&neighbour, "Consent", &headers, &consent(&neighbour, "medication"));
    assert_eq!(theirs.status, 201, "the condition finds one's own only");
    let minimal = device.create(&token, "Consent", &[("Prefer", "return=minimal")], &consent(&token, "checkup"));
    assert_eq!((minimal.status, minimal.body.len(), minimal.header("etag")), (201, 0, Some("W/\"1\"")));
    let asked = server.seen().len();
    let key = random_id();
    let keyed = || device.create(&token, "Consent", &[("Idempotency-Key", &key)], &body).status;
    assert_eq!((keyed(), keyed()), (201, 201));
    assert_eq!(server.seen().len(), asked + 1, "a repeated key is answered here");
}

#[test]
fn consent_is_updated_there_by_its_version() {
    let (server, _sandbox, device) = with_resources();
    let token = device.sign_in(1);
    let stored = device.create(&token, "Consent", &[], &consent(&token, "medication")).json();
    let path = format!("/r4/Consent/{}", stored["id"].as_str().unwrap());
    let mut body = stored.clone();
    body["status"] = "inactive".into();
    let put = |path: &str, headers: &[(&str, &str)], body: &Value| {
        device.write(&token, ("PUT", path), headers, body).unwrap()
    };
    assert_eq!(put(&path, &[], &body).outcome().1, "required", "If-Match is needed");
    assert_eq!(put(&path, &[("If-Match", "W/\"9\"")], &body).outcome().2, "KZ-D03");
    let updated = put(&path, &[("If-Match", "W/\"1\"")], &body);
    assert_eq!((updated.status, updated.header("etag")), (200, Some("W/\"2\"")));
    assert_eq!(server.last().header("if-match"), Some("W/\"1\""));
    assert_eq!(put(&path, &[("If-Match", "W/\"1\"")], &body).outcome().2, "KZ-D03");
}

#[test]
fn nobody_writes_what_is_anothers() {
    let (server, _sandbox, device) = with_resources();
    let (token, neighbour) = (device.sign_in(1), device.sign_in(2));
    let theirs = consent(&neighbour, "medication");
    assert_eq!(device.create(&token, "Consent", &[], &theirs).outcome().2, "KZ-A11");
    let no_patient = json!({ "resourceType": "Consent" });
    assert_eq!(device.create(&token, "Consent", &[], &no_patient).status, 403);
    let other_type = crate::task::registration(&token);
    assert_eq!(device.create(&token, "Consent", &[], &other_type).status, 400);
    let mut mine = consent(&token, "medication");
    mine["id"] = "theirs".into();
    let put = |path: &str, body: &Value| {
        device.write(&token, ("PUT", path), &[("If-Match", "W/\"4\"")], body).unwrap().status
    };
    assert_eq!(put("/r4/Consent/theirs", &mine), 404, "nobody takes over another's resource");
    assert_eq!(put("/r4/Consent/mine", &mine), 400, "another id in the body");
    mine["id"] = "absent".into();
    assert_eq!(put("/r4/Consent/absent", &mine), 404, "an update does not create");
    let mut given = owned("Consent", "patient", "mine", TWO);
    assert_eq!(put("/r4/Consent/mine", &given), 403, "nobody gives a resource away");
    given["patient"] = Value::Null;
    assert_eq!(put("/r4/Consent/mine", &given), 403);
    let wrote = |seen: &crate::fhir_server::Seen| seen.method == "PUT" || seen.target == "/fhir/Consent";
    assert!(!server.seen().iter().any(wrote));
    assert_eq!(server.resource("Consent", "theirs").unwrap()["patient"]["reference"], format!("Patient/{TWO}"));
    for kind in ["Coverage", "Observation", "AuditEvent"] {
        let body = owned(kind, "subject", "x", ONE);
        assert_eq!(device.create(&token, kind, &[], &body).status, 405, "{kind} is read only");
    }
}

#[test]
fn registration_goes_there_and_suspension_stays() {
    let server = FhirServer::start();
    let (_sandbox, device) = behind(&server);
    let token = device.sign_in(1);
    let task = device.create(&token, "Task", &[], &crate::task::registration(&token));
    assert_eq!((task.status, server.last().target.as_str()), (201, "/fhir/Task"));
    let suspending = device.refresh(&token["suspension_refresh_token"]).json();
    let asked = server.seen().len();
    let stopped = crate::suspension::suspend(&device, &token);
    assert_eq!((stopped.status, &stopped.json()["status"]), (201, &"completed".into()));
    let path = format!("/r4/Task/{}", stopped.json()["id"].as_str().unwrap());
    assert_eq!(device.get(&suspending, &path, &[]).status, 200);
    assert_eq!(server.seen().len(), asked);
    assert_eq!(device.search(&token, "Coverage", "").outcome().2, "KZ-S01");
}

#[test]
fn errors_of_the_server_are_told_in_the_contracts_words() {
    let (server, _sandbox, device) = with_resources();
    let token = device.sign_in(1);
    let cases = [
        (Wrong::Status(400), 400, "KZ-D01"),
        (Wrong::Status(401), 502, "KZ-Q01"),
        (Wrong::Status(403), 502, "KZ-Q01"),
        (Wrong::Status(404), 404, "KZ-U01"),
        (Wrong::Status(410), 404, "KZ-U01"),
        (Wrong::Status(412), 412, "KZ-D03"),
        (Wrong::Status(422), 422, "KZ-D01"),
        (Wrong::Status(429), 429, "KZ-T06"),
        (Wrong::Status(500), 502, "KZ-Q01"),
        (Wrong::Status(503), 503, "KZ-T07"),
        (Wrong::Html(200), 502, "KZ-Q01"),
        (Wrong::Html(500), 502, "KZ-Q01"),
        (Wrong::Redirect, 502, "KZ-Q01"),
    ];
    for (wrong, status, code) in cases {
        server.goes_wrong(wrong);
        let asked = server.seen().len();
        for reply in [device.search(&token, "Coverage", ""), device.get(&token, "/r4/Coverage/mine", &[])] {
            let (seen_status, _, seen_code) = reply.outcome();
            assert_eq!((seen_status, seen_code.as_str()), (status, code), "{wrong:?}");
            assert!(!String::from_utf8(reply.body.clone()).unwrap().contains("p-secret"), "{wrong:?}");
            let waits = matches!(status, 429 | 503);
            assert_eq!(reply.header("retry-after"), waits.then_some("9"), "{wrong:?}");
        }
        assert_eq!(server.seen().len(), asked + 2, "nothing is followed or repeated: {wrong:?}");
    }
    server.goes_wrong(Wrong::Huge);
    assert_eq!(device.search(&token, "Coverage", "").outcome(), (413, "too-costly".into(), "KZ-D04".into()));
}

#[test]
fn server_that_is_not_there_is_an_upstream_error() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = Options { fhir_base: Some(format!("http://{free}/fhir")), ..Options::default() };
    let (_sandbox, device) = started_with(options);
    let token = device.sign_in(1);
    assert_eq!(device.search(&token, "Coverage", "").outcome(), (502, "exception".into(), "KZ-Q01".into()));
}

#[test]
fn https_is_trusted_by_the_authority_that_was_given_and_no_other() {
    let (upstream, _) = started();
    let (stranger, _) = started();
    let told = |root: &[u8]| {
        let fhir_base = Some(upstream.fhir_base().to_owned());
        let (_sandbox, device) =
            started_with(Options { fhir_base, fhir_roots_der: vec![root.to_vec()], ..Options::default() });
        let token = device.sign_in(1);
        device.search(&token, "Coverage", "").json()["issue"][0]["diagnostics"].as_str().unwrap().to_owned()
    };
    // Another sandbox asks for a token, which tells that the connection stood.
    assert_eq!(told(upstream.tls_root_der()), "the FHIR server refuses the sandbox");
    assert_eq!(told(stranger.tls_root_der()), "the FHIR server cannot be reached or is not trusted");
    let without = Options { fhir_base: Some(upstream.fhir_base().to_owned()), ..Options::default() };
    assert!(kazasu_sandbox::start(without).is_err(), "https needs an authority");
}

#[test]
fn switches_act_on_what_is_forwarded() {
    let (server, sandbox, device) = with_resources();
    let token = device.sign_in(1);
    crate::switches::armed(&sandbox, "records-503");
    assert_eq!(device.search(&token, "Coverage", "").outcome().2, "KZ-T07");
    crate::switches::armed(&sandbox, "write-429");
    assert_eq!(device.create(&token, "Consent", &[], &consent(&token, "medication")).outcome().2, "KZ-T06");
    assert!(server.seen().is_empty());
    crate::switches::armed(&sandbox, "records-my-number");
    assert!(device.search(&token, "Coverage", "").json().to_string().contains("/IdSystem/mynumber"));
}
