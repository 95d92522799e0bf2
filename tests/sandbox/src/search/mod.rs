//! Search and read of resources that belong to one person: criteria, pages, versions.

mod criteria;
mod dates;
mod pages;

use serde_json::Value;

use crate::access::Caller;
use crate::bundle;
use crate::form;
use crate::grants::Scope;
use crate::http::{Answer, Request};
use crate::outcome::Issue;
use crate::state::Server;
use crate::switches::SwitchName;

use self::criteria::Criteria;
pub(crate) use self::pages::Pages;

/// A resource type that can be searched.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) scope: Scope,
    /// Date parameters with the element they look at; the first is the order of an unsorted search.
    pub(crate) dates: &'static [(&'static str, &'static str)],
    /// Token parameters with the element they look at.
    pub(crate) tokens: &'static [(&'static str, &'static str)],
}

impl Kind {
    fn date(&self, name: &str) -> Option<&'static str> {
        if name == "_lastUpdated" {
            return Some("/meta/lastUpdated");
        }
        self.dates.iter().find(|(known, _)| *known == name).map(|(_, pointer)| *pointer)
    }

    fn date_pointer(&self) -> Option<&'static str> {
        self.dates.first().map(|(_, pointer)| *pointer)
    }

    fn token(&self, name: &str) -> Option<&'static str> {
        if name == "_id" {
            return Some("/id");
        }
        self.tokens.iter().find(|(known, _)| *known == name).map(|(_, pointer)| *pointer)
    }
}

/// The answer to a `_search` by POST among the resources of the caller.
pub(crate) fn search(
    server: &Server,
    request: &Request,
    caller: &Caller,
    kind: &Kind,
    resources: impl FnOnce() -> Vec<Value>,
) -> Result<Answer, Answer> {
    search_with(server, request, caller, kind, resources, |found| found)
}

/// The same with a last look at what was found.
pub(crate) fn search_with(
    server: &Server,
    request: &Request,
    caller: &Caller,
    kind: &Kind,
    resources: impl FnOnce() -> Vec<Value>,
    look: impl FnOnce(Vec<Value>) -> Vec<Value>,
) -> Result<Answer, Answer> {
    let (criteria, _) = criteria(request, caller, kind)?;
    let found = look(criteria.select(resources()));
    let outcome = format!("{} found", found.len());
    let smaller = server.switches.take(SwitchName::PageSize);
    let smaller = smaller.and_then(|taken| usize::try_from(taken.number_or(2)).ok());
    let count = smaller.map_or(criteria.count, |smaller| criteria.count.min(smaller.max(1)));
    let first = server.pages.open(caller.person.number, kind.name, found, count);
    Ok(Answer::fhir(200, &page_bundle(server, kind, first), outcome))
}

/// The criteria of a `_search` by POST, as read and as sent.
fn criteria(request: &Request, caller: &Caller, kind: &Kind) -> Result<(Criteria, Vec<(String, String)>), Answer> {
    if request.query.is_some() {
        return Err(IN_URL.into());
    }
    if !request.body.is_empty() && !request.has_media_type(&["application/x-www-form-urlencoded"]) {
        return Err(Issue::MEDIA_TYPE.into());
    }
    let parameters = form::pairs(&request.body).ok_or(Issue::MALFORMED.described("form malformed"))?;
    let criteria = Criteria::parse(kind, &parameters)?;
    if !criteria.patients.iter().all(|patient| caller.owns(Some(patient))) {
        return Err(Issue::SCOPE.described("patient is not that of the token").into());
    }
    Ok((criteria, parameters))
}

/// The criteria of a search that another server may be asked: known ones only, and without the patient, who is the
/// caller.
pub(crate) fn forwardable(request: &Request, caller: &Caller, kind: &Kind) -> Result<Vec<(String, String)>, Answer> {
    let (_, mut parameters) = criteria(request, caller, kind)?;
    parameters.retain(|(name, _)| !criteria::is_own(name));
    Ok(parameters)
}

/// The answer to the GET of a `next` link; every other search in a URL is refused, because identifiers do not belong
/// there.
pub(crate) fn page(server: &Server, request: &Request, caller: &Caller, kind: &Kind) -> Result<Answer, Answer> {
    let token = page_token(request)?;
    let page = server
        .pages
        .turn(caller.person.number, kind.name, &token)
        .ok_or(Issue::NO_SUCH_ROUTE.described("page unknown or no longer kept"))?;
    Ok(Answer::fhir(200, &page_bundle(server, kind, page), "next page"))
}

/// The token in the URL of a page.
pub(crate) fn page_token(request: &Request) -> Result<String, Answer> {
    let parameters = form::pairs(request.query.as_deref().unwrap_or_default().as_bytes());
    match &parameters.unwrap_or_default()[..] {
        [(name, token)] if name == pages::PARAMETER => Ok(token.clone()),
        _ => Err(IN_URL.into()),
    }
}

/// The URL of the page that `token` names.
pub(crate) fn page_url(server: &Server, kind: &Kind, token: &str) -> String {
    format!("{}/{}?{}={token}", server.fhir_base, kind.name, pages::PARAMETER)
}

/// The answer to the read of one resource, 304 for a matching `If-None-Match`.
pub(crate) fn read(request: &Request, resources: &[Value]) -> Result<Answer, Answer> {
    let id = request.path.rsplit('/').next().unwrap_or_default();
    let resource = resources
        .iter()
        .find(|resource| resource["id"] == id)
        .ok_or(Issue::NO_SUCH_ROUTE.described("no such resource"))?;
    let version = etag(resource);
    let known = request.header("if-none-match").ok().flatten();
    let unchanged = known.is_some_and(|list| list.split(',').any(|tag| tag.trim() == version || tag.trim() == "*"));
    let answer = if unchanged { Answer::empty(304, "not modified") } else { Answer::fhir(200, resource, "read") };
    Ok(answer.with_header("etag", version))
}

/// The weak entity tag of a resource (FHIR R4, 3.1.0.1.3).
pub(crate) fn etag(resource: &Value) -> String {
    format!("W/\"{}\"", resource["meta"]["versionId"].as_str().unwrap_or("1"))
}

fn page_bundle(server: &Server, kind: &Kind, page: pages::Page) -> Value {
    let mut next = page.next;
    if let Some(taken) = server.switches.take(SwitchName::NextElsewhere) {
        let elsewhere = taken.value.unwrap_or_else(|| "https://other.example/r4".to_owned());
        let mut bundle = bundle::searchset(server, &format!("/r4/{}/_search", kind.name), page.resources);
        bundle::link(&mut bundle, "next", format!("{elsewhere}/{}?{}=elsewhere", kind.name, pages::PARAMETER));
        return bundle;
    }
    if server.switches.takes(SwitchName::NextEndless) {
        next = Some(page.this);
    }
    let mut bundle = bundle::searchset(server, &format!("/r4/{}/_search", kind.name), page.resources);
    bundle["total"] = page.total.into();
    if let Some(token) = next {
        bundle::link(&mut bundle, "next", page_url(server, kind, &token));
    }
    bundle
}

const IN_URL: Issue = Issue::INVALID_ELEMENT.described("search by POST to _search: criteria do not belong in a URL");
