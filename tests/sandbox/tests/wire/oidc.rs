//! Mode OIDC: the sign-in page, pushed requests, and codes with PKCE, bound to whom they were meant for.

use std::collections::HashMap;

use kazasu_sandbox::{Mode, Options, Sandbox, Switch, SwitchName};
use serde_json::{Value, json};

use crate::card::random_id;
use crate::client::Reply;
use crate::device::{CLIENT, Device, hash, inquiry, started, started_with};

const REDIRECT: &str = "https%3A%2F%2Fapp.kazasu.example%2Fcallback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const STATE: &str = "af0 & <ifjs\"ldkj";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

pub(crate) fn signing_in() -> (Sandbox, Device) {
    started_with(Options { modes: vec![Mode::Oidc], ..Options::default() })
}

/// The parameters of a good request as (name, escaped value), to be changed by tests.
fn request(device: &Device) -> Vec<(&'static str, String)> {
    vec![
        ("response_type", "code".into()),
        ("client_id", CLIENT.into()),
        ("redirect_uri", REDIRECT.into()),
        ("state", escape(STATE)),
        ("code_challenge", hash(VERIFIER.as_bytes())),
        ("code_challenge_method", "S256".into()),
        ("scope", "openid%20patient%2FCoverage.rs%20patient%2FCoverageEligibilityRequest.c%20offline_access".into()),
        ("acr_values", "aal3".into()),
        ("dpop_jkt", device.jkt()),
    ]
}

fn join(parameters: &[(&str, String)]) -> String {
    parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn changed(device: &Device, name: &str, value: &str) -> String {
    let mut parameters = request(device);
    parameters.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, old)| *old = value.to_owned());
    join(&parameters)
}

fn without(device: &Device, name: &str) -> String {
    let mut parameters = request(device);
    parameters.retain(|(known, _)| *known != name);
    join(&parameters)
}

fn authorize(device: &Device, query: &str) -> Reply {
    device.client.get(&format!("/authorize?{query}"))
}

/// The parameters of a redirect to the app.
fn redirected(reply: &Reply) -> HashMap<String, String> {
    assert_eq!(reply.status, 303, "{reply:?}");
    let query = reply.header("location").unwrap().strip_prefix("https://app.kazasu.example/callback?").unwrap();
    query.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(n, v)| (n.to_owned(), unescape(v))).collect()
}

fn code_of(device: &Device, person: u8) -> String {
    let query = format!("{}&person={person}", join(&request(device)));
    redirected(&authorize(device, &query)).remove("code").unwrap()
}

fn redemption(code: &str) -> String {
    format!(
        "grant_type=authorization_code&client_id={CLIENT}&code={code}&redirect_uri={REDIRECT}&code_verifier={VERIFIER}"
    )
}

fn redeem(device: &Device, code: &str) -> Reply {
    device.token_form(&redemption(code), None).unwrap()
}

fn push(device: &Device, form: &str) -> Reply {
    device.client.send("POST", "/par", &[FORM], form.as_bytes()).unwrap()
}

fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
        } else {
            byte
        });
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn discovery_offers_what_a_browser_sign_in_needs_and_no_card() {
    let (sandbox, device) = signing_in();
    let metadata = device.client.get("/r4/.well-known/smart-configuration").json();
    assert_eq!(metadata["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(metadata["authorization_endpoint"], format!("{}/authorize", sandbox.issuer()));
    assert_eq!(metadata["pushed_authorization_request_endpoint"], format!("{}/par", sandbox.issuer()));
    assert_eq!(metadata["require_pushed_authorization_requests"], false);
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert!(metadata["nonce_endpoint"].is_null());
    assert_eq!(device.client.post("/nonce").status, 404);
    let (_card, device) = started();
    assert_eq!(authorize(&device, &join(&request(&device))).status, 404);
    assert_eq!(push(&device, "").status, 404);
}

#[test]
fn all_modes_can_be_on_at_once() {
    let modes = vec![Mode::Oidc, Mode::Exchange, Mode::Card];
    let (_sandbox, device) = started_with(Options { modes, ..Options::default() });
    let metadata = device.client.get("/r4/.well-known/smart-configuration").json();
    let expected = [
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "authorization_code",
        "refresh_token",
    ];
    assert_eq!(metadata["grant_types_supported"], json!(expected));
    device.sign_in(1);
    assert_eq!(redeem(&device, &code_of(&device, 2)).status, 200);
}

#[test]
fn person_three_signs_in_and_asks_as_with_a_card() {
    let (sandbox, device) = signing_in();
    let reply = authorize(&device, &format!("{}&person=3", join(&request(&device))));
    assert_eq!((reply.header("cache-control"), reply.body.len()), (Some("no-store"), 0));
    let answer = redirected(&reply);
    assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), (STATE, sandbox.issuer()));
    let reply = redeem(&device, &answer["code"]);
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
    let token = reply.json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("DPoP"), &json!(300)));
    let scope = "patient/CoverageEligibilityRequest.c patient/Coverage.rs offline_access";
    assert_eq!(token["scope"], scope);
    assert!(token["id_token"].is_null() && token["card_status"].is_null());
    assert!(token["suspension_refresh_token"].is_string());
    assert_eq!(device.submit(&token, &random_id(), &inquiry(&token, &[])).json()["outcome"], "complete");
    assert_eq!(device.refresh(&token["refresh_token"]).status, 200);
    let hinted = authorize(&device, &format!("{}&login_hint=4", join(&request(&device))));
    assert!(redirected(&hinted).contains_key("code"), "a login_hint answers at once too");
}

