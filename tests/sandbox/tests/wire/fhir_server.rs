//! A tiny FHIR-like server on loopback, to stand behind the sandbox: it stores, searches by patient, pages by two, and
//! does wrong when told to.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wrong {
    Nothing,
    IgnoresPatient,
    NextElsewhere,
    /// More than 8 MiB, in good JSON.
    Huge,
    /// An HTML page with this status.
    Html(u16),
    Redirect,
    /// An OperationOutcome with this status, which talks about somebody.
    Status(u16),
    /// Reads answer with this person's resource whatever the id says.
    ReadsOf(&'static str),
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone)]
pub(crate) struct FhirServer {
    pub(crate) base: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    resources: Vec<Value>,
    seen: Vec<Seen>,
    wrong: Wrong,
}

struct Reply {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl FhirServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base = format!("http://{}/fhir", listener.local_addr().unwrap());
        let inner = Inner { resources: Vec::new(), seen: Vec::new(), wrong: Wrong::Nothing };
        let server = Self { base, inner: Arc::new(Mutex::new(inner)) };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // The sandbox ends connections whose answer is too long.
                drop(stream.and_then(|stream| serving.serve(&stream)));
            }
        });
        server
    }

    pub(crate) fn put(&self, resource: Value) {
        self.inner.lock().unwrap().resources.push(resource);
    }

    pub(crate) fn goes_wrong(&self, wrong: Wrong) {
        self.inner.lock().unwrap().wrong = wrong;
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner.lock().unwrap().seen.clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().unwrap()
    }

    pub(crate) fn resource(&self, kind: &str, id: &str) -> Option<Value> {
        self.inner.lock().unwrap().find(kind, id).cloned()
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut seen = Seen { method, target, headers, body: String::new() };
        let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        reader.take(length).read_to_string(&mut seen.body)?;
        let reply = self.answer(&seen);
        self.inner.lock().unwrap().seen.push(seen);
        let mut stream = stream;
        let head =
            format!("HTTP/1.1 {} X\r\nConnection: close\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
        let headers: String = reply.headers.iter().map(|header| format!("{header}\r\n")).collect();
        stream.write_all(format!("{head}{headers}\r\n").as_bytes())?;
        stream.write_all(&reply.body)
    }

    fn answer(&self, seen: &Seen) -> Reply {
        let mut inner = self.inner.lock().unwrap();
        match inner.wrong {
            Wrong::Html(status) => return Reply { status, headers: Vec::new(), body: b"<h1>p-secret</h1>".to_vec() },
            Wrong::Redirect => {
                let headers = vec![format!("Location: {}/Coverage/elsewhere", self.base)];
                return Reply { status: 307, headers, body: Vec::new() };
            }
            Wrong::Status(status) => {
                let body = json!({ "resourceType": "OperationOutcome", "issue": [{ "diagnostics": "p-secret" }] });
                let headers = vec!["Retry-After: 9".to_owned()];
                return Reply { status, headers, body: body.to_string().into_bytes() };
            }
            _ => {}
        }
        let path = seen.target.strip_prefix("/fhir").unwrap_or_default();
        if let Some(page) = path.strip_prefix("?_getpages=") {
            let mut parts = page.split('.');
            let (kind, patient) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let from = parts.next().and_then(|from| from.parse().ok()).unwrap_or(0);
            return inner.page(&self.base, kind, patient, from);
        }
        let mut segments = path.split('/').skip(1);
        let (kind, rest) = (segments.next().unwrap_or_default(), segments.next());
        match (seen.method.as_str(), rest) {
            ("POST", Some("_search")) => {
                let patient = seen.body.split('&').find_map(|pair| pair.strip_prefix("patient=Patient%2F"));
                inner.page(&self.base, kind, patient.unwrap_or_default(), 0)
            }
            ("POST", None) => inner.create(&self.base, kind, seen),
            ("GET", Some(id)) => inner.read(kind, id),
            ("PUT", Some(id)) => inner.update(kind, id, seen),
            _ => Reply { status: 404, headers: Vec::new(), body: Vec::new() },
        }
    }
}

