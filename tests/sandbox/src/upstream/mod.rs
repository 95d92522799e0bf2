//! A real FHIR server behind the sandbox: the sandbox checks who may ask for what, the server keeps the resources.
//!
//! Searches, reads and writes are forwarded once token, proof, scope and patient are checked, and what comes back is
//! checked again: a server that ignores a criterion must not show one person the resources of another. `$submit` and
//! its search, and the suspension of a card, stay with the sandbox: they act on the authorization server.

mod bundle;
mod client;
mod fault;
mod owner;
mod write;

use std::io;

use serde_json::Value;

use crate::access::{self, Caller};
use crate::conditional::code;
use crate::form;
use crate::http::{Answer, FHIR_JSON, Request};
use crate::outcome::Issue;
use crate::records::{self, guarded};
use crate::search::{self, Kind};
use crate::state::{FHIR_PATH, Server};
use crate::{consent, coverage, suspension, task};

use self::bundle::Pages;
use self::client::{Client, Reply};
use self::owner::Patient;

/// The FHIR server and what is remembered of its pages.
pub(crate) struct Upstream {
    client: Client,
    pages: Pages,
}

impl Upstream {
    /// A server at `base`; https needs the authorities that it is trusted by, in DER.
    ///
    /// # Errors
    /// When the base is no URL of a FHIR server, or is https and there is no authority.
    pub(crate) fn new(base: &str, roots: &[Vec<u8>]) -> io::Result<Self> {
        Ok(Self { client: Client::new(base, roots)?, pages: Pages::default() })
    }

    fn patient<'a>(&'a self, server: &'a Server, caller: &'a Caller) -> Patient<'a> {
        Patient { id: &caller.person.patient, bases: [self.client.base(), &server.fhir_base] }
    }
}

/// The answer of the FHIR server behind the sandbox; `None` when there is none or the sandbox answers itself.
pub(crate) fn answer(server: &Server, request: &Request) -> Option<Answer> {
    let upstream = server.upstream.as_ref()?;
    let mut segments = request.path.strip_prefix(FHIR_PATH)?.split('/').skip(1);
    let (kind, rest) = (kind(segments.next()?)?, segments.next());
    match (request.method.as_str(), rest) {
        ("POST", Some("_search")) => Some(guarded(server, request, || search(server, upstream, request, kind))),
        ("GET", None) => Some(guarded(server, request, || page(server, upstream, request, kind))),
        ("GET", Some(id)) if kind.name == task::KIND.name && server.written.holds(kind.name, id) => None,
        ("GET", Some(id)) => Some(guarded(server, request, || read(server, upstream, request, (kind, id)))),
        ("POST", None) if kind.name == task::KIND.name && is_suspension(request) => None,
        ("POST", None) => Some(write::create(server, upstream, request, kind)),
        ("PUT", Some(id)) => Some(write::update(server, upstream, request, (kind, id))),
        _ => None,
    }
}

/// The forwarded type of this name.
fn kind(name: &str) -> Option<&'static Kind> {
    [&coverage::KIND, &consent::KIND, &task::KIND].into_iter().chain(records::KINDS).find(|kind| kind.name == name)
}

fn is_suspension(request: &Request) -> bool {
    let body: Option<Value> = serde_json::from_slice(&request.body).ok();
    body.is_some_and(|body| code(&body["code"], "task-kind") == Some(suspension::KIND))
}

fn search(server: &Server, upstream: &Upstream, request: &Request, kind: &Kind) -> Result<Answer, Answer> {
    let caller = access::authorize(server, request, kind.scope)?;
    let mut criteria = search::forwardable(request, &caller, kind)?;
    criteria.push(("patient".to_owned(), format!("Patient/{}", caller.person.patient)));
    let pairs = criteria.iter().map(|(name, value)| format!("{}={}", form::encode(name), form::encode(value)));
    let form = pairs.collect::<Vec<_>>().join("&");
    let call = upstream.client.call("POST", &format!("/{}/_search", kind.name));
    let reply = call.with_body("application/x-www-form-urlencoded", form.into_bytes()).copying(request).send()?;
    found(server, upstream, &caller, kind, &reply)
}

/// The page that a link led to, which only the person who searched can follow.
fn page(server: &Server, upstream: &Upstream, request: &Request, kind: &Kind) -> Result<Answer, Answer> {
    let caller = access::authorize(server, request, kind.scope)?;
    let token = search::page_token(request)?;
    let url = upstream.pages.find(&token, caller.person.number, kind.name);
    let url = url.ok_or(Issue::NO_SUCH_ROUTE.described("page unknown or no longer kept"))?;
    let reply = upstream.client.call_url("GET", url).copying(request).send()?;
    found(server, upstream, &caller, kind, &reply)
}

fn found(server: &Server, upstream: &Upstream, caller: &Caller, kind: &Kind, reply: &Reply) -> Result<Answer, Answer> {
    if reply.status != 200 {
        return Err(fault::of(reply));
    }
    let bundle = bundle::rewritten(server, upstream, caller, kind, reply.resource()?)?;
    let entries = bundle["entry"].as_array().map_or(0, Vec::len);
    Ok(Answer::fhir(200, &bundle, format!("{entries} found by the FHIR server")))
}

fn read(server: &Server, upstream: &Upstream, request: &Request, (kind, id): (&Kind, &str)) -> Result<Answer, Answer> {
    let caller = access::authorize(server, request, kind.scope)?;
    let stored = owned(server, upstream, request, &caller, (kind, id))?;
    // The condition is judged here: a 304 of the server would not say whose resource it is about.
    let known = request.header("if-none-match").ok().flatten();
    let unchanged = known.is_some_and(|list| list.split(',').any(|tag| tag.trim() == stored.etag || tag.trim() == "*"));
    let answer = if unchanged {
        Answer::empty(304, "not modified")
    } else {
        Answer::empty(200, "read from the FHIR server").with_body(FHIR_JSON, stored.resource.to_string())
    };
    Ok(answer.with_header("etag", stored.etag))
}

/// A resource of the caller on the FHIR server.
struct Stored {
    resource: Value,
    etag: String,
}

/// Reads a resource of the caller; one of somebody else is no more there than one that does not exist.
fn owned(
    server: &Server,
    upstream: &Upstream,
    request: &Request,
    caller: &Caller,
    (kind, id): (&Kind, &str),
) -> Result<Stored, Answer> {
    const ABSENT: Issue = Issue::NO_SUCH_ROUTE.described("no such resource");
    if !is_id(id) {
        return Err(ABSENT.into());
    }
    let reply = upstream.client.call("GET", &format!("/{}/{id}", kind.name)).copying(request).send()?;
    if reply.status != 200 {
        return Err(fault::of(&reply));
    }
    let resource = reply.resource()?;
    if resource["id"] != id || !upstream.patient(server, caller).owns(kind.name, &resource) {
        return Err(ABSENT.into());
    }
    let etag = reply.header("etag").map_or_else(|| search::etag(&resource), str::to_owned);
    Ok(Stored { resource, etag })
}

/// Whether the text may be the id of a resource (FHIR R4, 2.24.0.1), so that it is one segment of a path.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && text.bytes().any(|byte| byte != b'.')
}
