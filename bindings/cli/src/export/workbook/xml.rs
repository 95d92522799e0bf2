//! Attributes of elements, and what is wrong with a workbook.

use quick_xml::events::{BytesStart, Event};

use crate::failure::Failure;

/// Something about the workbook.
pub(super) fn refused(what: &str) -> Failure {
    Failure::usage(format!("the workbook {what}"))
}

/// Attribute `name` of the first element `element` that `is_it`.
pub(super) fn attribute_of(
    xml: &str,
    element: &str,
    name: &str,
    is_it: impl Fn(&BytesStart) -> bool,
) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) if local(tag.name().0) == element && is_it(&tag) => {
                return attribute(&tag, name);
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// The attribute with this name, whatever its prefix.
pub(super) fn attribute(tag: &BytesStart, name: &str) -> Option<String> {
    let found = tag.attributes().flatten().find(|attribute| local(attribute.key.0) == name)?;
    quick_xml::escape::unescape(&found.value).ok().map(|value| value.into_owned())
}

pub(super) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}
