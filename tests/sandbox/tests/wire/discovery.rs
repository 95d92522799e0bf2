//! What can be learned without a token, and the client configuration.

use crate::card::random_id;
use crate::device::started;

#[test]
fn three_ways_lead_to_the_same_server() {
    let (sandbox, device) = started();
    let smart = device.client.get("/r4/.well-known/smart-configuration").json();
    let metadata = device.client.get("/.well-known/oauth-authorization-server").json();
    assert_eq!(smart, metadata);
    assert_eq!(smart["issuer"], sandbox.issuer());
    assert_eq!(smart["kz_conformance"], serde_json::json!(["L0", "L1", "L2", "L3"]));
    let scopes = smart["scopes_supported"].to_string();
    for scope in ["patient/AuditEvent.rs", "patient/Consent.crus", "patient/Task.crus", "card.suspend"] {
        assert!(scopes.contains(scope), "{scope}");
    }
    assert_eq!(smart["nonce_endpoint"], format!("{}/nonce", sandbox.issuer()));
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/r4"] {
        let resource = device.client.get(path).json();
        assert_eq!(resource["resource"], sandbox.fhir_base());
        assert_eq!(resource["authorization_servers"][0], sandbox.issuer());
    }
    assert!(device.client.get("/jwks.json").json()["keys"].as_array().unwrap().is_empty());
}

#[test]
fn default_metadata_speaks_of_cards_only() {
    let (sandbox, device) = started();
    let text = String::from_utf8(device.client.get("/.well-known/oauth-authorization-server").body).unwrap();
    let before_scopes = text.split("\"scopes_supported\"").next().unwrap().replace(sandbox.issuer(), "{AS}");
    assert_eq!(before_scopes, DEFAULT_METADATA);
    let after = text.split("\"token_endpoint\"").nth(1).unwrap().replace(sandbox.issuer(), "{AS}");
    let expected = ":\"{AS}/token\",\"token_endpoint_auth_methods_supported\":[\"none\"],\
                    \"token_endpoint_auth_signing_alg_values_supported\":[\"ES256\"]}";
    assert_eq!(after, expected);
}

#[test]
fn capability_statement_lists_submit() {
    let (_sandbox, device) = started();
    let reply = device.client.get("/r4/metadata");
    assert!(reply.header("content-type").unwrap().starts_with("application/fhir+json"));
    let statement = reply.json();
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let request = &statement["rest"][0]["resource"][0];
    assert_eq!(
        (&request["type"], &request["operation"][0]["name"]),
        (&"CoverageEligibilityRequest".into(), &"submit".into())
    );
    for kind in ["Coverage", "ExplanationOfBenefit", "MedicationDispense", "Immunization", "Observation", "AuditEvent"]
    {
        let resources = statement["rest"][0]["resource"].as_array().unwrap();
        let resource = resources.iter().find(|resource| resource["type"] == kind).unwrap();
        assert!(resource["interaction"].to_string().contains("search-type"), "{kind}");
    }
}

#[test]
fn unknown_routes_and_methods() {
    let (_sandbox, device) = started();
    assert_eq!(device.client.get("/r4/Patient/p-7f3a91").outcome().0, 404);
    let reply = device.client.get("/token");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
}

#[test]
fn nonce_is_fresh_and_not_cached() {
    let (_sandbox, device) = started();
    let reply = device.client.post("/nonce");
    assert_eq!((reply.header("cache-control"), reply.header("date").is_some()), (Some("no-store"), true));
    let nonce = reply.json()["nonce"].as_str().unwrap().to_owned();
    assert_eq!((nonce.len(), &reply.json()["expires_in"]), (43, &300.into()));
    assert_ne!(nonce, device.nonce());
}

#[test]
fn configuration_names_everything_a_client_needs() {
    let (sandbox, _device) = started();
    let folder = std::env::temp_dir().join(format!("kazasu-sandbox-{}", random_id()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("demo.json");
    sandbox.write_config(&file).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let mut members: Vec<&str> = config.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let expected = [
        "card_roots",
        "client_id",
        "consents",
        "fhir_base",
        "issuer",
        "notice",
        "pins",
        "pins_not_after",
        "scope",
        "tls_roots",
    ];
    assert_eq!(members, expected);
    assert_eq!(config["pins"].as_array().unwrap().len(), 2);
    for name in ["tls_roots", "card_roots"] {
        for file in config[name].as_array().unwrap() {
            let pem = std::fs::read_to_string(folder.join(file.as_str().unwrap())).unwrap();
            assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n") && pem.ends_with("-----END CERTIFICATE-----\n"));
        }
    }
    assert_eq!(crate::device::hash(config["notice"]["text"].as_str().unwrap().as_bytes()), NOTICE_HASH);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// `purpose.sha256` of the contract's example, whose notice this is.
const NOTICE_HASH: &str = "ZrAgvl6m69odGi5kOC7GnVKRodjR3s4Wbc8nu9J6WXE";
/// The metadata of a server in mode CARD, up to its scopes.
const DEFAULT_METADATA: &str = concat!(
    r#"{"capabilities":["permission-patient","permission-v2"],"#,
    r#""card_assertion_signing_alg_values_supported":["RS256","ES256","ES384"],"#,
    r#""code_challenge_methods_supported":["S256"],"dpop_signing_alg_values_supported":["ES256"],"#,
    r#""grant_types_supported":["urn:ietf:params:oauth:grant-type:jwt-bearer","refresh_token"],"issuer":"{AS}","#,
    r#""jwks_uri":"{AS}/jwks.json","kz_conformance":["L0","L1","L2","L3"],"kz_suspension_effect":"provider-account","#,
    r#""nonce_endpoint":"{AS}/nonce","response_types_supported":[],"revocation_endpoint":"{AS}/revoke","#,
);
