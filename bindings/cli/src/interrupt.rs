//! What Ctrl-C, a closed terminal and `kill` do: they end the program, but leave neither a terminal without echo, nor a
//! card with a verified PIN, nor a file half written.

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kazasu::iso7816::{CardTransport, LinkEnd, TransportError, TransportLimits};
use rustix::termios::{OptionalActions, Termios, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;
use crate::files;
use crate::output::{self, Output};

/// How long the end may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// A terminal without echo, with the settings it had before.
static SILENCED: Mutex<Option<(File, Termios)>> = Mutex::new(None);
/// A card is held, and its PIN may be verified.
static HELD: AtomicBool = AtomicBool::new(false);
/// The signal that came meanwhile; 0 for none.
static INTERRUPTED: AtomicI32 = AtomicI32::new(0);

/// From now on a signal ends the program at once, except while a card is held: then the first one ends the work with it
/// after the exchange under way.
pub(crate) fn heed(output: Output) {
    let ignored = ignored();
    let heeded = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    // A system that refuses leaves the default.
    let Ok(mut signals) = Signals::new(heeded) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if !HELD.load(Ordering::SeqCst) || INTERRUPTED.swap(signal, Ordering::SeqCst) != 0 {
                end(signal, output);
            }
        }
    });
}

/// What shells expect of a program that a signal ended; that of Ctrl-C where none was seen.
pub(crate) fn exit_code() -> u8 {
    let signal = match INTERRUPTED.load(Ordering::SeqCst) {
        0 => SIGINT,
        signal => signal,
    };
    code_of(signal)
}

fn code_of(signal: i32) -> u8 {
    128 + u8::try_from(signal).unwrap_or(0)
}

fn end(signal: i32, output: Output) -> ! {
    // A disk or a reader of standard error that does not answer holds nobody.
    std::thread::spawn(move || {
        std::thread::sleep(PATIENCE);
        std::process::exit(code_of(signal).into());
    });
    // Both stay locked: the main thread neither silences the terminal nor begins a file any more.
    let mut silenced = SILENCED.lock().unwrap_or_else(PoisonError::into_inner);
    restore(&mut silenced);
    std::mem::forget(silenced);
    files::abandon();
    let cancelled: Failure = kazasu::Error::Cancelled.into();
    output::tell(&cancelled, output);
    std::process::exit(code_of(signal).into())
}

/// `nohup` and shells that start a program in the background have it ignore signals; so it stays. The lowest bit is signal 1.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// A terminal whose settings come back when this is dropped, or when a signal ends the program.
pub(crate) struct Silence(());

impl Silence {
    /// Sets `settings` in the place of `before`; what was typed ahead is not an answer.
    pub(crate) fn begin(terminal: &File, before: Termios, settings: &Termios) -> std::io::Result<Self> {
        let mut silenced = SILENCED.lock().unwrap_or_else(PoisonError::into_inner);
        *silenced = Some((terminal.try_clone()?, before));
        tcsetattr(terminal, OptionalActions::Flush, settings)?;
        Ok(Self(()))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        restore(&mut SILENCED.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn restore(silenced: &mut Option<(File, Termios)>) {
    if let Some((terminal, before)) = silenced.take() {
        // What is left of a secret must not become the shell's next line.
        let _ = tcsetattr(&terminal, OptionalActions::Flush, &before);
    }
}

/// A card that a signal takes away between two exchanges, never within one.
pub(crate) struct HeldCard {
    /// `None` only while it is dropped.
    card: Option<Box<dyn CardTransport>>,
}

impl HeldCard {
    /// From now on a signal ends the work with the card.
    pub(crate) fn new(card: Box<dyn CardTransport>) -> Self {
        HELD.store(true, Ordering::SeqCst);
        Self { card: Some(card) }
    }
}

impl CardTransport for HeldCard {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let card = self.card.as_mut().ok_or(TransportError::NotSent { end: LinkEnd::TagLost })?;
        if is_pressed() {
            return Err(TransportError::NotSent { end: LinkEnd::Cancelled });
        }
        let answer = card.transceive(command)?;
        // The outcome of VERIFY with a PIN and of a change has to be known; anything else ends here.
        let decides = matches!(command, [_, 0x20 | 0x24, _, _, _, _, ..]);
        if is_pressed() && !decides { Err(TransportError::Cancelled) } else { Ok(answer) }
    }

    fn limits(&self) -> TransportLimits {
        self.card.as_ref().map_or(TransportLimits::SHORT, |card| card.limits())
    }
}

impl Drop for HeldCard {
    fn drop(&mut self) {
        // Without power first: a signal that comes meanwhile must not end the program before.
        self.card = None;
        HELD.store(false, Ordering::SeqCst);
    }
}

/// Whether a signal came while a card was held.
pub(crate) fn is_pressed() -> bool {
    INTERRUPTED.load(Ordering::SeqCst) != 0
}
