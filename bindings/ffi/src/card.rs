//! The card alone: what it is and how many tries are left.

use std::sync::Arc;

use kazasu::card::{Application, Card, Generation, KeyKind};
use kazasu::iso7816;
use kazasu::safety::Holder;

use crate::error::{KazasuError, PinKind};
use crate::transport::{CardTransport, Link};

/// What a card has shown it can do over the links of this device; store it with the member, it saves exchanges.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, uniffi::Record)]
pub struct CardCapabilities {
    /// Files answer to short EF identifiers; absent while unknown.
    pub short_ef: Option<bool>,
    /// Reads take extended lengths; absent while unknown.
    pub extended_length: Option<bool>,
    /// Whether extended lengths have failed since in a way that chance explains; absent while they have not.
    #[uniffi(default = None)]
    pub extended_doubt: Option<ExtendedDoubt>,
}

/// What follows from an extended length that failed, perhaps by chance.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum ExtendedDoubt {
    /// The link was lost in one: the next tap does without.
    Suspended,
    /// The next tap tries again.
    OnTrial,
}

impl From<iso7816::ExtendedDoubt> for ExtendedDoubt {
    fn from(core: iso7816::ExtendedDoubt) -> Self {
        match core {
            iso7816::ExtendedDoubt::Suspended => Self::Suspended,
            iso7816::ExtendedDoubt::OnTrial => Self::OnTrial,
        }
    }
}

impl From<ExtendedDoubt> for iso7816::ExtendedDoubt {
    fn from(ffi: ExtendedDoubt) -> Self {
        match ffi {
            ExtendedDoubt::Suspended => Self::Suspended,
            ExtendedDoubt::OnTrial => Self::OnTrial,
        }
    }
}

impl From<iso7816::CardCapabilities> for CardCapabilities {
    fn from(core: iso7816::CardCapabilities) -> Self {
        Self {
            short_ef: core.short_ef,
            extended_length: core.extended_length,
            extended_doubt: core.extended_doubt.map(Into::into),
        }
    }
}

impl From<CardCapabilities> for iso7816::CardCapabilities {
    fn from(ffi: CardCapabilities) -> Self {
        Self {
            short_ef: ffi.short_ef,
            extended_length: ffi.extended_length,
            extended_doubt: ffi.extended_doubt.map(Into::into),
        }
    }
}

/// Kind of token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum CardGeneration {
    /// A My Number card of plastic.
    MyNumberCard,
    /// スマホ用電子証明書 on Android.
    AndroidPhone,
    /// スマホ用電子証明書 on iPhone.
    IPhone,
    /// 住民基本台帳カード: not a My Number card.
    ResidentRegisterCard,
    /// A label not seen before.
    Unknown,
}

/// What a card says of itself.
#[derive(Clone, Debug, Eq, PartialEq, uniffi::Record)]
pub struct CardInfo {
    /// Kind of token.
    pub generation: CardGeneration,
    /// Token label; what is no printable ASCII is U+FFFD.
    pub label: String,
    /// Names of the applications that answered: `jpki text_input surface resident_register common`.
    pub applications: Vec<String>,
}

/// The tries left of one PIN.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Record)]
pub struct PinAttempts {
    /// Which PIN.
    pub kind: PinKind,
    /// Tries left; 0 is blocked. Absent when the card only says that the PIN is verified already.
    pub attempts_left: Option<u8>,
    /// Tries after a correct entry.
    pub max_attempts: u8,
}

/// Reads what a card says of itself. Blocks; needs no PIN.
#[uniffi::export]
pub fn read_card_info(transport: Arc<dyn CardTransport>) -> Result<CardInfo, KazasuError> {
    let mut link = Link(transport);
    let mut card = Card::new(&mut link, iso7816::CardCapabilities::default());
    let applications = card.applications()?.into_iter().map(Application::name).map(str::to_owned).collect();
    let token = card.select_jpki()?.token_info()?;
    let generation = match token.generation {
        Generation::MyNumberCard => CardGeneration::MyNumberCard,
        Generation::AndroidPhone => CardGeneration::AndroidPhone,
        Generation::IPhone => CardGeneration::IPhone,
        Generation::ResidentRegisterCard => CardGeneration::ResidentRegisterCard,
        Generation::Unknown => CardGeneration::Unknown,
    };
    Ok(CardInfo { generation, label: token.label, applications })
}

/// Asks for the tries left of the user-authentication PIN. Two exchanges; blocks; costs no try.
#[uniffi::export]
pub fn read_attempts_left(transport: Arc<dyn CardTransport>) -> Result<PinAttempts, KazasuError> {
    let mut link = Link(transport);
    let mut card = Card::new(&mut link, iso7816::CardCapabilities::default());
    let attempts = card.select_jpki()?.attempts_left(KeyKind::UserAuthentication)?;
    Ok(PinAttempts {
        kind: attempts.kind.into(),
        attempts_left: attempts.attempts_left,
        max_attempts: attempts.max_attempts,
    })
}

/// Whether these four digits are easy to guess: repeated, running, a year, a date of birth written MMDD, DDMM or YYMM, or
/// the end of a phone number.
/// A hint for the PIN screen, before the card is held; nothing is kept.
#[uniffi::export(default(phone = None))]
pub fn is_guessable_pin(pin: &[u8], birth_date: Option<String>, phone: Option<String>) -> bool {
    let birth_date = birth_date.as_deref().and_then(kazasu::time::CalendarDate::parse);
    kazasu::safety::is_guessable_pin(pin, Holder { birth_date, phone: phone.as_deref() })
}
