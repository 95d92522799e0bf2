//! Ending a call that waits for a server, from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest time between cancelling and the end of a wait.
pub(crate) const POLL: Duration = Duration::from_millis(100);

/// Ends the waits it was handed to. Clones share one state.
///
/// Once cancelled it stays so, and every further call with it fails before anything is sent: to try again, hand over a
/// fresh one. So a cancellation that comes a moment before its call is not lost, and one that comes too late can never
/// hit the call after it.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Ends what waits, within a tenth of a second, with [`Error::Cancelled`](crate::Error::Cancelled). Does not block.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether [`Cancellation::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Blocks for `duration`, or until cancelled.
    pub fn sleep(&self, duration: Duration) {
        let started = Instant::now();
        while !self.is_cancelled() {
            let left = duration.saturating_sub(started.elapsed());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(POLL));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_one_state_and_others_do_not() {
        let (cancellation, other) = (Cancellation::default(), Cancellation::default());
        cancellation.clone().cancel();
        assert!(cancellation.is_cancelled() && !other.is_cancelled());
    }

    #[test]
    fn a_sleeper_wakes() {
        let cancellation = Cancellation::default();
        let sleeper = std::thread::spawn({
            let cancellation = cancellation.clone();
            move || cancellation.sleep(Duration::MAX)
        });
        // It sleeps by now, or the test shows less than it could.
        std::thread::sleep(POLL / 2);
        cancellation.cancel();
        sleeper.join().expect("no panic");
    }

    #[test]
    fn a_sleep_is_not_shorter_than_asked() {
        let started = Instant::now();
        Cancellation::default().sleep(POLL + POLL / 2);
        assert!(started.elapsed() >= POLL + POLL / 2);
    }
}
