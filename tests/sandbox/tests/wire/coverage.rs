//! Conformance level L0: search and read of Coverage.

use crate::device::started;

#[test]
fn active_coverages_are_found_and_read() {
    let (_sandbox, device) = started();
    let token = device.sign_in(3);
    let patient = token["patient"].as_str().unwrap();
    let all = device.search(&token, "Coverage", &format!("patient=Patient/{patient}")).json();
    assert_eq!((&all["type"], &all["total"]), (&"searchset".into(), &2.into()));
    let first = device.search(&token, "Coverage", "_count=1").json();
    let second = crate::records::follow(&device, &token, &first).unwrap();
    assert_eq!((&first["entry"][0], &second["entry"][0]), (&all["entry"][0], &all["entry"][1]));
    let active = device.search(&token, "Coverage", &format!("patient=Patient/{patient}&status=active")).json();
    let coverage = &active["entry"][0]["resource"];
    assert_eq!((&active["total"], &coverage["id"]), (&1.into(), &"cov-03b".into()));
    assert_eq!(coverage["contained"][0]["identifier"][0]["value"], "138016");

    let access = token["access_token"].as_str().unwrap();
    let read = |id: &str, headers: &[(&str, &str)]| {
        device.call("GET", &format!("/r4/Coverage/{id}"), access, headers, "").unwrap()
    };
    let reply = read("cov-03b", &[]);
    assert_eq!((reply.status, &reply.json()), (200, coverage));
    let version = reply.header("etag").unwrap().to_owned();
    let unchanged = read("cov-03b", &[("If-None-Match", &version)]);
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(read("cov-03b", &[("If-None-Match", "W/\"0\"")]).status, 200);
    assert_eq!(read("cov-01", &[]).status, 404, "another person's");
}

#[test]
fn only_the_own_patient_may_be_searched_for() {
    let (_sandbox, device) = started();
    let token = device.sign_in(1);
    assert_eq!(device.search(&token, "Coverage", "patient=Patient/p-c20b5e").outcome().2, "KZ-A11");
    let nobody = device.sign_in(4);
    let bundle = device.search(&nobody, "Coverage", "").json();
    assert_eq!((&bundle["total"], &bundle["entry"]), (&0.into(), &serde_json::Value::Null));
}