#[test]
fn page_lists_the_ten_people_and_escapes_what_it_was_sent() {
    let (_sandbox, device) = signing_in();
    let query = format!("{}&x=\"><script>alert(1)</script>", join(&request(&device)));
    let reply = authorize(&device, &query.replace('"', "%22").replace('<', "%3C").replace('>', "%3E"));
    assert_eq!(reply.status, 200);
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let html = String::from_utf8(reply.body.clone()).unwrap();
    assert_eq!(html.matches("&amp;person=").count(), 11, "ten people and a refusal");
    assert!(html.contains("見本 花子") && html.contains(CLIENT) && html.contains("patient/Coverage.rs"));
    assert!(!html.contains("<script"), "{html}");
    let raw = authorize(&device, &format!("{}&x='onclick='y", join(&request(&device))));
    let html = String::from_utf8(raw.body).unwrap();
    assert!(!html.contains("'onclick"), "{html}");
    let link = html.split("href=\"").nth(2).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    assert!(redirected(&device.client.get(&link.replace("&#39;", "%27"))).contains_key("code"), "{link}");
    for odd in ["0", "11", "x", "%2B1x"] {
        assert_eq!(authorize(&device, &format!("{}&person={odd}", join(&request(&device)))).status, 200, "{odd}");
    }
}

#[test]
fn a_request_of_an_unknown_client_or_address_is_not_redirected() {
    let (_sandbox, device) = signing_in();
    let pushed = push(&device, &join(&request(&device))).json();
    let uri = escape(pushed["request_uri"].as_str().unwrap());
    let cases = [
        ("unknown client", changed(&device, "client_id", "other")),
        ("no client", without(&device, "client_id")),
        ("no redirect_uri", without(&device, "redirect_uri")),
        ("another host", changed(&device, "redirect_uri", "https%3A%2F%2Fother.example%2Fcallback")),
        ("another path", changed(&device, "redirect_uri", &format!("{REDIRECT}%2F"))),
        ("added query", changed(&device, "redirect_uri", &format!("{REDIRECT}%3Fx=1"))),
        ("other case", changed(&device, "redirect_uri", "https%3A%2F%2FAPP.kazasu.example%2Fcallback")),
        ("repeated parameter", format!("{}&state=x", join(&request(&device)))),
        ("unknown request_uri", format!("client_id={CLIENT}&request_uri=urn%3Ax")),
        ("request_uri of another client", format!("client_id=other&request_uri={uri}")),
        ("request_uri without client", format!("request_uri={uri}")),
    ];
    for (name, query) in cases {
        let reply = authorize(&device, &format!("{query}&person=1"));
        assert_eq!((reply.status, reply.header("location")), (400, None), "{name}");
        assert!(reply.header("content-type").unwrap().starts_with("text/html"), "{name}");
    }
}

