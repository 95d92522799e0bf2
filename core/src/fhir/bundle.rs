//! One page of a search: Bundle of type `searchset` (FHIR R4, 3.1.1.2).

use serde_json::Value;

use super::{items, text};
use crate::error::{Error, ResourceFault};
use crate::json::{self, Room};

const WHAT: &str = "search result";
/// Levels of a Bundle around a resource: its object, `entry`, the entry.
const LEVELS: usize = 3;

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
            Err(ResourceFault::Malformed { what: WHAT }.into())
        }
    }

    /// Where the next page is; only to be followed within the server's base.
    pub fn next(&self) -> Option<&str> {
        next_of(items(&self.0, "link"))
    }

    /// The resources of this type that matched, in the server's order. Others, such as an OperationOutcome with hints or
    /// what was included along, are passed over.
    pub fn into_matches(self, kind: &str) -> Vec<Value> {
        let Self(Value::Object(mut bundle)) = self else { return Vec::new() };
        let Some(Value::Array(entries)) = bundle.remove("entry") else { return Vec::new() };
        entries
            .into_iter()
            .filter(|entry| is_match(entry.get("search")))
            .filter_map(|mut entry| entry.get_mut("resource").map(Value::take))
            .filter(|resource| text(resource, "resourceType") == Some(kind))
            .collect()
    }
}

/// Is shown one match: the resource, its text as the server wrote it, and what the resource takes in bytes of heap.
pub type Visit<'v> = dyn FnMut(&Value, &str, usize) -> Result<(), Error> + 'v;

/// Reads a page without ever holding more of it than one resource: shows the matches, as [`Page::into_matches`] would have
/// them, and returns where the next page is. Each resource may take `room` bytes at most.
///
/// # Errors
/// Those of `visit`, and of the border for any resource, match or not; [`ResourceFault::Malformed`] for anything but a
/// searchset, which may show only after matches were visited.
pub fn read_page(body: &[u8], kind: &str, room: usize, visit: &mut Visit<'_>) -> Result<Option<String>, Error> {
    json::check_strings(body)?;
    let body_text = str::from_utf8(body).map_err(|_| ResourceFault::Malformed { what: WHAT })?;
    let room = || Room::for_text(body.len()).within(room);
    let (mut is_bundle, mut is_searchset, mut next) = (false, false, None);
    json::each_member(body_text, WHAT, &mut |name, part| {
        let is = |value| serde_json::from_str::<String>(part).is_ok_and(|text| text == value);
        match name {
            "resourceType" => is_bundle = is("Bundle"),
            "type" => is_searchset = is("searchset"),
            "link" => {
                let links = json::parse_part(part, WHAT, &room(), 1)?;
                next = next_of(links.as_array().into_iter().flatten()).map(str::to_owned);
            }
            "entry" if part.starts_with('[') => {
                json::each_item(part, WHAT, &mut |entry| read_entry(entry, kind, &room(), visit))?;
            }
            _ => {}
        }
        Ok(())
    })?;
    if is_bundle && is_searchset { Ok(next) } else { Err(ResourceFault::Malformed { what: WHAT }.into()) }
}

fn read_entry(entry: &str, kind: &str, room: &Room, visit: &mut Visit<'_>) -> Result<(), Error> {
    if !entry.starts_with('{') {
        return Ok(());
    }
    let (mut resource_text, mut search) = (None, None);
    json::each_member(entry, WHAT, &mut |name, part| {
        match name {
            "resource" => resource_text = Some(part),
            "search" => search = Some(json::parse_part(part, WHAT, room, LEVELS)?),
            _ => {}
        }
        Ok(())
    })?;
    let Some(text) = resource_text else { return Ok(()) };
    let before = room.left();
    let resource = json::parse_part(text, WHAT, room, LEVELS)?;
    let cost = before.saturating_sub(room.left());
    let is_of_kind = super::text(&resource, "resourceType") == Some(kind);
    if is_of_kind && is_match(search.as_ref()) { visit(&resource, text, cost) } else { Ok(()) }
}

fn next_of<'a>(mut links: impl Iterator<Item = &'a Value>) -> Option<&'a str> {
    links.find(|link| text(link, "relation") == Some("next")).and_then(|link| text(link, "url"))
}

