//! One qualification: begin → tap → finish, with at most one call at a time, and `cancel` at any time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use kazasu::Cancellation;
use kazasu::card::UserAuthenticationPin;
use kazasu::qualify::assertion;
use kazasu::session as core;

use crate::card::CardCapabilities;
use crate::device_key::{DeviceKey, Key};
use crate::error::KazasuError;
use crate::qualify::QualifyClient;
use crate::transport::{CardTransport, Link};

mod records;
mod result;

pub use records::{FetchedRecords, RecordKind};
pub(crate) use result::Typed;
pub use result::{EligibilityResult, Freshness, InsuranceInfo, Qualification, SessionWarning};

/// Whose request this is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum Purpose {
    /// The holder's own.
    Own,
    /// For a family member.
    Family,
}

/// Whether the last try of a PIN may be used. Losing it means a visit to the municipal office.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum LastAttempt {
    /// Refuse.
    Refuse,
    /// The user was told and agreed.
    Allow,
}

/// The member whose card is read.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Member {
    /// The certificate of the member's earlier tap; another card is then refused before any PIN is sent.
    #[uniffi(default = None)]
    pub certificate: Option<Vec<u8>>,
    /// Whose request.
    pub purpose: Purpose,
    /// What the member's card showed at the earlier tap.
    #[uniffi(default = None)]
    pub capabilities: Option<CardCapabilities>,
    /// What `Session.server_patient` said at an earlier tap at this server: answers about anybody else fail with `KZ-D08`.
    #[uniffi(default = None)]
    pub patient: Option<String>,
}

/// How far the tap has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, uniffi::Enum)]
pub enum TapStep {
    /// The card answers.
    CardFound,
    /// Its certificate may be used.
    CertificateChecked,
    /// The PIN was right.
    PinVerified,
    /// The card has signed and may be taken away.
    Signed,
}

/// Told how far the tap has come; called on the thread of `tap`.
#[uniffi::export(with_foreign)]
pub trait ProgressListener: Send + Sync {
    /// One step is done. What it throws is ignored.
    fn on_step(&self, step: TapStep) -> Result<(), ListenerError>;
}

/// A listener failed; nothing follows from it.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum ListenerError {
    /// The listener threw.
    #[error("the listener failed")]
    Failed,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ListenerError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

/// What to keep with the member after a tap.
#[derive(Clone, Debug, uniffi::Record)]
pub struct TapResult {
    /// The card's certificate.
    pub certificate: Vec<u8>,
    /// What the card has shown it can do.
    pub capabilities: CardCapabilities,
}

/// Fails with `TooManyMembers` when `registered` members leave no place for another one. No I/O.
#[uniffi::export]
pub fn check_new_member(registered: u32) -> Result<(), KazasuError> {
    Ok(core::check_new_member(registered)?)
}

enum State {
    New(Box<core::Member>),
    Awaiting(Box<core::AwaitingTap>),
    Signed(Box<core::Signed>),
    Access(Box<kazasu::qualify::Access>),
    /// A call is at work, or it panicked.
    Taken,
}

/// One qualification of one member: `begin`, `tap`, `finish`. Blocking; a second call while one runs fails with `Busy`.
#[derive(uniffi::Object)]
pub struct Session {
    client: Arc<kazasu::qualify::QualifyClient>,
    state: Mutex<State>,
    /// Beside the state, which a running call holds.
    cancellation: Mutex<Cancellation>,
    pin_was_sent: AtomicBool,
    /// FHIR JSON of the last answer.
    answer: Mutex<Option<String>>,
    /// What the card of the last tap has shown.
    capabilities: Mutex<Option<CardCapabilities>>,
}

