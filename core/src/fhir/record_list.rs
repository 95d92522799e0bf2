//! Many records in little memory.

use super::timeline::Record;
use crate::json;

/// Records as the texts that a server sent, each read when it is looked at: a [`Record`] takes ten times its text, and a
/// search may bring 2,000 of them. Whoever needs all at once collects them; what that takes was bounded when they came.
#[derive(Clone, Default)]
pub struct RecordList(Vec<Box<str>>);

crate::secret::opaque_debug!(RecordList);

impl RecordList {
    /// Takes texts that passed the border and are of one of the five types.
    #[cfg(feature = "net")]
    pub(crate) fn new(texts: Vec<Box<str>>) -> Self {
        Self(texts)
    }

    /// Adds texts of the same kind.
    #[cfg(feature = "net")]
    pub(crate) fn append(&mut self, texts: Vec<Box<str>>) {
        self.0.extend(texts);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One after the other, in the server's order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.0.iter())
    }
}

impl<'a> IntoIterator for &'a RecordList {
    type Item = Record;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl IntoIterator for RecordList {
    type Item = Record;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(self.0.into_iter())
    }
}

/// Reads the records of a [`RecordList`] one after the other.
pub struct Iter<'a>(std::slice::Iter<'a, Box<str>>);

impl Iterator for Iter<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.0.find_map(|text| read(text))
    }
}

/// Reads the records of a [`RecordList`] one after the other, and frees their texts.
pub struct IntoIter(std::vec::IntoIter<Box<str>>);

impl Iterator for IntoIter {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.0.find_map(|text| read(&text))
    }
}

/// Always a record, as every text was one when it came.
fn read(text: &str) -> Option<Record> {
    Record::new(json::parse_own(text.as_bytes())?).ok()
}
