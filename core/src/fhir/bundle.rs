//! One page of a search: Bundle of type `searchset` (FHIR R4, 3.1.1.2).

use serde_json::Value;

use super::{items, text};
use crate::error::{Error, ResourceFault};

/// One page.
pub struct Page(Value);

crate::secret::opaque_debug!(Page);

impl Page {
    /// Takes a parsed Bundle.
    ///
    /// # Errors
    /// [`ResourceFault::Malformed`] for anything but a searchset.
    pub fn new(resource: Value) -> Result<Self, Error> {
        let is = |name, value| text(&resource, name) == Some(value);
        if is("resourceType", "Bundle") && is("type", "searchset") {
            Ok(Self(resource))
        } else {
            Err(ResourceFault::Malformed { what: "search result" }.into())
        }
    }

    /// Where the next page is; only to be followed within the server's base.
    pub fn next(&self) -> Option<&str> {
        items(&self.0, "link").find(|link| text(link, "relation") == Some("next")).and_then(|link| text(link, "url"))
    }

    /// The resources of this type that matched, in the server's order. Others, such as an OperationOutcome with hints or
    /// what was included along, are passed over.
    pub fn into_matches(self, kind: &str) -> Vec<Value> {
        let Self(Value::Object(mut bundle)) = self else { return Vec::new() };
        let Some(Value::Array(entries)) = bundle.remove("entry") else { return Vec::new() };
        let is_match = |entry: &Value| {
            let mode = entry.get("search").and_then(|search| text(search, "mode"));
            mode.is_none_or(|mode| mode == "match")
        };
        entries
            .into_iter()
            .filter(is_match)
            .filter_map(|mut entry| entry.get_mut("resource").map(Value::take))
            .filter(|resource| text(resource, "resourceType") == Some(kind))
            .collect()
    }
}
