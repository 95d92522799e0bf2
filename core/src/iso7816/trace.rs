//! What went over the link, without what was in it.

use std::time::Instant;

use super::{CardTransport, TransportError, TransportLimits};

/// One exchange with the card: no bodies, so that it can be logged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exchange {
    /// Instruction byte of the command.
    pub ins: u8,
    /// Status word, or how the link failed.
    pub outcome: Result<u16, TransportError>,
    /// Length of the command in bytes.
    pub command_len: usize,
    /// Length of the response in bytes.
    pub response_len: usize,
    /// How long the card took, in microseconds.
    pub micros: u64,
}

/// Passes APDUs on and reports each exchange.
pub struct TracedTransport<T, F> {
    inner: T,
    report: F,
}

impl<T: CardTransport, F: FnMut(Exchange)> TracedTransport<T, F> {
    /// Reports every exchange over `inner` to `report`, after it happened.
    pub fn new(inner: T, report: F) -> Self {
        Self { inner, report }
    }
}

impl<T: CardTransport, F: FnMut(Exchange)> CardTransport for TracedTransport<T, F> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let started = Instant::now();
        let response = self.inner.transceive(command);
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let status = |bytes: &Vec<u8>| bytes.last_chunk().map_or(0, |sw| u16::from_be_bytes(*sw));
        (self.report)(Exchange {
            ins: command.get(1).copied().unwrap_or(0),
            outcome: response.as_ref().map(status).map_err(Clone::clone),
            command_len: command.len(),
            response_len: response.as_ref().map_or(0, Vec::len),
            micros,
        });
        response
    }

    fn limits(&self) -> TransportLimits {
        self.inner.limits()
    }
}
