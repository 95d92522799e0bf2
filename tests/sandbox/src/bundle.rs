//! Search results (FHIR R4, 3.1.1.5).

use serde_json::{Value, json};

use crate::http::Request;
use crate::state::Server;

/// A searchset Bundle of the resources found by `request`.
pub(crate) fn searchset(server: &Server, request: &Request, resources: Vec<Value>) -> Value {
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
    let link = json!([{ "relation": "self", "url": server.url(&request.path) }]);
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": entries.len(), "link": link });
    // FHIR allows no empty arrays.
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    bundle
}
