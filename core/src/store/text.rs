//! What people type, before it is kept.

use crate::error::Error;
use crate::insurance::suspects_my_number;

/// Takes a text of at most `longest` characters, without spaces at its ends.
///
/// # Errors
/// [`Error::MyNumberSuspected`] for twelve digits that look like a My Number; [`Error::Usage`] for a text that is too long,
/// empty, or holds control characters.
pub(super) fn checked(text: &str, longest: usize) -> Result<String, Error> {
    let text = text.trim();
    if suspects_my_number(text) {
        return Err(Error::MyNumberSuspected);
    }
    if text.is_empty() || text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(Error::usage(format!("a text of 1 to {longest} characters on one line")));
    }
    Ok(text.to_owned())
}
