//! The simulated card, for debug builds of apps and for tests.

use std::sync::{Arc, Mutex};

use kazasu::iso7816::CardTransport as _;
use kazasu_card_sim::{Card, Config, FaultAt, Pin, SimTransport};

use crate::error::KazasuError;
use crate::transport::{CardTransport, TransportError, TransportLimits};

/// A simulated card of a synthetic person.
#[derive(uniffi::Object)]
pub struct SimulatedCard {
    card: Arc<Mutex<Card>>,
}

#[uniffi::export]
impl SimulatedCard {
    /// A card of `profile` (`today next-p256 next-p384 phone old not-jpki`) for person 1 to 10.
    #[uniffi::constructor]
    pub fn new(profile: String, person: u8) -> Result<Arc<Self>, KazasuError> {
        let profile = profile.parse().map_err(usage)?;
        let card = Card::new(Config::new(profile, person)).map_err(usage)?;
        Ok(Arc::new(Self { card: Arc::new(Mutex::new(card)) }))
    }

    /// Holds the card to the phone. `fault` such as `exchange=3:drop` or `ins=20:drop-after` happens once.
    pub fn tap(&self, fault: Option<String>) -> Result<Arc<dyn CardTransport>, KazasuError> {
        let mut link = SimTransport::tap(Arc::clone(&self.card));
        if let Some(fault) = fault {
            let fault: FaultAt = fault.parse().map_err(usage)?;
            link = link.with_fault(fault);
        }
        Ok(Arc::new(SimulatedLink(Mutex::new(link))))
    }

    /// Tries left of the user-authentication PIN, as the card keeps them.
    pub fn attempts_left(&self) -> u8 {
        self.card.lock().map_or(0, |card| card.attempts_left(Pin::UserAuthentication))
    }

    /// Sets the tries left.
    pub fn set_attempts(&self, attempts: u8) {
        if let Ok(mut card) = self.card.lock() {
            card.set_attempts(Pin::UserAuthentication, attempts);
        }
    }

    /// How many VERIFY commands with a PIN the card has seen.
    pub fn verify_count(&self) -> u32 {
        self.card.lock().map_or(0, |card| card.counters().verify_with_data)
    }
}

fn usage(error: impl std::fmt::Display) -> KazasuError {
    KazasuError::Usage { detail: error.to_string() }
}

/// Panics: shows how a fault inside the library reaches the app. It never returns; the result type lets Swift throw.
#[uniffi::export]
pub fn simulate_panic() -> Result<(), KazasuError> {
    panic!("simulated fault");
}

struct SimulatedLink(Mutex<SimTransport>);

impl CardTransport for SimulatedLink {
    fn transceive(&self, command: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        let mut link = self.0.lock().map_err(|_| TransportError::TagLost)?;
        link.transceive(&command).map_err(TransportError::from)
    }

    fn limits(&self) -> Result<TransportLimits, TransportError> {
        let limits = self.0.lock().map_err(|_| TransportError::TagLost)?.limits();
        let bytes = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        Ok(TransportLimits { max_command: bytes(limits.max_command), max_response: bytes(limits.max_response) })
    }
}
