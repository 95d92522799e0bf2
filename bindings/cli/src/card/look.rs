//! The card before a PIN is typed: none or another, blocked, last try.

use kazasu::card::{Card, KeyKind, PinAttempts};
use kazasu::error::PinKind;
use kazasu::iso7816::CardCapabilities;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::{link, prompt};

/// What a look at the card told.
#[derive(Clone, Copy, Default)]
pub(crate) struct Look {
    /// For the prompt; `None` where nobody looked.
    pub(crate) attempts: Option<PinAttempts>,
    /// What the card has shown, for the link in which the PIN is sent.
    pub(crate) capabilities: CardCapabilities,
}

/// Looks at the card where a PIN is going to be asked for on a terminal, in a link of its own: the card may be taken away
/// while somebody types, and no other program waits for them. Whatever is done with the PIN asks for the tries again.
///
/// A PIN from standard input is there already, and the card is not touched.
pub(crate) fn before(kind: PinKind, global: &Global, output: Output) -> Result<Look, Failure> {
    if global.pin_stdin {
        return Ok(Look::default());
    }
    prompt::can_ask()?;
    let mut transport = link::open(global, output)?;
    let mut card = Card::new(&mut *transport, CardCapabilities::default());
    let attempts = ask(&mut card, kind, global)?;
    Ok(Look { attempts: Some(attempts), capabilities: card.capabilities() })
}

/// Selects the application of the PIN and looks at it.
pub(super) fn ask(card: &mut Card<'_>, kind: PinKind, global: &Global) -> Result<PinAttempts, Failure> {
    let last = global.last_attempt();
    Ok(match kind {
        PinKind::UserAuthentication => card.select_jpki()?.look(KeyKind::UserAuthentication, last)?,
        PinKind::Signature => card.select_jpki()?.look(KeyKind::Signature, last)?,
        PinKind::TextInput => card.select_text_input()?.look(last)?,
        PinKind::VerificationNumberB | PinKind::BirthDate => card.select_surface()?.look(kind, last)?,
    })
}