/// Whether an entry answers the search, by its member `search`: not what was included along, nor hints.
fn is_match(search: Option<&Value>) -> bool {
    search.and_then(|search| text(search, "mode")).is_none_or(|mode| mode == "match")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: &str, room: usize) -> Result<(Vec<String>, Option<String>), &'static str> {
        let mut found = Vec::new();
        let next = read_page(page.as_bytes(), "Task", room, &mut |resource, text, cost| {
            assert_eq!(serde_json::from_str::<Value>(text).ok().as_ref(), Some(resource));
            assert!(cost >= text.len() / 2);
            found.push(super::super::text(resource, "id").unwrap_or_default().to_owned());
            Ok(())
        });
        next.map(|next| (found, next)).map_err(|error| error.code())
    }

    fn page(members: &str) -> String {
        format!(r#"{{"resourceType":"Bundle","type":"searchset"{members}}}"#)
    }

    const ENTRIES: &str = r#","entry":[
        {"fullUrl":"urn:x","resource":{"resourceType":"Task","id":"1"},"search":{"mode":"match"}},
        {"search":{"mode":"include"},"resource":{"resourceType":"Task","id":"2"}},
        {"search":{"mode":"outcome"},"resource":{"resourceType":"OperationOutcome"}},
        {"resource":{"resourceType":"Patient","id":"3"}}, {}, 7, null,
        {"resource":{"id":"4","resourceType":"Task"}}]"#;

    #[test]
    fn matches_are_shown_as_the_whole_page_would_have_them() {
        let page =
            page(&format!(r#"{ENTRIES},"link":[{{"relation":"self","url":"a"}},{{"relation":"next","url":"b"}}]"#));
        let expected = (vec!["1".to_owned(), "4".to_owned()], Some("b".to_owned()));
        assert_eq!(read(&page, usize::MAX), Ok(expected.clone()));
        let whole = Page::new(serde_json::from_str(&page).expect("JSON")).expect("a page");
        assert_eq!(whole.next().map(str::to_owned), expected.1);
        let ids =
            whole.into_matches("Task").iter().map(|one| super::super::text(one, "id").map(str::to_owned)).collect();
        assert_eq!(Some(expected.0), ids);
    }

    #[test]
    fn every_resource_of_a_page_meets_the_border() {
        let with = |entry: &str| read(&page(ENTRIES).replace("null", entry), usize::MAX).err();
        let entry = |resource: &str| with(&format!(r#"{{"resource":{resource}}}"#));
        let number = r#"{"resourceType":"Patient","identifier":[{"system":"urn:my-number","value":"123456789018"}]}"#;
        assert_eq!(entry(number), Some("KZ-D05"), "that of somebody included along, too");
        assert_eq!(entry(r#"{"resourceType":"Task","id":"5","id":"6"}"#), Some("KZ-D01"));
        assert_eq!(with(r#"{"resource":{},"resource":{}}"#), Some("KZ-D01"));
        let nested = |levels: usize| format!("{}0{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        assert_eq!(entry(&nested(61)), None, "sixty-four with those of the page");
        assert_eq!(entry(&nested(62)), Some("KZ-D04"));
    }

    #[test]
    fn no_resource_takes_more_than_its_room() {
        let page = page(ENTRIES);
        assert_eq!(read(&page, 2_000).map(|(found, _)| found.len()), Ok(2), "one after the other");
        assert_eq!(read(&page, 600), Err("KZ-D04"));
    }

    #[test]
    fn nothing_but_a_searchset_is_a_page() {
        for bad in [
            "",
            "[]",
            "{",
            r#"{"resourceType":"Bundle","type":"history"}"#,
            r#"{"type":"searchset"}"#,
            r#"{"resourceType":"Bundle","type":"searchset","type":"searchset"}"#,
            "\u{0}",
        ] {
            assert_eq!(read(bad, usize::MAX), Err("KZ-D01"), "{bad}");
        }
        assert_eq!(read(&page(r#","entry":{}"#), usize::MAX), Ok((Vec::new(), None)));
    }
}
