//! What Ctrl-C does: it ends the program, but leaves neither a terminal without echo nor a card with a verified PIN.

use std::sync::atomic::{AtomicBool, Ordering};

/// A secret is being typed, without echo.
static TYPING: AtomicBool = AtomicBool::new(false);
/// A card is held, and its PIN may be verified.
static HELD: AtomicBool = AtomicBool::new(false);
/// Ctrl-C was pressed meanwhile.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ctrl-C ends the program at once, except while a secret is typed, which the prompt ends, and while a card is held: then
/// the first one ends the work with it after the exchange under way.
fn heed() {
    // A second call changes nothing, and a system that refuses leaves the default.
    let _ = ctrlc::set_handler(|| {
        let is_cared_for =
            TYPING.load(Ordering::SeqCst) || HELD.load(Ordering::SeqCst) && !INTERRUPTED.swap(true, Ordering::SeqCst);
        if !is_cared_for {
            std::process::exit(130);
        }
    });
}

/// Asks for a secret; the terminal is as it was afterwards, whatever ends the question.
pub(crate) fn while_typing<T>(ask: impl FnOnce() -> T) -> T {
    heed();
    TYPING.store(true, Ordering::SeqCst);
    let answer = ask();
    TYPING.store(false, Ordering::SeqCst);
    answer
}

/// Says whether a card is held from now on.
#[cfg(feature = "pcsc")]
pub(crate) fn hold(is_held: bool) {
    heed();
    HELD.store(is_held, Ordering::SeqCst);
}

/// Whether Ctrl-C was pressed while a card was held.
#[cfg(feature = "pcsc")]
pub(crate) fn is_pressed() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}