#[test]
fn a_wrong_request_is_redirected_with_its_error() {
    let (sandbox, device) = signing_in();
    let plus = |extra: &str| format!("{}&{extra}", join(&request(&device)));
    let cases = [
        ("no response_type", without(&device, "response_type"), "invalid_request"),
        ("implicit", changed(&device, "response_type", "token"), "unsupported_response_type"),
        ("hybrid", changed(&device, "response_type", "code%20id_token"), "unsupported_response_type"),
        ("no challenge", without(&device, "code_challenge"), "invalid_request"),
        ("short challenge", changed(&device, "code_challenge", "abc"), "invalid_request"),
        ("plain challenge", changed(&device, "code_challenge_method", "plain"), "invalid_request"),
        ("no challenge method", without(&device, "code_challenge_method"), "invalid_request"),
        ("wrong thumbprint", changed(&device, "dpop_jkt", "abc"), "invalid_request"),
        ("no known scope", changed(&device, "scope", "openid"), "invalid_scope"),
        ("fragment", plus("response_mode=fragment"), "invalid_request"),
        ("request object", plus("request=e30.e30."), "invalid_request"),
        ("other resource", plus("resource=https%3A%2F%2Fother.example"), "invalid_target"),
    ];
    for (name, query, error) in cases {
        let answer = redirected(&authorize(&device, &format!("{query}&person=1")));
        assert_eq!(answer["error"], error, "{name}");
        assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), (STATE, sandbox.issuer()), "{name}");
        assert!(!answer.contains_key("code"), "{name}");
        assert_eq!(push(&device, &query).oauth_error().1, error, "pushed: {name}");
    }
    let stateless = redirected(&authorize(&device, &format!("{}&person=1", without(&device, "state"))));
    assert!(stateless.contains_key("code") && !stateless.contains_key("state"));
}

#[test]
fn refusal_and_stopped_people_are_access_denied() {
    let (sandbox, device) = signing_in();
    let ask = |person: &str| redirected(&authorize(&device, &format!("{}&person={person}", join(&request(&device)))));
    let refused = ask("refuse");
    let seen = (refused["error"].as_str(), refused["state"].as_str(), refused["iss"].as_str());
    assert_eq!(seen, ("access_denied", STATE, sandbox.issuer()));
    assert!(!refused.contains_key("card_error"));
    let code = code_of(&device, 5);
    sandbox.suspend(5);
    let stopped = ask("5");
    assert_eq!((stopped["error"].as_str(), stopped["card_error"].as_str()), ("access_denied", "suspended"));
    assert_eq!(redeem(&device, &code).oauth_error().2.as_deref(), Some("suspended"), "stopped in between");
    let code = code_of(&device, 6);
    sandbox.revoke(6);
    assert_eq!(ask("6")["card_error"], "certificate_revoked");
    assert_eq!(redeem(&device, &code).oauth_error().2.as_deref(), Some("certificate_revoked"));
}

#[test]
fn code_is_bound_and_a_wrong_redemption_leaves_it_unused() {
    let (sandbox, device) = signing_in();
    let code = code_of(&device, 1);
    let good = redemption(&code);
    let wrong = "x".repeat(43);
    let cases = [
        ("other verifier", good.replace(VERIFIER, &wrong), "invalid_grant"),
        ("short verifier", good.replace(VERIFIER, "short"), "invalid_grant"),
        ("no verifier", good.replace("&code_verifier=", "&x="), "invalid_request"),
        ("no code", good.replace("&code=", "&x="), "invalid_request"),
        ("other code", good.replace(&code, &wrong), "invalid_grant"),
        ("other redirect_uri", good.replace("callback", "other"), "invalid_grant"),
        ("no redirect_uri", good.replace("&redirect_uri=", "&x="), "invalid_grant"),
        ("no client", good.replace("&client_id=", "&x="), "invalid_client"),
        ("unknown client", good.replace(CLIENT, "other"), "invalid_client"),
    ];
    for (name, form, error) in cases {
        assert_eq!(device.token_form(&form, None).unwrap().oauth_error().1, error, "{name}");
    }
    let thief = Device::new(&sandbox);
    assert_eq!(redeem(&thief, &code).oauth_error().1, "invalid_grant", "another DPoP key");
    let headers = [FORM];
    let unproven = device.client.send("POST", "/token", &headers, good.as_bytes()).unwrap();
    assert_eq!(unproven.oauth_error().1, "invalid_dpop_proof");
    let token = redeem(&device, &code).json();
    assert_eq!(token["patient"], "p-7f3a91");
    assert_eq!(thief.search(&token, "Coverage", "").outcome().2, "KZ-A09", "the token is bound as well");
    let free = redirected(&authorize(&device, &format!("{}&person=1", without(&device, "dpop_jkt"))));
    assert_eq!(redeem(&thief, &free["code"]).status, 200, "without dpop_jkt any key may redeem");
}

