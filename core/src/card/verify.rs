//! PINs on the card: tries left, guarded VERIFY, change.

use super::pin::{LastAttempt, Pin};
use super::{profile, refused};
use crate::error::{Error, PinKind, VerifyDoubt};
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

/// Asks for the tries left of a PIN of the current application; costs none.
pub(super) fn attempts_left(channel: &mut Channel<'_>, kind: PinKind) -> Result<PinAttempts, Error> {
    let max_attempts = profile::pin(kind).max_attempts;
    Ok(PinAttempts { kind, attempts_left: status(channel, kind)?.attempts_left, max_attempts })
}

/// Guarded VERIFY. `sent` becomes true just before the PIN leaves, and then that PIN is not to be sent again.
pub(super) fn verify<P: Pin>(
    channel: &mut Channel<'_>,
    pin: &P,
    last_attempt: LastAttempt,
    sent: &mut bool,
) -> Result<(), Error> {
    let kind = P::KIND;
    channel.report(ReadPhase::Pin, 0, 0);
    let status = status(channel, kind)?;
    let before = status.attempts_left;
    match (before, last_attempt) {
        (Some(0), _) => return Err(Error::PinBlocked { kind }),
        (Some(1), LastAttempt::Refuse) => return Err(Error::LastAttempt { kind }),
        // "Verified" on a card just powered up says nothing of the tries; one left is possible.
        (None, LastAttempt::Refuse) => return Err(refused(ins::VERIFY)(StatusWord::OK)),
        _ => {}
    }
    *sent = true;
    let unanswered = |doubt| Error::VerifyUnanswered { kind, doubt };
    let answer = channel.verify(status, pin.bytes()).map_err(|error| match error {
        Error::Transport(cause) => unanswered(VerifyDoubt::Link(cause)),
        other => other,
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
        None => unanswered(VerifyDoubt::Status(answer.0)),
    })
}

/// Verifies `current` and replaces it by `new`, which must differ; each is sent once.
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
    let answer = channel.change(profile::pin(kind).ef, new.bytes()).map_err(|error| match error {
        Error::Transport(cause) => Error::ChangeUnanswered { kind, cause },
        other => other,
    })?;
    if answer.is_ok() { Ok(()) } else { Err(refused(ins::CHANGE_REFERENCE_DATA)(answer)) }
}

fn status(channel: &mut Channel<'_>, kind: PinKind) -> Result<PinStatus, Error> {
    channel.pin_status(profile::pin(kind).ef)?.map_err(refused(ins::VERIFY))
}
