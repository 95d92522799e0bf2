//! Search results (FHIR R4, 3.1.1.5).

use serde_json::{Value, json};

use crate::state::Server;

/// A searchset Bundle of the resources that a search at `path` found.
pub(crate) fn searchset(server: &Server, path: &str, resources: Vec<Value>) -> Value {
    let entries: Vec<Value> = resources
        .into_iter()
        .map(|resource| {
            let kind = resource["resourceType"].as_str().unwrap_or_default();
            let id = resource["id"].as_str().unwrap_or_default();
            json!({
                "fullUrl": format!("{}/{kind}/{id}", server.fhir_base),
                "resource": resource,
                "search": { "mode": "match" },
            })
        })
        .collect();
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": entries.len() });
    // FHIR allows no empty arrays.
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    link(&mut bundle, "self", server.url(path));
    bundle
}

/// Adds a link to a Bundle.
pub(crate) fn link(bundle: &mut Value, relation: &str, url: String) {
    let link = json!({ "relation": relation, "url": url });
    match bundle["link"].as_array_mut() {
        Some(links) => links.push(link),
        None => bundle["link"] = json!([link]),
    }
}