#[test]
fn code_is_bound_to_its_client() {
    let clients = vec![CLIENT.to_owned(), "second".to_owned()];
    let (_sandbox, device) =
        started_with(Options { modes: vec![Mode::Oidc], client_ids: clients, ..Options::default() });
    let code = code_of(&device, 1);
    let reply = device.token_form(&redemption(&code).replace(CLIENT, "second"), None).unwrap();
    assert_eq!(reply.oauth_error().1, "invalid_grant");
    let pushed = push(&device, &join(&request(&device))).json();
    let uri = escape(pushed["request_uri"].as_str().unwrap());
    assert_eq!(authorize(&device, &format!("client_id=second&request_uri={uri}&person=1")).status, 400);
}

#[test]
fn code_lives_a_minute() {
    let (sandbox, device) = signing_in();
    let (in_time, late) = (code_of(&device, 1), code_of(&device, 1));
    device.wait(&sandbox, 58);
    assert_eq!(redeem(&device, &in_time).status, 200);
    device.wait(&sandbox, 5);
    assert_eq!(redeem(&device, &late).oauth_error(), (400, "invalid_grant".into(), None));
}

#[test]
fn redeeming_a_code_again_revokes_what_it_gave() {
    let (sandbox, device) = signing_in();
    let code = code_of(&device, 1);
    let token = redeem(&device, &code).json();
    assert_eq!(device.search(&token, "Coverage", "").status, 200);
    device.wait(&sandbox, 100);
    assert_eq!(redeem(&device, &code).oauth_error().1, "invalid_grant");
    assert_eq!(device.search(&token, "Coverage", "").outcome().2, "KZ-A10");
    assert_eq!(device.refresh(&token["refresh_token"]).oauth_error().1, "invalid_grant");
    assert_eq!(device.refresh(&token["suspension_refresh_token"]).oauth_error().1, "invalid_grant");
}

#[test]
fn pushed_request_is_used_once() {
    let (sandbox, device) = signing_in();
    let reply = push(&device, &join(&request(&device)));
    assert_eq!((reply.status, reply.header("cache-control")), (201, Some("no-store")));
    let pushed = reply.json();
    assert_eq!(pushed["expires_in"], 300);
    let uri = escape(pushed["request_uri"].as_str().unwrap());
    let query = format!("client_id={CLIENT}&request_uri={uri}");
    assert_eq!(authorize(&device, &query).status, 200, "the page does not use it up");
    // What was pushed counts, not what the browser adds.
    let answer = redirected(&authorize(&device, &format!("{query}&state=other&person=1")));
    assert_eq!(answer["state"], STATE);
    assert_eq!(redeem(&device, &answer["code"]).status, 200);
    assert_eq!(authorize(&device, &format!("{query}&person=1")).status, 400, "a second time");
    let pushed = push(&device, &format!("{}&login_hint=2", join(&request(&device)))).json();
    let uri = escape(pushed["request_uri"].as_str().unwrap());
    let query = format!("client_id={CLIENT}&request_uri={uri}");
    assert!(redirected(&authorize(&device, &query)).contains_key("code"), "the pushed hint answers at once");
    let late = push(&device, &join(&request(&device))).json();
    let uri = escape(late["request_uri"].as_str().unwrap());
    sandbox.advance(301);
    assert_eq!(authorize(&device, &format!("client_id={CLIENT}&request_uri={uri}&person=1")).status, 400, "expired");
}

#[test]
fn wrong_pushed_requests() {
    let (sandbox, device) = signing_in();
    let good = join(&request(&device));
    assert_eq!(push(&device, &changed(&device, "client_id", "other")).oauth_error().0, 401);
    assert_eq!(push(&device, &changed(&device, "redirect_uri", "x")).oauth_error().1, "invalid_request");
    assert_eq!(push(&device, &format!("{good}&request_uri=urn%3Ax")).oauth_error().1, "invalid_request");
    assert_eq!(push(&device, &format!("{good}&state=x")).oauth_error().1, "invalid_request");
    let reply = device.client.send("POST", "/par", &[("Content-Type", "application/json")], b"{}").unwrap();
    assert_eq!(reply.oauth_error().1, "invalid_request");
    let proven = |device: &Device, form: &str| {
        let proof = device.sign(&device.proof("POST", "/par", None));
        device.client.send("POST", "/par", &[FORM, ("DPoP", &proof)], form.as_bytes()).unwrap()
    };
    assert_eq!(proven(&device, &good).status, 201);
    let other = Device::new(&sandbox);
    assert_eq!(proven(&other, &good).oauth_error().1, "invalid_dpop_proof", "dpop_jkt names another key");
    let uri = proven(&other, &without(&device, "dpop_jkt")).json()["request_uri"].as_str().unwrap().to_owned();
    let query = format!("client_id={CLIENT}&request_uri={}&person=1", escape(&uri));
    let code = redirected(&authorize(&device, &query)).remove("code").unwrap();
    assert_eq!(redeem(&device, &code).oauth_error().1, "invalid_grant", "the proof bound the code");
    assert_eq!(redeem(&other, &code).status, 200);
}

