//! Signed records of the text-input and surface applications: BER-TLV with two-byte tags.

use super::field::{Field, OtherField, is_blank};
use crate::error::{CardFault, Error};
use crate::iso7816::tlv::{self, Object};

/// Objects that one record has at most; those known have nine.
const MAX_OBJECTS: usize = 24;
/// Stands between the values of an object that a record has more than once.
const BETWEEN: &[u8] = b" / ";

/// Reads the objects of one record in order. Everything it returns lies within the record.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    /// Of `rest`, counted from the first byte of the file.
    offset: usize,
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// Opens the record with this tag at the start of `file`. What follows it is filler, and not looked at.
    pub(super) fn open(file: &'a [u8], tag: u16, what: &'static str) -> Result<Self, Error> {
        let (record, _) = tlv::split_first(file).filter(|(o, _)| o.tag == tag).ok_or(CardFault::Malformed { what })?;
        Ok(Self::within(record, what))
    }

    /// Reads objects that nothing encloses.
    pub(super) fn bare(rest: &'a [u8], what: &'static str) -> Self {
        Self { rest, offset: 0, what }
    }

    /// Opens the value of an object.
    pub(super) fn within(object: Object<'a>, what: &'static str) -> Self {
        Self { rest: object.value, offset: object.whole.len().saturating_sub(object.value.len()), what }
    }

    /// Takes the next object, which must have this tag.
    pub(super) fn take(&mut self, tag: u16) -> Result<Object<'a>, Error> {
        let (object, rest) = tlv::split_first(self.rest).filter(|(o, _)| o.tag == tag).ok_or(self.malformed())?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(object.whole.len());
        Ok(object)
    }

    /// Takes the next object, which must have this tag and so many bytes.
    pub(super) fn take_exact<const N: usize>(&mut self, tag: u16) -> Result<(&'a [u8; N], Object<'a>), Error> {
        let object = self.take(tag)?;
        Ok((object.value.try_into().map_err(|_| self.malformed())?, object))
    }

    /// All objects from the next one on, in whatever order they come. Every byte must belong to one.
    pub(super) fn objects(self) -> Result<Objects<'a>, Error> {
        let objects = Objects { bytes: self.rest, offset: self.offset };
        let mut end = self.offset;
        for (count, (start, object)) in objects.iter().enumerate() {
            if count >= MAX_OBJECTS {
                return Err(self.malformed().into());
            }
            end = start.saturating_add(object.whole.len());
        }
        let is_whole = end.checked_sub(self.offset) == Some(self.rest.len());
        if is_whole { Ok(objects) } else { Err(self.malformed().into()) }
    }

    /// Nothing may follow.
    pub(super) fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed().into()) }
    }

    pub(super) fn malformed(&self) -> CardFault {
        CardFault::Malformed { what: self.what }
    }
}

/// The objects of a record in whatever order they come: some may be missing, and others may be there that nobody knows.
#[derive(Clone, Copy)]
pub(super) struct Objects<'a> {
    bytes: &'a [u8],
    /// Of `bytes`, counted from the first byte of the file.
    offset: usize,
}

impl<'a> Objects<'a> {
    /// All of them, byte by byte as the card holds them.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Each with the offset in the file at which it begins.
    fn iter(self) -> impl Iterator<Item = (usize, Object<'a>)> {
        let (mut rest, mut offset) = (self.bytes, self.offset);
        std::iter::from_fn(move || {
            let (object, after) = tlv::split_first(rest)?;
            let start = offset;
            offset = offset.saturating_add(object.whole.len());
            rest = after;
            Some((start, object))
        })
    }

    /// The objects with these tags, header and value each, in the order of the record: what digests are made of.
    pub(super) fn whole(self, tags: &'static [u16]) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(|(_, object)| tags.contains(&object.tag)).map(|(_, object)| object.whole)
    }

    /// The value of the object with this tag; none if there are several that differ, for nobody knows which is meant.
    pub(super) fn value(self, tag: u16) -> Option<&'a [u8]> {
        let mut values = self.values(tag);
        let first = values.next()?;
        values.all(|other| other == first).then_some(first)
    }

    /// The field with this tag, as far as `parse` understands its value.
    pub(super) fn field<T>(self, tag: u16, parse: impl FnOnce(&'a [u8]) -> Option<T>) -> Field<T> {
        let Some(value) = self.value(tag) else {
            let several = self.values(tag).collect::<Vec<_>>().join(BETWEEN);
            return if several.is_empty() { Field::NotOnCard } else { Field::Unreadable(several) };
        };
        if is_blank(value) {
            return Field::NotOnCard;
        }
        parse(value).map_or_else(|| Field::Unreadable(value.to_vec()), Field::Read)
    }

    /// The objects with no tag of `known`.
    pub(super) fn others(self, known: &[u16]) -> Vec<OtherField> {
        let others = self.iter().filter(|(_, object)| !known.contains(&object.tag));
        others.map(|(_, object)| OtherField { tag: object.tag, value: object.value.to_vec() }).collect()
    }

    /// The numbers in `table`, two bytes each, must say where in the file objects begin, and leave out none with a tag of
    /// `known`. For a field that the card does not have, 0000 or FFFF may stand.
    pub(super) fn check_offsets(self, table: &[u8], known: &[u16], what: &'static str) -> Result<(), Error> {
        let (entries, odd) = table.as_chunks::<2>();
        let entries =
            || entries.iter().map(|entry| u16::from_be_bytes(*entry)).filter(|at| ![0, u16::MAX].contains(at));
        let starts = |at: u16| self.iter().any(|(start, _)| start == usize::from(at));
        let listed = |start: usize| entries().any(|at| usize::from(at) == start);
        let end = self.offset.saturating_add(self.bytes.len());
        let fits = odd.is_empty()
            && entries().all(|at| starts(at) || usize::from(at) == end)
            && self.iter().all(|(start, object)| !known.contains(&object.tag) || listed(start));
        if fits { Ok(()) } else { Err(CardFault::Malformed { what }.into()) }
    }

    fn values(self, tag: u16) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(_, object)| object.tag == tag).map(|(_, object)| object.value)
    }
}
