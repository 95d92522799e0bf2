//! Text from outside, made fit to be shown.

use kazasu::text;

/// A text of a server, card or file as it may be shown: on one line, without control, format and other characters that are
/// not seen, with single spaces. Pass every such value through it before people see it: a name with line breaks forges rows
/// of a screen, one with a change of direction other words. Letters of all scripts stay.
///
/// With `most`, it is cut to so many characters, and ends with `…` then.
#[uniffi::export(default(most = None))]
pub fn shown_text(text: String, most: Option<u32>) -> String {
    match most.and_then(|most| usize::try_from(most).ok()) {
        Some(most) => text::shown_within(&text, most),
        None => text::shown(&text),
    }
    .into_owned()
}