/// A method, not a constructor of `Session`: generated Kotlin counts the calls in which an object is the receiver and
/// keeps it until they end, but an object that is an argument may be freed by `close()` on another thread.
#[uniffi::export]
impl QualifyClient {
    /// A session for this member; no I/O.
    pub fn session(&self, member: Member, device_key: Arc<dyn DeviceKey>) -> Arc<Session> {
        let member = core::Member {
            device_key: Arc::new(Key(device_key)),
            certificate: member.certificate,
            patient: member.patient,
            purpose: match member.purpose {
                Purpose::Own => assertion::Purpose::Own,
                Purpose::Family => assertion::Purpose::Family,
            },
            capabilities: member.capabilities.unwrap_or_default().into(),
        };
        Arc::new(Session {
            client: Arc::clone(&self.core),
            state: Mutex::new(State::New(Box::new(member))),
            cancellation: Mutex::default(),
            pin_was_sent: AtomicBool::new(false),
            answer: Mutex::default(),
            capabilities: Mutex::default(),
        })
    }
}

#[uniffi::export]
impl Session {
    /// Fetches metadata and nonce and leaves the connection open. Call it before asking for the card. May be called again
    /// after a failure.
    pub fn begin(&self) -> Result<(), KazasuError> {
        let mut state = self.lock()?;
        let member = match std::mem::replace(&mut *state, State::Taken) {
            State::New(member) => member,
            other => {
                *state = other;
                return Err(wrong_order("begin comes first, once"));
            }
        };
        match core::begin(self.client.cancelled_by(self.cancellation()), (*member).clone()) {
            Ok(awaiting) => {
                *state = State::Awaiting(Box::new(awaiting));
                Ok(())
            }
            Err(error) => {
                *state = State::New(member);
                Err(error.into())
            }
        }
    }

    /// Ends the call under way that waits for the server, within a tenth of a second, and those to come before they send
    /// anything, all with `Cancelled`, until `rearm`. Does not block. A tap is ended by closing its link.
    pub fn cancel(&self) {
        self.cancellation().cancel();
    }

    /// Lets calls go to the server again after `cancel`. What the session had come to is kept: a `finish` that was
    /// cancelled may be called again, within a minute of the tap.
    pub fn rearm(&self) {
        *self.cancellation.lock().unwrap_or_else(PoisonError::into_inner) = Cancellation::default();
    }

    /// Fetches a new nonce if the present one is nearly over. Call it when the PIN was typed slowly.
    pub fn renew(&self) -> Result<(), KazasuError> {
        match &mut *self.lock()? {
            State::Awaiting(awaiting) => {
                awaiting.set_cancellation(self.cancellation());
                Ok(awaiting.renew()?)
            }
            State::New(_) | State::Signed(_) | State::Access(_) | State::Taken => {
                Err(wrong_order("renew belongs between begin and tap"))
            }
        }
    }

    /// Reads and checks the certificate, sends the PIN once, has the card sign. Uses no network.
    ///
    /// After a failure the session waits for another tap. `pin` is copied into memory that is wiped; wipe your own.
    pub fn tap(
        &self,
        transport: Arc<dyn CardTransport>,
        pin: &[u8],
        last_attempt: LastAttempt,
        progress: Option<Arc<dyn ProgressListener>>,
    ) -> Result<TapResult, KazasuError> {
        let pin = UserAuthenticationPin::parse(pin)?;
        let mut state = self.lock()?;
        let awaiting = match std::mem::replace(&mut *state, State::Taken) {
            State::Awaiting(awaiting) => awaiting,
            other => {
                *state = other;
                return Err(wrong_order("tap belongs after begin, once"));
            }
        };
        // Until the core says otherwise: a panic, or a caller that does not wait for the end, must not send it again.
        self.pin_was_sent.store(true, Ordering::Release);
        let last_attempt = match last_attempt {
            LastAttempt::Refuse => kazasu::card::LastAttempt::Refuse,
            LastAttempt::Allow => kazasu::card::LastAttempt::Allow,
        };
        let mut on_step = |step| {
            if let Some(listener) = &progress {
                let _ = listener.on_step(step_of(step));
            }
        };
        match awaiting.tap(&mut Link(transport), pin, last_attempt, &mut on_step) {
            Ok(signed) => {
                let result = TapResult {
                    certificate: signed.certificate().der().to_vec(),
                    capabilities: signed.capabilities().into(),
                };
                self.learn(result.capabilities);
                *state = State::Signed(Box::new(signed));
                Ok(result)
            }
            Err(failed) => {
                self.pin_was_sent.store(failed.pin.is_none(), Ordering::Release);
                self.learn(failed.awaiting.capabilities().into());
                *state = State::Awaiting(Box::new(failed.awaiting));
                Err(failed.error.into())
            }
        }
    }

