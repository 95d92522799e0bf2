//! Answers changed on their way out: a server that mixes people up, or somebody before it.

use std::sync::Mutex;

use serde_json::Value;

use crate::http::{Answer, Request};
use crate::state::Server;
use crate::switches::SwitchName;
use crate::sync::lock;

/// Changes what is answered to `path`, before it is sealed and signed.
pub type Rewriter = Box<dyn FnMut(&str, &mut Value) + Send>;

/// What changes answers, if anything does.
#[derive(Default)]
pub(crate) struct Rewrite(Mutex<Option<Rewriter>>);

impl Rewrite {
    pub(crate) fn set(&self, rewriter: Option<Rewriter>) {
        *lock(&self.0) = rewriter;
    }
}

/// The answer as it leaves. What is no JSON stays.
pub(crate) fn rewrite(server: &Server, request: &Request, mut answer: Answer) -> Answer {
    let mut rewriter = lock(&server.rewrite.0);
    if rewriter.is_none() && !server.switches.is_armed(SwitchName::Foreign) {
        return answer;
    }
    if let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) {
        mix_up(server, &mut body);
        if let Some(rewriter) = rewriter.as_mut() {
            rewriter(&request.path, &mut body);
        }
        answer.body = body.to_string().into_bytes();
    }
    answer
}

/// Makes the last resource of the wanted type somebody else's. An answer that has none leaves the switch armed.
fn mix_up(server: &Server, body: &mut Value) {
    if !server.switches.is_armed(SwitchName::Foreign) {
        return;
    }
    let wanted = server.switches.value(SwitchName::Foreign);
    let is_wanted = |resource: &Value| {
        resource["resourceType"].as_str().is_some_and(|kind| wanted.as_deref().is_none_or(|wanted| wanted == kind))
    };
    let resource = match body["entry"].as_array_mut() {
        Some(entries) => entries.iter_mut().map(|entry| &mut entry["resource"]).rfind(|resource| is_wanted(resource)),
        None => Some(&mut *body).filter(|resource| is_wanted(resource)),
    };
    if let Some(resource) = resource
        && rename_person(resource)
    {
        server.switches.take(SwitchName::Foreign);
    }
}

/// Replaces every patient that is referred to; whether there was one.
fn rename_person(value: &mut Value) -> bool {
    match value {
        Value::String(text) if text.starts_with("Patient/") => {
            *text = format!("Patient/{SOMEBODY_ELSE}");
            true
        }
        Value::Array(list) => list.iter_mut().fold(false, |found, item| rename_person(item) | found),
        Value::Object(members) => members.values_mut().fold(false, |found, item| rename_person(item) | found),
        _ => false,
    }
}

/// Nobody here has this id.
const SOMEBODY_ELSE: &str = "p-somebody-else";
