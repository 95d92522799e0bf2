//! `CardTransport` over PC/SC.

use std::ffi::CString;
use std::time::{Duration, Instant};

use kazasu::iso7816::{CardTransport, TransportError, TransportLimits};
use pcsc::{
    Attribute, Card, Context, Disposition, Error, PNP_NOTIFICATION, Protocols, ReaderState, Scope, ShareMode, State,
};

/// How long a card is waited for.
const WAIT: Duration = Duration::from_secs(30);

/// A card in a reader, held exclusively while a key may be unlocked and powered off at the end.
pub(crate) struct PcscTransport {
    card: Option<Card>,
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
    pub(crate) fn open(name: Option<&str>, ask: impl Fn()) -> Result<Self, TransportError> {
        let context = Context::establish(Scope::User).map_err(failure)?;
        let reader = wait_for_card(&context, name, ask)?;
        let card = context.connect(&reader, ShareMode::Exclusive, Protocols::ANY).map_err(failure)?;
        Ok(Self { limits: limits_of(&card), card: Some(card), buffer: vec![0; pcsc::MAX_BUFFER_SIZE_EXTENDED] })
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

impl CardTransport for PcscTransport {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let card = self.card.as_ref().ok_or(TransportError::TagLost)?;
        let response = card.transmit(command, &mut self.buffer).map_err(failure)?.to_vec();
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