    /// Whether the PIN given to the last tap has gone to the card, or may have; a PIN is sent once for each entry. If not,
    /// the same entry serves another tap, for a minute at most. Does not block.
    pub fn pin_was_sent(&self) -> bool {
        self.pin_was_sent.load(Ordering::Acquire)
    }

    /// What the card has shown by the end of the last tap, of one that failed too: keep it with the member, so that the next
    /// session does without what broke this one. Absent before a tap. Does not block.
    pub fn capabilities(&self) -> Option<CardCapabilities> {
        *self.capabilities.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the assertion and asks for the eligibility. May be called again after a failure, within a minute of the tap.
    pub fn finish(&self) -> Result<EligibilityResult, KazasuError> {
        match &mut *self.lock()? {
            State::Signed(signed) => {
                signed.set_cancellation(self.cancellation());
                let qualified = signed.finish()?;
                let answer = qualified.eligibility.as_json().to_string();
                *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
                Ok(EligibilityResult::of(&qualified))
            }
            State::New(_) | State::Awaiting(_) | State::Access(_) | State::Taken => {
                Err(wrong_order("finish belongs after tap"))
            }
        }
    }

    /// What `finish` was answered, as FHIR R4 JSON, for `Store.add_history`. Personal: it belongs in no log. Does not block.
    pub fn answer_json(&self) -> Option<String> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Session {
    /// The access that `finish` has given: the session keeps nothing else from then on.
    fn with_access<R>(
        &self,
        work: impl FnOnce(&mut kazasu::qualify::Access) -> Result<R, kazasu::Error>,
    ) -> Result<R, KazasuError> {
        let mut state = self.lock()?;
        if self.answer_json().is_none() {
            return Err(wrong_order("there is access after finish"));
        }
        *state = match std::mem::replace(&mut *state, State::Taken) {
            State::Signed(signed) => State::Access(Box::new(signed.into_access()?)),
            other => other,
        };
        match &mut *state {
            State::Access(access) => {
                access.set_cancellation(self.cancellation());
                Ok(work(access)?)
            }
            State::New(_) | State::Awaiting(_) | State::Signed(_) | State::Taken => {
                Err(wrong_order("there is access after finish"))
            }
        }
    }

    fn learn(&self, capabilities: CardCapabilities) {
        *self.capabilities.lock().unwrap_or_else(PoisonError::into_inner) = Some(capabilities);
    }

    fn cancellation(&self) -> Cancellation {
        self.cancellation.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, KazasuError> {
        match self.state.try_lock() {
            Ok(state) => Ok(state),
            Err(TryLockError::WouldBlock) => Err(KazasuError::Busy),
            // After a panic the state is `Taken`, which every call refuses.
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
        }
    }
}

fn wrong_order(detail: &str) -> KazasuError {
    KazasuError::Usage { detail: detail.to_owned() }
}

fn step_of(step: core::TapStep) -> TapStep {
    match step {
        core::TapStep::CardFound => TapStep::CardFound,
        core::TapStep::CertificateChecked => TapStep::CertificateChecked,
        core::TapStep::PinVerified => TapStep::PinVerified,
        core::TapStep::Signed => TapStep::Signed,
    }
}
