//! `CardTransport` over PC/SC.

use std::borrow::Cow;
use std::ffi::CString;
use std::time::{Duration, Instant};

use kazasu::iso7816::{CardTransport, LinkEnd, TransportError, TransportLimits};
use pcsc::{
    Attribute, Card, Context, Disposition, Error, PNP_NOTIFICATION, Protocol, Protocols, ReaderState, Scope, ShareMode,
    State,
};
use zeroize::Zeroize;

/// How long a card is waited for.
const WAIT: Duration = Duration::from_secs(30);

/// A card in a reader, held exclusively while a key may be unlocked and powered off at the end.
pub(crate) struct PcscTransport {
    card: Option<Card>,
    protocol: Option<Protocol>,
    limits: TransportLimits,
    buffer: Vec<u8>,
}

/// The names of the readers, in the system's order.
pub(crate) fn reader_names() -> Result<Vec<String>, TransportError> {
    let context = Context::establish(Scope::User).map_err(failure)?;
    let names = context.list_readers_owned().map_err(failure)?;
    Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

impl PcscTransport {
    /// Connects to the card in the reader `name`, or in the first reader that has one. Calls `ask` once if it has to wait.
    pub(crate) fn open(name: Option<&str>, protocols: Protocols, ask: impl Fn()) -> Result<Self, TransportError> {
        let context = Context::establish(Scope::User).map_err(failure)?;
        let reader = wait_for_card(&context, name, ask)?;
        let card = match context.connect(&reader, ShareMode::Exclusive, protocols) {
            // Another program agreed on the other protocol with the card: without power that is forgotten.
            Err(Error::ProtoMismatch) => {
                let mut card = context.connect(&reader, ShareMode::Exclusive, Protocols::ANY).map_err(failure)?;
                card.reconnect(ShareMode::Exclusive, protocols, Disposition::UnpowerCard).map_err(failure)?;
                card
            }
            other => other.map_err(failure)?,
        };
        let protocol = card.status2_owned().map_err(failure)?.protocol2();
        let limits = if protocol == Some(Protocol::T0) { TransportLimits::SHORT } else { limits_of(&card) };
        Ok(Self { card: Some(card), protocol, limits, buffer: vec![0; pcsc::MAX_BUFFER_SIZE_EXTENDED] })
    }
}

/// Waits for a card in the reader `name`, or in any, without connecting to it.
pub(crate) fn wait(name: Option<&str>, ask: impl Fn()) -> Result<(), TransportError> {
    let context = Context::establish(Scope::User).map_err(failure)?;
    wait_for_card(&context, name, ask).map(drop)
}

fn wait_for_card(context: &Context, name: Option<&str>, ask: impl Fn()) -> Result<CString, TransportError> {
    let deadline = Instant::now() + WAIT;
    let mut asked = false;
    loop {
        let readers = context.list_readers_owned().map_err(failure)?;
        let wanted: Vec<CString> =
            readers.into_iter().filter(|r| name.is_none_or(|n| r.to_string_lossy() == n)).collect();
        if wanted.is_empty() {
            return Err(TransportError::Unavailable);
        }
        let mut states: Vec<ReaderState> =
            wanted.iter().map(|reader| ReaderState::new(reader.clone(), State::UNAWARE)).collect();
        context.get_status_change(Duration::ZERO, &mut states).map_err(failure)?;
        if let Some(state) = states.iter().find(|state| state.event_state().contains(State::PRESENT)) {
            return Ok(state.name().to_owned());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(TransportError::Timeout);
        }
        if !asked {
            ask();
            asked = true;
        }
        for state in &mut states {
            state.sync_current_state();
        }
        states.push(ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE));
        match context.get_status_change(left.min(Duration::from_secs(1)), &mut states) {
            Ok(()) | Err(Error::Timeout) => {}
            Err(error) => return Err(failure(error)),
        }
    }
}

/// A reader that states a short input buffer gets short APDUs; the others show by themselves what they carry.
fn limits_of(card: &Card) -> TransportLimits {
    let mut bytes = [0; 8];
    match card.get_attribute(Attribute::Maxinput, &mut bytes).ok().and_then(|value| value.first_chunk::<4>()) {
        Some(max) if u32::from_ne_bytes(*max) <= 261 => TransportLimits::SHORT,
        _ => TransportLimits::EXTENDED,
    }
}

