//! Search results of the FHIR server: each entry checked, and every URL one of the sandbox's.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::Upstream;
use crate::access::Caller;
use crate::http::Answer;
use crate::outcome::Issue;
use crate::random;
use crate::search::{self, Kind};
use crate::state::Server;
use crate::sync::lock;

/// The Bundle as the caller may see it; one with an entry that is not theirs is refused as a whole.
pub(super) fn rewritten(
    server: &Server,
    upstream: &Upstream,
    caller: &Caller,
    kind: &Kind,
    mut bundle: Value,
) -> Result<Value, Answer> {
    if bundle["resourceType"] != "Bundle" {
        return Err(Issue::UPSTREAM.described("the FHIR server answered no Bundle").into());
    }
    let patient = upstream.patient(server, caller);
    if let Some(entries) = bundle["entry"].as_array_mut() {
        // What the server says about the search is in words that were not written for the person.
        entries.retain(|entry| entry["resource"]["resourceType"] != "OperationOutcome");
        for entry in entries.iter_mut() {
            let resource = &entry["resource"];
            if !patient.owns(kind.name, resource) {
                return Err(Issue::SCOPE.described("the FHIR server answered with what is not the patient's").into());
            }
            let id = resource["id"].as_str().unwrap_or_default();
            entry["fullUrl"] = format!("{}/{}/{id}", server.fhir_base, kind.name).into();
        }
    }
    if bundle["entry"].as_array().is_some_and(Vec::is_empty)
        && let Some(members) = bundle.as_object_mut()
    {
        // FHIR allows no empty arrays.
        members.remove("entry");
    }
    bundle["link"] = links(server, upstream, caller, kind, &bundle["link"])?.into();
    Ok(bundle)
}

/// Links to the server become links to the sandbox that do not say where they lead: a page of the server may have the
/// criteria, and so the patient, in its URL.
fn links(
    server: &Server,
    upstream: &Upstream,
    caller: &Caller,
    kind: &Kind,
    links: &Value,
) -> Result<Vec<Value>, Answer> {
    let own = json!({ "relation": "self", "url": format!("{}/{}/_search", server.fhir_base, kind.name) });
    let mut rewritten = vec![own];
    for link in links.as_array().into_iter().flatten() {
        let (Some(relation), Some(url)) = (link["relation"].as_str(), link["url"].as_str()) else { continue };
        if relation == "self" {
            continue;
        }
        if upstream.client.below_base(url).is_none() {
            return Err(Issue::UPSTREAM.described("the FHIR server links to another server").into());
        }
        let token = upstream.pages.keep(url, caller.person.number, kind.name);
        rewritten.push(json!({ "relation": relation, "url": search::page_url(server, kind, &token) }));
    }
    Ok(rewritten)
}

/// Where links lead that were given to people.
#[derive(Default)]
pub(super) struct Pages(Mutex<VecDeque<Page>>);

struct Page {
    token: String,
    url: String,
    person: u8,
    kind: &'static str,
}

impl Pages {
    fn keep(&self, url: &str, person: u8, kind: &'static str) -> String {
        let token = random::token();
        let mut pages = lock(&self.0);
        if pages.len() >= KEPT {
            pages.pop_front();
        }
        pages.push_back(Page { token: token.clone(), url: url.to_owned(), person, kind });
        token
    }

    /// The URL of a page, if the link was given to this person.
    pub(super) fn find(&self, token: &str, person: u8, kind: &str) -> Option<String> {
        let pages = lock(&self.0);
        let page = pages.iter().find(|page| page.token == token && page.person == person && page.kind == kind)?;
        Some(page.url.clone())
    }
}

const KEPT: usize = 500;
