//! PINs on the card: tries left, guarded VERIFY, change.

use super::file::refused;
use super::pin::{LastAttempt, Pin};
use super::profile;
use crate::error::{Error, PinDoubt, PinKind, TransportError};
use crate::iso7816::channel::{PinStatus, ins};
use crate::iso7816::{Channel, ReadPhase, StatusWord};

/// The tries left of a PIN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PinAttempts {
    /// Which PIN.
    pub kind: PinKind,
    /// Tries left; 0 is blocked. `None` when the card only says that the PIN is verified already.
    pub attempts_left: Option<u8>,
    /// Tries after a correct entry.
    pub max_attempts: u8,
}

impl PinAttempts {
    /// Whether a PIN of this kind would be sent now: what a guarded VERIFY refuses is refused here, so that a look at the card
    /// can tell it before anybody types.
    ///
    /// # Errors
    /// [`Error::PinBlocked`]; [`Error::LastAttempt`] when one try is left and `last_attempt` does not permit it;
    /// [`Error::Card`] when the card does not say how many are left.
    pub fn permit(self, last_attempt: LastAttempt) -> Result<Self, Error> {
        let kind = self.kind;
        match (self.attempts_left, last_attempt) {
            (Some(0), _) => Err(Error::PinBlocked { kind }),
            (Some(1), LastAttempt::Refuse) => Err(Error::LastAttempt { kind }),
            // "Verified" on a card just powered up says nothing of the tries; one left is possible.
            (None, LastAttempt::Refuse) => Err(refused(ins::VERIFY)(StatusWord::OK)),
            _ => Ok(self),
        }
    }
}

/// Asks for the tries left of a PIN of the current application; costs none.
pub(super) fn attempts_left(channel: &mut Channel<'_>, kind: PinKind) -> Result<PinAttempts, Error> {
    Ok(told(kind, &status(channel, kind)?))
}

fn told(kind: PinKind, status: &PinStatus) -> PinAttempts {
    PinAttempts { kind, attempts_left: status.attempts_left, max_attempts: profile::pin(kind).max_attempts }
}

/// Guarded VERIFY. `sent` becomes true just before the PIN leaves, and then that PIN is not to be sent again; false once it
/// is known that it did not.
pub(super) fn verify<P: Pin>(
    channel: &mut Channel<'_>,
    pin: &P,
    last_attempt: LastAttempt,
    sent: &mut bool,
) -> Result<(), Error> {
    let kind = P::KIND;
    channel.report(ReadPhase::Pin, 0, 0);
    let status = status(channel, kind)?;
    let before = told(kind, &status).permit(last_attempt)?.attempts_left;
    *sent = true;
    let unanswered = |doubt| Error::VerifyUnanswered { kind, doubt };
    let answer = channel.verify(status, pin.bytes()).map_err(|error| match error {
        Error::Transport(cause) if !matches!(cause, TransportError::NotSent { .. }) => {
            unanswered(PinDoubt::Link(cause))
        }
        not_sent => {
            *sent = false;
            not_sent
        }
    })?;
    let left = match answer {
        StatusWord::OK => {
            channel.pin_verified = true;
            return Ok(());
        }
        StatusWord(0x6300) => before.map(|before| before.saturating_sub(1)),
        _ => answer.attempts_left(),
    };
    Err(match left {
        Some(0) => Error::PinBlocked { kind },
        Some(attempts_left) => Error::WrongPin { kind, attempts_left },
        None => unanswered(PinDoubt::Status(answer.0)),
    })
}

/// Verifies `current` and replaces it by `new`, which must differ; each is sent once.
///
/// Until the command with the new PIN has left, and when the card refuses it, the current one holds.
pub(super) fn change<P: Pin>(
    channel: &mut Channel<'_>,
    current: &P,
    new: &P,
    last_attempt: LastAttempt,
) -> Result<(), Error> {
    let kind = P::KIND;
    if current.bytes() == new.bytes() {
        return Err(Error::usage("the new PIN is the current one; nothing was sent"));
    }
    verify(channel, current, last_attempt, &mut false)?;
    let mut answer = send_new(channel, new)?;
    if answer == StatusWord::NO_CURRENT_EF {
        // VERIFY makes the PIN current, also by its short identifier. A card on which it does not has changed nothing and is
        // asked again after a SELECT, which keeps the PIN verified and costs no try whatever comes of it.
        let selected = channel.select_ef(profile::pin(kind).ef)?;
        if !selected.is_ok() {
            return Err(Error::NewPinRefused { kind, status: selected.0 });
        }
        answer = send_new(channel, new)?;
    }
    match answer.0 {
        0x9000 => Ok(()),
        0x6983 | 0x6984 => Err(Error::PinBlocked { kind }),
        // Execution and checking errors with the memory unchanged (ISO/IEC 7816-4:2020, table 5); not 65xx, 66xx and 6Fxx,
        // after which the PIN may have been written, nor warnings.
        status @ (0x6400..=0x64FF | 0x6700..=0x6EFF) => Err(Error::NewPinRefused { kind, status }),
        status => Err(Error::ChangeInDoubt { kind, doubt: PinDoubt::Status(status) }),
    }
}

/// Sends the new PIN for the one that was just verified.
fn send_new<P: Pin>(channel: &mut Channel<'_>, new: &P) -> Result<StatusWord, Error> {
    channel.change(new.bytes()).map_err(|error| match error {
        Error::Transport(cause) if !matches!(cause, TransportError::NotSent { .. }) => {
            Error::ChangeInDoubt { kind: P::KIND, doubt: PinDoubt::Link(cause) }
        }
        not_sent => not_sent,
    })
}

fn status(channel: &mut Channel<'_>, kind: PinKind) -> Result<PinStatus, Error> {
    channel.pin_status(profile::pin(kind).ef)?.map_err(refused(ins::VERIFY))
}
