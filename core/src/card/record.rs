//! Signed records of the text-input and surface applications: BER-TLV with two-byte tags, in a fixed order.

use crate::error::{CardFault, Error};
use crate::iso7816::tlv::{self, Object};

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

    /// The numbers in `table`, two bytes each, must say where in the file the next objects begin.
    pub(super) fn check_offsets(&self, table: &[u8]) -> Result<(), Error> {
        let (mut rest, mut offset) = (self.rest, self.offset);
        for entry in table.chunks(2) {
            let (object, after) = tlv::split_first(rest).ok_or(self.malformed())?;
            if u16::try_from(offset).map(u16::to_be_bytes).ok().as_ref().map(<[u8; 2]>::as_slice) != Some(entry) {
                return Err(self.malformed().into());
            }
            offset = offset.saturating_add(object.whole.len());
            rest = after;
        }
        Ok(())
    }

    /// All bytes from the next object on.
    pub(super) fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may follow.
    pub(super) fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed().into()) }
    }

    pub(super) fn malformed(&self) -> CardFault {
        CardFault::Malformed { what: self.what }
    }
}
