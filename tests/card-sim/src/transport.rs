//! A simulated card in the field of a simulated phone.

use crate::{
    card::Card,
    fault::{FaultAt, Link, Lost},
};
use kazasu::iso7816::{CardTransport, TransportError, TransportLimits};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The link to a tapped card. Tapping powers the card on, dropping the value powers it off.
///
/// After a [`crate::Fault::Drop`] or [`crate::Fault::DropAfter`] every further command is
/// [`TransportError::TagLost`] until the card is tapped again. So is every command after a later tap of the same card.
#[derive(Debug)]
pub struct SimTransport {
    card: Arc<Mutex<Card>>,
    link: Link,
    limits: TransportLimits,
    tap: u64,
    lost: bool,
}

impl SimTransport {
    /// Brings the card into the field.
    pub fn tap(card: Arc<Mutex<Card>>) -> Self {
        let (tap, extended, faults) = {
            let mut card = lock(&card);
            (card.enter_field(), card.config().extended, card.config().faults.clone())
        };
        let limits = if extended { TransportLimits::EXTENDED } else { TransportLimits::SHORT };
        let mut link = Link::default();
        faults.into_iter().for_each(|fault| link.arm(fault));
        Self { card, link, limits, tap, lost: false }
    }

    /// Arms a fault for this tap.
    #[must_use]
    pub fn with_fault(mut self, fault: FaultAt) -> Self {
        self.link.arm(fault);
        self
    }

    /// Claims other limits than the card's, as a reader does that carries less, or more, than the card.
    #[must_use]
    pub fn with_limits(mut self, limits: TransportLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl CardTransport for SimTransport {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        if self.lost || !lock(&self.card).is_in_field_of(self.tap) {
            return Err(TransportError::TagLost);
        }
        self.link.exchange(&self.card, command).map_err(|lost| match lost {
            Lost::Card => {
                self.lost = true;
                TransportError::TagLost
            }
            Lost::Answer => TransportError::Timeout,
        })
    }

    fn limits(&self) -> TransportLimits {
        self.limits
    }
}

impl Drop for SimTransport {
    fn drop(&mut self) {
        // The card may already lie on another reader, or again on this one: a garbage collector drops late.
        let mut card = lock(&self.card);
        if !self.lost && card.is_in_field_of(self.tap) {
            card.power_off();
        }
    }
}

/// The card, even if a test panicked while holding it.
pub(crate) fn lock(card: &Mutex<Card>) -> MutexGuard<'_, Card> {
    card.lock().unwrap_or_else(PoisonError::into_inner)
}
