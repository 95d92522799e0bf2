//! Files that must be there, and what a refusal is.

use crate::error::{CardFault, Error};
use crate::iso7816::channel::ins;
use crate::iso7816::read::ReadLength;
use crate::iso7816::{Channel, StatusWord};

/// Reads a file that must be there and open.
pub(super) fn read(channel: &mut Channel<'_>, ef: u16, length: ReadLength) -> Result<Vec<u8>, Error> {
    channel.read_open_ef(ef, length)?.map_err(refused(ins::READ_BINARY))
}

/// The error of a card that refuses a command.
pub(super) fn refused(ins: u8) -> impl Fn(StatusWord) -> Error {
    move |status| CardFault::Status { ins, status: status.0 }.into()
}
