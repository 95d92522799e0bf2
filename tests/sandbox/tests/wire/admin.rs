//! The admin page: what it shows, that its switches act at once, and that nobody else's page can use it.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use kazasu_sandbox::{Options, Sandbox, Switch, SwitchName};
use serde_json::Value;

use crate::card::random_id;
use crate::client::Reply;
use crate::device::{Device, inquiry, started, started_with};

fn with_page() -> (Sandbox, Device, Page) {
    let (sandbox, device) = started_with(Options { admin: Some(0), ..Options::default() });
    let page = Page::of(&sandbox);
    (sandbox, device, page)
}

/// A browser on this machine.
struct Page {
    address: SocketAddr,
    host: String,
    token: String,
}

impl Page {
    fn of(sandbox: &Sandbox) -> Self {
        let host = sandbox.admin_url().unwrap().strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        let mut page = Self { address: host.parse().unwrap(), host, token: String::new() };
        page.token = page.html().split("data-token=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        page
    }

    fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        write!(stream, "{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
            .unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Reply::parse(&bytes).unwrap()
    }

    fn get(&self, path: &str) -> Reply {
        self.send(&format!("GET {path}"), &[("Host", &self.host)], "")
    }

    fn html(&self) -> String {
        String::from_utf8(self.get("/").body).unwrap()
    }

    fn state(&self) -> Value {
        self.get("/state").json()
    }

    fn armed(&self) -> Vec<String> {
        let state = self.state();
        let armed = state["switches"].as_array().unwrap().iter();
        armed.map(|switch| switch["armed"].as_str().unwrap().to_owned()).collect()
    }

    /// A change as the page's script sends it.
    fn change(&self, fields: &str) -> Reply {
        let origin = format!("http://{}", self.host);
        let body = format!("token={}&{fields}", self.token);
        self.send("POST /switch", &[("Host", &self.host), ("Origin", &origin), FORM], &body)
    }
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn there_is_no_page_unless_asked_for() {
    let (sandbox, _device) = started();
    assert_eq!(sandbox.admin_url(), None);
}

#[test]
fn page_listens_on_loopback_only_and_shows_every_switch_and_person() {
    let everywhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let (sandbox, _device) = started_with(Options { listen: everywhere, admin: Some(0), ..Options::default() });
    let page = Page::of(&sandbox);
    assert_eq!(page.address.ip(), Ipv4Addr::LOCALHOST);
    // Another address of the loopback range reaches a port that is bound everywhere, but not this one.
    let elsewhere = |port| TcpStream::connect((Ipv4Addr::new(127, 0, 0, 2), port));
    assert!(elsewhere(sandbox.address().port()).is_ok() || !cfg!(target_os = "linux"));
    assert!(elsewhere(page.address.port()).is_err());
    let html = page.html();
    for name in SwitchName::ALL {
        assert!(html.contains(&format!("data-switch={name}>")), "{name}");
    }
    for person in ["見本 花子", "見本 千代", "SAMPLE ALEXANDRA MARIA CONSTANZA THEODORA"] {
        assert!(html.contains(person), "{person}");
    }
    assert!(html.contains(sandbox.issuer()) && !html.contains("{{"));
}

#[test]
fn page_loads_nothing_and_runs_its_own_script_only() {
    let (_sandbox, _device, page) = with_page();
    let reply = page.get("/");
    let policy = reply.header("content-security-policy").unwrap();
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let html = String::from_utf8(reply.body.clone()).unwrap();
    assert_eq!(html.matches("<script").count(), 1);
    assert!(
        html.contains(&format!("<script nonce=\"{nonce}\">")) && html.contains(&format!("<style nonce=\"{nonce}\">"))
    );
    assert!(!html.contains("http://") && !html.contains(" src=") && !html.contains(" onclick="), "nothing is loaded");
    let again = page.get("/");
    assert!(!again.header("content-security-policy").unwrap().contains(nonce), "a nonce is for one answer");
}

#[test]
fn switches_act_at_once() {
    let (sandbox, device, page) = with_page();
    let status = || device.client.post("/nonce").status;
    assert_eq!((status(), page.armed()), (200, vec![]));
    let reply = page.change("do=arm&name=nonce-429&times=&value=7");
    assert_eq!((reply.status, &reply.json()["switches"][0]["armed"]), (200, &"nonce-429=7".into()));
    assert_eq!(device.client.post("/nonce").header("retry-after"), Some("7"));
    assert_eq!(status(), 429);
    assert_eq!(page.change("do=arm&name=nonce-503&times=1").status, 200);
    assert_eq!(page.armed(), ["nonce-429=7", "nonce-503:1"]);
    assert_eq!(page.change("do=disarm&name=nonce-429").status, 200);
    assert_eq!((status(), status()), (503, 200), "once, and no longer");
    sandbox.arm(Switch::always(SwitchName::Nonce429));
    assert_eq!(page.armed(), ["nonce-429"], "what is armed elsewhere is shown as well");
    assert_eq!(page.change("do=disarm-all").status, 200);
    assert_eq!((status(), page.armed()), (200, vec![]));
    page.change("do=arm&name=tls-wrong-name&times=1");
    assert!(device.client.send("POST", "/nonce", &[], b"").is_err(), "handshakes as well");
}

#[test]
fn malformed_changes_are_refused() {
    let (_sandbox, _device, page) = with_page();
    let long = "x".repeat(201);
    let cases = [
        "",
        "do=arm",
        "do=arm&name=unknown",
        "do=arm&name=slow&times=0",
        "do=arm&name=slow&times=-1",
        "do=arm&name=slow&times=x",
        "do=arm&name=slow&value=%0d%0aX",
        "do=arm&name=slow&name=slow",
        "do=disarm&name=unknown",
        "do=other&name=slow",
        &format!("do=arm&name=slow&value={long}"),
    ];
    for fields in cases {
        assert_eq!(page.change(fields).status, 400, "{fields}");
    }
    assert_eq!(page.change(&format!("do=disarm-all&x={}", "x".repeat(9000))).status, 413);
    assert_eq!((page.get("/other").status, page.get("/switch").status), (404, 405));
    assert!(page.armed().is_empty());
}

#[test]
fn names_that_are_rebound_to_this_machine_are_refused() {
    let (_sandbox, _device, page) = with_page();
    let port = page.address.port();
    let hosts = [
        "rebound.example".to_owned(),
        format!("rebound.example:{port}"),
        format!("127.0.0.1.rebound.example:{port}"),
        "127.0.0.1".to_owned(),
        format!("127.0.0.1:{}", port ^ 1),
        format!("[::1]:{port}"),
        String::new(),
    ];
    for host in &hosts {
        for path in ["/", "/state"] {
            let reply = page.send(&format!("GET {path}"), &[("Host", host)], "");
            assert_eq!((reply.status, reply.body.len()), (421, 0), "{host}{path}");
        }
        let origin = format!("http://{host}");
        let body = format!("token={}&do=arm&name=slow", page.token);
        let reply = page.send("POST /switch", &[("Host", host), ("Origin", &origin), FORM], &body);
        assert_eq!(reply.status, 421, "{host}");
    }
    assert_eq!(page.send("GET /", &[], "").status, 421, "no Host");
    let twice = [("Host", page.host.as_str()), ("Host", "rebound.example")];
    assert_ne!(page.send("GET /", &twice, "").status, 200);
    let local = format!("localhost:{port}");
    assert_eq!(page.send("GET /", &[("Host", &local)], "").status, 200);
    assert!(page.armed().is_empty());
}

#[test]
fn forms_of_other_pages_are_refused() {
    let (sandbox, _device, page) = with_page();
    let own = format!("http://{}", page.host);
    let port = page.address.port();
    let good = format!("token={}&do=arm&name=slow", page.token);
    let post = |headers: &[(&str, &str)], body: &str| {
        let all = [&[("Host", page.host.as_str())][..], headers].concat();
        page.send("POST /switch", &all, body).status
    };
    let localhost = format!("http://localhost:{port}");
    let secure = own.replace("http:", "https:");
    for origin in ["http://other.example", "null", "http://127.0.0.1", &localhost, &secure, sandbox.issuer()] {
        assert_eq!(post(&[("Origin", origin), FORM], &good), 403, "{origin}");
    }
    assert_eq!(post(&[FORM], &good), 403, "no Origin");
    assert_eq!(post(&[("Origin", &own), ("Origin", "http://other.example"), FORM], &good), 403, "two");
    let other = started_with(Options { admin: Some(0), ..Options::default() });
    let strange = Page::of(&other.0).token;
    for body in ["do=arm&name=slow", "token=&do=arm&name=slow", &good.replace(&page.token, &strange)] {
        assert_eq!(post(&[("Origin", &own), FORM], body), 403, "{body}");
    }
    assert_eq!(post(&[("Origin", &own), ("Content-Type", "text/plain")], &good), 415);
    assert!(page.armed().is_empty());
    assert_eq!(post(&[("Origin", &own), FORM], &good), 200);
    assert_eq!(page.armed(), ["slow"]);
}

#[test]
fn everything_printed_is_escaped() {
    let (sandbox, _device, page) = with_page();
    let hostile = "\"><script>alert('1')</script>{{token}}";
    sandbox.arm(Switch::always(SwitchName::Slow).with_value(hostile));
    let html = page.html();
    assert_eq!(html.matches("<script").count(), 1);
    assert!(html.contains("slow=&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;{{token}}"), "{html}");
    let reply = page.get("/state");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.json()["switches"][0]["armed"], format!("slow={hostile}"));
    assert!(!html.contains("innerHTML"), "the script writes text only");
}

#[test]
fn requests_are_listed_without_anything_personal() {
    let (_sandbox, device, page) = with_page();
    let token = device.sign_in(2);
    let access = token["access_token"].as_str().unwrap();
    let id = random_id();
    device.call("GET", "/r4/Coverage/cov-02", access, &[("X-Request-Id", &id)], "").unwrap();
    device.submit(&token, &random_id(), &inquiry(&token, &[]));
    device.search(&token, "ExplanationOfBenefit", "patient=Patient/p-c20b5e");
    device.client.send("GET", "/r4/Patient/p-c20b5e?name=x", &[("X-Request-Id", "p-c20b5e")], b"").unwrap();
    let state = page.state();
    let listed = state["requests"].as_array().unwrap();
    let row = |at: usize| {
        let entry = &listed[at];
        let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", text("method"), text("path"), entry["status"], text("id"))
    };
    assert_eq!(row(0), "GET - 404 -", "neither an unknown path nor an id of another form is shown");
    assert_eq!(row(1), "POST /r4/ExplanationOfBenefit/_search 200 -");
    assert_eq!(row(3), format!("GET /r4/Coverage/<id> 200 {id}"));
    assert_eq!(listed.len(), 6);
    let mut members: Vec<&str> = listed[0].as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["id", "method", "ms", "path", "status", "time"]);
    let text = String::from_utf8(page.get("/state").body).unwrap() + &page.html();
    let refresh = token["refresh_token"].as_str().unwrap();
    for secret in [access, refresh, "p-c20b5e", "cov-02", &device.jkt()] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn people_are_shown_with_their_state() {
    let (sandbox, _device, page) = with_page();
    let state = |number: usize| page.state()["people"][number - 1]["state"].as_str().unwrap().to_owned();
    assert_eq!(page.state()["people"].as_array().unwrap().len(), 10);
    assert!(state(3).contains("active"));
    sandbox.suspend(3);
    sandbox.revoke(4);
    assert!(state(3).contains("suspended") && state(4).contains("revoked"));
    assert!(page.html().contains("一時停止 suspended"));
    sandbox.resume(3);
    assert!(state(3).contains("active"));
}
