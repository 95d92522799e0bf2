//! How long to wait for a server.

use std::time::Duration;

use crate::error::Error;

/// How long each part of a request may take (wire contract §2.8). The defaults are for everybody; networks that are known
/// to be slow may want more. Looking a name up counts into [`TimeLimits::total`] alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeLimits {
    /// To open a TCP connection: 5 s. Through a proxy: to open one to the proxy, and once more for its answer.
    pub connect: Duration,
    /// For the TLS handshake after that: 10 s, as small servers and radio links need more for it than for TCP.
    pub tls: Duration,
    /// For the first byte of an answer on a connection that was used before: 4 s. It may have died unnoticed, as when a
    /// phone changes networks; a request that may be repeated then goes out once more, on a new connection, where it may
    /// take all the time there is.
    pub answer: Duration,
    /// For a whole request: 15 s. Two thirds of it for metadata and nonces, twice as much for an eligibility question.
    pub total: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            tls: Duration::from_secs(10),
            answer: Duration::from_secs(4),
            total: Duration::from_secs(15),
        }
    }
}

/// Less is a mistake in the unit, in milliseconds.
const SHORTEST: Duration = Duration::from_millis(100);
/// Nobody waits longer.
const LONGEST: Duration = Duration::from_secs(300);

impl TimeLimits {
    /// The same, if each is between 100 ms and five minutes.
    pub(crate) fn check(self) -> Result<Self, Error> {
        let all = [self.connect, self.tls, self.answer, self.total];
        if all.iter().all(|limit| (SHORTEST..=LONGEST).contains(limit)) {
            Ok(self)
        } else {
            Err(Error::usage("each time limit is between 100 ms and 300 s"))
        }
    }

    /// For a whole request of this kind.
    pub(crate) fn of(self, patience: Patience) -> Duration {
        match patience {
            Patience::Short => self.total.mul_f64(2.0 / 3.0),
            Patience::Usual => self.total,
            Patience::Long => self.total.saturating_mul(2),
        }
    }
}

/// Which of the times of the wire contract a request has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Patience {
    /// Metadata and nonces: an answer that is made before it is asked for.
    Short,
    /// Everything else.
    #[default]
    Usual,
    /// An eligibility question, which the server asks others.
    Long,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_wire_contract() {
        let limits = TimeLimits::default().check().expect("in bounds");
        let seconds = [Patience::Short, Patience::Usual, Patience::Long].map(|patience| limits.of(patience).as_secs());
        assert_eq!((limits.connect.as_secs(), seconds), (5, [10, 15, 30]));
    }

    #[test]
    fn limits_that_are_none_are_refused() {
        type Change = fn(&mut TimeLimits, Duration);
        let fields: [Change; 4] =
            [|l, to| l.connect = to, |l, to| l.tls = to, |l, to| l.answer = to, |l, to| l.total = to];
        for change in fields {
            for (limit, is_right) in [(0, false), (99, false), (100, true), (300_000, true), (300_001, false)] {
                let mut limits = TimeLimits::default();
                change(&mut limits, Duration::from_millis(limit));
                assert_eq!(limits.check().is_ok(), is_right, "{limit} ms");
            }
        }
    }
}