fn armed(sandbox: &Sandbox, switch: &str) {
    crate::switches::armed(sandbox, switch);
}

#[test]
fn switches_of_the_sign_in() {
    let (sandbox, device) = signing_in();
    let ask = || redirected(&authorize(&device, &format!("{}&person=1", join(&request(&device)))));
    armed(&sandbox, "oidc-wrong-iss");
    assert_eq!(ask()["iss"], "https://other.example");
    armed(&sandbox, "oidc-no-iss");
    assert!(!ask().contains_key("iss"));
    armed(&sandbox, "oidc-wrong-state");
    assert_ne!(ask()["state"], STATE);
    armed(&sandbox, "oidc-no-state");
    assert!(!ask().contains_key("state"));
    armed(&sandbox, "oidc-error");
    let failed = ask();
    assert_eq!((failed["error"].as_str(), failed["iss"].as_str()), ("server_error", sandbox.issuer()));
    armed(&sandbox, "oidc-error=temporarily_unavailable");
    let failed = redirected(&authorize(&device, &join(&request(&device))));
    assert_eq!(failed["error"], "temporarily_unavailable", "before anybody chose");
    let code = ask().remove("code").unwrap();
    armed(&sandbox, "oidc-code-reused");
    assert_eq!(redeem(&device, &code).oauth_error(), (400, "invalid_grant".into(), None));
    assert_eq!(redeem(&device, &code).status, 200, "nothing was consumed");
}

#[test]
fn switches_of_pushed_requests() {
    let (sandbox, device) = signing_in();
    let form = join(&request(&device));
    armed(&sandbox, "oidc-par-503");
    let refused = push(&device, &form);
    assert_eq!(
        (refused.oauth_error().1.as_str(), refused.header("retry-after")),
        ("temporarily_unavailable", Some("1"))
    );
    armed(&sandbox, "oidc-par-malformed");
    assert!(serde_json::from_slice::<Value>(&push(&device, &form).body).is_err());
    sandbox.arm(Switch::always(SwitchName::OidcParRequired));
    let metadata = device.client.get("/r4/.well-known/smart-configuration").json();
    assert_eq!(metadata["require_pushed_authorization_requests"], true);
    assert_eq!(redirected(&authorize(&device, &format!("{form}&person=1")))["error"], "invalid_request");
    let uri = escape(push(&device, &form).json()["request_uri"].as_str().unwrap());
    let answer = redirected(&authorize(&device, &format!("client_id={CLIENT}&request_uri={uri}&person=1")));
    assert!(answer.contains_key("code"));
}

#[test]
fn redirect_uri_is_configured_and_written_for_the_client() {
    let configured = |redirect_uri: &str| Options {
        modes: vec![Mode::Oidc],
        redirect_uri: redirect_uri.to_owned(),
        ..Options::default()
    };
    for refused in
        ["", "http://app.example/x", "https://", "https:///x", "https://app.example/#x", "https://例.example/"]
    {
        assert!(kazasu_sandbox::start(configured(refused)).is_err(), "{refused}");
    }
    let (sandbox, device) = started_with(configured("https://app.example/cb?app=1"));
    let query = changed(&device, "redirect_uri", "https%3A%2F%2Fapp.example%2Fcb%3Fapp%3D1");
    let reply = authorize(&device, &format!("{query}&person=1"));
    assert!(reply.header("location").unwrap().starts_with("https://app.example/cb?app=1&code="), "{reply:?}");
    let folder = std::env::temp_dir().join(format!("kazasu-sandbox-{}", random_id()));
    std::fs::create_dir(&folder).unwrap();
    sandbox.write_config(&folder.join("demo.json")).unwrap();
    let config: Value = serde_json::from_slice(&std::fs::read(folder.join("demo.json")).unwrap()).unwrap();
    assert_eq!(config["redirect_uri"], "https://app.example/cb?app=1");
    std::fs::remove_dir_all(&folder).unwrap();
}
