//! Creates and updates on the FHIR server, of what is the caller's and stays so (FHIR R4, 3.1.0.4 and 3.1.0.8).

use serde_json::Value;

use super::client::Reply;
use super::{Upstream, fault, owned};
use crate::access::{self, Caller};
use crate::conditional;
use crate::form;
use crate::http::{Answer, FHIR_JSON, Request};
use crate::outcome::Issue;
use crate::search::Kind;
use crate::state::Server;

/// Answers `POST /r4/<type>`.
pub(super) fn create(server: &Server, upstream: &Upstream, request: &Request, kind: &'static Kind) -> Answer {
    conditional::write(
        server,
        request,
        || access::authorize(server, request, kind.scope),
        |caller, body| {
            check_owner(server, upstream, caller, kind, &body)?;
            let mut call = upstream.client.call("POST", &format!("/{}", kind.name)).copying(request);
            if let Some((system, value)) = conditional::condition(request)? {
                // Without the patient the condition could find, and answer with, somebody else's resource.
                let patient = form::encode(&format!("Patient/{}", caller.person.patient));
                let identifier = form::encode(&format!("{system}|{value}"));
                call = call.with_header("if-none-exist", &format!("identifier={identifier}&patient={patient}"));
            }
            let reply = call.with_body(FHIR_JSON, body.to_string().into_bytes()).send()?;
            written(server, upstream, caller, kind, &reply)
        },
    )
}

/// Answers `PUT /r4/<type>/<id>`, which needs `If-Match` and never creates.
pub(super) fn update(
    server: &Server,
    upstream: &Upstream,
    request: &Request,
    (kind, id): (&'static Kind, &str),
) -> Answer {
    conditional::write(
        server,
        request,
        || access::authorize(server, request, kind.scope),
        |caller, body| {
            if body["id"] != id {
                return Err(Issue::INVALID_ELEMENT.described("body is not the resource of the URL").into());
            }
            check_owner(server, upstream, caller, kind, &body)?;
            let stored = owned(server, upstream, request, caller, (kind, id))?;
            conditional::check_version(server, request, &stored.resource)?;
            let call = upstream.client.call("PUT", &format!("/{}/{id}", kind.name)).copying(request);
            let call = call.with_header("if-match", &stored.etag);
            let reply = call.with_body(FHIR_JSON, body.to_string().into_bytes()).send()?;
            written(server, upstream, caller, kind, &reply)
        },
    )
}

fn check_owner(server: &Server, upstream: &Upstream, caller: &Caller, kind: &Kind, body: &Value) -> Result<(), Issue> {
    if body["resourceType"] != kind.name {
        return Err(Issue::MALFORMED.described("body is not of the type of the URL"));
    }
    let is_own = upstream.patient(server, caller).owns(kind.name, body);
    is_own.then_some(()).ok_or(Issue::SCOPE.described("patient is not that of the token"))
}

/// The answer to a write, with the version and place of what is stored; empty where the client prefers it so.
fn written(
    server: &Server,
    upstream: &Upstream,
    caller: &Caller,
    kind: &Kind,
    reply: &Reply,
) -> Result<Answer, Answer> {
    if !matches!(reply.status, 200 | 201) {
        return Err(fault::of(reply));
    }
    let mut answer = Answer::empty(reply.status, "written to the FHIR server");
    if !reply.body.is_empty() {
        let resource = reply.resource()?;
        // `Prefer: return=OperationOutcome` asks for words that were not written for the person.
        if resource["resourceType"] != "OperationOutcome" {
            if !upstream.patient(server, caller).owns(kind.name, &resource) {
                return Err(Issue::SCOPE.described("the FHIR server answered with what is not the patient's").into());
            }
            answer = answer.with_body(FHIR_JSON, resource.to_string());
        }
    }
    if let Some(etag) = reply.header("etag") {
        answer = answer.with_header("etag", etag);
    }
    if let Some(below) = reply.header("location").and_then(|url| upstream.client.below_base(url)) {
        answer = answer.with_header("location", format!("{}{below}", server.fhir_base));
    }
    Ok(answer)
}