/// A command as T=0 carries it (ISO/IEC 7816-3:2006, 12.2): five bytes at least, and no Le after data; the answer is then
/// collected with GET RESPONSE. Commands for such a link are short.
fn for_t0(command: &[u8]) -> Cow<'_, [u8]> {
    match *command {
        [cla, ins, p1, p2] => Cow::Owned(vec![cla, ins, p1, p2, 0x00]),
        [_, _, _, _, lc, ..] if command.len() == 6 + usize::from(lc) => Cow::Borrowed(&command[..command.len() - 1]),
        _ => Cow::Borrowed(command),
    }
}

impl CardTransport for PcscTransport {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let card = self.card.as_ref().ok_or(TransportError::NotSent { end: LinkEnd::TagLost })?;
        let command = if self.protocol == Some(Protocol::T0) { for_t0(command) } else { Cow::Borrowed(command) };
        let answer = card.transmit(&command, &mut self.buffer);
        let response =
            answer.map_err(|error| if is_extended(&command) { extended_failure(error) } else { failure(error) })?;
        let response = response.to_vec();
        if let Cow::Owned(mut copy) = command {
            copy.zeroize(); // it may hold a PIN
        }
        self.buffer.fill(0);
        // A link lost during a command can look like a success without even a status word.
        if response.len() < 2 { Err(TransportError::TagLost) } else { Ok(response) }
    }

    fn limits(&self) -> TransportLimits {
        self.limits
    }
}

impl Drop for PcscTransport {
    fn drop(&mut self) {
        if let Some(card) = self.card.take() {
            // A verified PIN outlives a mere disconnect on some cards; without power it does not.
            let _ = card.disconnect(Disposition::UnpowerCard);
        }
    }
}

/// READ BINARY of extended length, the only extended command that is ever sent (ISO/IEC 7816-3:2006, 12.1.3).
fn is_extended(command: &[u8]) -> bool {
    matches!(*command, [_, _, _, _, 0x00, _, _])
}

/// Readers that carry no extended lengths say that the transmission failed, and the card is still there: a short command tells.
fn extended_failure(error: Error) -> TransportError {
    match error {
        Error::CommError => TransportError::Failed { detail: error.to_string() },
        error => failure(error),
    }
}

fn failure(error: Error) -> TransportError {
    match error {
        Error::RemovedCard
        | Error::ResetCard
        | Error::UnpoweredCard
        | Error::NoSmartcard
        | Error::UnresponsiveCard
        | Error::CommError => TransportError::TagLost,
        Error::Timeout => TransportError::Timeout,
        Error::Cancelled => TransportError::Cancelled,
        Error::NoService
        | Error::ServiceStopped
        | Error::NoReadersAvailable
        | Error::UnknownReader
        | Error::ReaderUnavailable => TransportError::Unavailable,
        Error::SharingViolation => TransportError::Failed { detail: "another program holds the card".to_owned() },
        other => TransportError::Failed { detail: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_transmission_of_extended_length_does_not_end_the_link() {
        let failed = |command: &[u8]| {
            if is_extended(command) { extended_failure(Error::CommError) } else { failure(Error::CommError) }
        };
        assert!(matches!(failed(&[0x00, 0xB0, 0x8A, 0x00, 0x00, 0x08, 0x00]), TransportError::Failed { .. }));
        for short in
            [&[0x00, 0xB0, 0x8A, 0x00, 0x00][..], &[0x00, 0x20, 0x00, 0x98], &[0x00, 0xA4, 0x02, 0x0C, 2, 0, 6]]
        {
            assert_eq!(failed(short), TransportError::TagLost);
        }
        assert_eq!(extended_failure(Error::RemovedCard), TransportError::TagLost);
    }

    #[test]
    fn t0_takes_no_length_after_data_and_five_bytes_at_least() {
        assert_eq!(*for_t0(&[0x00, 0x20, 0x00, 0x80]), [0x00, 0x20, 0x00, 0x80, 0x00]);
        assert_eq!(*for_t0(&[0x80, 0x2A, 0x00, 0x97, 0x02, 1, 2, 0x00]), [0x80, 0x2A, 0x00, 0x97, 0x02, 1, 2]);
        let others: [&[u8]; 2] = [&[0x00, 0xB0, 0x00, 0x00, 0x10], &[0x00, 0x20, 0x00, 0x80, 0x02, b'1', b'2']];
        for command in others {
            assert_eq!(*for_t0(command), *command);
        }
    }
}