impl Inner {
    fn find(&self, kind: &str, id: &str) -> Option<&Value> {
        self.resources.iter().find(|resource| resource["resourceType"] == kind && resource["id"] == id)
    }

    fn page(&self, base: &str, kind: &str, patient: &str, from: usize) -> Reply {
        let of_patient = |resource: &&Value| {
            self.wrong == Wrong::IgnoresPatient || resource.to_string().contains(&format!("Patient/{patient}\""))
        };
        let found: Vec<&Value> =
            self.resources.iter().filter(|resource| resource["resourceType"] == kind).filter(of_patient).collect();
        let entries: Vec<Value> = found
            .iter()
            .skip(from)
            .take(2)
            .map(|resource| json!({ "fullUrl": format!("{base}/{kind}/{}", resource["id"]), "resource": resource }))
            .collect();
        let mut links = vec![json!({ "relation": "self", "url": format!("{base}/{kind}?patient=Patient/{patient}") })];
        if self.wrong == Wrong::NextElsewhere {
            links.push(json!({ "relation": "next", "url": "http://other.example/fhir?_getpages=1" }));
        } else if from + 2 < found.len() {
            let url = format!("{base}?_getpages={kind}.{patient}.{}", from + 2);
            links.push(json!({ "relation": "next", "url": url }));
        }
        let mut bundle = json!({
            "resourceType": "Bundle", "type": "searchset", "total": found.len(), "link": links, "entry": entries,
        });
        if self.wrong == Wrong::Huge {
            bundle["filler"] = json!(vec!["0".repeat(64 * 1024); 129]);
        }
        Reply { status: 200, headers: vec![JSON.to_owned()], body: bundle.to_string().into_bytes() }
    }

    fn read(&self, kind: &str, id: &str) -> Reply {
        let of = |patient: &str| {
            self.resources.iter().find(|one| one["resourceType"] == kind && one.to_string().contains(patient))
        };
        let found = match self.wrong {
            Wrong::ReadsOf(patient) => of(patient),
            _ => self.find(kind, id),
        };
        found.map_or(Reply { status: 404, headers: Vec::new(), body: Vec::new() }, |found| stored(200, found))
    }

    fn create(&mut self, base: &str, kind: &str, seen: &Seen) -> Reply {
        if let Some(condition) = seen.header("if-none-exist") {
            let value = condition.split("%7C").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
            let patient = condition.split("patient=Patient%2F").nth(1).unwrap_or_default();
            let same = |one: &&Value| one.to_string().contains(value) && one.to_string().contains(patient);
            if let Some(known) = self.resources.iter().find(same) {
                return stored(200, known);
            }
        }
        let mut resource: Value = serde_json::from_str(&seen.body).unwrap();
        let id = (100 + self.resources.len()).to_string();
        resource["id"] = id.clone().into();
        resource["meta"]["versionId"] = "1".into();
        self.resources.push(resource.clone());
        let mut reply = stored(201, &resource);
        reply.headers.push(format!("Location: {base}/{kind}/{id}/_history/1"));
        if seen.header("prefer") == Some("return=minimal") {
            reply.body.clear();
        }
        reply
    }

    fn update(&mut self, kind: &str, id: &str, seen: &Seen) -> Reply {
        let known = self.resources.iter_mut().find(|one| one["resourceType"] == kind && one["id"] == id).unwrap();
        let version = known["meta"]["versionId"].as_str().unwrap().to_owned();
        if seen.header("if-match") != Some(&format!("W/\"{version}\"")) {
            return Reply { status: 412, headers: Vec::new(), body: Vec::new() };
        }
        *known = serde_json::from_str(&seen.body).unwrap();
        known["meta"]["versionId"] = (version.parse::<u32>().unwrap() + 1).to_string().into();
        stored(200, known)
    }
}

fn stored(status: u16, resource: &Value) -> Reply {
    let etag = format!("ETag: W/\"{}\"", resource["meta"]["versionId"].as_str().unwrap_or("1"));
    Reply { status, headers: vec![JSON.to_owned(), etag], body: resource.to_string().into_bytes() }
}

const JSON: &str = "Content-Type: application/fhir+json";
