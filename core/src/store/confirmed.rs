//! Time that a server has confirmed: what may lead to something that cannot be undone counts in it alone.
//!
//! The clock of a device is anybody's to set. It is believed for a day after a server said nearly the same.

use super::event::Event;
use super::known_time::{KnownTime, is_near};
use super::{Store, Tx};
use crate::error::Error;
use crate::time::UnixMillis;

impl Store {
    /// Tells the store what a server said the time is, in an answer that came just now and from no cache. Confirmed time is
    /// what old data are deleted by: call it after each contact. It is in the log at most once a day.
    ///
    /// Tells whether the clock is confirmed: within a day of the server's, which says no time at which this version cannot
    /// run ([`UnixMillis::is_plausible`]).
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::DeviceKey`] when the log key refuses.
    pub fn confirm_clock(&mut self, server_time: UnixMillis) -> Result<bool, Error> {
        let now = self.context.clock.now();
        let known = self.state.time.at(now);
        let is_right = is_near(server_time, now);
        let says_the_same = known.map(|known| is_near(server_time, known));
        // Confirmed already, or neither before nor now.
        if says_the_same == is_right.then_some(true) {
            return Ok(is_right);
        }
        self.write(|tx| tx.confirm_clock(server_time))
    }

    /// Whether the clock is one that a server has confirmed in the last 24 hours.
    pub fn is_clock_confirmed(&self) -> bool {
        self.state.time.at(self.context.clock.now()).is_some()
    }
}

impl Tx<'_> {
    /// Believes the clock for a day if it is near the server's, and not at all otherwise.
    pub(super) fn confirm_clock(&mut self, server_time: UnixMillis) -> Result<bool, Error> {
        let now = self.context.clock.now();
        if !is_near(server_time, now) {
            self.state.time = KnownTime::NEVER;
            return Ok(false);
        }
        if self.state.time.at(now).is_none_or(|known| !is_near(server_time, known)) {
            self.state.time = KnownTime { server: server_time, local: now };
            self.log(Event::ClockConfirmed, None, Ok(()), 0)?;
        }
        Ok(true)
    }
}
